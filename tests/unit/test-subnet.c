/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/segment.h"
#include "pool/subnet.h"

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
    }
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subnet/overlap-table", test_overlap_table);
    g_test_add_func("/subnet/addresses", test_addresses);
    g_test_add_func("/subnet/own", test_own_does_not_count);
    g_test_add_func("/subnet/route-types", test_route_types);
    g_test_add_func("/subnet/known-choices", test_known_choices);
    g_test_add_func("/subnet/all-taken", test_all_taken);
    g_test_add_func("/subnet/vpn-over-default", test_vpn_over_default);
    g_test_add_func("/subnet/homes-last", test_homes_last);
    return g_test_run();
}
