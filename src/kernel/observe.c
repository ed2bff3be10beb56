/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/observe.h"
#include "kernel/message.h"
#include "kernel/observe_private.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

/*
 * Facts about links, read from the kernel. One link costs one request, whatever
 * their number; dumps are for making a network and for commands. Addresses and
 * routes are observe_host.c's; nobody but these two fills the structs of
 * facts/facts.h.
 *
 * Nothing is cached, and nothing here changes anything. A dump that the kernel
 * calls interrupted (something changed meanwhile) is read again from its start.
 */

/* A dump of a host where links come and go all the time may be interrupted
 * often; each try is a few milliseconds at a thousand links. */
#define DUMP_TRIES 32

/* A wireless interface has no kind of its own in netlink, but a folder in
 * sysfs (Linux net/core/net-sysfs.c; net/wireless/core.c). */
void observe_find_wireless(FactsLink *link)
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
    observe_find_wireless(&link);
    *ret_exists = true;
    *ret_link = link;
    return true;
}

/* Dumps. */

bool observe_dump(Netlink *route, struct nl_msg *message,
                  NetlinkReceive receive, ObserveCollection *collection,
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
    ObserveCollection *collection = data;
    FactsLink link;

    if (observe_parse_link(message, &link) &&
        (collection->group == 0 || link.group == collection->group)) {
        g_array_append_val(collection->array, link);
    }
    return true;
}

bool observe_dump_links(Netlink *route, ObserveCollection *collection,
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
    return observe_dump(route, message, collect_link, collection, "links",
                        error);
}

bool observe_links(Netlink *route, GArray **ret_links, GError **error)
{
    g_autoptr(GArray) links = g_array_new(false, false, sizeof(FactsLink));
    ObserveCollection collection = { .array = links };

    if (!observe_dump_links(route, &collection, NULL, error)) {
        return false;
    }
    *ret_links = g_steal_pointer(&links);
    return true;
}

bool observe_taps(Netlink *route, guint32 group, GArray **ret_links,
                  GError **error)
{
    g_autoptr(GArray) links = g_array_new(false, false, sizeof(FactsLink));
    ObserveCollection collection = { .array = links, .group = group };

    if (!observe_dump_links(route, &collection, "tun", error)) {
        return false;
    }
    *ret_links = g_steal_pointer(&links);
    return true;
}

/* Appends the index of each link that has an address that counts. */
static bool collect_bearer(const struct nlmsghdr *message, gpointer data)
{
    ObserveCollection *collection = data;
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
    ObserveCollection collection = { .array = found, .ifindex = ifindex };

    for (guint i = 0; found->len == 0 && i < G_N_ELEMENTS(families); i++) {
        struct ifaddrmsg header = {
            .ifa_family = families[i],
            .ifa_index = (guint32)ifindex,
        };
        auto_message message = message_new(RTM_GETADDR, NLM_F_DUMP, &header,
                                           sizeof(header));

        if (!observe_dump(route, message, collect_bearer, &collection,
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

bool observe_forwarding6(bool *ret_forwards, GError **error)
{
    return sysctl_get_forwarding6(ret_forwards, error);
}

typedef struct {
    bool answered;
    bool forwards;
} Netconf;

static bool take_netconf(const struct nlmsghdr *message, gpointer data)
{
    Netconf *netconf = data;
    const struct nlattr *attributes[NETCONFA_MAX + 1];

    if (message->nlmsg_type == RTM_NEWNETCONF) {
        message_parse(message, sizeof(struct netconfmsg), NETCONFA_MAX,
                      attributes);
        netconf->answered = attributes[NETCONFA_FORWARDING] != NULL;
        netconf->forwards =
            message_get_u32(attributes[NETCONFA_FORWARDING]) != 0;
    }
    return false;
}

bool observe_link_forwards6(Netlink *route, int ifindex, bool *ret_forwards,
                            GError **error)
{
    struct netconfmsg header = { .ncm_family = AF_INET6 };
    auto_message message = message_new(RTM_GETNETCONF, 0, &header,
                                       sizeof(header));
    g_autoptr(GError) refused = NULL;
    Netconf netconf = { 0 };
    int kernel_errno;

    message_put_u32(message, NETCONFA_IFINDEX, (guint32)ifindex);
    /* EINVAL: the link has no IPv6 (Linux net/ipv6/addrconf.c,
     * inet6_netconf_get_devconf()). */
    if (!netlink_query(route, message, take_netconf, &netconf, &kernel_errno,
                       &refused) &&
        kernel_errno != EINVAL && kernel_errno != EOPNOTSUPP) {
        g_propagate_prefixed_error(error, g_steal_pointer(&refused),
                                   "IPv6 forwarding of a link: ");
        return false;
    }
    *ret_forwards = netconf.answered && netconf.forwards;
    return true;
}
