/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * Finding and starting tapster-dhcp, the resident that answers the guests of
 * this network namespace. Ask for it after the tap exists: the resident looks
 * once more for taps after it let go of its lock and before it ends, so that
 * whoever found it alive with a tap in place is served.
 */

/* Files in the run directory of a network namespace, 0600 and root's. */
#define SERVICES_DHCP_LOCK "dhcp.pid"

/**
 * services_find_dhcp:
 * @run_dir_fd: the run directory of this network namespace
 * @ret_running: whether its resident lives, that is: holds its lock
 *
 * Two system calls and a close; on the way of every start.
 *
 * Privilege: to open root's 0600 file
 * Errors: SYSTEM
 * Source: F_OFD_GETLK(2const)
 * Returns: true if the answer is known
 */
bool services_find_dhcp(int run_dir_fd, bool *ret_running,
                        GError **error) must_use;

/**
 * services_start_dhcp:
 * @run_dir_fd: as above, above 2; holds "networks" and "ports" already
 *
 * Starts the resident and does not wait for it: whether it came up is seen by
 * the next start's services_find_dhcp(). It inherits @run_dir_fd and nothing
 * else, neither a descriptor nor the environment, signals or the session. One
 * that is started twice ends by itself.
 *
 * Privilege: uid 0, real, effective and saved; in force CAP_NET_RAW,
 *   CAP_SETUID, CAP_SETGID and CAP_SETPCAP. The caller's own stay as they are
 * Errors: SYSTEM, with what is missing
 * Returns: true if there is a process on its way
 */
bool services_start_dhcp(int run_dir_fd, GError **error) must_use;
