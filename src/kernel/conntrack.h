/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "kernel/netlink.h"

/**
 * conntrack_forget:
 * @netfilter: a NETLINK_NETFILTER socket
 * @address: host byte order; 0 for none
 * @prefix6: (nullable): a port's /64
 *
 * Deletes every connection that the kernel remembers from or to these, before or
 * after translation. Without any connection in this namespace that is one
 * question of some microseconds; else the kernel's whole table is walked (0.3 ms
 * for an address, 0.7 for a prefix that has none, 9 for one that has, where the
 * table has 262144 buckets).
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true if none is left
 */
bool conntrack_forget(Netlink *netfilter, guint32 address,
                      const Prefix6 *prefix6, GError **error) must_use;

/* The same by a dump, which kernels before 6.11 need for everything, and all of
 * them for the connections of a prefix. Used by conntrack_forget(); public for the test. */
bool conntrack_forget_by_dump(Netlink *netfilter, guint32 address,
                              const Prefix6 *prefix6,
                              GError **error) must_use;
