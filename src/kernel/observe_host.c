/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/message.h"
#include "kernel/observe_private.h"
#include "kernel/sysctl.h"

#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

/*
 * All of a host: links, addresses and routes of both families and of all tables,
 * by five dumps. What the kernel makes of an address by itself (broadcast,
 * multicast and anycast routes) says nothing new and is left out, and so are
 * cached routes, which nobody configured.
 *
 * A host without IPv6 is a host like any other: what is not there is not asked
 * for.
 */

static void append_address(GArray *array, int ifindex, guint32 address,
                           guint8 length)
{
    FactsAddress fact = {
        .ifindex = ifindex,
        .address = address,
        .length = length,
    };

    g_array_append_val(array, fact);
}

static void take_address4(GArray *array, const struct ifaddrmsg *header,
                          const struct nlattr **attributes)
{
    guint32 local = message_get_u32_be(attributes[IFA_LOCAL]);
    guint32 peer = message_get_u32_be(attributes[IFA_ADDRESS]);
    int ifindex = (int)header->ifa_index;

    if (header->ifa_prefixlen > 32) {
        return;
    }
    if (attributes[IFA_ADDRESS]) {
        append_address(array, ifindex, peer, header->ifa_prefixlen);
    }
    if (attributes[IFA_LOCAL] && local != peer) {
        append_address(array, ifindex, local, 32);
    }
}

static void append_address6(GArray *array, int ifindex,
                            const struct nlattr *address, guint8 length)
{
    FactsAddress6 fact = { .ifindex = ifindex, .length = length };

    if (message_get_ipv6(address, &fact.address)) {
        g_array_append_val(array, fact);
    }
}

static void take_address6(GArray *array, const struct ifaddrmsg *header,
                          const struct nlattr **attributes)
{
    int ifindex = (int)header->ifa_index;

    if (header->ifa_prefixlen > 128) {
        return;
    }
    append_address6(array, ifindex, attributes[IFA_ADDRESS],
                    header->ifa_prefixlen);
    append_address6(array, ifindex, attributes[IFA_LOCAL], 128);
}

/* On a point-to-point link IFA_ADDRESS is the peer's, and the prefix lies around
 * that (<linux/if_addr.h>). IPv6 has an IFA_LOCAL on such links only. */
static bool collect_address(const struct nlmsghdr *message, gpointer data)
{
    ObserveCollection *collection = data;
    const struct nlattr *attributes[IFA_MAX + 1];
    const struct ifaddrmsg *header = nlmsg_data(message);

    if (message->nlmsg_type != RTM_NEWADDR ||
        nlmsg_datalen(message) < (int)sizeof(*header) ||
        header->ifa_family != collection->family) {
        return true;
    }
    message_parse(message, sizeof(*header), IFA_MAX, attributes);
    if (collection->family == AF_INET) {
        take_address4(collection->array, header, attributes);
    } else {
        take_address6(collection->array, header, attributes);
    }
    return true;
}

/* The interface that a route of several ways names first. */
static int first_hop(const struct nlattr *multipath)
{
    struct rtnexthop hop = { 0 };

    if (multipath && nla_len(multipath) >= (int)sizeof(hop)) {
        memcpy(&hop, nla_data(multipath), sizeof(hop));
    }
    return hop.rtnh_ifindex;
}

static bool is_configured(const struct rtmsg *header)
{
    return header->rtm_type != RTN_BROADCAST &&
           header->rtm_type != RTN_MULTICAST &&
           header->rtm_type != RTN_ANYCAST &&
           !(header->rtm_flags & RTM_F_CLONED);
}

static void take_route4(GArray *array, const struct rtmsg *header,
                        const struct nlattr *destination, FactsRoute route)
{
    if (header->rtm_dst_len > 32) {
        return;
    }
    route.destination.length = header->rtm_dst_len;
    route.destination.address = message_get_u32_be(destination) &
                                prefix4_mask(header->rtm_dst_len);
    g_array_append_val(array, route);
}

static void take_route6(GArray *array, const struct rtmsg *header,
                        const struct nlattr *destination,
                        const FactsRoute *common)
{
    FactsRoute6 route = {
        .table = common->table,
        .type = common->type,
        .protocol = common->protocol,
        .out_ifindex = common->out_ifindex,
    };

    /* The kernel names no destination of length 0. */
    if (header->rtm_dst_len > 128 ||
        (!message_get_ipv6(destination, &route.destination.address) &&
         header->rtm_dst_len > 0)) {
        return;
    }
    route.destination.length = header->rtm_dst_len;
    g_array_append_val(array, route);
}

static bool collect_route(const struct nlmsghdr *message, gpointer data)
{
    ObserveCollection *collection = data;
    const struct nlattr *attributes[RTA_MAX + 1];
    const struct rtmsg *header = nlmsg_data(message);

    if (message->nlmsg_type != RTM_NEWROUTE ||
        nlmsg_datalen(message) < (int)sizeof(*header) ||
        header->rtm_family != collection->family || !is_configured(header)) {
        return true;
    }
    message_parse(message, sizeof(*header), RTA_MAX, attributes);

    FactsRoute route = {
        .table = attributes[RTA_TABLE]
                     ? message_get_u32(attributes[RTA_TABLE])
                     : header->rtm_table,
        .type = header->rtm_type,
        .protocol = header->rtm_protocol,
        .out_ifindex = (int)message_get_u32(attributes[RTA_OIF]),
    };

    if (route.out_ifindex == 0) {
        route.out_ifindex = first_hop(attributes[RTA_MULTIPATH]);
    }
    if (collection->family == AF_INET) {
        take_route4(collection->array, header, attributes[RTA_DST], route);
    } else {
        take_route6(collection->array, header, attributes[RTA_DST], &route);
    }
    return true;
}

static bool dump_addresses(Netlink *route, guint8 family, GArray *addresses,
                           GError **error)
{
    ObserveCollection collection = { .array = addresses, .family = family };
    struct ifaddrmsg header = { .ifa_family = family };
    auto_message message = message_new(RTM_GETADDR, NLM_F_DUMP, &header,
                                       sizeof(header));

    return observe_dump(route, message, collect_address, &collection,
                        "addresses", error);
}

static bool dump_routes(Netlink *route, guint8 family, GArray *routes,
                        GError **error)
{
    ObserveCollection collection = { .array = routes, .family = family };
    struct rtmsg header = { .rtm_family = family };
    auto_message message = message_new(RTM_GETROUTE, NLM_F_DUMP, &header,
                                       sizeof(header));

    return observe_dump(route, message, collect_route, &collection, "routes",
                        error);
}

/* Whether an interface that is made now has IPv6. *ret_exists: whether the
 * kernel knows the family at all. */
static bool find_ipv6(bool *ret_exists, bool *ret_enabled, GError **error)
{
    int all_off = 0, default_off = 0;

    if (!sysctl_get(SYSCTL_IPV6_DISABLE, SYSCTL_ALL, &all_off, ret_exists,
                    error) ||
        !sysctl_get(SYSCTL_IPV6_DISABLE, SYSCTL_DEFAULT, &default_off, NULL,
                    error)) {
        return false;
    }
    *ret_enabled = *ret_exists && !all_off && !default_off;
    return true;
}

bool observe_host(Netlink *route, FactsHost **ret_facts, GError **error)
{
    g_autoptr(FactsHost) facts = g_new0(FactsHost, 1);
    bool ipv6_exists = false;

    facts->links = g_array_new(false, false, sizeof(FactsLink));
    facts->addresses = g_array_new(false, false, sizeof(FactsAddress));
    facts->routes = g_array_new(false, false, sizeof(FactsRoute));
    facts->addresses6 = g_array_new(false, false, sizeof(FactsAddress6));
    facts->routes6 = g_array_new(false, false, sizeof(FactsRoute6));
    facts->foreign = g_array_new(false, false, sizeof(FactsForeign));

    ObserveCollection links = { .array = facts->links };

    if (!observe_dump_links(route, &links, NULL, error) ||
        !dump_addresses(route, AF_INET, facts->addresses, error) ||
        !dump_routes(route, AF_INET, facts->routes, error) ||
        !observe_forwarding(&facts->forwarding, error) ||
        !find_ipv6(&ipv6_exists, &facts->has_ipv6, error)) {
        return false;
    }
    if (ipv6_exists &&
        (!dump_addresses(route, AF_INET6, facts->addresses6, error) ||
         !dump_routes(route, AF_INET6, facts->routes6, error) ||
         !observe_forwarding6(&facts->forwarding6, error))) {
        return false;
    }
    for (guint i = 0; i < facts->links->len; i++) {
        observe_find_wireless(&g_array_index(facts->links, FactsLink, i));
    }
    *ret_facts = g_steal_pointer(&facts);
    return true;
}
