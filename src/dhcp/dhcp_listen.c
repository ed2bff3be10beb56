/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_listen.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

bool dhcp_listen(guint32 groups, struct sock_filter *code, gsize length,
                 const char *what, int *ret_fd, GError **error)
{
    const struct sock_fprog filter = {(unsigned short)length, code};
    const struct sockaddr_nl heard = {
        .nl_family = AF_NETLINK,
        .nl_groups = groups,
    };
    autofd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       NETLINK_ROUTE);
    int saved_errno;

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
        bind(fd, (const struct sockaddr *)&heard, sizeof(heard)) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "listen for %s", what);
    }
    *ret_fd = fd_steal(&fd);
    return true;
}
