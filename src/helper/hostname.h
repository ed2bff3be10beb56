/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/profile.h"
#include "helper/claim.h"
#include "helper/site.h"

/**
 * hostname_claim:
 * @record: the network in force
 * @profile: (nullable): whose host name is wanted
 * @claim: (inout): its hostname becomes the one that the VM got
 * @ret_warning: (transfer full): a line for the caller if that is another than the
 *   profile's, or there is none to be had; else NULL
 *
 * Writes the name where dnsmasq reads it and where tapster-dhcp does. A VM without a
 * profile has no name.
 *
 * Privilege: uid 0, gid 0
 * Errors: SYSTEM
 * Returns: true on success
 */
bool hostname_claim(const Site *site, const RegistryNetwork *record,
                    const Profile *profile, Claim *claim, char **ret_warning,
                    GError **error) must_use;

/* For a start that failed after it. */
void hostname_release(const Site *site, const Segment *segment,
                      const Claim *claim);
