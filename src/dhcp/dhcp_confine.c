/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_confine.h"

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
static void find_user(uid_t *ret_uid, gid_t *ret_gid)
{
    const struct passwd *user = getpwnam(TAPSTER_RESIDENT_USER);

    *ret_uid = ID_NOBODY;
    *ret_gid = ID_NOBODY;
    if (user != NULL && user->pw_uid != 0 && user->pw_gid != 0) {
        *ret_uid = user->pw_uid;
        *ret_gid = user->pw_gid;
    }
}

static bool is_user(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    return getresuid(&uids[0], &uids[1], &uids[2]) == 0 &&
           getresgid(&gids[0], &gids[1], &gids[2]) == 0 && uids[0] == uid &&
           uids[1] == uid && uids[2] == uid && gids[0] == gid &&
           gids[1] == gid && gids[2] == gid && getgroups(0, NULL) == 0;
}

static bool become_user(GError **error)
{
    int saved_errno;
    uid_t uid;
    gid_t gid;

    find_user(&uid, &gid);
    /* Groups first: afterwards we might not. */
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
        setresuid(uid, uid, uid) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "become uid %u", uid);
    }
    if (!is_user(uid, gid)) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the kernel did not set the user asked for");
    }
    return true;
}

static bool forbid_gain(GError **error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
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

bool dhcp_confine(GError **error)
{
    const CapabilitySets none = {0};

    /* The bounding set first, while there is CAP_SETPCAP. */
    return capability_limit(0, error) && become_user(error) &&
           capability_set_ambient(0, error) && capability_set(&none, error) &&
           forbid_gain(error);
}
