/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/file_at.h"

#include <errno.h>
#include <unistd.h>

gsize file_at_read(int fd, void *buffer, gsize size, guint64 offset)
{
    gsize done = 0;

    while (done < size) {
        ssize_t n = pread(fd, (char *)buffer + done, size - done,
                          (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        done += (gsize)n;
    }
    return done;
}

bool file_at_write(int fd, const void *buffer, gsize size, guint64 offset,
                   const char *what, GError **error)
{
    gsize done = 0;

    while (done < size) {
        ssize_t n = pwrite(fd, (const char *)buffer + done, size - done,
                           (off_t)(offset + done));
        int saved_errno = errno;

        if (n < 0 && saved_errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM,
                                   n < 0 ? saved_errno : EIO, "%s", what);
        }
        done += (gsize)n;
    }
    return true;
}
