/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/locate.h"

#include "config/network.h"

#include <string.h>

/*
 * Where a name's file is. A name is a DNS label, so that no name can leave its
 * folder; a path is the caller's own and never becomes part of one of ours.
 */

bool locate_is_path(const char *argument)
{
    return strchr(argument, '/') != NULL;
}

static char *locate_in(const char *directory, const char *folder, const char *name)
{
    return network_name_valid(name) ? g_strdup_printf("%s/%s/%s.json", directory, folder, name)
                                    : NULL;
}

char *locate_network(const char *directory, const char *name)
{
    return locate_in(directory, "networks", name);
}

char *locate_profile(const char *directory, const char *name)
{
    return locate_in(directory, "profiles", name);
}

char *locate_caller_profile(const char *home, const char *name)
{
    if (home[0] != '/') {
        return NULL;
    }
    return locate_in(home, ".config/tapster/profiles", name);
}
