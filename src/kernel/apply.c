/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply_private.h"
#include "kernel/conntrack.h"
#include "kernel/forwarding6.h"
#include "kernel/message.h"
#include "kernel/port.h"
#include "kernel/sysctl.h"

#include <errno.h>

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

/* fe80::1, beside the gateway's address on a shared segment's bridge: what guests
 * see as their router. On a port it is an operation of its own. */
static const Address6 router6 = { { 0xfe, 0x80, [15] = 1 } };
#define LINK_LOCAL_LENGTH 64

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
    apply->forwarding6 = g_array_new(false, true, sizeof(Forwarding6Link));
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
    g_array_unref(apply->forwarding6);
    g_free(apply);
}

bool apply_changed_host(const Apply *apply)
{
    return apply->journal->len > 0;
}

const GArray *apply_forwarding6(const Apply *apply)
{
    return apply->forwarding6;
}

/* Takes @message over. No answer is asked for: a refusal comes unasked, and the
 * kernel is done with all of them when sendmsg() returns. */
static void queue(Apply *apply, struct nl_msg *message, int tolerated_errno,
                  const char *what)
{
    netlink_batch_add(apply->batch, message, false, tolerated_errno, what);
    nlmsg_free(message);
}

static void queue_undo(Apply *apply, UndoType type,
                       const PlanOperation *operation)
{
    Undo undo = {
        .type = type,
        .prefix = operation->prefix,
        .prefix6 = operation->prefix6,
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

static bool queue_settings(Apply *apply, const PlanOperation *operation,
                           GError **error)
{
    int master_ifindex = 0;

    if (operation->name.name[0] &&
        !apply_find_bridge(apply, &operation->name, &master_ifindex, error)) {
        return false;
    }
    queue(apply, port_settings(operation, apply->tap_ifindex, master_ifindex),
          0, "settings of the port");
    return true;
}

static void queue_address6(Apply *apply, const Address6 *address, guint8 length,
                           int ifindex)
{
    queue(apply, port_address6(address, length, ifindex), EEXIST,
          "gateway's IPv6 address");
    /* The administrator has switched IPv6 off since (disable_ipv6): guests go on
     * without. */
    netlink_batch_tolerate(apply->batch, EACCES);
}

/* Never undone: these go with the bridge, if that was made now. */
static bool queue_bridge_addresses(Apply *apply,
                                   const PlanOperation *operation,
                                   GError **error)
{
    int bridge_ifindex;

    if (!apply_find_bridge(apply, &operation->name, &bridge_ifindex, error)) {
        return false;
    }
    queue(apply, port_bridge_address(operation, bridge_ifindex), EEXIST,
          "gateway address of the bridge");
    if (operation->prefix6.length) {
        queue_address6(apply, &router6, LINK_LOCAL_LENGTH, bridge_ifindex);
        queue_address6(apply, &operation->address6, operation->prefix6.length,
                       bridge_ifindex);
    }
    if (operation->localhost) {
        queue(apply, port_localhost(bridge_ifindex), 0,
              "forwards from 127.0.0.1 by the bridge");
    }
    return true;
}

/* Operations of the network that are one request each. */
static void queue_subnet(Apply *apply, const PlanOperation *operation)
{
    switch (operation->type) {
    case PLAN_SUBNET_UNREACHABLE:
        queue(apply, port_subnet_unreachable(operation->prefix, true), EEXIST,
              "unreachable route of the subnet");
        queue_undo(apply, UNDO_UNREACHABLE, operation);
        break;
    case PLAN_SUBNET_RULE:
        queue(apply, port_subnet_rule(operation->prefix, true), EEXIST,
              "routing rule of the subnet");
        queue_undo(apply, UNDO_RULE, operation);
        break;
    case PLAN_SUBNET6_UNREACHABLE:
        queue(apply, port_subnet6_unreachable(&operation->prefix6, true),
              EEXIST, "unreachable route of the IPv6 prefix");
        queue_undo(apply, UNDO_UNREACHABLE6, operation);
        break;
    default:
        queue(apply, port_subnet6_rule(&operation->prefix6, true), EEXIST,
              "routing rule of the IPv6 prefix");
        queue_undo(apply, UNDO_RULE6, operation);
        break;
    }
}

static bool release_subnet(Apply *apply, const PlanOperation *operation,
                           GError **error)
{
    const Prefix6 *prefix6 = &operation->prefix6;

    queue(apply, port_subnet_rule(operation->prefix, false), ENOENT,
          "removing the subnet's routing rule");
    queue(apply, port_subnet_unreachable(operation->prefix, false), ESRCH,
          "removing the subnet's unreachable route");
    if (prefix6->length) {
        queue(apply, port_subnet6_rule(prefix6, false), ENOENT,
              "removing the IPv6 prefix's routing rule");
        /* Where IPv6 was switched off at boot since, there is nothing left. */
        netlink_batch_tolerate(apply->batch, EAFNOSUPPORT);
        queue(apply, port_subnet6_unreachable(prefix6, false), ESRCH,
              "removing the IPv6 prefix's unreachable route");
        netlink_batch_tolerate(apply->batch, EOPNOTSUPP);
    }
    return !operation->name.name[0] ||
           bridge_release(apply->route, &operation->name, error);
}

/* Operations of the port that are one request each. */
static void queue_port(Apply *apply, const PlanOperation *operation)
{
    switch (operation->type) {
    case PLAN_PORT_NEIGHBOURS:
        queue(apply, port_neighbours(apply->tap_ifindex), 0,
              "proxy ARP of the port");
        break;
    case PLAN_PORT_ADDRESS:
        queue(apply, port_address(operation, apply->tap_ifindex), EEXIST,
              "gateway address of the port");
        break;
    case PLAN_PORT_ADDRESS6:
        queue_address6(apply, &operation->address6, operation->prefix6.length,
                       apply->tap_ifindex);
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

static bool forget(Apply *apply, const PlanOperation *operation,
                   GError **error)
{
    return flush_if_up(apply, error) &&
           conntrack_forget(apply->netfilter, operation->address,
                            operation->prefix6.length ? &operation->prefix6
                                                      : NULL,
                            error);
}

bool apply_kernel(Apply *apply, const PlanOperation *operation, GError **error)
{
    switch (operation->type) {
    case PLAN_BRIDGE_MAKE:
    case PLAN_BRIDGE_UPLINK:
    case PLAN_FORWARDING_ON:
    case PLAN_FORWARDING6_ON:
        return apply_host(apply, operation, error);
    case PLAN_BRIDGE_ADDRESS:
        return queue_bridge_addresses(apply, operation, error);
    case PLAN_SUBNET_UNREACHABLE:
    case PLAN_SUBNET_RULE:
    case PLAN_SUBNET6_UNREACHABLE:
    case PLAN_SUBNET6_RULE:
        queue_subnet(apply, operation);
        return true;
    case PLAN_SUBNET_RELEASE:
        return release_subnet(apply, operation, error);
    case PLAN_FORGET_CONNECTIONS:
        return forget(apply, operation, error);
    case PLAN_PORT_NO_IPV6:
        return flush_if_up(apply, error) &&
               sysctl_set_link(SYSCTL_IPV6_DISABLE, &apply->tap, 1, NULL,
                               error);
    case PLAN_PORT_IPV6:
        return flush_if_up(apply, error) &&
               forwarding6_make_router(apply->route, apply->tap_ifindex,
                                       &apply->tap, error);
    case PLAN_PORT_SETTINGS:
        return queue_settings(apply, operation, error);
    case PLAN_PORT_NEIGHBOURS:
    case PLAN_PORT_ADDRESS:
    case PLAN_PORT_ADDRESS6:
    case PLAN_PORT_UP:
    case PLAN_PORT_ROUTE:
        queue_port(apply, operation);
        return true;
    default:
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "operation %d is not the kernel's",
                         (int)operation->type);
    }
}
