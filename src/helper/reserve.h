/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/network.h"
#include "pool/segment.h"

/*
 * The reservations of a network in force: what its file says, with users as
 * numbers. Kept in the run directory, one file a network, for the starts that come
 * after the one that made it.
 */

/**
 * reserve_resolve:
 * @network: its file
 * @segment: what it came to
 *
 * Asks the user database for each name.
 *
 * Privilege: none
 * Returns: (transfer full) (element-type Reservation)
 */
GArray *reserve_resolve(const Network *network, const Segment *segment);

/**
 * reserve_save:
 * @run_fd: the run directory
 * @name: of the network
 * @reservations: replace what was there
 *
 * Before the registry has the network's record: who finds that, finds these.
 *
 * Privilege: uid 0; the lock of the run directory is held
 * Errors: SYSTEM
 * Returns: true on success
 */
bool reserve_save(int run_fd, const char *name, const GArray *reservations,
                  GError **error) must_use;

/**
 * reserve_load:
 * @n_reservations: that the network's grants say
 * @ret_reservations: (transfer full) (nullable) (element-type Reservation): NULL
 *   for none
 *
 * Privilege: uid 0
 * Errors: SYSTEM if there should be some and none can be read: then an
 *   address might go to another than the one that it is kept for
 * Returns: true on success
 */
bool reserve_load(int run_fd, const char *name, guint32 n_reservations,
                  GArray **ret_reservations, GError **error) must_use;

/* For a network that is taken down. */
void reserve_drop(int run_fd, const char *name);
