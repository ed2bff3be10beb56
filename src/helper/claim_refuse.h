/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/profile.h"
#include "helper/quota.h"
#include "pool/choice.h"

/*
 * Why there is no slot: the messages of claim.c. All return false.
 */

/**
 * claim_refuse_exhausted:
 * @quota: the caller's, with its store
 * @reservations: (nullable) (element-type Reservation): of the network
 * @name: that a slot was looked for
 *
 * How many ports are live, how many addresses are kept for others; to root also
 * whose the ports are, "alice 12, bob 3".
 *
 * Privilege: none
 * Errors: EXHAUSTED
 */
bool claim_refuse_exhausted(const Quota *quota, const GArray *reservations,
                            const char *name, GError **error) must_use;

/* The profile fixes an address that the network file keeps for another: whose it
 * is, only root is told. Errors: DENIED */
bool claim_refuse_reserved(const Quota *quota, const Profile *profile,
                           const Reservation *reservation,
                           GError **error) must_use;

/* It fixes one that is no slot's. Errors: CONFIG */
bool claim_refuse_outside(const Segment *segment, const Profile *profile,
                          GError **error) must_use;

/* It fixes what a second VM cannot have. Errors: BUSY */
bool claim_refuse_copy(const Profile *profile, GError **error) must_use;
