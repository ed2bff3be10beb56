/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/observe.h"
#include "kernel/message.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/*
 * Facts, read from the kernel: the only place that fills the structs of
 * facts/facts.h. One link costs one request, whatever their number; whole
 * tables are for making a network and for commands.
 *
 * Nothing is cached, and nothing here changes anything. A dump that the kernel
 * calls interrupted (something changed meanwhile) is read again from its start.
 */

/* A dump of a host where links come and go all the time may be interrupted
 * often; each try is a few milliseconds at a thousand links. */
#define DUMP_TRIES 32

/* A wireless interface has no kind of its own in netlink, but a folder in
 * sysfs (Linux net/core/net-sysfs.c; net/wireless/core.c). */
static void find_wireless(FactsLink *link)
{
    static const char *const signs[] = { "wireless", "phy80211" };

    for (guint i = 0; link->kind == LINK_OTHER && i < G_N_ELEMENTS(signs);
         i++) {
        char path[64 + IFNAMSIZ];

        g_snprintf(path, sizeof(path), "/sys/class/net/%s/%s",
                   link->name.name, signs[i]);
        if (access(path, F_OK) == 0) {
            link->kind = LINK_WIRELESS;
        }
    }
}

static bool take_link(const struct nlmsghdr *message, gpointer data)
{
    return !observe_parse_link(message, data);
}

bool observe_link(Netlink *route, const Ifname *name, bool *ret_exists,
                  FactsLink *ret_link, GError **error)
{
    struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
    auto_message message = message_new(RTM_GETLINK, 0, &header,
                                       sizeof(header));
    g_autoptr(GError) refused = NULL;
    FactsLink link = { 0 };
    int kernel_errno;

    message_put_text(message, IFLA_IFNAME, name->name);
    message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (!netlink_query(route, message, take_link, &link, &kernel_errno,
                       &refused)) {
        if (kernel_errno == ENODEV) {
            *ret_exists = false;
            return true;
        }
        g_propagate_prefixed_error(error, g_steal_pointer(&refused),
                                   "looking for %s: ", name->name);
        return false;
    }
    if (link.ifindex <= 0) {
        return error_set(error, TAPSTER_ERROR_KERNEL,
                         "looking for %s: no link in the kernel's answer",
                         name->name);
    }
    find_wireless(&link);
    *ret_exists = true;
    *ret_link = link;
    return true;
}

/* Dumps. */

typedef struct {
    GArray *array;
    guint32 group; /* links: only of this one; 0 for all */
    int ifindex;   /* addresses: only of this one; 0 for all */
} Collection;

/* Sends the same request until its answer was not interrupted. */
static bool dump(Netlink *route, struct nl_msg *message,
                 NetlinkReceive receive, Collection *collection,
                 const char *what, GError **error)
{
    for (int i = 0;; i++) {
        g_autoptr(GError) refused = NULL;
        int kernel_errno;

        g_array_set_size(collection->array, 0);
        if (netlink_query(route, message, receive, collection, &kernel_errno,
                          &refused)) {
            return true;
        }
        if (kernel_errno != EINTR || i >= DUMP_TRIES) {
            g_propagate_prefixed_error(error, g_steal_pointer(&refused),
                                       "reading %s: ", what);
            return false;
        }
    }
}

static bool collect_link(const struct nlmsghdr *message, gpointer data)
{
    Collection *collection = data;
    FactsLink link;

    if (observe_parse_link(message, &link) &&
        (collection->group == 0 || link.group == collection->group)) {
        g_array_append_val(collection->array, link);
    }
    return true;
}

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

static bool collect_address(const struct nlmsghdr *message, gpointer data)
{
    Collection *collection = data;
    const struct nlattr *attributes[IFA_MAX + 1];
    const struct ifaddrmsg *header = nlmsg_data(message);

    if (message->nlmsg_type != RTM_NEWADDR ||
        nlmsg_datalen(message) < (int)sizeof(*header) ||
        header->ifa_family != AF_INET || header->ifa_prefixlen > 32) {
        return true;
    }
    message_parse(message, sizeof(*header), IFA_MAX, attributes);

    /* On a point-to-point link IFA_ADDRESS is the peer's, and the prefix lies
     * around that (<linux/if_addr.h>). */
    guint32 local = message_get_u32_be(attributes[IFA_LOCAL]);
    guint32 peer = message_get_u32_be(attributes[IFA_ADDRESS]);
    int ifindex = (int)header->ifa_index;

    if (attributes[IFA_ADDRESS]) {
        append_address(collection->array, ifindex, peer,
                       header->ifa_prefixlen);
    }
    if (attributes[IFA_LOCAL] && local != peer) {
        append_address(collection->array, ifindex, local, 32);
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

static bool collect_route(const struct nlmsghdr *message, gpointer data)
{
    Collection *collection = data;
    const struct nlattr *attributes[RTA_MAX + 1];
    const struct rtmsg *header = nlmsg_data(message);

    /* Broadcast routes say again what their address says; cached ones are
     * not configured by anybody. */
    if (message->nlmsg_type != RTM_NEWROUTE ||
        nlmsg_datalen(message) < (int)sizeof(*header) ||
        header->rtm_family != AF_INET || header->rtm_dst_len > 32 ||
        header->rtm_type == RTN_BROADCAST ||
        (header->rtm_flags & RTM_F_CLONED)) {
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

    route.destination.length = header->rtm_dst_len;
    route.destination.address = message_get_u32_be(attributes[RTA_DST]) &
                                prefix4_mask(header->rtm_dst_len);
    if (route.out_ifindex == 0) {
        route.out_ifindex = first_hop(attributes[RTA_MULTIPATH]);
    }
    g_array_append_val(collection->array, route);
    return true;
}

static bool dump_links(Netlink *route, Collection *collection,
                       const char *kind, GError **error)
{
    struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
    auto_message message = message_new(RTM_GETLINK, NLM_F_DUMP, &header,
                                       sizeof(header));

    message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (kind) {
        struct nlattr *info = message_begin(message, IFLA_LINKINFO);

        message_put_text(message, IFLA_INFO_KIND, kind);
        message_end(message, info);
    }
    return dump(route, message, collect_link, collection, "links", error);
}

bool observe_taps(Netlink *route, guint32 group, GArray **ret_links,
                  GError **error)
{
    g_autoptr(GArray) links = g_array_new(false, false, sizeof(FactsLink));
    Collection collection = { .array = links, .group = group };

    if (!dump_links(route, &collection, "tun", error)) {
        return false;
    }
    *ret_links = g_steal_pointer(&links);
    return true;
}

bool observe_host(Netlink *route, FactsHost **ret_facts, GError **error)
{
    g_autoptr(FactsHost) facts = g_new0(FactsHost, 1);
    struct ifaddrmsg address_header = { .ifa_family = AF_INET };
    struct rtmsg route_header = { .rtm_family = AF_INET };
    auto_message addresses = message_new(RTM_GETADDR, NLM_F_DUMP,
                                         &address_header,
                                         sizeof(address_header));
    auto_message routes = message_new(RTM_GETROUTE, NLM_F_DUMP, &route_header,
                                      sizeof(route_header));

    facts->links = g_array_new(false, false, sizeof(FactsLink));
    facts->addresses = g_array_new(false, false, sizeof(FactsAddress));
    facts->routes = g_array_new(false, false, sizeof(FactsRoute));

    Collection collections[] = {
        { .array = facts->links },
        { .array = facts->addresses },
        { .array = facts->routes },
    };

    if (!dump_links(route, &collections[0], NULL, error) ||
        !dump(route, addresses, collect_address, &collections[1], "addresses",
              error) ||
        !dump(route, routes, collect_route, &collections[2], "routes",
              error) ||
        !observe_forwarding(&facts->forwarding, error)) {
        return false;
    }
    for (guint i = 0; i < facts->links->len; i++) {
        find_wireless(&g_array_index(facts->links, FactsLink, i));
    }
    *ret_facts = g_steal_pointer(&facts);
    return true;
}

/* Appends the index of each link that has an address that counts. */
static bool collect_bearer(const struct nlmsghdr *message, gpointer data)
{
    Collection *collection = data;
    const struct ifaddrmsg *header = nlmsg_data(message);

    /* Every interface that is up has a link-local address of IPv6; nobody
     * loses his way to the host with it. 169.254/16 counts: it was given
     * for a purpose, or is the only way in. */
    if (message->nlmsg_type == RTM_NEWADDR &&
        nlmsg_datalen(message) >= (int)sizeof(*header) &&
        (int)header->ifa_index == collection->ifindex &&
        (header->ifa_family == AF_INET ||
         header->ifa_scope != RT_SCOPE_LINK)) {
        g_array_append_val(collection->array, header->ifa_index);
    }
    return true;
}

bool observe_link_has_address(Netlink *route, int ifindex,
                              bool *ret_has_address, GError **error)
{
    static const guint8 families[] = { AF_INET, AF_INET6 };
    g_autoptr(GArray) found = g_array_new(false, false, sizeof(guint32));
    Collection collection = { .array = found, .ifindex = ifindex };

    for (guint i = 0; found->len == 0 && i < G_N_ELEMENTS(families); i++) {
        struct ifaddrmsg header = {
            .ifa_family = families[i],
            .ifa_index = (guint32)ifindex,
        };
        auto_message message = message_new(RTM_GETADDR, NLM_F_DUMP, &header,
                                           sizeof(header));

        if (!dump(route, message, collect_bearer, &collection,
                  "a link's addresses", error)) {
            return false;
        }
    }
    *ret_has_address = found->len > 0;
    return true;
}

bool observe_forwarding(bool *ret_forwards, GError **error)
{
    return sysctl_get_forwarding(ret_forwards, error);
}
