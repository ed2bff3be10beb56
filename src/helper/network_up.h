/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/lookup.h"
#include "helper/places.h"
#include "kernel/apply.h"

/* The sockets that a start talks to the kernel with. */
typedef struct {
    Netlink *route;
    Netlink *netfilter;
} Sockets;

void sockets_close(Sockets *sockets);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sockets, sockets_close)

/* What became of a network when a start saw to it. */
typedef struct {
    bool is_new;        /* this start made it: it had no ports before */
    guint32 generation; /* of the ruleset in which it was in order */
    char *warning;      /* a line for the caller, or NULL */
    Apply *made;        /* what this start changed of the host; may be NULL */
} NetworkState;

void network_state_clear(NetworkState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetworkState, network_state_clear)

/**
 * network_up:
 * @lookup: the network's file; parsed if the network has to be made
 * @grants: what it came to; kept in the registry with the network
 * @record: (inout): what the registry has of it, or zeroed; on return the
 *   network in force
 * @ret_state: clear with network_state_clear()
 *
 * Sees to it that the network is made and in order. One that is costs a question
 * to the kernel and a look at a sysctl. One that has to be made or mended is
 * worked on under the lock of the run directory; if that fails, what this start
 * made is taken back.
 *
 * A file that changed while ports are live does not change the network under
 * them: the old parameters stay, and the warning says so.
 *
 * Privilege: stage "as_root"
 * Errors: those of all stations
 * Returns: true if the network is in order
 */
bool network_up(Lookup *lookup, const NetworkGrants *grants,
                const Places *places, const RegistryPlace *place,
                const Sockets *sockets, RegistryNetwork *record,
                NetworkState *ret_state, GError **error) must_use;

/* True if nobody made, mended or took networks back since @state. To be asked
 * once the tap exists: whoever takes a network back looks for taps after he has
 * said so. */
bool network_is_same(const Places *places, const RegistryPlace *place,
                     const NetworkState *state);

/**
 * network_take_back:
 * @record: the network, made by this start, which then failed
 * @state: from network_up()
 *
 * Leaves the host as it was before this start, unless another start's port is on
 * the network by now. This start's tap is closed already.
 *
 * Privilege: stage "as_root"
 */
void network_take_back(const Places *places, const RegistryPlace *place,
                       const Sockets *sockets, RegistryNetwork *record,
                       const NetworkState *state);
