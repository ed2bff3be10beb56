/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"

/**
 * conntrack_forget:
 * @netfilter: a NETLINK_NETFILTER socket
 * @address: host byte order
 *
 * Deletes every connection that the kernel remembers from or to an address,
 * before or after translation. Without any connection in this namespace that
 * is one question of some microseconds; else the kernel's whole table is walked.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true if none is left
 */
bool conntrack_forget(Netlink *netfilter, guint32 address,
                      GError **error) must_use;

/* The same for kernels before 6.11, which cannot filter deletions. Used by
 * conntrack_forget(); public for the test. */
bool conntrack_forget_by_dump(Netlink *netfilter, guint32 address,
                              GError **error) must_use;
