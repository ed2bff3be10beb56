/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/claim.h"
#include "helper/lookup.h"
#include "helper/site.h"

/**
 * build_port:
 * @lookup: with the profile, if there is one
 * @grants: of the network's file
 * @caller: who asks
 * @record: the network in force
 * @claim: the slot; its hostname becomes the one that the VM got
 * @warnings: lines for the caller are added
 *
 * From a slot on a network that stands to a port: residents, forwards, host name,
 * then the tap itself, which comes up last. Gives up on the way what starting a
 * resident takes. On failure nothing is left but the tap, which goes with its
 * descriptor.
 *
 * Privilege: stage "as_root"; ends in it settled
 * Errors: those of the stations
 * Returns: true on success
 */
bool build_port(const Lookup *lookup, const NetworkGrants *grants,
                const Caller *caller, const Site *site,
                const RegistryNetwork *record, Claim *claim,
                GPtrArray *warnings, GError **error) must_use;
