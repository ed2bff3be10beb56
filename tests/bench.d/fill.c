/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes a network remember many leases, for tests/bench: bench-fill DIRECTORY NETWORK
 * SLOTS COUNT UID NAMES writes COUNT of them into the store in DIRECTORY, of a pool
 * of SLOTS. The first NAMES are UID's, the others belong to users with higher
 * numbers, as many each.
 */

#include "pool/slots.h"
#include "pool/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Remembers up to @n names from @slot on; returns how many. */
static guint32 fill_user(const Segment *segment, const char *directory,
                         uid_t uid, guint32 slot, guint32 n, guint names)
{
    g_autofree char *slots_path =
        g_strdup_printf("%s/%s", directory, segment->name);
    g_autofree char *user_path =
        g_strdup_printf("%s/%s.%u", directory, segment->name, uid);
    int slots_fd = open(slots_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int user_fd = open(user_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_autoptr(Store) store = NULL;
    g_autoptr(GError) error = NULL;
    guint32 done = 0;

    if (slots_fd < 0 || user_fd < 0 ||
        !store_new(segment, slots_fd, user_fd, uid, names, time(NULL), true,
                   &store, NULL, &error)) {
        g_printerr("bench-fill: %s: %s\n", directory,
                   error ? error->message : "cannot open");
        exit(1);
    }
    for (; done < n && done < names; done++) {
        g_autofree char *name = g_strdup_printf("vm%u", slot + done);

        store_remember(store, slot + done, name);
    }
    close(slots_fd);
    close(user_fd);
    return done;
}

int main(int argc, char **argv)
{
    Segment segment = { .mode = MODE_MASQUERADED };

    if (argc != 7) {
        fputs("usage: bench-fill DIRECTORY NETWORK SLOTS COUNT UID NAMES\n",
              stderr);
        return 2;
    }
    slots_identify(argv[2], &segment);
    segment.subnet_length = 16;
    segment.pool_offset = 10;
    segment.pool_size = strtoul(argv[3], NULL, 10);

    guint32 left = strtoul(argv[4], NULL, 10);
    uid_t uid = strtoul(argv[5], NULL, 10);

    for (guint32 slot = 0; left > 0; uid++) {
        guint32 done = fill_user(&segment, argv[1], uid, slot, left,
                                 strtoul(argv[6], NULL, 10));

        slot += done;
        left -= done;
    }
    return 0;
}
