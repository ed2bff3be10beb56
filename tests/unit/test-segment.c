/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/segment_make.h"
#include "pool/slots.h"

#include <linux/rtnetlink.h>
#include <string.h>

static const Prefix4 nothing = {0, 0};

static FactsHost *facts_new(void)
{
    FactsHost *facts = g_new0(FactsHost, 1);

    facts->links = g_array_new(FALSE, TRUE, sizeof(FactsLink));
    facts->addresses = g_array_new(FALSE, TRUE, sizeof(FactsAddress));
    facts->routes = g_array_new(FALSE, TRUE, sizeof(FactsRoute));
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

static Segment make(const char *text, const FactsHost *facts,
                    Prefix4 remembered, const GArray *others)
{
    g_autoptr(Network) network = parse("nat", text);
    g_autoptr(GError) error = NULL;
    Segment segment;

    g_assert_true(segment_make(network, facts, remembered, others, &segment,
                               &error));
    g_assert_no_error(error);
    return segment;
}

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

static void test_named_subnet_taken(void)
{
    static const char text[] =
        "{ \"mode\": \"masqueraded\", \"subnet\": \"192.168.77.0/24\" }";
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(Network) network = parse("nat", text);
    g_autoptr(GError) error = NULL;
    Segment segment = {.mtu = 77};

    add_link(facts, 2, "eth0", LINK_OTHER, 0, 1500);
    add_address(facts, 2, 0xc0a80105, 16);
    g_assert_false(segment_make(network, facts, nothing, NULL, &segment,
                                &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFLICT);
    g_assert_cmpstr(error->message, ==,
                    "subnet 192.168.77.0/24 overlaps address 192.168.1.5/16 on "
                    "eth0 of this host; choose another in "
                    "'/etc/tapster/networks/x.json', or \"auto\"");
    g_assert_cmpuint(segment.mtu, ==, 77);
}

static void test_none_free(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(Network) network = parse("nat", AUTO);
    g_autoptr(GError) error = NULL;
    Segment segment;

    add_link(facts, 2, "vpn", LINK_OTHER, 0, 1500);
    add_route(facts, (Prefix4){0x0a000000, 8}, 2);
    add_route(facts, (Prefix4){0xac100000, 12}, 2);
    add_route(facts, (Prefix4){0xc0a80000, 16}, 2);
    g_assert_false(segment_make(network, facts, nothing, NULL, &segment,
                                &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_EXHAUSTED);
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
    return g_test_run();
}
