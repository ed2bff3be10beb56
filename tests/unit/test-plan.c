/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"
#include "pool/slots.h"

#include <string.h>

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

static Segment make_bridged(UplinkKind uplink)
{
    Segment segment = {0};

    slots_identify("lan", &segment);
    segment.mode = MODE_BRIDGED;
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

/* Whatever the grant: what guards stands before what opens. */
static void test_order(void)
{
    for (guint bits = 0; bits < 128; bits++) {
        bool routed = bits & 1;
        Segment segment = routed ? make_routed()
                                 : make_bridged(bits & 2 ? UPLINK_NAME
                                                         : UPLINK_NONE);
        PlanPort port = {.slot = bits & 4 ? 7 : 0, .has_mac = bits & 8,
                         .new_holder = bits & 16};
        Plan network;
        Plan ports;

        segment.dhcp = bits & 32;
        if (routed && bits & 64) {
            segment.subnet_length = 16;
            segment.pool_size = 60000;
        }
        plan_network(&segment, &network);
        plan_port(&segment, &port, &ports);

        guint up = place(&ports, PLAN_PORT_UP);

        g_assert_cmpuint(up, <, ports.n_operations);
        g_assert_cmpuint(place(&ports, PLAN_PORT_SETTINGS), <, up);
        g_assert_null(find(&ports, PLAN_FORWARDING_ON));
        if (routed) {
            g_assert_cmpuint(place(&ports, PLAN_SUBNET_UNREACHABLE), <, up);
        }
        if (!routed && port.has_mac) {
            g_assert_cmpuint(place(&ports, PLAN_GUARD_MAC), <, up);
        }
        g_assert_cmpuint(place(&ports, PLAN_PORT_NO_IPV6), <, up);
        for (guint i = up + 1; i < ports.n_operations; i++) {
            g_assert_cmpint(ports.operations[i].type, ==, PLAN_PORT_ROUTE);
        }
        g_assert_cmpint(find(&ports, PLAN_PORT_ROUTE) != NULL, ==, routed);
        g_assert_cmpint(find(&ports, PLAN_GUARD_MAC) != NULL, ==,
                        !routed && port.has_mac);
        g_assert_nonnull(find(&network, PLAN_FIREWALL));
        g_assert_cmpint(find(&network, PLAN_FORWARDING_ON) != NULL, ==, routed);
        if (routed) {
            guint forwarding = place(&network, PLAN_FORWARDING_ON);

            g_assert_cmpuint(place(&network, PLAN_SUBNET_UNREACHABLE), <,
                             forwarding);
            g_assert_cmpuint(place(&network, PLAN_FIREWALL), <, forwarding);
        }
    }
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
    g_test_add_func("/plan/order", test_order);
    g_test_add_func("/plan/alias-fits", test_alias_fits);
    return g_test_run();
}
