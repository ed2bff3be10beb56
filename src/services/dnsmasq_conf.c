/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/dnsmasq_conf.h"

#include "pool/slots.h"

/*
 * One dnsmasq a network: names for all its guests, and on a shared segment router
 * advertisements and DHCPv4. On cables tapster-dhcp advertises: dnsmasq would look
 * at all addresses of the host for each of its ranges each time, which took it 1.5 s
 * for each new one of 1000 ports, and 20 s after a start, in which it answers
 * nobody (2.90); and it would want CAP_NET_ADMIN.
 *
 * Nothing in a segment can add a line or an item to this file: names and domains
 * are DNS labels, interface names are made by us, all else is numbers. Host names
 * come from files in directories that are watched, and a guest can add none.
 *
 * "bind-dynamic" takes addresses for itself instead of 0.0.0.0, so that what
 * holds that does not matter, and finds them when they come: a cable's are there
 * while a port lives. They are the same on each cable and named here, not found
 * by a pattern of interfaces: that would be sockets of its own for each port, and
 * at 1000 of them answers took 0.25 s.
 */

/* Where it listens. */
static void add_places(GString *text, const Segment *segment)
{
    Address6 resolver6 = slots_resolver6(segment);

    if (segment->kind == SEGMENT_SHARED) {
        g_string_append_printf(text, "interface=%s\nexcept-interface=lo\n",
                               segment->bridge.name);
        return;
    }
    g_string_append_printf(text, "listen-address=%s\n",
                           address_format_ipv4(segment->gateway).text);
    if (segment->subnet6_length > 0) {
        g_string_append_printf(text, "listen-address=%s\n",
                               address_format_ipv6(&resolver6).text);
    }
}

/* The zones of in-addr.arpa that make up the subnet, and no address more:
 * another's may be next to it. A zone is 8, 16, 24 or 32 bits long. */
static void add_reverse4(GString *text, const Segment *segment)
{
    guint32 zone_length = MIN((segment->subnet_length + 7) / 8 * 8, 32);
    guint32 n_zones = 1u << (zone_length - segment->subnet_length);

    for (guint32 i = 0; i < n_zones; i++) {
        guint32 zone = (segment->subnet_address >> (32 - zone_length)) + i;

        g_string_append(text, "local=/");
        for (guint32 bits = 0; bits < zone_length; bits += 8) {
            g_string_append_printf(text, "%u.", zone >> bits & 0xff);
        }
        g_string_append(text, "in-addr.arpa/\n");
    }
}

/* The same of ip6.arpa, whose zones end at every fourth bit. */
static void add_reverse6(GString *text, const Segment *segment)
{
    guint32 digits = (segment->subnet6_length + 3) / 4;
    guint32 n_zones = 1u << (digits * 4 - segment->subnet6_length);

    for (guint32 i = 0; i < n_zones; i++) {
        g_string_append(text, "local=/");
        for (guint32 digit = digits; digit > 0; digit--) {
            guint8 byte = segment->subnet6_address.bytes[(digit - 1) / 2];
            guint32 value = digit % 2 ? byte >> 4 : byte & 0xf;

            /* The bits that the zones differ in are 0 in the prefix. */
            g_string_append_printf(text, "%x.",
                                   digit == digits ? value | i : value);
        }
        g_string_append(text, "ip6.arpa/\n");
    }
}

static void add_names(GString *text, const Segment *segment, const char *directory)
{
    g_string_append_printf(text,
                           "no-hosts\n"
                           "hostsdir=%s/hosts\n"
                           "hostsdir=%s/hosts6\n"
                           "cache-size=1000\n"
                           "domain-needed\n",
                           directory, directory);
    if (segment->domain[0]) {
        g_string_append_printf(text, "domain=%s\nlocal=/%s/\n", segment->domain,
                               segment->domain);
    }
    add_reverse4(text, segment);
    if (segment->subnet6_length > 0) {
        add_reverse6(text, segment);
    }
    if (segment->n_dns > 0) {
        g_string_append(text, "no-resolv\n");
    }
    for (guint32 i = 0; i < segment->n_dns; i++) {
        g_string_append_printf(text, "server=%s\n",
                               address_format_ipv4(segment->dns[i]).text);
    }
}

/* RFC 4193: fc00::/7. dnsmasq tells an interface's addresses apart that way. */
static bool is_unique_local(const Segment *segment)
{
    return (segment->subnet6_address.bytes[0] & 0xfe) == 0xfc;
}

/* dnsmasq finds out itself ("ra-names") whether a guest with a name has the IPv6
 * address that its MAC makes. */
static void add_routers(GString *text, const Segment *segment)
{
    g_string_append_printf(text,
                           "enable-ra\n"
                           "dhcp-range=::,constructor:%s,%s,64\n"
                           "dhcp-option=option6:dns-server,[%s]\n",
                           segment->bridge.name,
                           segment->dhcp ? "ra-names" : "ra-only",
                           is_unique_local(segment) ? "fd00::" : "::");
    if (segment->domain[0]) {
        g_string_append_printf(text, "dhcp-option=option6:domain-search,%s\n",
                               segment->domain);
    }
    if (segment->uplink == UPLINK_NONE) {
        /* An address, but no promise of a way out: dhcp_answer.c. */
        g_string_append_printf(text, "ra-param=%s,600,0\n",
                               segment->bridge.name);
    }
}

/* The slots that a port may have, as ranges. */
static void add_ranges(GString *text, const Segment *segment)
{
    guint32 count = slots_count(segment);
    guint32 mask = prefix4_mask((guint8)segment->subnet_length);

    for (guint32 first = 0; first < count; first++) {
        guint32 end = first;

        while (end < count && slots_usable(segment, end)) {
            end++;
        }
        if (end > first) {
            g_string_append_printf(
                text, "dhcp-range=%s,%s,%s,%u\n",
                address_format_ipv4(slots_address(segment, first)).text,
                address_format_ipv4(slots_address(segment, end - 1)).text,
                address_format_ipv4(mask).text, segment->lease_time_s);
            first = end;
        }
    }
}

/* A guest whose address nobody knows beforehand is found by the name that it
 * says itself, unless a file has it. One that clients look up unasked is for no
 * guest to have, with a domain or without (CERT VU#598349). */
static void add_dhcp(GString *text, const Segment *segment, const char *directory)
{
    g_string_append_printf(text,
                           "dhcp-authoritative\n"
                           "dhcp-name-match=set:unasked,isatap\n"
                           "dhcp-name-match=set:unasked,isatap.*\n"
                           "dhcp-name-match=set:unasked,localhost\n"
                           "dhcp-name-match=set:unasked,localhost.*\n"
                           "dhcp-name-match=set:unasked,wpad\n"
                           "dhcp-name-match=set:unasked,wpad.*\n"
                           "dhcp-ignore-names=tag:unasked\n"
                           "no-ping\n"
                           "dhcp-leasefile=%s/leases/leases\n"
                           "dhcp-lease-max=%u\n"
                           "dhcp-hostsdir=%s/dhcp\n"
                           "dhcp-option=option:dns-server,%s\n",
                           directory, segment->pool_size, directory,
                           address_format_ipv4(segment->gateway).text);
    if (segment->mtu > 0) {
        g_string_append_printf(text, "dhcp-option=option:mtu,%u\n", segment->mtu);
    }
    if (segment->uplink == UPLINK_NONE) {
        g_string_append(text, "dhcp-option=option:router\n");
    }
    add_ranges(text, segment);
}

char *dnsmasq_conf(const Segment *segment, const char *directory)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool dhcp = segment->kind == SEGMENT_SHARED && segment->dhcp;

    g_string_append_printf(text, "port=%u\nbind-dynamic\n", DNSMASQ_PORT);
    add_places(text, segment);
    g_string_append(text, "pid-file=\nlog-facility=-\nquiet-ra\nquiet-dhcp\n");
    add_names(text, segment, directory);
    if (segment->kind == SEGMENT_SHARED && segment->subnet6_length > 0) {
        add_routers(text, segment);
    }
    if (dhcp) {
        add_dhcp(text, segment, directory);
    } else {
        g_string_append(text, "leasefile-ro\n");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
