/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "pool/forwards.h"
#include "pool/segment.h"

/*
 * A plan is a grant spelled out as an ordered list of typed operations. Making
 * one is pure. Each operation is idempotent, and names exactly one station that
 * carries it out: the kernel, the firewall or the services.
 *
 * The operations of a network are one plan, the resident's and the port's
 * others; what must stand before a guest's first frame stands before
 * PLAN_PORT_UP.
 */

typedef enum {
    /* kernel, once a network */
    PLAN_BRIDGE_MAKE,        /* name, mtu, mac, group, ipv6: made and pinned if
                              * absent */
    PLAN_BRIDGE_UPLINK,      /* link (the uplink) into name (the bridge) */
    PLAN_BRIDGE_ADDRESS,     /* name: the gateway's addresses on a shared
                              * segment's bridge (address, prefix; address6,
                              * prefix6 unless its length is 0), with their
                              * routes; as a router has them: without DAD */
    PLAN_FORWARDING_ON,      /* net.ipv4.ip_forward, after the fence */
    PLAN_FORWARDING6_ON,     /* the same for IPv6; uplinks go on listening to
                              * their routers */
    PLAN_SUBNET_UNREACHABLE, /* prefix: what no port holds goes nowhere */
    PLAN_SUBNET_RULE,    /* prefix: looked up in main before any VPN's table */
    PLAN_SUBNET6_UNREACHABLE, /* prefix6: the same for IPv6 */
    PLAN_SUBNET6_RULE,
    PLAN_SUBNET_RELEASE, /* prefix and prefix6: takes those above back; name (a
                          * shared segment's bridge): removed, if it is ours */

    /* firewall */
    PLAN_FIREWALL,     /* tables, rules and this network's elements */
    PLAN_ADMIT_SENDER, /* address: element of a pool too large to fill */
    PLAN_GUARD_MAC,    /* mac: the only source that this port may have */
    PLAN_FORWARDS,     /* forwards: ports of this host that lead to this port */

    /* kernel, each port */
    PLAN_FORGET_CONNECTIONS, /* address, and prefix6 unless its length is 0:
                              * conntrack of the slot's former holder */
    PLAN_PORT_NO_IPV6,       /* no IPv6 of the host's own on this port */
    PLAN_PORT_IPV6,          /* IPv6 as a router has it: nothing is learnt here */
    PLAN_PORT_SETTINGS,      /* mac, mtu, alias, group, master, routed */
    PLAN_PORT_NEIGHBOURS,    /* proxy ARP answers without its delay */
    PLAN_PORT_ADDRESS,       /* address: the gateway's, without a route */
    PLAN_PORT_ADDRESS6,      /* address6, prefix6 (on the link): without DAD */
    PLAN_PORT_UP,
    PLAN_PORT_ROUTE, /* address (the guest's), source (the gateway's) */

    /* services */
    PLAN_DNS_FILES, /* dnsmasq's configuration for this network */
    PLAN_DHCP,      /* tapster-dhcp runs */
    PLAN_DNS,       /* this network's dnsmasq runs */
} PlanType;

typedef struct {
    PlanType type;
    Ifname name; /* the bridge, for PLAN_BRIDGE_* and as master; else "" */
    Ifname link; /* PLAN_BRIDGE_UPLINK: the uplink */
    Mac mac;
    bool has_mac;
    bool routed; /* PLAN_PORT_SETTINGS: proxy ARP, strict rp_filter */
    bool ipv6;      /* PLAN_PORT_SETTINGS: no link-local address of its own;
                     * PLAN_BRIDGE_MAKE: as a router has it, else none */
    bool localhost; /* PLAN_PORT_SETTINGS: 127.0.0.1 has a forward to it.
                     * On a shared segment its packets leave by the bridge:
                     * there it is PLAN_BRIDGE_ADDRESS that says so */
    guint32 mtu; /* bytes; 0: leave it */
    guint32 group;
    guint32 address; /* host byte order */
    guint32 source;  /* host byte order */
    Prefix4 prefix;
    Prefix6 prefix6;
    Address6 address6;
    const GArray *forwards; /* PLAN_FORWARDS: Forward; borrowed */
    char alias[64];
} PlanOperation;

/* Which station carries an operation out. */
typedef enum {
    PLAN_BY_KERNEL,
    PLAN_BY_FIREWALL,
    PLAN_BY_SERVICES,
} PlanStation;

#define PLAN_OPERATIONS_MAX 24

typedef struct {
    PlanOperation operations[PLAN_OPERATIONS_MAX];
    guint n_operations;
} Plan;

/* Pools of more slots than this have their ARP senders admitted one by one
 * (PLAN_ADMIT_SENDER); smaller ones are filled in when the network is made. */
#define PLAN_FILLED_SLOTS_MAX 4096

/* What a port's plan is made from, validated by the stations before. */
typedef struct {
    guint32 slot;
    Mac mac; /* the guest's, if the profile fixed it */
    bool has_mac;
    bool new_holder; /* somebody else held the slot before */
    const GArray *forwards; /* (nullable): Forward, of this port; borrowed */
} PlanPort;

PlanStation plan_station(PlanType type);

/**
 * plan_network:
 * @segment: the network, about to be in force
 * @ret_plan: the operations that bring it up, or mend it
 *
 * Privilege: none
 */
void plan_network(const Segment *segment, Plan *ret_plan);

/**
 * plan_retire:
 * @segment: the network as it was in force, without live ports
 * @ret_plan: takes back what plan_network() put there for its subnet, for a
 *   network that gets another one
 *
 * Privilege: none
 */
void plan_retire(const Segment *segment, Plan *ret_plan);

/**
 * plan_resident:
 * @segment: the network in force
 * @ret_plan: that its resident runs; empty where it needs none
 *
 * A plan of its own, because it is carried out between the claim of the tap
 * (the resident goes when it sees no tap) and the last drop of privilege.
 *
 * Privilege: none
 */
void plan_resident(const Segment *segment, Plan *ret_plan);

/**
 * plan_port:
 * @segment: the network in force
 * @port: the port; its tap is claimed
 * @ret_plan: the operations that make the tap a port of the network, after
 *   those that keep the network itself so, where they cost next to nothing
 *
 * Privilege: none
 */
void plan_port(const Segment *segment, const PlanPort *port, Plan *ret_plan);

/* What the operation does, for explain and for errors:
 * "route 192.168.77.20 to the port". (transfer full) */
char *plan_describe(const PlanOperation *operation);
