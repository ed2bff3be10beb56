/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/profile.h"
#include "firewall/firewall.h"
#include "helper/claim.h"
#include "helper/site.h"
#include "policy/permit.h"

/* Whose forwards, and where they lead. */
typedef struct {
    const Caller *caller;
    const Profile *profile; /* (nullable) */
    const Segment *segment; /* the network in force */
    const Claim *claim;     /* its tap exists */
    ForwardsFrom from;      /* as the network grants */
} ForwardingWish;

/**
 * forwarding_take:
 * @generation: (inout): the ruleset's, last found in order
 * @ret_forwards: (transfer full) (element-type Forward): this port's, written
 *   down and its alone; not yet in the firewall. Empty without any
 *
 * Takes the ports of this host that the profile wants, and takes away those that
 * a former holder of the slot left. A start that has neither pays for a look
 * at one file.
 *
 * Privilege: stage "as_root"
 * Errors: BUSY if another VM's forward or a socket of this host has one of the
 *   ports, saying whose as far as the caller may know; CONFIG if nobody knows the
 *   guest's address; EXHAUSTED, KERNEL, SYSTEM
 * Returns: true on success
 */
bool forwarding_take(const Site *site, const ForwardingWish *wish,
                     guint32 *generation, GArray **ret_forwards,
                     GError **error) must_use;

/* Takes back what forwarding_take() wrote down, and the firewall was told, for a
 * start that failed after it. */
void forwarding_give_back(const Site *site, const Claim *claim);

/**
 * forwarding_hold:
 * @wish: its forwards are set to those of live ports
 * @ret_lock_fd: holds the list of forwards as it is until it closes: who changes
 *   the list in between would be undone by a firewall made from @wish
 *
 * For making or mending a network. If the lock cannot be had, whose holder a user
 * may have frozen, it goes on without: then a start that is about to add a forward
 * may have to do without it until the firewall is made again.
 *
 * Privilege: uid 0
 * Errors: SYSTEM
 * Returns: true on success
 */
bool forwarding_hold(const Site *site, FirewallWish *wish, int *ret_lock_fd,
                     GError **error) must_use;

/* Writes the list without those of dead ports, once a firewall made from @wish
 * has none of them; lets go of it. */
void forwarding_release(const FirewallWish *wish, int *lock_fd);

/**
 * forwarding_sweep:
 * @tap: (nullable): only forwards of this one
 * @generation: (inout): the ruleset's, last found in order
 *
 * Removes forwards whose port is gone, from the firewall and then from the list, and
 * the connections that came by them.
 *
 * Privilege: uid 0, CAP_NET_ADMIN
 * Errors: BUSY, KERNEL, SYSTEM
 * Returns: true if none is left
 */
bool forwarding_sweep(const Site *site, const Ifname *tap, guint32 *generation,
                      GError **error) must_use;
