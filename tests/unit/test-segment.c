/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/segment_make.h"
#include "pool/slots.h"

#include <linux/rtnetlink.h>
#include <string.h>

static const Prefix4 nothing = {0, 0};

/* What a host with dnsmasq knows of a network that is made for the first time. */
static SegmentHints hints_new(void)
{
    return (SegmentHints){.random = 0x123456789a, .has_dnsmasq = true};
}

static FactsHost *facts_new(void)
{
    FactsHost *facts = g_new0(FactsHost, 1);

    facts->links = g_array_new(FALSE, TRUE, sizeof(FactsLink));
    facts->addresses = g_array_new(FALSE, TRUE, sizeof(FactsAddress));
    facts->routes = g_array_new(FALSE, TRUE, sizeof(FactsRoute));
    facts->addresses6 = g_array_new(FALSE, TRUE, sizeof(FactsAddress6));
    facts->routes6 = g_array_new(FALSE, TRUE, sizeof(FactsRoute6));
    facts->foreign = g_array_new(FALSE, TRUE, sizeof(FactsForeign));
    facts->has_ipv6 = true;
    return facts;
}

static void add_link(FactsHost *facts, int ifindex, const char *name,
                     LinkKind kind, guint32 group, guint32 mtu)
{
    FactsLink link = {.ifindex = ifindex, .kind = kind, .group = group,
                      .mtu = mtu};

    g_strlcpy(link.name.name, name, sizeof(link.name.name));
    g_array_append_val(facts->links, link);
}

static void add_address(FactsHost *facts, int ifindex, guint32 address,
                        guint8 length)
{
    FactsAddress item = {ifindex, address, length};

    g_array_append_val(facts->addresses, item);
}

static void add_route(FactsHost *facts, Prefix4 destination, int ifindex)
{
    FactsRoute route = {.destination = destination, .table = 254,
                        .out_ifindex = ifindex, .type = RTN_UNICAST};

    g_array_append_val(facts->routes, route);
}

static Network *parse(const char *name, const char *text)
{
    g_autoptr(Faults) faults = faults_new("/etc/tapster/networks/x.json");
    Network *network = network_parse(name, "/etc/tapster/networks/x.json",
                                     text, strlen(text), faults);

    g_assert_nonnull(network);
    return network;
}

static Segment make_hinted(const char *text, const FactsHost *facts,
                           const SegmentHints *hints, char **ret_warning)
{
    g_autoptr(Network) network = parse("nat", text);
    g_autoptr(GError) error = NULL;
    Segment segment;
    bool made =
        segment_make(network, facts, hints, &segment, ret_warning, &error);

    g_assert_no_error(error);
    g_assert_true(made);
    return segment;
}

static Segment make(const char *text, const FactsHost *facts,
                    Prefix4 remembered, const GArray *others)
{
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();

    hints.subnet = remembered;
    hints.others = others;
    return make_hinted(text, facts, &hints, &warning);
}

/* What is said of a file that cannot be in force here. */
static char *refuse(const char *text, const FactsHost *facts,
                    const SegmentHints *hints, TapsterErrorCode code)
{
    g_autoptr(Network) network = parse("nat", text);
    g_autoptr(GError) error = NULL;
    g_autofree char *warning = NULL;
    Segment segment = {.mtu = 77};

    g_assert_false(
        segment_make(network, facts, hints, &segment, &warning, &error));
    g_assert_error(error, TAPSTER_ERROR, (int)code);
    g_assert_null(warning);
    g_assert_cmpuint(segment.mtu, ==, 77);
    return g_strdup(error->message);
}

#define assert_refused(text, facts, hints, code, expected) \
    G_STMT_START { \
        g_autofree char *message_ = refuse(text, facts, hints, code); \
        g_assert_cmpstr(message_, ==, expected); \
    } G_STMT_END

static guint32 own_group(void)
{
    Segment segment;

    slots_identify("nat", &segment);
    return segment.group;
}

static void assert_subnet(const Segment *segment, const char *expected)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};

    g_assert_cmpstr(address_format_prefix4(subnet).text, ==, expected);
    g_assert_cmphex(segment->gateway, ==, subnet.address + 1);
}

#define AUTO "{ \"mode\": \"masqueraded\" }"

static void test_packaged_defaults(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Segment segment = make(AUTO, facts, nothing, NULL);

    assert_subnet(&segment, "192.168.109.0/24");
    g_assert_cmpstr(segment.name, ==, "nat");
    g_assert_cmphex(segment.group, ==, own_group());
    g_assert_cmpuint(segment.mode, ==, MODE_MASQUERADED);
    g_assert_cmpuint(segment.pool_offset, ==, 10);
    /* the last one is 192.168.109.254 */
    g_assert_cmpuint(segment.pool_size, ==, 245);
    g_assert_cmphex(slots_address(&segment, segment.pool_size - 1), ==,
                    0xc0a86dfe);
    g_assert_true(slots_usable(&segment, segment.pool_size - 1));
    g_assert_cmpuint(segment.mtu, ==, 1500);
    g_assert_cmpuint(segment.uplink, ==, UPLINK_AUTO);
    g_assert_true(segment.masquerade);
    g_assert_true(segment.guest_to_guest);
    g_assert_true(segment.guest_to_host);
    g_assert_true(segment.dhcp);
    g_assert_cmpuint(segment.lease_time_s, ==, 3600);
    g_assert_cmpuint(segment.n_dns, ==, 0);
    g_assert_cmpstr(segment.domain, ==, "nat.internal");
}

static void test_everything_said(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Segment segment = make(
        "{ \"mode\": \"masqueraded\", \"subnet\": \"10.7.0.0/16\","
        "  \"pool\": { \"offset\": 256, \"size\": 1000,"
        "              \"exclude\": [\"300-309\", 400] },"
        "  \"uplink\": \"none\", \"masquerade\": false, \"mtu\": 9000,"
        "  \"dhcp\": false, \"lease_time\": 120,"
        "  \"dns\": { \"domain\": \"lab.test\", \"servers\": [\"9.9.9.9\"] },"
        "  \"guest_to_guest\": false, \"guest_to_host\": false }",
        facts, nothing, NULL);

    assert_subnet(&segment, "10.7.0.0/16");
    g_assert_cmpuint(segment.pool_offset, ==, 256);
    g_assert_cmpuint(segment.pool_size, ==, 1000);
    g_assert_cmpuint(segment.n_exclude, ==, 2);
    g_assert_false(slots_usable(&segment, 300 - 256));
    g_assert_false(slots_usable(&segment, 400 - 256));
    g_assert_true(slots_usable(&segment, 310 - 256));
    g_assert_cmpuint(segment.uplink, ==, UPLINK_NONE);
    g_assert_false(segment.masquerade);
    g_assert_cmpuint(segment.mtu, ==, 9000);
    g_assert_false(segment.dhcp);
    g_assert_cmpuint(segment.lease_time_s, ==, 120);
    g_assert_cmpuint(segment.n_dns, ==, 1);
    g_assert_cmphex(segment.dns[0], ==, 0x09090909);
    g_assert_cmpstr(segment.domain, ==, "lab.test");
    g_assert_false(segment.guest_to_guest);
    g_assert_false(segment.guest_to_host);
}

static void test_remembered(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix4));
    Prefix4 remembered = {0xc0a86f00, 24}; /* 192.168.111.0 */
    Prefix4 longer = {0xc0a86f00, 25};
    Segment segment = make(AUTO, facts, remembered, NULL);

    assert_subnet(&segment, "192.168.111.0/24");
    /* the file asks for another length by now */
    segment = make(AUTO, facts, longer, NULL);
    assert_subnet(&segment, "192.168.109.0/24");
    /* a network that was made meanwhile has it */
    g_array_append_val(others, remembered);
    segment = make(AUTO, facts, remembered, others);
    assert_subnet(&segment, "192.168.109.0/24");
    /* the host moved into a LAN that has it */
    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address(facts, 2, 0xc0a86f05, 24);
    segment = make(AUTO, facts, remembered, NULL);
    assert_subnet(&segment, "192.168.109.0/24");
}

/* A subnet whose record is lost is read back from the ports that use it. */
static void test_read_back(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Prefix4 remembered = {0xc0a86f00, 24};
    Segment segment;

    add_link(facts, 4, "tsother0", LINK_TAP, own_group() + 1, 1500);
    add_address(facts, 4, 0x0a090001, 32);
    add_link(facts, 5, "tsup3efz0", LINK_TAP, own_group(), 1500);
    add_address(facts, 5, 0x0a080101, 32);
    segment = make(AUTO, facts, nothing, NULL);
    assert_subnet(&segment, "10.8.1.0/24");
    segment = make(AUTO, facts, remembered, NULL);
    assert_subnet(&segment, "10.8.1.0/24");
}

/* Ports with a gateway that is not the first address of a subnet of the length
 * that the file asks for now, say nothing. */
static void test_read_back_of_another_length(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Segment segment;

    add_link(facts, 5, "tsup3efz0", LINK_TAP, own_group(), 1500);
    add_address(facts, 5, 0x0a080101, 32);
    segment = make("{ \"mode\": \"masqueraded\", \"subnet\": \"auto/22\" }",
                   facts, nothing, NULL);
    assert_subnet(&segment, "192.168.108.0/22");
}

#define NAMED "{ \"mode\": \"masqueraded\", \"subnet\": \"192.168.77.0/24\" }"

static void test_named_subnet_taken(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    SegmentHints hints = hints_new();

    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address(facts, 2, 0xc0a80105, 16);
    assert_refused(NAMED, facts, &hints, TAPSTER_ERROR_CONFLICT,
                   "subnet 192.168.77.0/24 overlaps address 192.168.1.5/16 on "
                   "eth0 of this host; choose another in "
                   "'/etc/tapster/networks/x.json', or \"auto\"");
}

static void test_none_free(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    SegmentHints hints = hints_new();

    add_link(facts, 2, "vpn", LINK_OTHER, 0, 1500);
    add_route(facts, (Prefix4){0x0a000000, 8}, 2);
    add_route(facts, (Prefix4){0xac100000, 12}, 2);
    add_route(facts, (Prefix4){0xc0a80000, 16}, 2);
    assert_refused(AUTO, facts, &hints, TAPSTER_ERROR_EXHAUSTED,
                   "no private subnet of length 24 is free on this host; name "
                   "one with \"subnet\"");
}

static void test_mtu(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", LINK_OTHER, 0, 9000);
    add_link(facts, 3, "wg0", LINK_OTHER, 0, 1420);
    add_route(facts, (Prefix4){0x0a000000, 8}, 3);
    g_assert_cmpuint(make(AUTO, facts, nothing, NULL).mtu, ==, 1500);
    add_route(facts, (Prefix4){0, 0}, 3);
    add_route(facts, (Prefix4){0, 0}, 2);
    g_assert_cmpuint(make(AUTO, facts, nothing, NULL).mtu, ==, 1420);
    g_array_remove_index(facts->routes, 1);
    g_assert_cmpuint(make(AUTO, facts, nothing, NULL).mtu, ==, 1500);
}

#define LAN "{ \"mode\": \"bridged\", \"bridge\": \"br0\" }"
#define LAN_UPLINK \
    "{ \"mode\": \"bridged\", \"bridge\": \"br0\", \"uplink\": \"eth0\" }"

static void test_bridged(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Segment segment = make(LAN, facts, nothing, NULL);

    g_assert_cmpuint(segment.mode, ==, MODE_BRIDGED);
    g_assert_cmpuint(segment.subnet_length, ==, 0);
    g_assert_cmpuint(segment.pool_size, ==, 1023);
    g_assert_cmpstr(segment.bridge.name, ==, "br0");
    g_assert_cmpuint(segment.uplink, ==, UPLINK_NONE);
    g_assert_cmpuint(segment.mtu, ==, 1500);
    g_assert_false(segment.dhcp);
    g_assert_false(segment.masquerade);

    /* the uplink's frames must fit; then the bridge's own size counts */
    add_link(facts, 2, "eth0", LINK_OTHER, 0, 9000);
    segment = make(LAN_UPLINK, facts, nothing, NULL);
    g_assert_cmpuint(segment.mtu, ==, 9000);
    g_assert_cmpstr(segment.uplink_name.name, ==, "eth0");
    g_assert_cmpuint(make(LAN, facts, nothing, NULL).mtu, ==, 1500);
    add_link(facts, 3, "br0", LINK_BRIDGE, 0, 1400);
    g_assert_cmpuint(make(LAN_UPLINK, facts, nothing, NULL).mtu, ==, 1400);
}

/* Every subnet's whole pool lies within it, whatever its length. */
static void test_pools_fit(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    for (guint length = 16; length <= 30; length++) {
        g_autofree char *text = g_strdup_printf(
            "{ \"mode\": \"masqueraded\", \"subnet\": \"auto/%u\" }", length);
        Segment segment = make(text, facts, nothing, NULL);
        guint32 last = segment.pool_size - 1;
        Prefix4 subnet = {segment.subnet_address, (guint8)length};

        g_assert_cmpuint(segment.subnet_length, ==, length);
        g_assert_cmpuint(segment.pool_size, >=, 1);
        g_assert_true(slots_usable(&segment, 0));
        g_assert_true(slots_usable(&segment, last));
        g_assert_true(prefix4_contains(subnet, slots_address(&segment, last)));
        /* the one behind it is the broadcast address */
        g_assert_cmphex(slots_address(&segment, last) + 1, ==,
                        subnet.address | ~prefix4_mask((guint8)length));
    }
}

static Prefix6 parse6(const char *text)
{
    g_autoptr(GError) error = NULL;
    Prefix6 prefix;

    g_assert_true(address_parse_prefix6(text, &prefix, &error));
    return prefix;
}

static void add_address6(FactsHost *facts, int ifindex, const char *address,
                         guint8 length)
{
    g_autoptr(GError) error = NULL;
    FactsAddress6 item = {.ifindex = ifindex, .length = length};

    g_assert_true(address_parse_ipv6(address, &item.address, &error));
    g_array_append_val(facts->addresses6, item);
}

static void assert_subnet6(const Segment *segment, const char *expected)
{
    Prefix6 prefix = {segment->subnet6_address,
                      (guint8)segment->subnet6_length};

    g_assert_cmpstr(address_format_prefix6(&prefix).text, ==, expected);
}

#define NO_IPV6 "::/0"

static void test_defaults_of_ipv6_and_names(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    Segment segment = make(AUTO, facts, nothing, NULL);

    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_true(segment.masquerade6);
    g_assert_true(segment.dns_served);
    g_assert_cmpuint(segment.kind, ==, SEGMENT_ROUTED);
    g_assert_cmpstr(segment.bridge.name, ==, "");

    segment = make("{ \"mode\": \"masqueraded\", \"subnet6\": \"none\" }", facts,
                   nothing, NULL);
    assert_subnet6(&segment, NO_IPV6);
    g_assert_false(segment.masquerade6);
    g_assert_true(segment.dns_served);
}

#define NAMED6 \
    "{ \"mode\": \"masqueraded\", \"subnet6\": \"2001:db8:1::/48\"," \
    "  \"masquerade6\": false }"

/* Without IPv6, or on a shared segment without dnsmasq to advertise routers, "auto"
 * is none. */
static void test_ipv6_cannot_be_had(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    Segment segment;

    hints.has_dnsmasq = false;
    segment = make_hinted("{ \"mode\": \"masqueraded\", \"dhcp\": false,"
                          "  \"segment\": \"shared\" }",
                          facts, &hints, &warning);
    assert_subnet6(&segment, NO_IPV6);
    g_assert_false(segment.dns_served);
    g_assert_null(warning);
    /* for guests that are configured by hand */
    segment = make_hinted("{ \"mode\": \"masqueraded\", \"dhcp\": false,"
                          "  \"segment\": \"shared\","
                          "  \"subnet6\": \"2001:db8:1::/48\" }",
                          facts, &hints, &warning);
    assert_subnet6(&segment, "2001:db8:1::/48");
    /* on cables it is tapster-dhcp that advertises */
    segment = make_hinted(AUTO, facts, &hints, &warning);
    g_assert_cmpuint(segment.subnet6_length, ==, 48);
    g_assert_false(segment.dns_served);
    segment = make_hinted(NAMED6, facts, &hints, &warning);
    assert_subnet6(&segment, "2001:db8:1::/48");
    g_assert_false(segment.masquerade6);

    hints.has_dnsmasq = true;
    facts->has_ipv6 = false;
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet6(&segment, NO_IPV6);
    assert_refused(NAMED6, facts, &hints, TAPSTER_ERROR_UNSUPPORTED,
                   "subnet6 2001:db8:1::/48 cannot be had: this host has no "
                   "IPv6, or it is switched off; set \"subnet6\" to \"none\" in "
                   "'/etc/tapster/networks/x.json'");
    facts->has_ipv6 = true;
    add_link(facts, 2, "tunnel", LINK_OTHER, 0, 1200);
    add_route(facts, (Prefix4){0, 0}, 2);
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet6(&segment, NO_IPV6);
    assert_refused(NAMED6, facts, &hints, TAPSTER_ERROR_UNSUPPORTED,
                   "subnet6 2001:db8:1::/48 cannot be had: IPv6 takes an MTU of "
                   "1280, and the uplink has 1200; set \"subnet6\" to \"none\" in "
                   "'/etc/tapster/networks/x.json'");
}

static void test_remembered6(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(GArray) others6 = g_array_new(FALSE, FALSE, sizeof(Prefix6));
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    Segment segment;

    hints.subnet6 = parse6("fd77:7777:7777::/48");
    hints.others6 = others6;
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet6(&segment, "fd77:7777:7777::/48");
    g_assert_null(warning);

    g_array_append_val(others6, hints.subnet6);
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_cmpstr(warning, ==,
                    "network 'nat': its subnet is fd12:3456:789a::/48 from now "
                    "on, because fd77:7777:7777::/48 has come to overlap another "
                    "network's subnet fd77:7777:7777::/48");
    /* what was named once, and is "auto" now, says nothing */
    hints.subnet6 = parse6("2001:db8::/32");
    g_clear_pointer(&warning, g_free);
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_null(warning);
}

/* The host moved into a LAN that has what the network had: both are told. */
static void test_warnings(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    Segment segment;

    hints.subnet = (Prefix4){0xc0a86f00, 24};
    hints.subnet6 = parse6("fd77:7777:7777::/48");
    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address(facts, 2, 0xc0a86f05, 24);
    add_address6(facts, 2, "fd77:7777:7777:1::5", 64);
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet(&segment, "192.168.109.0/24");
    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_cmpstr(warning, ==,
                    "network 'nat': its subnet is 192.168.109.0/24 from now on, "
                    "because 192.168.111.0/24 has come to overlap address "
                    "192.168.111.5/24 on eth0; its subnet is "
                    "fd12:3456:789a::/48 from now on, because "
                    "fd77:7777:7777::/48 has come to overlap address "
                    "fd77:7777:7777:1::5/64 on eth0");

    /* live ports cannot be moved */
    g_clear_pointer(&warning, g_free);
    add_link(facts, 5, "tsup3efz0", LINK_TAP, own_group(), 1500);
    add_address(facts, 5, 0xc0a86f01, 32);
    add_address6(facts, 5, "fe80::1", 64);
    add_address6(facts, 5, "fd77:7777:7777:b::1", 64);
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet(&segment, "192.168.111.0/24");
    assert_subnet6(&segment, "fd77:7777:7777::/48");
    g_assert_null(warning);
}

#define SHARED "{ \"mode\": \"masqueraded\", \"segment\": \"shared\" }"

static void test_shared(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    SegmentHints hints = hints_new();
    Segment segment = make(SHARED, facts, nothing, NULL);

    g_assert_cmpuint(segment.kind, ==, SEGMENT_SHARED);
    g_assert_cmpstr(segment.bridge.name, ==, "tbup3efz");
    assert_subnet(&segment, "192.168.109.0/24");
    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_true(segment.dns_served);

    hints.has_dnsmasq = false;
    assert_refused(SHARED, facts, &hints, TAPSTER_ERROR_UNSUPPORTED,
                   "a shared segment's addresses are given out by dnsmasq, which "
                   "is not installed: install it, or set \"dhcp\" to false or "
                   "\"segment\" to \"routed\" in "
                   "'/etc/tapster/networks/x.json'");
}

/* A shared segment's bridge stays when its last port has gone: it keeps no
 * subnet that has come to collide. */
static void test_read_back_of_shared(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    Segment segment;

    hints.subnet = (Prefix4){0xc0a86f00, 24};
    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address(facts, 2, 0xc0a86f05, 24);
    add_link(facts, 5, "tbup3efz", LINK_BRIDGE, own_group(), 1500);
    add_address(facts, 5, 0xc0a86f01, 24);
    add_address6(facts, 5, "fd77:7777:7777::1", 64);
    segment = make_hinted(SHARED, facts, &hints, &warning);
    assert_subnet(&segment, "192.168.109.0/24");
    assert_subnet6(&segment, "fd12:3456:789a::/48");
    g_assert_nonnull(warning);

    g_clear_pointer(&warning, g_free);
    add_link(facts, 6, "tsup3efz3", LINK_TAP, own_group(), 1500);
    segment = make_hinted(SHARED, facts, &hints, &warning);
    assert_subnet(&segment, "192.168.111.0/24");
    assert_subnet6(&segment, "fd77:7777:7777::/48");
    g_assert_null(warning);
}

static void test_named6_taken(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    SegmentHints hints = hints_new();

    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address6(facts, 2, "2001:db8:1:2::5", 64);
    assert_refused(NAMED6, facts, &hints, TAPSTER_ERROR_CONFLICT,
                   "subnet6 2001:db8:1::/48 overlaps address 2001:db8:1:2::5/64 "
                   "on eth0 of this host; choose another in "
                   "'/etc/tapster/networks/x.json', or \"auto\"");
}

/* What the file's own checks refuse as well, if it comes by another way. */
static void test_unfit(void)
{
    char user[] = "alice";
    char name[] = "web";
    NetworkReservation outside = {.user = user, .name = name, .host = 9};
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(Network) network = parse("nat", NAMED);
    g_autoptr(GError) error = NULL;
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    Segment segment;

    network->subnet6_kind = NETWORK_SUBNET6_PREFIX;
    network->subnet6 = parse6("2001:db8:1:f0::/60");
    g_assert_false(
        segment_make(network, facts, &hints, &segment, &warning, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "subnet6 2001:db8:1:f0::/60 has 15 /64s for ports, and "
                    "\"pool\" has 245 slots: give it a shorter prefix or a "
                    "smaller pool in '/etc/tapster/networks/x.json'");
    g_clear_error(&error);
    network->segment = SEGMENT_SHARED;
    g_assert_true(
        segment_make(network, facts, &hints, &segment, &warning, &error));

    network->subnet6_kind = NETWORK_SUBNET6_NONE;
    network->pool_size = 246;
    g_assert_false(
        segment_make(network, facts, &hints, &segment, &warning, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "\"pool\" of 246 addresses from host number 10 on does not "
                    "fit subnet 192.168.77.0/24; mend "
                    "'/etc/tapster/networks/x.json'");
    g_clear_error(&error);

    network->pool_size = 245;
    g_ptr_array_set_free_func(network->reservations, NULL);
    g_ptr_array_add(network->reservations, &outside);
    g_assert_false(
        segment_make(network, facts, &hints, &segment, &warning, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "address 192.168.77.9, reserved for 'web' of alice, is not "
                    "one of its pool, 192.168.77.10 to 192.168.77.254 without "
                    "\"exclude\"; mend '/etc/tapster/networks/x.json'");
}

static void test_reservations(void)
{
    static const char text[] =
        "{ \"mode\": \"masqueraded\", \"subnet\": \"192.168.77.0/24\","
        "  \"reservations\": [ { \"user\": \"alice\", \"name\": \"web\","
        "                        \"address\": \"192.168.77.20\" },"
        "                      { \"user\": \"bob\", \"name\": \"web\","
        "                        \"host\": 30 } ] }";
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(Network) network = parse("nat", text);
    Segment segment = make(text, facts, nothing, NULL);
    NetworkReservation address_only = {.address = 0xc0a84d14};

    g_assert_cmpuint(network->reservations->len, ==, 2);
    g_assert_cmpuint(
        segment_reserved_host(&segment, network->reservations->pdata[0]), ==,
        20);
    g_assert_cmpuint(
        segment_reserved_host(&segment, network->reservations->pdata[1]), ==,
        30);
    g_assert_cmpuint(segment_reserved_host(&segment, &address_only), ==, 20);
}

/* The LAN's own subnet is there already, with the host in it. */
static void test_bridged_subnet(void)
{
    static const char text[] =
        "{ \"mode\": \"bridged\", \"bridge\": \"br0\","
        "  \"subnet\": \"192.168.1.0/24\", \"gateway\": \"192.168.1.254\","
        "  \"pool\": { \"offset\": 100, \"size\": 50 } }";
    static const char router_unknown[] =
        "{ \"mode\": \"bridged\", \"bridge\": \"br0\","
        "  \"subnet\": \"192.168.1.0/24\" }";
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix4));
    SegmentHints hints = hints_new();
    Prefix4 other = {0xc0a80000, 16};
    Segment segment;

    add_link(facts, 3, "br0", LINK_BRIDGE, 0, 1500);
    add_address(facts, 3, 0xc0a80105, 24);
    add_route(facts, (Prefix4){0xc0a80100, 24}, 3);
    segment = make(text, facts, nothing, NULL);
    g_assert_cmphex(segment.subnet_address, ==, 0xc0a80100);
    g_assert_cmphex(segment.gateway, ==, 0xc0a801fe);
    g_assert_cmpuint(segment.pool_offset, ==, 100);
    g_assert_cmpuint(segment.pool_size, ==, 50);
    g_assert_cmpuint(segment.kind, ==, SEGMENT_SHARED);
    g_assert_cmpstr(segment.bridge.name, ==, "br0");
    g_assert_false(segment.dns_served);
    assert_subnet6(&segment, NO_IPV6);
    g_assert_cmphex(make(router_unknown, facts, nothing, NULL).gateway, ==, 0);

    g_array_append_val(others, other);
    hints.others = others;
    assert_refused(text, facts, &hints, TAPSTER_ERROR_CONFLICT,
                   "subnet 192.168.1.0/24 overlaps another network's subnet "
                   "192.168.0.0/16; choose another in "
                   "'/etc/tapster/networks/x.json'");
}

/* What another program has configured: named after it. */
static void test_foreign(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autofree char *warning = NULL;
    SegmentHints hints = hints_new();
    FactsForeign foreign = {{0xc0a84d00, 24}, "Docker's network web"};
    Segment segment;

    g_array_append_val(facts->foreign, foreign);
    assert_refused(NAMED, facts, &hints, TAPSTER_ERROR_CONFLICT,
                   "subnet 192.168.77.0/24 overlaps Docker's network web "
                   "(192.168.77.0/24) of this host; choose another in "
                   "'/etc/tapster/networks/x.json', or \"auto\"");
    hints.subnet = foreign.subnet;
    segment = make_hinted(AUTO, facts, &hints, &warning);
    assert_subnet(&segment, "192.168.109.0/24");
    g_assert_nonnull(warning);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/packaged-defaults", test_packaged_defaults);
    g_test_add_func("/segment/everything-said", test_everything_said);
    g_test_add_func("/segment/remembered", test_remembered);
    g_test_add_func("/segment/read-back", test_read_back);
    g_test_add_func("/segment/read-back-length",
                    test_read_back_of_another_length);
    g_test_add_func("/segment/named-taken", test_named_subnet_taken);
    g_test_add_func("/segment/none-free", test_none_free);
    g_test_add_func("/segment/mtu", test_mtu);
    g_test_add_func("/segment/bridged", test_bridged);
    g_test_add_func("/segment/pools-fit", test_pools_fit);
    g_test_add_func("/segment/ipv6-and-names",
                    test_defaults_of_ipv6_and_names);
    g_test_add_func("/segment/ipv6-cannot-be-had", test_ipv6_cannot_be_had);
    g_test_add_func("/segment/remembered6", test_remembered6);
    g_test_add_func("/segment/warnings", test_warnings);
    g_test_add_func("/segment/shared", test_shared);
    g_test_add_func("/segment/read-back-shared", test_read_back_of_shared);
    g_test_add_func("/segment/named6-taken", test_named6_taken);
    g_test_add_func("/segment/unfit", test_unfit);
    g_test_add_func("/segment/reservations", test_reservations);
    g_test_add_func("/segment/bridged-subnet", test_bridged_subnet);
    g_test_add_func("/segment/foreign", test_foreign);
    return g_test_run();
}
