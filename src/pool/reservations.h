/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

#include <sys/types.h>

/*
 * Addresses that the network file keeps for one user's one name. A list may be
 * NULL: none. An entry whose user nobody knows keeps its address from everybody.
 */

/* Returns: true and the slot that is kept for @uid's @name. */
bool reservations_find(const GArray *reservations, const Segment *segment,
                       uid_t uid, const char *name, guint32 *ret_slot);

/* The entry that keeps @slot from @uid's @name; NULL if they may have it. */
const Reservation *reservations_forbid(const GArray *reservations,
                                       const Segment *segment, uid_t uid,
                                       const char *name, guint32 slot);
