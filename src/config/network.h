/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/ifname.h"
#include "base/terms.h"
#include "config/faults.h"

/*
 * A network file as a struct: every key with its value or its default
 * (tapster-network(5)). Nothing is looked up: "auto" is still "auto" and names of
 * users are still names.
 */

typedef enum {
    NETWORK_ALLOW_USER,
    NETWORK_ALLOW_GROUP,
    NETWORK_ALLOW_EVERYONE,
    NETWORK_ALLOW_CAN_OPEN,
} NetworkAllowKind;

typedef struct {
    NetworkAllowKind kind;
    char *name;       /* user, group, or the absolute path of can_open */
    guint32 max_ports; /* default 16 */
} NetworkAllow;

/* An entry of "reservations". */
typedef struct {
    char *user;      /* whose */
    char *name;      /* of the profile */
    guint32 host;    /* host number, in the pool and not excluded */
    guint32 address; /* host byte order; 0 where only the host number is said */
} NetworkReservation;

typedef enum {
    NETWORK_SUBNET6_NONE,
    NETWORK_SUBNET6_AUTO,  /* a random /48 of fd00::/8 */
    NETWORK_SUBNET6_PREFIX,
} NetworkSubnet6;

typedef struct {
    char *name;
    char *file; /* where it was read from */
    Mode mode;

    bool subnet_auto;         /* then only subnet.length counts (default 24) */
    bool has_subnet;          /* false: a bridged network without addresses */
    Prefix4 subnet;
    guint32 pool_offset;      /* host number; default 10; 2 in one smaller than /27 */
    guint32 pool_size;        /* slots; default: all that are left; 0 without a subnet */
    GArray *exclude;          /* SlotRange, host numbers */

    NetworkSubnet6 subnet6_kind; /* default auto; none if bridged or mtu < 1280 */
    Prefix6 subnet6;          /* NETWORK_SUBNET6_PREFIX */
    bool masquerade6;         /* default true; false for a prefix outside fc00::/7, and
                               * if bridged */
    SegmentKind segment;      /* default routed */
    guint32 gateway;          /* bridged with a subnet: what leases name; 0: none */
    GPtrArray *reservations;  /* NetworkReservation * */

    UplinkKind uplink;        /* bridged default: none (no uplink moved) */
    Ifname uplink_name;
    Ifname bridge;            /* bridged: required */
    bool masquerade;          /* default true; bridged: false */
    guint32 mtu;              /* bytes; 0: auto */
    bool dhcp;                /* default true; bridged: false */
    guint32 lease_time_s;     /* default 3600 */
    char *dns_domain;         /* default NAME.internal */
    guint32 n_dns;            /* 0: the host's resolvers */
    guint32 dns[NETWORK_DNS_MAX];
    bool guest_to_guest;      /* default true */
    bool guest_to_host;       /* default true */

    GPtrArray *allow;         /* NetworkAllow *; empty: only root */
    bool grant_address;       /* default false */
    bool grant_mac;           /* default false */
    ForwardsFrom grant_forwards; /* default none; an object without "from": host */
    guint16 grant_first;      /* host ports, inclusive; default 1024 to 65535 */
    guint16 grant_last;
} Network;

void network_free(Network *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, network_free)

/* True for one DNS label of 1 to 32 bytes: a-z 0-9 and '-' inside; the name of
 * a network, a profile, a VM. RFC 1123 section 2.1. */
bool network_name_valid(const char *name);

/**
 * network_parse:
 * @name: of the network
 * @file: for messages
 * @text: @size bytes, not NUL-terminated
 * @faults: all faults are added to it
 *
 * Privilege: none
 * Returns: (transfer full): the network, NULL if there is any fault
 */
Network *network_parse(const char *name, const char *file, const char *text,
                       gsize size, Faults *faults);
