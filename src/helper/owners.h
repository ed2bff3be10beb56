/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "pool/segment.h"

#include <sys/types.h>

/**
 * owners_open:
 * @run_fd: the run directory of this network namespace
 * @segment: the network
 *
 * Privilege: uid 0
 * Returns: the network's file of owners, -1 with errno set
 */
int owners_open(int run_fd, const Segment *segment);

/**
 * owners_put:
 * @fd: from owners_open()
 * @ifindex: of the slot's tap
 * @uid: who is about to get it
 *
 * Privilege: none
 * Errors: SYSTEM; then the tap must not be handed over
 * Returns: true on success
 */
bool owners_put(int fd, guint32 slot, int ifindex, uid_t uid,
                GError **error) must_use;

/* Returns: true and the uid if the slot's record is @ifindex's. */
bool owners_find(int fd, guint32 slot, int ifindex, uid_t *ret_uid);
