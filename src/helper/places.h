/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/registry.h"

/*
 * The two directories that tapster writes to, as descriptors: the state that
 * outlives a boot (leases, chosen subnets) and the one of this network
 * namespace that does not (registry, ports, forwards, fence, the residents'
 * files). Both are root's, and their files are closed to everybody else: who can
 * read a file can lock it. The run directory can be passed through, because
 * the residents have directories in it that they reach as their own user.
 */

typedef struct {
    int state_fd; /* -1: nothing can be remembered */
    int run_fd;
    int registry_fd; /* "networks" in the run directory */
    char *run_path;  /* of run_fd, wherever that is; NULL before places_find() */
} Places;

/* What DHCP needs to know of each port, in the run directory. */
#define PLACES_PORTS "ports"

#define PLACES_NONE ((Places){-1, -1, -1, NULL})

/**
 * places_find:
 * @place: the network namespace; its boot_id is set here
 *
 * Opens what is there and makes nothing: whether the caller may have anything
 * is not known yet.
 *
 * A run directory on a tmpfs does not outlive the boot, as /run is on nearly
 * every host; only elsewhere is the boot's id read, and else it is 0.
 *
 * Privilege: uid 0, effective
 * Errors: SYSTEM
 * Returns: true on success, also where nothing is there: descriptors are -1
 */
bool places_find(RegistryPlace *place, Places *ret_places,
                 GError **error) must_use;

/**
 * places_ensure:
 * @place: from places_find()
 * @places: likewise; missing ones are made
 * @ret_warning: (transfer full): a line for the caller, or NULL
 *
 * A run directory is needed; without a state directory starts go on and lose only
 * the memory of addresses.
 *
 * Privilege: uid 0
 * Errors: SYSTEM
 * Returns: true on success
 */
bool places_ensure(RegistryPlace *place, Places *places, char **ret_warning,
                   GError **error) must_use;
void places_close(Places *places);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Places, places_close)

/**
 * places_lock:
 * @fd: an open file
 * @wait_ms: the longest time to wait
 *
 * Takes the write lock of the whole file, an open-file-description lock that
 * goes with the descriptor, however the process ends.
 *
 * Returns: false if it is still held by another after @wait_ms, or cannot be
 *   had
 */
bool places_lock(int fd, guint wait_ms) must_use;

/* Opens, and makes if need be, a file in one of the directories, 0600.
 * Returns: the descriptor, -1 with errno set */
int places_open_file(int directory_fd, const char *name);
