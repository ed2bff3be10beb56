/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "base/ifname.h"

/* A switch below /proc/sys/net that is kept for each interface. */
typedef enum {
    SYSCTL_IPV6_DISABLE, /* ipv6/conf/NAME/disable_ipv6 */
} SysctlLink;

/**
 * sysctl_set_link:
 * @link: whose; never "all" or "default"
 * @ret_present: (nullable): false if the kernel has no such switch, as one
 *   without IPv6 has none; that counts as success
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool sysctl_set_link(SysctlLink which, const Ifname *link, bool on,
                     bool *ret_present, GError **error) must_use;

/* net.ipv4.ip_forward. Setting it is read back: in a container the file may be
 * another than it seems. Privilege: none to get, CAP_NET_ADMIN to set.
 * Errors: KERNEL */
bool sysctl_get_forwarding(bool *ret_on, GError **error) must_use;
bool sysctl_set_forwarding(bool on, GError **error) must_use;
