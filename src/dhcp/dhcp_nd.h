/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"

/*
 * What a guest says of its own IPv6 addresses: before it uses one it asks whether
 * another has it (duplicate address detection). Pure.
 */

/* The packet that matters is 64 bytes, or 72 with an option. */
#define DHCP_ND_PACKET_MAX 256

/**
 * dhcp_nd_read:
 * @bytes: from the IPv6 header on, from anybody
 * @size: its size; link layer padding may follow the packet
 * @type: of the ICMPv6 message; its code is 0
 * @message: its first @message_size bytes, at least an ICMPv6 header's
 * @ret_source: who says that it sent it
 *
 * The checksum is not looked at: dhcp_frame_parse() says why.
 *
 * Privilege: none
 * Source: RFC 4861 sections 6.1.1 and 7.1.1
 * Returns: true for such a message, from this very link
 */
bool dhcp_nd_read(const guint8 *bytes, gsize size, guint8 type, void *message,
                  gsize message_size, Address6 *ret_source) must_use;

/**
 * dhcp_nd_parse:
 * @bytes: as above
 * @size: as above
 * @ret_target: the address that is asked for
 *
 * Privilege: none
 * Source: RFC 4861 section 4.3 and 7.1.1, RFC 4862 section 5.4.2
 * Returns: true for a neighbour solicitation that detects duplicates
 */
bool dhcp_nd_parse(const guint8 *bytes, gsize size, Address6 *ret_target) must_use;

/* True if the lower half of @address was made of @mac: RFC 4291 appendix A. */
bool dhcp_nd_is_from_mac(const Address6 *address, const Mac *mac);

/* fe80::/10 */
bool dhcp_nd_is_link_local(const Address6 *address);
