/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/site.h"

/**
 * residents_ensure:
 * @kind: which of the two
 * @network: its name
 *
 * Looks for the resident, and starts it if it is not there, or deaf.
 *
 * Privilege: that of services_start(), before privilege_settle()
 * Errors: SYSTEM
 * Returns: true if it runs, or is on its way
 */
bool residents_ensure(const Site *site, ServiceKind kind, const char *network,
                      GError **error) must_use;

/**
 * residents_vouch:
 * @segment: a network in force
 *
 * One system call: whether tapster-dhcp has been there and has heard of no route
 * that overlaps a subnet of ours. It has not if it gave no sign of life for so long
 * that it has ended by itself, having seen no port for ten minutes, or never was
 * there. True for a network that needs none: nobody keeps watch for it.
 *
 * Privilege: none
 */
bool residents_vouch(const Site *site, const Segment *segment);

/**
 * residents_take_mark:
 *
 * Takes away what tapster-dhcp, if it lives, has set because of such a route. To be
 * called before routes are read, so that what comes meanwhile sets it again.
 *
 * Privilege: uid 0
 * Returns: true if there was one
 */
bool residents_take_mark(const Site *site);

/* Puts it back: there still is such a route. Privilege: uid 0 */
void residents_put_mark(const Site *site);

/**
 * residents_write_dns:
 * @segment: a network with dns_served that is being made or mended
 *
 * Gives dnsmasq its configuration. One that runs with another one is ended; the
 * next start begins it anew.
 *
 * Privilege: uid 0; CAP_KILL where one has to be ended
 * Errors: SYSTEM
 * Returns: true on success
 */
bool residents_write_dns(const Site *site, const Segment *segment,
                         GError **error) must_use;

/**
 * residents_stop:
 *
 * Ends a resident, and waits, for a second at most, until it has let go: who
 * looks for it afterwards must not take it for one that serves.
 *
 * Privilege: uid 0, CAP_KILL; the lock of the run directory is held, so that
 *   nobody starts it meanwhile
 */
void residents_stop(const Site *site, ServiceKind kind, const char *network);

/* Ends a network's dnsmasq and removes its files: for one that is taken down. */
void residents_retire_dns(const Site *site, const Segment *segment);

/**
 * residents_sweep_names:
 *
 * Removes the names of a network's taps that are gone, and lets dnsmasq know.
 * tapster-dhcp does that all the time; this is for when it does not run.
 *
 * Privilege: uid 0, gid 0, CAP_KILL
 * Errors: SYSTEM
 * Returns: true on success
 */
bool residents_sweep_names(const Site *site, const Segment *segment,
                           GError **error) must_use;
