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

/* All links, addresses and routes: for making a network, never for a warm
 * start. Each a GArray of the struct above. */
typedef struct {
    GArray *links;
    GArray *addresses;
    GArray *routes;
    bool forwarding; /* net.ipv4.ip_forward */
} FactsHost;

void facts_host_free(FactsHost *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FactsHost, facts_host_free)

/* NULL if there is no link of that index, or name. */
const FactsLink *facts_find_link(const FactsHost *facts, int ifindex);
const FactsLink *facts_find_link_by_name(const FactsHost *facts,
                                         const char *name);
