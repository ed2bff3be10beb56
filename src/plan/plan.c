/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include "pool/slots.h"

#include <stdio.h>
#include <string.h>

/*
 * From a grant to operations. The order is the contract of this module:
 *
 *  - what catches stray packets (the unreachable route, the firewall and its
 *    fence) stands before forwarding goes on;
 *  - all that guards a port stands before PLAN_PORT_UP, so that a guest that
 *    sends at once finds it there;
 *  - the route to the guest comes after it, because the kernel takes no route
 *    to a link that is down.
 *
 * Each port repeats the operations of its network that cost next to nothing, so
 * that a route, a rule or a bridge that somebody removed is back with the next
 * VM. Nothing here asks the kernel.
 */

static PlanOperation *add(Plan *plan, PlanType type)
{
    PlanOperation *operation = &plan->operations[plan->n_operations++];

    *operation = (PlanOperation){.type = type};
    return operation;
}

PlanStation plan_station(PlanType type)
{
    switch (type) {
    case PLAN_FIREWALL:
    case PLAN_ADMIT_SENDER:
    case PLAN_GUARD_MAC:
        return PLAN_BY_FIREWALL;
    case PLAN_DHCP:
        return PLAN_BY_SERVICES;
    default:
        return PLAN_BY_KERNEL;
    }
}

/* What of the network costs next to nothing to repeat with each port. */
static void plan_upkeep(const Segment *segment, Plan *plan)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};

    if (segment->mode == MODE_MASQUERADED) {
        add(plan, PLAN_SUBNET_UNREACHABLE)->prefix = subnet;
        add(plan, PLAN_SUBNET_RULE)->prefix = subnet;
        return;
    }

    PlanOperation *bridge = add(plan, PLAN_BRIDGE_MAKE);

    bridge->name = segment->bridge;
    bridge->mtu = segment->mtu;
    bridge->group = SEGMENT_BRIDGE_GROUP_BASE |
                    (segment->group & ~SEGMENT_GROUP_MASK);
    /* The address of a slot that no port has: the bridge must not change its
     * own when ports come and go. */
    bridge->mac = slots_host_mac(segment, SEGMENT_BRIDGED_SLOTS + 1);
    bridge->has_mac = true;
    (void)snprintf(bridge->alias, sizeof(bridge->alias), "tapster %s",
                   segment->name);
    if (segment->uplink == UPLINK_NAME) {
        PlanOperation *uplink = add(plan, PLAN_BRIDGE_UPLINK);

        uplink->name = segment->bridge;
        uplink->link = segment->uplink_name;
    }
}

void plan_network(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    plan_upkeep(segment, ret_plan);
    add(ret_plan, PLAN_FIREWALL);
    if (segment->mode == MODE_MASQUERADED) {
        add(ret_plan, PLAN_FORWARDING_ON);
    }
}

void plan_retire(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    if (segment->mode == MODE_MASQUERADED) {
        add(ret_plan, PLAN_SUBNET_RELEASE)->prefix =
            (Prefix4){segment->subnet_address, (guint8)segment->subnet_length};
    }
}

void plan_resident(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    if (segment->mode == MODE_MASQUERADED && segment->dhcp) {
        add(ret_plan, PLAN_DHCP);
    }
}

/* What makes the tap this slot's: identity and guard, all while it is down. */
static void plan_settings(const Segment *segment, const PlanPort *port, Plan *plan)
{
    bool routed = segment->mode == MODE_MASQUERADED;

    add(plan, PLAN_PORT_NO_IPV6);

    PlanOperation *settings = add(plan, PLAN_PORT_SETTINGS);
    settings->mac = slots_host_mac(segment, port->slot);
    settings->has_mac = true;
    settings->mtu = segment->mtu;
    settings->group = segment->group;
    settings->routed = routed;
    (void)snprintf(settings->alias, sizeof(settings->alias),
                   "tapster %s slot %u", segment->name, port->slot);
    if (!routed) {
        settings->name = segment->bridge;
    }
}

void plan_port(const Segment *segment, const PlanPort *port, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    plan_upkeep(segment, ret_plan);
    if (segment->mode == MODE_BRIDGED) {
        if (port->has_mac) {
            PlanOperation *guard = add(ret_plan, PLAN_GUARD_MAC);

            guard->mac = port->mac;
            guard->has_mac = true;
        }
        plan_settings(segment, port, ret_plan);
        add(ret_plan, PLAN_PORT_UP);
        return;
    }

    guint32 address = slots_address(segment, port->slot);

    if (segment->pool_size > PLAN_FILLED_SLOTS_MAX) {
        add(ret_plan, PLAN_ADMIT_SENDER)->address = address;
    }
    if (port->new_holder) {
        add(ret_plan, PLAN_FORGET_CONNECTIONS)->address = address;
    }
    plan_settings(segment, port, ret_plan);
    add(ret_plan, PLAN_PORT_NEIGHBOURS);
    add(ret_plan, PLAN_PORT_ADDRESS)->address = segment->gateway;
    add(ret_plan, PLAN_PORT_UP);

    PlanOperation *route = add(ret_plan, PLAN_PORT_ROUTE);
    route->address = address;
    route->source = segment->gateway;
}

char *plan_describe(const PlanOperation *operation)
{
    AddressText address = address_format_ipv4(operation->address);
    AddressText prefix = address_format_prefix4(operation->prefix);

    switch (operation->type) {
    case PLAN_BRIDGE_MAKE:
        return g_strdup_printf("bridge %s", operation->name.name);
    case PLAN_BRIDGE_UPLINK:
        return g_strdup_printf("uplink %s into bridge %s", operation->link.name,
                               operation->name.name);
    case PLAN_FORWARDING_ON:
        return g_strdup("switch IPv4 forwarding on");
    case PLAN_SUBNET_UNREACHABLE:
        return g_strdup_printf("unreachable route for %s", prefix.text);
    case PLAN_SUBNET_RULE:
        return g_strdup_printf("look up %s in table main", prefix.text);
    case PLAN_SUBNET_RELEASE:
        return g_strdup_printf("release %s", prefix.text);
    case PLAN_FIREWALL:
        return g_strdup("firewall");
    case PLAN_ADMIT_SENDER:
        return g_strdup_printf("admit sender %s", address.text);
    case PLAN_GUARD_MAC:
        return g_strdup_printf("guard source %s",
                               address_format_mac(&operation->mac).text);
    case PLAN_FORGET_CONNECTIONS:
        return g_strdup_printf("forget connections of %s", address.text);
    case PLAN_PORT_NO_IPV6:
        return g_strdup("no IPv6 of the host's on the port");
    case PLAN_PORT_SETTINGS:
        return g_strdup_printf("settings of the port%s%s",
                               operation->name.name[0] ? ", bridge " : "",
                               operation->name.name);
    case PLAN_PORT_NEIGHBOURS:
        return g_strdup("proxy ARP without delay");
    case PLAN_PORT_ADDRESS:
        return g_strdup_printf("gateway address %s on the port", address.text);
    case PLAN_PORT_UP:
        return g_strdup("port up");
    case PLAN_PORT_ROUTE:
        return g_strdup_printf("route %s to the port", address.text);
    case PLAN_DHCP:
        return g_strdup("tapster-dhcp");
    }
    return g_strdup("unknown operation");
}
