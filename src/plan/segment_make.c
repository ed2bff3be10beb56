/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/segment_make.h"

#include "pool/slots.h"
#include "pool/subnet.h"

#include <string.h>

/*
 * From a network's file to the network in force: the one place where "auto"
 * becomes a value. The result is kept in the registry, and nobody decides
 * again until the network is made anew.
 */

/* The largest MTU that "auto" gives: Ethernet's. A larger one on the uplink
 * would not help guests that talk to the rest of the world. */
#define MTU_ETHERNET 1500

/* The largest that a tap takes: 65535 less a VLAN tag and an Ethernet header
 * (Linux drivers/net/tun.c, tun_net_initialize()). */
#define MTU_TAP_MAX 65521

/* The MTU of the link that most packets leave by: the first default route's
 * (of any table), a VPN's of 1420 bytes for example. */
static guint32 choose_mtu(const FactsHost *facts)
{
    for (guint i = 0; i < facts->routes->len; i++) {
        const FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);
        const FactsLink *link = facts_find_link(facts, route->out_ifindex);

        if (route->destination.length == 0 && link) {
            return MIN(MTU_ETHERNET, link->mtu);
        }
    }
    return MTU_ETHERNET;
}

/* A port with a smaller MTU than its bridge's would lower that, for all on it:
 * the bridge's own where there is one, else that of the link that will carry
 * its frames. */
static guint32 choose_bridged_mtu(const Network *network, const FactsHost *facts)
{
    const FactsLink *link = facts_find_link_by_name(facts, network->bridge.name);

    if (!link && network->uplink == UPLINK_NAME) {
        link = facts_find_link_by_name(facts, network->uplink_name.name);
    }
    return link ? MIN(link->mtu, MTU_TAP_MAX) : MTU_ETHERNET;
}

/* The subnet that live taps of this network use: their gateway's address. */
static bool read_back(const Network *network, const FactsHost *facts,
                      guint32 group, Prefix4 *ret_subnet)
{
    for (guint i = 0; i < facts->addresses->len; i++) {
        const FactsAddress *address =
            &g_array_index(facts->addresses, FactsAddress, i);
        const FactsLink *link = facts_find_link(facts, address->ifindex);

        guint8 length = network->subnet.length;
        guint32 base = address->address & prefix4_mask(length);

        /* A gateway has its subnet's first address; else the file asks for
         * another length by now, and the taps have nothing to say about it. */
        if (link && link->kind == LINK_TAP && link->group == group &&
            address->address == base + 1) {
            *ret_subnet = (Prefix4){base, length};
            return true;
        }
    }
    return false;
}

static bool choose_subnet(const Network *network, const FactsHost *facts,
                          Prefix4 remembered, const GArray *others,
                          guint32 group, Prefix4 *ret_subnet, GError **error)
{
    g_autofree char *with = NULL;

    if (!network->subnet_auto) {
        if (subnet_find_conflict(network->subnet, facts, group, others, &with)) {
            return error_set(error, TAPSTER_ERROR_CONFLICT,
                             "subnet %s overlaps %s of this host; choose "
                             "another in '%s', or \"auto\"",
                             address_format_prefix4(network->subnet).text, with,
                             network->file);
        }
        *ret_subnet = network->subnet;
        return true;
    }
    if (read_back(network, facts, group, ret_subnet)) {
        return true;
    }
    if (remembered.length == network->subnet.length &&
        !subnet_find_conflict(remembered, facts, group, others, &with)) {
        *ret_subnet = remembered;
        return true;
    }
    return subnet_choose(network->name, network->subnet.length, facts, group,
                         others, ret_subnet, error);
}

/* Slots of the network: what the file says, else all that the subnet has room
 * for behind the offset, without the broadcast address. */
static void set_pool(const Network *network, Segment *segment)
{
    guint32 hosts = 1u << (32 - segment->subnet_length);

    segment->pool_offset = network->pool_offset;
    segment->pool_size = network->pool_size ? network->pool_size
                                            : hosts - 1 - network->pool_offset;
    segment->n_exclude = MIN(network->exclude->len, NETWORK_EXCLUDE_MAX);
    for (guint i = 0; i < segment->n_exclude; i++) {
        segment->exclude[i] = g_array_index(network->exclude, SlotRange, i);
    }
}

bool segment_make(const Network *network, const FactsHost *facts,
                  Prefix4 remembered, const GArray *others,
                  Segment *ret_segment, GError **error)
{
    Segment segment = {0};

    slots_identify(network->name, &segment);
    segment.mode = network->mode;
    segment.mtu = network->mtu;
    if (network->has_subnet) {
        Prefix4 subnet;

        if (!choose_subnet(network, facts, remembered, others, segment.group,
                           &subnet, error)) {
            return false;
        }
        segment.subnet_address = subnet.address;
        segment.subnet_length = subnet.length;
        segment.gateway = subnet.address + 1;
        set_pool(network, &segment);
    } else {
        segment.pool_size = SEGMENT_BRIDGED_SLOTS;
    }
    if (segment.mtu == 0) {
        segment.mtu = network->mode == MODE_BRIDGED
                          ? choose_bridged_mtu(network, facts)
                          : choose_mtu(facts);
    }
    segment.uplink = network->uplink;
    segment.uplink_name = network->uplink_name;
    segment.bridge = network->bridge;
    segment.masquerade = network->masquerade;
    segment.guest_to_guest = network->guest_to_guest;
    segment.guest_to_host = network->guest_to_host;
    segment.dhcp = network->dhcp;
    segment.lease_time_s = network->lease_time_s;
    segment.n_dns = MIN(network->n_dns, NETWORK_DNS_MAX);
    memcpy(segment.dns, network->dns, sizeof(segment.dns));
    if (network->dns_domain) {
        g_strlcpy(segment.domain, network->dns_domain, sizeof(segment.domain));
    }
    *ret_segment = segment;
    return true;
}
