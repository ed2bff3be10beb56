/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/ifname.h"

#include <sys/types.h>

/*
 * What the kernel says now, as plain structs. Filled by kernel/observe.c and
 * nobody else; read by policy, pool, plan and doctor.
 */

typedef enum {
    LINK_OTHER,
    LINK_BRIDGE,
    LINK_TAP,
    LINK_WIRELESS,
} LinkKind;

typedef struct {
    int ifindex;
    Ifname name;
    LinkKind kind;
    int master_ifindex; /* 0 for none */
    guint32 mtu;        /* bytes */
    guint32 group;
    guint32 flags; /* IFF_* of <linux/if.h> */
    bool carrier;
    bool persistent;     /* taps: IFLA_TUN_PERSIST */
    bool has_owner;      /* taps: IFLA_TUN_OWNER was set */
    uid_t owner;
    bool forwards;       /* net.ipv4.conf.NAME.forwarding */
    bool forwards6;      /* net.ipv6.conf.NAME.forwarding */
    guint8 accept_ra;    /* net.ipv6.conf.NAME.accept_ra: 0, 1, 2 */
    Mac mac;
} FactsLink;

/* An address on a link, with the prefix that it puts on that link. */
typedef struct {
    int ifindex;
    guint32 address; /* host byte order */
    guint8 length;
} FactsAddress;

/* An IPv4 route of any table, with whatever leads to somewhere. */
typedef struct {
    Prefix4 destination;
    guint32 table;
    int out_ifindex; /* 0 where it has none (unreachable, blackhole) */
    guint8 type;     /* RTN_* of <linux/rtnetlink.h> */
    guint8 protocol; /* RTPROT_* */
} FactsRoute;

/* The same for IPv6. */
typedef struct {
    int ifindex;
    Address6 address;
    guint8 length;
} FactsAddress6;

typedef struct {
    Prefix6 destination;
    guint32 table;
    int out_ifindex;
    guint8 type;
    guint8 protocol;
} FactsRoute6;

/* A subnet that another program of this host has in its configuration, whether
 * its network is up or not. */
typedef struct {
    Prefix4 subnet;
    char owner[48]; /* "Docker's network web": for messages */
} FactsForeign;

/* All links, addresses and routes: for making a network, never for a warm
 * start. Each a GArray of the struct above. */
typedef struct {
    GArray *links;
    GArray *addresses;
    GArray *routes;
    GArray *addresses6;
    GArray *routes6;
    GArray *foreign; /* FactsForeign; filled by helper/foreign.c */
    bool forwarding;  /* net.ipv4.ip_forward */
    bool forwarding6; /* net.ipv6.conf.all.forwarding */
    bool has_ipv6;    /* this kernel has IPv6 and it is not switched off */
} FactsHost;

void facts_host_free(FactsHost *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FactsHost, facts_host_free)

/* NULL if there is no link of that index, or name. */
const FactsLink *facts_find_link(const FactsHost *facts, int ifindex);
const FactsLink *facts_find_link_by_name(const FactsHost *facts,
                                         const char *name);

/* Indexes of the links of that device group, a set: keys are int *, and live as
 * long as @facts. (transfer container) */
GHashTable *facts_links_of_group(const FactsHost *facts, guint32 group);
