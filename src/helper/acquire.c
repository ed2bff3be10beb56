/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/acquire.h"

#include "base/fd.h"
#include "firewall/firewall.h"
#include "helper/carry_out.h"
#include "helper/claim.h"
#include "helper/lookup.h"
#include "helper/network_up.h"
#include "helper/places.h"
#include "helper/privilege.h"
#include "helper/resolve.h"
#include "kernel/observe.h"
#include "kernel/tap.h"
#include "pool/slots.h"

#include <linux/netlink.h>
#include <string.h>

/*
 * The stations in their order, one function each:
 *
 *   lookup    which network, which profile?   files; the caller's as the caller
 *   permit    may they?                       pure
 *   network   is it made and in order?        registry, firewall, kernel
 *   claim     which slot?                     store, kernel
 *   resident  who answers the guest?          services
 *   port      make the tap a port             kernel, firewall
 *
 * What a later station finds out never changes an earlier one's answer.
 */

static bool refuse(Lookup *lookup, const Caller *caller, GError **error)
{
    if (!lookup_parse(lookup, error)) {
        return false;
    }

    g_autofree char *allowed = permit_describe(lookup->network);
    g_auto(GStrv) names = lookup_usable(caller, MODE_NONE);
    g_autofree char *usable = g_strjoinv(", ", names);
    g_autofree char *user = resolve_describe_user(caller->uid);

    return error_set(error, TAPSTER_ERROR_DENIED,
                     "%s may not use network '%s': '%s' allows %s; "
                     "networks that they may use: %s",
                     user, lookup->name, lookup->file, allowed,
                     names[0] ? usable : "none");
}

/* What the registry keeps, if it came from this very file; else the file is
 * parsed and names are looked up, so that a change of it counts at once. */
static bool find_grants(Lookup *lookup, const RegistryNetwork *record,
                        NetworkGrants *ret_grants, GError **error)
{
    if (record->segment.name[0] &&
        file_identity_equal(&record->file, &lookup->network_file)) {
        *ret_grants = record->grants;
        return true;
    }
    if (!lookup_parse(lookup, error)) {
        return false;
    }
    resolve_grants(lookup->network, ret_grants);
    return true;
}

static bool permit(Lookup *lookup, const RegistryNetwork *record,
                   const Caller *caller, NetworkGrants *ret_grants,
                   guint32 *ret_max_ports, GError **error)
{
    Caller asking = *caller;

    if (!find_grants(lookup, record, ret_grants, error)) {
        return false;
    }
    asking.can_open = resolve_can_open(ret_grants);
    if (!permit_network(&asking, ret_grants, ret_max_ports)) {
        return refuse(lookup, caller, error);
    }
    return !lookup->profile ||
           permit_profile(ret_grants, lookup->name, lookup->file,
                          lookup->profile, lookup->profile_trusted, error);
}

/* The resident must find a tap, and needs privilege that the port does not. */
static bool ensure_resident(const Segment *segment, Stations *stations,
                            GError **error)
{
    Plan plan;

    plan_resident(segment, &plan);
    return carry_out(&plan, stations, error) && privilege_settle(error);
}

/* What DHCP tells the guest beyond its address. */
static bool note_hostname(const Places *places, const RegistryNetwork *record,
                          const Claim *claim, GError **error)
{
    autofd ports_fd = -1;

    /* Without a name there is nothing to say, and what a former holder's
     * record says is not about this interface. */
    if (!claim->hostname[0] || !record->segment.dhcp) {
        return true;
    }
    ports_fd = places_open_file(places->run_fd, PLACES_PORTS);
    return registry_put_port(ports_fd, record->ports_base + claim->slot,
                             claim->tap_ifindex, claim->hostname, error);
}

/* Makes the tap a port. If that fails, what was mended of the network on the way
 * is taken back, and so is the guard, though its interface index never comes
 * back. */
static bool make_port(const Segment *segment, const Profile *profile,
                      const Claim *claim, Stations *stations, GError **error)
{
    PlanPort port = {
        .slot = claim->slot,
        .new_holder = claim->new_holder,
    };
    Plan plan;

    if (profile && profile->has_mac) {
        port.mac = profile->mac;
        port.has_mac = true;
    }
    plan_port(segment, &port, &plan);
    if (carry_out(&plan, stations, error)) {
        return true;
    }
    apply_undo(stations->apply);
    for (guint i = 0; i < plan.n_operations; i++) {
        if (plan.operations[i].type == PLAN_GUARD_MAC) {
            firewall_forget_port(stations->netfilter, &plan.operations[i],
                                 claim->tap_ifindex);
        }
    }
    return false;
}

static bool open_sockets(Sockets *sockets, GError **error)
{
    return netlink_open(NETLINK_ROUTE, &sockets->route, error) &&
           netlink_open(NETLINK_NETFILTER, &sockets->netfilter, error);
}

/* Sees to the network, and takes its warning over. */
static bool ensure_network(Lookup *lookup, const NetworkGrants *grants,
                           const Places *places, const RegistryPlace *place,
                           const Sockets *sockets, RegistryNetwork *record,
                           NetworkState *state, GPtrArray *warnings,
                           GError **error)
{
    if (!network_up(lookup, grants, places, place, sockets, record, state, error)) {
        return false;
    }
    if (state->warning) {
        g_ptr_array_add(warnings, g_steal_pointer(&state->warning));
    }
    return true;
}

/* From a slot on a network that stands to a port. */
static bool build_port(const Lookup *lookup, const Places *places,
                       const RegistryPlace *place, const Sockets *sockets,
                       const RegistryNetwork *record, const Claim *claim,
                       GError **error)
{
    g_autoptr(Apply) apply = apply_new(sockets->route, sockets->netfilter,
                                       claim->tap_ifindex, &claim->tap);
    guint32 verified = registry_generation(places->registry_fd, place);
    Stations stations = {
        .netfilter = sockets->netfilter,
        .apply = apply,
        .run_fd = places->run_fd,
        .tap_ifindex = claim->tap_ifindex,
        .tap = claim->tap,
        .generation = verified,
    };

    if (!ensure_resident(&record->segment, &stations, error) ||
        !note_hostname(places, record, claim, error) ||
        !make_port(&record->segment, lookup->profile, claim, &stations, error)) {
        return false;
    }
    /* An element of ours moved the generation on. */
    return network_note_generation(places, place, verified,
                                   stations.generation, error);
}

/* Somebody else worked on networks while the tap was not there yet: sees to the
 * network once more, and that the slot is still what it was. */
static bool ensure_again(Lookup *lookup, const NetworkGrants *grants,
                         const Places *places, const RegistryPlace *place,
                         const Sockets *sockets, const Claim *claim,
                         RegistryNetwork *record, NetworkState *state,
                         GError **error)
{
    guint32 address = slots_address(&record->segment, claim->slot);
    g_auto(NetworkState) again = {0};

    if (!network_up(lookup, grants, places, place, sockets, record, &again,
                    error)) {
        return false;
    }
    /* Made by this start after all: then it is this start's to take back. */
    if (again.is_new) {
        again.tap_ifindex = claim->tap_ifindex;
        network_state_clear(state);
        *state = again;
        again = (NetworkState){0};
    }
    return (slots_usable(&record->segment, claim->slot) &&
            slots_address(&record->segment, claim->slot) == address) ||
           error_set(error, TAPSTER_ERROR_BUSY,
                     "it was changed while this port was made: try again");
}

/* From a permitted request to a port. */
static bool build(Lookup *lookup, const NetworkGrants *grants,
                  const ClaimWish *wish, const Places *places,
                  const RegistryPlace *place, const Sockets *sockets,
                  RegistryNetwork *record, NetworkState *state, int *tun_fd,
                  int *ret_tap_fd, GPtrArray *warnings, GError **error)
{
    g_auto(Claim) claim = {0};

    if (!ensure_network(lookup, grants, places, place, sockets, record, state,
                        warnings, error) ||
        !claim_slot(&record->segment, state->is_new, tun_fd, places, sockets,
                    wish, &claim, error)) {
        return false;
    }
    state->tap_ifindex = claim.tap_ifindex;
    if ((!network_is_same(places, place, state) &&
         !ensure_again(lookup, grants, places, place, sockets, &claim, record,
                       state, error)) ||
        !build_port(lookup, places, place, sockets, record, &claim, error)) {
        return false;
    }
    *ret_tap_fd = claim.tap_fd;
    claim.tap_fd = -1;
    return true;
}

/* All that is done as root. What it leaves if it fails is nothing. */
static bool build_or_leave(Lookup *lookup, const NetworkGrants *grants,
                           const ClaimWish *wish, Places *places,
                           RegistryPlace *place, const Sockets *sockets,
                           RegistryNetwork *record, int *ret_tap_fd,
                           GPtrArray *warnings, GError **error)
{
    g_auto(NetworkState) state = {0};
    autofd tun_fd = -1;
    char *warning = NULL;

    /* /dev/net/tun first: without it nothing need be begun. */
    if (!tap_open(&tun_fd, error) ||
        !places_ensure(place, places, &warning, error)) {
        return false;
    }
    if (warning) {
        g_ptr_array_add(warnings, warning);
    }
    if (build(lookup, grants, wish, places, place, sockets, record, &state,
              &tun_fd, ret_tap_fd, warnings, error)) {
        return true;
    }
    fd_cleanup(&tun_fd);
    tun_fd = -1;
    network_take_back(places, place, sockets, record, &state);
    return false;
}

bool acquire_port(const Request *request, const Caller *caller, int *ret_tap_fd,
                  GPtrArray *ret_warnings, GError **error)
{
    g_auto(Lookup) lookup = LOOKUP_NONE;
    g_auto(Places) places = PLACES_NONE;
    g_auto(Sockets) sockets = {0};
    NetworkGrants grants;
    RegistryPlace place = {{0}, 0};
    RegistryNetwork record = {0};
    ClaimWish wish = {.caller = caller, .vnet_hdr = request->use_vnet};

    if (!lookup_find(request, caller, &lookup, error) ||
        !open_sockets(&sockets, error) ||
        !observe_namespace(netlink_fd(sockets.route), &place.netns_cookie, error) ||
        !places_find(&place, &places, error)) {
        return false;
    }
    wish.profile = lookup.profile;
    if (!registry_find(places.registry_fd, &place, lookup.name, &record)) {
        record = (RegistryNetwork){0}; /* the first start here */
    }
    if (!permit(&lookup, &record, caller, &grants, &wish.max_ports, error) ||
        !privilege_as_root(error)) {
        return false;
    }
    /* Until now the caller could stop this process, and keep a permission for
     * later that the administrator has withdrawn since. */
    if (!trusted_unchanged(lookup.fd, &lookup.network_file)) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "'%s' was changed during this start: try again",
                         lookup.file);
    }
    if (!build_or_leave(&lookup, &grants, &wish, &places, &place, &sockets,
                        &record, ret_tap_fd, ret_warnings, error)) {
        g_prefix_error(error, "network '%s': ", lookup.name);
        return false;
    }
    return true;
}
