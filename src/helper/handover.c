/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The last step of a start, and the only one that the hypervisor sees.
 */

bool handover_check(int fd, GError **error)
{
    int domain = 0;
    int type = 0;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        domain != AF_UNIX || type != SOCK_STREAM) {
        return error_set(error, TAPSTER_ERROR_USAGE,
                         "--fd=%d is not an AF_UNIX stream socket that this "
                         "program inherited",
                         fd);
    }
    /* Asked now, so that a start that cannot succeed does not begin. */
    if (poll(&ready, 1, 0) != 1 || (ready.revents & (POLLHUP | POLLERR)) ||
        !(ready.revents & POLLOUT)) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "the hypervisor at the other end of socket %d %s", fd,
                         ready.revents & (POLLHUP | POLLERR)
                             ? "has gone" : "does not read");
    }
    return true;
}

bool handover_send(int fd, int tap_fd, GError **error)
{
    char byte = 0;
    struct iovec payload = {&byte, 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr message = {
        .msg_iov = &payload,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &tap_fd, sizeof(int));

    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    int saved_errno = errno;

    if (sent != 1) {
        return error_set_errno(
            error, TAPSTER_ERROR_SYSTEM, sent < 0 ? saved_errno : EIO,
            "send the tap to the hypervisor over socket %d", fd);
    }
    return true;
}
