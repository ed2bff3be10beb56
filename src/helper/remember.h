/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "pool/segment.h"

/*
 * Two small texts that tapster writes: the subnet that "auto" chose for a
 * network (in the state directory, one file a network), and the fence: the
 * interfaces that did not forward when tapster switched forwarding on (in the
 * run directory). Both are read with suspicion and replaced atomically.
 */

/* Returns: the remembered subnet, length 0 if there is none that makes sense. */
Prefix4 remember_load_subnet(int state_fd, const char *network);

/* A subnet that cannot be remembered is chosen anew, most likely the same. */
void remember_save_subnet(int state_fd, const Segment *segment);

/* Returns: (transfer full) (nullable) (element-type Ifname): NULL if forwarding
 * was never switched on here. */
GArray *remember_load_fence(int run_fd);

/* Errors: SYSTEM: without the fence forwarding must not go on. */
bool remember_save_fence(int run_fd, GArray *fenced, GError **error) must_use;

/* Forgets the fence: forwarding is off. */
void remember_drop_fence(int run_fd);
