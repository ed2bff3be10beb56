/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/acquire.h"

#include "base/fd.h"
#include "helper/claim.h"
#include "helper/lookup.h"
#include "helper/network_up.h"
#include "helper/build_port.h"
#include "helper/privilege.h"
#include "helper/resolve.h"
#include "helper/site.h"
#include "helper/take_down.h"
#include "kernel/tap.h"
#include "pool/slots.h"

/*
 * The stations in their order, one function each:
 *
 *   lookup    which network, which profile?   files; the caller's as the caller
 *   permit    may they?                       pure
 *   network   is it made and in order?        registry, firewall, kernel
 *   claim     which slot?                     store, kernel
 *   port      make the tap a port             services, kernel, firewall
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

/* What the stations of a start know once it is permitted. */
typedef struct {
    Lookup lookup;
    Site site;
    NetworkGrants grants;
    RegistryNetwork record;
    NetworkState state;
} Start;

static void start_clear(Start *start)
{
    lookup_clear(&start->lookup);
    site_clear(&start->site);
    network_state_clear(&start->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Start, start_clear)

/* Sees to the network, and takes its warning over. */
static bool ensure_network(Start *start, GPtrArray *warnings, GError **error)
{
    if (!network_up(&start->lookup, &start->grants, &start->site, &start->record,
                    &start->state, error)) {
        return false;
    }
    if (start->state.warning) {
        g_ptr_array_add(warnings, g_steal_pointer(&start->state.warning));
    }
    return true;
}

/* Somebody else worked on networks while the tap was not there yet: sees to the
 * network once more, and that the slot is still what it was. */
static bool ensure_again(Start *start, const Claim *claim, GError **error)
{
    const Segment *segment = &start->record.segment;
    guint32 address = slots_address(segment, claim->slot);
    g_auto(NetworkState) again = {0};

    if (!network_up(&start->lookup, &start->grants, &start->site, &start->record,
                    &again, error)) {
        return false;
    }
    /* Made by this start after all: then it is this start's to take back. */
    if (again.is_new) {
        again.tap_ifindex = claim->tap_ifindex;
        network_state_clear(&start->state);
        start->state = again;
        again = (NetworkState){0};
    }
    return (slots_usable(segment, claim->slot) &&
            slots_address(segment, claim->slot) == address) ||
           error_set(error, TAPSTER_ERROR_BUSY,
                     "it was changed while this port was made: try again");
}

/* From a permitted request to a port. */
static bool build(Start *start, const ClaimWish *wish, int *tun_fd,
                  int *ret_tap_fd, GPtrArray *warnings, GError **error)
{
    g_auto(Claim) claim = {0};

    if (!ensure_network(start, warnings, error) ||
        !claim_slot(&start->record, start->state.is_new, tun_fd, &start->site,
                    wish, &claim, error)) {
        return false;
    }
    start->state.tap_ifindex = claim.tap_ifindex;
    if ((!network_is_same(&start->site, &start->state) &&
         !ensure_again(start, &claim, error)) ||
        !build_port(&start->lookup, &start->grants, wish->caller, &start->site,
                    &start->record, &claim, warnings, error)) {
        return false;
    }
    *ret_tap_fd = claim.tap_fd;
    claim.tap_fd = -1;
    return true;
}

/* All that is done as root. What it leaves if it fails is nothing. */
static bool build_or_leave(Start *start, const ClaimWish *wish, int *ret_tap_fd,
                           GPtrArray *warnings, GError **error)
{
    autofd tun_fd = -1;
    char *warning = NULL;

    /* /dev/net/tun first: without it nothing need be begun. */
    if (!tap_open(&tun_fd, error) ||
        !places_ensure(&start->site.place, &start->site.places, &warning,
                       error)) {
        return false;
    }
    if (warning) {
        g_ptr_array_add(warnings, warning);
    }
    if (build(start, wish, &tun_fd, ret_tap_fd, warnings, error)) {
        return true;
    }
    fd_cleanup(&tun_fd);
    tun_fd = -1;
    network_take_back(&start->site, &start->record, &start->state);
    return false;
}

bool acquire_port(const Request *request, const Caller *caller, int *ret_tap_fd,
                  GPtrArray *ret_warnings, GError **error)
{
    g_auto(Start) start = {.lookup = LOOKUP_NONE, .site = SITE_NONE};
    Lookup *lookup = &start.lookup;
    ClaimWish wish = {.caller = caller, .vnet_hdr = request->use_vnet};

    if (!lookup_find(request, caller, lookup, error) ||
        !site_open(&start.site, error)) {
        return false;
    }
    wish.profile = lookup->profile;
    if (!registry_find(start.site.places.registry_fd, &start.site.place,
                       lookup->name, &start.record)) {
        start.record = (RegistryNetwork){0}; /* the first start here */
    }
    if (!permit(lookup, &start.record, caller, &start.grants, &wish.max_ports,
                error) ||
        !privilege_as_root(error)) {
        return false;
    }
    /* Until now the caller could stop this process, and keep a permission for
     * later that the administrator has withdrawn since. */
    if (!trusted_unchanged(lookup->fd, &lookup->network_file)) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "'%s' was changed during this start: try again",
                         lookup->file);
    }
    if (!build_or_leave(&start, &wish, ret_tap_fd, ret_warnings, error)) {
        g_prefix_error(error, "network '%s': ", lookup->name);
        return false;
    }
    return true;
}
