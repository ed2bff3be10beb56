/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/terms.h"
#include "config.h"

/*
 * Where things are below a run directory. What is in a directory that residents
 * can write to is opened without following any link on the way.
 */

/* No network has more ports, nor a directory more files that we made; whoever
 * reads one that residents write to stops there, however many they make. */
#define SERVICES_FILES_MAX (1u << 16)

/* RUNSTATEDIR/COOKIE */
typedef struct {
    char path[sizeof(TAPSTER_RUNSTATEDIR) + 24];
} ServicesRunPath;

ServicesRunPath services_place_run(guint64 netns_cookie);

/* "dns/NETWORK/PART/NAME", less what is NULL */
typedef struct {
    char path[NETWORK_NAME_MAX + 96];
} ServicesDnsPath;

ServicesDnsPath services_place_dns(const char *network, const char *part,
                                   const char *name);

/* The directories in "dns/NETWORK" that residents may write to. */
#define SERVICES_DNS_PARTS 4
extern const char *const services_place_parts[SERVICES_DNS_PARTS];

/**
 * services_place_open:
 * @directory_fd: where @path begins
 * @flags: of open(2); O_CLOEXEC is added
 *
 * openat(2) that stays below the directory and follows no link on the way.
 *
 * Privilege: none
 * Returns: a descriptor, or -1 with errno set
 */
int services_place_open(int directory_fd, const char *path, int flags, int mode);
