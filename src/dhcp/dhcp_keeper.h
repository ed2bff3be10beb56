/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_names.h"
#include "dhcp/dhcp_probe.h"

/* What is looked after every few seconds, beside answering guests. */

typedef struct {
    DhcpNames names;
    DhcpProbe probe;
    GHashTable *strangers; /* names of networks that were not in the registry */
} DhcpKeeper;

/**
 * dhcp_keeper_has_taps:
 * @names: where to look
 *
 * Privilege: none
 * Returns: true if a network of the registry has a port here
 */
bool dhcp_keeper_has_taps(const DhcpNames *names) must_use;

/**
 * dhcp_keeper_tick:
 * @keeper: its strangers may be NULL
 *
 * Probes the dnsmasq of each network that has a port, ends those whose network
 * has left the registry, and keeps their logs short.
 *
 * Privilege: the residents' user
 */
void dhcp_keeper_tick(DhcpKeeper *keeper);
