/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/slots.h"

#include <stdlib.h>
#include <string.h>

static Segment make_segment(const char *name, guint32 subnet, guint32 length)
{
    Segment segment = {0};

    slots_identify(name, &segment);
    segment.subnet_address = subnet;
    segment.subnet_length = length;
    segment.gateway = subnet + 1;
    segment.pool_offset = 10;
    segment.pool_size = 240;
    return segment;
}

/* Live taps bear these names: they may never change. */
static void test_known_values(void)
{
    Segment segment = make_segment("nat", 0xc0a84d00, 24);
    Mac host = slots_host_mac(&segment, 0);
    Mac guest = slots_guest_mac(&segment, 239);

    g_assert_cmpstr(segment.name, ==, "nat");
    g_assert_cmpstr(segment.tap_prefix, ==, "tsup3efz");
    g_assert_cmphex(segment.group, ==, 0x744d415d);
    g_assert_cmpstr(slots_tap_name(&segment, 0).name, ==, "tsup3efz0");
    g_assert_cmpstr(slots_tap_name(&segment, 35).name, ==, "tsup3efzz");
    g_assert_cmpstr(slots_tap_name(&segment, 36).name, ==, "tsup3efz10");
    g_assert_cmpstr(slots_tap_name(&segment, G_MAXUINT32).name, ==,
                    "tsup3efz1z141z3");
    g_assert_cmpstr(address_format_mac(&host).text, ==, "fe:54:c1:5d:00:00");
    g_assert_cmpstr(address_format_mac(&guest).text, ==, "52:54:c1:5d:00:ef");
}

static void test_whole_pools(void)
{
    static const guint32 sizes[] = {1, 240, 1023, 4096, 70000};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Segment segment = make_segment("lab-7", 0x0a400000, 12);

        segment.pool_size = sizes[i];
        for (guint32 slot = 0; slot < slots_count(&segment); slot++) {
            Ifname tap = slots_tap_name(&segment, slot);
            guint32 address = slots_address(&segment, slot);
            guint32 found;

            g_assert_true(slots_usable(&segment, slot));
            g_assert_cmpuint(strlen(tap.name), <, IFNAMSIZ);
            g_assert_true(slots_parse_tap_name(&segment, tap.name, &found));
            g_assert_cmpuint(found, ==, slot);
            g_assert_cmpuint(address, ==, 0x0a40000a + slot);
            g_assert_true(slots_find_address(&segment, address, &found));
            g_assert_cmpuint(found, ==, slot);
        }
    }
}

static int compare_keys(const void *a, const void *b)
{
    guint64 left = *(const guint64 *)a;
    guint64 right = *(const guint64 *)b;

    return (left > right) - (left < right);
}

static void test_macs_differ(void)
{
    Segment segment = make_segment("big", 0x0a000000, 8);
    g_autofree guint64 *keys = g_new0(guint64, 200000);

    segment.pool_size = 200000;
    for (guint32 slot = 0; slot < segment.pool_size; slot++) {
        Mac mac = slots_guest_mac(&segment, slot);

        g_assert_cmphex(mac.bytes[0], ==, 0x52);
        g_assert_cmphex(mac.bytes[1], ==, 0x54);
        g_assert_cmphex(mac.bytes[2], !=, 0);
        memcpy(&keys[slot], mac.bytes, sizeof(mac.bytes));
        g_assert_cmphex(slots_host_mac(&segment, slot).bytes[0], ==, 0xfe);
    }
    qsort(keys, segment.pool_size, sizeof(*keys), compare_keys);
    for (guint32 i = 1; i < segment.pool_size; i++) {
        g_assert_cmphex(keys[i - 1], !=, keys[i]);
    }
}

static void test_foreign_tap_names(void)
{
    static const char *const names[] = {
        "",           "ts",          "tsup3efz",        "tsup3efz00",
        "tsup3efz01", "tsup3efzA",   "tsup3efz-1",      "tsup3efz 1",
        "tsup3efz+1", "tsup3efz6o",  "tsup3efz1z141z4", "tsup3efzzzzzzzz",
        "tsup3efy0",  "Tsup3efz0",   "tsup3efz0\n",     "eth0",
        "tsup3efz1_", "tsup3efz0x1",
    };
    Segment segment = make_segment("nat", 0xc0a84d00, 24);
    Segment nothing = {.pool_size = 10};
    guint32 slot = 77;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_false(slots_parse_tap_name(&segment, names[i], &slot));
    }
    g_assert_cmpuint(slot, ==, 77);
    g_assert_true(slots_parse_tap_name(&segment, "tsup3efz6n", &slot));
    g_assert_cmpuint(slot, ==, 239);
    g_assert_false(slots_parse_tap_name(&nothing, "0", &slot));
}

static void test_unusable_slots(void)
{
    Segment segment = make_segment("nat", 0xc0a84d00, 24);
    guint32 slot = 77;

    segment.pool_offset = 0;
    segment.pool_size = 300;
    segment.n_exclude = 1;
    segment.exclude[0] = (SlotRange){20, 29};

    g_assert_false(slots_usable(&segment, 0)); /* network */
    g_assert_false(slots_usable(&segment, 1)); /* gateway */
    g_assert_true(slots_usable(&segment, 2));
    g_assert_true(slots_usable(&segment, 19));
    g_assert_false(slots_usable(&segment, 20));
    g_assert_false(slots_usable(&segment, 29));
    g_assert_true(slots_usable(&segment, 30));
    g_assert_true(slots_usable(&segment, 254));
    g_assert_false(slots_usable(&segment, 255)); /* broadcast */
    g_assert_false(slots_usable(&segment, 256)); /* outside */
    g_assert_false(slots_usable(&segment, 300));
    g_assert_false(slots_find_address(&segment, 0xc0a84d14, &slot));
    g_assert_false(slots_find_address(&segment, 0xc0a84d01, &slot));
    g_assert_false(slots_find_address(&segment, 0xc0a84e02, &slot));
    g_assert_false(slots_find_address(&segment, 0xc0a84cff, &slot));
    g_assert_false(slots_find_address(&segment, 0, &slot));
    g_assert_cmpuint(slot, ==, 77);
}

static void test_smallest_subnets(void)
{
    for (guint32 length = 29; length <= 32; length++) {
        Segment segment = make_segment("tiny", 0x0a000000, length);
        guint usable = 0;

        segment.pool_offset = 0;
        segment.pool_size = 8;
        for (guint32 slot = 0; slot < 8; slot++) {
            usable += slots_usable(&segment, slot);
        }
        g_assert_cmpuint(usable, ==, length == 29 ? 5 : length == 30 ? 1 : 0);
    }
}

static void test_no_addresses(void)
{
    Segment segment = {0};
    guint32 slot;

    slots_identify("lan", &segment);
    segment.mode = MODE_BRIDGED;
    segment.pool_size = SEGMENT_BRIDGED_SLOTS;
    g_assert_cmpuint(slots_count(&segment), ==, 1023);
    g_assert_true(slots_usable(&segment, 0));
    g_assert_true(slots_usable(&segment, 1022));
    g_assert_false(slots_usable(&segment, 1023));
    g_assert_cmpuint(slots_address(&segment, 5), ==, 0);
    g_assert_false(slots_find_address(&segment, 5, &slot));
    g_assert_false(slots_find_address(&segment, 0, &slot));
}

static Segment make_segment6(const char *prefix, SegmentKind kind)
{
    Segment segment = make_segment("nat", 0xc0a84d00, 24);
    g_autoptr(GError) error = NULL;
    Prefix6 subnet6;

    g_assert_true(address_parse_prefix6(prefix, &subnet6, &error));
    segment.mode = MODE_MASQUERADED;
    segment.kind = kind;
    segment.subnet6_address = subnet6.address;
    segment.subnet6_length = subnet6.length;
    return segment;
}

static void assert_slot6(const Segment *segment, guint32 slot,
                         const char *prefix, const char *gateway,
                         const char *address)
{
    Prefix6 prefix6 = slots_prefix6(segment, slot);
    Address6 gateway6 = slots_gateway6(segment, slot);
    Address6 address6 = slots_address6(segment, slot);

    g_assert_cmpstr(address_format_prefix6(&prefix6).text, ==, prefix);
    g_assert_cmpstr(address_format_ipv6(&gateway6).text, ==, gateway);
    g_assert_cmpstr(address_format_ipv6(&address6).text, ==, address);
}

static void assert_resolver6(const Segment *segment, const char *expected)
{
    Address6 resolver6 = slots_resolver6(segment);

    g_assert_cmpstr(address_format_ipv6(&resolver6).text, ==, expected);
}

/* Guests know these addresses: they may never change. */
static void test_ipv6(void)
{
    Segment routed = make_segment6("fd12:3456:789a::/48", SEGMENT_ROUTED);
    Segment shared = make_segment6("fd12:3456:789a::/48", SEGMENT_SHARED);
    Segment smallest = make_segment6("2001:db8:0:c::/62", SEGMENT_ROUTED);
    Segment one = make_segment6("2001:db8:0:c::/64", SEGMENT_SHARED);
    Segment none = make_segment("nat", 0xc0a84d00, 24);

    assert_slot6(&routed, 0, "fd12:3456:789a:1::/64", "fd12:3456:789a:1::1",
                 "fd12:3456:789a:1::2");
    assert_slot6(&routed, 239, "fd12:3456:789a:f0::/64", "fd12:3456:789a:f0::1",
                 "fd12:3456:789a:f0::2");
    assert_slot6(&routed, 65534, "fd12:3456:789a:ffff::/64",
                 "fd12:3456:789a:ffff::1", "fd12:3456:789a:ffff::2");
    assert_slot6(&routed, 65535, "::/0", "::", "::");
    assert_slot6(&routed, G_MAXUINT32, "::/0", "::", "::");
    assert_slot6(&shared, 10, "fd12:3456:789a::/64", "fd12:3456:789a::1",
                 "fd12:3456:789a::14");
    assert_slot6(&shared, 65525, "fd12:3456:789a::/64", "fd12:3456:789a::1",
                 "fd12:3456:789a::ffff");
    assert_slot6(&smallest, 0, "2001:db8:0:d::/64", "2001:db8:0:d::1",
                 "2001:db8:0:d::2");
    assert_slot6(&smallest, 2, "2001:db8:0:f::/64", "2001:db8:0:f::1",
                 "2001:db8:0:f::2");
    assert_slot6(&smallest, 3, "::/0", "::", "::");
    assert_slot6(&one, 0, "2001:db8:0:c::/64", "2001:db8:0:c::1",
                 "2001:db8:0:c::a");
    assert_slot6(&none, 0, "::/0", "::", "::");
    assert_resolver6(&routed, "fd12:3456:789a::1");
    assert_resolver6(&shared, "fd12:3456:789a::1");
    assert_resolver6(&smallest, "2001:db8:0:c::1");
    assert_resolver6(&one, "2001:db8:0:c::1");
    assert_resolver6(&none, "::");
    g_assert_cmpstr(address_format_ipv6(&slots_router6).text, ==, "fe80::1");

    g_assert_cmpuint(slots_room6(64), ==, 0);
    g_assert_cmpuint(slots_room6(63), ==, 1);
    g_assert_cmpuint(slots_room6(48), ==, 65535);
    g_assert_cmpuint(slots_room6(33), ==, 0x7fffffff);
    g_assert_cmpuint(slots_room6(32), ==, G_MAXUINT32);
    g_assert_cmpuint(slots_room6(16), ==, G_MAXUINT32);
    g_assert_cmpuint(slots_room6(65), ==, 0);
    g_assert_cmpuint(slots_room6(128), ==, 0);
}

/* Whatever the length, as many cables as there is room for, each with a /64 of
 * its own within the prefix, none with number 0. */
static void test_room6(void)
{
    for (guint length = 50; length <= 64; length++) {
        g_autofree char *text = g_strdup_printf("2001:db8::/%u", length);
        Segment segment = make_segment6(text, SEGMENT_ROUTED);
        Prefix6 whole = {segment.subnet6_address, (guint8)length};
        Prefix6 last = {segment.subnet6_address, 64};
        guint32 room = slots_room6((guint8)length);

        for (guint32 slot = 0; slot < room; slot++) {
            Prefix6 prefix = slots_prefix6(&segment, slot);

            g_assert_cmpuint(prefix.length, ==, 64);
            g_assert_true(prefix6_contains(&whole, &prefix.address));
            g_assert_cmpint(memcmp(&last.address, &prefix.address, 16), <, 0);
            last = prefix;
        }
        g_assert_cmpuint(slots_prefix6(&segment, room).length, ==, 0);
    }
}

/* A shared segment's bridge is nobody's tap. */
static void test_bridge_name(void)
{
    Segment segment = make_segment("nat", 0xc0a84d00, 24);
    Ifname bridge = slots_bridge_name(&segment);
    guint32 slot;

    g_assert_cmpstr(bridge.name, ==, "tbup3efz");
    g_assert_false(slots_parse_tap_name(&segment, bridge.name, &slot));
}

/* From the smallest to the largest: what the manual promises. */
static void test_extreme_pools(void)
{
    Segment smallest = make_segment("tiny", 0x0a000000, 30);
    Segment largest = make_segment("huge", 0x0a000000, 16);
    guint32 slot;

    smallest.pool_offset = 2;
    smallest.pool_size = 1;
    g_assert_true(slots_usable(&smallest, 0));
    g_assert_false(slots_usable(&smallest, 1));
    g_assert_cmphex(slots_address(&smallest, 0), ==, 0x0a000002);

    largest.pool_size = 65535 - 10;
    g_assert_true(slots_usable(&largest, largest.pool_size - 1));
    g_assert_cmphex(slots_address(&largest, largest.pool_size - 1), ==,
                    0x0a00fffe);
    g_assert_false(slots_usable(&largest, largest.pool_size));
    Ifname tap = slots_tap_name(&largest, largest.pool_size - 1);
    g_assert_cmpuint(strlen(tap.name), ==, 12);
    g_assert_true(slots_parse_tap_name(&largest, tap.name, &slot));
    g_assert_cmpuint(slot, ==, largest.pool_size - 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/slots/known-values", test_known_values);
    g_test_add_func("/slots/whole-pools", test_whole_pools);
    g_test_add_func("/slots/macs-differ", test_macs_differ);
    g_test_add_func("/slots/foreign-tap-names", test_foreign_tap_names);
    g_test_add_func("/slots/unusable", test_unusable_slots);
    g_test_add_func("/slots/smallest-subnets", test_smallest_subnets);
    g_test_add_func("/slots/no-addresses", test_no_addresses);
    g_test_add_func("/slots/ipv6", test_ipv6);
    g_test_add_func("/slots/room6", test_room6);
    g_test_add_func("/slots/bridge-name", test_bridge_name);
    g_test_add_func("/slots/extreme-pools", test_extreme_pools);
    return g_test_run();
}
