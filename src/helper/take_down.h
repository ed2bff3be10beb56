/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/network_up.h"

/*
 * Taking a network down: for a start that made it and failed, and for one that has
 * had no port for a while.
 */

/**
 * network_take_back:
 * @record: the network, made by this start, which then failed
 * @state: from network_up()
 *
 * Leaves the host as it was before this start, unless another start's port is on
 * the network by now; what another network relies on by now stays as well. This
 * start's tap is closed already, but lives until a resident that was just started
 * has closed its copy.
 *
 * Privilege: stage "as_root"
 */
void network_take_back(const Site *site, RegistryNetwork *record,
                       const NetworkState *state);

/* True if one of @taps (FactsLink) is a live port of the network's: every tap of its
 * name but a persistent one that nobody is attached to. Privilege: none */
bool network_has_ports(const Segment *segment, const GArray *taps);

/**
 * network_take_down:
 * @name: of the network
 * @ret_down: whether it is down now; not while it has a live port
 *
 * Removes what tapster made for the network: its rules, routes, shared bridge and
 * dnsmasq, its record; with the last network tapster-dhcp and the tables, and
 * what forwarding changed is put back (fence_lift()). Persistent taps that
 * nobody is attached to do not keep it. A bridged network's bridge goes if
 * tapster made it and nothing is on it.
 *
 * Privilege: uid 0 with CAP_NET_ADMIN and CAP_KILL
 * Errors: BUSY if the lock cannot be had, KERNEL, SYSTEM. What was left half way is
 *   mended by the next start or the next one who takes it down
 * Returns: true on success
 */
bool network_take_down(const Site *site, const char *name, bool *ret_down,
                       GError **error) must_use;
