/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/terms.h"
#include "services/resident.h"

/* Where the network's files are: DIRECTORY/dns/NETWORK (services_dns.h). */
typedef struct {
    char path[256];
} DnsPlace;

typedef struct {
    int lock_fd;
} DnsFiles;

/**
 * dns_place_make:
 * @directory: the run directory of this network namespace, absolute
 * @network: a network's name
 *
 * Privilege: none
 * Errors: USAGE
 * Returns: true on success
 */
bool dns_place_make(const char *directory, const char *network,
                    DnsPlace *ret_place, GError **error) must_use;

/* The same from "COOKIE-NETWORK", the instance of a systemd unit. */
bool dns_place_parse_instance(const char *instance, DnsPlace *ret_place,
                              GError **error) must_use;

/**
 * dns_files_open:
 * @user: who shall be able to write to the network's directories
 *
 * Opens, and makes if need be, the lock, and gives it and the directories the
 * residents' group. A process may give what it owns to a group of its own
 * (chown(2)), so this takes no CAP_CHOWN; the group is dropped again by
 * resident_confine().
 *
 * Privilege: uid 0, CAP_SETGID
 * Errors: SYSTEM
 * Returns: true on success
 */
bool dns_files_open(const DnsPlace *place, const ResidentUser *user,
                    DnsFiles *ret_files, GError **error) must_use;

/**
 * dns_files_lock:
 * @ret_is_first: false if another dnsmasq serves this network
 *
 * Takes the lock and signs it. Processes that a dnsmasq which died left behind
 * (one for each TCP connection) hold the lock as well, and are ended.
 *
 * Privilege: the residents' user
 * Errors: SYSTEM
 * Returns: true on success
 */
bool dns_files_lock(DnsFiles *files, bool *ret_is_first, GError **error) must_use;
