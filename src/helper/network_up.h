/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/lookup.h"
#include "helper/site.h"
#include "kernel/apply.h"

/* What became of a network when a start saw to it. */
typedef struct {
    bool is_new;        /* this start made it: it had no ports before */
    guint32 generation; /* of the ruleset in which it was in order */
    char *warning;      /* a line for the caller, or NULL */
    Apply *made;        /* what this start changed of the host; may be NULL */
    int tap_ifindex;    /* of this start's tap; 0 while there is none */
} NetworkState;

void network_state_clear(NetworkState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetworkState, network_state_clear)

/**
 * network_up:
 * @lookup: the network's file; parsed if the network has to be made
 * @grants: what it came to; kept in the registry with the network
 * @ret_record: the network in force
 * @ret_state: clear with network_state_clear()
 *
 * Sees to it that the network is made and in order. One that is costs a question
 * to the kernel and a look at a sysctl or two. One that has to be made or mended is
 * worked on under the lock of the run directory; if that fails, what this start
 * made is taken back. What the registry has is read anew, because the caller may
 * have held this process up since it was read for the permission.
 *
 * A file that changed while ports are live does not change the network under
 * them: the old parameters stay, and the warning says so.
 *
 * Privilege: stage "as_root", before privilege_settle()
 * Errors: those of all stations
 * Returns: true if the network is in order
 */
bool network_up(Lookup *lookup, const NetworkGrants *grants, const Site *site,
                RegistryNetwork *ret_record, NetworkState *ret_state,
                GError **error) must_use;

/* True if nobody made, mended or took networks down since @state. To be asked
 * once the tap exists: whoever takes a network down looks for taps after he has
 * said so. */
bool network_is_same(const Site *site, const NetworkState *state);

/**
 * network_note_generation:
 * @verified: the generation in which the network was found in order
 * @generation: the one that an element of a port of ours began
 *
 * Spares the next start a comparison. Notes nothing while a network is made or
 * mended: what is in force then is for its maker to say.
 *
 * Privilege: stage "as_root"
 * Errors: SYSTEM
 * Returns: true if it is noted, or not to be
 */
bool network_note_generation(const Site *site, guint32 verified,
                             guint32 generation, GError **error) must_use;
