/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/encode.h"
#include "kernel/netlink.h"

/* Changes that nf_tables makes all at once or not at all. */
typedef struct Transaction Transaction;

/* @generation: that it is made for (ERESTART if there is another by then), or
 * 0 for any. */
Transaction *transaction_new(guint32 generation);
void transaction_free(Transaction *transaction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transaction, transaction_free)

/* The generation after the transaction that was made for this one. Source:
 * Linux net/netfilter/nf_tables_api.c, nf_tables_commit(): 0 is left out */
guint32 transaction_next_generation(guint32 generation);

bool transaction_is_empty(const Transaction *transaction);

/* A whole table, with its elements; it must not be there. */
void transaction_create(Transaction *transaction, const RulesTable *table);
void transaction_delete(Transaction *transaction, const TableSpec *spec);

/* @type: NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM. @flags: NLM_F_CREATE for
 * the first, NLM_F_EXCL as well if there may not be one. @rows (nullable):
 * in a row. */
void transaction_elements(Transaction *transaction, const TableSpec *spec,
                          guint set, int type, int flags, const guint8 *rows,
                          guint n_bytes);

/**
 * transaction_commit:
 * @ret_errno: (nullable): the kernel's, 0 on success
 *
 * Sends it in one system call; at most once for a Transaction.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL; UNSUPPORTED if the kernel lacks a part of nf_tables
 * Returns: true if all was done, false if nothing was
 */
bool transaction_commit(Transaction *transaction, Netlink *netfilter,
                        int *ret_errno, GError **error) must_use;
