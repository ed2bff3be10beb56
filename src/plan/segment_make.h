/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/network.h"
#include "facts/facts.h"
#include "pool/segment.h"

/**
 * segment_make:
 * @network: what the file says
 * @facts: the host
 * @remembered: the subnet that "auto" chose before; length 0 for none
 * @others: (element-type Prefix4): subnets of other networks
 * @ret_segment: every "auto" decided
 *
 * Keeps a remembered subnet that still overlaps nothing, or that live taps of
 * the network use; else chooses. A subnet that the file names is checked
 * likewise.
 *
 * Privilege: none
 * Errors: CONFLICT if a named subnet is taken on this host, saying by what;
 *   EXHAUSTED if none is free
 * Returns: true on success
 */
bool segment_make(const Network *network, const FactsHost *facts,
                  Prefix4 remembered, const GArray *others,
                  Segment *ret_segment, GError **error) must_use;
