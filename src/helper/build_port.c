/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/build_port.h"

#include "helper/carry_out.h"
#include "helper/forwarding.h"
#include "helper/hostname.h"
#include "helper/network_up.h"
#include "helper/privilege.h"
#include "plan/forward_make.h"
#include "policy/permit.h"

/*
 * What belongs to one port. All of it names the tap with its index, and so
 * lapses with it; that it is taken back here as well spares others the sweeping.
 */

/* The resident must find a tap, and needs privilege that the port does not. */
static bool ensure_residents(Stations *stations, const Caller *caller,
                             GError **error)
{
    Plan plan;

    plan_resident(stations->segment, &plan);
    return carry_out(&plan, stations, error) && privilege_settle(caller, error);
}

/* Makes the tap a port. If that fails, what was mended of the network on the way
 * is taken back, and so is the guard, though its interface index never comes
 * back. */
static bool make_port(const Profile *profile, const Claim *claim,
                      const GArray *forwards, Stations *stations, GError **error)
{
    PlanPort port = {
        .slot = claim->slot,
        .new_holder = claim->new_holder,
        .forwards = forwards,
    };
    Plan plan;

    if (profile && profile->has_mac) {
        port.mac = profile->mac;
        port.has_mac = true;
    }
    plan_port(stations->segment, &port, &plan);
    if (carry_out(&plan, stations, error)) {
        return true;
    }
    apply_undo(stations->apply);
    for (guint i = 0; i < plan.n_operations; i++) {
        if (plan.operations[i].type == PLAN_GUARD_MAC) {
            firewall_forget_port(stations->site->sockets.netfilter,
                                 &plan.operations[i], claim->tap_ifindex);
        }
    }
    return false;
}

static bool claim_name(const Lookup *lookup, const Site *site,
                       const RegistryNetwork *record, Claim *claim,
                       GPtrArray *warnings, GError **error)
{
    char *warning = NULL;

    if (!hostname_claim(site, record, lookup->profile, claim, &warning, error)) {
        return false;
    }
    if (warning) {
        g_ptr_array_add(warnings, warning);
    }
    return true;
}

bool build_port(const Lookup *lookup, const NetworkGrants *grants,
                const Caller *caller, const Site *site,
                const RegistryNetwork *record, Claim *claim,
                GPtrArray *warnings, GError **error)
{
    g_autoptr(Apply) apply =
        apply_new(site->sockets.route, site->sockets.netfilter,
                  claim->tap_ifindex, &claim->tap);
    guint32 verified =
        registry_generation(site->places.registry_fd, &site->place);
    const ForwardingWish wish = {
        .caller = caller,
        .profile = lookup->profile,
        .segment = &record->segment,
        .claim = claim,
        .from = permit_forwards_from(grants, lookup->profile_trusted),
    };
    Stations stations = {
        .site = site,
        .segment = &record->segment,
        .apply = apply,
        .tap_ifindex = claim->tap_ifindex,
        .tap = claim->tap,
        .generation = verified,
    };
    g_autoptr(GArray) forwards = NULL;

    /* What cannot be is found out before anybody is started for it. */
    if ((lookup->profile &&
         !forward_check(lookup->profile, &record->segment, error)) ||
        !ensure_residents(&stations, caller, error) ||
        !forwarding_take(site, &wish, &stations.generation, &forwards, error)) {
        return false;
    }
    if (claim_name(lookup, site, record, claim, warnings, error) &&
        make_port(lookup->profile, claim, forwards, &stations, error)) {
        /* An element of ours moved the generation on. */
        return network_note_generation(site, verified, stations.generation,
                                       error);
    }
    hostname_release(site, &record->segment, claim);
    if (forwards->len > 0) {
        forwarding_give_back(site, claim);
    }
    return false;
}
