/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_packet.h"

/*
 * The IP and UDP headers around a DHCP message, as a packet socket gives and
 * takes them. Pure. Addresses are in host byte order.
 */

#define DHCP_FRAME_HEADERS 28
#define DHCP_FRAME_MAX     (DHCP_FRAME_HEADERS + DHCP_SIZE_MAX)

typedef struct {
    guint32 destination;
    const guint8 *payload; /* points into the frame */
    gsize payload_size;
} DhcpDatagram;

/**
 * dhcp_frame_parse:
 * @bytes: from the IP header on, from anybody
 * @size: its size; link layer padding may follow the packet
 * @ret_datagram: what a client sent to the server's port
 *
 * Checksums are not looked at: a guest whose virtual card has checksum offload
 * leaves them to the other side, which here is us, and between a guest and its
 * host there is no wire to garble anything.
 *
 * Privilege: none
 * Source: RFC 791 section 3.1, RFC 768; virtio 1.2 section 5.1.6.2
 *   (VIRTIO_NET_HDR_F_NEEDS_CSUM)
 * Returns: true for a whole UDP datagram to port 67
 */
bool dhcp_frame_parse(const guint8 *bytes, gsize size,
                      DhcpDatagram *ret_datagram) must_use;

/**
 * dhcp_frame_build:
 * @source: the server's address
 * @destination: the client's, or broadcast
 * @payload: @payload_size bytes, at most DHCP_SIZE_MAX
 * @buffer: DHCP_FRAME_MAX bytes
 *
 * Both checksums are computed in full, for clients that read the packet from
 * a raw socket.
 *
 * Privilege: none
 * Returns: the frame's size
 */
gsize dhcp_frame_build(guint32 source, guint32 destination, const guint8 *payload,
                       gsize payload_size, guint8 buffer[DHCP_FRAME_MAX]);
