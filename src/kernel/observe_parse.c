/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/message.h"
#include "kernel/observe.h"

#include <string.h>

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

/*
 * From an RTM_NEWLINK to a FactsLink. Pure: whatever the bytes say, no length in
 * them is trusted.
 */

static LinkKind read_kind(const struct nlattr *link_info, FactsLink *link)
{
    const struct nlattr *info[IFLA_INFO_MAX + 1];
    const struct nlattr *tun[IFLA_TUN_MAX + 1];
    const char *kind;

    message_parse_nested(link_info, IFLA_INFO_MAX, info);
    if (!info[IFLA_INFO_KIND] || nla_len(info[IFLA_INFO_KIND]) == 0) {
        return LINK_OTHER;
    }
    kind = nla_data(info[IFLA_INFO_KIND]);

    gsize size = (gsize)nla_len(info[IFLA_INFO_KIND]);

    if (strncmp(kind, "bridge", size) == 0) {
        return LINK_BRIDGE;
    }
    if (strncmp(kind, "tun", size) != 0) {
        return LINK_OTHER;
    }
    message_parse_nested(info[IFLA_INFO_DATA], IFLA_TUN_MAX, tun);
    link->persistent = message_get_u8(tun[IFLA_TUN_PERSIST]) != 0;
    link->has_owner = tun[IFLA_TUN_OWNER] != NULL;
    link->owner = message_get_u32(tun[IFLA_TUN_OWNER]);
    return message_get_u8(tun[IFLA_TUN_TYPE]) == IFF_TAP ? LINK_TAP
                                                         : LINK_OTHER;
}

/* Value @index of an array of 32-bit values, 0 if it is too short. */
static guint32 read_conf(const struct nlattr *conf, gsize index)
{
    gsize at = index * sizeof(guint32);
    guint32 value = 0;

    if (conf && (gsize)nla_len(conf) >= at + sizeof(value)) {
        memcpy(&value, (const guint8 *)nla_data(conf) + at, sizeof(value));
    }
    return value;
}

/* IFLA_AF_SPEC { AF_INET { IFLA_INET_CONF: an array of u32, IPV4_DEVCONF_* from
 * 1 on }, AF_INET6 { IFLA_INET6_CONF: DEVCONF_* from 0 on } }. Source: Linux
 * net/ipv4/devinet.c, inet_fill_link_af(); net/ipv6/addrconf.c,
 * ipv6_store_devconf(). */
static void read_af_spec(const struct nlattr *af_spec, FactsLink *link)
{
    const struct nlattr *families[AF_INET6 + 1];
    const struct nlattr *inet[IFLA_INET_MAX + 1];
    const struct nlattr *inet6[IFLA_INET6_MAX + 1];

    message_parse_nested(af_spec, AF_INET6, families);
    message_parse_nested(families[AF_INET], IFLA_INET_MAX, inet);
    message_parse_nested(families[AF_INET6], IFLA_INET6_MAX, inet6);
    link->forwards = read_conf(inet[IFLA_INET_CONF],
                               IPV4_DEVCONF_FORWARDING - 1) != 0;
    link->forwards6 = read_conf(inet6[IFLA_INET6_CONF],
                                DEVCONF_FORWARDING) != 0;
    link->accept_ra = (guint8)MIN(
        read_conf(inet6[IFLA_INET6_CONF], DEVCONF_ACCEPT_RA), 2);
}

bool observe_parse_link(const struct nlmsghdr *message, FactsLink *ret_link)
{
    const struct nlattr *attributes[IFLA_MAX + 1];
    const struct ifinfomsg *header = nlmsg_data(message);
    FactsLink link = { 0 };

    if (message->nlmsg_type != RTM_NEWLINK ||
        nlmsg_datalen(message) < (int)sizeof(*header)) {
        return false;
    }
    message_parse(message, sizeof(*header), IFLA_MAX, attributes);

    const struct nlattr *name = attributes[IFLA_IFNAME];
    const struct nlattr *mac = attributes[IFLA_ADDRESS];

    if (!name || nla_len(name) < 2 || nla_len(name) > IFNAMSIZ) {
        return false;
    }
    memcpy(link.name.name, nla_data(name), (gsize)nla_len(name) - 1);
    if (mac && nla_len(mac) == sizeof(link.mac.bytes)) {
        memcpy(link.mac.bytes, nla_data(mac), sizeof(link.mac.bytes));
    }
    link.ifindex = header->ifi_index;
    link.flags = header->ifi_flags;
    link.mtu = message_get_u32(attributes[IFLA_MTU]);
    link.group = message_get_u32(attributes[IFLA_GROUP]);
    link.carrier = message_get_u8(attributes[IFLA_CARRIER]) != 0;
    link.master_ifindex = (int)message_get_u32(attributes[IFLA_MASTER]);
    link.kind = read_kind(attributes[IFLA_LINKINFO], &link);
    read_af_spec(attributes[IFLA_AF_SPEC], &link);
    *ret_link = link;
    return true;
}
