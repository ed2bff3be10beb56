/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/lookup.h"
#include "helper/places.h"
#include "kernel/netlink.h"

/* The sockets that a start talks to the kernel with. */
typedef struct {
    Netlink *route;
    Netlink *netfilter;
} Sockets;

void sockets_close(Sockets *sockets);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sockets, sockets_close)

/**
 * network_up:
 * @lookup: the network's file; parsed if the network has to be made
 * @grants: what it came to; kept in the registry with the network
 * @record: (inout): what the registry has of it, or zeroed; on return the
 *   network in force
 * @ret_new: whether this start made it, so that it had no ports before
 * @ret_warning: (transfer full): a line for the caller, or NULL
 *
 * Sees to it that the network is made and in order. One that is costs a question
 * to the kernel and a look at a sysctl. One that has to be made or mended is worked on
 * under the lock of the run directory; if that fails, what this start made is
 * taken back.
 *
 * A file that changed while ports are live does not change the network under
 * them: the old parameters stay, and the warning says what to do.
 *
 * Privilege: stage "as_root"
 * Errors: those of all stations
 * Returns: true if the network is in order
 */
bool network_up(Lookup *lookup, const NetworkGrants *grants,
                const Places *places, const RegistryPlace *place,
                const Sockets *sockets, RegistryNetwork *record, bool *ret_new,
                char **ret_warning, GError **error) must_use;
