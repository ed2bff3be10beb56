/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_forwarding.h"

#include "dhcp/dhcp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/socket.h>

/* Whose setting it is comes first (Linux net/ipv6/addrconf.c,
 * inet6_netconf_fill_devconf()). */
#define IFINDEX_OFFSET                                                         \
    (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct netconfmsg)) + RTA_LENGTH(0))

bool dhcp_forwarding_open(int *ret_fd, GError **error)
{
    /* Each link that is made has settings of its own, and none is of interest.
     * -1 is the same in every byte order. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNETCONF), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IFINDEX_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (guint32)NETCONFA_IFINDEX_ALL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };

    return dhcp_listen(1u << (RTNLGRP_IPV6_NETCONF - 1), code,
                       G_N_ELEMENTS(code), "changes of IPv6 forwarding", ret_fd,
                       error);
}

bool dhcp_forwarding_drain(int fd)
{
    char message[512];
    bool any = false;

    while (recv(fd, message, sizeof(message), MSG_DONTWAIT) >= 0 ||
           errno == ENOBUFS || errno == EINTR) {
        any = true;
    }
    return any;
}
