/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"
#include "plan/plan.h"

/**
 * bridge_ensure:
 * @operation: PLAN_BRIDGE_MAKE
 * @ret_ifindex: of the bridge
 * @ret_made: whether it was made now; one that existed is left as it is
 *
 * A bridge made here has the MAC and (if not 0) the MTU of @operation for good,
 * no spanning tree, no multicast snooping, and IPv6 of its own switched off,
 * unless @operation wants it. One of a network's own group, a shared segment's,
 * is a gateway to its guests (port_put_gateway()), and nobody else's.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, CONFLICT if the name is another kind of link's, or, for a
 *   shared segment, another's bridge
 * Returns: true on success; on failure nothing is left behind
 */
bool bridge_ensure(Netlink *route, const PlanOperation *operation,
                   int *ret_ifindex, bool *ret_made,
                   GError **error) must_use;

/**
 * bridge_find:
 * @name: of a bridge
 * @ret_ifindex: its index
 *
 * Privilege: none
 * Errors: KERNEL, CONFLICT if there is none, or it is no bridge
 * Returns: true on success
 */
bool bridge_find(Netlink *route, const Ifname *name, int *ret_ifindex,
                 GError **error) must_use;

/* What bridge_enslave() changed. */
typedef struct {
    int ifindex;    /* of the uplink */
    bool enslaved;  /* it joined the bridge now */
    bool set_up;    /* it was down */
} BridgeUplink;

/**
 * bridge_enslave:
 * @bridge_ifindex: from bridge_ensure()
 * @bridge: its name, for messages
 * @uplink: the interface that is to join it
 * @ret_uplink: what was changed, on failure as well
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, CONFLICT (absent, with an address, another's, a bridge, the
 *   loopback), UNSUPPORTED (wireless)
 * Returns: true if it is a member and up
 */
bool bridge_enslave(Netlink *route, int bridge_ifindex, const Ifname *bridge,
                    const Ifname *uplink, BridgeUplink *ret_uplink,
                    GError **error) must_use;

/**
 * bridge_release:
 * @name: of a shared segment's bridge
 *
 * Deletes it if it is ours and has no ports. One that is gone is success.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool bridge_release(Netlink *route, const Ifname *name,
                    GError **error) must_use;

/* Deletes a bridge, unless a link other than @except_ifindex joined it. */
void bridge_delete_unused(Netlink *route, int ifindex, int except_ifindex);
