/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/lease.h"

#include "pool/slots.h"

/*
 * What all formats say is worked out once, as text; each format then puts it
 * into its own words. Texts that came from a file are escaped: they are checked
 * labels, but whoever reads the result trusts it.
 */

#define KERNEL_DNS_MAX 2 /* nfsroot.rst: <dns0-ip>, <dns1-ip> */

typedef struct {
    AddressText address;
    guint length;
    bool has_gateway;
    AddressText gateway;
    bool has_ipv6;
    Address6Text address6;
    guint length6;
    bool has_gateway6;
    Address6Text gateway6;
    Address6Text behind6; /* what is reached by it */
} Facts;

static void find_facts6(const Lease *lease, Facts *facts)
{
    const Segment *segment = lease->segment;
    Prefix6 prefix = slots_prefix6(segment, lease->slot);
    Address6 address = slots_address6(segment, lease->slot);
    Address6 gateway = slots_gateway6(segment, lease->slot);
    Prefix6 behind = {.length = 0};

    if (segment->uplink == UPLINK_NONE) {
        behind = (Prefix6){segment->subnet6_address,
                           (guint8)segment->subnet6_length};
    }
    facts->has_ipv6 = prefix.length > 0;
    facts->address6 = address_format_ipv6(&address);
    facts->length6 = prefix.length;
    /* Without an uplink there is nothing beyond a shared segment. */
    facts->has_gateway6 =
        segment->uplink != UPLINK_NONE || segment->kind == SEGMENT_ROUTED;
    facts->gateway6 = address_format_ipv6(&gateway);
    facts->behind6 = address_format_prefix6(&behind);
}

static bool find_facts(const Lease *lease, Facts *ret_facts)
{
    const Segment *segment = lease->segment;
    guint32 address = slots_address(segment, lease->slot);
    Facts facts = {
        .address = address_format_ipv4(address),
        .length = segment->subnet_length,
        .has_gateway = segment->gateway != 0 &&
                       (segment->mode == MODE_BRIDGED ||
                        segment->uplink != UPLINK_NONE),
        .gateway = address_format_ipv4(segment->gateway),
    };

    if (address == 0) {
        return false;
    }
    if (segment->mode == MODE_MASQUERADED) {
        find_facts6(lease, &facts);
    }
    *ret_facts = facts;
    return true;
}

/* A double-quoted string, as JSON and YAML have them. RFC 8259 section 7; YAML
 * 1.2 section 5.7. */
static void append_string(GString *text, const char *value)
{
    g_string_append_c(text, '"');
    for (const char *at = value; *at; at++) {
        if (*at == '"' || *at == '\\') {
            g_string_append_printf(text, "\\%c", *at);
        } else if ((guchar)*at < 0x20 || (guchar)*at == 0x7f) {
            g_string_append_printf(text, "\\u%04x", (guchar)*at);
        } else {
            g_string_append_c(text, *at);
        }
    }
    g_string_append_c(text, '"');
}

/* "a, b" of the name servers, each in @quote. */
static void append_servers(GString *text, const Lease *lease, const char *quote,
                           const char *separator)
{
    for (guint i = 0; i < lease->n_dns; i++) {
        g_string_append_printf(text, "%s%s%s%s", i ? separator : "", quote,
                               address_format_ipv4(lease->dns[i]).text, quote);
    }
}

char *lease_format_kernel(const Lease *lease)
{
    GString *text;
    Facts facts;

    if (!find_facts(lease, &facts)) {
        return NULL;
    }
    text = g_string_new(NULL);
    g_string_append_printf(
        text, "ip=%s::%s:%s:%s:%s:off", facts.address.text,
        facts.has_gateway ? facts.gateway.text : "",
        address_format_ipv4(prefix4_mask((guint8)facts.length)).text,
        lease->hostname, lease->interface);
    for (guint i = 0; i < MIN(lease->n_dns, KERNEL_DNS_MAX); i++) {
        g_string_append_printf(text, ":%s",
                               address_format_ipv4(lease->dns[i]).text);
    }
    return g_string_free(text, FALSE);
}

static void append_cloud_init_addresses(GString *text, const Facts *facts)
{
    g_string_append_printf(text, "    addresses:\n      - \"%s/%u\"\n",
                           facts->address.text, facts->length);
    if (facts->has_ipv6) {
        g_string_append_printf(text, "      - \"%s/%u\"\n",
                               facts->address6.text, facts->length6);
    }
    if (facts->has_gateway || (facts->has_ipv6 && facts->has_gateway6)) {
        g_string_append(text, "    routes:\n");
    }
    if (facts->has_gateway) {
        g_string_append_printf(text,
                               "      - to: \"0.0.0.0/0\"\n        via: \"%s\"\n",
                               facts->gateway.text);
    }
    if (facts->has_ipv6 && facts->has_gateway6) {
        g_string_append_printf(text,
                               "      - to: \"%s\"\n        via: \"%s\"\n",
                               facts->behind6.text, facts->gateway6.text);
    }
}

static void append_cloud_init_dns(GString *text, const Lease *lease)
{
    if (lease->n_dns == 0) {
        return;
    }
    g_string_append(text, "    nameservers:\n      addresses: [");
    append_servers(text, lease, "\"", ", ");
    g_string_append(text, "]\n");
    if (lease->segment->domain[0]) {
        g_string_append(text, "      search: [");
        append_string(text, lease->segment->domain);
        g_string_append(text, "]\n");
    }
}

char *lease_format_cloud_init(const Lease *lease)
{
    GString *text;
    Facts facts;

    if (!find_facts(lease, &facts)) {
        return NULL;
    }
    text = g_string_new("version: 2\nethernets:\n  ");
    append_string(text, lease->interface);
    g_string_append(text, ":\n");
    if (lease->has_mac) {
        g_string_append_printf(text, "    match:\n      macaddress: \"%s\"\n",
                               address_format_mac(&lease->mac).text);
        /* Else renderers other than netplan's look for a card of that name. */
        g_string_append(text, "    set-name: ");
        append_string(text, lease->interface);
        g_string_append_c(text, '\n');
    }
    if (lease->segment->mtu) {
        g_string_append_printf(text, "    mtu: %u\n", lease->segment->mtu);
    }
    g_string_append(text, "    dhcp4: false\n    dhcp6: false\n");
    if (lease->segment->mode == MODE_MASQUERADED) {
        g_string_append(text, "    accept-ra: false\n");
    }
    append_cloud_init_addresses(text, &facts);
    append_cloud_init_dns(text, lease);
    return g_string_free(text, FALSE);
}

static void append_networkd_match(GString *text, const Lease *lease)
{
    if (lease->has_mac) {
        g_string_append_printf(text, "[Match]\nMACAddress=%s\n",
                               address_format_mac(&lease->mac).text);
    } else {
        g_string_append_printf(text, "[Match]\nName=%s\n", lease->interface);
    }
    if (lease->segment->mtu) {
        g_string_append_printf(text, "\n[Link]\nMTUBytes=%u\n",
                               lease->segment->mtu);
    }
}

char *lease_format_networkd(const Lease *lease)
{
    GString *text;
    Facts facts;

    if (!find_facts(lease, &facts)) {
        return NULL;
    }
    text = g_string_new(NULL);
    append_networkd_match(text, lease);
    g_string_append(text, "\n[Network]\nDHCP=no\n");
    if (lease->segment->mode == MODE_MASQUERADED) {
        g_string_append(text, "IPv6AcceptRA=no\n");
    }
    g_string_append_printf(text, "Address=%s/%u\n", facts.address.text,
                           facts.length);
    if (facts.has_ipv6) {
        g_string_append_printf(text, "Address=%s/%u\n", facts.address6.text,
                               facts.length6);
    }
    for (guint i = 0; i < lease->n_dns; i++) {
        g_string_append_printf(text, "DNS=%s\n",
                               address_format_ipv4(lease->dns[i]).text);
    }
    if (lease->segment->domain[0]) {
        g_string_append_printf(text, "Domains=%s\n", lease->segment->domain);
    }
    if (facts.has_gateway) {
        g_string_append_printf(text, "\n[Route]\nGateway=%s\n",
                               facts.gateway.text);
    }
    if (facts.has_ipv6 && facts.has_gateway6) {
        g_string_append_printf(text, "\n[Route]\nDestination=%s\nGateway=%s\n",
                               facts.behind6.text, facts.gateway6.text);
    }
    return g_string_free(text, FALSE);
}

/* ,\n  "KEY": "VALUE" */
static void append_member(GString *text, const char *key, const char *value)
{
    g_string_append_printf(text, ",\n  \"%s\": ", key);
    append_string(text, value);
}

static void append_family(GString *text, const char *key, const char *address,
                          guint length, const char *gateway, const char *behind)
{
    g_string_append_printf(text,
                           ",\n  \"%s\": {\n    \"address\": \"%s\",\n"
                           "    \"prefix_length\": %u",
                           key, address, length);
    if (gateway) {
        g_string_append_printf(text,
                               ",\n    \"gateway\": \"%s\",\n"
                               "    \"destination\": \"%s\"",
                               gateway, behind);
    }
    g_string_append(text, "\n  }");
}

static void append_json_dns(GString *text, const Lease *lease)
{
    g_string_append(text, ",\n  \"dns\": {\n");
    if (lease->segment->domain[0]) {
        g_string_append(text, "    \"domain\": ");
        append_string(text, lease->segment->domain);
        g_string_append(text, ",\n");
    }
    g_string_append(text, "    \"servers\": [");
    append_servers(text, lease, "\"", ", ");
    g_string_append(text, "]\n  }\n}\n");
}

char *lease_format_json(const Lease *lease)
{
    const Segment *segment = lease->segment;
    GString *text;
    Facts facts;

    if (!find_facts(lease, &facts)) {
        return NULL;
    }
    text = g_string_new("{\n  \"network\": ");
    append_string(text, segment->name);
    append_member(text, "mode", mode_name((Mode)segment->mode));
    append_member(text, "interface", lease->interface);
    if (lease->hostname[0]) {
        append_member(text, "hostname", lease->hostname);
    }
    if (lease->has_mac) {
        append_member(text, "mac", address_format_mac(&lease->mac).text);
    }
    if (segment->mtu) {
        g_string_append_printf(text, ",\n  \"mtu\": %u", segment->mtu);
    }
    append_family(text, "ipv4", facts.address.text, facts.length,
                  facts.has_gateway ? facts.gateway.text : NULL, "0.0.0.0/0");
    if (facts.has_ipv6) {
        append_family(text, "ipv6", facts.address6.text, facts.length6,
                      facts.has_gateway6 ? facts.gateway6.text : NULL,
                      facts.behind6.text);
    }
    append_json_dns(text, lease);
    return g_string_free(text, FALSE);
}
