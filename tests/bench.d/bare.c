/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The floor: the system calls that no tap helper can do without, and nothing
 * else. bench-bare FD NAME makes a tap that belongs to the caller, brings it up and
 * sends it. Run setuid root by tests/bench in its own namespaces; it checks
 * nothing and must not be installed.
 */

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_fd(int connection, int fd)
{
    char byte = 0;
    struct iovec vector = { &byte, 1 };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(connection, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int tun, control;

    if (argc != 3 || strlen(argv[2]) >= IFNAMSIZ) {
        return 2;
    }
    strcpy(request.ifr_name, argv[2]);
    tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (tun < 0 || control < 0 || ioctl(tun, TUNSETIFF, &request) < 0 ||
        ioctl(tun, TUNSETOWNER, (unsigned long)getuid()) < 0) {
        return 1;
    }
    request.ifr_flags = IFF_UP;
    if (ioctl(control, SIOCSIFFLAGS, &request) < 0) {
        return 1;
    }
    return send_fd(atoi(argv[1]), tun) < 0;
}
