/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/bridge.h"
#include "kernel/forwarding6.h"
#include "kernel/link.h"
#include "kernel/message.h"
#include "kernel/observe.h"
#include "kernel/port.h"
#include "kernel/sysctl.h"

#include <errno.h>

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

/*
 * The bridge of a bridged network and its uplink, or of a shared segment.
 *
 * A bridged network's that exists is the administrator's and is used as found.
 * One made here is a cable and nothing more:
 *  - MAC and MTU are set explicitly, or ports would move them (seen on
 *    Linux 6.18);
 *  - no spanning tree and no forward delay: a guest must not wait for it, and
 *    could take part in it;
 *  - no multicast snooping: a guest that sends queries could make itself the
 *    querier and have its neighbours' groups forgotten. The switch of the LAN
 *    snoops for all of them;
 *  - no IPv6 of the host's: it would configure itself from the LAN, and an
 *    interface that carried no address before would answer there.
 *
 * A shared segment's is the same cable, with this host as the gateway on it: it
 * has the network's own group, which the firewall's rules for ports look for, and
 * what net.ipv4.conf and IPv6 are on a routed port.
 */

#define IPV6_MIN_MTU 1280 /* RFC 8200 section 5 */

/* Kernel's values for a bridge without delay (Linux net/bridge/br_netlink.c,
 * br_policy). */
#define STP_OFF             0
#define FORWARD_DELAY_NONE  0
#define MCAST_SNOOPING_OFF  0

static bool set_not_a_bridge(const Ifname *name, GError **error)
{
    return error_set(error, TAPSTER_ERROR_CONFLICT,
                     "%s exists and is not a bridge; name another in the "
                     "network's \"bridge\"", name->name);
}

bool bridge_find(Netlink *route, const Ifname *name, int *ret_ifindex,
                 GError **error)
{
    FactsLink link;
    bool exists;

    if (!observe_link(route, name, &exists, &link, error)) {
        return false;
    }
    if (!exists) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "bridge %s is gone; try again", name->name);
    }
    if (link.kind != LINK_BRIDGE) {
        return set_not_a_bridge(name, error);
    }
    *ret_ifindex = link.ifindex;
    return true;
}

static struct nl_msg *creation(const PlanOperation *operation)
{
    struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
    struct nl_msg *message = message_new(RTM_NEWLINK,
                                         NLM_F_CREATE | NLM_F_EXCL, &header,
                                         sizeof(header));
    static const guint8 snooping = MCAST_SNOOPING_OFF;

    message_put_text(message, IFLA_IFNAME, operation->name.name);
    message_put_u32(message, IFLA_GROUP, operation->group);
    if (operation->has_mac) {
        message_put(message, IFLA_ADDRESS, operation->mac.bytes,
                    sizeof(operation->mac.bytes));
    }

    struct nlattr *info = message_begin(message, IFLA_LINKINFO);

    message_put_text(message, IFLA_INFO_KIND, "bridge");

    struct nlattr *data = message_begin(message, IFLA_INFO_DATA);

    message_put_u32(message, IFLA_BR_STP_STATE, STP_OFF);
    message_put_u32(message, IFLA_BR_FORWARD_DELAY, FORWARD_DELAY_NONE);
    message_put(message, IFLA_BR_MCAST_SNOOPING, &snooping, sizeof(snooping));
    message_end(message, data);
    message_end(message, info);
    return message;
}

static bool is_segment(const PlanOperation *operation)
{
    return (operation->group & SEGMENT_GROUP_MASK) == SEGMENT_GROUP_BASE;
}

/* An MTU counts as set by the user only if it is a change (seen on Linux 6.18).
 * Never one below IPv6's smallest, which would take IPv6 off the link. */
static guint32 other_mtu(guint32 mtu)
{
    return mtu > IPV6_MIN_MTU ? mtu - 1 : mtu + 1;
}

/* Before the bridge is up. */
static bool settle_ipv6(Netlink *route, int ifindex,
                        const PlanOperation *operation, GError **error)
{
    return operation->ipv6
               ? forwarding6_make_router(route, ifindex, &operation->name,
                                         error)
               : sysctl_set_link(SYSCTL_IPV6_DISABLE, &operation->name, 1,
                                 NULL, error);
}

/* What cannot be said when a link is made, and what must be said twice. */
static bool pin(Netlink *route, int ifindex, const PlanOperation *operation,
                GError **error)
{
    g_autoptr(NetlinkBatch) batch = netlink_batch_new();
    auto_message first = link_change(ifindex, 0, 0);
    auto_message second = link_change(ifindex, IFF_UP, IFF_UP);

    if (operation->mtu) {
        message_put_u32(first, IFLA_MTU, other_mtu(operation->mtu));
        message_put_u32(second, IFLA_MTU, operation->mtu);
    }
    if (is_segment(operation)) {
        port_put_gateway(first, operation);
    }
    message_put_text(second, IFLA_IFALIAS, operation->alias);
    netlink_batch_add(batch, first, true, 0, "settings of the bridge");
    netlink_batch_add(batch, second, true, 0, "setting the bridge up");
    return settle_ipv6(route, ifindex, operation, error) &&
           netlink_transact(route, batch, NULL, NULL, error);
}

/* *ret_made is false where another start was quicker. */
static bool make(Netlink *route, const PlanOperation *operation,
                 bool *ret_made, GError **error)
{
    auto_message message = creation(operation);
    g_autoptr(GError) refused = NULL;
    int kernel_errno;

    *ret_made = link_transact(route, message, 0, "making the bridge",
                              &kernel_errno, &refused);
    if (!*ret_made && kernel_errno != EEXIST) {
        g_propagate_error(error, g_steal_pointer(&refused));
        return false;
    }
    return true;
}

/* A shared segment's bridge that was there: ours, and up. */
static bool permit_segment(Netlink *route, const PlanOperation *operation,
                           const FactsLink *link, GError **error)
{
    if (link->group != operation->group) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "%s exists and is not this network's bridge; rename "
                         "it or remove it", link->name.name);
    }
    return (link->flags & IFF_UP) ||
           link_set_up(route, link->ifindex, true, error);
}

bool bridge_ensure(Netlink *route, const PlanOperation *operation,
                   int *ret_ifindex, bool *ret_made, GError **error)
{
    FactsLink link;
    bool exists;
    bool made = false;

    if (!observe_link(route, &operation->name, &exists, &link, error)) {
        return false;
    }
    if (!exists &&
        (!make(route, operation, &made, error) ||
         !observe_link(route, &operation->name, &exists, &link, error))) {
        return false;
    }
    if (!exists || link.kind != LINK_BRIDGE) {
        return set_not_a_bridge(&operation->name, error);
    }
    if (made && !pin(route, link.ifindex, operation, error)) {
        (void)!link_delete(route, link.ifindex, NULL);
        return false;
    }
    if (!made && is_segment(operation) &&
        !permit_segment(route, operation, &link, error)) {
        return false;
    }
    *ret_ifindex = link.ifindex;
    *ret_made = made;
    return true;
}

static bool permit_uplink(Netlink *route, const Ifname *bridge,
                          const FactsLink *link, GError **error)
{
    const char *name = link->name.name;
    bool has_address;

    if (link->flags & IFF_LOOPBACK) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "uplink %s is the loopback, which no bridge takes",
                         name);
    }
    if (link->kind == LINK_WIRELESS) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "uplink %s is wireless, and an access point takes "
                         "frames of one MAC only; use a masqueraded network",
                         name);
    }
    if (link->kind == LINK_BRIDGE) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "uplink %s is a bridge itself; make it the network's "
                         "\"bridge\"", name);
    }
    if (link->master_ifindex) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "uplink %s belongs to another bridge or bond; take it "
                         "out of that (ip link set %s nomaster) or name "
                         "another", name, name);
    }
    if (!observe_link_has_address(route, link->ifindex, &has_address, error)) {
        return false;
    }
    return !has_address ||
           error_set(error, TAPSTER_ERROR_CONFLICT,
                     "uplink %s carries an address, and would lose its "
                     "connections in a bridge; give the address to a bridge "
                     "%s that has %s in it, or name another uplink", name,
                     bridge->name, name);
}

bool bridge_enslave(Netlink *route, int bridge_ifindex, const Ifname *bridge,
                    const Ifname *uplink, BridgeUplink *ret_uplink,
                    GError **error)
{
    FactsLink link;
    bool exists;

    *ret_uplink = (BridgeUplink){ 0 };
    if (!observe_link(route, uplink, &exists, &link, error)) {
        return false;
    }
    if (!exists) {
        return error_set(error, TAPSTER_ERROR_CONFLICT,
                         "uplink %s does not exist; the network's \"uplink\" "
                         "must name an interface of this host", uplink->name);
    }
    ret_uplink->ifindex = link.ifindex;
    if (link.master_ifindex != bridge_ifindex) {
        if (!permit_uplink(route, bridge, &link, error)) {
            return false;
        }
        if (!link_set_master(route, link.ifindex, bridge_ifindex, error)) {
            g_prefix_error(error, "uplink %s: ", uplink->name);
            return false;
        }
        ret_uplink->enslaved = true;
    }
    if (!(link.flags & IFF_UP)) {
        if (!link_set_up(route, link.ifindex, true, error)) {
            g_prefix_error(error, "uplink %s: ", uplink->name);
            return false;
        }
        ret_uplink->set_up = true;
    }
    return true;
}

typedef struct {
    int except_ifindex;
    bool used;
} PortSearch;

static bool take_port(const struct nlmsghdr *message, gpointer data)
{
    PortSearch *search = data;
    FactsLink link;

    if (observe_parse_link(message, &link) &&
        link.ifindex != search->except_ifindex) {
        search->used = true;
    }
    return !search->used;
}

void bridge_delete_unused(Netlink *route, int ifindex, int except_ifindex)
{
    struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
    auto_message message = message_new(RTM_GETLINK, NLM_F_DUMP, &header,
                                       sizeof(header));
    PortSearch search = { .except_ifindex = except_ifindex };

    message_put_u32(message, IFLA_MASTER, (guint32)ifindex);
    message_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (netlink_query(route, message, take_port, &search, NULL, NULL) &&
        !search.used) {
        (void)!link_delete(route, ifindex, NULL);
    }
}

bool bridge_release(Netlink *route, const Ifname *name, GError **error)
{
    FactsLink link;
    bool exists;

    if (!observe_link(route, name, &exists, &link, error)) {
        return false;
    }
    if (exists && link.kind == LINK_BRIDGE &&
        (link.group & SEGMENT_GROUP_MASK) == SEGMENT_GROUP_BASE) {
        bridge_delete_unused(route, link.ifindex, 0);
    }
    return true;
}
