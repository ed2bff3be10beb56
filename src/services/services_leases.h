/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "pool/segment.h"

/*
 * What dnsmasq has given on a shared segment to guests whose MAC nobody knows
 * beforehand: any address of the pool, also that of a slot which is free.
 */

/**
 * services_leases_load:
 * @run_dir_fd: the run directory
 * @mac: whose own leases do not count
 *
 * Privilege: to read a resident's files
 * Source: dnsmasq's lease file, which its man page does not describe
 * Returns: (transfer full) (nullable): a byte for each slot, not 0 where another
 *   has its address; NULL if nobody has any
 */
GByteArray *services_leases_load(int run_dir_fd, const Segment *segment,
                                 const Mac *mac);
