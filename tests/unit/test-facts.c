/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts/facts.h"
#include "kernel/message.h"
#include "kernel/observe.h"
#include "kernel/port.h"

#include <string.h>

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

/* Looking up facts, reading links out of netlink messages, and the requests
 * that the builders make: all that needs no kernel. */

static void append_link(FactsHost *facts, int ifindex, const char *name)
{
    FactsLink link = { .ifindex = ifindex };

    g_assert_true(ifname_parse(name, &link.name, NULL));
    g_array_append_val(facts->links, link);
}

static void test_find(void)
{
    g_autoptr(FactsHost) facts = g_new0(FactsHost, 1);

    facts->links = g_array_new(false, false, sizeof(FactsLink));
    g_assert_null(facts_find_link(facts, 1));
    append_link(facts, 1, "lo");
    append_link(facts, 7, "eth0");
    g_assert_cmpstr(facts_find_link(facts, 7)->name.name, ==, "eth0");
    g_assert_cmpint(facts_find_link_by_name(facts, "lo")->ifindex, ==, 1);
    g_assert_null(facts_find_link(facts, 0));
    g_assert_null(facts_find_link_by_name(facts, "eth"));
    g_assert_null(facts_find_link_by_name(facts, ""));

    g_autoptr(GHashTable) of_group = facts_links_of_group(facts, 0);
    g_autoptr(GHashTable) of_none = facts_links_of_group(facts, 0x74000001);
    const int eth0 = 7;
    const int absent = 8;

    g_assert_cmpuint(g_hash_table_size(of_group), ==, 2);
    g_assert_true(g_hash_table_contains(of_group, &eth0));
    g_assert_false(g_hash_table_contains(of_group, &absent));
    g_assert_cmpuint(g_hash_table_size(of_none), ==, 0);
    facts_host_free(NULL);
}

/* An RTM_NEWLINK as the kernel writes it, of a kind; "" for a link without. */
static struct nl_msg *link_message(const char *name, const char *kind,
                                   guint8 tun_type)
{
    struct ifinfomsg header = { .ifi_index = 9, .ifi_flags = IFF_UP };
    struct nl_msg *message = message_new(RTM_NEWLINK, 0, &header,
                                         sizeof(header));
    static const guint8 mac[6] = { 0xfe, 1, 2, 3, 4, 5 };
    static const guint8 one = 1;
    guint32 conf[IPV4_DEVCONF_PROXY_ARP] = { 1, 0, 1 };

    message_put_text(message, IFLA_IFNAME, name);
    message_put(message, IFLA_ADDRESS, mac, sizeof(mac));
    message_put_u32(message, IFLA_MTU, 1400);
    message_put_u32(message, IFLA_GROUP, 0x74000001);
    message_put_u32(message, IFLA_MASTER, 4);
    message_put(message, IFLA_CARRIER, &one, 1);
    if (kind[0]) {
        struct nlattr *info = message_begin(message, IFLA_LINKINFO);

        message_put_text(message, IFLA_INFO_KIND, kind);

        struct nlattr *data = message_begin(message, IFLA_INFO_DATA);

        message_put(message, IFLA_TUN_TYPE, &tun_type, 1);
        message_put(message, IFLA_TUN_PERSIST, &one, 1);
        message_put_u32(message, IFLA_TUN_OWNER, 1000);
        message_end(message, data);
        message_end(message, info);
    }

    struct nlattr *spec = message_begin(message, IFLA_AF_SPEC);
    struct nlattr *inet = message_begin(message, AF_INET);

    message_put(message, IFLA_INET_CONF, conf, sizeof(conf));
    message_end(message, inet);
    message_end(message, spec);
    return message;
}

static void test_parse_tap(void)
{
    auto_message message = link_message("tsabcdef0", "tun", IFF_TAP);
    FactsLink link;

    g_assert_true(observe_parse_link(nlmsg_hdr(message), &link));
    g_assert_cmpstr(link.name.name, ==, "tsabcdef0");
    g_assert_cmpint(link.ifindex, ==, 9);
    g_assert_cmpint(link.kind, ==, LINK_TAP);
    g_assert_cmpuint(link.mtu, ==, 1400);
    g_assert_cmphex(link.group, ==, 0x74000001);
    g_assert_cmpint(link.master_ifindex, ==, 4);
    g_assert_cmphex(link.flags, ==, IFF_UP);
    g_assert_cmphex(link.mac.bytes[0], ==, 0xfe);
    g_assert_true(link.carrier && link.persistent && link.forwards);
    g_assert_true(link.has_owner);
    g_assert_cmpuint(link.owner, ==, 1000);
}

static void test_parse_kinds(void)
{
    static const struct {
        const char *kind;
        guint8 tun_type;
        LinkKind expected;
    } cases[] = {
        { "bridge", 0, LINK_BRIDGE },     { "tun", IFF_TUN, LINK_OTHER },
        { "bridge_slave", 0, LINK_OTHER }, { "tunnel", IFF_TAP, LINK_OTHER },
        { "br", 0, LINK_OTHER },          { "", 0, LINK_OTHER },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        auto_message message = link_message("eth0", cases[i].kind,
                                            cases[i].tun_type);
        FactsLink link;

        g_assert_true(observe_parse_link(nlmsg_hdr(message), &link));
        g_assert_cmpint(link.kind, ==, cases[i].expected);
        g_assert_false(link.kind == LINK_OTHER && !cases[i].kind[0] &&
                       link.has_owner);
    }
}

/* Cut anywhere, a message is refused or read in part; never beyond its end
 * (AddressSanitizer looks on). */
static void test_parse_truncated(void)
{
    auto_message whole = link_message("tsabcdef0", "tun", IFF_TAP);
    guint length = nlmsg_hdr(whole)->nlmsg_len;

    for (guint cut = NLMSG_HDRLEN; cut < length; cut++) {
        g_autofree struct nlmsghdr *copy = g_malloc(cut);
        FactsLink link;

        memcpy(copy, nlmsg_hdr(whole), cut);
        copy->nlmsg_len = cut;
        if (observe_parse_link(copy, &link)) {
            g_assert_cmpstr(link.name.name, ==, "tsabcdef0");
        }
    }
    nlmsg_hdr(whole)->nlmsg_type = RTM_DELLINK;
    g_assert_false(observe_parse_link(nlmsg_hdr(whole), &(FactsLink){ 0 }));
}

static const struct nlattr *nested(const struct nlattr *parent, int type)
{
    const struct nlattr *attributes[64];

    message_parse_nested(parent, 63, attributes);
    return attributes[type];
}

static void test_settings(void)
{
    PlanOperation operation = {
        .type = PLAN_PORT_SETTINGS,
        .mac = { { 0xfe, 1, 2, 3, 4, 5 } },
        .has_mac = true,
        .group = 0x74000001,
        .alias = "tapster nat slot 3",
        .routed = true,
    };
    const struct nlattr *attributes[IFLA_MAX + 1];
    auto_message routed = port_settings(&operation, 9, 0);

    message_parse(nlmsg_hdr(routed), sizeof(struct ifinfomsg), IFLA_MAX,
                  attributes);
    g_assert_cmpint(nlmsg_hdr(routed)->nlmsg_type, ==, RTM_SETLINK);
    g_assert_null(attributes[IFLA_MTU]);
    g_assert_null(attributes[IFLA_MASTER]);
    g_assert_cmpstr(nla_data(attributes[IFLA_IFALIAS]), ==, operation.alias);

    const struct nlattr *conf = nested(nested(attributes[IFLA_AF_SPEC],
                                              AF_INET), IFLA_INET_CONF);

    g_assert_cmpuint(message_get_u32(nested(conf, IPV4_DEVCONF_PROXY_ARP)), ==,
                     1);
    g_assert_cmpuint(message_get_u32(nested(conf, IPV4_DEVCONF_RP_FILTER)), ==,
                     1);

    operation.routed = false;
    operation.mtu = 1400;
    auto_message bridged = port_settings(&operation, 9, 4);

    message_parse(nlmsg_hdr(bridged), sizeof(struct ifinfomsg), IFLA_MAX,
                  attributes);
    g_assert_cmpuint(message_get_u32(attributes[IFLA_MTU]), ==, 1400);
    g_assert_cmpuint(message_get_u32(attributes[IFLA_MASTER]), ==, 4);
    g_assert_null(attributes[IFLA_AF_SPEC]);
}

static void test_routes(void)
{
    PlanOperation operation = { .address = 0xc0a84d14, .source = 0xc0a84d01 };
    const struct nlattr *attributes[RTA_MAX + 1];
    Prefix4 prefix = { .address = 0xc0a84d00, .length = 24 };
    auto_message route = port_route(&operation, 9);
    auto_message unreachable = port_subnet_unreachable(prefix, true);

    message_parse(nlmsg_hdr(route), sizeof(struct rtmsg), RTA_MAX, attributes);
    g_assert_cmphex(message_get_u32_be(attributes[RTA_DST]), ==, 0xc0a84d14);
    g_assert_cmphex(message_get_u32_be(attributes[RTA_PREFSRC]), ==,
                    0xc0a84d01);
    g_assert_cmpuint(message_get_u32(attributes[RTA_OIF]), ==, 9);

    const struct rtmsg *header = nlmsg_data(nlmsg_hdr(unreachable));

    g_assert_cmpint(header->rtm_type, ==, RTN_UNREACHABLE);
    g_assert_cmpint(header->rtm_dst_len, ==, 24);
    g_assert_cmpint(header->rtm_protocol, ==, SEGMENT_ROUTE_PROTOCOL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/facts/find", test_find);
    g_test_add_func("/facts/parse-tap", test_parse_tap);
    g_test_add_func("/facts/parse-kinds", test_parse_kinds);
    g_test_add_func("/facts/parse-truncated", test_parse_truncated);
    g_test_add_func("/facts/settings", test_settings);
    g_test_add_func("/facts/routes", test_routes);
    return g_test_run();
}
