/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_links.h"

#include "dhcp/dhcp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* Before the name, which comes first (Linux net/core/rtnetlink.c,
 * rtnl_fill_ifinfo()), are two headers and that of the attribute. */
#define NAME_OFFSET                                                            \
    (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)) + RTA_LENGTH(0))
#define NAME_PREFIX "ts"

bool dhcp_links_open(int *ret_fd, GError **error)
{
    /* A tap that is made is several messages, and none is of interest. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELLINK), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };

    return dhcp_listen(RTMGRP_LINK, code, G_N_ELEMENTS(code), "links that go",
                       ret_fd, error);
}

bool dhcp_links_drain(int fd)
{
    char message[4096];
    bool gone = false;
    ssize_t size;

    while ((size = recv(fd, message, sizeof(message), MSG_DONTWAIT)) >= 0 ||
           errno == ENOBUFS || errno == EINTR) {
        gone = gone || size < 0 ||
               (size > (ssize_t)(NAME_OFFSET + strlen(NAME_PREFIX)) &&
                memcmp(message + NAME_OFFSET, NAME_PREFIX,
                       strlen(NAME_PREFIX)) == 0);
    }
    return gone;
}
