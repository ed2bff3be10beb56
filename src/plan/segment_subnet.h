/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/segment_make.h"

/* Which subnets a network has: segment_make.c's other half. */

/**
 * segment_decide_subnet:
 * @segment: identified, kind set; its subnet is set
 * @warnings: (element-type utf8): a line is added if a remembered one had to go
 *
 * Privilege: none
 * Errors: CONFLICT, EXHAUSTED
 * Returns: true on success
 */
bool segment_decide_subnet(const Network *network, const FactsHost *facts,
                           const SegmentHints *hints, Segment *segment,
                           GPtrArray *warnings, GError **error) must_use;

/* The same for IPv6, of a masqueraded network whose pool is known.
 * Errors: CONFLICT, EXHAUSTED, CONFIG, UNSUPPORTED */
bool segment_decide_subnet6(const Network *network, const FactsHost *facts,
                            const SegmentHints *hints, Segment *segment,
                            GPtrArray *warnings, GError **error) must_use;
