/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/subnet.h"

#include "pool/segment.h"
#include "pool/taken.h"

#include <linux/rtnetlink.h>

/*
 * Which private subnet a network may have. A NAT subnet that collides with the
 * LAN is what users of other tools complain of most: the guest reaches
 * neither. What is taken is what the kernel knows, addresses and routes
 * of every table, and what other programs have configured and may bring up at
 * any time. Nothing is remembered here.
 *
 * Our own routes and addresses show up in the facts as well once the network
 * has been made; what belongs to its links does not stand in its way.
 */

/* Of 10.0.0.0/8. */
#define WIDEST_PRIVATE_LENGTH 8

static bool is_own(GHashTable *own_links, int ifindex)
{
    return g_hash_table_contains(own_links, &ifindex);
}

/* A default route leads everywhere and so says nothing; nor do the halves
 * of it that VPNs put over it (OpenVPN's redirect-gateway def1: 0.0.0.0/1
 * and 128.0.0.0/1), or what else is wider than any private range. Neither
 * do the broadcast and multicast entries of the local table. Routes that
 * tapster put there stand for its networks, which are looked at by
 * themselves. */
static bool route_counts(const FactsRoute *route, GHashTable *own_links)
{
    return route->destination.length >= WIDEST_PRIVATE_LENGTH &&
           route->type != RTN_BROADCAST && route->type != RTN_MULTICAST &&
           route->protocol != SEGMENT_ROUTE_PROTOCOL &&
           !is_own(own_links, route->out_ifindex);
}

static Prefix4 onlink(const FactsAddress *address)
{
    return (Prefix4){address->address & prefix4_mask(address->length),
                     address->length};
}

/* NULL if there is none; likewise those below. */
static const FactsAddress *find_address(Prefix4 prefix, const FactsHost *facts,
                                        GHashTable *own_links)
{
    for (guint i = 0; i < facts->addresses->len; i++) {
        const FactsAddress *address =
            &g_array_index(facts->addresses, FactsAddress, i);

        if (prefix4_overlaps(prefix, onlink(address)) &&
            !is_own(own_links, address->ifindex)) {
            return address;
        }
    }
    return NULL;
}

static const FactsRoute *find_route(Prefix4 prefix, const FactsHost *facts,
                                    GHashTable *own_links)
{
    for (guint i = 0; i < facts->routes->len; i++) {
        const FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);

        if (prefix4_overlaps(prefix, route->destination) &&
            route_counts(route, own_links)) {
            return route;
        }
    }
    return NULL;
}

static const FactsForeign *find_foreign(Prefix4 prefix, const FactsHost *facts)
{
    for (guint i = 0; facts->foreign && i < facts->foreign->len; i++) {
        const FactsForeign *foreign =
            &g_array_index(facts->foreign, FactsForeign, i);

        if (prefix4_overlaps(prefix, foreign->subnet)) {
            return foreign;
        }
    }
    return NULL;
}

bool subnet_find_other(Prefix4 prefix, const GArray *others, char **ret_with)
{
    for (guint i = 0; others && i < others->len; i++) {
        const Prefix4 *other = &g_array_index(others, Prefix4, i);

        if (prefix4_overlaps(prefix, *other)) {
            *ret_with = g_strdup_printf("another network's subnet %s",
                                        address_format_prefix4(*other).text);
            return true;
        }
    }
    return false;
}

bool subnet_find_conflict(Prefix4 prefix, const FactsHost *facts,
                          guint32 own_group, const GArray *others,
                          char **ret_with)
{
    g_autoptr(GHashTable) own_links = facts_links_of_group(facts, own_group);
    const FactsAddress *address = find_address(prefix, facts, own_links);
    const FactsRoute *route = find_route(prefix, facts, own_links);
    const FactsForeign *foreign = find_foreign(prefix, facts);

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
    } else if (foreign) {
        *ret_with =
            g_strdup_printf("%s (%s)", foreign->owner,
                            address_format_prefix4(foreign->subnet).text);
    }
    return address || route || foreign ||
           subnet_find_other(prefix, others, ret_with);
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

/* libvirt's default network, which may be configured and not started, by a
 * libvirt that is installed tomorrow. */
static const Prefix4 libvirt_default = {0xc0a87a00, 24};

static void take(Taken *taken, Prefix4 prefix)
{
    taken_add(taken, prefix.address,
              prefix.address | ~prefix4_mask(prefix.length));
}

static Taken gather(const FactsHost *facts, guint32 own_group,
                    const GArray *others)
{
    g_autoptr(GHashTable) own_links = facts_links_of_group(facts, own_group);
    Taken taken = taken_new();

    take(&taken, libvirt_default);
    for (guint i = 0; i < facts->addresses->len; i++) {
        const FactsAddress *address =
            &g_array_index(facts->addresses, FactsAddress, i);

        if (!is_own(own_links, address->ifindex)) {
            take(&taken, onlink(address));
        }
    }
    for (guint i = 0; i < facts->routes->len; i++) {
        const FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);

        if (route_counts(route, own_links)) {
            take(&taken, route->destination);
        }
    }
    for (guint i = 0; facts->foreign && i < facts->foreign->len; i++) {
        take(&taken, g_array_index(facts->foreign, FactsForeign, i).subnet);
    }
    for (guint i = 0; others && i < others->len; i++) {
        take(&taken, g_array_index(others, Prefix4, i));
    }
    taken_seal(&taken);
    return taken;
}

bool subnet_choose(const char *name, guint8 length, const FactsHost *facts,
                   guint32 own_group, const GArray *others, Prefix4 *ret_subnet,
                   GError **error)
{
    g_auto(Taken) taken = gather(facts, own_group, others);

    for (guint i = 0; i < G_N_ELEMENTS(private_ranges); i++) {
        const PrivateRange *range = &private_ranges[i];
        guint32 size = 1u << (32 - range->range.length);
        guint32 offset = range->begin + g_str_hash(name) % range->spread;
        TakenInterval whole = {range->range.address,
                               range->range.address + (size - 1)};
        guint64 begin = (range->range.address + (offset & (size - 1))) &
                        prefix4_mask(length);
        guint64 first;

        if (taken_find_free(&taken, whole, begin, 1u << (32 - length), &first)) {
            *ret_subnet = (Prefix4){(guint32)first, length};
            return true;
        }
    }
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "no private subnet of length %u is free on this host; "
                     "name one with \"subnet\"",
                     length);
}
