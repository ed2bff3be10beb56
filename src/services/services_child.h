/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <sys/types.h>

/*
 * A child between fork and exec: from a process that a user started to one that
 * belongs to nobody. What would otherwise stay: the hypervisor's socket (QEMU
 * waits until its last holder has closed it) and its terminal, the user's
 * session and cgroup, blocked signals.
 */

/* Where a child finds the run directory. */
#define SERVICES_CHILD_DIRECTORY_FD 3

/**
 * services_child_detach:
 * @run_dir_fd: a descriptor to keep, as number 3; -1 for none
 *
 * A session of its own, the null device at 0, 1 and 2, no other descriptor,
 * default signals, umask 077, working directory /.
 *
 * Privilege: none
 * Returns: false if the child must end
 */
bool services_child_detach(int run_dir_fd) must_use;

/**
 * services_child_leave:
 *
 * Leaves the cgroup, CPU affinity and memory score of whoever started it, as far
 * as that can be had.
 *
 * Privilege: uid 0
 */
void services_child_leave(void);

/* Waits for @child, whatever is done about SIGCHLD; true if it ended with 0.
 * Privilege: none */
bool services_child_wait(pid_t child) must_use;
