/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/subnet.h"

#include "pool/segment.h"
#include "pool/taken.h"

#include <linux/rtnetlink.h>
#include <string.h>

/*
 * The same question as in subnet.c, for IPv6. A random /48 of fd00::/8 collides
 * with next to nothing; it is still compared, because networks are copied from
 * machine to machine with all their state, and because people write fd00::/48
 * by hand.
 *
 * A network has /64s, so what is taken is counted by upper halves of addresses.
 */

#define WIDEST_LENGTH 16 /* 2000::/3, fc00::/7 say as little as a default route */
#define ULA_LENGTH    48
#define ULA_BYTE      0xfd
#define NETWORK_BITS  64

static bool is_own(GHashTable *own_links, int ifindex)
{
    return g_hash_table_contains(own_links, &ifindex);
}

static bool route_counts(const FactsRoute6 *route, GHashTable *own_links)
{
    return route->destination.length >= WIDEST_LENGTH &&
           route->type != RTN_MULTICAST &&
           route->protocol != SEGMENT_ROUTE_PROTOCOL &&
           !is_own(own_links, route->out_ifindex);
}

/* True if @route is what systemd-networkd and others put there for a prefix that
 * was delegated to this host: networks are cut out of it. */
static bool is_reserve(const FactsRoute6 *route, const Prefix6 *prefix)
{
    return route->destination.length <= prefix->length &&
           (route->type == RTN_UNREACHABLE || route->type == RTN_BLACKHOLE ||
            route->type == RTN_PROHIBIT);
}

static Prefix6 onlink(const FactsAddress6 *address)
{
    Prefix6 prefix = {address->address, address->length};

    for (guint i = 0; i < sizeof(prefix.address.bytes); i++) {
        guint bits = CLAMP((int)prefix.length - (int)(8 * i), 0, 8);

        prefix.address.bytes[i] &= (guint8)(0xff00 >> bits);
    }
    return prefix;
}

/* NULL if there is none; likewise those below. */
static const FactsAddress6 *find_address(const Prefix6 *prefix,
                                         const FactsHost *facts,
                                         GHashTable *own_links)
{
    for (guint i = 0; i < facts->addresses6->len; i++) {
        const FactsAddress6 *address =
            &g_array_index(facts->addresses6, FactsAddress6, i);
        Prefix6 link = onlink(address);

        if (prefix6_overlaps(prefix, &link) &&
            !is_own(own_links, address->ifindex)) {
            return address;
        }
    }
    return NULL;
}

static const FactsRoute6 *find_route(const Prefix6 *prefix,
                                     const FactsHost *facts,
                                     GHashTable *own_links)
{
    for (guint i = 0; i < facts->routes6->len; i++) {
        const FactsRoute6 *route =
            &g_array_index(facts->routes6, FactsRoute6, i);

        if (prefix6_overlaps(prefix, &route->destination) &&
            route_counts(route, own_links) && !is_reserve(route, prefix)) {
            return route;
        }
    }
    return NULL;
}

static const Prefix6 *find_other(const Prefix6 *prefix, const GArray *others)
{
    for (guint i = 0; others && i < others->len; i++) {
        const Prefix6 *other = &g_array_index(others, Prefix6, i);

        if (prefix6_overlaps(prefix, other)) {
            return other;
        }
    }
    return NULL;
}

bool subnet6_find_conflict(const Prefix6 *prefix, const FactsHost *facts,
                           guint32 own_group, const GArray *others,
                           char **ret_with)
{
    g_autoptr(GHashTable) own_links = facts_links_of_group(facts, own_group);
    const FactsAddress6 *address = find_address(prefix, facts, own_links);
    const FactsRoute6 *route = find_route(prefix, facts, own_links);
    const Prefix6 *other = find_other(prefix, others);

    if (address) {
        const FactsLink *link = facts_find_link(facts, address->ifindex);

        *ret_with = g_strdup_printf(
            "address %s/%u on %s", address_format_ipv6(&address->address).text,
            address->length, link ? link->name.name : "a link");
    } else if (route) {
        *ret_with = g_strdup_printf(
            "route %s of table %u",
            address_format_prefix6(&route->destination).text, route->table);
    } else if (other) {
        *ret_with = g_strdup_printf("another network's subnet %s",
                                    address_format_prefix6(other).text);
    }
    return address || route || other;
}

static void take(Taken *taken, const Prefix6 *prefix)
{
    guint64 first = 0;

    for (guint i = 0; i < sizeof(first); i++) {
        first = first << 8 | prefix->address.bytes[i];
    }
    taken_add(taken, first,
              prefix->length >= NETWORK_BITS ? first
                                             : first | G_MAXUINT64 >> prefix->length);
}

static Taken gather(const FactsHost *facts, guint32 own_group,
                    const GArray *others)
{
    g_autoptr(GHashTable) own_links = facts_links_of_group(facts, own_group);
    Taken taken = taken_new();

    for (guint i = 0; i < facts->addresses6->len; i++) {
        const FactsAddress6 *address =
            &g_array_index(facts->addresses6, FactsAddress6, i);
        Prefix6 link = onlink(address);

        if (!is_own(own_links, address->ifindex)) {
            take(&taken, &link);
        }
    }
    for (guint i = 0; i < facts->routes6->len; i++) {
        const FactsRoute6 *route =
            &g_array_index(facts->routes6, FactsRoute6, i);

        if (route_counts(route, own_links)) {
            take(&taken, &route->destination);
        }
    }
    for (guint i = 0; others && i < others->len; i++) {
        take(&taken, &g_array_index(others, Prefix6, i));
    }
    taken_seal(&taken);
    return taken;
}

bool subnet6_choose(guint64 random, const FactsHost *facts, guint32 own_group,
                    const GArray *others, Prefix6 *ret_prefix, GError **error)
{
    const guint64 step = G_GUINT64_CONSTANT(1) << (NETWORK_BITS - ULA_LENGTH);
    const TakenInterval ula = {(guint64)ULA_BYTE << 56,
                               (guint64)ULA_BYTE << 56 | G_MAXUINT64 >> 8};
    g_auto(Taken) taken = gather(facts, own_group, others);
    guint64 begin = ula.first | (random * step & (ula.last - ula.first));
    guint64 first;
    Prefix6 prefix = {.length = ULA_LENGTH};

    if (!taken_find_free(&taken, ula, begin, step, &first)) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "no prefix of fd00::/8 is free on this host; name one "
                         "with \"subnet6\", or set it to \"none\"");
    }
    for (guint i = 0; i < sizeof(first); i++) {
        prefix.address.bytes[i] = (guint8)(first >> (8 * (7 - i)));
    }
    *ret_prefix = prefix;
    return true;
}
