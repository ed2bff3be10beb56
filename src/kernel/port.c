/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/port.h"
#include "kernel/link.h"
#include "kernel/message.h"

#include <arpa/inet.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

/*
 * What each operation says to the kernel. A routed port is a cable with the
 * gateway's address at our end and no route but the guest's /32, so everything
 * that the host must answer for on behalf of other guests is answered by proxy
 * ARP. A bridged port has a bridge and nothing of its own.
 *
 * When these are sent, and in what order, is apply.c's.
 */

typedef struct {
    guint16 which; /* IPV4_DEVCONF_* of <linux/ip.h> */
    guint32 value;
} Conf;

/* net.ipv4.conf of a link that the host is a gateway on. What a hardened
 * net.ipv4.conf.default says is replaced; conf.all still joins in (Linux
 * include/linux/inetdevice.h): arp_ignore=1, arp_announce=1 or 2, arp_filter=1
 * and rp_filter=2 there do no harm, arp_ignore=2 or 8 does: the host then answers
 * no ARP for a /32. */
static const Conf gateway_conf[] = {
    { IPV4_DEVCONF_FORWARDING, 1 },
    { IPV4_DEVCONF_PROXY_ARP_PVLAN, 0 },
    /* Strict: a second line behind the firewall's. */
    { IPV4_DEVCONF_RP_FILTER, 1 },
    /* A guest may neither redirect the host nor route by source. */
    { IPV4_DEVCONF_ACCEPT_REDIRECTS, 0 },
    { IPV4_DEVCONF_SEND_REDIRECTS, 0 },
    { IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE, 0 },
    /* Nor come from the host's own addresses. */
    { IPV4_DEVCONF_ACCEPT_LOCAL, 0 },
    /* A gratuitous ARP would tell the guest nothing, at boot at most. */
    { IPV4_DEVCONF_ARP_NOTIFY, 0 },
    { IPV4_DEVCONF_ARP_ACCEPT, 0 },
    { IPV4_DEVCONF_ARP_IGNORE, 0 },
    { IPV4_DEVCONF_ARP_ANNOUNCE, 0 },
    { IPV4_DEVCONF_ARPFILTER, 0 },
};

/* Linux net/ipv4/devinet.c, inet_set_link_af(). */
static void put_conf(struct nl_msg *message, const PlanOperation *operation)
{
    struct nlattr *inet = message_begin(message, AF_INET);
    struct nlattr *conf = message_begin(message, IFLA_INET_CONF);

    for (guint i = 0; i < G_N_ELEMENTS(gateway_conf); i++) {
        message_put_u32(message, gateway_conf[i].which, gateway_conf[i].value);
    }
    /* Guests find each other, and whatever they believe to be on their link. */
    message_put_u32(message, IPV4_DEVCONF_PROXY_ARP, operation->routed);
    /* Lets 127.0.0.1 talk to the guest. That the guest does not talk to
     * 127.0.0.0/8 is the firewall's part then. */
    message_put_u32(message, IPV4_DEVCONF_ROUTE_LOCALNET,
                    operation->localhost);
    message_end(message, conf);
    message_end(message, inet);
}

void port_put_gateway(struct nl_msg *message, const PlanOperation *operation)
{
    static const guint8 none = IN6_ADDR_GEN_MODE_NONE;
    struct nlattr *spec = message_begin(message, IFLA_AF_SPEC);

    put_conf(message, operation);
    if (operation->ipv6) {
        struct nlattr *inet6 = message_begin(message, AF_INET6);

        message_put(message, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
        message_end(message, inet6);
    }
    message_end(message, spec);
}

struct nl_msg *port_localhost(int ifindex)
{
    struct nl_msg *message = link_change(ifindex, 0, 0);
    struct nlattr *spec = message_begin(message, IFLA_AF_SPEC);
    struct nlattr *inet = message_begin(message, AF_INET);
    struct nlattr *conf = message_begin(message, IFLA_INET_CONF);

    message_put_u32(message, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
    message_end(message, conf);
    message_end(message, inet);
    message_end(message, spec);
    return message;
}

struct nl_msg *port_settings(const PlanOperation *operation, int tap_ifindex,
                             int master_ifindex)
{
    struct nl_msg *message = link_change(tap_ifindex, 0, 0);

    if (operation->has_mac) {
        message_put(message, IFLA_ADDRESS, operation->mac.bytes,
                    sizeof(operation->mac.bytes));
    }
    if (operation->mtu) {
        message_put_u32(message, IFLA_MTU, operation->mtu);
    }
    message_put_u32(message, IFLA_GROUP, operation->group);
    if (operation->alias[0]) {
        message_put_text(message, IFLA_IFALIAS, operation->alias);
    }
    if (master_ifindex) {
        message_put_u32(message, IFLA_MASTER, (guint32)master_ifindex);
    }
    if (operation->routed) {
        port_put_gateway(message, operation);
    }
    return message;
}

struct nl_msg *port_up(int tap_ifindex)
{
    return link_change(tap_ifindex, IFF_UP, IFF_UP);
}

struct nl_msg *port_neighbours(int tap_ifindex)
{
    struct ndtmsg header = { .ndtm_family = AF_INET };
    struct nl_msg *message = message_new(RTM_SETNEIGHTBL, 0, &header,
                                         sizeof(header));
    static const guint64 no_delay_ms = 0;

    message_put_text(message, NDTA_NAME, "arp_cache");

    struct nlattr *parameters = message_begin(message, NDTA_PARMS);

    message_put_u32(message, NDTPA_IFINDEX, (guint32)tap_ifindex);
    message_put(message, NDTPA_PROXY_DELAY, &no_delay_ms, sizeof(no_delay_ms));
    message_end(message, parameters);
    return message;
}

struct nl_msg *port_address(const PlanOperation *operation, int tap_ifindex)
{
    /* Scope link: good for ARP and for the route's preferred source, but
     * not what an uplink without an address of its own would borrow (Linux
     * net/ipv4/devinet.c, inet_select_addr(), in_dev_select_addr()). */
    struct ifaddrmsg header = {
        .ifa_family = AF_INET,
        .ifa_prefixlen = 32,
        .ifa_scope = RT_SCOPE_LINK,
        .ifa_index = (guint32)tap_ifindex,
    };
    struct nl_msg *message = message_new(RTM_NEWADDR,
                                         NLM_F_CREATE | NLM_F_EXCL, &header,
                                         sizeof(header));

    message_put_ipv4(message, IFA_LOCAL, operation->address);
    message_put_ipv4(message, IFA_ADDRESS, operation->address);
    message_put_u32(message, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
    return message;
}

struct nl_msg *port_bridge_address(const PlanOperation *operation,
                                   int bridge_ifindex)
{
    struct ifaddrmsg header = {
        .ifa_family = AF_INET,
        .ifa_prefixlen = operation->prefix.length,
        .ifa_scope = RT_SCOPE_UNIVERSE,
        .ifa_index = (guint32)bridge_ifindex,
    };
    struct nl_msg *message = message_new(RTM_NEWADDR,
                                         NLM_F_CREATE | NLM_F_EXCL, &header,
                                         sizeof(header));
    guint32 hosts = ~prefix4_mask(operation->prefix.length);

    message_put_ipv4(message, IFA_LOCAL, operation->address);
    message_put_ipv4(message, IFA_ADDRESS, operation->address);
    message_put_ipv4(message, IFA_BROADCAST, operation->address | hosts);
    return message;
}

struct nl_msg *port_address6(const Address6 *address, guint8 length,
                             int ifindex)
{
    /* Scope is the kernel's to find. Nobody can have the address before us: the
     * link is ours, and the guests' frames die in the firewall. */
    struct ifaddrmsg header = {
        .ifa_family = AF_INET6,
        .ifa_prefixlen = length,
        .ifa_flags = IFA_F_NODAD,
        .ifa_index = (guint32)ifindex,
    };
    struct nl_msg *message = message_new(RTM_NEWADDR,
                                         NLM_F_CREATE | NLM_F_EXCL, &header,
                                         sizeof(header));

    message_put_ipv6(message, IFA_LOCAL, address);
    return message;
}

struct nl_msg *port_route(const PlanOperation *operation, int tap_ifindex)
{
    struct rtmsg header = {
        .rtm_family = AF_INET,
        .rtm_dst_len = 32,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = SEGMENT_ROUTE_PROTOCOL,
        .rtm_scope = RT_SCOPE_LINK,
        .rtm_type = RTN_UNICAST,
    };
    /* Replaces whatever else claims to lead to this address: the tap's name is
     * the claim, and it is ours. */
    struct nl_msg *message = message_new(RTM_NEWROUTE,
                                         NLM_F_CREATE | NLM_F_REPLACE, &header,
                                         sizeof(header));

    message_put_ipv4(message, RTA_DST, operation->address);
    message_put_u32(message, RTA_OIF, (guint32)tap_ifindex);
    message_put_ipv4(message, RTA_PREFSRC, operation->source);
    return message;
}

/* An address of either family as bytes in the order of transmission. */
typedef struct {
    guint8 family;
    guint8 length;
    int size;
    const void *address;
} Subnet;

static struct nl_msg *unreachable(const Subnet *subnet, bool add)
{
    struct rtmsg header = {
        .rtm_family = subnet->family,
        .rtm_dst_len = subnet->length,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = SEGMENT_ROUTE_PROTOCOL,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNREACHABLE,
    };
    struct nl_msg *message = message_new(add ? RTM_NEWROUTE : RTM_DELROUTE,
                                         add ? NLM_F_CREATE | NLM_F_EXCL : 0,
                                         &header, sizeof(header));

    message_put(message, RTA_DST, subnet->address, subnet->size);
    message_put_u32(message, RTA_PRIORITY, PORT_UNREACHABLE_METRIC);
    return message;
}

static struct nl_msg *rule(const Subnet *subnet, bool add)
{
    static const guint8 protocol = SEGMENT_ROUTE_PROTOCOL;
    struct fib_rule_hdr header = {
        .family = subnet->family,
        .dst_len = subnet->length,
        .table = RT_TABLE_MAIN,
        .action = FR_ACT_TO_TBL,
    };
    struct nl_msg *message = message_new(add ? RTM_NEWRULE : RTM_DELRULE,
                                         add ? NLM_F_CREATE | NLM_F_EXCL : 0,
                                         &header, sizeof(header));

    message_put(message, FRA_DST, subnet->address, subnet->size);
    message_put_u32(message, FRA_PRIORITY, PORT_RULE_PREFERENCE);
    message_put(message, FRA_PROTOCOL, &protocol, sizeof(protocol));
    return message;
}

static Subnet subnet4(Prefix4 prefix, const guint32 *address_be)
{
    return (Subnet){ AF_INET, prefix.length, sizeof(*address_be), address_be };
}

static Subnet subnet6(const Prefix6 *prefix)
{
    return (Subnet){ AF_INET6, prefix->length, sizeof(prefix->address.bytes),
                     prefix->address.bytes };
}

struct nl_msg *port_subnet_unreachable(Prefix4 prefix, bool add)
{
    guint32 address_be = htonl(prefix.address);
    Subnet subnet = subnet4(prefix, &address_be);

    return unreachable(&subnet, add);
}

struct nl_msg *port_subnet_rule(Prefix4 prefix, bool add)
{
    guint32 address_be = htonl(prefix.address);
    Subnet subnet = subnet4(prefix, &address_be);

    return rule(&subnet, add);
}

struct nl_msg *port_subnet6_unreachable(const Prefix6 *prefix, bool add)
{
    Subnet subnet = subnet6(prefix);

    return unreachable(&subnet, add);
}

struct nl_msg *port_subnet6_rule(const Prefix6 *prefix, bool add)
{
    Subnet subnet = subnet6(prefix);

    return rule(&subnet, add);
}
