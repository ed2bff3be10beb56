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
    return g_test_run();
}
