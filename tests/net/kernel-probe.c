/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"
#include "base/fd.h"
#include "kernel/apply.h"
#include "kernel/conntrack.h"
#include "kernel/link.h"
#include "kernel/observe.h"
#include "pool/registry.h"
#include "kernel/tap.h"

#include <errno.h>
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
 *   forwarding                     PLAN_FORWARDING_ON
 *   bridge NAME MTU                PLAN_BRIDGE_MAKE
 *   uplink NAME BRIDGE             PLAN_BRIDGE_UPLINK
 *   forget ADDRESS                 PLAN_FORGET_CONNECTIONS
 *   noipv6 | neighbours | up       PLAN_PORT_*
 *   settings BRIDGE|- MTU          PLAN_PORT_SETTINGS, "-": routed
 *   address ADDRESS                PLAN_PORT_ADDRESS
 *   route ADDRESS SOURCE           PLAN_PORT_ROUTE
 *   forget-by-dump ADDRESS         the way of kernels before 6.11
 *   flush | undo | link NAME | exists NAME | has-address NAME | taps | host |
 *   place
 *   wait                           until standard input ends
 *
 * Every word's result is one line; a failure is "error: CODE: MESSAGE" and goes
 * on with the next word.
 */

#define GROUP 0x74123456u

typedef struct {
    Netlink *route;
    Netlink *netfilter;
    Apply *apply;
    int tap_fd;
    char **words;
} Probe;

static const char *next(Probe *probe)
{
    if (!*probe->words) {
        fprintf(stderr, "kernel-probe: a word is missing\n");
        exit(2);
    }
    return *probe->words++;
}

/* @error by its address: the call that sets it may stand beside it. */
static void check(bool ok, const char *done, GError **error)
{
    if (ok) {
        printf("%s\n", done);
    } else {
        printf("error: %d: %s\n", (*error)->code, (*error)->message);
        g_clear_error(error);
    }
}

static Ifname next_name(Probe *probe)
{
    Ifname name = { 0 };

    if (!ifname_parse(next(probe), &name, NULL)) {
        exit(2);
    }
    return name;
}

static guint32 next_address(Probe *probe)
{
    guint32 address = 0;

    if (!address_parse_ipv4(next(probe), &address, NULL)) {
        exit(2);
    }
    return address;
}

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

static bool run_operation(Probe *probe, const char *word)
{
    static const struct {
        const char *word;
        PlanType type;
    } types[] = {
        { "unreachable", PLAN_SUBNET_UNREACHABLE },
        { "rule", PLAN_SUBNET_RULE },
        { "forwarding", PLAN_FORWARDING_ON },
        { "bridge", PLAN_BRIDGE_MAKE },
        { "uplink", PLAN_BRIDGE_UPLINK },
        { "forget", PLAN_FORGET_CONNECTIONS },
        { "noipv6", PLAN_PORT_NO_IPV6 },
        { "neighbours", PLAN_PORT_NEIGHBOURS },
        { "up", PLAN_PORT_UP },
        { "settings", PLAN_PORT_SETTINGS },
        { "address", PLAN_PORT_ADDRESS },
        { "route", PLAN_PORT_ROUTE },
    };
    PlanOperation operation = {
        .group = GROUP,
        .mac = { { 0xfe, 0x74, 1, 2, 3, 4 } },
        .has_mac = true,
        .alias = "tapster probe slot 3",
    };
    guint i = 0;

    while (i < G_N_ELEMENTS(types) && strcmp(types[i].word, word) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(types)) {
        return false;
    }
    operation.type = types[i].type;
    switch (operation.type) {
    case PLAN_SUBNET_UNREACHABLE:
    case PLAN_SUBNET_RULE:
        if (!address_parse_prefix4(next(probe), &operation.prefix, NULL)) {
            exit(2);
        }
        break;
    case PLAN_BRIDGE_MAKE:
        operation.name = next_name(probe);
        operation.mtu = (guint32)atoi(next(probe));
        break;
    case PLAN_BRIDGE_UPLINK:
        operation.link = next_name(probe);
        operation.name = next_name(probe);
        break;
    case PLAN_PORT_SETTINGS:
        operation.name = next_name(probe);
        operation.routed = strcmp(operation.name.name, "-") == 0;
        if (operation.routed) {
            operation.name = (Ifname){ 0 };
        }
        operation.mtu = (guint32)atoi(next(probe));
        break;
    case PLAN_FORGET_CONNECTIONS:
    case PLAN_PORT_ADDRESS:
        operation.address = next_address(probe);
        break;
    case PLAN_PORT_ROUTE:
        operation.address = next_address(probe);
        operation.source = next_address(probe);
        break;
    default:
        break;
    }
    run(probe, word, &operation);
    return true;
}

static void print_link(const FactsLink *link)
{
    static const char *const kinds[] = { "other", "bridge", "tap",
                                         "wireless" };

    printf("link %s kind=%s mtu=%u group=%#x master=%d carrier=%d "
           "persistent=%d owner=%d forwards=%d mac=%s\n",
           link->name.name, kinds[link->kind], link->mtu, link->group,
           link->master_ifindex != 0, link->carrier, link->persistent,
           link->has_owner ? (int)link->owner : -1, link->forwards,
           address_format_mac(&link->mac).text);
}

static void print_host(Probe *probe)
{
    g_autoptr(FactsHost) facts = NULL;
    GError *error = NULL;

    if (!observe_host(probe->route, &facts, &error)) {
        check(false, "", &error);
        return;
    }
    for (guint i = 0; i < facts->links->len; i++) {
        print_link(&g_array_index(facts->links, FactsLink, i));
    }
    for (guint i = 0; i < facts->addresses->len; i++) {
        FactsAddress *address = &g_array_index(facts->addresses, FactsAddress,
                                               i);
        const FactsLink *link = facts_find_link(facts, address->ifindex);

        printf("address %s/%d %s\n",
               address_format_ipv4(address->address).text, address->length,
               link ? link->name.name : "?");
    }
    for (guint i = 0; i < facts->routes->len; i++) {
        FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);
        const FactsLink *link = facts_find_link(facts, route->out_ifindex);

        printf("route %s table=%u type=%d protocol=%d %s\n",
               address_format_prefix4(route->destination).text, route->table,
               route->type, route->protocol, link ? link->name.name : "-");
    }
    printf("forwarding %d\n", facts->forwarding);
}

static void print_taps(Probe *probe)
{
    g_autoptr(GArray) links = NULL;
    GError *error = NULL;

    if (!observe_taps(probe->route, GROUP, &links, &error)) {
        check(false, "", &error);
        return;
    }
    printf("taps %u\n", links->len);
    for (guint i = 0; i < links->len; i++) {
        print_link(&g_array_index(links, FactsLink, i));
    }
}

static void print_link_named(Probe *probe, bool addresses)
{
    Ifname name = next_name(probe);
    FactsLink link = { 0 };
    GError *error = NULL;
    bool exists = false, has_address = false;

    if (!observe_link(probe->route, &name, &exists, &link, &error)) {
        check(false, "", &error);
    } else if (!exists) {
        printf("absent\n");
    } else if (!addresses) {
        print_link(&link);
    } else {
        bool ok = observe_link_has_address(probe->route, link.ifindex,
                                           &has_address, &error);

        check(ok, has_address ? "has an address" : "has no address", &error);
    }
}

static void print_place(void)
{
    RegistryPlace place;
    GError *error = NULL;
    g_autoptr(Netlink) route = NULL;

    if (!netlink_open(NETLINK_ROUTE, &route, &error) ||
        !observe_namespace(netlink_fd(route), &place.netns_cookie, &error) ||
        !observe_boot(place.boot_id, &error)) {
        check(false, "", &error);
        return;
    }
    printf("place ");
    for (guint i = 0; i < sizeof(place.boot_id); i++) {
        printf("%02x", place.boot_id[i]);
    }
    printf(" %" G_GUINT64_FORMAT "\n", place.netns_cookie);
}

static void run_word(Probe *probe, const char *word)
{
    GError *error = NULL;

    if (strcmp(word, "tap") == 0) {
        claim(probe);
    } else if (strcmp(word, "use") == 0) {
        use(probe);
    } else if (strcmp(word, "forget-by-dump") == 0) {
        check(conntrack_forget_by_dump(probe->netfilter, next_address(probe),
                                       &error), "forgotten", &error);
    } else if (strcmp(word, "flush") == 0) {
        check(apply_flush(probe->apply, &error), "flushed", &error);
    } else if (strcmp(word, "undo") == 0) {
        printf("undoing %d\n", apply_changed_host(probe->apply));
        apply_undo(probe->apply);
    } else if (strcmp(word, "link") == 0) {
        print_link_named(probe, false);
    } else if (strcmp(word, "has-address") == 0) {
        print_link_named(probe, true);
    } else if (strcmp(word, "exists") == 0) {
        Ifname name = next_name(probe);

        printf("exists %d\n",
               tap_exists(netlink_fd(probe->route), &name, NULL));
    } else if (strcmp(word, "taps") == 0) {
        print_taps(probe);
    } else if (strcmp(word, "host") == 0) {
        print_host(probe);
    } else if (strcmp(word, "place") == 0) {
        print_place();
    } else if (strcmp(word, "wait") == 0) {
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else if (!run_operation(probe, word)) {
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
