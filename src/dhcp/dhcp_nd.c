/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_nd.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <string.h>

#define HOP_LIMIT 255 /* RFC 4861 section 7.1.1: no router forwarded it */

static const guint8 unspecified[16];

bool dhcp_nd_read(const guint8 *bytes, gsize size, guint8 type, void *message,
                  gsize message_size, Address6 *ret_source)
{
    struct icmp6_hdr icmp;
    struct ip6_hdr header;
    gsize length;

    if (size < sizeof(header) + message_size) {
        return false;
    }
    memcpy(&header, bytes, sizeof(header));
    memcpy(&icmp, bytes + sizeof(header), sizeof(icmp));
    memcpy(message, bytes + sizeof(header), message_size);
    memcpy(ret_source->bytes, &header.ip6_src, sizeof(ret_source->bytes));
    length = GUINT16_FROM_BE(header.ip6_plen);
    return header.ip6_vfc >> 4 == 6 && header.ip6_nxt == IPPROTO_ICMPV6 &&
           header.ip6_hlim == HOP_LIMIT && length >= message_size &&
           length <= size - sizeof(header) && icmp.icmp6_type == type &&
           icmp.icmp6_code == 0;
}

bool dhcp_nd_parse(const guint8 *bytes, gsize size, Address6 *ret_target)
{
    struct nd_neighbor_solicit solicit;
    Address6 source;

    if (!dhcp_nd_read(bytes, size, ND_NEIGHBOR_SOLICIT, &solicit, sizeof(solicit),
                      &source) ||
        memcmp(source.bytes, unspecified, sizeof(unspecified)) != 0 ||
        solicit.nd_ns_target.s6_addr[0] == 0xff) {
        return false;
    }
    memcpy(ret_target->bytes, &solicit.nd_ns_target, sizeof(ret_target->bytes));
    return true;
}

bool dhcp_nd_is_from_mac(const Address6 *address, const Mac *mac)
{
    const guint8 *m = mac->bytes;
    const guint8 id[8] = {m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};

    return memcmp(address->bytes + 8, id, sizeof(id)) == 0;
}

bool dhcp_nd_is_link_local(const Address6 *address)
{
    return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}
