/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"

/*
 * Requests about one link, by its index and never by its name: a name can belong
 * to another link by the time the request arrives.
 */

/* RTM_SETLINK for @ifindex: @change says which of IFF_* @flags has the new value
 * of. (transfer full): free with nlmsg_free(). Privilege: none */
struct nl_msg *link_change(int ifindex, guint32 flags, guint32 change);

/* Into a bridge, or out of it with 0; up or down.
 * Privilege: CAP_NET_ADMIN. Errors: KERNEL */
bool link_set_master(Netlink *route, int ifindex, int master_ifindex,
                     GError **error) must_use;

bool link_set_up(Netlink *route, int ifindex, bool up,
                 GError **error) must_use;

/**
 * link_delete:
 * @ifindex: from an RTM_GETLINK of this start
 *
 * One that is gone already is success.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool link_delete(Netlink *route, int ifindex, GError **error) must_use;

/**
 * link_transact:
 * @message: (transfer none): one request
 * @tolerated_errno: counts as success; 0 for none
 * @what: for the error
 *
 * Privilege: that of the request
 * Errors: KERNEL
 * Returns: true on success
 */
bool link_transact(Netlink *route, struct nl_msg *message, int tolerated_errno,
                   const char *what, int *ret_errno,
                   GError **error) must_use;
