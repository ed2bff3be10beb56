/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/reserve.h"

#include "base/checksum.h"
#include "base/fd.h"
#include "helper/remember.h"
#include "helper/resolve.h"
#include "plan/segment_make.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/*
 * The file is replaced, never written in place, so a reader sees one list or the
 * other. Which of the two goes with the record that they have is settled by the
 * generation: who finds it changed after the claim looks once more.
 */

#define RESERVE_PREFIX "reservations."

typedef struct {
    guint32 count;
    guint32 check; /* of the entries */
    Reservation entries[NETWORK_RESERVATIONS_MAX];
} ReserveFile;

static gsize size_of(guint32 count)
{
    return offsetof(ReserveFile, entries) + count * sizeof(Reservation);
}

GArray *reserve_resolve(const Network *network, const Segment *segment)
{
    GArray *resolved = g_array_new(FALSE, TRUE, sizeof(Reservation));

    for (guint i = 0; network->reservations && i < network->reservations->len &&
                      i < NETWORK_RESERVATIONS_MAX; i++) {
        const NetworkReservation *wish = network->reservations->pdata[i];
        Reservation entry = {
            .kind = ALLOW_NOBODY,
            .host = segment_reserved_host(segment, wish),
        };

        if (resolve_find_user(wish->user, &entry.uid)) {
            entry.kind = ALLOW_UID;
        }
        g_strlcpy(entry.name, wish->name, sizeof(entry.name));
        g_array_append_val(resolved, entry);
    }
    return resolved;
}

bool reserve_save(int run_fd, const char *name, const GArray *reservations,
                  GError **error)
{
    g_autofree char *file = g_strconcat(RESERVE_PREFIX, name, NULL);
    ReserveFile contents = {
        .count = MIN(reservations->len, NETWORK_RESERVATIONS_MAX),
    };
    gsize bytes = contents.count * sizeof(Reservation);
    int saved_errno = 0;

    if (contents.count == 0) {
        reserve_drop(run_fd, name);
        return true;
    }
    memcpy(contents.entries, reservations->data, bytes);
    contents.check = checksum_fnv1a(contents.entries, bytes);
    return remember_replace(run_fd, file, &contents, size_of(contents.count),
                            &saved_errno) ||
           error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "write down the network's reservations");
}

bool reserve_load(int run_fd, const char *name, guint32 n_reservations,
                  GArray **ret_reservations, GError **error)
{
    g_autofree char *file = g_strconcat(RESERVE_PREFIX, name, NULL);
    ReserveFile contents;
    autofd fd = -1;
    ssize_t size = -1;

    *ret_reservations = NULL;
    if (n_reservations == 0) {
        return true;
    }
    fd = openat(run_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        size = read(fd, &contents, sizeof(contents));
    }
    if (size < (ssize_t)offsetof(ReserveFile, entries) ||
        contents.count > NETWORK_RESERVATIONS_MAX ||
        size != (ssize_t)size_of(contents.count) ||
        contents.check != checksum_fnv1a(contents.entries,
                                         contents.count * sizeof(Reservation))) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "its reservations cannot be read back from the run "
                         "directory: touch the network's file, and it is made "
                         "anew once no VM uses it");
    }
    *ret_reservations = g_array_new(FALSE, TRUE, sizeof(Reservation));
    g_array_append_vals(*ret_reservations, contents.entries, contents.count);
    return true;
}

void reserve_drop(int run_fd, const char *name)
{
    g_autofree char *file = g_strconcat(RESERVE_PREFIX, name, NULL);

    (void)unlinkat(run_fd, file, 0);
}
