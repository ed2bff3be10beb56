/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/rules.h"
#include "kernel/netlink.h"

typedef enum {
    VERIFY_ABSENT,   /* there is no such table */
    VERIFY_DIFFERS,  /* chains, sets or rules are not as they should be */
    VERIFY_ELEMENTS, /* only elements are */
    VERIFY_SAME,
} VerifyResult;

/* What was found of a table. */
typedef struct {
    VerifyResult result;
    const char *difference; /* static: which kind of object differs */
    GByteArray *missing[SETS_MAX]; /* what is to be added, or NULL */
    GByteArray *surplus[SETS_MAX]; /* what nothing explains, or NULL */
} VerifyTable;

void verify_table_clear(VerifyTable *found);

/**
 * verify_table:
 * @ruleset: what should be
 * @index: which of its tables
 * @ret_found: filled in any case; verify_table_clear() it
 * @ret_errno: EINTR if the ruleset changed during the dump: ask again
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true if the kernel answered
 */
bool verify_table(Netlink *netfilter, const Ruleset *ruleset, TableIndex index,
                  VerifyTable *ret_found, int *ret_errno,
                  GError **error) must_use;

/* The part of verify_table() that is about elements. */
bool verify_elements(Netlink *netfilter, const Ruleset *ruleset,
                     TableIndex index, VerifyTable *found, int *ret_errno,
                     GError **error) must_use;

/**
 * verify_dump_elements:
 * @rows: all elements of the set are appended here
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool verify_dump_elements(Netlink *netfilter, const TableSpec *spec, guint set,
                          GByteArray *rows, int *ret_errno,
                          GError **error) must_use;

/**
 * verify_matches:
 * @sent: an nf_tables message as encode.c makes it
 * @dumped: an object as the kernel tells it
 *
 * True if every attribute of @sent is in @dumped with the same value, and
 * a rule's expressions are as many, in the same order. What the kernel adds
 * (handles, counters of uses) does not matter. Pure.
 *
 * Privilege: none
 */
bool verify_matches(const struct nlmsghdr *sent, const struct nlmsghdr *dumped);

/* An attribute of an nf_tables message, NULL if it has none of that type. */
const struct nlattr *verify_find_attribute(const struct nlmsghdr *message,
                                           int type);
