/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel-probe.h"
#include "kernel/forwarding6.h"
#include "kernel/listeners.h"
#include "kernel/observe.h"
#include "kernel/tap.h"
#include "pool/registry.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * kernel-probe's questions: what observe.c, listeners.c and their like say,
 * printed; and its command line.
 */

const char *next(Probe *probe)
{
    if (!*probe->words) {
        fprintf(stderr, "kernel-probe: a word is missing\n");
        exit(2);
    }
    return *probe->words++;
}

void check(bool ok, const char *done, GError **error)
{
    if (ok) {
        printf("%s\n", done);
    } else {
        printf("error: %d: %s\n", (*error)->code, (*error)->message);
        g_clear_error(error);
    }
}

Ifname next_name(Probe *probe)
{
    Ifname name = { 0 };

    if (!ifname_parse(next(probe), &name, NULL)) {
        exit(2);
    }
    return name;
}

guint32 next_address(Probe *probe)
{
    guint32 address = 0;

    if (!address_parse_ipv4(next(probe), &address, NULL)) {
        exit(2);
    }
    return address;
}

Prefix4 next_prefix(Probe *probe)
{
    Prefix4 prefix = { 0 };

    if (!address_parse_prefix4(next(probe), &prefix, NULL)) {
        exit(2);
    }
    return prefix;
}

Address6 next_address6(Probe *probe)
{
    Address6 address = { { 0 } };

    if (!address_parse_ipv6(next(probe), &address, NULL)) {
        exit(2);
    }
    return address;
}

Prefix6 next_prefix6(Probe *probe)
{
    const char *word = next(probe);
    Prefix6 prefix = { 0 };

    if (strcmp(word, "-") != 0 &&
        !address_parse_prefix6(word, &prefix, NULL)) {
        exit(2);
    }
    return prefix;
}

static void print_link(const FactsLink *link)
{
    static const char *const kinds[] = { "other", "bridge", "tap",
                                         "wireless" };

    printf("link %s kind=%s mtu=%u group=%#x master=%d carrier=%d "
           "persistent=%d owner=%d forwards=%d forwards6=%d accept_ra=%d "
           "mac=%s\n",
           link->name.name, kinds[link->kind], link->mtu, link->group,
           link->master_ifindex != 0, link->carrier, link->persistent,
           link->has_owner ? (int)link->owner : -1, link->forwards,
           link->forwards6, link->accept_ra,
           address_format_mac(&link->mac).text);
}

static const char *name_of(const FactsHost *facts, int ifindex)
{
    const FactsLink *link = facts_find_link(facts, ifindex);

    return link ? link->name.name : "-";
}

static void print_host6(const FactsHost *facts)
{
    for (guint i = 0; i < facts->addresses6->len; i++) {
        FactsAddress6 *address = &g_array_index(facts->addresses6,
                                                FactsAddress6, i);

        printf("address %s/%d %s\n",
               address_format_ipv6(&address->address).text, address->length,
               name_of(facts, address->ifindex));
    }
    for (guint i = 0; i < facts->routes6->len; i++) {
        FactsRoute6 *route = &g_array_index(facts->routes6, FactsRoute6, i);

        printf("route %s table=%u type=%d protocol=%d %s\n",
               address_format_prefix6(&route->destination).text, route->table,
               route->type, route->protocol,
               name_of(facts, route->out_ifindex));
    }
    printf("ipv6 %d forwarding6 %d foreign %u\n", facts->has_ipv6,
           facts->forwarding6, facts->foreign->len);
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

        printf("address %s/%d %s\n",
               address_format_ipv4(address->address).text, address->length,
               name_of(facts, address->ifindex));
    }
    for (guint i = 0; i < facts->routes->len; i++) {
        FactsRoute *route = &g_array_index(facts->routes, FactsRoute, i);

        printf("route %s table=%u type=%d protocol=%d %s\n",
               address_format_prefix4(route->destination).text, route->table,
               route->type, route->protocol,
               name_of(facts, route->out_ifindex));
    }
    printf("forwarding %d\n", facts->forwarding);
    print_host6(facts);
}

void print_changes(const GArray *links)
{
    printf("changes %u\n", links->len);
    for (guint i = 0; i < links->len; i++) {
        Forwarding6Link *link = &g_array_index(links, Forwarding6Link, i);

        printf("change %s listened=%d forwarded=%d\n", link->name.name,
               link->listened, link->forwarded);
    }
}

static void print_survey(Probe *probe)
{
    g_autoptr(GArray) links = NULL;
    GError *error = NULL;

    if (forwarding6_survey(probe->route, &links, &error)) {
        print_changes(links);
    } else {
        check(false, "", &error);
    }
}

static void print_listener(Probe *probe)
{
    ListenersQuery query = {
        .protocol = strcmp(next(probe), "tcp") == 0 ? IPPROTO_TCP
                                                    : IPPROTO_UDP,
    };
    GError *error = NULL;
    Listener listener;
    bool found;

    query.first_port = (guint16)atoi(next(probe));
    query.last_port = (guint16)atoi(next(probe));

    const char *address = next(probe);

    if (address_parse_ipv4(address, &query.address4, NULL)) {
        query.family = AF_INET;
    } else if (address_parse_ipv6(address, &query.address6, NULL)) {
        query.family = AF_INET6;
    }
    if (!listeners_find(&query, &found, &listener, &error)) {
        check(false, "", &error);
    } else if (!found) {
        printf("nobody\n");
    } else {
        printf("listener port=%u protocol=%u uid=%u inode=%u\n",
               listener.port, listener.protocol, listener.uid,
               listener.inode);
    }
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

bool run_question(Probe *probe, const char *word)
{
    if (strcmp(word, "link") == 0) {
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
    } else if (strcmp(word, "listener") == 0) {
        print_listener(probe);
    } else if (strcmp(word, "survey") == 0) {
        print_survey(probe);
    } else {
        return false;
    }
    return true;
}
