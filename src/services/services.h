/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * Finding, starting and ending the residents of a network namespace:
 * tapster-dhcp, one for all networks, and tapster-dns, one for each network whose
 * names are served (it becomes dnsmasq). Ask for tapster-dhcp after the tap
 * exists: it looks once more for taps after it let go of its lock and before it
 * ends, so that whoever found it alive with a tap in place is served.
 */

typedef enum {
    SERVICE_DHCP,
    SERVICE_DNS,
} ServiceKind;

/* The network namespace whose residents are meant. */
typedef struct {
    int run_dir_fd;       /* its run directory, above 2 */
    guint64 netns_cookie; /* which names that directory and the units */
} ServicePlace;

/* tapster-dhcp's lock, in the run directory. */
#define SERVICES_DHCP_LOCK "dhcp.pid"

/* Capabilities that have to be in force for services_start(); the helper's own
 * list names the reasons. */
#define SERVICES_START_CAPABILITIES_TEXT                                       \
    "CAP_NET_RAW, CAP_SETUID, CAP_SETGID and CAP_SETPCAP, for tapster-dns "    \
    "CAP_NET_BIND_SERVICE and CAP_NET_ADMIN as well"

/**
 * services_find:
 * @run_dir_fd: the run directory of this network namespace
 * @kind: which of the two
 * @network: a network's name for SERVICE_DNS; else ignored
 * @ret_running: whether it lives, that is: holds its lock, and tapster-dhcp has
 *   also given a sign of life in the last minute
 *
 * On the way of every start. tapster-dns: open, fcntl, close; tapster-dhcp:
 * one fstat more.
 *
 * Privilege: to open root's 0600 files
 * Errors: SYSTEM
 * Source: F_OFD_GETLK(2const)
 * Returns: true if the answer is known
 */
bool services_find(int run_dir_fd, ServiceKind kind, const char *network,
                   bool *ret_running, GError **error) must_use;

/**
 * services_start:
 * @place: its directory holds "networks" and "ports" already; for SERVICE_DNS
 *   services_write_dns() has been called
 * @kind: which of the two
 * @network: as above
 *
 * Starts the resident and does not wait for it: whether it came up is seen by
 * the next services_find(). One that is started twice ends by itself; one that
 * holds its lock and is deaf is ended by the one that is started.
 *
 * Where systemd runs this network namespace it is asked to start (or, for a
 * deaf one, to restart) a unit, by a child that nobody waits for; elsewhere the
 * child becomes the resident. It inherits the run directory and nothing else,
 * neither a descriptor nor the environment, signals, session or cgroup.
 *
 * Privilege: uid 0, real, effective and saved; in force
 *   SERVICES_START_CAPABILITIES_TEXT. The caller's own stay as they are
 * Errors: SYSTEM, with what is missing
 * Returns: true if there is a process on its way
 */
bool services_start(const ServicePlace *place, ServiceKind kind,
                    const char *network, GError **error) must_use;

/**
 * services_stop:
 *
 * Ends the resident of a network that is taken down (or tapster-dhcp, which
 * would end by itself). Does not wait. To be called before
 * services_remove_dns(), which takes away where its process id is.
 *
 * Without CAP_KILL, and without systemd, a resident is left to tapster-dhcp,
 * which ends a dnsmasq within half a minute after its network has left the
 * registry.
 *
 * Privilege: uid 0; CAP_KILL unless a unit is stopped
 * Errors: SYSTEM
 * Returns: true if there is none, or it has been told
 */
bool services_stop(const ServicePlace *place, ServiceKind kind,
                   const char *network, GError **error) must_use;
