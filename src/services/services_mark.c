/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_mark.h"

#include <unistd.h>

/* The first line, a process id, ends before the one; what is behind is zeros. */
#define SIZE_PLAIN  16
#define SIZE_MARKED 32

bool services_mark_set(int fd)
{
    return ftruncate(fd, SIZE_MARKED) == 0;
}

bool services_mark_clear(int fd)
{
    return ftruncate(fd, SIZE_PLAIN) == 0;
}

bool services_mark_is_set(const struct stat *status)
{
    return status->st_size > SIZE_PLAIN;
}
