/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply_private.h"
#include "kernel/forwarding6.h"
#include "kernel/link.h"
#include "kernel/message.h"
#include "kernel/port.h"
#include "kernel/sysctl.h"

/*
 * The way back: the journal from its end to its beginning. What fails is passed
 * over, because there is nothing better to do about it; the next start mends what
 * it needs.
 */

/* Every type but those of PLAN_SUBNET_*, whose undoing is not kept from
 * anybody. */
static UndoType undo_of(PlanType type)
{
    switch (type) {
    case PLAN_FORWARDING_ON:
        return UNDO_FORWARDING;
    case PLAN_FORWARDING6_ON:
        return UNDO_FORWARDING6;
    case PLAN_BRIDGE_MAKE:
        return UNDO_BRIDGE;
    default:
        return UNDO_UPLINK;
    }
}

void apply_keep(Apply *apply, PlanType type)
{
    UndoType kept = undo_of(type);

    for (guint i = apply->journal->len; i > 0; i--) {
        if (g_array_index(apply->journal, Undo, i - 1).type == kept) {
            g_array_remove_index(apply->journal, i - 1);
        }
    }
}

static void undo_uplink(Netlink *route, const BridgeUplink *uplink)
{
    if (uplink->enslaved) {
        (void)!link_set_master(route, uplink->ifindex, 0, NULL);
    }
    if (uplink->set_up) {
        (void)!link_set_up(route, uplink->ifindex, false, NULL);
    }
}

static void undo_request(Netlink *route, struct nl_msg *message)
{
    (void)!link_transact(route, message, 0, NULL, NULL, NULL);
    nlmsg_free(message);
}

static void undo_one(Apply *apply, const Undo *undo)
{
    Netlink *route = apply->route;

    switch (undo->type) {
    case UNDO_BRIDGE:
        bridge_delete_unused(route, undo->ifindex, apply->tap_ifindex);
        break;
    case UNDO_UPLINK:
        undo_uplink(route, &undo->uplink);
        break;
    case UNDO_FORWARDING:
        /* Off if it is off by now; else it is what we wrote. */
        (void)!sysctl_set_forwarding(false, NULL);
        break;
    case UNDO_FORWARDING6:
        (void)!forwarding6_off(apply->forwarding6, NULL);
        g_array_set_size(apply->forwarding6, 0);
        break;
    case UNDO_UNREACHABLE:
        undo_request(route, port_subnet_unreachable(undo->prefix, false));
        break;
    case UNDO_RULE:
        undo_request(route, port_subnet_rule(undo->prefix, false));
        break;
    case UNDO_UNREACHABLE6:
        undo_request(route, port_subnet6_unreachable(&undo->prefix6, false));
        break;
    case UNDO_RULE6:
        undo_request(route, port_subnet6_rule(&undo->prefix6, false));
        break;
    }
}

void apply_undo(Apply *apply)
{
    while (apply->journal->len > 0) {
        guint last = apply->journal->len - 1;
        const Undo undo = g_array_index(apply->journal, Undo, last);

        g_array_set_size(apply->journal, last);
        undo_one(apply, &undo);
    }
}
