/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel-probe.h"
#include "base/fd.h"
#include "kernel/conntrack.h"
#include "kernel/forwarding6.h"
#include "kernel/tap.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Drives src/kernel from a shell or a test, one word of the command line after
 * the other, and holds what it made until its standard input ends. For tests
 * in a network namespace of their own; never installed.
 *
 *   tap NAME                       claim a tap; says "claimed" or "taken"
 *   use NAME                       work on a tap that the test holds
 *   unreachable|rule PREFIX        PLAN_SUBNET_*
 *   unreachable6|rule6 PREFIX6     PLAN_SUBNET6_*
 *   release PREFIX PREFIX6 BRIDGE  PLAN_SUBNET_RELEASE
 *   forwarding | forwarding6       PLAN_FORWARDING_ON, PLAN_FORWARDING6_ON
 *   bridge NAME MTU                PLAN_BRIDGE_MAKE, for a bridged network
 *   segment NAME MTU               the same, for a shared segment
 *   segment4 NAME MTU              the same, without IPv6
 *   gateway NAME ADDRESS PREFIX ADDRESS6 PREFIX6  PLAN_BRIDGE_ADDRESS
 *   uplink NAME BRIDGE             PLAN_BRIDGE_UPLINK
 *   forget ADDRESS PREFIX6         PLAN_FORGET_CONNECTIONS
 *   noipv6 | ipv6 | neighbours | up  PLAN_PORT_*
 *   settings BRIDGE|- MTU          PLAN_PORT_SETTINGS, "-": routed
 *   settings6 BRIDGE|- MTU         the same, with IPv6 and forwards from localhost
 *   address ADDRESS                PLAN_PORT_ADDRESS
 *   address6 ADDRESS6 PREFIX6      PLAN_PORT_ADDRESS6
 *   route ADDRESS SOURCE           PLAN_PORT_ROUTE
 *   forget-by-dump ADDRESS PREFIX6 the way of kernels before 6.11
 *   listener PROTOCOL FIRST LAST ADDRESS  listeners_find(); "-": any address
 *   survey | changed | forwarding6-off  what forwarding changes, and back
 *   flush | undo | link NAME | exists NAME | has-address NAME | taps | host |
 *   place
 *   wait                           until standard input ends
 *
 * Every word's result is one line; a failure is "error: CODE: MESSAGE" and goes
 * on with the next word.
 */

static void claim(Probe *probe)
{
    Ifname name = next_name(probe);
    TapResult result = TAP_TAKEN;
    GError *error = NULL;
    int ifindex = 0;
    bool ok = (probe->tap_fd >= 0 || tap_open(&probe->tap_fd, &error)) &&
              tap_claim(probe->tap_fd, &name, true, 12345, &result, &error);

    if (ok && result == TAP_CLAIMED) {
        if (!tap_exists(netlink_fd(probe->route), &name, &ifindex)) {
            printf("error: the tap is not there\n");
        }
        apply_free(probe->apply);
        probe->apply = apply_new(probe->route, probe->netfilter, ifindex,
                                 &name);
    }
    check(ok, result == TAP_CLAIMED ? "claimed" : "taken", &error);
}

static void use(Probe *probe)
{
    Ifname name = next_name(probe);
    int ifindex = 0;
    bool exists = tap_exists(netlink_fd(probe->route), &name, &ifindex);

    apply_free(probe->apply);
    probe->apply = apply_new(probe->route, probe->netfilter, ifindex, &name);
    printf("%s\n", exists ? "using" : "error: the tap is not there");
}

static void run(Probe *probe, const char *word, const PlanOperation *operation)
{
    GError *error = NULL;

    check(apply_kernel(probe->apply, operation, &error), word, &error);
}

/* What the command line says of an operation. */
static void read_operation(Probe *probe, PlanOperation *operation)
{
    switch (operation->type) {
    case PLAN_SUBNET_UNREACHABLE:
    case PLAN_SUBNET_RULE:
        operation->prefix = next_prefix(probe);
        break;
    case PLAN_SUBNET6_UNREACHABLE:
    case PLAN_SUBNET6_RULE:
        operation->prefix6 = next_prefix6(probe);
        break;
    case PLAN_SUBNET_RELEASE:
        operation->prefix = next_prefix(probe);
        operation->prefix6 = next_prefix6(probe);
        operation->name = next_name(probe);
        break;
    case PLAN_BRIDGE_MAKE:
        operation->name = next_name(probe);
        operation->mtu = (guint32)atoi(next(probe));
        break;
    case PLAN_BRIDGE_ADDRESS:
        operation->name = next_name(probe);
        operation->address = next_address(probe);
        operation->prefix = next_prefix(probe);
        operation->address6 = next_address6(probe);
        operation->prefix6 = next_prefix6(probe);
        operation->localhost = true;
        break;
    case PLAN_BRIDGE_UPLINK:
        operation->link = next_name(probe);
        operation->name = next_name(probe);
        break;
    case PLAN_PORT_SETTINGS:
        operation->name = next_name(probe);
        operation->routed = strcmp(operation->name.name, "-") == 0;
        if (operation->routed) {
            operation->name = (Ifname){ 0 };
        }
        operation->mtu = (guint32)atoi(next(probe));
        break;
    case PLAN_FORGET_CONNECTIONS:
        operation->address = next_address(probe);
        operation->prefix6 = next_prefix6(probe);
        break;
    case PLAN_PORT_ADDRESS:
        operation->address = next_address(probe);
        break;
    case PLAN_PORT_ADDRESS6:
        operation->address6 = next_address6(probe);
        operation->prefix6 = next_prefix6(probe);
        break;
    case PLAN_PORT_ROUTE:
        operation->address = next_address(probe);
        operation->source = next_address(probe);
        break;
    default:
        break;
    }
}

static bool run_operation(Probe *probe, const char *word)
{
    static const struct {
        const char *word;
        PlanType type;
        guint32 group;
        bool ipv6;
    } words[] = {
        { "unreachable", PLAN_SUBNET_UNREACHABLE, GROUP, false },
        { "rule", PLAN_SUBNET_RULE, GROUP, false },
        { "unreachable6", PLAN_SUBNET6_UNREACHABLE, GROUP, false },
        { "rule6", PLAN_SUBNET6_RULE, GROUP, false },
        { "release", PLAN_SUBNET_RELEASE, GROUP, false },
        { "forwarding", PLAN_FORWARDING_ON, GROUP, false },
        { "forwarding6", PLAN_FORWARDING6_ON, GROUP, false },
        { "bridge", PLAN_BRIDGE_MAKE, BRIDGE_GROUP, false },
        { "segment", PLAN_BRIDGE_MAKE, GROUP, true },
        { "segment4", PLAN_BRIDGE_MAKE, GROUP, false },
        { "gateway", PLAN_BRIDGE_ADDRESS, GROUP, false },
        { "uplink", PLAN_BRIDGE_UPLINK, GROUP, false },
        { "forget", PLAN_FORGET_CONNECTIONS, GROUP, false },
        { "noipv6", PLAN_PORT_NO_IPV6, GROUP, false },
        { "ipv6", PLAN_PORT_IPV6, GROUP, false },
        { "neighbours", PLAN_PORT_NEIGHBOURS, GROUP, false },
        { "up", PLAN_PORT_UP, GROUP, false },
        { "settings", PLAN_PORT_SETTINGS, GROUP, false },
        { "settings6", PLAN_PORT_SETTINGS, GROUP, true },
        { "address", PLAN_PORT_ADDRESS, GROUP, false },
        { "address6", PLAN_PORT_ADDRESS6, GROUP, false },
        { "route", PLAN_PORT_ROUTE, GROUP, false },
    };
    PlanOperation operation = {
        .mac = { { 0xfe, 0x74, 1, 2, 3, 4 } },
        .has_mac = true,
        .alias = "tapster probe slot 3",
    };
    guint i = 0;

    while (i < G_N_ELEMENTS(words) && strcmp(words[i].word, word) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(words)) {
        return false;
    }
    operation.type = words[i].type;
    operation.group = words[i].group;
    operation.ipv6 = words[i].ipv6;
    operation.localhost = operation.ipv6 &&
                          operation.type == PLAN_PORT_SETTINGS;
    read_operation(probe, &operation);
    run(probe, word, &operation);
    return true;
}

static bool run_way_back(Probe *probe, const char *word)
{
    GError *error = NULL;

    if (strcmp(word, "flush") == 0) {
        check(apply_flush(probe->apply, &error), "flushed", &error);
    } else if (strcmp(word, "undo") == 0) {
        printf("undoing %d\n", apply_changed_host(probe->apply));
        apply_undo(probe->apply);
    } else if (strcmp(word, "changed") == 0) {
        print_changes(apply_forwarding6(probe->apply));
    } else if (strcmp(word, "forwarding6-off") == 0) {
        check(forwarding6_off(apply_forwarding6(probe->apply), &error), "off",
              &error);
    } else {
        return false;
    }
    return true;
}

static void forget_by_dump(Probe *probe)
{
    guint32 address = next_address(probe);
    Prefix6 prefix6 = next_prefix6(probe);
    GError *error = NULL;

    check(conntrack_forget_by_dump(probe->netfilter, address,
                                   prefix6.length ? &prefix6 : NULL, &error),
          "forgotten", &error);
}

static void run_word(Probe *probe, const char *word)
{
    if (strcmp(word, "tap") == 0) {
        claim(probe);
    } else if (strcmp(word, "use") == 0) {
        use(probe);
    } else if (strcmp(word, "forget-by-dump") == 0) {
        forget_by_dump(probe);
    } else if (strcmp(word, "wait") == 0) {
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else if (!run_way_back(probe, word) && !run_question(probe, word) &&
               !run_operation(probe, word)) {
        fprintf(stderr, "kernel-probe: unknown word %s\n", word);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    Probe probe = { .tap_fd = -1, .words = argv + 1 };
    GError *error = NULL;

    if (!netlink_open(NETLINK_ROUTE, &probe.route, &error) ||
        !netlink_open(NETLINK_NETFILTER, &probe.netfilter, &error)) {
        check(false, "", &error);
        return 1;
    }
    probe.apply = apply_new(probe.route, probe.netfilter, 0, NULL);
    while (*probe.words) {
        run_word(&probe, next(&probe));
        fflush(stdout);
    }
    apply_free(probe.apply);
    netlink_free(probe.netfilter);
    netlink_free(probe.route);
    if (probe.tap_fd >= 0) {
        close(probe.tap_fd);
    }
    return 0;
}
