/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <sys/types.h>

/*
 * What both residents do once they have what only root may open: they become a
 * user who owns nothing.
 */

typedef struct {
    uid_t uid;
    gid_t gid;
} ResidentUser;

/* TAPSTER_RESIDENT_USER, or 65534 where there is none. Asks the user database.
 * Privilege: none */
ResidentUser resident_find_user(void);

/**
 * resident_confine:
 * @user: from resident_find_user()
 * @keep: capabilities that stay, over an exec as well; all else goes
 *
 * Gives up for good whatever the process may do beyond what any process, or one
 * with @keep, may: it becomes @user, without groups or anything to gain from an
 * exec, and cannot be traced by others of that user. Every change is read back.
 *
 * Privilege: uid 0, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, and @keep
 * Errors: SYSTEM, INTERNAL
 * Returns: true on success; on failure the process must end
 */
bool resident_confine(const ResidentUser *user, guint64 keep,
                      GError **error) must_use;
