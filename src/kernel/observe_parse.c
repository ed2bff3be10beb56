/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/message.h"
#include "kernel/observe.h"

#include <string.h>

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
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

/* IFLA_AF_SPEC { AF_INET { IFLA_INET_CONF: an array of u32, IPV4_DEVCONF_* from
 * 1 on } }. Source: Linux net/ipv4/devinet.c, inet_fill_link_af(). */
static bool read_forwards(const struct nlattr *af_spec)
{
    const struct nlattr *families[AF_INET + 1];
    const struct nlattr *inet[IFLA_INET_MAX + 1];
    guint32 value = 0;

    message_parse_nested(af_spec, AF_INET, families);
    message_parse_nested(families[AF_INET], IFLA_INET_MAX, inet);

    const struct nlattr *conf = inet[IFLA_INET_CONF];
    gsize at = (IPV4_DEVCONF_FORWARDING - 1) * sizeof(value);

    if (conf && (gsize)nla_len(conf) >= at + sizeof(value)) {
        memcpy(&value, (const guint8 *)nla_data(conf) + at, sizeof(value));
    }
    return value != 0;
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
    link.forwards = read_forwards(attributes[IFLA_AF_SPEC]);
    *ret_link = link;
    return true;
}
