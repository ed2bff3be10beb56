/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/network_make.h"

#include "base/fd.h"
#include "helper/carry_out.h"
#include "helper/fence.h"
#include "helper/foreign.h"
#include "helper/forwarding.h"
#include "helper/remember.h"
#include "helper/reserve.h"
#include "helper/residents.h"
#include "plan/segment_make.h"
#include "pool/registry_file.h"
#include "services/services_dns.h"

#include <string.h>
#include <sys/random.h>

/*
 * Each part is idempotent, and ordered so that one that is killed half way leaves
 * what the next start takes for a network that has to be made: the generation is
 * cleared first and set last.
 */

static const Ifname no_tap = {0};

void firewall_wish_clear(FirewallWish *wish)
{
    g_clear_pointer(&wish->segments, g_array_unref);
    g_clear_pointer(&wish->fenced, g_array_unref);
    g_clear_pointer(&wish->fenced6, g_array_unref);
    g_clear_pointer(&wish->forwards, g_array_unref);
}

void network_make_begin(const Site *site)
{
    static const guint8 no_id[sizeof(site->place.boot_id)] = {0};
    autofd forwards_fd = -1;
    g_auto(FirewallWish) nothing = {0};

    /* Without an id, all that is there is of this boot (places_find()). */
    if (memcmp(site->place.boot_id, no_id, sizeof(no_id)) == 0 ||
        registry_file_fits(site->places.registry_fd, &site->place)) {
        return;
    }
    remember_drop_list(site->places.run_fd, REMEMBER_FENCE);
    remember_drop_list(site->places.run_fd, REMEMBER_FENCE6);
    remember_drop_forwarding6(site->places.run_fd);
    if (forwarding_hold(site, &nothing, &forwards_fd, NULL)) {
        g_array_set_size(nothing.forwards, 0);
        forwarding_release(&nothing, &forwards_fd);
    }
}

void network_make_gather(const Site *site, const char *name, Others *ret_others)
{
    g_autoptr(GArray) networks =
        registry_load_all(site->places.registry_fd, &site->place);
    Others others = {
        .segments = g_array_new(FALSE, TRUE, sizeof(Segment)),
        .subnets = g_array_new(FALSE, TRUE, sizeof(Prefix4)),
        .subnets6 = g_array_new(FALSE, TRUE, sizeof(Prefix6)),
    };

    for (guint i = 0; i < networks->len; i++) {
        const Segment *segment =
            &g_array_index(networks, RegistryNetwork, i).segment;
        Prefix4 subnet = {segment->subnet_address,
                          (guint8)segment->subnet_length};
        Prefix6 subnet6 = {segment->subnet6_address,
                           (guint8)segment->subnet6_length};

        if (strcmp(segment->name, name) == 0) {
            continue;
        }
        g_array_append_val(others.segments, *segment);
        if (subnet.length) {
            g_array_append_val(others.subnets, subnet);
        }
        if (subnet6.length) {
            g_array_append_val(others.subnets6, subnet6);
        }
    }
    *ret_others = others;
}

void others_clear(Others *others)
{
    g_clear_pointer(&others->segments, g_array_unref);
    g_clear_pointer(&others->subnets, g_array_unref);
    g_clear_pointer(&others->subnets6, g_array_unref);
}

static bool draw_random(guint64 *ret_random, GError **error)
{
    ssize_t size = getrandom(ret_random, sizeof(*ret_random), GRND_NONBLOCK);

    /* A prefix that another host has too would be found out years later. */
    return size == (ssize_t)sizeof(*ret_random) ||
           error_set(error, TAPSTER_ERROR_SYSTEM,
                     "the kernel has no random numbers yet, for the IPv6 "
                     "prefix: try again in a minute");
}

/* What "auto" keeps away from beyond what is there now: other programs' plans, and
 * the subnets of networks that are not made now. One that the file names does not:
 * the administrator knows why, and what comes up there later is seen then. */
static GArray *gather_plans(const char *name, const Site *site, FactsHost *facts,
                            GArray *subnets)
{
    GArray *plans = g_array_copy(subnets);
    g_autoptr(GPtrArray) autos = g_ptr_array_new_with_free_func(g_free);

    foreign_load(facts);
    lookup_other_subnets(name, plans, autos);
    for (guint i = 0; i < autos->len; i++) {
        Prefix4 subnet;
        Prefix6 subnet6;

        remember_load_subnets(site->places.state_fd, autos->pdata[i], &subnet,
                              &subnet6);
        if (subnet.length) {
            g_array_append_val(plans, subnet);
        }
    }
    return plans;
}

bool network_make_decide(Lookup *lookup, const NetworkGrants *grants,
                         const Site *site, FactsHost *facts,
                         const Others *others, RegistryNetwork *ret_record,
                         char **ret_warning, GError **error)
{
    RegistryNetwork record = {.file = lookup->network_file, .grants = *grants};
    g_autoptr(GArray) plans = NULL;
    g_autoptr(GArray) reservations = NULL;
    g_autofree char *warning = NULL;
    SegmentHints hints = {
        .has_dnsmasq = services_has_dnsmasq(),
        .others = others->subnets,
        .others6 = others->subnets6,
    };

    remember_load_subnets(site->places.state_fd, lookup->name, &hints.subnet,
                          &hints.subnet6);
    if (!lookup_parse(lookup, error) || !draw_random(&hints.random, error)) {
        return false;
    }
    if (lookup->network->subnet_auto) {
        plans = gather_plans(lookup->name, site, facts, others->subnets);
        hints.others = plans;
    }
    if (!segment_make(lookup->network, facts, &hints, &record.segment, &warning,
                      error)) {
        return false;
    }
    reservations = reserve_resolve(lookup->network, &record.segment);
    record.grants.n_reservations = reservations->len;
    if (!reserve_save(site->places.run_fd, lookup->name, reservations, error)) {
        return false;
    }
    *ret_record = record;
    *ret_warning = g_steal_pointer(&warning);
    return true;
}

static bool same_subnets(const Segment *a, const Segment *b)
{
    return a->mode == b->mode && a->kind == b->kind &&
           a->subnet_address == b->subnet_address &&
           a->subnet_length == b->subnet_length &&
           a->subnet6_length == b->subnet6_length &&
           memcmp(&a->subnet6_address, &b->subnet6_address,
                  sizeof(Address6)) == 0;
}

bool network_make_retire(const Site *site, const Segment *before,
                         const Segment *after, GError **error)
{
    g_autoptr(Apply) apply =
        apply_new(site->sockets.route, site->sockets.netfilter, 0, &no_tap);
    Stations stations = {.site = site, .segment = before, .apply = apply};
    Plan plan;

    if (before->dns_served && !after->dns_served) {
        residents_retire_dns(site, before);
    }
    if (same_subnets(before, after)) {
        return true;
    }
    plan_retire(before, &plan);
    return carry_out(&plan, &stations, error);
}

bool network_make_unfinish(const Site *site, RegistryNetwork *record,
                           GError **error)
{
    record->unfinished = 1;
    return registry_put(site->places.registry_fd, record, error);
}

bool network_make_install(const Site *site, const Others *others,
                          FirewallWish *wish, Apply *made,
                          RegistryNetwork *record, guint32 *ret_generation,
                          GError **error)
{
    int registry_fd = site->places.registry_fd;
    Stations stations = {
        .site = site,
        .segment = &record->segment,
        .apply = made,
        .wish = wish,
    };
    autofd forwards_fd = -1;
    Plan plan;

    /* With the record there and the old generation in force, a start beside this
     * one, or after it was killed, would take the network for one that stands. */
    if (!registry_set_generation(registry_fd, 0, error) ||
        !network_make_unfinish(site, record, error)) {
        return false;
    }
    wish->segments = g_array_copy(others->segments);
    g_array_append_val(wish->segments, record->segment);
    plan_network(&record->segment, &plan);
    if (!forwarding_hold(site, wish, &forwards_fd, error) ||
        !carry_out(&plan, &stations, error)) {
        return false;
    }
    forwarding_release(wish, &forwards_fd);
    record->unfinished = 0;
    if (!registry_put(registry_fd, record, error) ||
        !registry_set_generation(registry_fd, stations.generation, error)) {
        return false;
    }
    *ret_generation = stations.generation;
    return true;
}

void network_make_forget(const Site *site, const Others *others,
                         const Segment *segment)
{
    g_auto(FirewallWish) wish = {.segments = g_array_ref(others->segments)};
    autofd forwards_fd = -1;
    bool held;

    fence_still_needed(site, &wish);
    held = forwarding_hold(site, &wish, &forwards_fd, NULL);
    if (!held) {
        wish.forwards = g_array_new(FALSE, TRUE, sizeof(Forward));
    }
    if (firewall_withdraw(site->sockets.netfilter, &wish, NULL) && held) {
        forwarding_release(&wish, &forwards_fd);
    }
    if (registry_remove(site->places.registry_fd, segment->name, NULL)) {
        reserve_drop(site->places.run_fd, segment->name);
    }
}

void network_make_withdraw(const Site *site, const Others *others, Apply *made,
                           const Segment *segment)
{
    apply_undo(made);
    residents_retire_dns(site, segment);
    network_make_forget(site, others, segment);
}
