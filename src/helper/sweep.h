/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/sweep_request.h"

/**
 * sweep_run:
 *
 * Sweeps the network namespace that the process is in.
 *
 * Privilege: uid 0 with CAP_NET_ADMIN and CAP_KILL
 * Errors: BUSY if a lock cannot be had, KERNEL, SYSTEM; of the first thing that
 *   failed, the rest is swept all the same
 * Returns: true if nothing failed
 */
bool sweep_run(const SweepRequest *request, GError **error) must_use;
