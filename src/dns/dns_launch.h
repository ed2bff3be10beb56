/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dns/dns_files.h"

/**
 * dns_launch_capabilities:
 * @place: with its configuration, which root wrote
 *
 * Privilege: none
 * Returns: what dnsmasq needs: a port below 1024; and, if it is to give addresses
 *   or advertise routers, raw sockets, and to administer the network, without
 *   which it would not start then
 */
guint64 dns_launch_capabilities(const DnsPlace *place);

/**
 * dns_launch:
 * @files: locked
 *
 * Becomes dnsmasq, in the foreground, with the locked file as standard error: it
 * closes all other descriptors, and keeps that one for its log. So the lock is
 * held for exactly as long as dnsmasq lives.
 *
 * Privilege: dns_launch_capabilities(), as ambient ones
 * Errors: SYSTEM
 * Returns: false, if at all
 */
bool dns_launch(const DnsPlace *place, const DnsFiles *files,
                GError **error) must_use;
