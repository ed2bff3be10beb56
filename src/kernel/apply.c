/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply.h"
#include "kernel/bridge.h"
#include "kernel/conntrack.h"
#include "kernel/link.h"
#include "kernel/message.h"
#include "kernel/port.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <string.h>

/*
 * Carrying out the kernel's operations of a plan.
 *
 * What can be said in netlink and needs no answer on the way is queued, and goes
 * to the kernel in one system call with the first operation that cannot, or with
 * apply_flush(). The kernel handles it in order, so the queue keeps the plan's
 * order; what goes beside it (a sysctl, conntrack) may overtake what is queued
 * for the host, never PLAN_PORT_UP.
 *
 * The journal holds what was changed of the host, in the order in which that was
 * done. An addition that the kernel said exists already is another's work, maybe
 * of a network that lives, and never enters it.
 */

typedef enum {
    UNDO_BRIDGE,
    UNDO_UPLINK,
    UNDO_FORWARDING,
    UNDO_UNREACHABLE,
    UNDO_RULE,
} UndoType;

typedef struct {
    UndoType type;
    guint request; /* while queued: its number in the batch */
    int ifindex;
    Prefix4 prefix;
    BridgeUplink uplink;
} Undo;

struct Apply {
    Netlink *route;
    Netlink *netfilter;
    int tap_ifindex;
    Ifname tap;
    NetlinkBatch *batch;
    GArray *queued;  /* Undo: for requests in the batch */
    GArray *journal; /* Undo: done */
    bool up_queued;
    Ifname bridge; /* the one that was looked up, and its index */
    int bridge_ifindex;
};

Apply *apply_new(Netlink *route, Netlink *netfilter, int tap_ifindex,
                 const Ifname *tap)
{
    Apply *apply = g_new0(Apply, 1);

    apply->route = route;
    apply->netfilter = netfilter;
    apply->tap_ifindex = tap_ifindex;
    if (tap) {
        apply->tap = *tap;
    }
    apply->batch = netlink_batch_new();
    apply->queued = g_array_new(false, false, sizeof(Undo));
    apply->journal = g_array_new(false, false, sizeof(Undo));
    return apply;
}

void apply_free(Apply *apply)
{
    if (!apply) {
        return;
    }
    netlink_batch_free(apply->batch);
    g_array_unref(apply->queued);
    g_array_unref(apply->journal);
    g_free(apply);
}

bool apply_changed_host(const Apply *apply)
{
    return apply->journal->len > 0;
}

/* Takes @message over. No answer is asked for: a refusal comes unasked, and the
 * kernel is done with all of them when sendmsg() returns. */
static void queue(Apply *apply, struct nl_msg *message, int tolerated_errno,
                  const char *what)
{
    netlink_batch_add(apply->batch, message, false, tolerated_errno, what);
    nlmsg_free(message);
}

static void queue_undo(Apply *apply, UndoType type, Prefix4 prefix)
{
    Undo undo = {
        .type = type,
        .prefix = prefix,
        .request = netlink_batch_length(apply->batch) - 1,
    };

    g_array_append_val(apply->queued, undo);
}

bool apply_flush(Apply *apply, GError **error)
{
    guint64 tolerated;
    bool ok = netlink_transact(apply->route, apply->batch, NULL, &tolerated,
                               error);

    for (guint i = 0; i < apply->queued->len; i++) {
        const Undo *undo = &g_array_index(apply->queued, Undo, i);

        /* Of those after a refusal some were done and some not; undoing
         * what was not does nothing. */
        if (!(tolerated >> undo->request & 1)) {
            g_array_append_val(apply->journal, *undo);
        }
    }
    g_array_set_size(apply->queued, 0);
    apply->up_queued = false;
    return ok;
}

/* Before what cannot be queued. */
static bool flush_if_up(Apply *apply, GError **error)
{
    return !apply->up_queued || apply_flush(apply, error);
}

static bool switch_forwarding_on(Apply *apply, GError **error)
{
    Undo undo = { .type = UNDO_FORWARDING };
    bool on;

    if (!sysctl_get_forwarding(&on, error)) {
        return false;
    }
    if (on) {
        return true;
    }
    /* What catches stray packets is queued before this. */
    if (!apply_flush(apply, error) || !sysctl_set_forwarding(true, error)) {
        return false;
    }
    g_array_append_val(apply->journal, undo);
    return true;
}

static void know_bridge(Apply *apply, const Ifname *name, int ifindex)
{
    apply->bridge = *name;
    apply->bridge_ifindex = ifindex;
}

static bool make_bridge(Apply *apply, const PlanOperation *operation,
                        GError **error)
{
    Undo undo = { .type = UNDO_BRIDGE };
    bool made;

    if (!bridge_ensure(apply->route, operation, &undo.ifindex, &made, error)) {
        return false;
    }
    know_bridge(apply, &operation->name, undo.ifindex);
    if (made) {
        g_array_append_val(apply->journal, undo);
    }
    return true;
}

static bool find_bridge(Apply *apply, const Ifname *name, int *ret_ifindex,
                        GError **error)
{
    if (memcmp(&apply->bridge, name, sizeof(*name)) != 0) {
        int ifindex;

        if (!bridge_find(apply->route, name, &ifindex, error)) {
            return false;
        }
        know_bridge(apply, name, ifindex);
    }
    *ret_ifindex = apply->bridge_ifindex;
    return true;
}

static bool add_uplink(Apply *apply, const PlanOperation *operation,
                       GError **error)
{
    Undo undo = { .type = UNDO_UPLINK };
    int bridge_ifindex;

    if (!find_bridge(apply, &operation->name, &bridge_ifindex, error)) {
        return false;
    }

    bool ok = bridge_enslave(apply->route, bridge_ifindex, &operation->name,
                             &operation->link, &undo.uplink, error);

    if (undo.uplink.enslaved || undo.uplink.set_up) {
        g_array_append_val(apply->journal, undo);
    }
    return ok;
}

static bool queue_settings(Apply *apply, const PlanOperation *operation,
                           GError **error)
{
    int master_ifindex = 0;

    if (operation->name.name[0] &&
        !find_bridge(apply, &operation->name, &master_ifindex, error)) {
        return false;
    }
    queue(apply, port_settings(operation, apply->tap_ifindex, master_ifindex),
          0, "settings of the port");
    return true;
}

/* Operations that are one request each. */
static void queue_simple(Apply *apply, const PlanOperation *operation)
{
    switch (operation->type) {
    case PLAN_SUBNET_UNREACHABLE:
        queue(apply, port_subnet_unreachable(operation->prefix, true), EEXIST,
              "unreachable route of the subnet");
        queue_undo(apply, UNDO_UNREACHABLE, operation->prefix);
        break;
    case PLAN_SUBNET_RULE:
        queue(apply, port_subnet_rule(operation->prefix, true), EEXIST,
              "routing rule of the subnet");
        queue_undo(apply, UNDO_RULE, operation->prefix);
        break;
    case PLAN_SUBNET_RELEASE:
        queue(apply, port_subnet_rule(operation->prefix, false), ENOENT,
              "removing the subnet's routing rule");
        queue(apply, port_subnet_unreachable(operation->prefix, false), ESRCH,
              "removing the subnet's unreachable route");
        break;
    case PLAN_PORT_NEIGHBOURS:
        queue(apply, port_neighbours(apply->tap_ifindex), 0,
              "proxy ARP of the port");
        break;
    case PLAN_PORT_ADDRESS:
        queue(apply, port_address(operation, apply->tap_ifindex), EEXIST,
              "gateway address of the port");
        break;
    case PLAN_PORT_UP:
        queue(apply, port_up(apply->tap_ifindex), 0, "setting the port up");
        apply->up_queued = true;
        break;
    default:
        queue(apply, port_route(operation, apply->tap_ifindex), 0,
              "route to the guest");
        break;
    }
}

bool apply_kernel(Apply *apply, const PlanOperation *operation, GError **error)
{
    switch (operation->type) {
    case PLAN_BRIDGE_MAKE:
        return make_bridge(apply, operation, error);
    case PLAN_BRIDGE_UPLINK:
        return add_uplink(apply, operation, error);
    case PLAN_FORWARDING_ON:
        return switch_forwarding_on(apply, error);
    case PLAN_FORGET_CONNECTIONS:
        return flush_if_up(apply, error) &&
               conntrack_forget(apply->netfilter, operation->address, error);
    case PLAN_PORT_NO_IPV6:
        return flush_if_up(apply, error) &&
               sysctl_set_link(SYSCTL_IPV6_DISABLE, &apply->tap, true, NULL,
                               error);
    case PLAN_PORT_SETTINGS:
        return queue_settings(apply, operation, error);
    case PLAN_SUBNET_UNREACHABLE:
    case PLAN_SUBNET_RULE:
    case PLAN_SUBNET_RELEASE:
    case PLAN_PORT_NEIGHBOURS:
    case PLAN_PORT_ADDRESS:
    case PLAN_PORT_UP:
    case PLAN_PORT_ROUTE:
        queue_simple(apply, operation);
        return true;
    default:
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "operation %d is not the kernel's",
                         (int)operation->type);
    }
}

void apply_keep(Apply *apply, PlanType type)
{
    UndoType kept = type == PLAN_FORWARDING_ON ? UNDO_FORWARDING
                    : type == PLAN_BRIDGE_MAKE ? UNDO_BRIDGE
                                               : UNDO_UPLINK;

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

void apply_undo(Apply *apply)
{
    while (apply->journal->len > 0) {
        guint last = apply->journal->len - 1;
        const Undo undo = g_array_index(apply->journal, Undo, last);

        g_array_set_size(apply->journal, last);
        switch (undo.type) {
        case UNDO_BRIDGE:
            bridge_delete_unused(apply->route, undo.ifindex,
                                 apply->tap_ifindex);
            break;
        case UNDO_UPLINK:
            undo_uplink(apply->route, &undo.uplink);
            break;
        case UNDO_FORWARDING:
            /* Off if it is off by now; else it is what we wrote. */
            (void)!sysctl_set_forwarding(false, NULL);
            break;
        case UNDO_UNREACHABLE:
            undo_request(apply->route,
                         port_subnet_unreachable(undo.prefix, false));
            break;
        case UNDO_RULE:
            undo_request(apply->route, port_subnet_rule(undo.prefix, false));
            break;
        }
    }
}
