/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/**
 * environment_reset:
 * @kept_fd: the hypervisor's socket, above 2
 *
 * Puts back what a caller may have set against us and exec keeps: makes
 * descriptors 0 to 2 exist, closes all others but @kept_fd, resets limits,
 * timers, scheduling and umask, and blocks every signal that can be blocked (a
 * terminal's ^Z and ^C among them).
 * The environment itself was emptied before any library's constructor ran.
 *
 * Privilege: CAP_SYS_RESOURCE and CAP_SYS_NICE, where there is something to
 *   raise
 * Errors: SYSTEM
 * Returns: true on success
 */
bool environment_reset(int kept_fd, GError **error) must_use;
