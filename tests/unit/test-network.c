/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/locate.h"
#include "config/network.h"

#include <string.h>

/*
 * Network files: every default, every range at both ends, and the words of
 * every refusal.
 */

static char *all_lines(const Faults *faults)
{
    GString *lines = g_string_new(NULL);

    for (guint i = 0; i < faults_count(faults); i++) {
        g_autofree char *line = faults_line(faults, i);

        g_assert_true(g_str_has_prefix(line, "nat.json:"));
        g_string_append_printf(lines, "%s%s", i > 0 ? "\n" : "", line + strlen("nat.json:"));
    }
    return g_string_free(lines, FALSE);
}

static Network *parse(const char *text, char **ret_faults)
{
    g_autoptr(Faults) faults = faults_new("nat.json");
    Network *network = network_parse("nat", "nat.json", text, strlen(text), faults);

    g_assert_true((network != NULL) == (faults_count(faults) == 0));
    *ret_faults = all_lines(faults);
    return network;
}

static Network *accept_text(const char *text)
{
    g_autofree char *faults = NULL;
    Network *network = parse(text, &faults);

    g_assert_cmpstr(faults, ==, "");
    return network;
}

/* @members stand after "mode" in a network of that mode. */
static Network *accept_masqueraded(const char *members)
{
    g_autofree char *text = g_strdup_printf("{\"mode\":\"masqueraded\"%s%s}",
                                            *members ? "," : "", members);
    return accept_text(text);
}

static Network *accept_bridged(const char *members)
{
    g_autofree char *text = g_strdup_printf("{\"mode\":\"bridged\",\"bridge\":\"br0\"%s%s}",
                                            *members ? "," : "", members);
    return accept_text(text);
}

/* The object's members stand on line 2 from column 1; @fault without "2:". */
static void refuse_in(const char *mode, const char *members, const char *fault)
{
    g_autofree char *text = g_strdup_printf("{ \"mode\": \"%s\",\n%s}", mode, members);
    g_autofree char *faults = NULL;
    g_autoptr(Network) network = parse(text, &faults);
    g_autofree char *expected = g_strdup_printf("2:%s", fault);

    g_assert_null(network);
    g_assert_cmpstr(faults, ==, expected);
}

static void refuse_masqueraded(const char *members, const char *fault)
{
    refuse_in("masqueraded", members, fault);
}

/* The bridge stands after the members. */
static void refuse_bridged(const char *members, const char *fault)
{
    g_autofree char *all = g_strdup_printf("%s,\n\"bridge\": \"br0\"", members);

    refuse_in("bridged", all, fault);
}

static void test_defaults(void)
{
    g_autoptr(Network) nat = accept_masqueraded("");
    g_autoptr(Network) lan = accept_bridged("");

    g_assert_cmpstr(nat->name, ==, "nat");
    g_assert_cmpstr(nat->file, ==, "nat.json");
    g_assert_cmpint(nat->mode, ==, MODE_MASQUERADED);
    g_assert_true(nat->subnet_auto && nat->has_subnet);
    g_assert_cmpuint(nat->subnet.length, ==, 24);
    g_assert_cmpuint(nat->pool_offset, ==, 10);
    g_assert_cmpuint(nat->pool_size, ==, 245);
    g_assert_cmpuint(nat->exclude->len, ==, 0);
    g_assert_cmpint(nat->subnet6_kind, ==, NETWORK_SUBNET6_AUTO);
    g_assert_cmpuint(nat->subnet6.length, ==, 0);
    g_assert_true(nat->masquerade6);
    g_assert_cmpint(nat->segment, ==, SEGMENT_ROUTED);
    g_assert_cmphex(nat->gateway, ==, 0);
    g_assert_cmpuint(nat->reservations->len, ==, 0);
    g_assert_cmpint(nat->uplink, ==, UPLINK_AUTO);
    g_assert_cmpstr(nat->uplink_name.name, ==, "");
    g_assert_cmpstr(nat->bridge.name, ==, "");
    g_assert_true(nat->masquerade && nat->dhcp);
    g_assert_cmpuint(nat->mtu, ==, 0);
    g_assert_cmpuint(nat->lease_time_s, ==, 3600);
    g_assert_cmpstr(nat->dns_domain, ==, "nat.internal");
    g_assert_cmpuint(nat->n_dns, ==, 0);
    g_assert_true(nat->guest_to_guest && nat->guest_to_host);
    g_assert_cmpuint(nat->allow->len, ==, 0);
    g_assert_false(nat->grant_address || nat->grant_mac);
    g_assert_cmpint(nat->grant_forwards, ==, FORWARDS_NONE);
    g_assert_cmpuint(nat->grant_first, ==, 1024);
    g_assert_cmpuint(nat->grant_last, ==, 65535);

    g_assert_cmpint(lan->mode, ==, MODE_BRIDGED);
    g_assert_false(lan->has_subnet || lan->subnet_auto);
    g_assert_cmpuint(lan->subnet.length, ==, 0);
    g_assert_cmpuint(lan->pool_size, ==, 0);
    g_assert_cmpint(lan->subnet6_kind, ==, NETWORK_SUBNET6_NONE);
    g_assert_false(lan->masquerade6);
    g_assert_cmphex(lan->gateway, ==, 0);
    g_assert_cmpuint(lan->reservations->len, ==, 0);
    g_assert_cmpint(lan->grant_forwards, ==, FORWARDS_NONE);
    g_assert_cmpuint(lan->grant_first, ==, 1024);
    g_assert_cmpint(lan->uplink, ==, UPLINK_NONE);
    g_assert_cmpstr(lan->bridge.name, ==, "br0");
    g_assert_false(lan->masquerade || lan->dhcp);
    g_assert_true(lan->guest_to_guest && lan->guest_to_host);
}

static void test_everything(void)
{
    g_autoptr(Network) network = accept_text(
        "{ \"mode\": \"masqueraded\", \"subnet\": \"192.168.77.0/24\",\n"
        "  \"subnet6\": \"2001:DB8::/48\",\n"
        "  \"pool\": { \"offset\": 20, \"size\": 100, \"exclude\": [ \"60-69\", 30 ] },\n"
        "  \"reservations\": [ { \"user\": \"alice\", \"name\": \"web\", \"host\": 25 } ],\n"
        "  \"segment\": \"routed\", \"uplink\": \"eth0\", \"masquerade\": false,\n"
        "  \"masquerade6\": true, \"mtu\": 1400, \"dhcp\": false, \"lease_time\": 20,\n"
        "  \"dns\": { \"domain\": \"lab.example\", \"servers\": [ \"9.9.9.9\", \"1.1.1.1\" ] },\n"
        "  \"guest_to_guest\": false, \"guest_to_host\": false,\n"
        "  \"allow\": [ { \"user\": \"alice\" }, { \"group\": \"kvm\", \"max_ports\": 4 },\n"
        "    { \"everyone\": true, \"max_ports\": 1 }, { \"can_open\": \"/dev/kvm\" } ],\n"
        "  \"grants\": { \"address\": true, \"mac\": true,\n"
        "    \"forwards\": { \"from\": \"any\", \"ports\": \"80-9000\" } } }\n");
    const struct {
        NetworkAllowKind kind;
        const char *name;
        guint32 max_ports;
    } allow[] = {
        { NETWORK_ALLOW_USER, "alice", 16 },
        { NETWORK_ALLOW_GROUP, "kvm", 4 },
        { NETWORK_ALLOW_EVERYONE, NULL, 1 },
        { NETWORK_ALLOW_CAN_OPEN, "/dev/kvm", 16 },
    };

    g_assert_true(network->has_subnet && !network->subnet_auto);
    g_assert_cmphex(network->subnet.address, ==, 0xc0a84d00);
    g_assert_cmpuint(network->subnet.length, ==, 24);
    g_assert_cmpuint(network->pool_offset, ==, 20);
    g_assert_cmpuint(network->pool_size, ==, 100);
    g_assert_cmpuint(network->exclude->len, ==, 2);
    g_assert_cmpuint(g_array_index(network->exclude, SlotRange, 0).first, ==, 30);
    g_assert_cmpuint(g_array_index(network->exclude, SlotRange, 0).last, ==, 30);
    g_assert_cmpuint(g_array_index(network->exclude, SlotRange, 1).first, ==, 60);
    g_assert_cmpuint(g_array_index(network->exclude, SlotRange, 1).last, ==, 69);
    g_assert_cmpint(network->uplink, ==, UPLINK_NAME);
    g_assert_cmpstr(network->uplink_name.name, ==, "eth0");
    g_assert_false(network->masquerade || network->dhcp);
    g_assert_cmpuint(network->mtu, ==, 1400);
    g_assert_cmpuint(network->lease_time_s, ==, 20);
    g_assert_cmpstr(network->dns_domain, ==, "lab.example");
    g_assert_cmpuint(network->n_dns, ==, 2);
    g_assert_cmphex(network->dns[0], ==, 0x09090909);
    g_assert_cmphex(network->dns[1], ==, 0x01010101);
    g_assert_false(network->guest_to_guest || network->guest_to_host);
    g_assert_cmpuint(network->allow->len, ==, G_N_ELEMENTS(allow));
    for (guint i = 0; i < G_N_ELEMENTS(allow); i++) {
        const NetworkAllow *entry = g_ptr_array_index(network->allow, i);

        g_assert_cmpint(entry->kind, ==, allow[i].kind);
        g_assert_cmpstr(entry->name, ==, allow[i].name);
        g_assert_cmpuint(entry->max_ports, ==, allow[i].max_ports);
    }
    g_assert_true(network->grant_address && network->grant_mac);
    g_assert_cmpint(network->grant_forwards, ==, FORWARDS_FROM_ANY);
    g_assert_cmpuint(network->grant_first, ==, 80);
    g_assert_cmpuint(network->grant_last, ==, 9000);
    g_assert_cmpint(network->subnet6_kind, ==, NETWORK_SUBNET6_PREFIX);
    g_assert_cmpstr(address_format_prefix6(&network->subnet6).text, ==, "2001:db8::/48");
    g_assert_true(network->masquerade6);
    g_assert_cmpuint(network->reservations->len, ==, 1);
    const NetworkReservation *reservation = network->reservations->pdata[0];
    g_assert_cmpstr(reservation->user, ==, "alice");
    g_assert_cmpstr(reservation->name, ==, "web");
    g_assert_cmpuint(reservation->host, ==, 25);
    g_assert_cmphex(reservation->address, ==, 0);
}

static void test_mode(void)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        { "{}", "1:1: $: found no \"mode\", expected it to be \"masqueraded\" or \"bridged\"" },
        { " []", "1:2: $: found an empty array, expected an object" },
        { "\"nat\"", "1:1: $: found the string 'nat', expected an object" },
        { "{\"mode\": 1}",
          "1:10: $.mode: found the number 1, expected \"masqueraded\" or \"bridged\"" },
        { "{\"mode\": \"Bridged\"}",
          "1:10: $.mode: found the string 'Bridged', expected \"masqueraded\" or \"bridged\"" },
        { "{\"mode\": \"bridged\"}",
          "1:1: $: found no \"bridge\", expected it to be an interface name: 1 to 15 characters, "
          "no space, '/', ':' or '%'" },
        /* text in a message cannot leave its line or its quotes */
        { "{\"mode\": \"x'\\n\\u001b[2J\\u202e\"}",
          "1:10: $.mode: found the string 'x\\x27\\x0a\\x1b[2J\\xe2\\x80\\xae', expected "
          "\"masqueraded\" or \"bridged\"" },
        { "{\"mode\": \"masqueraded\",}",
          "1:24: $: found a comma before '}', expected none after the last member" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *faults = NULL;
        g_autoptr(Network) network = parse(cases[i].text, &faults);

        g_assert_null(network);
        g_assert_cmpstr(faults, ==, cases[i].fault);
    }
}

#define SUBNET "\"auto\", \"auto/LENGTH\" (16 to 30) or \"A.B.C.D/LENGTH\" (/16 to /30)"

static void test_subnet(void)
{
    static const char *const good[] = {
        "auto", "auto/16", "auto/30", "10.0.0.0/16", "10.0.0.4/30", "1.0.0.0/24",
        "126.255.0.0/16", "128.0.0.0/16", "169.253.0.0/16", "169.255.0.0/16",
        "223.255.255.252/30", "100.64.0.0/16", "203.0.113.0/24",
    };
    static const struct {
        const char *text, *reason;
    } bad[] = {
        { "", "" }, { "automatic", "" }, { "auto/", "" }, { "auto/15", "" }, { "auto/31", "" },
        { "auto/024", "" }, { "auto/24 ", "" }, { "Auto", "" }, { "none", "" },
        { "10.0.0.0", "" }, { "10.0.0.0/15", "" }, { "10.0.0.0/31", "" }, { "10.0.0.0/33", "" },
        { "10.0.0/24", "" }, { "10.0.0.0/24x", "" }, { "010.0.0.0/24", "" },
        { "10.0.0.256/24", "" }, { "fd00::/64", "" },
        { "10.0.0.5/24", ": did you mean \"10.0.0.0/24\"?" },
        { "10.1.2.128/24", ": did you mean \"10.1.2.0/24\"?" },
        { "0.1.0.0/16", ": guests cannot use addresses in 0.0.0.0/8" },
        { "127.0.1.0/24", ": guests cannot use addresses in 127.0.0.0/8" },
        { "169.254.0.0/16", ": guests cannot use addresses in 169.254.0.0/16" },
        { "169.254.3.0/24", ": guests cannot use addresses in 169.254.0.0/16" },
        { "224.0.0.0/24", ": guests cannot use addresses in 224.0.0.0/3" },
        { "255.255.255.0/24", ": guests cannot use addresses in 224.0.0.0/3" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *members = g_strdup_printf("\"subnet\":\"%s\"", good[i]);
        g_autoptr(Network) network = accept_masqueraded(members);
        g_autofree char *text =
            g_strdup(network->subnet_auto ? "auto" : address_format_prefix4(network->subnet).text);

        g_assert_true(g_str_has_prefix(good[i], text));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *members = g_strdup_printf("\"subnet\":\"%s\"", bad[i].text);
        g_autofree char *fault = g_strdup_printf(
            "10: $.subnet: found the string '%s', expected " SUBNET "%s", bad[i].text,
            bad[i].reason);

        refuse_masqueraded(members, fault);
    }
    g_autoptr(Network) lan = accept_bridged("\"subnet\":\"192.168.1.0/24\"");
    g_assert_true(lan->has_subnet && !lan->subnet_auto);
    g_assert_cmpuint(lan->pool_size, ==, 245);
    refuse_bridged("\"subnet\":\"auto\"",
                   "10: $.subnet: found the string 'auto', expected the LAN's subnet as "
                   "\"A.B.C.D/LENGTH\" (/16 to /30)");
}

static void test_pool(void)
{
    static const struct {
        const char *members;
        guint32 offset, size;
    } good[] = {
        { "\"subnet\":\"auto/30\"", 2, 1 },
        { "\"subnet\":\"auto/29\"", 2, 5 },
        { "\"subnet\":\"auto/28\"", 2, 13 },
        { "\"subnet\":\"auto/27\"", 10, 21 },
        { "\"subnet\":\"auto/16\"", 10, 65525 },
        { "\"subnet\":\"10.9.8.4/30\",\"pool\":{\"offset\":2,\"size\":1}", 2, 1 },
        { "\"pool\":{}", 10, 245 },
        { "\"pool\":{\"offset\":2}", 2, 253 },
        { "\"pool\":{\"offset\":254}", 254, 1 },
        { "\"pool\":{\"size\":240}", 10, 240 },
        { "\"pool\":{\"offset\":2,\"size\":253}", 2, 253 },
        { "\"subnet\":\"auto/16\",\"pool\":{\"offset\":2,\"size\":65533}", 2, 65533 },
        { "\"pool\":{\"exclude\":[\"10-253\"]}", 10, 245 },
        { "\"pool\":{\"exclude\":[\"11-254\", 1]}", 10, 245 },
        { "\"pool\":{\"exclude\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,254]}", 10, 245 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(Network) network = accept_masqueraded(good[i].members);

        g_assert_cmpuint(network->pool_offset, ==, good[i].offset);
        g_assert_cmpuint(network->pool_size, ==, good[i].size);
    }
    refuse_masqueraded("\"pool\":{\"offset\":1}",
                       "18: $.pool.offset: found the number 1, expected 2 to 254 in a /24");
    refuse_masqueraded("\"pool\":{\"offset\":255}",
                       "18: $.pool.offset: found the number 255, expected 2 to 254 in a /24");
    refuse_masqueraded("\"pool\":{\"offset\":-1}",
                       "18: $.pool.offset: found the number -1, expected 2 to 254 in a /24");
    refuse_masqueraded("\"pool\":{\"offset\":99999999999999999999}",
                       "18: $.pool.offset: found the number 99999999999999999999, expected 2 to "
                       "254 in a /24");
    refuse_masqueraded("\"pool\":{\"size\":0}",
                       "16: $.pool.size: found the number 0, expected 1 to 245 in a /24");
    refuse_masqueraded("\"pool\":{\"size\":246}",
                       "16: $.pool.size: found the number 246, expected 1 to 245 in a /24");
    refuse_masqueraded("\"pool\":{\"offset\":10.0}",
                       "18: $.pool.offset: found the number 10.0, expected a host number of the "
                       "subnet, from 2 (1 is the gateway): write it as an integer, without "
                       "fraction and exponent");
    refuse_masqueraded("\"pool\":{\"exclude\":[\"10-100\",\"90-254\"]}",
                       "19: $.pool.exclude: found exclusions of the whole pool, expected at least "
                       "one of host numbers 10 to 254 to be left");
    refuse_masqueraded("\"pool\":{\"exclude\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
                       "19: $.pool.exclude: found an array, expected an array of at most 16 host "
                       "numbers and ranges of them: it has 17");
    refuse_masqueraded("\"pool\":{\"exclude\":[20,255]}",
                       "23: $.pool.exclude[1]: found the number 255, expected 1 to 254 in a /24");
    static const char *const bad_ranges[] = { "", "20", "30-20", "0-5", "20-255", "1-2-3", "-5",
                                              "20-", " 20-29", "020-29", "a-b" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad_ranges); i++) {
        g_autofree char *members =
            g_strdup_printf("\"pool\":{\"exclude\":[\"%s\"]}", bad_ranges[i]);
        g_autofree char *fault = g_strdup_printf(
            "20: $.pool.exclude[0]: found the string '%s', expected a host number of the subnet "
            "(20) or a range of them (\"20-29\"): host numbers are 1 to 254 in a /24",
            bad_ranges[i]);

        refuse_masqueraded(members, fault);
    }
    refuse_bridged("\"pool\":{\"offset\":5}",
                   "8: $.pool: found a pool without a subnet, expected \"subnet\" as well");
}

#define SUBNET6 "\"auto\", \"none\" or a prefix such as \"2001:db8:1::/48\" (/16 to /64)"

/* As many addresses as a /24 has for a pool: 245. */
static void test_ipv6(void)
{
    static const struct {
        const char *members;
        NetworkSubnet6 kind;
        const char *prefix;
        bool masquerade6;
    } good[] = {
        { "", NETWORK_SUBNET6_AUTO, "::/0", true },
        { "\"subnet6\":\"auto\"", NETWORK_SUBNET6_AUTO, "::/0", true },
        { "\"subnet6\":\"auto\",\"masquerade6\":false", NETWORK_SUBNET6_AUTO, "::/0", false },
        { "\"subnet6\":\"none\"", NETWORK_SUBNET6_NONE, "::/0", true },
        { "\"subnet6\":\"none\",\"masquerade6\":true", NETWORK_SUBNET6_NONE, "::/0", true },
        { "\"subnet6\":\"fd12:3456:789a::/48\"", NETWORK_SUBNET6_PREFIX, "fd12:3456:789a::/48",
          true },
        { "\"subnet6\":\"fc00::/16\"", NETWORK_SUBNET6_PREFIX, "fc00::/16", true },
        { "\"subnet6\":\"fd12:3456::/48\",\"masquerade6\":false", NETWORK_SUBNET6_PREFIX,
          "fd12:3456::/48", false },
        { "\"subnet6\":\"2001:DB8:0:0::/56\"", NETWORK_SUBNET6_PREFIX, "2001:db8::/56", false },
        { "\"subnet6\":\"3fff::/20\"", NETWORK_SUBNET6_PREFIX, "3fff::/20", false },
        { "\"subnet6\":\"2001:db8::/56\",\"masquerade6\":true", NETWORK_SUBNET6_PREFIX,
          "2001:db8::/56", true },
        /* the host's own /64 and one for each slot */
        { "\"subnet6\":\"fd00::/57\",\"pool\":{\"size\":127}", NETWORK_SUBNET6_PREFIX,
          "fd00::/57", true },
        { "\"subnet6\":\"fd00::/63\",\"pool\":{\"size\":1}", NETWORK_SUBNET6_PREFIX,
          "fd00::/63", true },
        { "\"subnet\":\"auto/16\",\"subnet6\":\"fd00::/48\"", NETWORK_SUBNET6_PREFIX, "fd00::/48",
          true },
        { "\"segment\":\"shared\",\"subnet6\":\"fd00::/64\"", NETWORK_SUBNET6_PREFIX, "fd00::/64",
          true },
        { "\"segment\":\"shared\",\"subnet6\":\"fd00::/48\"", NETWORK_SUBNET6_PREFIX, "fd00::/48",
          true },
        /* links of less than 1280 bytes have no IPv6 */
        { "\"mtu\":1279", NETWORK_SUBNET6_NONE, "::/0", true },
        { "\"mtu\":1279,\"subnet6\":\"none\"", NETWORK_SUBNET6_NONE, "::/0", true },
        { "\"mtu\":1280", NETWORK_SUBNET6_AUTO, "::/0", true },
    };
    static const struct {
        const char *text, *reason;
    } bad[] = {
        { "", "" }, { "Auto", "" }, { "auto/48", "" }, { "fd00::", "" }, { "fd00::/15", "" },
        { "fd00::/65", "" }, { "fd00::/064", "" }, { "fd00::/48 ", "" }, { "10.0.0.0/24", "" },
        { "::ffff:10.0.0.0/64", "" }, { "fd00::%eth0/48", "" }, { "fd00::1::/48", "" },
        { "fd00::/128", "" },
        { "fd12:3456::1/48", ": did you mean \"fd12:3456::/48\"?" },
        { "fd12:3456:789a:bcde::/49", ": did you mean \"fd12:3456:789a:8000::/49\"?" },
        { "::/16", ": guests can use addresses in fc00::/7 and 2000::/3" },
        { "fe80::/64", ": guests can use addresses in fc00::/7 and 2000::/3" },
        { "ff05::/16", ": guests can use addresses in fc00::/7 and 2000::/3" },
        { "4000::/16", ": guests can use addresses in fc00::/7 and 2000::/3" },
        { "64:ff9b::/48", ": guests can use addresses in fc00::/7 and 2000::/3" },
        { "fd00::/64",
          ": each port has a /64 of it, and a pool of 245 with this host takes a /56" },
        { "2001:db8::/57",
          ": each port has a /64 of it, and a pool of 245 with this host takes a /56" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(Network) network = accept_masqueraded(good[i].members);

        g_assert_cmpint(network->subnet6_kind, ==, good[i].kind);
        g_assert_cmpstr(address_format_prefix6(&network->subnet6).text, ==, good[i].prefix);
        g_assert_true(network->masquerade6 == good[i].masquerade6);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *members = g_strdup_printf("\"subnet6\":\"%s\"", bad[i].text);
        g_autofree char *fault = g_strdup_printf(
            "11: $.subnet6: found the string '%s', expected " SUBNET6 "%s", bad[i].text,
            bad[i].reason);

        refuse_masqueraded(members, fault);
    }
    refuse_masqueraded("\"subnet6\":\"auto\",\"mtu\":1279",
                       "11: $.subnet6: found the string 'auto', expected \"none\", as IPv6 takes "
                       "an \"mtu\" of at least 1280");
    refuse_masqueraded("\"subnet6\":\"fd00::/48\",\"mtu\":576",
                       "11: $.subnet6: found the string 'fd00::/48', expected \"none\", as IPv6 "
                       "takes an \"mtu\" of at least 1280");
    refuse_masqueraded("\"subnet6\":\"2001:db8::/64\",\"pool\":{\"size\":1}",
                       "11: $.subnet6: found the string '2001:db8::/64', expected " SUBNET6
                       ": each port has a /64 of it, and a pool of 1 with this host takes a /63");
}

static void test_segment(void)
{
    g_autoptr(Network) shared = accept_masqueraded("\"segment\":\"shared\"");
    g_autoptr(Network) closed =
        accept_masqueraded("\"segment\":\"shared\",\"guest_to_host\":false");

    g_assert_cmpint(shared->segment, ==, SEGMENT_SHARED);
    g_assert_cmpint(shared->subnet6_kind, ==, NETWORK_SUBNET6_AUTO);
    g_assert_true(shared->masquerade && shared->masquerade6 && shared->dhcp);
    g_assert_false(closed->guest_to_host);
    refuse_masqueraded("\"segment\":\"bridge\"",
                       "11: $.segment: found the string 'bridge', expected \"routed\" or "
                       "\"shared\"");
    refuse_masqueraded("\"segment\":\"shared\",\"guest_to_guest\":false",
                       "37: $.guest_to_guest: found false: this version of tapster has no isolated "
                       "ports on a bridge yet; leave it out");
}

static void test_gateway(void)
{
    static const char *const good[] = {
        "\"subnet\":\"192.168.1.0/24\",\"gateway\":\"192.168.1.1\"",
        "\"subnet\":\"192.168.1.0/24\",\"gateway\":\"192.168.1.9\"",
        "\"subnet\":\"192.168.1.0/24\",\"gateway\":\"192.168.1.254\",\"pool\":{\"size\":244}",
        ("\"subnet\":\"192.168.1.0/24\",\"gateway\":\"192.168.1.254\","
         "\"pool\":{\"exclude\":[254]}"),
        "\"subnet\":\"10.0.0.4/30\",\"gateway\":\"10.0.0.5\"",
    };
    static const struct {
        const char *gateway, *reason;
    } bad[] = {
        { "", "" }, { "192.168.1", "" }, { "192.168.1.1/24", "" }, { "fd00::1", "" },
        { "192.168.2.1", ": it is none of the hosts in 192.168.1.0/24" },
        { "192.168.1.0", ": it is none of the hosts in 192.168.1.0/24" },
        { "192.168.1.255", ": it is none of the hosts in 192.168.1.0/24" },
        { "192.168.1.10",
          ": the pool has it, host numbers 10 to 254: put 10 into \"pool.exclude\"" },
        { "192.168.1.254",
          ": the pool has it, host numbers 10 to 254: put 254 into \"pool.exclude\"" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(Network) network = accept_bridged(good[i]);

        g_assert_true(prefix4_contains(network->subnet, network->gateway));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *members = g_strdup_printf(
            "\"gateway\":\"%s\",\"subnet\":\"192.168.1.0/24\"", bad[i].gateway);
        g_autofree char *fault = g_strdup_printf(
            "11: $.gateway: found the string '%s', expected the IPv4 address of the LAN's router, "
            "in the subnet and not in the pool%s", bad[i].gateway, bad[i].reason);

        refuse_bridged(members, fault);
    }
    refuse_bridged("\"gateway\":\"192.168.1.1\"",
                   "11: $.gateway: found a gateway without a subnet, expected \"subnet\" as well");
    refuse_masqueraded("\"gateway\":\"192.168.1.1\"",
                       "1: $.gateway: found a key of bridged networks in a masqueraded one; leave "
                       "it out");
}

/* Reservations of a pool of host numbers 10 to 19 without 15. */
#define POOL_OF_TEN "\"pool\":{\"offset\":10,\"size\":10,\"exclude\":[15]}"

static void test_reservations(void)
{
    static const struct {
        const char *subnet, *reservation;
        guint32 host, address;
    } good[] = {
        { "auto", "\"host\":10", 10, 0 },
        { "auto/28", "\"host\":14", 14, 0 },
        { "192.168.77.0/24", "\"host\":19", 19, 0 },
        { "192.168.77.0/24", "\"address\":\"192.168.77.10\"", 10, 0xc0a84d0a },
        { "192.168.76.0/22", "\"address\":\"192.168.76.19\"", 19, 0xc0a84c13 },
    };
    static const struct {
        const char *entry, *fault;
    } bad[] = {
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":9}",
          "49: $.reservations[0].host: found the number 9, expected one of the pool, host numbers "
          "10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":20}",
          "49: $.reservations[0].host: found the number 20, expected one of the pool, host numbers "
          "10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":15}",
          "49: $.reservations[0].host: found the number 15, expected one that \"pool.exclude\" "
          "leaves, host numbers 10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":0}",
          "49: $.reservations[0].host: found the number 0, expected one of the pool, host numbers "
          "10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":-1}",
          "49: $.reservations[0].host: found the number -1, expected a host number of the pool" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":4294967306}",
          "49: $.reservations[0].host: found the number 4294967306, expected a host number of the "
          "pool" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":\"12\"}",
          "49: $.reservations[0].host: found the string '12', expected a host number of the pool" },
        { "{\"user\":\"a\",\"name\":\"web\",\"address\":\"10.0.0.9\"}",
          "52: $.reservations[0].address: found the string '10.0.0.9', expected one of the pool, "
          "host numbers 10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"address\":\"10.0.0.15\"}",
          "52: $.reservations[0].address: found the string '10.0.0.15', expected one that "
          "\"pool.exclude\" leaves, host numbers 10 to 19 of a /24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"address\":\"10.0.1.10\"}",
          "52: $.reservations[0].address: found the string '10.0.1.10', expected an address in "
          "10.0.0.0/24" },
        { "{\"user\":\"a\",\"name\":\"web\",\"address\":\"10.0.0\"}",
          "52: $.reservations[0].address: found the string '10.0.0', expected an IPv4 address of "
          "the pool, as \"192.168.77.20\"" },
        { "{\"user\":\"a\",\"name\":\"web\"}",
          "17: $.reservations[0]: found neither of \"address\" and \"host\", expected exactly "
          "one" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":10,\"address\":\"10.0.0.10\"}",
          "17: $.reservations[0]: found both \"address\" and \"host\", expected exactly one" },
        { "{\"name\":\"web\",\"host\":10}",
          "17: $.reservations[0]: found no \"user\", expected it to be the name of a user (not a "
          "number)" },
        { "{\"user\":\"a\",\"host\":10}",
          "17: $.reservations[0]: found no \"name\", expected it to be the name of a profile: 1 to "
          "32 of a-z, 0-9 and, inside, '-'" },
        { "{\"user\":\"1000\",\"name\":\"web\",\"host\":10}",
          "25: $.reservations[0].user: found the string '1000', expected the name of a user (not "
          "a number)" },
        { "{\"user\":\"a\",\"name\":\"Web\",\"host\":10}",
          "36: $.reservations[0].name: found the string 'Web', expected the name of a profile: 1 "
          "to 32 of a-z, 0-9 and, inside, '-'" },
        { "{\"user\":\"a\",\"name\":\"web\",\"host\":10,\"mac\":1}",
          "52: $.reservations[0].mac: found the unknown key 'mac'; did you mean \"grants.mac\"?" },
        { "3",
          "17: $.reservations[0]: found the number 3, expected an object with \"user\", "
          "\"name\" and one of \"address\" and \"host\"" },
        { "{\"user\":\"a\",\"name\":\"b\",\"host\":10},{\"user\":\"a\",\"name\":\"c\",\"host\":10}",
          "51: $.reservations[1]: found a reservation of host number 10, which "
          "$.reservations[0] has as well, expected each address once" },
        { "{\"user\":\"a\",\"name\":\"b\",\"host\":11},"
          "{\"user\":\"b\",\"name\":\"b\",\"host\":10},"
          "{\"user\":\"c\",\"name\":\"b\",\"address\":\"10.0.0.10\"}",
          "85: $.reservations[2]: found a reservation of host number 10, which "
          "$.reservations[1] has as well, expected each address once" },
        { "{\"user\":\"a\",\"name\":\"b\",\"host\":10},{\"user\":\"a\",\"name\":\"b\",\"host\":11}",
          "51: $.reservations[1]: found a reservation for user 'a' and name 'b', which "
          "$.reservations[0] has as well, expected one for each name" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *members = g_strdup_printf(
            "\"subnet\":\"%s\"," "\"pool\":{\"offset\":10,\"size\":%d,\"exclude\":[11]},"
            "\"reservations\":[{\"user\":\"LAB\\\\bob\",\"name\":\"a-1\",%s}]", good[i].subnet,
            strcmp(good[i].subnet, "auto/28") == 0 ? 5 : 10, good[i].reservation);
        g_autoptr(Network) network = accept_masqueraded(members);
        const NetworkReservation *reservation = network->reservations->pdata[0];

        g_assert_cmpuint(network->reservations->len, ==, 1);
        g_assert_cmpstr(reservation->user, ==, "LAB\\bob");
        g_assert_cmpstr(reservation->name, ==, "a-1");
        g_assert_cmpuint(reservation->host, ==, good[i].host);
        g_assert_cmphex(reservation->address, ==, good[i].address);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *members = g_strdup_printf(
            "\"reservations\":[%s],\n\"subnet\":\"10.0.0.0/24\"," POOL_OF_TEN, bad[i].entry);

        refuse_masqueraded(members, bad[i].fault);
    }
    refuse_masqueraded("\"reservations\":[{\"user\":\"a\",\"name\":\"b\","
                       "\"address\":\"10.0.0.9\"}]",
                       "50: $.reservations[0].address: found the string '10.0.0.9', expected "
                       "\"host\" with a host number instead, or a \"subnet\" that is not \"auto\"");
    refuse_masqueraded("\"reservations\":{\"web\":\"10.0.0.9\"}",
                       "16: $.reservations: found an object, expected an array of at most 64 "
                       "entries such as { \"user\": \"alice\", \"name\": \"web\", \"host\": 20 }");
    refuse_bridged("\"reservations\":[{\"user\":\"a\",\"name\":\"b\",\"host\":10}]",
                   "16: $.reservations: found reservations without a subnet, expected \"subnet\" "
                   "as well");
    g_autoptr(Network) lan = accept_bridged(
        "\"subnet\":\"10.0.0.0/24\",\"reservations\":[{\"user\":\"a\",\"name\":\"b\","
        "\"address\":\"10.0.0.10\"}]");
    g_autoptr(Network) none = accept_bridged("\"reservations\":[]");
    g_assert_cmpuint(lan->reservations->len, ==, 1);
    g_assert_cmpuint(none->reservations->len, ==, 0);
}

static void test_many_reservations(void)
{
    for (guint n = 64; n <= 65; n++) {
        g_autoptr(GString) text = g_string_new("{\"mode\":\"masqueraded\",\"reservations\":[");
        for (guint i = 0; i < n; i++) {
            g_string_append_printf(text, "%s{\"user\":\"a\",\"name\":\"n%u\",\"host\":%u}",
                                   i > 0 ? "," : "", i, 10 + i);
        }
        g_string_append(text, "]}");
        g_autofree char *faults = NULL;
        g_autoptr(Network) network = parse(text->str, &faults);
        g_assert_true((network != NULL) == (n == 64));
        g_assert_cmpstr(faults, ==,
                        n == 64 ? "" : "1:38: $.reservations: found an array, expected an array "
                                       "of at most 64 entries such as { \"user\": \"alice\", "
                                       "\"name\": \"web\", \"host\": 20 }: it has 65");
    }
}

static void test_grant_forwards(void)
{
    static const struct {
        const char *forwards;
        ForwardsFrom from;
        guint16 first, last;
    } cases[] = {
        { "{}", FORWARDS_FROM_HOST, 1024, 65535 },
        { "{\"from\":\"host\"}", FORWARDS_FROM_HOST, 1024, 65535 },
        { "{\"from\":\"any\"}", FORWARDS_FROM_ANY, 1024, 65535 },
        { "{\"ports\":\"80\"}", FORWARDS_FROM_HOST, 80, 80 },
        { "{\"ports\":\"1-65535\",\"from\":\"any\"}", FORWARDS_FROM_ANY, 1, 65535 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *members =
            g_strdup_printf("\"grants\":{\"forwards\":%s}", cases[i].forwards);
        g_autoptr(Network) network = accept_masqueraded(members);

        g_assert_cmpint(network->grant_forwards, ==, cases[i].from);
        g_assert_cmpuint(network->grant_first, ==, cases[i].first);
        g_assert_cmpuint(network->grant_last, ==, cases[i].last);
    }
}

static void test_links(void)
{
    g_autoptr(Network) none = accept_masqueraded("\"uplink\":\"none\"");
    g_autoptr(Network) automatic = accept_masqueraded("\"uplink\":\"auto\",\"mtu\":\"auto\"");
    g_autoptr(Network) least = accept_masqueraded("\"mtu\":576");
    g_autoptr(Network) most = accept_bridged("\"mtu\":65521,\"uplink\":\"abcdefghijklmno\"");
    g_autoptr(Network) found = accept_bridged("\"uplink\":\"none\"");

    g_assert_cmpint(none->uplink, ==, UPLINK_NONE);
    g_assert_cmpint(automatic->uplink, ==, UPLINK_AUTO);
    g_assert_cmpuint(automatic->mtu, ==, 0);
    g_assert_cmpuint(least->mtu, ==, 576);
    g_assert_cmpuint(most->mtu, ==, 65521);
    g_assert_cmpint(most->uplink, ==, UPLINK_NAME);
    g_assert_cmpstr(most->uplink_name.name, ==, "abcdefghijklmno");
    g_assert_cmpint(found->uplink, ==, UPLINK_NONE);
    refuse_masqueraded("\"mtu\":575",
                       "7: $.mtu: found the number 575, expected \"auto\" or 576 to 65521 (bytes)");
    refuse_masqueraded("\"mtu\":65522", "7: $.mtu: found the number 65522, expected \"auto\" or "
                                        "576 to 65521 (bytes)");
    refuse_masqueraded("\"mtu\":\"1500\"", "7: $.mtu: found the string '1500', expected \"auto\" "
                                           "or 576 to 65521 (bytes)");
    refuse_masqueraded("\"mtu\":1.5e3", "7: $.mtu: found the number 1.5e3, expected \"auto\" or "
                                        "576 to 65521 (bytes): write it as an integer, without "
                                        "fraction and exponent");
    /* CVE-2019-13164: sixteen characters were cut after the check */
    refuse_masqueraded("\"uplink\":\"abcdefghijklmnop\"",
                       "10: $.uplink: found the string 'abcdefghijklmnop', expected \"auto\" "
                       "(masqueraded only), \"none\" or an interface name");
    refuse_bridged("\"uplink\":\"auto\"",
                   "10: $.uplink: found the string 'auto', expected \"none\" or the name of the "
                   "interface that joins the bridge");
    refuse_bridged("\"uplink\":\"br0\"",
                   "10: $.uplink: found the string 'br0', expected \"none\" or an interface that "
                   "is not the bridge itself");
    refuse_in("bridged", "\"bridge\":\"br/0\"",
              "10: $.bridge: found the string 'br/0', expected an interface name: 1 to 15 "
              "characters, no space, '/', ':' or '%'");
    refuse_in("bridged", "\"bridge\":\"abcdefghijklmnop\"",
              "10: $.bridge: found the string 'abcdefghijklmnop', expected an interface name: 1 to "
              "15 characters, no space, '/', ':' or '%'");
}

static void test_services(void)
{
    g_autoptr(Network) shortest = accept_masqueraded("\"lease_time\":10");
    g_autoptr(Network) longest = accept_masqueraded("\"lease_time\":604800");
    g_autoptr(Network) host = accept_masqueraded("\"dns\":{\"servers\":\"host\"}");
    g_autoptr(Network) four = accept_masqueraded(
        "\"dns\":{\"servers\":[\"1.1.1.1\",\"8.8.8.8\",\"9.9.9.9\",\"10.0.0.1\"]}");
    g_autofree char *label = g_strnfill(61, 'a');
    g_autofree char *longest_domain = g_strdup_printf("\"dns\":{\"domain\":\"%s.b\"}", label);
    g_autoptr(Network) domain = accept_masqueraded(longest_domain);

    g_assert_cmpuint(shortest->lease_time_s, ==, 10);
    g_assert_cmpuint(longest->lease_time_s, ==, 604800);
    g_assert_cmpuint(host->n_dns, ==, 0);
    g_assert_cmpuint(four->n_dns, ==, 4);
    g_assert_cmphex(four->dns[3], ==, 0x0a000001);
    g_assert_cmpuint(strlen(domain->dns_domain), ==, 63);
    refuse_masqueraded("\"lease_time\":9",
                       "14: $.lease_time: found the number 9, expected 10 to 604800 (seconds)");
    refuse_masqueraded("\"lease_time\":604801", "14: $.lease_time: found the number 604801, "
                                                "expected 10 to 604800 (seconds)");
    refuse_masqueraded("\"lease_time\":\"1h\"", "14: $.lease_time: found the string '1h', expected "
                                                "10 to 604800 (seconds)");
    static const char *const bad_domains[] = { "", ".", "a..b", ".a", "a.", "-a", "a-", "a_b",
                                               "a b", "10.0.0.1", "a.1", "\xc3\xa9" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad_domains); i++) {
        g_autofree char *members = g_strdup_printf("\"dns\":{\"domain\":\"%s\"}", bad_domains[i]);
        g_autofree char *fault = g_strdup_printf(
            "17: $.dns.domain: found the string '%s', expected a DNS domain of at most 63 "
            "characters, as \"lab.internal\", whose last label is no number", bad_domains[i]);

        refuse_masqueraded(members, fault);
    }
    refuse_masqueraded("\"dns\":{\"servers\":\"router\"}",
                       "18: $.dns.servers: found the string 'router', expected \"host\" or an "
                       "array of 1 to 4 IPv4 addresses");
    refuse_masqueraded("\"dns\":{\"servers\":[]}",
                       "18: $.dns.servers: found an empty array, expected \"host\" or an array of "
                       "1 to 4 IPv4 addresses: it has 0");
    refuse_masqueraded("\"dns\":{\"servers\":[\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\","
                       "\"1.1.1.1\"]}",
                       "18: $.dns.servers: found an array, expected \"host\" or an array of 1 to 4 "
                       "IPv4 addresses: it has 5");
    refuse_masqueraded("\"dns\":{\"servers\":[\"1.1\"]}",
                       "19: $.dns.servers[0]: found the string '1.1', expected the IPv4 address of "
                       "a name server, as \"9.9.9.9\"");
    refuse_masqueraded("\"dns\":{\"servers\":[\"127.0.0.53\"]}",
                       "19: $.dns.servers[0]: found the string '127.0.0.53', expected the IPv4 "
                       "address of a name server, as \"9.9.9.9\": guests cannot reach this one");
}

static void test_access(void)
{
    g_autoptr(Network) bounds = accept_masqueraded(
        "\"allow\":[{\"user\":\"1a\",\"max_ports\":1},{\"user\":\"LAB\\\\bob\","
        "\"max_ports\":4096},{\"group\":\"domain users\"}]");
    g_autoptr(Network) forwards = accept_masqueraded(
        "\"grants\":{\"forwards\":{\"ports\":\"8080\"}}");

    g_assert_cmpuint(bounds->allow->len, ==, 3);
    g_assert_false(forwards->grant_address);
    refuse_masqueraded("\"allow\":[{\"user\":\"1000\"}]",
                       "18: $.allow[0].user: found the string '1000', expected the name of a user "
                       "(not a number)");
    refuse_masqueraded("\"allow\":[{\"group\":\"\"}]",
                       "19: $.allow[0].group: found the string '', expected the name of a group "
                       "(not a number)");
    refuse_masqueraded("\"allow\":[{\"group\":\"a:b\"}]",
                       "19: $.allow[0].group: found the string 'a:b', expected the name of a group "
                       "(not a number)");
    refuse_masqueraded("\"allow\":[{\"user\":1000}]",
                       "18: $.allow[0].user: found the number 1000, expected the name of a user "
                       "(not a number)");
    refuse_masqueraded("\"allow\":[{}]",
                       "10: $.allow[0]: found none of \"user\", \"group\", \"everyone\" and "
                       "\"can_open\", expected exactly one");
    refuse_masqueraded("\"allow\":[{\"user\":\"a\",\"group\":\"b\"}]",
                       "10: $.allow[0]: found more than one of \"user\", \"group\", \"everyone\" "
                       "and \"can_open\", expected exactly one; make an entry of each");
    refuse_masqueraded("\"allow\":[{\"everyone\":false}]",
                       "22: $.allow[0].everyone: found false, expected true: leave the entry out");
    static const char *const bad_paths[] = { "", "dev/kvm", "/dev/../etc", "/..", "/./x", "/x/.",
                                             "~/x" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad_paths); i++) {
        g_autofree char *members = g_strdup_printf("\"allow\":[{\"can_open\":\"%s\"}]",
                                                   bad_paths[i]);
        g_autofree char *fault = g_strdup_printf(
            "22: $.allow[0].can_open: found the string '%s', expected an absolute path of at most 63 bytes "
            "without \".\" and \"..\" in it, as \"/dev/kvm\"", bad_paths[i]);

        refuse_masqueraded(members, fault);
    }
    refuse_masqueraded("\"allow\":[{\"everyone\":true,\"max_ports\":0}]",
                       "39: $.allow[0].max_ports: found the number 0, expected 1 to 4096 (ports)");
    refuse_masqueraded("\"allow\":[{\"everyone\":true,\"max_ports\":4097}]",
                       "39: $.allow[0].max_ports: found the number 4097, expected 1 to 4096 "
                       "(ports)");
    refuse_masqueraded("\"allow\":{\"everyone\":true}",
                       "9: $.allow: found an object, expected an array of at most 64 entries such "
                       "as { \"group\": \"kvm\" }");
    refuse_masqueraded("\"grants\":{\"address\":\"yes\"}",
                       "21: $.grants.address: found the string 'yes', expected true or false");
    refuse_masqueraded("\"grants\":{\"forwards\":{\"from\":\"all\"}}",
                       "30: $.grants.forwards.from: found the string 'all', expected \"host\" or "
                       "\"any\"");
    static const char *const bad_ports[] = { "", "0", "65536", "80-79", "1-2-3", "1-", "-1", "080",
                                             "1-65536" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad_ports); i++) {
        g_autofree char *members = g_strdup_printf("\"grants\":{\"forwards\":{\"ports\":\"%s\"}}",
                                                   bad_ports[i]);
        g_autofree char *fault = g_strdup_printf(
            "31: $.grants.forwards.ports: found the string '%s', expected a port (\"8080\") or a "
            "range of ports (\"1024-65535\")", bad_ports[i]);

        refuse_masqueraded(members, fault);
    }
}

static void test_many_allow(void)
{
    for (guint n = 64; n <= 65; n++) {
        g_autoptr(GString) text = g_string_new("{\"mode\":\"masqueraded\",\"allow\":[");
        for (guint i = 0; i < n; i++) {
            g_string_append_printf(text, "%s{\"user\":\"u%u\"}", i > 0 ? "," : "", i);
        }
        g_string_append(text, "]}");
        g_autofree char *faults = NULL;
        g_autoptr(Network) network = parse(text->str, &faults);
        g_assert_true((network != NULL) == (n == 64));
        g_assert_cmpstr(faults, ==,
                        n == 64 ? "" : "1:31: $.allow: found an array, expected an array of at "
                                       "most 64 entries such as { \"group\": \"kvm\" }: it has 65");
    }
}

/* A key of the other mode is no mistake in silence. */
static void test_other_mode(void)
{
    static const char *const masqueraded_only[] = {
        "\"masquerade\":true", "\"masquerade6\":false", "\"dhcp\":true", "\"lease_time\":60",
        "\"dns\":{}", "\"segment\":\"routed\"", "\"subnet6\":\"none\"",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(masqueraded_only); i++) {
        g_autofree char *key = g_strndup(masqueraded_only[i] + 1,
                                         strcspn(masqueraded_only[i] + 1, "\""));
        g_autofree char *fault = g_strdup_printf(
            "1: $.%s: found a key of masqueraded networks in a bridged one; leave it out", key);

        refuse_bridged(masqueraded_only[i], fault);
    }
    refuse_bridged("\"grants\":{\"forwards\":{}}",
                   "11: $.grants.forwards: found a key of masqueraded networks in a bridged one; "
                   "leave it out");
    refuse_masqueraded("\"bridge\":\"br0\"",
                       "1: $.bridge: found a key of bridged networks in a masqueraded one; "
                       "leave it out");
}

/* What comes later is refused by name, and its code says who can help. */
static void test_later(void)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        { "{\"mode\":\"masqueraded\",\"limits\":5}",
          "nat.json:1:23: $.limits: this version of tapster has no limits yet; leave it out" },
        { "{\"mode\":\"masqueraded\",\"firewall\":\"cooperate\"}",
          "nat.json:1:23: $.firewall: this version of tapster has no cooperation with other "
          "firewalls yet; leave it out" },
        { "{\"mode\":\"bridged\",\"bridge\":\"br0\",\"attach\":\"macvtap\"}",
          "nat.json:1:34: $.attach: this version of tapster has no macvtap yet; leave it out" },
        { "{\"mode\":\"bridged\",\"bridge\":\"br0\",\"guest_to_guest\":false}",
          "nat.json:1:51: $.guest_to_guest: found false: this version of tapster has no isolated "
          "ports on a bridge yet; leave it out" },
        { "{\"mode\":\"bridged\",\"bridge\":\"br0\",\"guest_to_host\":false}",
          "nat.json:1:50: $.guest_to_host: found false: this version of tapster has no fence "
          "between a bridge's guests and the host yet; leave it out" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Faults) faults = faults_new("nat.json");
        g_autoptr(GError) error = NULL;

        g_assert_null(network_parse("nat", "nat.json", cases[i].text, strlen(cases[i].text),
                                    faults));
        g_assert_false(faults_to_error(faults, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
        g_assert_cmpstr(error->message, ==, cases[i].line);
    }
}

/* All faults of a file, in the order of the text. */
static void test_all_faults(void)
{
    g_autofree char *faults = NULL;
    g_autoptr(Network) network = parse("{\n"
                                       "  \"mtu\": 1,\n"
                                       "  \"mode\": \"masqueraded\",\n"
                                       "  \"subnet\": null,\n"
                                       "  \"Allow\": [],\n"
                                       "  \"max_ports\": 3,\n"
                                       "  \"bandwidth\": { \"x\": [ 1 ] },\n"
                                       "  \"limits\": { \"pps\": 1 },\n"
                                       "  \"allow\": [ { \"user\": \"\", \"max_port\": 1 }, 3 ]\n"
                                       "}\n",
                                       &faults);

    g_assert_null(network);
    g_assert_cmpstr(
        faults, ==,
        "2:10: $.mtu: found the number 1, expected \"auto\" or 576 to 65521 (bytes)\n"
        "4:13: $.subnet: found null, expected " SUBNET "\n"
        "5:3: $.Allow: found the unknown key 'Allow'; did you mean \"allow\"?\n"
        "6:3: $.max_ports: found the unknown key 'max_ports'; did you mean "
        "\"allow[].max_ports\"?\n"
        "7:3: $.bandwidth: found the unknown key 'bandwidth', expected one of mode, subnet, "
        "subnet6, pool, gateway, reservations, bridge, uplink, segment, mtu, masquerade, "
        "masquerade6, dhcp, lease_time, dns, guest_to_guest, guest_to_host, allow and grants\n"
        "8:3: $.limits: this version of tapster has no limits yet; leave it out\n"
        "9:24: $.allow[0].user: found the string '', expected the name of a user (not a number)\n"
        "9:28: $.allow[0].max_port: found the unknown key 'max_port'; did you mean "
        "\"max_ports\"?\n"
        "9:45: $.allow[1]: found the number 3, expected an object with one of \"user\", "
        "\"group\", \"everyone\" and \"can_open\", and perhaps \"max_ports\"");
}

static void test_name_valid(void)
{
    g_assert_true(network_name_valid("a"));
    g_assert_true(network_name_valid("0"));
    g_assert_true(network_name_valid("lan-2"));
    g_assert_true(network_name_valid("abcdefghijklmnopqrstuvwxyz012345"));
    g_assert_false(network_name_valid("abcdefghijklmnopqrstuvwxyz0123456"));
    static const char *const bad[] = { "", "-a", "a-", "A", "a.b", "a_b", "a/b", "..", "a b",
                                       "\xc3\xa9", "a\n" };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(network_name_valid(bad[i]));
    }
}

static void test_locate(void)
{
    g_autofree char *network = locate_network("/etc/tapster", "nat");
    g_autofree char *profile = locate_profile("/etc/tapster", "web");
    g_autofree char *own = locate_caller_profile("/home/alice", "web");

    g_assert_cmpstr(network, ==, "/etc/tapster/networks/nat.json");
    g_assert_cmpstr(profile, ==, "/etc/tapster/profiles/web.json");
    g_assert_cmpstr(own, ==, "/home/alice/.config/tapster/profiles/web.json");
    g_assert_null(locate_network("/etc/tapster", "../nat"));
    g_assert_null(locate_profile("/etc/tapster", ""));
    g_assert_null(locate_caller_profile("/home/alice", "a.b"));
    g_assert_null(locate_caller_profile("", "web"));
    g_assert_null(locate_caller_profile("home", "web"));
    g_assert_true(locate_is_path("./web.json"));
    g_assert_true(locate_is_path("/web"));
    g_assert_false(locate_is_path("web.json"));
    g_assert_false(locate_is_path(""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/defaults", test_defaults);
    g_test_add_func("/network/everything", test_everything);
    g_test_add_func("/network/mode", test_mode);
    g_test_add_func("/network/subnet", test_subnet);
    g_test_add_func("/network/pool", test_pool);
    g_test_add_func("/network/ipv6", test_ipv6);
    g_test_add_func("/network/segment", test_segment);
    g_test_add_func("/network/gateway", test_gateway);
    g_test_add_func("/network/reservations", test_reservations);
    g_test_add_func("/network/many-reservations", test_many_reservations);
    g_test_add_func("/network/grant-forwards", test_grant_forwards);
    g_test_add_func("/network/links", test_links);
    g_test_add_func("/network/services", test_services);
    g_test_add_func("/network/access", test_access);
    g_test_add_func("/network/many-allow", test_many_allow);
    g_test_add_func("/network/other-mode", test_other_mode);
    g_test_add_func("/network/later", test_later);
    g_test_add_func("/network/all-faults", test_all_faults);
    g_test_add_func("/network/name-valid", test_name_valid);
    g_test_add_func("/network/locate", test_locate);
    return g_test_run();
}
