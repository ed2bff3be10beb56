/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "kernel/netlink.h"
#include "pool/store.h"

/* Whose ports are counted, on which network, by what. */
typedef struct {
    const Segment *segment;
    Netlink *route;
    Store *store;
    int owners_fd; /* from owners_open() */
    uid_t uid;
    guint32 max_ports; /* PERMIT_UNLIMITED for no quota */
} Quota;

/**
 * quota_check:
 * @memory: the store is there, and its lock held; else all taps are looked at
 * @lost: the store does not tell of all live taps: it is told
 *
 * Asks before a tap is made. With memory the price depends on the quota, not on
 * the links of the host.
 *
 * Privilege: none
 * Errors: EXHAUSTED, KERNEL
 * Returns: true if there is room for one more
 */
bool quota_check(const Quota *quota, bool memory, bool lost,
                 GError **error) must_use;

/**
 * quota_check_again:
 *
 * For a start without the lock, once its tap is made and its owner written
 * down: another start of the caller's may have counted at the same time. The
 * later of the two sees both.
 *
 * Privilege: none
 * Errors: EXHAUSTED, KERNEL
 * Returns: true if the new port is within the quota
 */
bool quota_check_again(const Quota *quota, GError **error) must_use;

/* Whom a tap was given to; while it is being made, the kernel's word is good.
 * Returns: false if nobody knows */
bool quota_find_owner(const Quota *quota, guint32 slot, const FactsLink *tap,
                      uid_t *ret_uid);
