/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"

/*
 * The packet socket on which requests come in from all interfaces and answers
 * go out by one. A packet socket, not a UDP socket: it hears clients that have
 * no address, tells the interface of each packet, reaches a client that does
 * not answer ARP yet, and no host firewall's input chain stands before it.
 */

/* A request is smaller than a frame; a longer packet is cut, and refused. */
#define DHCP_SOCKET_PACKET_MAX 2048

/**
 * dhcp_socket_open:
 * @ret_fd: a socket that hears unfragmented IPv4 UDP to port 67 that was sent
 * to this host or to everybody; its filter cannot be changed any more
 *
 * Privilege: CAP_NET_RAW
 * Errors: KERNEL
 * Source: packet(7), Linux Documentation/networking/filter.rst
 * Returns: true on success
 */
bool dhcp_socket_open(int *ret_fd, GError **error) must_use;

/* As above, for what guests send before they use an IPv6 address: ICMPv6 router
 * solicitations, and neighbour solicitations from the unspecified address. */
bool dhcp_socket_open_nd(int *ret_fd, GError **error) must_use;

/* Where a packet came from. */
typedef struct {
    int ifindex;
    Mac mac;
} DhcpSocketOrigin;

/**
 * dhcp_socket_receive:
 * @bytes: DHCP_SOCKET_PACKET_MAX bytes, filled from the IP header on
 * @ret_size: bytes filled
 * @ret_from: the interface it came in by, and its sender
 *
 * Does not wait. Privilege: none
 * Returns: true if there was a packet of an Ethernet interface; false with
 *   errno EAGAIN if there is none, ENOMSG for one to pass over, others as
 *   recv(2) has them
 */
bool dhcp_socket_receive(int fd, guint8 bytes[DHCP_SOCKET_PACKET_MAX],
                         gsize *ret_size, DhcpSocketOrigin *ret_from) must_use;

/* Sends a frame from the IP header on out by one interface, or drops it: the
 * client asks again. Does not wait. Privilege: none */
void dhcp_socket_send(int fd, int ifindex, const Mac *destination,
                      const guint8 *bytes, gsize size);
