/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "base/ifname.h"

/* A value below /proc/sys/net that is kept for each interface. */
typedef enum {
    SYSCTL_IPV6_DISABLE,    /* ipv6/conf/NAME/disable_ipv6: 0, 1 */
    SYSCTL_IPV6_ACCEPT_RA,  /* ipv6/conf/NAME/accept_ra: 0, 1, 2 */
    SYSCTL_IPV6_FORWARDING, /* ipv6/conf/NAME/forwarding: 0, 1 */
} SysctlLink;

/* In the place of a link's name: the values of links that are yet to come. No
 * link can have that name, nor "all" (Linux net/ipv4/devinet.c,
 * devinet_sysctl_register()). */
#define SYSCTL_DEFAULT "default"
#define SYSCTL_ALL     "all"

/**
 * sysctl_set_link:
 * @link: whose; never "all" or "default"
 * @value: one digit
 * @ret_present: (nullable): false if the kernel has no such value, as one
 *   without IPv6 has none; that counts as success
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool sysctl_set_link(SysctlLink which, const Ifname *link, int value,
                     bool *ret_present, GError **error) must_use;

/* The same for links that are yet to come. */
bool sysctl_set_default(SysctlLink which, int value,
                        GError **error) must_use;

/**
 * sysctl_get:
 * @name: of a link, SYSCTL_DEFAULT or SYSCTL_ALL
 * @ret_value: 0 where the kernel has no such value
 * @ret_present: (nullable): whether it has
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true on success
 */
bool sysctl_get(SysctlLink which, const char *name, int *ret_value,
                bool *ret_present, GError **error) must_use;

/* net.ipv4.ip_forward. Setting it is read back: in a container the file may be
 * another than it seems. Privilege: none to get, CAP_NET_ADMIN to set.
 * Errors: KERNEL */
bool sysctl_get_forwarding(bool *ret_on, GError **error) must_use;
bool sysctl_set_forwarding(bool on, GError **error) must_use;

/* net.ipv6.conf.all.forwarding: writing it writes every link's and the default's
 * as well. Off where there is no IPv6. As above. */
bool sysctl_get_forwarding6(bool *ret_on, GError **error) must_use;
bool sysctl_set_forwarding6(bool on, GError **error) must_use;
