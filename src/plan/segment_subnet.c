/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/segment_subnet.h"

#include "pool/slots.h"
#include "pool/subnet.h"

#include <string.h>

/*
 * A subnet that "auto" chose is kept: while it overlaps nothing, and in any case
 * while live ports have it, for they cannot be moved. Otherwise another one is
 * chosen, and the caller is told, because addresses that people wrote down are
 * not true any more. A subnet that the file names is the administrator's word:
 * kept or refused.
 */

#define SUBNET6_AUTO_LENGTH 48
#define IPV6_MTU_MIN        1280 /* RFC 8200 section 5 */

static bool is_own_link(const FactsLink *link, guint32 group)
{
    return link && link->group == group &&
           (link->kind == LINK_TAP || link->kind == LINK_BRIDGE);
}

/* A shared segment's bridge stays when its ports have gone, and says nothing
 * then. */
static bool has_live_tap(const FactsHost *facts, guint32 group)
{
    for (guint i = 0; i < facts->links->len; i++) {
        const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (link->kind == LINK_TAP && link->group == group) {
            return true;
        }
    }
    return false;
}

/* The subnet that live taps of this network use: their gateway's address. */
static bool read_back(const Network *network, const FactsHost *facts,
                      guint32 group, Prefix4 *ret_subnet)
{
    guint8 length = network->subnet.length;

    for (guint i = 0; i < facts->addresses->len; i++) {
        const FactsAddress *address =
            &g_array_index(facts->addresses, FactsAddress, i);
        guint32 base = address->address & prefix4_mask(length);

        /* A gateway has its subnet's first address; else the file asks for
         * another length by now, and the taps have nothing to say about it. */
        if (address->address == base + 1 &&
            is_own_link(facts_find_link(facts, address->ifindex), group)) {
            *ret_subnet = (Prefix4){base, length};
            return has_live_tap(facts, group);
        }
    }
    return false;
}

static bool refuse(const Network *network, const char *key, const char *subnet,
                   const char *with, GError **error)
{
    return error_set(error, TAPSTER_ERROR_CONFLICT,
                     "%s %s overlaps %s; choose another in '%s'%s", key, subnet,
                     with, network->file,
                     network->mode == MODE_MASQUERADED ? ", or \"auto\"" : "");
}

static void warn(GPtrArray *warnings, const char *before, const char *with,
                 const char *after)
{
    g_ptr_array_add(warnings,
                    g_strdup_printf("its subnet is %s from now on, because %s "
                                    "has come to overlap %s",
                                    after, before, with));
}

static bool choose_subnet(const Network *network, const FactsHost *facts,
                          const SegmentHints *hints, guint32 group,
                          Prefix4 *ret_subnet, GPtrArray *warnings,
                          GError **error)
{
    g_autofree char *with = NULL;

    if (read_back(network, facts, group, ret_subnet)) {
        return true;
    }
    if (hints->subnet.length == network->subnet.length &&
        !subnet_find_conflict(hints->subnet, facts, group, hints->others,
                              &with)) {
        *ret_subnet = hints->subnet;
        return true;
    }
    if (!subnet_choose(network->name, network->subnet.length, facts, group,
                       hints->others, ret_subnet, error)) {
        return false;
    }
    if (with) {
        warn(warnings, address_format_prefix4(hints->subnet).text, with,
             address_format_prefix4(*ret_subnet).text);
    }
    return true;
}

bool segment_decide_subnet(const Network *network, const FactsHost *facts,
                           const SegmentHints *hints, Segment *segment,
                           GPtrArray *warnings, GError **error)
{
    Prefix4 subnet = network->subnet;
    g_autofree char *with = NULL;

    if (network->mode == MODE_BRIDGED) {
        if (subnet_find_other(subnet, hints->others, &with)) {
            return refuse(network, "subnet",
                          address_format_prefix4(subnet).text, with, error);
        }
    } else if (network->subnet_auto) {
        if (!choose_subnet(network, facts, hints, segment->group, &subnet,
                           warnings, error)) {
            return false;
        }
    } else if (subnet_find_conflict(subnet, facts, segment->group,
                                    hints->others, &with)) {
        g_autofree char *of_host = g_strdup_printf("%s of this host", with);

        return refuse(network, "subnet", address_format_prefix4(subnet).text,
                      of_host, error);
    }
    segment->subnet_address = subnet.address;
    segment->subnet_length = subnet.length;
    return true;
}

/* The /48 that live ports use: it begins the address PREFIX::1 at our end. */
static bool read_back6(const FactsHost *facts, guint32 group,
                       Prefix6 *ret_prefix)
{
    static const guint8 rest[sizeof(guint64)] = {[7] = 1};

    for (guint i = 0; i < facts->addresses6->len; i++) {
        const FactsAddress6 *address =
            &g_array_index(facts->addresses6, FactsAddress6, i);
        const guint8 *bytes = address->address.bytes;

        if (bytes[0] == 0xfd && memcmp(bytes + 8, rest, sizeof(rest)) == 0 &&
            is_own_link(facts_find_link(facts, address->ifindex), group)) {
            Prefix6 prefix = {.length = SUBNET6_AUTO_LENGTH};

            memcpy(prefix.address.bytes, bytes, SUBNET6_AUTO_LENGTH / 8);
            *ret_prefix = prefix;
            return has_live_tap(facts, group);
        }
    }
    return false;
}

static bool choose_subnet6(const FactsHost *facts, const SegmentHints *hints,
                           guint32 group, Prefix6 *ret_prefix,
                           GPtrArray *warnings, GError **error)
{
    g_autofree char *with = NULL;

    if (read_back6(facts, group, ret_prefix)) {
        return true;
    }
    if (hints->subnet6.length == SUBNET6_AUTO_LENGTH &&
        !subnet6_find_conflict(&hints->subnet6, facts, group, hints->others6,
                               &with)) {
        *ret_prefix = hints->subnet6;
        return true;
    }
    if (!subnet6_choose(hints->random, facts, group, hints->others6, ret_prefix,
                        error)) {
        return false;
    }
    if (with) {
        warn(warnings, address_format_prefix6(&hints->subnet6).text, with,
             address_format_prefix6(ret_prefix).text);
    }
    return true;
}

/* A prefix that the file names. */
static bool check_subnet6(const Network *network, const FactsHost *facts,
                          const SegmentHints *hints, const Segment *segment,
                          GError **error)
{
    const Prefix6 *prefix = &network->subnet6;
    Address6Text text = address_format_prefix6(prefix);
    bool routed = segment->kind == SEGMENT_ROUTED;
    g_autofree char *with = NULL;

    if (!facts->has_ipv6) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "subnet6 %s cannot be had: this host has no IPv6, or it "
                         "is switched off; set \"subnet6\" to \"none\" in '%s'",
                         text.text, network->file);
    }
    if (segment->mtu < IPV6_MTU_MIN) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "subnet6 %s cannot be had: IPv6 takes an MTU of 1280, "
                         "and the uplink has %u; set \"subnet6\" to \"none\" in "
                         "'%s'",
                         text.text, segment->mtu, network->file);
    }
    if (prefix->length > 64 ||
        (routed && slots_room6(prefix->length) < slots_count(segment))) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "subnet6 %s has %u /64s for ports, and \"pool\" has %u "
                         "slots: give it a shorter prefix or a smaller pool in "
                         "'%s'",
                         text.text, slots_room6(prefix->length),
                         slots_count(segment), network->file);
    }
    if (subnet6_find_conflict(prefix, facts, segment->group, hints->others6,
                              &with)) {
        g_autofree char *of_host = g_strdup_printf("%s of this host", with);

        return refuse(network, "subnet6", text.text, of_host, error);
    }
    return true;
}

/* Whether somebody sends the router advertisements: tapster-dhcp on cables, dnsmasq
 * on a bridge. */
static bool is_advertised(const Segment *segment)
{
    return segment->kind == SEGMENT_ROUTED || segment->dns_served;
}

bool segment_decide_subnet6(const Network *network, const FactsHost *facts,
                            const SegmentHints *hints, Segment *segment,
                            GPtrArray *warnings, GError **error)
{
    Prefix6 prefix = {0};

    if (network->subnet6_kind == NETWORK_SUBNET6_PREFIX) {
        if (!check_subnet6(network, facts, hints, segment, error)) {
            return false;
        }
        prefix = network->subnet6;
    } else if (network->subnet6_kind == NETWORK_SUBNET6_AUTO &&
               facts->has_ipv6 && is_advertised(segment) &&
               segment->mtu >= IPV6_MTU_MIN &&
               !choose_subnet6(facts, hints, segment->group, &prefix, warnings,
                               error)) {
        return false;
    }
    segment->subnet6_address = prefix.address;
    segment->subnet6_length = prefix.length;
    segment->masquerade6 = prefix.length && network->masquerade6;
    return true;
}
