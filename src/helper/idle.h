/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/site.h"

/*
 * Since when a network has had no port: for taking it down after a while.
 */

/**
 * idle_look:
 *
 * Notes that the network is idle from now on, if it is and was not before; or
 * that it is not.
 *
 * Privilege: uid 0
 * Errors: KERNEL, SYSTEM
 * Returns: true on success
 */
bool idle_look(const Site *site, const Segment *segment, GError **error) must_use;

/**
 * idle_is_over:
 * @seconds: how long it may have been idle
 * @ret_over: whether it has been for longer, as far as anybody looked
 *
 * Looks, too.
 *
 * Privilege: uid 0
 * Errors: KERNEL, SYSTEM
 * Returns: true on success
 */
bool idle_is_over(const Site *site, const Segment *segment, guint32 seconds,
                  bool *ret_over, GError **error) must_use;
