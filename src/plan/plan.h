/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
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
    PLAN_BRIDGE_MAKE,        /* name, mtu, mac: made and pinned if absent */
    PLAN_BRIDGE_UPLINK,      /* link (the uplink) into name (the bridge) */
    PLAN_FORWARDING_ON,      /* net.ipv4.ip_forward, after the fence */
    PLAN_SUBNET_UNREACHABLE, /* prefix: what no port holds goes nowhere */
    PLAN_SUBNET_RULE,    /* prefix: looked up in main before any VPN's table */
    PLAN_SUBNET_RELEASE, /* prefix: takes the two above back */

    /* firewall */
    PLAN_FIREWALL,     /* tables, rules and this network's elements */
    PLAN_ADMIT_SENDER, /* address: element of a pool too large to fill */
    PLAN_GUARD_MAC,    /* mac: the only source that this port may have */

    /* kernel, each port */
    PLAN_FORGET_CONNECTIONS, /* address: conntrack of the slot's former holder */
    PLAN_PORT_NO_IPV6,       /* no IPv6 of the host's own on this port */
    PLAN_PORT_SETTINGS,      /* mac, mtu, alias, group, master, routed */
    PLAN_PORT_NEIGHBOURS,    /* proxy ARP answers without its delay */
    PLAN_PORT_ADDRESS,       /* address: the gateway's, without a route */
    PLAN_PORT_UP,
    PLAN_PORT_ROUTE, /* address (the guest's), source (the gateway's) */

    /* services */
    PLAN_DHCP, /* tapster-dhcp runs */
} PlanType;

typedef struct {
    PlanType type;
    Ifname name; /* the bridge, for PLAN_BRIDGE_* and as master; else "" */
    Ifname link; /* PLAN_BRIDGE_UPLINK: the uplink */
    Mac mac;
    bool has_mac;
    bool routed; /* PLAN_PORT_SETTINGS: proxy ARP, strict rp_filter */
    guint32 mtu; /* bytes; 0: leave it */
    guint32 group;
    guint32 address; /* host byte order */
    guint32 source;  /* host byte order */
    Prefix4 prefix;
    char alias[64];
} PlanOperation;

/* Which station carries an operation out. */
typedef enum {
    PLAN_BY_KERNEL,
    PLAN_BY_FIREWALL,
    PLAN_BY_SERVICES,
} PlanStation;

#define PLAN_OPERATIONS_MAX 16

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
