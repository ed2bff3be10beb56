/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/ifname.h"
#include "base/terms.h"

/*
 * A network as it is in force on this host: what its file says, with every
 * "auto" decided. Ports, firewall and DHCP derive all they do from this
 * struct, so that two starts cannot come to different conclusions.
 *
 * It is plain data of fixed size without pointers: the registry keeps it as it
 * stands here. A change of layout needs a new REGISTRY_VERSION.
 */

/* Slots of a bridged network: the kernel's BR_MAX_PORTS less the uplink
 * (Linux net/bridge/br_private.h). */
#define SEGMENT_BRIDGED_SLOTS 1023

/* Every port of ours carries a device group of 0x74000000 plus 24 bits of the
 * network's hash: "is it ours" and "of which network" are one comparison for
 * the firewall, and nobody but CAP_NET_ADMIN can change a link's group. */
#define SEGMENT_GROUP_BASE 0x74000000u
#define SEGMENT_GROUP_MASK 0xff000000u

/* A bridge that tapster makes is marked otherwise: what enters the host by it
 * comes from the LAN, and no rule for ports may judge it. */
#define SEGMENT_BRIDGE_GROUP_BASE 0x75000000u

/* RTPROT_* of our routes and rules, so that they can be told from others'. 't',
 * as in the device groups above; free in iproute2's rt_protos and in
 * <linux/rtnetlink.h>. */
#define SEGMENT_ROUTE_PROTOCOL 116

typedef struct {
    char name[NETWORK_NAME_MAX + 4]; /* NUL-padded */
    char tap_prefix[12];             /* "ts" and six characters, NUL-padded */
    guint32 group;                   /* SEGMENT_GROUP_BASE | 24 bits */
    guint32 mode;                    /* Mode */
    guint32 kind;                    /* SegmentKind; bridged mode: shared */
    guint32 mtu;                     /* bytes; 0: leave the kernel's */

    /* addresses; subnet.length 0 where the network has none (bridged) */
    guint32 subnet_address; /* host byte order */
    guint32 subnet_length;
    guint32 gateway; /* host byte order, the subnet's first address; bridged
                      * mode: the LAN's router, 0 where the file names none */
    guint32 pool_offset; /* host number of slot 0 */
    guint32 pool_size;   /* slots */
    guint32 n_exclude;
    SlotRange exclude[NETWORK_EXCLUDE_MAX];

    /* IPv6 of a masqueraded network; subnet6_length 0 where it has none.
     * Routed: slot N has the /64 with the number N + 1. Shared: number 0. */
    Address6 subnet6_address;
    guint32 subnet6_length; /* at most 64 */

    /* ways out */
    guint32 uplink; /* UplinkKind */
    Ifname uplink_name;
    Ifname bridge; /* bridged mode; and a shared segment's own, made by us */
    guint8 masquerade;      /* bool */
    guint8 masquerade6;     /* bool */
    guint8 guest_to_guest;  /* bool */
    guint8 guest_to_host;   /* bool */
    guint8 dhcp;            /* bool */
    guint8 dns_served;      /* bool: dnsmasq answers names at the gateway, and on
                             * a shared segment advertises routers */
    guint8 padding[2];

    /* what DHCP tells the guests */
    guint32 lease_time_s;
    guint32 n_dns; /* 0: the host's own resolvers, read when answering */
    guint32 dns[NETWORK_DNS_MAX]; /* host byte order */
    char domain[NETWORK_DOMAIN_MAX + 1]; /* NUL-padded */
} Segment;
