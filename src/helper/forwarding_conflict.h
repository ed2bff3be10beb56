/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/forwarding.h"

/**
 * forwarding_clear_way:
 * @wanted: (element-type Forward): this port's, about to be taken
 * @forwards: (element-type Forward): of all others; those whose port is gone and
 *   that are in the way are moved to
 * @stale: (element-type Forward)
 *
 * Privilege: none
 * Errors: BUSY if a live forward or a socket has one of the ports: to root and
 *   to its own user it is named, to others only that it is another's; KERNEL
 * Returns: true if nothing else has them
 */
bool forwarding_clear_way(const Site *site, const ForwardingWish *wish,
                          const GArray *wanted, GArray *forwards, GArray *stale,
                          GError **error) must_use;
