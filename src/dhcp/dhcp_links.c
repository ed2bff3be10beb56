/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_links.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
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
    /* A tap that is made is several messages, and none is of interest. The
     * filter sees numbers in network byte order, netlink has the host's. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELLINK), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog filter = {G_N_ELEMENTS(code), code};
    const struct sockaddr_nl links = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK,
    };
    autofd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       NETLINK_ROUTE);
    int saved_errno;

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
        bind(fd, (const struct sockaddr *)&links, sizeof(links)) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "listen for links that go");
    }
    *ret_fd = fd_steal(&fd);
    return true;
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
