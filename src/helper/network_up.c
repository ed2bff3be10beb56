/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/network_up.h"

#include "base/fd.h"
#include "helper/fence.h"
#include "helper/network_make.h"
#include "helper/remember.h"
#include "helper/residents.h"
#include "helper/roam.h"
#include "kernel/observe.h"
#include "pool/slots.h"

#include <errno.h>

/*
 * From a network's file to a network that stands.
 *
 * Four things tell a warm start that there is nothing to do: the registry has
 * a record of the very file that was opened, the ruleset's generation is the
 * one last found in order, forwarding is on, and its resident has been seen
 * lately and says of no route that it overlaps a subnet of ours. Any other case takes the slow way under the lock, and is decided there
 * anew, because another start may have come first.
 *
 * A network whose resident has ended had no port for long: what its subnet was
 * chosen for may have changed, the host may have moved to a LAN that has the same
 * one. So "auto" is decided again, and mostly comes to the same. Likewise when such
 * a route comes while the resident lives; its mark stays, and starts go on taking
 * the slow way, for as long as any network of ours overlaps something.
 */

/* Making a network takes milliseconds; whoever waits longer than this waits
 * for something that is stuck. */
#define LOCK_WAIT_MS 3000

static bool needs6(const Segment *segment)
{
    return segment->mode == MODE_MASQUERADED && segment->subnet6_length > 0;
}

/* Whether the forwarding that @segment needs is on. */
static bool observe_needed(const Segment *segment, bool *ret_forwards,
                           GError **error)
{
    bool on = true;
    bool on6 = true;

    if ((segment->mode == MODE_MASQUERADED && !observe_forwarding(&on, error)) ||
        (needs6(segment) && !observe_forwarding6(&on6, error))) {
        return false;
    }
    *ret_forwards = on && on6;
    return true;
}

/* The generation is read before the record: who takes a network down, or makes
 * one, sets it to 0 before he touches the record. So a record that goes with a
 * generation in force is in force too, or network_is_same() finds out. */
static bool in_order(const Lookup *lookup, const RegistryNetwork *record,
                     guint32 verified, const Site *site, bool *ret_ready,
                     GError **error)
{
    guint32 generation = 0;
    bool forwards = true;

    if (!firewall_generation(site->sockets.netfilter, &generation, error) ||
        !observe_needed(&record->segment, &forwards, error)) {
        return false;
    }
    *ret_ready = forwards && verified == generation &&
                 !record->unfinished &&
                 file_identity_equal(&record->file, &lookup->network_file) &&
                 residents_vouch(site, &record->segment);
    return true;
}

/* Every tap of its name: one that is being made has no group yet. */
static guint count_ports(const Segment *segment, const GArray *taps)
{
    guint count = 0;

    for (guint i = 0; i < taps->len; i++) {
        guint32 slot;

        count += slots_parse_tap_name(
            segment, g_array_index(taps, FactsLink, i).name.name, &slot);
    }
    return count;
}

/* Whether a known network stays as it is in force: if its file is the same, it was
 * not idle and no route has come; and live ports keep it as it is under them. In this order, as when one
 * is taken down: a start whose tap is not seen here sees the generation gone. */
static bool keep_known(const Lookup *lookup, const Site *site,
                       const RegistryNetwork *record, bool vouched,
                       bool *ret_keep, char **ret_warning, GError **error)
{
    bool same = file_identity_equal(&record->file, &lookup->network_file);
    g_autoptr(GArray) taps = NULL;
    guint count;

    if (same && vouched) {
        *ret_keep = true;
        return true;
    }
    if (!registry_set_generation(site->places.registry_fd, 0, error) ||
        !observe_taps(site->sockets.route, 0, &taps, error)) {
        return false;
    }
    count = count_ports(&record->segment, taps);
    *ret_keep = count > 0;
    if (count > 0 && !same) {
        *ret_warning = g_strdup_printf(
            "'%s' has changed; what it says takes effect when the network's "
            "live ports (%u) are gone", lookup->file, count);
    }
    return true;
}

/* Brings @record's network up with all its rules. */
static bool install(const Site *site, const Others *others, FirewallWish *wish,
                    RegistryNetwork *record, NetworkState *state, GError **error)
{
    const Ifname no_tap = {0};

    state->made =
        apply_new(site->sockets.route, site->sockets.netfilter, 0, &no_tap);
    if (network_make_install(site, others, wish, state->made, record,
                             &state->generation, error)) {
        return true;
    }
    if (state->is_new) {
        network_make_withdraw(site, others, state->made, &record->segment);
    } else {
        apply_undo(state->made);
    }
    return false;
}

/* The slow way, under the lock. */
static bool bring_up(Lookup *lookup, const NetworkGrants *grants,
                     const Site *site, RegistryNetwork *record,
                     NetworkState *state, GError **error)
{
    int registry_fd = site->places.registry_fd;
    g_autoptr(FactsHost) facts = NULL;
    g_auto(Others) others = {0};
    g_auto(FirewallWish) wish = {0};
    Segment before = {0};
    bool forwards = false;
    bool keep = false;
    bool overlaps = false;
    bool marked;
    bool looks;
    bool known;

    network_make_begin(site);
    if (!registry_prepare(registry_fd, &site->place, error)) {
        return false;
    }
    known = registry_find(registry_fd, &site->place, lookup->name, record);
    looks = known && !residents_vouch(site, &record->segment);
    if (known && !keep_known(lookup, site, record, !looks, &keep, &state->warning,
                             error)) {
        return false;
    }
    marked = looks && residents_take_mark(site);
    state->is_new = !known;
    before = record->segment;
    network_make_gather(site, lookup->name, &others);
    /* A ruleset that somebody else has changed is compared again, and that is
     * all: no need to look at every link of the host. */
    if ((keep && !observe_needed(&before, &forwards, error)) ||
        ((looks || !forwards) &&
         !observe_host(site->sockets.route, &facts, error)) ||
        (looks && !roam_look(lookup, &others, keep ? &before : NULL, facts,
                             &overlaps, &state->warning, error)) ||
        (known && !keep && !network_make_unfinish(site, record, error)) ||
        (!keep && !network_make_decide(lookup, grants, site, facts, &others,
                                       record, &state->warning, error)) ||
        (known && !network_make_retire(site, &before, &record->segment, error)) ||
        !fence_ensure(site, &record->segment, facts, &wish, error) ||
        !install(site, &others, &wish, record, state, error)) {
        g_auto(FirewallWish) ignored = {0};

        fence_still_needed(site, &ignored);
        if (marked) {
            residents_put_mark(site);
        }
        return false;
    }
    if (marked && overlaps) {
        residents_put_mark(site);
    }
    remember_save_subnets(site->places.state_fd, &record->segment);
    return true;
}

void network_state_clear(NetworkState *state)
{
    g_clear_pointer(&state->warning, g_free);
    g_clear_pointer(&state->made, apply_free);
}

bool network_up(Lookup *lookup, const NetworkGrants *grants, const Site *site,
                RegistryNetwork *ret_record, NetworkState *ret_state,
                GError **error)
{
    const Places *places = &site->places;
    g_auto(NetworkState) state = {0};
    RegistryNetwork record = {0};
    bool ready = false;

    state.generation = registry_generation(places->registry_fd, &site->place);
    if (registry_find(places->registry_fd, &site->place, lookup->name, &record) &&
        !in_order(lookup, &record, state.generation, site, &ready, error)) {
        return false;
    }
    if (!ready) {
        /* The resident opens it, and does not make it. */
        autofd ports_fd = places_open_file(places->run_fd, PLACES_PORTS);
        int saved_errno = errno;
        autofd lock_fd = site_lock(site, LOCK_WAIT_MS);

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
        if (!bring_up(lookup, grants, site, &record, &state, error)) {
            return false;
        }
    }
    *ret_record = record;
    *ret_state = state;
    state = (NetworkState){0};
    return true;
}

bool network_is_same(const Site *site, const NetworkState *state)
{
    return registry_generation(site->places.registry_fd, &site->place) ==
           state->generation;
}

bool network_note_generation(const Site *site, guint32 verified,
                             guint32 generation, GError **error)
{
    int registry_fd = site->places.registry_fd;
    autofd lock_fd = -1;

    if (generation == verified) {
        return true;
    }
    /* Without the lock the generation could become another between our look at
     * it and our change, and a network that is only half made be taken for one
     * that is in order. The next start compares instead. */
    lock_fd = site_lock(site, 0);
    return lock_fd < 0 ||
           registry_generation(registry_fd, &site->place) != verified ||
           registry_set_generation(registry_fd, generation, error);
}
