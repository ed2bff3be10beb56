/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/reservations.h"

#include <string.h>

/* At most NETWORK_RESERVATIONS_MAX entries: looked through one by one. */

static bool is_holder(const Reservation *reservation, uid_t uid,
                      const char *name)
{
    return reservation->kind == ALLOW_UID && reservation->uid == uid &&
           strncmp(reservation->name, name, sizeof(reservation->name)) == 0;
}

bool reservations_find(const GArray *reservations, const Segment *segment,
                       uid_t uid, const char *name, guint32 *ret_slot)
{
    for (guint i = 0; reservations && i < reservations->len; i++) {
        const Reservation *reservation =
            &g_array_index(reservations, Reservation, i);

        if (name[0] && is_holder(reservation, uid, name) &&
            reservation->host >= segment->pool_offset &&
            reservation->host - segment->pool_offset < segment->pool_size) {
            *ret_slot = reservation->host - segment->pool_offset;
            return true;
        }
    }
    return false;
}

const Reservation *reservations_forbid(const GArray *reservations,
                                       const Segment *segment, uid_t uid,
                                       const char *name, guint32 slot)
{
    for (guint i = 0; reservations && i < reservations->len; i++) {
        const Reservation *reservation =
            &g_array_index(reservations, Reservation, i);

        if (reservation->host == segment->pool_offset + slot &&
            !is_holder(reservation, uid, name)) {
            return reservation;
        }
    }
    return NULL;
}
