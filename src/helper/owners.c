/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/owners.h"

#include "base/checksum.h"
#include "helper/places.h"

#include <errno.h>
#include <unistd.h>

/*
 * Whom each live tap was given to. The kernel's word for it is no use: whoever
 * holds a tap can make another uid its owner (TUNSETOWNER asks for no right),
 * and would then be free of it, and the other one charged. The store knows as
 * well, but it can be lost, locked by a helper that its user froze, or on a full
 * disk. This file is on a tmpfs that no user writes to, is written without a lock
 * (the slot is the writer's), and no tap leaves us before it is.
 *
 * A record counts for the interface whose index it names, so nobody has to
 * clear it.
 */

typedef struct {
    gint32 ifindex;
    guint32 uid;
    guint32 reserved;
    guint32 check; /* of the bytes before it */
} OwnerRecord;

G_STATIC_ASSERT(sizeof(OwnerRecord) == 16);

static guint32 check_of(const OwnerRecord *record)
{
    return checksum_fnv1a(record, offsetof(OwnerRecord, check));
}

int owners_open(int run_fd, const Segment *segment)
{
    g_autofree char *name = g_strdup_printf("owners.%s", segment->name);

    return places_open_file(run_fd, name);
}

bool owners_put(int fd, guint32 slot, int ifindex, uid_t uid, GError **error)
{
    OwnerRecord record = {.ifindex = ifindex, .uid = uid};

    record.check = check_of(&record);

    ssize_t size = pwrite(fd, &record, sizeof(record),
                          (off_t)slot * (off_t)sizeof(record));
    int saved_errno = size < 0 ? errno : EIO;

    return size == (ssize_t)sizeof(record) ||
           error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "write down whose the port is");
}

bool owners_find(int fd, guint32 slot, int ifindex, uid_t *ret_uid)
{
    OwnerRecord record;

    if (pread(fd, &record, sizeof(record),
              (off_t)slot * (off_t)sizeof(record)) != (ssize_t)sizeof(record) ||
        record.ifindex != ifindex || record.check != check_of(&record)) {
        return false;
    }
    *ret_uid = record.uid;
    return true;
}
