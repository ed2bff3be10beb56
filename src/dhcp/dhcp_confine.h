/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/**
 * dhcp_confine:
 *
 * Gives up for good whatever the process may do beyond what any process may: it
 * becomes the user TAPSTER_RESIDENT_USER, or 65534 where there is none, without
 * groups, capabilities, a bounding set or anything to gain from an exec, and
 * cannot be traced by others of that user. Every change is read back.
 *
 * Privilege: uid 0, CAP_SETUID, CAP_SETGID, CAP_SETPCAP
 * Errors: SYSTEM, INTERNAL
 * Returns: true on success; on failure the process must end
 */
bool dhcp_confine(GError **error) must_use;
