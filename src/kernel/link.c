/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/link.h"
#include "kernel/message.h"

#include <errno.h>
#include <net/if.h>

#include <linux/rtnetlink.h>

/*
 * One request, one answer. RTM_SETLINK rather than RTM_NEWLINK: it cannot make a
 * link, and skips the search for a driver.
 */

struct nl_msg *link_change(int ifindex, guint32 flags, guint32 change)
{
    struct ifinfomsg header = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = ifindex,
        .ifi_flags = flags,
        .ifi_change = change,
    };

    return message_new(RTM_SETLINK, 0, &header, sizeof(header));
}

bool link_transact(Netlink *route, struct nl_msg *message, int tolerated_errno,
                   const char *what, int *ret_errno, GError **error)
{
    g_autoptr(NetlinkBatch) batch = netlink_batch_new();

    netlink_batch_add(batch, message, true, tolerated_errno, what);
    return netlink_transact(route, batch, ret_errno, NULL, error);
}

bool link_set_master(Netlink *route, int ifindex, int master_ifindex,
                     GError **error)
{
    auto_message message = link_change(ifindex, 0, 0);

    message_put_u32(message, IFLA_MASTER, (guint32)master_ifindex);
    return link_transact(route, message, 0, "changing the bridge of a link",
                         NULL, error);
}

bool link_set_up(Netlink *route, int ifindex, bool up, GError **error)
{
    auto_message message = link_change(ifindex, up ? IFF_UP : 0, IFF_UP);

    return link_transact(route, message, 0,
                         up ? "setting a link up" : "setting a link down",
                         NULL, error);
}

bool link_delete(Netlink *route, int ifindex, GError **error)
{
    struct ifinfomsg header = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = ifindex,
    };
    auto_message message = message_new(RTM_DELLINK, 0, &header,
                                       sizeof(header));

    return link_transact(route, message, ENODEV, "deleting a link", NULL,
                         error);
}
