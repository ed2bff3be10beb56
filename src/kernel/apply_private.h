/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/apply.h"
#include "kernel/bridge.h"

/*
 * What apply.c (the queue), apply_host.c (operations of the host that need
 * answers on the way) and apply_undo.c (the way back) share. Nobody else includes
 * this.
 */

typedef enum {
    UNDO_BRIDGE,
    UNDO_UPLINK,
    UNDO_FORWARDING,
    UNDO_FORWARDING6,
    UNDO_UNREACHABLE,
    UNDO_RULE,
    UNDO_UNREACHABLE6,
    UNDO_RULE6,
} UndoType;

typedef struct {
    UndoType type;
    guint request; /* while queued: its number in the batch */
    int ifindex;
    Prefix4 prefix;
    Prefix6 prefix6;
    BridgeUplink uplink;
} Undo;

struct Apply {
    Netlink *route;
    Netlink *netfilter;
    int tap_ifindex;
    Ifname tap;
    NetlinkBatch *batch;
    GArray *queued;      /* Undo: for requests in the batch */
    GArray *journal;     /* Undo: done */
    GArray *forwarding6; /* Forwarding6Link: what switching it on changed */
    bool up_queued;
    Ifname bridge; /* the one that was looked up, and its index */
    int bridge_ifindex;
};

/* PLAN_FORWARDING_ON, PLAN_FORWARDING6_ON, PLAN_BRIDGE_MAKE, PLAN_BRIDGE_UPLINK.
 * Privilege: CAP_NET_ADMIN. Errors: KERNEL, CONFLICT, UNSUPPORTED */
bool apply_host(Apply *apply, const PlanOperation *operation,
                GError **error) must_use;

/* The bridge's index: asked once. Errors: KERNEL, CONFLICT */
bool apply_find_bridge(Apply *apply, const Ifname *name, int *ret_ifindex,
                       GError **error) must_use;
