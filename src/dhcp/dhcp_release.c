/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_release.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Of lines; a longer one is no lease. */
#define LINE_MAX_SIZE 1200

static bool find_lease(int leases_fd, guint32 address, DhcpLease *ret_lease)
{
    int fd = dup(leases_fd);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    char line[LINE_MAX_SIZE];
    bool found = false;

    if (file == NULL) {
        fd_cleanup(&fd);
        return false;
    }
    rewind(file);
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        found = dhcp_release_parse(line, ret_lease) &&
                ret_lease->address == address;
    }
    (void)fclose(file);
    return found;
}

void dhcp_release_send(int leases_fd, const Segment *segment, guint32 address)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(DHCP_SERVER_PORT),
        .sin_addr.s_addr = htonl(segment->gateway),
    };
    autofd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    guint8 bytes[DHCP_SIZE_MAX];
    DhcpLease lease;
    gsize size;

    if (fd < 0 || !find_lease(leases_fd, address, &lease) ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, segment->bridge.name,
                   (socklen_t)strlen(segment->bridge.name) + 1) < 0) {
        return;
    }
    size = dhcp_release_build(&lease, segment->gateway, bytes);
    (void)sendto(fd, bytes, size, MSG_DONTWAIT, (const struct sockaddr *)&to,
                 sizeof(to));
}
