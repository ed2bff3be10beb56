/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/subnet.h"

#include "pool/segment.h"

#include <linux/rtnetlink.h>

/*
 * Which private subnet a network may have. A NAT subnet that collides with the
 * LAN is what users of other tools complain of most: the guest reaches
 * neither. What is taken is what the kernel knows: addresses and routes
 * of every table. Nothing is remembered here.
 */

/* Our own routes and addresses show up in the facts as well once the network
 * has been made; what belongs to its links does not stand in its way. */
static bool is_own_link(const FactsHost *facts, int ifindex, guint32 own_group)
{
    const FactsLink *link = facts_find_link(facts, ifindex);

    return link && link->group == own_group;
}

/* Of 10.0.0.0/8. */
#define WIDEST_PRIVATE_LENGTH 8

static bool route_conflicts(Prefix4 prefix, const FactsRoute *route,
                            const FactsHost *facts, guint32 own_group)
{
    /* A default route leads everywhere and so says nothing; nor do the halves
     * of it that VPNs put over it (OpenVPN's redirect-gateway def1: 0.0.0.0/1
     * and 128.0.0.0/1), or what else is wider than any private range. Neither
     * do the broadcast and multicast entries of the local table. Routes that
     * tapster put there stand for its networks, which are looked at by
     * themselves. */
    if (route->destination.length < WIDEST_PRIVATE_LENGTH ||
        route->type == RTN_BROADCAST ||
        route->type == RTN_MULTICAST ||
        route->protocol == SEGMENT_ROUTE_PROTOCOL) {
        return false;
    }
    return prefix4_overlaps(prefix, route->destination) &&
           !is_own_link(facts, route->out_ifindex, own_group);
}

/* NULL if there is none. */
static const FactsAddress *find_address(Prefix4 prefix, const FactsHost *facts,
                                        guint32 own_group)
{
    for (guint i = 0; i < facts->addresses->len; i++) {
        const FactsAddress *address =
            &g_array_index(facts->addresses, FactsAddress, i);
        Prefix4 onlink = {address->address & prefix4_mask(address->length),
                          address->length};

        if (prefix4_overlaps(prefix, onlink) &&
            !is_own_link(facts, address->ifindex, own_group)) {
            return address;
        }
    }
    return NULL;
}

static const FactsRoute *find_route(Prefix4 prefix, const FactsHost *facts,
                                    guint32 own_group)
{
    for (guint i = 0; i < facts->routes->len; i++) {
        const FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);

        if (route_conflicts(prefix, route, facts, own_group)) {
            return route;
        }
    }
    return NULL;
}

static const Prefix4 *find_other(Prefix4 prefix, const GArray *others)
{
    for (guint i = 0; others && i < others->len; i++) {
        const Prefix4 *other = &g_array_index(others, Prefix4, i);

        if (prefix4_overlaps(prefix, *other)) {
            return other;
        }
    }
    return NULL;
}

static bool is_free(Prefix4 prefix, const FactsHost *facts, guint32 own_group,
                    const GArray *others)
{
    return !find_address(prefix, facts, own_group) &&
           !find_route(prefix, facts, own_group) && !find_other(prefix, others);
}

bool subnet_find_conflict(Prefix4 prefix, const FactsHost *facts,
                          guint32 own_group, const GArray *others,
                          char **ret_with)
{
    const FactsAddress *address = find_address(prefix, facts, own_group);
    const FactsRoute *route = find_route(prefix, facts, own_group);
    const Prefix4 *other = find_other(prefix, others);

    if (address) {
        const FactsLink *link = facts_find_link(facts, address->ifindex);

        *ret_with = g_strdup_printf("address %s/%u on %s",
                                    address_format_ipv4(address->address).text,
                                    address->length,
                                    link ? link->name.name : "a link");
    } else if (route) {
        *ret_with = g_strdup_printf(
            "route %s of table %u",
            address_format_prefix4(route->destination).text, route->table);
    } else if (other) {
        *ret_with = g_strdup_printf("another network's subnet %s",
                                    address_format_prefix4(*other).text);
    }
    return address || route || other;
}

/* The three ranges, and where in each the search begins: a third of the way in
 * for the small one, so that 192.168.0 to .99 come last. */
typedef struct {
    Prefix4 range;
    guint32 begin;  /* offset of the first address to try */
    guint32 spread; /* how far the name may move it */
} PrivateRange;

static const PrivateRange private_ranges[] = {
    {{0xc0a80000, 16}, 100u << 8, 150u << 8}, /* 192.168.0.0/16 */
    {{0xac100000, 12}, 4u << 16, 12u << 16},  /* 172.16.0.0/12 */
    {{0x0a000000, 8}, 64u << 16, 190u << 16}, /* 10.0.0.0/8 */
};

/* libvirt's default network, which may be configured and not started. */
static const Prefix4 libvirt_default = {0xc0a87a00, 24};

bool subnet_choose(const char *name, guint8 length, const FactsHost *facts,
                   guint32 own_group, const GArray *others, Prefix4 *ret_subnet,
                   GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(private_ranges); i++) {
        const PrivateRange *range = &private_ranges[i];
        guint32 size = 1u << (32 - range->range.length);
        guint32 step = 1u << (32 - length);
        guint32 begin = range->begin + g_str_hash(name) % range->spread;

        for (guint64 tried = 0; tried < size; tried += step) {
            guint32 offset = (guint32)((begin + tried) & (size - 1));
            Prefix4 candidate = {
                (range->range.address + offset) & prefix4_mask(length), length};

            if (!prefix4_overlaps(candidate, libvirt_default) &&
                is_free(candidate, facts, own_group, others)) {
                *ret_subnet = candidate;
                return true;
            }
        }
    }
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "no private subnet of length %u is free on this host; "
                     "name one with \"subnet\"",
                     length);
}
