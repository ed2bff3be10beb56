/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Where the file of a name is. Paths are only made here, not opened. The order
 * in which they are tried is the caller's business (tapster-helper(8)): of
 * networks TAPSTER_SYSCONFDIR before TAPSTER_DATADIR, of profiles
 * TAPSTER_SYSCONFDIR before the caller's own.
 */

/* True if an argument is a path and not a name: it has a '/'. */
bool locate_is_path(const char *argument);

/* DIRECTORY/networks/NAME.json; NULL if @name is not network_name_valid().
 * (transfer full) */
char *locate_network(const char *directory, const char *name);

/* DIRECTORY/profiles/NAME.json; NULL if @name is not network_name_valid().
 * (transfer full) */
char *locate_profile(const char *directory, const char *name);

/* HOME/.config/tapster/profiles/NAME.json, @home from the user database; NULL if
 * @name is not network_name_valid() or @home is not absolute. (transfer full) */
char *locate_caller_profile(const char *home, const char *name);
