/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/live.h"
#include "base/fd.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/*
 * Which elements belong to interfaces that are there. The kernel is asked about
 * each, but only when a table is replaced, and when a set is full, which it is
 * once in thousands of starts.
 */

static bool link_exists(int socket_fd, int ifindex)
{
    struct ifreq request = { .ifr_ifindex = ifindex };

    return ioctl(socket_fd, SIOCGIFNAME, &request) == 0 || errno != ENODEV;
}

void live_choose(const GByteArray *keys, guint key_length, bool existing,
                 GByteArray *chosen)
{
    autofd socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (guint at = 0; at < keys->len; at += key_length) {
        int ifindex;

        memcpy(&ifindex, keys->data + at, sizeof(ifindex));
        /* Without a socket, everything is taken to be there. */
        if ((socket_fd < 0 || link_exists(socket_fd, ifindex)) == existing) {
            g_byte_array_append(chosen, keys->data + at, key_length);
        }
    }
}
