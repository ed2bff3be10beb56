/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_ra.h"

#include "dhcp/dhcp_checksum.h"
#include "dhcp/dhcp_nd.h"
#include "pool/slots.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <string.h>

#define HOP_LIMIT       255 /* RFC 4861 section 6.1.2 */
#define GUEST_HOP_LIMIT 64
#define OPTION_UNIT     8
#define OPTION_RDNSS    25 /* RFC 8106 section 5 */
#define OPTION_DNSSL    31

const Mac dhcp_ra_all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};

bool dhcp_ra_is_solicitation(const guint8 *bytes, gsize size)
{
    struct nd_router_solicit solicit;
    Address6 source;

    return dhcp_nd_read(bytes, size, ND_ROUTER_SOLICIT, &solicit, sizeof(solicit),
                        &source);
}

static guint8 *put(guint8 *at, const void *bytes, gsize size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static guint8 *put_prefix(guint8 *at, const Prefix6 *prefix, guint8 flags)
{
    struct nd_opt_prefix_info option = {
        .nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
        .nd_opt_pi_len = sizeof(option) / OPTION_UNIT,
        .nd_opt_pi_prefix_len = prefix->length,
        .nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | flags,
        .nd_opt_pi_valid_time = G_MAXUINT32,
        .nd_opt_pi_preferred_time = G_MAXUINT32,
    };

    memcpy(&option.nd_opt_pi_prefix, prefix->address.bytes,
           sizeof(option.nd_opt_pi_prefix));
    return put(at, &option, sizeof(option));
}

static guint8 *put_prefixes(guint8 *at, const Segment *segment, guint32 slot)
{
    Prefix6 own = slots_prefix6(segment, slot);
    Prefix6 resolver = {slots_resolver6(segment), 128};

    at = put_prefix(at, &own, ND_OPT_PI_FLAG_AUTO);
    /* Where there is no default route to it. It is on the cable. */
    return segment->uplink == UPLINK_NONE && segment->dns_served
               ? put_prefix(at, &resolver, 0)
               : at;
}

static guint8 *put_link(guint8 *at, const Segment *segment, guint32 slot,
                        guint32 mtu)
{
    const struct nd_opt_mtu mtu_option = {
        .nd_opt_mtu_type = ND_OPT_MTU,
        .nd_opt_mtu_len = 1,
        .nd_opt_mtu_mtu = GUINT32_TO_BE(mtu),
    };
    const struct nd_opt_hdr source = {ND_OPT_SOURCE_LINKADDR, 1};
    Mac mac = slots_host_mac(segment, slot);

    at = put(at, &source, sizeof(source));
    at = put(at, mac.bytes, sizeof(mac.bytes));
    return mtu > 0 ? put(at, &mtu_option, sizeof(mtu_option)) : at;
}

static guint8 *put_lifetime(guint8 *at, guint8 type, gsize units)
{
    const guint32 lifetime = GUINT32_TO_BE(3 * DHCP_RA_INTERVAL_S);
    const guint8 head[4] = {type, (guint8)units};

    return put(put(at, head, sizeof(head)), &lifetime, sizeof(lifetime));
}

/* RFC 1035 section 3.1: labels, and zeros up to a whole unit. */
static guint8 *put_domain(guint8 *at, const char *domain)
{
    gsize size = strlen(domain) + 2;
    gsize units = 1 + (size + OPTION_UNIT - 1) / OPTION_UNIT;
    guint8 *end = at + units * OPTION_UNIT;

    at = put_lifetime(at, OPTION_DNSSL, units);
    memset(at, 0, (gsize)(end - at));
    for (const char *label = domain; *label != '\0';) {
        gsize length = strcspn(label, ".");

        *at++ = (guint8)length;
        at = put(at, label, length);
        label += length + (label[length] == '.');
    }
    return end;
}

static guint8 *put_names(guint8 *at, const Segment *segment)
{
    Address6 server = slots_resolver6(segment);

    if (!segment->dns_served) {
        return at;
    }
    at = put_lifetime(at, OPTION_RDNSS, 3);
    at = put(at, server.bytes, sizeof(server.bytes));
    return segment->domain[0] ? put_domain(at, segment->domain) : at;
}

/* RFC 4443 section 2.3: over a pseudo-header and the message. */
static void seal(guint8 *bytes, gsize size)
{
    struct ip6_hdr header;
    guint32 sum = IPPROTO_ICMPV6 + (guint32)size;
    guint16 sum_be;

    memcpy(&header, bytes, sizeof(header));
    header.ip6_plen = GUINT16_TO_BE((guint16)size);
    memcpy(bytes, &header, sizeof(header));
    sum = dhcp_checksum_add(sum, &header.ip6_src, sizeof(header.ip6_src));
    sum = dhcp_checksum_add(sum, &header.ip6_dst, sizeof(header.ip6_dst));
    sum = dhcp_checksum_add(sum, bytes + sizeof(header), size);
    sum_be = GUINT16_TO_BE(dhcp_checksum_fold(sum));
    memcpy(bytes + sizeof(header) + offsetof(struct icmp6_hdr, icmp6_cksum),
           &sum_be, sizeof(sum_be));
}

gsize dhcp_ra_build(const Segment *segment, guint32 slot, guint32 mtu,
                    guint8 bytes[DHCP_RA_SIZE_MAX])
{
    struct ip6_hdr header = {
        .ip6_flow = GUINT32_TO_BE(6u << 28), /* the version */
        .ip6_nxt = IPPROTO_ICMPV6,
        .ip6_hlim = HOP_LIMIT,
    };
    /* On a host-only network an address, but no promise of a way out: as
     * dhcp_answer.c has it. */
    guint16 lifetime_s =
        segment->uplink == UPLINK_NONE ? 0 : 3 * DHCP_RA_INTERVAL_S;
    struct nd_router_advert advert = {.nd_ra_type = ND_ROUTER_ADVERT};
    guint8 *at;
    gsize size;

    /* These two are members of one union. */
    advert.nd_ra_curhoplimit = GUEST_HOP_LIMIT;
    advert.nd_ra_router_lifetime = GUINT16_TO_BE(lifetime_s);
    memcpy(&header.ip6_src, slots_router6.bytes, sizeof(header.ip6_src));
    header.ip6_dst.s6_addr[0] = 0xff;
    header.ip6_dst.s6_addr[1] = 2;
    header.ip6_dst.s6_addr[15] = 1;
    at = put(bytes, &header, sizeof(header));
    at = put(at, &advert, sizeof(advert));
    at = put_link(at, segment, slot, mtu);
    at = put_prefixes(at, segment, slot);
    at = put_names(at, segment);
    size = (gsize)(at - bytes);
    seal(bytes, size - sizeof(header));
    return size;
}
