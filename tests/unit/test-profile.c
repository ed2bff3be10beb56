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
          "hostname, address and mac" },
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

static void test_later(void)
{
    static const char text[] = "{\"network\":\"a\",\n\"forwards\":[{\"protocol\":\"tcp\"}],\n"
                               "\"limits\":{}}";
    g_autoptr(Faults) faults = faults_new("web.json");
    g_autoptr(GError) error = NULL;

    g_assert_null(profile_parse("web.json", text, strlen(text), faults));
    g_assert_false(faults_to_error(faults, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==,
                    "web.json:2:1: $.forwards: this version of tapster has no port forwards yet; "
                    "leave it out (and 1 more)");
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
    g_test_add_func("/profile/later", test_later);
    return g_test_run();
}
