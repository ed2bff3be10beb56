/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/segment_subnet.h"

#include "pool/slots.h"

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

/* The file's own checks cannot know a subnet that "auto" chose; and what does
 * not fit must not come to be a slot. */
static bool check_pool(const Network *network, const Segment *segment,
                       GError **error)
{
    guint64 end = (guint64)segment->pool_offset + segment->pool_size;

    for (guint32 slot = 0; slot < segment->pool_size; slot++) {
        if (slots_usable(segment, slot) &&
            end < G_GUINT64_CONSTANT(1) << (32 - segment->subnet_length)) {
            return true;
        }
    }
    return error_set(error, TAPSTER_ERROR_CONFIG,
                     "\"pool\" of %u addresses from host number %u on does not "
                     "fit subnet %s; mend '%s'",
                     segment->pool_size, segment->pool_offset,
                     address_format_prefix4((Prefix4){
                         segment->subnet_address,
                         (guint8)segment->subnet_length}).text,
                     network->file);
}

guint32 segment_reserved_host(const Segment *segment,
                              const NetworkReservation *reservation)
{
    return reservation->host ? reservation->host
                             : reservation->address - segment->subnet_address;
}

static bool check_reservations(const Network *network, const Segment *segment,
                               GError **error)
{
    for (guint i = 0; network->reservations && i < network->reservations->len;
         i++) {
        const NetworkReservation *reservation =
            network->reservations->pdata[i];
        guint32 host = segment_reserved_host(segment, reservation);
        guint32 address = segment->subnet_address + host;
        guint32 slot;

        if (!slots_find_address(segment, address, &slot)) {
            return error_set(
                error, TAPSTER_ERROR_CONFIG,
                "address %s, reserved for '%s' of %s, is not one of its pool, "
                "%s to %s without \"exclude\"; mend '%s'",
                address_format_ipv4(address).text, reservation->name,
                reservation->user,
                address_format_ipv4(slots_address(segment, 0)).text,
                address_format_ipv4(
                    slots_address(segment, segment->pool_size - 1)).text,
                network->file);
        }
    }
    return true;
}

static bool decide_addresses(const Network *network, const FactsHost *facts,
                             const SegmentHints *hints, Segment *segment,
                             GPtrArray *warnings, GError **error)
{
    if (!network->has_subnet) {
        segment->pool_size = SEGMENT_BRIDGED_SLOTS;
        return true;
    }
    if (!segment_decide_subnet(network, facts, hints, segment, warnings,
                               error)) {
        return false;
    }
    segment->gateway = network->mode == MODE_BRIDGED
                           ? network->gateway
                           : segment->subnet_address + 1;
    set_pool(network, segment);
    return check_pool(network, segment, error) &&
           check_reservations(network, segment, error) &&
           (network->mode == MODE_BRIDGED ||
            segment_decide_subnet6(network, facts, hints, segment, warnings,
                                   error));
}

/* How its guests are connected, and who answers them. */
static bool decide_kind(const Network *network, const SegmentHints *hints,
                        Segment *segment, GError **error)
{
    if (network->mode == MODE_BRIDGED) {
        segment->kind = SEGMENT_SHARED;
        segment->bridge = network->bridge;
        return true;
    }
    segment->kind = network->segment;
    segment->dns_served = hints->has_dnsmasq;
    if (network->segment == SEGMENT_SHARED) {
        segment->bridge = slots_bridge_name(segment);
        if (network->dhcp && !hints->has_dnsmasq) {
            return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                             "a shared segment's addresses are given out by "
                             "dnsmasq, which is not installed: install it, or set "
                             "\"dhcp\" to false or \"segment\" to \"routed\" in "
                             "'%s'",
                             network->file);
        }
    }
    return true;
}

static void copy_settings(const Network *network, Segment *segment)
{
    segment->uplink = network->uplink;
    segment->uplink_name = network->uplink_name;
    segment->masquerade = network->masquerade;
    segment->guest_to_guest = network->guest_to_guest;
    segment->guest_to_host = network->guest_to_host;
    segment->dhcp = network->dhcp;
    segment->lease_time_s = network->lease_time_s;
    segment->n_dns = MIN(network->n_dns, NETWORK_DNS_MAX);
    memcpy(segment->dns, network->dns, sizeof(segment->dns));
    if (network->dns_domain) {
        g_strlcpy(segment->domain, network->dns_domain, sizeof(segment->domain));
    }
}

static guint32 decide_mtu(const Network *network, const FactsHost *facts)
{
    return network->mtu                    ? network->mtu
           : network->mode == MODE_BRIDGED ? choose_bridged_mtu(network, facts)
                                           : choose_mtu(facts);
}

/* NULL without any. */
static char *join_warnings(const Network *network, GPtrArray *warnings)
{
    if (warnings->len == 0) {
        return NULL;
    }
    g_ptr_array_add(warnings, NULL);

    g_autofree char *all = g_strjoinv("; ", (char **)warnings->pdata);

    return g_strdup_printf("network '%s': %s", network->name, all);
}

bool segment_make(const Network *network, const FactsHost *facts,
                  const SegmentHints *hints, Segment *ret_segment,
                  char **ret_warning, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    Segment segment = {0};

    slots_identify(network->name, &segment);
    segment.mode = network->mode;
    segment.mtu = decide_mtu(network, facts);
    copy_settings(network, &segment);
    if (!decide_kind(network, hints, &segment, error) ||
        !decide_addresses(network, facts, hints, &segment, warnings, error)) {
        return false;
    }
    *ret_segment = segment;
    *ret_warning = join_warnings(network, warnings);
    return true;
}
