/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "base/terms.h"

/*
 * The file that says whether a resident lives: it does if and only if it holds
 * an open-file-description lock on it. Such a lock goes with its holder, however
 * that ends. The first line of the file is the holder's process id.
 */

/* The resident says every so often that it lives, by writing its first line anew;
 * one that has not done so for three times as long is taken for deaf. */
#define SERVICES_HEARTBEAT_S 20
#define SERVICES_DEAF_S      60

/* "dhcp.pid", or "dns/NETWORK/lock". */
typedef struct {
    char name[NETWORK_NAME_MAX + 16];
} ServicesLockName;

ServicesLockName services_lock_dhcp(void);
ServicesLockName services_lock_dns(const char *network);

/**
 * services_lock_take:
 * @fd: open for reading and writing
 * @ret_taken: false if another holds it
 *
 * Does not wait. Privilege: none
 * Returns: false with errno set if there can be no lock
 */
bool services_lock_take(int fd, bool *ret_taken) must_use;

/* Lets go of it. Privilege: none */
bool services_lock_drop(int fd) must_use;

/* Whether somebody holds it. Privilege: none. Returns: false with errno set */
bool services_lock_is_held(int fd, bool *ret_held) must_use;

/* Writes the first line: our process id, and thereby the time. Privilege: none
 * Returns: false with errno set */
bool services_lock_sign(int fd);

/* The process id in the first line; 0 for none. Privilege: none */
pid_t services_lock_holder(int fd);

/* True if the holder has not signed for SERVICES_DEAF_S. A time to come is taken
 * for young: the clock was set. Privilege: none */
bool services_lock_is_stale(int fd);

/**
 * services_lock_end:
 * @fd: the file
 * @signal: SIGTERM or SIGKILL
 *
 * Signals the holder, if the lock is held and its first line still says so once
 * there is a handle of that process; with SIGKILL all its process group too,
 * which is dnsmasq's for TCP, and also when its leader has gone and only such are left.
 *
 * The file's writers are not trusted: as root it tells processes of the residents'
 * user alone (else EPERM).
 *
 * Privilege: the holder's user, or CAP_KILL
 * Returns: false with errno set if there is a holder that could not be told
 */
bool services_lock_end(int fd, int signal);
