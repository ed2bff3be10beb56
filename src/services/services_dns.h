/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"
#include "services/services.h"

/*
 * What dnsmasq is given for a network, below RUNDIR/dns/NETWORK:
 *
 *   conf     its configuration, root's
 *   lock     locked while it lives; its process id, then what it has to say
 *   hosts    a file for each live name: address and names, then whose it is
 *   hosts6   likewise, written by tapster-dhcp once it knows the address
 *   dhcp     a file for each tap of a shared segment whose MAC is known
 *   leases   dnsmasq's own memory, on shared segments
 *
 * The four directories are root's with the residents' group (tapster-dns sees
 * to that), 0770: the helper makes files there, tapster-dhcp removes them. What
 * residents can write to is never trusted here: no link is followed, no file
 * opened for writing that was there before.
 */

#define SERVICES_DNS_DIRECTORY "dns"

/**
 * services_has_dnsmasq:
 *
 * Privilege: none
 * Returns: true if both dnsmasq and tapster-dns are installed
 */
bool services_has_dnsmasq(void);

/**
 * services_write_dns:
 * @place: its directory and those above are 0711
 * @segment: a network with dns_served
 * @ret_changed: there was a configuration and this is another: a dnsmasq that
 *   runs with the old one must be ended by services_stop() before the next start
 *
 * Makes or mends the directories and writes the configuration; when a network
 * is made. Idempotent.
 *
 * Privilege: uid 0
 * Errors: SYSTEM
 * Returns: true on success
 */
bool services_write_dns(const ServicePlace *place, const Segment *segment,
                        bool *ret_changed, GError **error) must_use;

/**
 * services_remove_dns:
 *
 * Removes all of RUNDIR/dns/NETWORK, if it is there, but for a lock that is
 * held: then lock and directory stay until the holder has gone.
 *
 * Privilege: uid 0
 * Errors: SYSTEM
 * Returns: true on success
 */
bool services_remove_dns(int run_dir_fd, const char *network,
                         GError **error) must_use;
