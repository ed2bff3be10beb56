/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"
#include "pool/slots.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static Segment make_routed(void)
{
    Segment segment = {0};

    slots_identify("nat", &segment);
    segment.mode = MODE_MASQUERADED;
    segment.mtu = 1420;
    segment.subnet_address = 0xc0a84d00;
    segment.subnet_length = 24;
    segment.gateway = 0xc0a84d01;
    segment.pool_offset = 10;
    segment.pool_size = 240;
    segment.dhcp = true;
    return segment;
}

static void add_ipv6(Segment *segment)
{
    segment->subnet6_address = (Address6){{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    segment->subnet6_length = 48;
}

static Segment make_shared(void)
{
    Segment segment = make_routed();

    segment.kind = SEGMENT_SHARED;
    segment.bridge = slots_bridge_name(&segment);
    return segment;
}

static Segment make_bridged(UplinkKind uplink)
{
    Segment segment = {0};

    slots_identify("lan", &segment);
    segment.mode = MODE_BRIDGED;
    segment.kind = SEGMENT_SHARED;
    segment.mtu = 1500;
    segment.pool_size = SEGMENT_BRIDGED_SLOTS;
    segment.uplink = uplink;
    segment.uplink_name = (Ifname){"eth0"};
    segment.bridge = (Ifname){"br0"};
    return segment;
}

/* One line an operation, with the station that carries it out. */
static char *describe(const Plan *plan)
{
    static const char *const stations[] = {"kernel", "firewall", "services"};
    GString *text = g_string_new("");

    g_assert_cmpuint(plan->n_operations, <=, PLAN_OPERATIONS_MAX);
    for (guint i = 0; i < plan->n_operations; i++) {
        const PlanOperation *operation = &plan->operations[i];
        g_autofree char *line = plan_describe(operation);

        g_string_append_printf(text, "%s: %s\n",
                               stations[plan_station(operation->type)], line);
    }
    return g_string_free(text, FALSE);
}

#define assert_plan(plan, expected) \
    G_STMT_START { \
        g_autofree char *text_ = describe(plan); \
        g_assert_cmpstr(text_, ==, expected); \
    } G_STMT_END

static const PlanOperation *find(const Plan *plan, PlanType type)
{
    for (guint i = 0; i < plan->n_operations; i++) {
        if (plan->operations[i].type == type) {
            return &plan->operations[i];
        }
    }
    return NULL;
}

/* The place of @type; behind all where it is absent. */
static guint place(const Plan *plan, PlanType type)
{
    const PlanOperation *found = find(plan, type);

    return found ? (guint)(found - plan->operations) : PLAN_OPERATIONS_MAX;
}

static void test_routed_network(void)
{
    Segment segment = make_routed();
    Plan plan;

    plan_network(&segment, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "firewall: firewall\n"
                "kernel: switch IPv4 forwarding on\n");
    plan_resident(&segment, &plan);
    assert_plan(&plan, "services: tapster-dhcp\n");
    segment.dhcp = false;
    plan_resident(&segment, &plan);
    assert_plan(&plan, "");
    plan_retire(&segment, &plan);
    assert_plan(&plan, "kernel: release 192.168.77.0/24\n");
    /* IPv6 takes router advertisements, also without DHCP and names */
    segment.subnet6_address.bytes[0] = 0xfd;
    segment.subnet6_length = 48;
    plan_resident(&segment, &plan);
    assert_plan(&plan, "services: tapster-dhcp\n");
}

static void test_routed_port(void)
{
    Segment segment = make_routed();
    PlanPort port = {.slot = 10, .new_holder = true};
    Plan plan;

    plan_port(&segment, &port, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "kernel: forget connections of 192.168.77.20\n"
                "kernel: no IPv6 of the host's on the port\n"
                "kernel: settings of the port\n"
                "kernel: proxy ARP without delay\n"
                "kernel: gateway address 192.168.77.1 on the port\n"
                "kernel: port up\n"
                "kernel: route 192.168.77.20 to the port\n");

    const PlanOperation *settings = find(&plan, PLAN_PORT_SETTINGS);
    const PlanOperation *route = find(&plan, PLAN_PORT_ROUTE);
    Mac mac = slots_host_mac(&segment, 10);

    g_assert_true(settings->routed);
    g_assert_true(settings->has_mac);
    g_assert_cmpmem(&settings->mac, sizeof(Mac), &mac, sizeof(Mac));
    g_assert_cmpuint(settings->mtu, ==, 1420);
    g_assert_cmphex(settings->group, ==, segment.group);
    g_assert_cmpstr(settings->alias, ==, "tapster nat slot 10");
    g_assert_cmphex(route->source, ==, segment.gateway);

    port.new_holder = false;
    plan_port(&segment, &port, &plan);
    g_assert_null(find(&plan, PLAN_FORGET_CONNECTIONS));
}

/* The ARP senders of a large pool are admitted with their ports. */
static void test_large_pool(void)
{
    Segment segment = make_routed();
    PlanPort port = {.slot = 4096};
    Plan plan;

    segment.subnet_length = 16;
    segment.subnet_address = 0xc0a80000;
    segment.pool_size = PLAN_FILLED_SLOTS_MAX;
    plan_port(&segment, &port, &plan);
    g_assert_null(find(&plan, PLAN_ADMIT_SENDER));
    segment.pool_size++;
    plan_port(&segment, &port, &plan);
    g_assert_nonnull(find(&plan, PLAN_ADMIT_SENDER));
    g_assert_cmphex(find(&plan, PLAN_ADMIT_SENDER)->address, ==,
                    slots_address(&segment, 4096));
    g_autofree char *line = plan_describe(find(&plan, PLAN_ADMIT_SENDER));
    g_assert_cmpstr(line, ==, "admit sender 192.168.16.10");
}

static void test_bridged_network(void)
{
    Segment segment = make_bridged(UPLINK_NAME);
    Segment alone = make_bridged(UPLINK_NONE);
    Plan plan;

    plan_network(&segment, &plan);
    assert_plan(&plan, "kernel: bridge br0\n"
                       "kernel: uplink eth0 into bridge br0\n"
                       "firewall: firewall\n");

    const PlanOperation *bridge = find(&plan, PLAN_BRIDGE_MAKE);

    g_assert_true(bridge->has_mac);
    g_assert_cmpuint(bridge->mtu, ==, 1500);
    g_assert_cmpstr(bridge->alias, ==, "tapster lan");
    for (guint32 slot = 0; slot < SEGMENT_BRIDGED_SLOTS; slot++) {
        Mac mac = slots_host_mac(&segment, slot);

        g_assert_cmpint(memcmp(&bridge->mac, &mac, sizeof(mac)), !=, 0);
    }
    /* rules for ports must not meet the LAN's own packets */
    g_assert_cmphex(bridge->group & SEGMENT_GROUP_MASK, !=,
                    SEGMENT_GROUP_BASE);

    plan_network(&alone, &plan);
    assert_plan(&plan, "kernel: bridge br0\n"
                       "firewall: firewall\n");
    plan_resident(&segment, &plan);
    assert_plan(&plan, "");
    plan_retire(&segment, &plan);
    assert_plan(&plan, "");
}

static void test_bridged_port(void)
{
    Segment segment = make_bridged(UPLINK_NAME);
    PlanPort port = {.slot = 3, .has_mac = true, .new_holder = true,
                     .mac = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}}};
    Plan plan;

    plan_port(&segment, &port, &plan);
    assert_plan(&plan, "kernel: bridge br0\n"
                       "kernel: uplink eth0 into bridge br0\n"
                       "firewall: guard source 52:54:00:12:34:56\n"
                       "kernel: no IPv6 of the host's on the port\n"
                       "kernel: settings of the port, bridge br0\n"
                       "kernel: port up\n");
    g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->routed);

    port.has_mac = false;
    plan_port(&segment, &port, &plan);
    assert_plan(&plan, "kernel: bridge br0\n"
                       "kernel: uplink eth0 into bridge br0\n"
                       "kernel: no IPv6 of the host's on the port\n"
                       "kernel: settings of the port, bridge br0\n"
                       "kernel: port up\n");
}

static void test_dual_stack_network(void)
{
    Segment segment = make_routed();
    Plan plan;

    add_ipv6(&segment);
    segment.dns_served = true;
    plan_network(&segment, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "kernel: unreachable route for fd12:3456:789a::/48\n"
                "kernel: look up fd12:3456:789a::/48 in table main\n"
                "services: files of dnsmasq\n"
                "firewall: firewall\n"
                "kernel: switch IPv4 forwarding on\n"
                "kernel: switch IPv6 forwarding on\n");
    plan_resident(&segment, &plan);
    assert_plan(&plan, "services: tapster-dhcp\n"
                       "services: tapster-dns\n");
    /* names and IPv6 addresses are looked after without DHCP as well */
    segment.dhcp = false;
    plan_resident(&segment, &plan);
    assert_plan(&plan, "services: tapster-dhcp\n"
                       "services: tapster-dns\n");
    plan_retire(&segment, &plan);
    assert_plan(&plan,
                "kernel: release 192.168.77.0/24 and fd12:3456:789a::/48\n");
    g_assert_cmpstr(plan.operations[0].name.name, ==, "");
}

static void test_dual_stack_port(void)
{
    Segment segment = make_routed();
    PlanPort port = {.slot = 10, .new_holder = true};
    Plan plan;

    add_ipv6(&segment);
    segment.dns_served = true;
    plan_port(&segment, &port, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "kernel: unreachable route for fd12:3456:789a::/48\n"
                "kernel: look up fd12:3456:789a::/48 in table main\n"
                "kernel: forget connections of 192.168.77.20 and "
                "fd12:3456:789a:b::/64\n"
                "kernel: IPv6 on the port, which learns nothing from the guest\n"
                "kernel: settings of the port\n"
                "kernel: proxy ARP without delay\n"
                "kernel: gateway address 192.168.77.1 on the port\n"
                "kernel: address fe80::1/64 on the port\n"
                "kernel: address fd12:3456:789a:b::1/64 on the port\n"
                "kernel: address fd12:3456:789a::1/128 on the port\n"
                "kernel: port up\n"
                "kernel: route 192.168.77.20 to the port\n");
    g_assert_true(find(&plan, PLAN_PORT_SETTINGS)->ipv6);
    g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->localhost);

    /* the second address makes the /64 a route, the third is the resolver's */
    const PlanOperation *address = find(&plan, PLAN_PORT_ADDRESS6) + 1;
    Prefix6 prefix = slots_prefix6(&segment, 10);

    g_assert_cmpint(address->type, ==, PLAN_PORT_ADDRESS6);
    g_assert_cmpmem(&address->prefix6, sizeof(prefix), &prefix, sizeof(prefix));
    g_assert_cmpuint(address[1].prefix6.length, ==, 128);

    segment.dns_served = false;
    plan_port(&segment, &port, &plan);
    g_assert_cmpint((find(&plan, PLAN_PORT_ADDRESS6) + 2)->type, ==, PLAN_PORT_UP);
}

static void test_shared_network(void)
{
    Segment segment = make_shared();
    Plan plan;

    add_ipv6(&segment);
    segment.dns_served = true;
    plan_network(&segment, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "kernel: unreachable route for fd12:3456:789a::/48\n"
                "kernel: look up fd12:3456:789a::/48 in table main\n"
                "kernel: bridge tbup3efz\n"
                "kernel: gateway address 192.168.77.1/24 and "
                "fd12:3456:789a::1/64 on bridge tbup3efz\n"
                "services: files of dnsmasq\n"
                "firewall: firewall\n"
                "kernel: switch IPv4 forwarding on\n"
                "kernel: switch IPv6 forwarding on\n");
    /* what comes in by it is a guest's, as by a port */
    g_assert_cmphex(find(&plan, PLAN_BRIDGE_MAKE)->group, ==, segment.group);
    g_assert_true(find(&plan, PLAN_BRIDGE_MAKE)->ipv6);
    plan_retire(&segment, &plan);
    assert_plan(&plan,
                "kernel: release 192.168.77.0/24 and fd12:3456:789a::/48\n");
    g_assert_cmpstr(plan.operations[0].name.name, ==, "tbup3efz");
    plan_resident(&segment, &plan);
    assert_plan(&plan, "services: tapster-dhcp\n"
                       "services: tapster-dns\n");

    /* nobody gives out addresses, and nobody has a name */
    segment = make_shared();
    segment.dhcp = false;
    plan_resident(&segment, &plan);
    assert_plan(&plan, "");
    plan_network(&segment, &plan);
    g_assert_false(find(&plan, PLAN_BRIDGE_MAKE)->ipv6);
    g_autofree char *gateway =
        plan_describe(find(&plan, PLAN_BRIDGE_ADDRESS));
    g_assert_cmpstr(gateway, ==,
                    "gateway address 192.168.77.1/24 on bridge tbup3efz");
}

static void add_forward(GArray *forwards, guint8 family, guint32 host4)
{
    Forward forward = {.protocol = IPPROTO_TCP, .host_family = family,
                       .host4 = host4, .host_port = 8080, .guest_port = 80,
                       .n_ports = 1};

    g_array_append_val(forwards, forward);
}

static void test_shared_port(void)
{
    g_autoptr(GArray) forwards = g_array_new(FALSE, TRUE, sizeof(Forward));
    Segment segment = make_shared();
    PlanPort port = {.slot = 10, .has_mac = true, .new_holder = true,
                     .mac = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}},
                     .forwards = forwards};
    Plan plan;

    add_forward(forwards, 0, 0);
    add_ipv6(&segment);
    plan_port(&segment, &port, &plan);
    assert_plan(&plan,
                "kernel: unreachable route for 192.168.77.0/24\n"
                "kernel: look up 192.168.77.0/24 in table main\n"
                "kernel: unreachable route for fd12:3456:789a::/48\n"
                "kernel: look up fd12:3456:789a::/48 in table main\n"
                "kernel: bridge tbup3efz\n"
                "kernel: gateway address 192.168.77.1/24 and "
                "fd12:3456:789a::1/64 on bridge tbup3efz\n"
                "firewall: guard source 52:54:00:12:34:56\n"
                "kernel: forget connections of 192.168.77.20\n"
                "kernel: no IPv6 of the host's on the port\n"
                "kernel: settings of the port, bridge tbup3efz\n"
                "firewall: forwards to the port (1)\n"
                "kernel: port up\n");
    /* its packets leave by the bridge */
    g_assert_true(find(&plan, PLAN_BRIDGE_ADDRESS)->localhost);
    g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->localhost);
    g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->routed);
    g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->ipv6);
    g_assert_cmphex(find(&plan, PLAN_PORT_SETTINGS)->group, ==, segment.group);

    /* a bridge guards no ARP senders of its own */
    segment.pool_size = PLAN_FILLED_SLOTS_MAX + 1;
    plan_port(&segment, &port, &plan);
    g_assert_null(find(&plan, PLAN_ADMIT_SENDER));
}

static void test_forwards(void)
{
    static const struct {
        guint8 family;
        guint32 host4;
        bool localhost;
    } cases[] = {
        {0, 0, true},
        {AF_INET, 0x7f000001, true},
        {AF_INET, 0x7f123456, true},
        {AF_INET, 0xc0000201, false},
        {AF_INET, 0x80000000, false},
        {AF_INET6, 0x7f000001, false},
    };
    Segment segment = make_routed();
    Plan plan;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) forwards = g_array_new(FALSE, TRUE, sizeof(Forward));
        PlanPort port = {.slot = 10, .forwards = forwards};

        plan_port(&segment, &port, &plan);
        g_assert_null(find(&plan, PLAN_FORWARDS));
        g_assert_false(find(&plan, PLAN_PORT_SETTINGS)->localhost);

        add_forward(forwards, AF_INET6, 0);
        add_forward(forwards, cases[i].family, cases[i].host4);
        plan_port(&segment, &port, &plan);
        g_assert_true(find(&plan, PLAN_FORWARDS)->forwards == forwards);
        g_assert_cmpint(find(&plan, PLAN_PORT_SETTINGS)->localhost, ==,
                        cases[i].localhost);
        g_assert_cmpuint(place(&plan, PLAN_FORWARDS), >,
                         place(&plan, PLAN_PORT_SETTINGS));
        g_assert_cmpuint(place(&plan, PLAN_FORWARDS), <,
                         place(&plan, PLAN_PORT_UP));
    }
    g_autoptr(GArray) one = g_array_new(FALSE, TRUE, sizeof(Forward));
    PlanPort port = {.slot = 10, .forwards = one};

    add_forward(one, 0, 0);
    plan_port(&segment, &port, &plan);
    g_autofree char *settings = plan_describe(find(&plan, PLAN_PORT_SETTINGS));
    g_assert_cmpstr(settings, ==,
                    "settings of the port, 127.0.0.1 leads to it");
}

/* A bridge's address is that of no port, whatever the pool. */
static void test_bridge_mac(void)
{
    static const guint32 sizes[] = {1, 1023, 1024, 1025, 5000, 65525};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Segment segment = make_shared();
        Plan plan;

        segment.pool_size = sizes[i];
        plan_network(&segment, &plan);
        for (guint32 slot = 0; slot < sizes[i]; slot++) {
            Mac mac = slots_host_mac(&segment, slot);

            g_assert_cmpint(memcmp(&find(&plan, PLAN_BRIDGE_MAKE)->mac, &mac,
                                   sizeof(mac)), !=, 0);
        }
    }
}

typedef enum {
    IS_MASQUERADED = 1 << 0,
    IS_SHARED = 1 << 1,
    HAS_UPLINK = 1 << 2,
    HAS_IPV6 = 1 << 3,
    HAS_FORWARDS = 1 << 4,
    HAS_MAC = 1 << 5,
    IS_NEW = 1 << 6,
    IS_LARGE = 1 << 7,
    HAS_DHCP = 1 << 8,
    HAS_DNS = 1 << 9,
    ALL_BITS = 1 << 10,
} Bits;

static Segment make_any(guint bits)
{
    Segment segment = !(bits & IS_MASQUERADED)
                          ? make_bridged(bits & HAS_UPLINK ? UPLINK_NAME
                                                           : UPLINK_NONE)
                      : bits & IS_SHARED ? make_shared()
                                         : make_routed();

    if (bits & IS_MASQUERADED) {
        segment.dhcp = (bits & HAS_DHCP) != 0;
        segment.dns_served = (bits & HAS_DNS) != 0;
        if (bits & HAS_IPV6) {
            add_ipv6(&segment);
        }
        if (bits & IS_LARGE) {
            segment.subnet_address = 0xc0a80000;
            segment.subnet_length = 16;
            segment.pool_size = 60000;
        }
    }
    return segment;
}

static void check_port_order(const Plan *plan, const Segment *segment,
                             guint bits)
{
    static const PlanType guards[] = {
        PLAN_SUBNET_UNREACHABLE, PLAN_SUBNET6_UNREACHABLE, PLAN_ADMIT_SENDER,
        PLAN_GUARD_MAC, PLAN_FORGET_CONNECTIONS, PLAN_PORT_NO_IPV6,
        PLAN_PORT_IPV6, PLAN_PORT_SETTINGS, PLAN_PORT_ADDRESS6, PLAN_FORWARDS,
    };
    bool masqueraded = bits & IS_MASQUERADED;
    bool routed = masqueraded && !(bits & IS_SHARED);
    guint up = place(plan, PLAN_PORT_UP);

    g_assert_cmpuint(up, <, plan->n_operations);
    for (gsize i = 0; i < G_N_ELEMENTS(guards); i++) {
        const PlanOperation *guard = find(plan, guards[i]);

        g_assert_true(!guard || place(plan, guards[i]) < up);
    }
    for (guint i = up + 1; i < plan->n_operations; i++) {
        g_assert_cmpint(plan->operations[i].type, ==, PLAN_PORT_ROUTE);
    }
    g_assert_null(find(plan, PLAN_FORWARDING_ON));
    g_assert_null(find(plan, PLAN_FORWARDING6_ON));
    g_assert_nonnull(find(plan, PLAN_PORT_SETTINGS));
    g_assert_cmpint(find(plan, PLAN_SUBNET_UNREACHABLE) != NULL, ==,
                    masqueraded);
    g_assert_cmpint(find(plan, PLAN_SUBNET6_UNREACHABLE) != NULL, ==,
                    masqueraded && bits & HAS_IPV6);
    g_assert_cmpint(find(plan, PLAN_PORT_ROUTE) != NULL, ==, routed);
    g_assert_cmpint(find(plan, PLAN_BRIDGE_MAKE) != NULL, ==, !routed);
    g_assert_cmpint(find(plan, PLAN_GUARD_MAC) != NULL, ==,
                    !routed && bits & HAS_MAC);
    g_assert_cmpint(find(plan, PLAN_FORGET_CONNECTIONS) != NULL, ==,
                    masqueraded && bits & IS_NEW);
    g_assert_cmpint(find(plan, PLAN_FORWARDS) != NULL, ==,
                    masqueraded && bits & HAS_FORWARDS);
    g_assert_cmpint(find(plan, PLAN_PORT_IPV6) != NULL, ==,
                    routed && bits & HAS_IPV6);
    g_assert_cmpint(find(plan, PLAN_PORT_NO_IPV6) != NULL, !=,
                    routed && bits & HAS_IPV6);
    g_assert_cmpint(find(plan, PLAN_PORT_ADDRESS6) != NULL, ==,
                    routed && segment->subnet6_length);
}

static void check_network_order(const Plan *plan, guint bits)
{
    bool masqueraded = bits & IS_MASQUERADED;

    g_assert_nonnull(find(plan, PLAN_FIREWALL));
    g_assert_cmpint(find(plan, PLAN_FORWARDING_ON) != NULL, ==, masqueraded);
    g_assert_cmpint(find(plan, PLAN_FORWARDING6_ON) != NULL, ==,
                    masqueraded && bits & HAS_IPV6);
    g_assert_cmpint(find(plan, PLAN_DNS_FILES) != NULL, ==,
                    masqueraded && bits & HAS_DNS);
    if (masqueraded) {
        guint forwarding = place(plan, PLAN_FORWARDING_ON);

        g_assert_cmpuint(place(plan, PLAN_SUBNET_UNREACHABLE), <, forwarding);
        g_assert_cmpuint(place(plan, PLAN_FIREWALL), <, forwarding);
        g_assert_cmpuint(forwarding, <, place(plan, PLAN_FORWARDING6_ON));
    }
}

/* Whatever the grant: what guards stands before what opens. */
static void test_order(void)
{
    g_autoptr(GArray) forwards = g_array_new(FALSE, TRUE, sizeof(Forward));

    add_forward(forwards, 0, 0);
    for (guint bits = 0; bits < ALL_BITS; bits++) {
        Segment segment = make_any(bits);
        PlanPort port = {.slot = 7, .has_mac = bits & HAS_MAC,
                         .new_holder = bits & IS_NEW,
                         .forwards = bits & HAS_FORWARDS ? forwards : NULL};
        Plan plan;

        plan_network(&segment, &plan);
        g_assert_cmpuint(plan.n_operations, <=, PLAN_OPERATIONS_MAX);
        check_network_order(&plan, bits);
        plan_port(&segment, &port, &plan);
        g_assert_cmpuint(plan.n_operations, <=, PLAN_OPERATIONS_MAX);
        check_port_order(&plan, &segment, bits);
    }
}

/* There is a word for each, and a station. */
static void test_descriptions(void)
{
    g_autoptr(GArray) forwards = g_array_new(FALSE, TRUE, sizeof(Forward));
    guint n_services = 0;

    for (guint type = 0; type <= PLAN_DNS; type++) {
        PlanOperation operation = {.type = (PlanType)type,
                                   .forwards = forwards};
        g_autofree char *text = plan_describe(&operation);

        g_assert_cmpstr(text, !=, "unknown operation");
        n_services += plan_station((PlanType)type) == PLAN_BY_SERVICES;
    }
    g_assert_cmpuint(n_services, ==, 3);
}

/* An alias fits, with the longest name and slot, and says nothing else. */
static void test_alias_fits(void)
{
    g_autofree char *name = g_strnfill(NETWORK_NAME_MAX, 'n');
    g_autofree char *expected =
        g_strdup_printf("tapster %s slot 4294967295", name);
    Segment segment = make_routed();
    PlanPort port = {.slot = G_MAXUINT32};
    Plan plan;

    slots_identify(name, &segment);
    plan_port(&segment, &port, &plan);
    g_assert_cmpstr(find(&plan, PLAN_PORT_SETTINGS)->alias, ==, expected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/routed-network", test_routed_network);
    g_test_add_func("/plan/routed-port", test_routed_port);
    g_test_add_func("/plan/large-pool", test_large_pool);
    g_test_add_func("/plan/bridged-network", test_bridged_network);
    g_test_add_func("/plan/bridged-port", test_bridged_port);
    g_test_add_func("/plan/dual-stack-network", test_dual_stack_network);
    g_test_add_func("/plan/dual-stack-port", test_dual_stack_port);
    g_test_add_func("/plan/shared-network", test_shared_network);
    g_test_add_func("/plan/shared-port", test_shared_port);
    g_test_add_func("/plan/forwards", test_forwards);
    g_test_add_func("/plan/bridge-mac", test_bridge_mac);
    g_test_add_func("/plan/order", test_order);
    g_test_add_func("/plan/descriptions", test_descriptions);
    g_test_add_func("/plan/alias-fits", test_alias_fits);
    return g_test_run();
}
