/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/take_down.h"

#include "base/fd.h"
#include "helper/carry_out.h"
#include "helper/fence.h"
#include "helper/network_make.h"
#include "helper/residents.h"
#include "kernel/bridge.h"
#include "kernel/link.h"
#include "kernel/observe.h"
#include "pool/slots.h"

#include <string.h>

/*
 * Both work under the lock of the run directory, and in this order: the
 * generation is cleared, then taps are looked for. So a start that found the
 * network in order either has its tap by now, which is seen here and leaves the
 * network as it is; or it sees the generation gone once it has, and makes the
 * network anew, behind the lock. What it does for its port (names, forwards,
 * residents) comes after that look, and is never done on a network that is
 * going.
 *
 * The registry's record goes last: until then whoever is killed leaves a network
 * that is known, with no generation in force and a record that says that it is
 * unfinished, for when another network's start has made a generation.
 */

#define LOCK_WAIT_MS 3000

/* Another network may have come to stand on what this start made. */
static void keep_for_others(Apply *made, const Segment *segment,
                            const GArray *others)
{
    for (guint i = 0; i < others->len; i++) {
        const Segment *other = &g_array_index(others, Segment, i);

        if (other->mode == MODE_MASQUERADED) {
            apply_keep(made, PLAN_FORWARDING_ON);
            if (other->subnet6_length) {
                apply_keep(made, PLAN_FORWARDING6_ON);
            }
        } else if (strcmp(other->bridge.name, segment->bridge.name) == 0) {
            apply_keep(made, PLAN_BRIDGE_UPLINK);
            apply_keep(made, PLAN_BRIDGE_MAKE);
        }
    }
}

/* Nobody is attached to it, and nobody can be but its owner, who has gone. */
static bool is_orphan(const FactsLink *tap, const Segment *segment)
{
    return tap->persistent && !tap->carrier && tap->kind == LINK_TAP &&
           tap->group == segment->group;
}

/* True if a start other than this one has a port on the network. By name: a tap
 * that is being made has no group yet. */
static bool has_ports(const Segment *segment, const GArray *taps,
                      int own_ifindex, GArray *ret_orphans)
{
    for (guint i = 0; i < taps->len; i++) {
        const FactsLink *tap = &g_array_index(taps, FactsLink, i);
        guint32 slot;

        if (tap->ifindex == own_ifindex ||
            !slots_parse_tap_name(segment, tap->name.name, &slot)) {
            continue;
        }
        if (!ret_orphans || !is_orphan(tap, segment)) {
            return true;
        }
        g_array_append_val(ret_orphans, tap->ifindex);
    }
    return false;
}

bool network_has_ports(const Segment *segment, const GArray *taps)
{
    g_autoptr(GArray) orphans = g_array_new(FALSE, TRUE, sizeof(int));

    return has_ports(segment, taps, 0, orphans);
}

void network_take_back(const Site *site, RegistryNetwork *record,
                       const NetworkState *state)
{
    autofd lock_fd = -1;
    g_autoptr(GArray) taps = NULL;
    g_auto(Others) others = {0};

    if (!state->is_new || (lock_fd = site_lock(site, LOCK_WAIT_MS)) < 0 ||
        !registry_set_generation(site->places.registry_fd, 0, NULL) ||
        !observe_taps(site->sockets.route, 0, &taps, NULL) ||
        has_ports(&record->segment, taps, state->tap_ifindex, NULL) ||
        !network_make_unfinish(site, record, NULL)) {
        return;
    }
    network_make_gather(site, record->segment.name, &others);
    keep_for_others(state->made, &record->segment, others.segments);
    network_make_withdraw(site, &others, state->made, &record->segment);
}

/* A bridge that tapster made for a bridged network and that carries nothing. An
 * uplink keeps it: what is plugged in there is the administrator's by now. */
static bool remove_bridge(const Site *site, const Segment *segment,
                          const GArray *others, GError **error)
{
    guint32 group = SEGMENT_BRIDGE_GROUP_BASE |
                    (segment->group & ~SEGMENT_GROUP_MASK);
    Netlink *route = site->sockets.route;
    bool has_address = true;
    bool exists = false;
    FactsLink link;

    for (guint i = 0; i < others->len; i++) {
        const Segment *other = &g_array_index(others, Segment, i);

        if (strcmp(other->bridge.name, segment->bridge.name) == 0) {
            return true;
        }
    }
    if (!observe_link(route, &segment->bridge, &exists, &link, error) ||
        (exists && !observe_link_has_address(route, link.ifindex, &has_address,
                                             error))) {
        return false;
    }
    if (exists && link.kind == LINK_BRIDGE && link.group == group &&
        !has_address) {
        bridge_delete_unused(route, link.ifindex, 0);
    }
    return true;
}

/* Routes, rules and bridges. */
static bool release(const Site *site, const Segment *segment,
                    const GArray *others, GError **error)
{
    const Ifname no_tap = {0};
    g_autoptr(Apply) apply =
        apply_new(site->sockets.route, site->sockets.netfilter, 0, &no_tap);
    Stations stations = {.site = site, .segment = segment, .apply = apply};
    Plan plan;

    plan_retire(segment, &plan);
    return carry_out(&plan, &stations, error) &&
           (segment->mode != MODE_BRIDGED ||
            remove_bridge(site, segment, others, error));
}

/* Forwarding that no network needs any more. */
static bool lift_fence(const Site *site, const GArray *others, GError **error)
{
    g_autoptr(FactsHost) facts = NULL;
    bool ipv4 = true;
    bool ipv6 = true;

    for (guint i = 0; i < others->len; i++) {
        const Segment *other = &g_array_index(others, Segment, i);

        if (other->mode == MODE_MASQUERADED) {
            ipv4 = false;
            ipv6 = ipv6 && other->subnet6_length == 0;
        }
    }
    if (!ipv4 && !ipv6) {
        return true;
    }
    if (!observe_host(site->sockets.route, &facts, error)) {
        return false;
    }
    fence_lift(site, facts, ipv4, ipv6);
    return true;
}

/* With the lock held, and no port. */
static bool take_down(const Site *site, const Segment *segment,
                      const GArray *orphans, GError **error)
{
    g_auto(Others) others = {0};

    for (guint i = 0; i < orphans->len; i++) {
        if (!link_delete(site->sockets.route, g_array_index(orphans, int, i),
                         error)) {
            return false;
        }
    }
    network_make_gather(site, segment->name, &others);
    residents_retire_dns(site, segment);
    if (!release(site, segment, others.segments, error) ||
        !lift_fence(site, others.segments, error)) {
        return false;
    }
    network_make_forget(site, &others, segment);
    if (others.segments->len == 0) {
        residents_stop(site, SERVICE_DHCP, segment->name);
    }
    return true;
}

bool network_take_down(const Site *site, const char *name, bool *ret_down,
                       GError **error)
{
    int registry_fd = site->places.registry_fd;
    g_autoptr(GArray) taps = NULL;
    g_autoptr(GArray) orphans = g_array_new(FALSE, TRUE, sizeof(int));
    autofd lock_fd = site_lock(site, LOCK_WAIT_MS);
    RegistryNetwork record;

    if (lock_fd < 0) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "a start is making a network and does not get done");
    }
    *ret_down = true;
    if (!registry_find(registry_fd, &site->place, name, &record)) {
        return true;
    }
    /* Not for a network that is in use: it would cost the next start. */
    if (!observe_taps(site->sockets.route, 0, &taps, error)) {
        return false;
    }
    *ret_down = !has_ports(&record.segment, taps, 0, orphans);
    if (!*ret_down) {
        return true;
    }
    g_clear_pointer(&taps, g_array_unref);
    g_array_set_size(orphans, 0);
    if (!registry_set_generation(registry_fd, 0, error) ||
        !observe_taps(site->sockets.route, 0, &taps, error)) {
        return false;
    }
    *ret_down = !has_ports(&record.segment, taps, 0, orphans);
    return !*ret_down || (network_make_unfinish(site, &record, error) &&
                          take_down(site, &record.segment, orphans, error));
}
