/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include "pool/slots.h"

#include <stdio.h>
#include <sys/socket.h>

/*
 * From a grant to operations. The order is the contract of this module:
 *
 *  - what catches stray packets (the unreachable route, the firewall and its
 *    fence) stands before forwarding goes on;
 *  - all that guards a port stands before PLAN_PORT_UP, so that a guest that
 *    sends at once finds it there;
 *  - a forward leads to a port once the port is guarded and before it is up: not
 *    to a tap that is still a stranger's, and at once when the VM runs;
 *  - the route to the guest comes after it, because the kernel takes no route
 *    to a link that is down.
 *
 * A shared segment is made as a bridged one, and its bridge is to the host what
 * each tap of a routed network is: it has the gateway's addresses and the group
 * that the firewall knows. The bridge's connected route is better than the
 * unreachable one (by its metric), which is in force while the bridge is not.
 *
 * Each port repeats the operations of its network that cost next to nothing, so
 * that a route, a rule or a bridge that somebody removed is back with the next
 * VM. Nothing here asks the kernel.
 */

#define LOOPBACK_LENGTH 8 /* of 127.0.0.0/8 */
#define LOOPBACK_BYTE   127

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
    case PLAN_FORWARDS:
        return PLAN_BY_FIREWALL;
    case PLAN_DNS_FILES:
    case PLAN_DHCP:
    case PLAN_DNS:
        return PLAN_BY_SERVICES;
    default:
        return PLAN_BY_KERNEL;
    }
}

static bool is_routed(const Segment *segment)
{
    return segment->mode == MODE_MASQUERADED && segment->kind == SEGMENT_ROUTED;
}

static bool is_shared(const Segment *segment)
{
    return segment->mode == MODE_MASQUERADED && segment->kind == SEGMENT_SHARED;
}

static Prefix4 subnet_of(const Segment *segment)
{
    return (Prefix4){segment->subnet_address, (guint8)segment->subnet_length};
}

static Prefix6 subnet6_of(const Segment *segment)
{
    return (Prefix6){segment->subnet6_address, (guint8)segment->subnet6_length};
}

static bool is_loopback(guint32 address)
{
    return address >> (32 - LOOPBACK_LENGTH) == LOOPBACK_BYTE;
}

/* True if one of @forwards leads from 127.0.0.1 to the guest. */
static bool has_localhost(const GArray *forwards)
{
    for (guint i = 0; forwards && i < forwards->len; i++) {
        const Forward *forward = &g_array_index(forwards, Forward, i);

        if (forward->host_family == 0 ||
            (forward->host_family == AF_INET && is_loopback(forward->host4))) {
            return true;
        }
    }
    return false;
}

static void plan_subnets(const Segment *segment, Plan *plan)
{
    add(plan, PLAN_SUBNET_UNREACHABLE)->prefix = subnet_of(segment);
    add(plan, PLAN_SUBNET_RULE)->prefix = subnet_of(segment);
    if (segment->subnet6_length) {
        add(plan, PLAN_SUBNET6_UNREACHABLE)->prefix6 = subnet6_of(segment);
        add(plan, PLAN_SUBNET6_RULE)->prefix6 = subnet6_of(segment);
    }
}

static void plan_bridge(const Segment *segment, Plan *plan)
{
    PlanOperation *bridge = add(plan, PLAN_BRIDGE_MAKE);

    bridge->name = segment->bridge;
    bridge->mtu = segment->mtu;
    bridge->group = is_shared(segment)
                        ? segment->group
                        : SEGMENT_BRIDGE_GROUP_BASE |
                              (segment->group & ~SEGMENT_GROUP_MASK);
    /* The address of a slot that no port has: the bridge must not change its
     * own when ports come and go. */
    bridge->mac = slots_host_mac(
        segment, MAX(slots_count(segment), SEGMENT_BRIDGED_SLOTS) + 1);
    bridge->has_mac = true;
    bridge->ipv6 = is_shared(segment) && segment->subnet6_length;
    (void)snprintf(bridge->alias, sizeof(bridge->alias), "tapster %s",
                   segment->name);
    if (segment->mode == MODE_BRIDGED && segment->uplink == UPLINK_NAME) {
        PlanOperation *uplink = add(plan, PLAN_BRIDGE_UPLINK);

        uplink->name = segment->bridge;
        uplink->link = segment->uplink_name;
    }
}

static void plan_gateway(const Segment *segment, bool localhost, Plan *plan)
{
    PlanOperation *gateway = add(plan, PLAN_BRIDGE_ADDRESS);

    gateway->name = segment->bridge;
    gateway->address = segment->gateway;
    gateway->prefix = subnet_of(segment);
    gateway->address6 = slots_gateway6(segment, 0);
    gateway->prefix6 = slots_prefix6(segment, 0);
    gateway->localhost = localhost;
}

/* What of the network costs next to nothing to repeat with each port. */
static void plan_upkeep(const Segment *segment, bool localhost, Plan *plan)
{
    if (segment->mode == MODE_MASQUERADED) {
        plan_subnets(segment, plan);
    }
    if (!is_routed(segment)) {
        plan_bridge(segment, plan);
    }
    if (is_shared(segment)) {
        plan_gateway(segment, localhost, plan);
    }
}

void plan_network(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    plan_upkeep(segment, false, ret_plan);
    /* Before what is harder to take back if the disk is full. */
    if (segment->dns_served) {
        add(ret_plan, PLAN_DNS_FILES);
    }
    add(ret_plan, PLAN_FIREWALL);
    if (segment->mode == MODE_MASQUERADED) {
        add(ret_plan, PLAN_FORWARDING_ON);
        if (segment->subnet6_length) {
            add(ret_plan, PLAN_FORWARDING6_ON);
        }
    }
}

void plan_retire(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    if (segment->mode == MODE_MASQUERADED) {
        PlanOperation *release = add(ret_plan, PLAN_SUBNET_RELEASE);

        release->prefix = subnet_of(segment);
        release->prefix6 = subnet6_of(segment);
        if (is_shared(segment)) {
            release->name = segment->bridge;
        }
    }
}

void plan_resident(const Segment *segment, Plan *ret_plan)
{
    ret_plan->n_operations = 0;
    /* tapster-dhcp answers DHCP and advertises routers on cables, and looks after
     * dnsmasq and the names of live VMs wherever there are any. */
    if ((is_routed(segment) && (segment->dhcp || segment->subnet6_length > 0)) ||
        segment->dns_served) {
        add(ret_plan, PLAN_DHCP);
    }
    if (segment->dns_served) {
        add(ret_plan, PLAN_DNS);
    }
}

/* What makes the tap this slot's: identity and guard, all while it is down. */
static void plan_settings(const Segment *segment, const PlanPort *port, Plan *plan)
{
    bool routed = is_routed(segment);
    bool ipv6 = routed && segment->subnet6_length;

    add(plan, ipv6 ? PLAN_PORT_IPV6 : PLAN_PORT_NO_IPV6);

    PlanOperation *settings = add(plan, PLAN_PORT_SETTINGS);
    settings->mac = slots_host_mac(segment, port->slot);
    settings->has_mac = true;
    settings->mtu = segment->mtu;
    settings->group = segment->group;
    settings->routed = routed;
    settings->ipv6 = ipv6;
    settings->localhost = routed && has_localhost(port->forwards);
    (void)snprintf(settings->alias, sizeof(settings->alias),
                   "tapster %s slot %u", segment->name, port->slot);
    if (!routed) {
        settings->name = segment->bridge;
    }
}

static void plan_guard(const PlanPort *port, Plan *plan)
{
    if (port->has_mac) {
        PlanOperation *guard = add(plan, PLAN_GUARD_MAC);

        guard->mac = port->mac;
        guard->has_mac = true;
    }
}

static void plan_former_holder(const Segment *segment, const PlanPort *port,
                               Plan *plan)
{
    if (port->new_holder) {
        PlanOperation *forget = add(plan, PLAN_FORGET_CONNECTIONS);

        forget->address = slots_address(segment, port->slot);
        /* The /64 of a shared segment is everybody's. */
        if (is_routed(segment)) {
            forget->prefix6 = slots_prefix6(segment, port->slot);
        }
    }
}

static void add_address6(Plan *plan, const Address6 *address, Prefix6 prefix)
{
    PlanOperation *operation = add(plan, PLAN_PORT_ADDRESS6);

    operation->address6 = *address;
    operation->prefix6 = prefix;
}

/* Our end of the cable. The resolver's address is on each, like the gateway's of
 * IPv4: dnsmasq refuses TCP to an address that is not on the interface by which
 * it came (2.90, check_dns_listeners()). */
static void plan_addresses(const Segment *segment, guint32 slot, Plan *plan)
{
    static const Prefix6 link_local = {{{0xfe, 0x80}}, 64};

    add(plan, PLAN_PORT_NEIGHBOURS);
    add(plan, PLAN_PORT_ADDRESS)->address = segment->gateway;
    if (segment->subnet6_length) {
        Address6 gateway6 = slots_gateway6(segment, slot);

        add_address6(plan, &slots_router6, link_local);
        add_address6(plan, &gateway6, slots_prefix6(segment, slot));
        if (segment->dns_served) {
            Address6 resolver6 = slots_resolver6(segment);

            add_address6(plan, &resolver6, (Prefix6){.length = 128});
        }
    }
}

static void plan_forwards(const PlanPort *port, Plan *plan)
{
    if (port->forwards && port->forwards->len > 0) {
        add(plan, PLAN_FORWARDS)->forwards = port->forwards;
    }
}

void plan_port(const Segment *segment, const PlanPort *port, Plan *ret_plan)
{
    bool masqueraded = segment->mode == MODE_MASQUERADED;
    bool routed = is_routed(segment);
    guint32 address = slots_address(segment, port->slot);

    ret_plan->n_operations = 0;
    plan_upkeep(segment, has_localhost(port->forwards), ret_plan);
    if (routed && segment->pool_size > PLAN_FILLED_SLOTS_MAX) {
        add(ret_plan, PLAN_ADMIT_SENDER)->address = address;
    }
    if (!routed) {
        plan_guard(port, ret_plan);
    }
    if (masqueraded) {
        plan_former_holder(segment, port, ret_plan);
    }
    plan_settings(segment, port, ret_plan);
    if (routed) {
        plan_addresses(segment, port->slot, ret_plan);
    }
    if (masqueraded) {
        plan_forwards(port, ret_plan);
    }
    add(ret_plan, PLAN_PORT_UP);
    if (routed) {
        PlanOperation *route = add(ret_plan, PLAN_PORT_ROUTE);

        route->address = address;
        route->source = segment->gateway;
    }
}
