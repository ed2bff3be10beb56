/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/lookup.h"
#include "helper/site.h"

/*
 * From a network in force to a slot that is ours: the one loop between the
 * stations. The pool says which slots to try and in which order, the kernel
 * says which of them it lets us have.
 */

typedef struct {
    guint32 slot;
    int tap_fd; /* the tap: claimed, down, and gone when this closes */
    int tap_ifindex;
    Ifname tap;
    char *name;      /* what the lease is kept under; "" without a profile */
    char *hostname;  /* "" without a profile */
    bool new_holder; /* somebody else held the slot before */
} Claim;

void claim_clear(Claim *claim);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

/* Who asks for what. */
typedef struct {
    const Caller *caller;
    const Profile *profile; /* NULL without one */
    guint32 max_ports;      /* of the caller on this network */
    bool vnet_hdr;
} ClaimWish;

/**
 * claim_slot:
 * @record: the network in force
 * @is_new: this start made it: no slot of it had a holder before
 * @tun_fd: (inout): from tap_open(); becomes the tap, and is -1 then
 * @ret_claim: clear with claim_clear(); closing gives the slot back
 *
 * Counts the caller's ports, chooses a slot, makes its tap, and remembers it,
 * all under the lock of the network's leases. A start that cannot get the lock
 * in time, or has no state directory, goes on and loses only the memory.
 *
 * Privilege: stage "as_root"
 * Errors: EXHAUSTED (quota or pool), BUSY (a running profile that fixes an
 *   address, a MAC or forwards), CONFIG (a fixed address outside of the pool),
 *   DENIED (one that is reserved for another), KERNEL
 * Returns: true on success
 */
bool claim_slot(const RegistryNetwork *record, bool is_new, int *tun_fd,
                const Site *site, const ClaimWish *wish, Claim *ret_claim,
                GError **error) must_use;
