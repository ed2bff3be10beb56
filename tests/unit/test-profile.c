/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/profile.h"

#include <string.h>

/* Profile files: defaults, ranges, and the words of every refusal. */

static Profile *parse(const char *file, const char *text, char **ret_faults)
{
    g_autoptr(Faults) faults = faults_new("p");
    Profile *profile = profile_parse(file, text, strlen(text), faults);
    GString *lines = g_string_new(NULL);

    g_assert_true((profile != NULL) == (faults_count(faults) == 0));
    for (guint i = 0; i < faults_count(faults); i++) {
        g_autofree char *line = faults_line(faults, i);

        g_string_append_printf(lines, "%s%s", i > 0 ? "\n" : "", line + strlen("p:"));
    }
    *ret_faults = g_string_free(lines, FALSE);
    return profile;
}

static Profile *accept_text(const char *file, const char *text)
{
    g_autofree char *faults = NULL;
    Profile *profile = parse(file, text, &faults);

    g_assert_cmpstr(faults, ==, "");
    return profile;
}

static void refuse(const char *file, const char *text, const char *expected)
{
    g_autofree char *faults = NULL;
    g_autoptr(Profile) profile = parse(file, text, &faults);

    g_assert_null(profile);
    g_assert_cmpstr(faults, ==, expected);
}

static void test_defaults(void)
{
    g_autoptr(Profile) profile = accept_text("/home/alice/vm/web-2.json", "{\"mode\":\"bridged\"}");

    g_assert_cmpstr(profile->file, ==, "/home/alice/vm/web-2.json");
    g_assert_cmpstr(profile->name, ==, "web-2");
    g_assert_cmpstr(profile->hostname, ==, "web-2");
    g_assert_cmpint(profile->mode, ==, MODE_BRIDGED);
    g_assert_cmpstr(profile->network, ==, NULL);
    g_assert_false(profile->has_address || profile->has_mac);
    g_assert_cmpuint(profile->forwards->len, ==, 0);
}

/* Messages name the file: a caller's path must not make two lines of one. */
static void test_odd_file(void)
{
    g_autoptr(Profile) profile =
        accept_text("/home/a/x\n\033[1m/web.json", "{\"mode\":\"bridged\"}");

    g_assert_cmpstr(profile->file, ==, "'/home/a/x\\x0a\\x1b[1m/web.json'");
    g_assert_cmpstr(profile->name, ==, "web");
}

static void test_everything(void)
{
    g_autoptr(Profile) profile = accept_text(
        "web.json", "{ \"mode\": \"masqueraded\", \"network\": \"nat\", \"name\": \"shop\",\n"
                    "  \"hostname\": \"Shop\", \"address\": \"192.168.77.20\",\n"
                    "  \"mac\": \"52:54:00:12:34:5F\" }");
    static const guint8 mac[] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x5f };

    g_assert_cmpint(profile->mode, ==, MODE_MASQUERADED);
    g_assert_cmpstr(profile->network, ==, "nat");
    g_assert_cmpstr(profile->name, ==, "shop");
    g_assert_cmpstr(profile->hostname, ==, "Shop");
    g_assert_true(profile->has_address && profile->has_mac);
    g_assert_cmphex(profile->address, ==, 0xc0a84d14);
    g_assert_cmpmem(profile->mac.bytes, 6, mac, 6);
}

static void test_network_alone(void)
{
    g_autoptr(Profile) profile = accept_text("web", "{\"network\":\"lan\"}");

    g_assert_cmpint(profile->mode, ==, MODE_NONE);
    g_assert_cmpstr(profile->network, ==, "lan");
    g_assert_cmpstr(profile->name, ==, "web");
}

#define NAME "1 to 32 of a-z, 0-9 and, inside, '-'"

static void test_name_of_file(void)
{
    static const char *const bad[] = { "/x/My VM.json", ".json", "web.json.json", "Web.json",
                                       "web.txt", "-.json", "a_b.json" };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *base = g_path_get_basename(bad[i]);
        g_autofree char *fault = g_strdup_printf(
            "1:2: $: found no \"name\", and none in the file's name '%s', expected \"name\" with "
            "a name: " NAME, base);
        g_autoptr(Profile) named = accept_text(bad[i], " {\"network\":\"a\",\"name\":\"x\"}");

        g_assert_cmpstr(named->name, ==, "x");
        refuse(bad[i], " {\"network\":\"a\"}", fault);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        { "{}", "1:1: $: found neither \"mode\" nor \"network\", expected one of them, or both" },
        { "null", "1:1: $: found null, expected an object" },
        { "{\"mode\":\"nat\"}",
          "1:9: $.mode: found the string 'nat', expected \"masqueraded\" or \"bridged\"" },
        { "{\"mode\":true}", "1:9: $.mode: found true, expected \"masqueraded\" or \"bridged\"" },
        { "{\"network\":\"NAT\"}",
          "1:12: $.network: found the string 'NAT', expected the name of a network: " NAME },
        { "{\"network\":\"../nat\"}",
          "1:12: $.network: found the string '../nat', expected the name of a network: " NAME },
        { "{\"network\":\"a\",\"name\":\"\"}",
          "1:23: $.name: found the string '', expected a name: " NAME },
        { "{\"network\":\"a\",\"name\":5}",
          "1:23: $.name: found the number 5, expected a name: " NAME },
        { "{\"network\":\"a\",\"hostname\":\"a.b\"}",
          "1:27: $.hostname: found the string 'a.b', expected one DNS label: 1 to 63 letters, "
          "digits and, inside, '-'" },
        { "{\"network\":\"a\",\"hostname\":\"\"}",
          "1:27: $.hostname: found the string '', expected one DNS label: 1 to 63 letters, "
          "digits and, inside, '-'" },
        { "{\"network\":\"a\",\"address\":\"192.168.77.20/24\"}",
          "1:26: $.address: found the string '192.168.77.20/24', expected an IPv4 address, as "
          "\"192.168.77.20\"" },
        { "{\"network\":\"a\",\"address\":\"192.168.077.20\"}",
          "1:26: $.address: found the string '192.168.077.20', expected an IPv4 address, as "
          "\"192.168.77.20\"" },
        { "{\"network\":\"a\",\"address\":3232255252}",
          "1:26: $.address: found the number 3232255252, expected an IPv4 address, as "
          "\"192.168.77.20\"" },
        { "{\"network\":\"a\",\"mac\":\"01:00:5e:00:00:01\"}",
          "1:22: $.mac: found the string '01:00:5e:00:00:01', expected a unicast MAC address, as "
          "\"52:54:00:12:34:56\"" },
        { "{\"network\":\"a\",\"mac\":\"00:00:00:00:00:00\"}",
          "1:22: $.mac: found the string '00:00:00:00:00:00', expected a unicast MAC address, as "
          "\"52:54:00:12:34:56\"" },
        { "{\"network\":\"a\",\"mac\":\"52-54-00-12-34-56\"}",
          "1:22: $.mac: found the string '52-54-00-12-34-56', expected a unicast MAC address, as "
          "\"52:54:00:12:34:56\"" },
        { "{\"network\":\"a\",\"adress\":\"10.0.0.1\"}",
          "1:16: $.adress: found the unknown key 'adress'; did you mean \"address\"?" },
        { "{\"network\":\"a\",\"host_name\":\"a\",\"guest_port\":1,\"bridge\":\"br0\"}",
          "1:16: $.host_name: found the unknown key 'host_name'; did you mean \"hostname\"?\n"
          "1:32: $.guest_port: found the unknown key 'guest_port'; did you mean "
          "\"forwards[].guest_port\"?\n"
          "1:47: $.bridge: found the unknown key 'bridge', expected one of mode, network, name, "
          "hostname, address, mac and forwards" },
        { "{\"network\":\"a\",\n\"network\":\"b\"}",
          "2:1: $.network: found this key a second time (first at 1:2), expected it once" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        refuse("web.json", cases[i].text, cases[i].fault);
    }
}

static void test_bounds(void)
{
    g_autofree char *name = g_strnfill(32, 'n');
    g_autofree char *hostname = g_strnfill(63, 'h');
    g_autofree char *text = g_strdup_printf(
        "{\"network\":\"%s\",\"name\":\"%s\",\"hostname\":\"%s\"}", name, name, hostname);
    g_autofree char *long_text = g_strdup_printf(
        "{\"network\":\"%sx\",\"name\":\"%sx\",\"hostname\":\"%sx\"}", name, name, hostname);
    g_autofree char *faults = NULL;
    g_autoptr(Profile) profile = accept_text("web.json", text);
    g_autoptr(Profile) refused = parse("web.json", long_text, &faults);
    g_auto(GStrv) lines = g_strsplit(faults, "\n", -1);

    g_assert_cmpstr(profile->hostname, ==, hostname);
    g_assert_null(refused);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
}

/* "[ENTRIES]" of forwards on the network "a": the first entry is in column 28. */
static char *with_forwards(const char *entries)
{
    return g_strdup_printf("{\"network\":\"a\",\"forwards\":[%s]}", entries);
}

static void test_forwards(void)
{
    static const struct {
        const char *entry;
        ProfileForward forward;
        const char *host6;
    } cases[] = {
        { "{\"host_port\":8080}",
          { .tcp = true, .host_port = 8080, .guest_port = 8080, .n_ports = 1 }, NULL },
        { "{\"host_port\":\"8080\",\"guest_port\":\"80\"}",
          { .tcp = true, .host_port = 8080, .guest_port = 80, .n_ports = 1 }, NULL },
        { "{\"protocol\":\"udp\",\"host_port\":1,\"guest_port\":65535}",
          { .udp = true, .host_port = 1, .guest_port = 65535, .n_ports = 1 }, NULL },
        { "{\"protocol\":\"both\",\"host_port\":65535,\"guest_port\":1}",
          { .tcp = true, .udp = true, .host_port = 65535, .guest_port = 1, .n_ports = 1 }, NULL },
        { "{\"host_port\":\"8000-8010\"}",
          { .tcp = true, .host_port = 8000, .guest_port = 8000, .n_ports = 11 }, NULL },
        { "{\"host_port\":\"8000-8010\",\"guest_port\":80}",
          { .tcp = true, .host_port = 8000, .guest_port = 80, .n_ports = 11 }, NULL },
        { "{\"host_port\":\"8000-8010\",\"guest_port\":\"90-100\"}",
          { .tcp = true, .host_port = 8000, .guest_port = 90, .n_ports = 11 }, NULL },
        { "{\"host_port\":\"8000-8010\",\"guest_port\":65525}",
          { .tcp = true, .host_port = 8000, .guest_port = 65525, .n_ports = 11 }, NULL },
        { "{\"host_port\":\"61440-65535\"}",
          { .tcp = true, .host_port = 61440, .guest_port = 61440, .n_ports = 4096 }, NULL },
        { "{\"host_port\":80,\"host_address\":\"127.0.0.1\"}",
          { .tcp = true, .host_port = 80, .guest_port = 80, .n_ports = 1, .has_host4 = true,
            .host4 = 0x7f000001 }, NULL },
        { "{\"host_port\":80,\"host_address\":\"223.255.255.255\"}",
          { .tcp = true, .host_port = 80, .guest_port = 80, .n_ports = 1, .has_host4 = true,
            .host4 = 0xdfffffff }, NULL },
        { "{\"host_port\":80,\"host_address\":\"2001:DB8:0::1\"}",
          { .tcp = true, .host_port = 80, .guest_port = 80, .n_ports = 1, .has_host6 = true },
          "2001:db8::1" },
        { "{\"host_port\":80,\"host_address\":\"fd00::1\"}",
          { .tcp = true, .host_port = 80, .guest_port = 80, .n_ports = 1, .has_host6 = true },
          "fd00::1" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = with_forwards(cases[i].entry);
        g_autoptr(Profile) profile = accept_text("web.json", text);
        g_assert_cmpuint(profile->forwards->len, ==, 1);
        const ProfileForward *found = &g_array_index(profile->forwards, ProfileForward, 0);
        const ProfileForward *wanted = &cases[i].forward;

        g_assert_true(found->tcp == wanted->tcp && found->udp == wanted->udp);
        g_assert_cmpuint(found->host_port, ==, wanted->host_port);
        g_assert_cmpuint(found->guest_port, ==, wanted->guest_port);
        g_assert_cmpuint(found->n_ports, ==, wanted->n_ports);
        g_assert_true(found->has_host4 == wanted->has_host4);
        g_assert_true(found->has_host6 == wanted->has_host6);
        g_assert_cmphex(found->host4, ==, wanted->host4);
        g_assert_cmpstr(address_format_ipv6(&found->host6).text, ==,
                        cases[i].host6 ? cases[i].host6 : "::");
    }
}

#define HOST_PORT "a port (8080) or a range of ports (\"8000-8010\")"
#define GUEST_PORT "a port (80) or, for a range, the first or as long a range (\"9000-9010\")"
#define HOST_ADDRESS "an IPv4 or IPv6 address of the host"

static void test_forward_ports(void)
{
    static const char *const bad_ports[] = { "\"\"", "0", "65536", "-1", "\"0\"", "\"080\"",
                                             "\"81-80\"", "\"80-\"", "\"-80\"", "\"1-65536\"",
                                             "\"1-2-3\"", "\" 80\"", "\"http\"", "1e3", "null",
                                             "99999999999999999999", "true", "[80]" };
    static const struct {
        const char *host, *guest, *fault;
    } cases[] = {
        { "80", "\"90-91\"",
          "found the string '90-91', expected one port, as \"host_port\" is one" },
        { "\"80-81\"", "\"90-92\"",
          "found the string '90-92', expected a range of 2 ports, as \"host_port\" is, or the "
          "first of them" },
        { "\"80-82\"", "\"90-91\"",
          "found the string '90-91', expected a range of 3 ports, as \"host_port\" is, or the "
          "first of them" },
        { "\"80-82\"", "65534",
          "found the number 65534, expected at most 65533, the first of 3 ports" },
        { "\"1-2\"", "65535",
          "found the number 65535, expected at most 65534, the first of 2 ports" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad_ports); i++) {
        g_autofree char *host = g_strdup_printf("{\"host_port\":%s}", bad_ports[i]);
        g_autofree char *guest = g_strdup_printf("{\"host_port\":\"1-2\",\"guest_port\":%s}",
                                                 bad_ports[i]);
        g_autofree char *host_text = with_forwards(host);
        g_autofree char *guest_text = with_forwards(guest);
        g_autofree char *host_faults = NULL, *guest_faults = NULL;

        g_assert_null(parse("web.json", host_text, &host_faults));
        g_assert_null(parse("web.json", guest_text, &guest_faults));
        g_assert_true(g_str_has_prefix(host_faults, "1:41: $.forwards[0].host_port: found "));
        g_assert_nonnull(strstr(host_faults, ", expected " HOST_PORT));
        g_assert_null(strchr(host_faults, '\n'));
        g_assert_true(g_str_has_prefix(guest_faults, "1:60: $.forwards[0].guest_port: found "));
        g_assert_nonnull(strstr(guest_faults, ", expected " GUEST_PORT));
        g_assert_null(strchr(guest_faults, '\n'));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *entry = g_strdup_printf("{\"guest_port\":%s,\"host_port\":%s}",
                                                 cases[i].guest, cases[i].host);
        g_autofree char *text = with_forwards(entry);
        g_autofree char *fault =
            g_strdup_printf("1:42: $.forwards[0].guest_port: %s", cases[i].fault);

        refuse("web.json", text, fault);
    }
}

static void test_forward_address(void)
{
    static const char none[] = ": no host has this address; for every address, leave it out";
    static const char in_zero[] = ": no host has an address in ::/8";
    static const char link_local[] = ": packets for link-local addresses are not forwarded";
    static const char multicast[] = ": this is a multicast address";
    static const struct {
        const char *address, *reason;
    } cases[] = {
        { "", "" }, { "host", "" }, { "localhost", "" }, { "10.0.0.0/8", "" }, { "10.0.0", "" },
        { "fd00::1%eth0", "" }, { "[fd00::1]", "" }, { "::ffff:10.0.0.1", "" }, { "fd00::/64", "" },
        { "0.0.0.0", none }, { "0.1.2.3", none }, { "224.0.0.1", none }, { "240.0.0.1", none },
        { "255.255.255.255", none },
        { "::", in_zero }, { "::2", in_zero }, { "::ffff:a00:1", in_zero },
        { "64:ff9b::1", in_zero }, { "ff::1", in_zero },
        { "fe80::1", link_local }, { "febf::1", link_local },
        { "ff02::1", multicast },
        { "::1", ": the kernel cannot translate [::1]; say 127.0.0.1, to which clients of "
                 "\"localhost\" turn next" },
        { "0:0:0:0:0:0:0:1", ": the kernel cannot translate [::1]; say 127.0.0.1, to which clients "
                             "of \"localhost\" turn next" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *entry = g_strdup_printf("{\"host_port\":1,\"host_address\":\"%s\"}",
                                                 cases[i].address);
        g_autofree char *text = with_forwards(entry);
        g_autofree char *fault = g_strdup_printf(
            "1:58: $.forwards[0].host_address: found the string '%s', expected " HOST_ADDRESS "%s",
            cases[i].address, cases[i].reason);

        refuse("web.json", text, fault);
    }
}

static void test_forwards_refused(void)
{
    static const struct {
        const char *entries, *fault;
    } cases[] = {
        { "{}", "1:28: $.forwards[0]: found no \"host_port\", expected it to be " HOST_PORT },
        { "{\"hostPort\":80}",
          "1:28: $.forwards[0]: found no \"host_port\", expected it to be " HOST_PORT "\n"
          "1:29: $.forwards[0].hostPort: found the unknown key 'hostPort'; did you mean "
          "\"host_port\"?" },
        { "{\"host_port\":80,\"protocol\":\"TCP\"}",
          "1:55: $.forwards[0].protocol: found the string 'TCP', expected \"tcp\", \"udp\" or "
          "\"both\"" },
        { "{\"host_port\":80,\"protocol\":6}",
          "1:55: $.forwards[0].protocol: found the number 6, expected \"tcp\", \"udp\" or "
          "\"both\"" },
        { "80", "1:28: $.forwards[0]: found the number 80, expected an object with \"host_port\" "
                "and perhaps \"protocol\", \"guest_port\" and \"host_address\"" },
        { "{\"host_port\":80},{\"host_port\":81},{\"host_port\":80,\"guest_port\":8080}",
          "1:62: $.forwards[2]: found tcp port 80 of this host, which $.forwards[0] takes as well, "
          "expected each port once for an address" },
        { "{\"host_port\":\"80-89\",\"protocol\":\"udp\"},{\"host_port\":\"85-95\","
          "\"protocol\":\"both\"}",
          "1:67: $.forwards[1]: found udp port 85 of this host, which $.forwards[0] takes as well, "
          "expected each port once for an address" },
        { "{\"host_port\":80,\"host_address\":\"10.0.0.1\"},{\"host_port\":80}",
          "1:71: $.forwards[1]: found tcp port 80 of this host, which $.forwards[0] takes as well, "
          "expected each port once for an address" },
        { "{\"host_port\":80},{\"host_port\":80,\"host_address\":\"fd00::1\"}",
          "1:45: $.forwards[1]: found tcp port 80 of this host, which $.forwards[0] takes as well, "
          "expected each port once for an address" },
        { "{\"host_port\":80,\"host_address\":\"fd00::1\"},"
          "{\"host_port\":\"79-80\",\"host_address\":\"fd00:0::1\"}",
          "1:70: $.forwards[1]: found tcp port 80 of this host, which $.forwards[0] takes as well, "
          "expected each port once for an address" },
        /* a fault of its own is enough */
        { "{\"host_port\":80},{\"host_port\":80,\"protocol\":\"x\"}",
          "1:72: $.forwards[1].protocol: found the string 'x', expected \"tcp\", \"udp\" or "
          "\"both\"" },
        { "{\"host_port\":\"1-4096\"},{\"host_port\":4097}",
          "1:27: $.forwards: found 4097 tcp ports, expected at most 4096 of a protocol" },
        { "{\"host_port\":\"1-4097\",\"protocol\":\"udp\"},{\"host_port\":\"1-4096\"}",
          "1:27: $.forwards: found 4097 udp ports, expected at most 4096 of a protocol" },
        { "{\"host_port\":\"1-65535\",\"protocol\":\"both\"}",
          "1:27: $.forwards: found 65535 tcp ports, expected at most 4096 of a protocol" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = with_forwards(cases[i].entries);

        refuse("web.json", text, cases[i].fault);
    }
    refuse("web.json", "{\"network\":\"a\",\"forwards\":{\"host_port\":80}}",
           "1:27: $.forwards: found an object, expected an array of at most 1024 entries such as "
           "{ \"host_port\": 8080, \"guest_port\": 80 }");
    refuse("web.json", "{\"mode\":\"bridged\",\"forwards\":[{\"host_port\":80}]}",
           "1:30: $.forwards: found forwards in a profile of mode \"bridged\", expected none: the "
           "guest has an address of its own on the LAN");
}

/* The same port may stand again where no packet could mean both. */
static void test_forwards_beside(void)
{
    static const struct {
        const char *entries;
        guint n;
    } cases[] = {
        { "", 0 },
        { "{\"host_port\":80},{\"host_port\":80,\"protocol\":\"udp\"}", 2 },
        { "{\"host_port\":\"80-89\"},{\"host_port\":\"90-99\"},{\"host_port\":79}", 3 },
        { "{\"host_port\":80,\"host_address\":\"10.0.0.1\"},"
          "{\"host_port\":80,\"host_address\":\"10.0.0.2\"},"
          "{\"host_port\":80,\"host_address\":\"fd00::1\"},"
          "{\"host_port\":80,\"host_address\":\"fd00::2\"}", 4 },
        { "{\"host_port\":\"1-4096\",\"protocol\":\"udp\"},{\"host_port\":\"1-4096\"}", 2 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = with_forwards(cases[i].entries);
        g_autoptr(Profile) profile = accept_text("web.json", text);

        g_assert_cmpuint(profile->forwards->len, ==, cases[i].n);
    }
    g_autoptr(Profile) bridged =
        accept_text("web.json", "{\"mode\":\"bridged\",\"forwards\":[]}");
    g_assert_cmpuint(bridged->forwards->len, ==, 0);
}

static void test_many_forwards(void)
{
    for (guint n = 1024; n <= 1025; n++) {
        g_autoptr(GString) entries = g_string_new(NULL);
        for (guint i = 0; i < n; i++) {
            g_string_append_printf(entries, "%s{\"protocol\":\"both\",\"host_port\":%u}",
                                   i > 0 ? "," : "", 10000 + i);
        }
        g_autofree char *text = with_forwards(entries->str);
        if (n == 1024) {
            g_autoptr(Profile) profile = accept_text("web.json", text);

            g_assert_cmpuint(profile->forwards->len, ==, n);
        } else {
            refuse("web.json", text, "1:27: $.forwards: found an array, expected an array of at "
                   "most 1024 entries such as { \"host_port\": 8080, \"guest_port\": 80 }: it has "
                   "1025");
        }
    }
}

/* Where packets of a forward may be addressed to, of four places that stand for
 * all. */
static bool leads(const ProfileForward *forward, guint place)
{
    static const char *const places[] = { "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2" };

    if (forward->has_host4) {
        return strcmp(address_format_ipv4(forward->host4).text, places[place]) == 0;
    }
    return !forward->has_host6 ||
           strcmp(address_format_ipv6(&forward->host6).text, places[place]) == 0;
}

static void check_sound(const Profile *profile)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint f = 0; f < profile->forwards->len; f++) {
        const ProfileForward *forward = &g_array_index(profile->forwards, ProfileForward, f);

        g_assert_true(forward->tcp || forward->udp);
        g_assert_false(forward->has_host4 && forward->has_host6);
        g_assert_true(forward->n_ports >= 1 && forward->n_ports <= PROFILE_FORWARD_PORTS_MAX);
        g_assert_true(forward->host_port >= 1 && forward->guest_port >= 1);
        g_assert_cmpuint(forward->host_port + forward->n_ports - 1u, <=, 65535);
        g_assert_cmpuint(forward->guest_port + forward->n_ports - 1u, <=, 65535);
        for (guint i = 0; i < forward->n_ports * 8u; i++) {
            guint port = forward->host_port + i / 8, place = i % 4;
            bool udp = i / 4 % 2;

            guint packet = port << 3 | (guint)udp << 2 | place;

            if ((udp ? forward->udp : forward->tcp) && leads(forward, place)) {
                g_assert_true(g_hash_table_add(seen, GUINT_TO_POINTER(packet)));
            }
        }
    }
}

/* What passes is sound, whatever it was made of; and every port leads to one
 * place. */
static void test_forwards_noise(void)
{
    static const char *const ports[] = { "1", "80", "65535", "\"80-89\"", "\"85-85\"", "0",
                                         "\"1-65535\"", "\"65530-65535\"", "\"x\"" };
    static const char *const rest[] = { "", ",\"protocol\":\"udp\"", ",\"protocol\":\"both\"",
                                        ",\"host_address\":\"10.0.0.1\"",
                                        ",\"host_address\":\"fd00::1\"", ",\"guest_port\":65530",
                                        ",\"guest_port\":\"10-19\"", ",\"x\":[]" };
    guint passed = 0;

    for (guint i = 0; i < 5000; i++) {
        g_autoptr(GString) entries = g_string_new(NULL);
        guint n = (guint)g_test_rand_int_range(1, 5);

        for (guint f = 0; f < n; f++) {
            gint32 port = g_test_rand_int_range(0, G_N_ELEMENTS(ports));
            gint32 more = g_test_rand_int_range(0, G_N_ELEMENTS(rest));

            g_string_append_printf(entries, "%s{\"host_port\":%s%s}", f > 0 ? "," : "",
                                   ports[port], rest[more]);
        }
        g_autofree char *text = with_forwards(entries->str);
        g_autofree char *faults = NULL;
        g_autoptr(Profile) profile = parse("web.json", text, &faults);

        if (profile) {
            check_sound(profile);
            passed++;
        }
    }
    g_assert_cmpuint(passed, >, 100);
}

static void test_later(void)
{
    static const char text[] = "{\"network\":\"a\",\n\"limits\":{\"pps\":1}}";
    g_autoptr(Faults) faults = faults_new("web.json");
    g_autoptr(GError) error = NULL;

    g_assert_null(profile_parse("web.json", text, strlen(text), faults));
    g_assert_false(faults_to_error(faults, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==,
                    "web.json:2:1: $.limits: this version of tapster has no limits yet; leave it "
                    "out");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/profile/defaults", test_defaults);
    g_test_add_func("/profile/odd-file", test_odd_file);
    g_test_add_func("/profile/everything", test_everything);
    g_test_add_func("/profile/network-alone", test_network_alone);
    g_test_add_func("/profile/name-of-file", test_name_of_file);
    g_test_add_func("/profile/refused", test_refused);
    g_test_add_func("/profile/bounds", test_bounds);
    g_test_add_func("/profile/forwards", test_forwards);
    g_test_add_func("/profile/forward-ports", test_forward_ports);
    g_test_add_func("/profile/forward-address", test_forward_address);
    g_test_add_func("/profile/forwards-refused", test_forwards_refused);
    g_test_add_func("/profile/forwards-beside", test_forwards_beside);
    g_test_add_func("/profile/many-forwards", test_many_forwards);
    g_test_add_func("/profile/forwards-noise", test_forwards_noise);
    g_test_add_func("/profile/later", test_later);
    return g_test_run();
}
