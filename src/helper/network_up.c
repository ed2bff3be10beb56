/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/network_up.h"

#include "base/fd.h"
#include "firewall/firewall.h"
#include "helper/carry_out.h"
#include "helper/fence.h"
#include "helper/remember.h"
#include "kernel/observe.h"
#include "plan/segment_make.h"
#include "pool/slots.h"

#include <errno.h>
#include <string.h>

/*
 * From a network's file to a network that stands.
 *
 * Three things tell a warm start that there is nothing to do: the registry has
 * a record of the very file that was opened, the ruleset's generation is the
 * one last found in order, and forwarding is on. Any other case takes the slow
 * way under the lock, and is decided there anew, because another start may have
 * come first.
 */

/* Making a network takes milliseconds; whoever waits longer than this waits
 * for something that is stuck. */
#define LOCK_WAIT_MS 3000

#define LOCK_FILE "lock"

void sockets_close(Sockets *sockets)
{
    g_clear_pointer(&sockets->route, netlink_free);
    g_clear_pointer(&sockets->netfilter, netlink_free);
}

/* The generation is read before the record: who takes a network back, or makes
 * one, sets it to 0 before he touches the record. So a record that goes with a
 * generation in force is in force too, or network_is_same() finds out. */
static bool in_order(const Lookup *lookup, const RegistryNetwork *record,
                     guint32 verified, const Sockets *sockets, bool *ret_ready,
                     GError **error)
{
    guint32 generation = 0;
    bool forwards = true;

    if (!firewall_generation(sockets->netfilter, &generation, error) ||
        (record->segment.mode == MODE_MASQUERADED &&
         !observe_forwarding(&forwards, error))) {
        return false;
    }
    *ret_ready = forwards && verified == generation &&
                 file_identity_equal(&record->file, &lookup->network_file);
    return true;
}

/* Live ports keep the network as it is under them. */
static bool keep_live(const Lookup *lookup, const Sockets *sockets,
                      RegistryNetwork *record, bool *ret_keep,
                      char **ret_warning, GError **error)
{
    g_autoptr(GArray) taps = NULL;

    if (!observe_taps(sockets->route, record->segment.group, &taps, error)) {
        return false;
    }
    *ret_keep = taps->len > 0;
    if (taps->len > 0) {
        *ret_warning = g_strdup_printf(
            "'%s' has changed; what it says takes effect when the network's "
            "live ports (%u) are gone", lookup->file, taps->len);
    }
    return true;
}

/* Subnets of the other networks made here, and all segments but @name's. */
static void gather_others(GArray *networks, const char *name,
                          GArray *ret_segments, GArray *ret_subnets)
{
    for (guint i = 0; i < networks->len; i++) {
        const Segment *segment =
            &g_array_index(networks, RegistryNetwork, i).segment;
        Prefix4 subnet = {segment->subnet_address,
                          (guint8)segment->subnet_length};

        if (strcmp(segment->name, name) == 0) {
            continue;
        }
        g_array_append_val(ret_segments, *segment);
        if (subnet.length) {
            g_array_append_val(ret_subnets, subnet);
        }
    }
}

/* Decides every "auto". */
static bool decide(Lookup *lookup, const NetworkGrants *grants,
                   const Places *places, const FactsHost *facts,
                   const GArray *other_subnets, RegistryNetwork *ret_record,
                   GError **error)
{
    RegistryNetwork record = {.file = lookup->network_file, .grants = *grants};
    Prefix4 remembered = remember_load_subnet(places->state_fd, lookup->name);

    if (!lookup_parse(lookup, error) ||
        !segment_make(lookup->network, facts, remembered, other_subnets,
                      &record.segment, error)) {
        return false;
    }
    *ret_record = record;
    return true;
}

/* Takes back what this start made for a network. What fails here is mended by
 * the next start; there is nobody to tell. */
static void withdraw(const Places *places, const Sockets *sockets, Apply *made,
                     const Segment *segment, GArray *other_segments)
{
    g_autoptr(GError) ignored = NULL;
    g_autoptr(GArray) fenced = NULL;

    apply_undo(made);
    fenced = fence_still_needed(places);
    if (!firewall_withdraw(sockets->netfilter, other_segments, fenced, &ignored)) {
        g_clear_error(&ignored);
    }
    if (!registry_remove(places->registry_fd, segment->name, &ignored)) {
        return;
    }
}

/* Brings @record's network up with all its rules. The registry has the record
 * before the kernel is touched: the resident reads it. */
static bool make(const Places *places, const Sockets *sockets,
                 GArray *other_segments, GArray *fenced,
                 RegistryNetwork *record, NetworkState *state, GError **error)
{
    const Ifname no_tap = {0};
    g_autoptr(GArray) segments = g_array_copy(other_segments);
    Stations stations = {
        .netfilter = sockets->netfilter,
        .run_fd = places->run_fd,
        .segments = segments,
        .fenced = fenced,
    };
    Plan plan;

    state->made = apply_new(sockets->route, sockets->netfilter, 0, &no_tap);
    stations.apply = state->made;
    /* With the record there and the old generation in force, a start beside this
     * one, or after it was killed, would take the network for one that stands. */
    if (!registry_set_generation(places->registry_fd, 0, error) ||
        !registry_put(places->registry_fd, record, error)) {
        return false;
    }
    g_array_append_val(segments, record->segment);
    plan_network(&record->segment, &plan);
    if (!carry_out(&plan, &stations, error) ||
        !registry_set_generation(places->registry_fd, stations.generation, error)) {
        if (state->is_new) {
            withdraw(places, sockets, state->made, &record->segment,
                     other_segments);
        } else {
            apply_undo(state->made);
        }
        return false;
    }
    state->generation = stations.generation;
    return true;
}

/* A network that is made anew with another subnet leaves the old one. */
static bool retire(const Places *places, const Sockets *sockets,
                   const Segment *before, const Segment *after, GError **error)
{
    const Ifname no_tap = {0};
    g_autoptr(Apply) apply =
        apply_new(sockets->route, sockets->netfilter, 0, &no_tap);
    Stations stations = {
        .netfilter = sockets->netfilter,
        .apply = apply,
        .run_fd = places->run_fd,
    };
    Plan plan;

    if (before->subnet_address == after->subnet_address &&
        before->subnet_length == after->subnet_length &&
        before->mode == after->mode) {
        return true;
    }
    plan_retire(before, &plan);
    return carry_out(&plan, &stations, error);
}

/* The slow way, under the lock. */
static bool bring_up(Lookup *lookup, const NetworkGrants *grants,
                     const Places *places, const RegistryPlace *place,
                     const Sockets *sockets, RegistryNetwork *record,
                     NetworkState *state, GError **error)
{
    const char *name = lookup->name;
    g_autoptr(FactsHost) facts = NULL;
    g_autoptr(GArray) networks = NULL;
    g_autoptr(GArray) other_segments = g_array_new(FALSE, TRUE, sizeof(Segment));
    g_autoptr(GArray) other_subnets = g_array_new(FALSE, TRUE, sizeof(Prefix4));
    g_autoptr(GArray) fenced = NULL;
    Segment before = {0};
    bool forwards = false;
    bool keep = false;
    bool known;

    if (!registry_prepare(places->registry_fd, place, error)) {
        return false;
    }
    known = registry_find(places->registry_fd, place, name, record);
    keep = known && file_identity_equal(&record->file, &lookup->network_file);
    if (known && !keep &&
        !keep_live(lookup, sockets, record, &keep, &state->warning, error)) {
        return false;
    }
    state->is_new = !known;
    before = record->segment;
    networks = registry_load_all(places->registry_fd, place);
    gather_others(networks, name, other_segments, other_subnets);
    /* A ruleset that somebody else has changed is compared again, and that is
     * all: no need to look at every link of the host. */
    if (!observe_forwarding(&forwards, error) ||
        ((!keep || !forwards) && !observe_host(sockets->route, &facts, error)) ||
        (!keep &&
         !decide(lookup, grants, places, facts, other_subnets, record, error)) ||
        (known && !retire(places, sockets, &before, &record->segment, error)) ||
        !fence_ensure(places, &record->segment, facts, &fenced, error) ||
        !make(places, sockets, other_segments, fenced, record, state, error)) {
        if (!forwards) {
            g_array_unref(fence_still_needed(places));
        }
        return false;
    }
    remember_save_subnet(places->state_fd, &record->segment);
    return true;
}

void network_state_clear(NetworkState *state)
{
    g_clear_pointer(&state->warning, g_free);
    g_clear_pointer(&state->made, apply_free);
}

/* Holds the lock until the descriptor closes; -1 if it cannot be had. */
static int lock_run(const Places *places, guint wait_ms)
{
    autofd lock_fd = places_open_file(places->run_fd, LOCK_FILE);

    return lock_fd >= 0 && places_lock(lock_fd, wait_ms)
               ? fd_steal(&lock_fd)
               : -1;
}

bool network_up(Lookup *lookup, const NetworkGrants *grants, const Places *places,
                const RegistryPlace *place, const Sockets *sockets,
                RegistryNetwork *ret_record, NetworkState *ret_state,
                GError **error)
{
    g_auto(NetworkState) state = {0};
    RegistryNetwork record = {0};
    bool ready = false;

    state.generation = registry_generation(places->registry_fd, place);
    if (registry_find(places->registry_fd, place, lookup->name, &record) &&
        !in_order(lookup, &record, state.generation, sockets, &ready, error)) {
        return false;
    }
    if (!ready) {
        /* The resident opens it, and does not make it. */
        autofd ports_fd = places_open_file(places->run_fd, PLACES_PORTS);
        int saved_errno = errno;
        autofd lock_fd = lock_run(places, LOCK_WAIT_MS);

        if (ports_fd < 0) {
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "open '" PLACES_PORTS "' in the run directory");
        }
        if (lock_fd < 0) {
            return error_set(error, TAPSTER_ERROR_BUSY,
                             "another start is making a network and does not "
                             "get done: see what holds the lock in the run "
                             "directory");
        }
        if (!bring_up(lookup, grants, places, place, sockets, &record, &state,
                      error)) {
            return false;
        }
    }
    *ret_record = record;
    *ret_state = state;
    state = (NetworkState){0};
    return true;
}

bool network_is_same(const Places *places, const RegistryPlace *place,
                     const NetworkState *state)
{
    return registry_generation(places->registry_fd, place) == state->generation;
}

bool network_note_generation(const Places *places, const RegistryPlace *place,
                             guint32 verified, guint32 generation,
                             GError **error)
{
    autofd lock_fd = -1;

    if (generation == verified) {
        return true;
    }
    /* Without the lock the generation could become another between our look at
     * it and our change, and a network that is only half made be taken for one
     * that is in order. The next start compares instead. */
    lock_fd = lock_run(places, 0);
    return lock_fd < 0 ||
           registry_generation(places->registry_fd, place) != verified ||
           registry_set_generation(places->registry_fd, generation, error);
}

/* Another network may have come to stand on what this start made. */
static void keep_for_others(Apply *made, const Segment *segment,
                            const GArray *others)
{
    for (guint i = 0; i < others->len; i++) {
        const Segment *other = &g_array_index(others, Segment, i);

        if (other->mode == MODE_MASQUERADED) {
            apply_keep(made, PLAN_FORWARDING_ON);
        } else if (strcmp(other->bridge.name, segment->bridge.name) == 0) {
            apply_keep(made, PLAN_BRIDGE_UPLINK);
            apply_keep(made, PLAN_BRIDGE_MAKE);
        }
    }
}

/* True if a start other than this one has a port on the network. */
static bool others_have_ports(const Segment *segment, const GArray *taps,
                              int own_ifindex)
{
    for (guint i = 0; i < taps->len; i++) {
        const FactsLink *tap = &g_array_index(taps, FactsLink, i);
        guint32 slot;

        if (tap->ifindex != own_ifindex &&
            slots_parse_tap_name(segment, tap->name.name, &slot)) {
            return true;
        }
    }
    return false;
}

void network_take_back(const Places *places, const RegistryPlace *place,
                       const Sockets *sockets, RegistryNetwork *record,
                       const NetworkState *state)
{
    autofd lock_fd = -1;
    g_autoptr(GArray) networks = NULL;
    g_autoptr(GArray) taps = NULL;
    g_autoptr(GArray) segments = g_array_new(FALSE, TRUE, sizeof(Segment));
    g_autoptr(GArray) subnets = g_array_new(FALSE, TRUE, sizeof(Prefix4));

    if (!state->is_new || (lock_fd = lock_run(places, LOCK_WAIT_MS)) < 0) {
        return;
    }
    /* In this order: a start that found the network in order either has its tap
     * by now, which is seen here, or sees the generation gone once it has. */
    if (!registry_set_generation(places->registry_fd, 0, NULL) ||
        !observe_taps(sockets->route, 0, &taps, NULL) ||
        others_have_ports(&record->segment, taps, state->tap_ifindex)) {
        return;
    }
    networks = registry_load_all(places->registry_fd, place);
    gather_others(networks, record->segment.name, segments, subnets);
    keep_for_others(state->made, &record->segment, segments);
    withdraw(places, sockets, state->made, &record->segment, segments);
}
