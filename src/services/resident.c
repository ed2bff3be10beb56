/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/resident.h"

#include "base/capability.h"
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The kernel's overflow id, which distributions call nobody: the least that
 * there is on every machine. Others may run as it, and could end us. */
#define ID_NOBODY 65534

/* The name is looked up here and not by the helper: a name service is much code
 * to run in a process that a user started. */
ResidentUser resident_find_user(void)
{
    const struct passwd *entry = getpwnam(TAPSTER_RESIDENT_USER);
    ResidentUser user = {ID_NOBODY, ID_NOBODY};

    if (entry != NULL && entry->pw_uid != 0 && entry->pw_gid != 0) {
        user = (ResidentUser){entry->pw_uid, entry->pw_gid};
    }
    return user;
}

static bool is_user(const ResidentUser *user)
{
    uid_t uids[3];
    gid_t gids[3];

    return getresuid(&uids[0], &uids[1], &uids[2]) == 0 &&
           getresgid(&gids[0], &gids[1], &gids[2]) == 0 &&
           uids[0] == user->uid && uids[1] == user->uid &&
           uids[2] == user->uid && gids[0] == user->gid && gids[1] == user->gid &&
           gids[2] == user->gid && getgroups(0, NULL) == 0;
}

static bool become_user(const ResidentUser *user, GError **error)
{
    int saved_errno;

    /* Without KEEPCAPS the change of all three uids clears the permitted set.
     * Groups first: afterwards we might not. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "become uid %u", user->uid);
    }
    if (!is_user(user)) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the kernel did not set the user asked for");
    }
    return true;
}

static bool forbid_gain(GError **error)
{
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "forbid new privileges");
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the kernel did not forbid new privileges");
    }
    return true;
}

bool resident_confine(const ResidentUser *user, guint64 keep, GError **error)
{
    const CapabilitySets kept = {
        .effective = keep,
        .permitted = keep,
        .inheritable = keep,
    };

    /* The bounding set first, while there is CAP_SETPCAP. */
    return capability_limit(keep, error) && become_user(user, error) &&
           capability_set_ambient(0, error) && capability_set(&kept, error) &&
           capability_set_ambient(keep, error) && forbid_gain(error);
}
