/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/rules.h"

#include <netlink/msg.h>

/*
 * Rules as nf_tables messages. Each function makes one message (transfer full,
 * nlmsg_free()); none talks to the kernel. What verify.c expects in a dump is
 * made by the same functions as what is sent.
 */

typedef struct nl_msg NetlinkMessage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetlinkMessage, nlmsg_free)

/* @generation: that the batch is refused if the ruleset has another one
 * (ERESTART); 0 for any. */
NetlinkMessage *encode_begin(guint32 generation);
NetlinkMessage *encode_end(void);

/* NEWTABLE, refused (EEXIST) if it exists; DELTABLE with all that it holds. */
NetlinkMessage *encode_table(const TableSpec *spec);
NetlinkMessage *encode_delete_table(const TableSpec *spec);

NetlinkMessage *encode_chain(const TableSpec *spec, const ChainSpec *chain);
NetlinkMessage *encode_rule(const TableSpec *spec, const RuleSpec *rule);

/* @set: position in the table's list of sets. */
NetlinkMessage *encode_set(const TableSpec *spec, guint set);

/**
 * encode_elements:
 * @type: NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM or NFT_MSG_GETSETELEM
 * @flags: NLM_F_*; NLM_F_EXCL: refused (EEXIST) if one exists
 * @rows: n_rows of them, keys and in maps data; only keys are sent where none
 *   is made
 * @ret_taken: as many as fit into one message; call again for the rest
 *
 * Returns: (transfer full): the message
 */
NetlinkMessage *encode_elements(const TableSpec *spec, guint set, int type,
                                int flags, const guint8 *rows, guint n_rows,
                                guint *ret_taken);

/* A request for what is in the table: @type is NFT_MSG_GET*, @set (nullable) a
 * set's name; @flags NLM_F_DUMP or 0. @spec NULL asks for no table
 * (NFT_MSG_GETGEN). */
NetlinkMessage *encode_get(const TableSpec *spec, int type, int flags,
                           const char *set);
