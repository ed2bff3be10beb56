/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_socket.h"

#include "base/fd.h"
#include "dhcp/dhcp_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

/*
 * SOCK_DGRAM: the kernel takes the link layer's header away and makes it on
 * the way out, so that its form (a stacked VLAN tag) is not ours to know.
 *
 * Bound to ETH_P_IP and not to ETH_P_ALL, a socket is not shown what this host
 * sends, ours included (Linux net/core/dev.c, dev_queue_xmit_nit()). The filter
 * runs for each IPv4 packet that the host receives, so it asks first what
 * settles most of them.
 */

#define IP_PROTOCOL_OFFSET 9
#define IP_FRAGMENT_OFFSET 6
#define UDP_DEST_OFFSET    2

#define IP6_NEXT_OFFSET   6
#define IP6_SOURCE_OFFSET 8
#define IP6_HEADER        40

/* Opens a packet socket for one protocol of the link layer. */
static bool open_filtered(guint16 protocol, struct sock_filter *code,
                          gushort length, int *ret_fd, GError **error)
{
    const struct sock_fprog filter = {length, code};
    const struct sockaddr_ll everywhere = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(protocol),
    };
    const int on = 1;
    /* Protocol 0 hears nothing: no packet comes in before the filter is there. */
    autofd fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int saved_errno;

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)&everywhere, sizeof(everywhere)) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "open a packet socket");
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

bool dhcp_socket_open(int *ret_fd, GError **error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_PROTOCOL_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, UDP_DEST_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_SERVER_PORT, 0, 5),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP_FRAGMENT_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, IP_MF | IP_OFFMASK, 3, 0),
        /* PACKET_HOST and PACKET_BROADCAST; not what was sent to another. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (guint32)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_BROADCAST, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, DHCP_SOCKET_PACKET_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    return open_filtered(ETH_P_IP, code, G_N_ELEMENTS(code), ret_fd, error);
}

bool dhcp_socket_open_nd(int *ret_fd, GError **error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_NEXT_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 12),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_HEADER),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_ROUTER_SOLICIT, 9, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 0, 9),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_SOURCE_OFFSET),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_SOURCE_OFFSET + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_SOURCE_OFFSET + 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_SOURCE_OFFSET + 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, DHCP_SOCKET_PACKET_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };

    return open_filtered(ETH_P_IPV6, code, G_N_ELEMENTS(code), ret_fd, error);
}

bool dhcp_socket_receive(int fd, guint8 bytes[DHCP_SOCKET_PACKET_MAX],
                         gsize *ret_size, DhcpSocketOrigin *ret_from)
{
    struct sockaddr_ll from = {0};
    socklen_t from_size = sizeof(from);
    ssize_t size = recvfrom(fd, bytes, DHCP_SOCKET_PACKET_MAX, MSG_DONTWAIT,
                            (struct sockaddr *)&from, &from_size);

    if (size < 0) {
        return false;
    }
    if (from.sll_hatype != ARPHRD_ETHER) {
        errno = ENOMSG;
        return false;
    }
    *ret_size = (gsize)size;
    ret_from->ifindex = from.sll_ifindex;
    memcpy(ret_from->mac.bytes, from.sll_addr, sizeof(ret_from->mac.bytes));
    return true;
}

void dhcp_socket_send(int fd, int ifindex, const Mac *destination,
                      const guint8 *bytes, gsize size)
{
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        /* As the version says, the first four bits of both. */
        .sll_protocol = htons(bytes[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP),
        .sll_ifindex = ifindex,
        .sll_halen = sizeof(destination->bytes),
    };

    memcpy(to.sll_addr, destination->bytes, sizeof(destination->bytes));
    /* ENXIO, ENETDOWN, ENOBUFS, EAGAIN: gone, down or full. */
    (void)sendto(fd, bytes, size, MSG_DONTWAIT, (const struct sockaddr *)&to,
                 sizeof(to));
}
