/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/request.h"
#include "policy/permit.h"

/**
 * acquire_port:
 * @request: what the command line says
 * @caller: who asks
 * @ret_tap_fd: the tap: up, guarded, its address leased; the caller closes
 * @ret_warnings: (transfer full): lines for the caller, may be empty
 *
 * The stations in their order, from a name to a port. On failure nothing of
 * the port is left, since it goes with its descriptor, and no network that was
 * made for it.
 *
 * Privilege: stage "begin", ends in stage "as_root" settled
 * Errors: all
 * Returns: true on success
 */
bool acquire_port(const Request *request, const Caller *caller, int *ret_tap_fd,
                  GPtrArray *ret_warnings, GError **error) must_use;
