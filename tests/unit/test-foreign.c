/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/foreign.h"

#include <string.h>

/* What other programs' files say: subnets in the order of the text, joined. */

typedef void (*Scan)(const char *, gsize, const char *, GArray *);

static void check(Scan scan, const char *text, const char *expected)
{
    g_autoptr(GArray) foreign = g_array_new(FALSE, TRUE, sizeof(FactsForeign));
    g_autoptr(GString) found = g_string_new(NULL);
    gsize size = strlen(text);
    /* Exactly as long as it is: a scanner that reads on is found. */
    g_autofree char *exact = g_malloc(size ? size : 1);

    memcpy(exact, text, size);
    scan(exact, size, "somebody's 'file'", foreign);
    for (guint i = 0; i < foreign->len; i++) {
        const FactsForeign *item = &g_array_index(foreign, FactsForeign, i);

        g_assert_cmpstr(item->owner, ==, "somebody's 'file'");
        g_string_append_printf(found, "%s%s", i ? " " : "",
                               address_format_prefix4(item->subnet).text);
    }
    g_assert_cmpstr(found->str, ==, expected);
}

static void test_docker(void)
{
    check(foreign_scan_json,
          "{\"bip\": \"172.30.0.1/16\", \"default-address-pools\": "
          "[{\"base\": \"10.10.0.0/16\", \"size\": 24}, "
          "{\"base\": \"10.20.5.0/16\", \"size\": 24}], \"debug\": true}",
          "172.30.0.0/16 10.10.0.0/16 10.20.0.0/16");
    check(foreign_scan_json, "{\"log-driver\": \"journald\"}", "");
}

static void test_podman(void)
{
    check(foreign_scan_json,
          "{\"name\": \"web\", \"driver\": \"bridge\", \"subnets\": "
          "[{\"subnet\": \"10.89.0.0/24\", \"gateway\": \"10.89.0.1\"}, "
          "{\"subnet\": \"fd00:1::/64\"}], \"ipv6_enabled\": true}",
          "10.89.0.0/24");
}

static void test_cni(void)
{
    check(foreign_scan_json,
          "{\"cniVersion\": \"0.4.0\", \"plugins\": [{\"type\": \"bridge\", "
          "\"ipam\": {\"ranges\": [[{\"subnet\": \"10.88.0.0/16\"}]]}}]}",
          "10.88.0.0/16");
}

static void test_json_nonsense(void)
{
    static const char *const texts[] = {
        "", "{", "null", "[]", "\"10.0.0.0/8\"", "{\"subnet\": 10}",
        "{\"subnet\": null}", "{\"subnet\": \"10.0.0.0\"}",
        "{\"subnet\": \"10.0.0.0/\"}", "{\"subnet\": \"10.0.0.0/x\"}",
        "{\"subnet\": \"10.0.0.0/33\"}", "{\"subnet\": \"10.0.0.0/24x\"}",
        "{\"subnet\": \"/24\"}", "{\"subnet\": \"0.0.0.0/0\"}",
        "{\"subnet\": \"10.0.0.1/32\"}", "{\"subnet\": [\"10.0.0.0/8\"]}",
        "{\"subnet\": \"10.0.0.0/99999999999999999999\"}", "{subnet: 1}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        check(foreign_scan_json, texts[i], "");
    }
}

static void test_libvirt(void)
{
    check(foreign_scan_libvirt,
          "<!--\nWARNING: <ip address='10.1.1.1' netmask='255.255.255.0'>\n-->\n"
          "<network>\n  <name>default</name>\n  <bridge name='virbr0'/>\n"
          "  <ip address='192.168.122.1' netmask='255.255.255.0'>\n"
          "    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>\n"
          "  </ip>\n"
          "  <ip family=\"ipv4\" address=\"10.7.3.1\" prefix=\"22\"/>\n"
          "  <ip\n    address='172.20.9.1'\n    localPtr='yes'/>\n"
          "  <ip family='ipv6' address='fd00::1' prefix='64'/>\n</network>\n",
          "192.168.122.0/24 10.7.0.0/22 172.20.9.0/24");
}

static void test_xml_nonsense(void)
{
    static const char *const texts[] = {
        "", "<", "<ip", "<ip>", "<ip ", "<ip address", "<ip address=",
        "<ip address='>", "<ip address='10.0.0.1", "<ip address='10.0.0.1'",
        "<!-- <ip address='10.0.0.1' prefix='24'/>",
        "<ipx address='10.0.0.1' prefix='24'/>",
        "<ip xaddress='10.0.0.1' prefix='24'/>",
        "<ip address='10.0.0.1' netmask='255.0.255.0'/>",
        "<ip address='10.0.0.1' netmask='x'/>",
        "<ip address='10.0.0.1' prefix='0'/>",
        "<ip address='10.0.0.1' prefix='64'/>",
        "<ip address='10.0.0.1' prefix='-1'/>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        check(foreign_scan_libvirt, texts[i], "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/foreign/docker", test_docker);
    g_test_add_func("/foreign/podman", test_podman);
    g_test_add_func("/foreign/cni", test_cni);
    g_test_add_func("/foreign/json-nonsense", test_json_nonsense);
    g_test_add_func("/foreign/libvirt", test_libvirt);
    g_test_add_func("/foreign/xml-nonsense", test_xml_nonsense);
    return g_test_run();
}
