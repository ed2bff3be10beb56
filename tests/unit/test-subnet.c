/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/segment.h"
#include "pool/subnet.h"
#include "pool/taken.h"

#include <linux/rtnetlink.h>
#include <string.h>

#define OWN_GROUP (SEGMENT_GROUP_BASE | 7)

static Prefix4 parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    Prefix4 prefix;

    g_assert_true(address_parse_prefix4(text, &prefix, &error));
    return prefix;
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
    return facts;
}

static void add_link(FactsHost *facts, int ifindex, const char *name,
                     guint32 group)
{
    FactsLink link = {.ifindex = ifindex, .group = group, .mtu = 1500};

    g_strlcpy(link.name.name, name, sizeof(link.name.name));
    g_array_append_val(facts->links, link);
}

static void add_address(FactsHost *facts, int ifindex, guint32 address,
                        guint8 length)
{
    FactsAddress item = {ifindex, address, length};

    g_array_append_val(facts->addresses, item);
}

static void add_route(FactsHost *facts, const char *destination, int ifindex,
                      guint8 type)
{
    FactsRoute route = {.destination = parse(destination), .table = 254,
                        .out_ifindex = ifindex, .type = type};

    g_array_append_val(facts->routes, route);
}

static void add_foreign(FactsHost *facts, const char *subnet, const char *owner)
{
    FactsForeign foreign = {.subnet = parse(subnet)};

    g_strlcpy(foreign.owner, owner, sizeof(foreign.owner));
    g_array_append_val(facts->foreign, foreign);
}

/* "" where there is none. */
static char *conflict(const char *prefix, const FactsHost *facts,
                      const GArray *others)
{
    char *with = NULL;

    return subnet_find_conflict(parse(prefix), facts, OWN_GROUP, others, &with)
               ? with : g_strdup("");
}

#define assert_conflict(prefix, facts, others, expected) \
    G_STMT_START { \
        g_autofree char *with_ = conflict(prefix, facts, others); \
        g_assert_cmpstr(with_, ==, expected); \
    } G_STMT_END

/* What a host has, beside a wish for 10.1.2.0/24. */
static void test_overlap_table(void)
{
    static const struct {
        const char *taken;
        bool overlaps;
    } cases[] = {
        {"10.1.2.0/24", true},    /* equal */
        {"10.1.2.0/25", true},    /* inside */
        {"10.1.2.128/25", true},  /* inside */
        {"10.1.2.255/32", true},  /* inside */
        {"10.1.2.0/32", true},    /* inside */
        {"10.1.0.0/16", true},    /* around */
        {"10.1.2.0/23", true},    /* around */
        {"10.0.0.0/8", true},     /* around */
        {"10.1.3.0/24", false},   /* beside */
        {"10.1.1.0/24", false},   /* beside */
        {"10.1.1.255/32", false}, /* beside */
        {"10.1.3.0/32", false},   /* beside */
        {"192.168.0.0/16", false},
        {"0.0.0.0/0", false},     /* leads everywhere */
        {"0.0.0.0/1", false},     /* half of everywhere */
        {"8.0.0.0/6", false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FactsHost) facts = facts_new();
        g_autoptr(FactsHost) none = facts_new();
        g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix4));
        Prefix4 taken = parse(cases[i].taken);
        g_autofree char *route =
            g_strdup_printf("route %s of table 254", cases[i].taken);
        g_autofree char *other =
            g_strdup_printf("another network's subnet %s", cases[i].taken);

        add_link(facts, 2, "eth0", 0);
        add_route(facts, cases[i].taken, 2, RTN_UNICAST);
        assert_conflict("10.1.2.0/24", facts, NULL,
                        cases[i].overlaps ? route : "");
        g_array_append_val(others, taken);
        assert_conflict("10.1.2.0/24", none, others,
                        cases[i].overlaps || taken.length < 8 ? other : "");

        g_autofree char *foreign =
            g_strdup_printf("Docker's network web (%s)", cases[i].taken);

        add_foreign(none, cases[i].taken, "Docker's network web");
        assert_conflict("10.1.2.0/24", none, NULL,
                        cases[i].overlaps || taken.length < 8 ? foreign : "");
        add_address(facts, 2, taken.address, taken.length);
        g_array_set_size(facts->routes, 0);
        g_autofree char *address =
            g_strdup_printf("address %s on eth0", cases[i].taken);
        assert_conflict("10.1.2.0/24", facts, NULL,
                        cases[i].overlaps || taken.length < 8 ? address : "");
    }
}

/* A VPN with a table of its own: the main table does not tell. */
static void test_policy_routing_table(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", 0);
    add_route(facts, "10.1.0.0/16", 2, RTN_UNICAST);
    g_array_index(facts->routes, FactsRoute, 0).table = 220;
    assert_conflict("10.1.2.0/24", facts, NULL,
                    "route 10.1.0.0/16 of table 220");
    g_array_index(facts->routes, FactsRoute, 0).table = 255;
    assert_conflict("10.1.2.0/24", facts, NULL,
                    "route 10.1.0.0/16 of table 255");
}

/* A bridged network's subnet: only other networks are in its way. */
static void test_other_networks_only(void)
{
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix4));
    g_autofree char *with = NULL;
    Prefix4 other = parse("10.1.0.0/16");

    g_assert_false(subnet_find_other(parse("10.1.2.0/24"), NULL, &with));
    g_assert_false(subnet_find_other(parse("10.1.2.0/24"), others, &with));
    g_array_append_val(others, other);
    g_assert_false(subnet_find_other(parse("10.2.2.0/24"), others, &with));
    g_assert_null(with);
    g_assert_true(subnet_find_other(parse("10.1.2.0/24"), others, &with));
    g_assert_cmpstr(with, ==, "another network's subnet 10.1.0.0/16");
}

static void test_addresses(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", 0);
    add_address(facts, 2, 0x0a01020f, 16); /* 10.1.2.15/16 */
    add_address(facts, 9, 0x0a020001, 32); /* of a link that went away */
    assert_conflict("10.1.7.0/24", facts, NULL, "address 10.1.2.15/16 on eth0");
    assert_conflict("10.2.0.0/30", facts, NULL, "address 10.2.0.1/32 on a link");
    assert_conflict("10.2.0.4/30", facts, NULL, "");
}

static void test_own_does_not_count(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 5, "tsxxxxxx0", OWN_GROUP);
    add_address(facts, 5, 0x0a010201, 32);
    add_route(facts, "10.1.2.20/32", 5, RTN_UNICAST);
    add_route(facts, "10.1.2.1/32", 5, RTN_LOCAL);
    assert_conflict("10.1.2.0/24", facts, NULL, "");

    add_route(facts, "10.1.2.0/24", 0, RTN_UNREACHABLE);
    g_array_index(facts->routes, FactsRoute, 2).protocol =
        SEGMENT_ROUTE_PROTOCOL;
    assert_conflict("10.1.2.0/24", facts, NULL, "");

    /* somebody else's of the same kind does */
    g_array_index(facts->routes, FactsRoute, 2).protocol = RTPROT_STATIC;
    assert_conflict("10.1.2.0/24", facts, NULL,
                    "route 10.1.2.0/24 of table 254");

    /* and so does another network's port */
    add_link(facts, 6, "tsyyyyyy0", OWN_GROUP + 1);
    add_address(facts, 6, 0x0a010301, 32);
    assert_conflict("10.1.3.0/24", facts, NULL,
                    "address 10.1.3.1/32 on tsyyyyyy0");
}

static void test_route_types(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", 0);
    add_route(facts, "10.1.255.255/32", 2, RTN_BROADCAST);
    add_route(facts, "224.0.0.0/24", 2, RTN_MULTICAST);
    assert_conflict("10.1.255.0/24", facts, NULL, "");
    assert_conflict("224.0.0.0/24", facts, NULL, "");
    add_route(facts, "10.9.0.0/16", 0, RTN_BLACKHOLE);
    assert_conflict("10.9.1.0/24", facts, NULL,
                    "route 10.9.0.0/16 of table 254");
}

static char *choose(const char *name, guint8 length, const FactsHost *facts,
                    const GArray *others)
{
    g_autoptr(GError) error = NULL;
    Prefix4 subnet = {77, 7};

    if (!subnet_choose(name, length, facts, OWN_GROUP, others, &subnet,
                       &error)) {
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_EXHAUSTED);
        g_assert_cmpuint(subnet.address, ==, 77);
        return g_strdup(error->message);
    }
    g_assert_cmphex(subnet.address & ~prefix4_mask(length), ==, 0);
    return g_strdup(address_format_prefix4(subnet).text);
}

#define assert_chosen(name, length, facts, others, expected) \
    G_STMT_START { \
        g_autofree char *chosen_ = choose(name, length, facts, others); \
        g_assert_cmpstr(chosen_, ==, expected); \
    } G_STMT_END

/* A name chooses alike on every host: a contract with what people wrote down. */
static void test_known_choices(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    assert_chosen("nat", 24, facts, NULL, "192.168.109.0/24");
    assert_chosen("lab", 24, facts, NULL, "192.168.101.0/24");
    assert_chosen("nat", 30, facts, NULL, "192.168.109.200/30");
    assert_chosen("nat", 16, facts, NULL, "172.20.0.0/16");
}

/* Takes one after the other: all private ranges, each block once, and libvirt's
 * default never. */
static void test_all_taken(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix4));
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0;; i++) {
        g_autofree char *chosen = choose("nat", 18, facts, others);

        if (!strchr(chosen, '/')) {
            g_assert_cmpstr(chosen, ==,
                            "no private subnet of length 18 is free on this "
                            "host; name one with \"subnet\"");
            /* 3 of 4 in 192.168/16, 64 in 172.16/12, 1024 in 10/8 */
            g_assert_cmpuint(i, ==, 3 + 64 + 1024);
            break;
        }
        Prefix4 subnet = parse(chosen);

        g_assert_true(prefix4_contains(parse(i < 3        ? "192.168.0.0/16"
                                             : i < 3 + 64 ? "172.16.0.0/12"
                                                          : "10.0.0.0/8"),
                                       subnet.address));
        g_assert_false(prefix4_contains(subnet, 0xc0a87a01));
        g_assert_true(g_hash_table_add(seen, g_strdup(chosen)));
        g_array_append_val(others, subnet);
    }
    g_array_set_size(others, 0);
    add_link(facts, 2, "vpn0", 0);
    add_route(facts, "192.168.0.0/16", 2, RTN_UNICAST);
    add_route(facts, "172.16.0.0/12", 2, RTN_UNICAST);
    add_route(facts, "10.0.0.0/8", 2, RTN_UNICAST);
    assert_chosen("nat", 24, facts, NULL,
                  "no private subnet of length 24 is free on this host; name "
                  "one with \"subnet\"");
}

/* A VPN over everything, laid over the default route as two halves of it. */
static void test_vpn_over_default(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "tun0", 0);
    add_route(facts, "0.0.0.0/1", 2, RTN_UNICAST);
    add_route(facts, "128.0.0.0/1", 2, RTN_UNICAST);
    add_route(facts, "10.8.0.0/24", 2, RTN_UNICAST);
    assert_chosen("nat", 24, facts, NULL, "192.168.109.0/24");
}

/* Homes' routers come last: never before 192.168.100.0. */
static void test_homes_last(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    for (guint i = 0; i < 2000; i++) {
        g_autofree char *name = g_strdup_printf("net-%u", i);
        g_autofree char *chosen = choose(name, 24, facts, NULL);
        Prefix4 subnet = parse(chosen);

        g_assert_cmpuint(subnet.address, >=, 0xc0a86400);
        g_assert_cmpuint(subnet.address, <, 0xc0a8fb00);
    }
}

/* What another program has configured is left alone, up or not. */
static void test_foreign_avoided(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_foreign(facts, "192.168.109.0/24", "libvirt's network default");
    assert_chosen("nat", 24, facts, NULL, "192.168.110.0/24");
    add_foreign(facts, "192.168.0.0/16", "podman's network all");
    assert_chosen("nat", 24, facts, NULL, "172.20.147.0/24");
}

/* A router with a full table of /24s: the range is passed over at once. */
static void test_many_routes(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    gint64 begin_us;

    for (guint i = 0; i < 4000; i++) {
        add_link(facts, 1000 + (int)i, "tsother0", OWN_GROUP + 1);
    }
    add_link(facts, 2, "eth0", 0);
    add_route(facts, "192.168.0.0/16", 2, RTN_UNICAST);
    add_route(facts, "172.16.0.0/12", 2, RTN_UNICAST);
    /* all of 10.0.0.0/8 but one block, in an order that is no help */
    for (guint i = 0; i < 65536; i++) {
        guint32 block = i * 40503 % 65536;
        FactsRoute route = {.destination = {0x0a000000 | block << 8, 24},
                            .table = 254, .out_ifindex = 2 + (int)(i % 4000),
                            .type = RTN_UNICAST};

        if (block != 0x1234) {
            g_array_append_val(facts->routes, route);
        }
    }
    begin_us = g_get_monotonic_time();
    assert_chosen("nat", 24, facts, NULL, "10.18.52.0/24");
    assert_chosen("nat", 30, facts, NULL, "10.18.52.0/30");
    assert_chosen("nat", 23, facts, NULL,
                  "no private subnet of length 23 is free on this host; name "
                  "one with \"subnet\"");
    assert_conflict("10.18.52.0/23", facts, NULL,
                    "route 10.18.53.0/24 of table 254");
    begin_us = g_get_monotonic_time() - begin_us;
    g_test_message("four searches among 65535 routes: %" G_GINT64_FORMAT " us",
                   begin_us);
    /* 5 ms each here; a search that looks at each route for each block takes
     * minutes */
    g_assert_cmpint(begin_us, <, 5 * G_USEC_PER_SEC);
}

static Prefix6 parse6(const char *text)
{
    g_autoptr(GError) error = NULL;
    Prefix6 prefix;

    g_assert_true(address_parse_prefix6(text, &prefix, &error));
    return prefix;
}

static void add_route6(FactsHost *facts, const char *destination, int ifindex,
                       guint8 type)
{
    FactsRoute6 route = {.destination = parse6(destination), .table = 254,
                         .out_ifindex = ifindex, .type = type};

    g_array_append_val(facts->routes6, route);
}

static void add_address6(FactsHost *facts, int ifindex, const char *address,
                         guint8 length)
{
    g_autoptr(GError) error = NULL;
    FactsAddress6 item = {.ifindex = ifindex, .length = length};

    g_assert_true(address_parse_ipv6(address, &item.address, &error));
    g_array_append_val(facts->addresses6, item);
}

static char *conflict6(const char *prefix, const FactsHost *facts,
                       const GArray *others)
{
    Prefix6 wanted = parse6(prefix);
    char *with = NULL;

    return subnet6_find_conflict(&wanted, facts, OWN_GROUP, others, &with)
               ? with : g_strdup("");
}

#define assert_conflict6(prefix, facts, others, expected) \
    G_STMT_START { \
        g_autofree char *with_ = conflict6(prefix, facts, others); \
        g_assert_cmpstr(with_, ==, expected); \
    } G_STMT_END

/* What a host has, beside a wish for fd12:3456:789a::/48. */
static void test_overlap_table6(void)
{
    static const struct {
        const char *taken;
        bool overlaps;
    } cases[] = {
        {"fd12:3456:789a::/48", true},         /* equal */
        {"fd12:3456:789a:1::/64", true},       /* inside */
        {"fd12:3456:789a:ffff::/128", true},   /* inside */
        {"fd12:3456:7800::/40", true},         /* around */
        {"fd12:3456::/32", true},              /* around */
        {"fd12::/16", true},                   /* around */
        {"fd12:3456:789b::/48", false},        /* beside */
        {"fd12:3456:7899:ffff::/64", false},   /* beside */
        {"2001:db8::/32", false},
        {"::/0", false},                       /* leads everywhere */
        {"fc00::/7", false},                   /* nearly so */
        {"8000::/1", false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FactsHost) facts = facts_new();
        g_autoptr(FactsHost) none = facts_new();
        g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix6));
        Prefix6 taken = parse6(cases[i].taken);
        bool wide = taken.length < 16;
        bool shares = cases[i].overlaps || wide;
        g_autofree char *route =
            g_strdup_printf("route %s of table 254", cases[i].taken);
        g_autofree char *other =
            g_strdup_printf("another network's subnet %s", cases[i].taken);

        add_link(facts, 2, "eth0", 0);
        add_route6(facts, cases[i].taken, 2, RTN_UNICAST);
        assert_conflict6("fd12:3456:789a::/48", facts, NULL,
                         cases[i].overlaps ? route : "");
        if (!wide) {
            g_array_append_val(others, taken);
            assert_conflict6("fd12:3456:789a::/48", none, others,
                             shares ? other : "");
        }
    }
}

static void test_addresses6(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", 0);
    add_link(facts, 5, "tsxxxxxx0", OWN_GROUP);
    add_address6(facts, 2, "fd12::5", 64);
    add_address6(facts, 9, "fd13::5", 128);
    add_address6(facts, 5, "fd14:0:0:1::1", 64);
    assert_conflict6("fd12::/48", facts, NULL, "address fd12::5/64 on eth0");
    assert_conflict6("fd13::/48", facts, NULL, "address fd13::5/128 on a link");
    assert_conflict6("fd14::/48", facts, NULL, "");
    /* the whole link's prefix counts, not the address alone */
    add_address6(facts, 2, "2001:db8:0:ff::5", 56);
    assert_conflict6("2001:db8:0:10::/64", facts, NULL,
                     "address 2001:db8:0:ff::5/56 on eth0");
    assert_conflict6("2001:db8:0:100::/64", facts, NULL, "");
}

static void test_route_types6(void)
{
    g_autoptr(FactsHost) facts = facts_new();

    add_link(facts, 2, "eth0", 0);
    add_link(facts, 5, "tsxxxxxx0", OWN_GROUP);
    add_route6(facts, "ff00::/16", 2, RTN_MULTICAST);
    add_route6(facts, "fd14:0:0:1::/64", 5, RTN_UNICAST);
    assert_conflict6("ff00::/16", facts, NULL, "");
    assert_conflict6("fd14::/48", facts, NULL, "");

    /* our own of a network, and another program's of a delegated prefix */
    add_route6(facts, "fd15::/48", 1, RTN_UNREACHABLE);
    add_route6(facts, "2001:db8::/56", 1, RTN_UNREACHABLE);
    g_array_index(facts->routes6, FactsRoute6, 2).protocol =
        SEGMENT_ROUTE_PROTOCOL;
    assert_conflict6("fd15::/48", facts, NULL, "");
    assert_conflict6("2001:db8:0:10::/60", facts, NULL, "");
    assert_conflict6("2001:db8::/56", facts, NULL, "");
    assert_conflict6("2001:db8::/48", facts, NULL,
                     "route 2001:db8::/56 of table 254");

    /* a table of a VPN's own */
    add_route6(facts, "fd16::/32", 2, RTN_UNICAST);
    g_array_index(facts->routes6, FactsRoute6, 4).table = 220;
    assert_conflict6("fd16:0:1::/48", facts, NULL,
                     "route fd16::/32 of table 220");
}

static char *choose6(guint64 random, const FactsHost *facts,
                     const GArray *others)
{
    g_autoptr(GError) error = NULL;
    Prefix6 prefix = {.length = 7};

    if (!subnet6_choose(random, facts, OWN_GROUP, others, &prefix, &error)) {
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_EXHAUSTED);
        g_assert_cmpuint(prefix.length, ==, 7);
        return g_strdup(error->message);
    }
    return g_strdup(address_format_prefix6(&prefix).text);
}

#define assert_chosen6(random, facts, others, expected) \
    G_STMT_START { \
        g_autofree char *chosen_ = choose6(random, facts, others); \
        g_assert_cmpstr(chosen_, ==, expected); \
    } G_STMT_END

static void test_choose6(void)
{
    g_autoptr(FactsHost) facts = facts_new();
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Prefix6));
    Prefix6 next = parse6("fd12:3456:789b::/48");

    assert_chosen6(0x123456789a, facts, NULL, "fd12:3456:789a::/48");
    assert_chosen6(0, facts, NULL, "fd00::/48");
    /* forty bits count */
    assert_chosen6(0xabcdef123456789a, facts, NULL, "fd12:3456:789a::/48");
    assert_chosen6(0xffffffffff, facts, NULL, "fdff:ffff:ffff::/48");

    add_link(facts, 2, "eth0", 0);
    add_address6(facts, 2, "fd12:3456:789a:7::1", 64);
    assert_chosen6(0x123456789a, facts, NULL, "fd12:3456:789b::/48");
    g_array_append_val(others, next);
    assert_chosen6(0x123456789a, facts, others, "fd12:3456:789c::/48");
    /* a wide one is passed over, not counted through */
    add_route6(facts, "fd12::/16", 2, RTN_UNICAST);
    assert_chosen6(0x123456789a, facts, others, "fd13::/48");
    /* round to the beginning */
    add_route6(facts, "fdff::/16", 2, RTN_UNICAST);
    assert_chosen6(0xffffffffff, facts, others, "fd00::/48");
    for (guint i = 0; i < 256; i++) {
        g_autofree char *text = g_strdup_printf("fd%02x::/16", i);

        add_route6(facts, text, 2, RTN_UNICAST);
    }
    assert_chosen6(0x123456789a, facts, others,
                   "no prefix of fd00::/8 is free on this host; name one with "
                   "\"subnet6\", or set it to \"none\"");
}

/* Against looking at each piece in turn. */
static void test_taken(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);

    for (guint round = 0; round < 2000; round++) {
        g_auto(Taken) taken = taken_new();
        bool is_taken[256] = {false};
        guint64 step = 1u << g_rand_int_range(rand, 0, 5);
        guint64 begin = (guint64)g_rand_int_range(rand, 64, 192) & ~(step - 1);
        TakenInterval range = {64, 191};
        guint64 expected = G_MAXUINT64;
        guint64 found = G_MAXUINT64;
        gint n = g_rand_int_range(rand, 0, 20);

        for (gint i = 0; i < n; i++) {
            guint first = (guint)g_rand_int_range(rand, 0, 256);
            guint last = first + (guint)g_rand_int_range(rand, 0, 24);

            last = MIN(last, 255);

            taken_add(&taken, first, last);
            for (guint j = first; j <= last; j++) {
                is_taken[j] = true;
            }
        }
        taken_seal(&taken);
        for (guint64 tried = 0; tried < 128 && expected == G_MAXUINT64;
             tried += step) {
            guint64 first = 64 + (begin - 64 + tried) % 128;
            bool is_free = true;

            for (guint64 j = first; j < first + step; j++) {
                is_free = is_free && !is_taken[j];
            }
            if (is_free) {
                expected = first;
            }
        }
        g_assert_cmpint(taken_find_free(&taken, range, begin, step, &found),
                        ==, expected != G_MAXUINT64);
        g_assert_cmpuint(found, ==, expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subnet/overlap-table", test_overlap_table);
    g_test_add_func("/subnet/policy-routing-table", test_policy_routing_table);
    g_test_add_func("/subnet/other-networks-only", test_other_networks_only);
    g_test_add_func("/subnet/addresses", test_addresses);
    g_test_add_func("/subnet/own", test_own_does_not_count);
    g_test_add_func("/subnet/route-types", test_route_types);
    g_test_add_func("/subnet/known-choices", test_known_choices);
    g_test_add_func("/subnet/all-taken", test_all_taken);
    g_test_add_func("/subnet/vpn-over-default", test_vpn_over_default);
    g_test_add_func("/subnet/homes-last", test_homes_last);
    g_test_add_func("/subnet/foreign-avoided", test_foreign_avoided);
    g_test_add_func("/subnet/many-routes", test_many_routes);
    g_test_add_func("/subnet/overlap-table6", test_overlap_table6);
    g_test_add_func("/subnet/addresses6", test_addresses6);
    g_test_add_func("/subnet/route-types6", test_route_types6);
    g_test_add_func("/subnet/choose6", test_choose6);
    g_test_add_func("/subnet/taken", test_taken);
    return g_test_run();
}
