/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_frame.h"

#include "dhcp/dhcp_checksum.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#define IP_VERSION     4
#define IP_HEADER_SIZE 20
#define TTL            64 /* RFC 1700 */
#define FRAGMENT_MASK  (IP_MF | IP_OFFMASK)

G_STATIC_ASSERT(sizeof(struct iphdr) == IP_HEADER_SIZE);
G_STATIC_ASSERT(IP_HEADER_SIZE + sizeof(struct udphdr) == DHCP_FRAME_HEADERS);

bool dhcp_frame_parse(const guint8 *bytes, gsize size, DhcpDatagram *ret_datagram)
{
    struct iphdr ip;
    struct udphdr udp;
    gsize header_size;
    gsize total_size;
    gsize udp_size;

    if (size < sizeof(ip)) {
        return false;
    }
    memcpy(&ip, bytes, sizeof(ip));
    header_size = 4 * (gsize)ip.ihl;
    total_size = ntohs(ip.tot_len);
    if (ip.version != IP_VERSION || header_size < sizeof(ip) ||
        total_size > size || total_size < header_size + sizeof(udp) ||
        ip.protocol != IPPROTO_UDP || (ntohs(ip.frag_off) & FRAGMENT_MASK) != 0) {
        return false;
    }
    memcpy(&udp, bytes + header_size, sizeof(udp));
    udp_size = ntohs(udp.len);
    if (ntohs(udp.dest) != DHCP_SERVER_PORT || udp_size < sizeof(udp) ||
        udp_size > total_size - header_size) {
        return false;
    }
    ret_datagram->destination = ntohl(ip.daddr);
    ret_datagram->payload = bytes + header_size + sizeof(udp);
    ret_datagram->payload_size = udp_size - sizeof(udp);
    return true;
}

static guint16 udp_checksum(const struct iphdr *ip, const struct udphdr *udp,
                            const guint8 *payload, gsize payload_size)
{
    guint32 sum = IPPROTO_UDP + (guint32)ntohs(udp->len);
    guint16 checksum;

    sum = dhcp_checksum_add(sum, &ip->saddr, sizeof(ip->saddr));
    sum = dhcp_checksum_add(sum, &ip->daddr, sizeof(ip->daddr));
    sum = dhcp_checksum_add(sum, udp, sizeof(*udp));
    checksum = dhcp_checksum_fold(dhcp_checksum_add(sum, payload, payload_size));
    /* RFC 768: 0 would say that there is none. */
    return checksum != 0 ? checksum : G_MAXUINT16;
}

gsize dhcp_frame_build(guint32 source, guint32 destination, const guint8 *payload,
                       gsize payload_size, guint8 buffer[DHCP_FRAME_MAX])
{
    gsize size = DHCP_FRAME_HEADERS + payload_size;
    struct iphdr ip = {
        .version = IP_VERSION,
        .ihl = IP_HEADER_SIZE / 4,
        .tot_len = htons((guint16)size),
        .frag_off = htons(IP_DF), /* so the id may be 0: RFC 6864 section 4.1 */
        .ttl = TTL,
        .protocol = IPPROTO_UDP,
        .saddr = htonl(source),
        .daddr = htonl(destination),
    };
    struct udphdr udp = {
        .source = htons(DHCP_SERVER_PORT),
        .dest = htons(DHCP_CLIENT_PORT),
        .len = htons((guint16)(sizeof(udp) + payload_size)),
    };

    ip.check = htons(dhcp_checksum_fold(dhcp_checksum_add(0, &ip, sizeof(ip))));
    udp.check = htons(udp_checksum(&ip, &udp, payload, payload_size));
    memcpy(buffer, &ip, sizeof(ip));
    memcpy(buffer + sizeof(ip), &udp, sizeof(udp));
    memcpy(buffer + sizeof(ip) + sizeof(udp), payload, payload_size);
    return size;
}
