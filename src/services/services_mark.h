/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <sys/stat.h>

/*
 * A mark on tapster-dhcp's lock file: a route has come to this host that overlaps
 * a network's subnet. tapster-dhcp, which hears of routes while no start is there,
 * sets it; a start, which looks at the file's time anyway, sees it by the size; one
 * that has looked at all routes takes it away. Whoever sets it wrongly costs starts
 * some time.
 */

/* Sets the mark, on a descriptor for writing. Privilege: none
 * Returns: false with errno set */
bool services_mark_set(int fd);

/* Takes it away. Like a sign of life this moves the file's time: not to be done to
 * one that is stale. Privilege: none. Returns: false with errno set */
bool services_mark_clear(int fd);

/* Whether it is set, by the file's status. Privilege: none */
bool services_mark_is_set(const struct stat *status);
