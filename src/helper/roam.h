/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "helper/lookup.h"
#include "helper/network_make.h"

/**
 * roam_look:
 * @lookup: the network's file; parsed if there is something to say
 * @others: the other networks made here
 * @kept: (nullable): the network in force, if it stays as it is for its live ports
 * @facts: the host, without what other programs may bring up yet
 * @ret_overlaps: whether the subnet of one of these overlaps something of this host
 * @warning: (inout): a line for the caller about @kept, unless there is one
 *
 * For a host that has moved to where a subnet of its networks is in use. A network
 * without ports is decided anew by whoever starts on it; one with ports stays, for
 * they cannot be moved, and the caller is told.
 *
 * Privilege: uid 0
 * Errors: those of lookup_parse()
 * Returns: true on success
 */
bool roam_look(Lookup *lookup, const Others *others, const Segment *kept,
               const FactsHost *facts, bool *ret_overlaps, char **warning,
               GError **error) must_use;
