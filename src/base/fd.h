/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unistd.h>

/*
 * autofd: a descriptor that closes itself when it leaves scope.
 * GLib's own g_autofd needs 2.76.
 */

static inline void fd_cleanup(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/**
 * fd_steal:
 * @fd: an autofd
 *
 * Privilege: none
 * Returns: the descriptor, now the caller's to close; *fd is -1
 */
static inline int fd_steal(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#define autofd __attribute__((cleanup(fd_cleanup))) int
