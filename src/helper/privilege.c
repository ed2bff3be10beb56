/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/privilege.h"

#include "base/capability.h"
#include "config.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * Every bit that is ever permitted, with its reason:
 *
 *   NET_ADMIN  taps, links, addresses, routes, nf_tables, net.* sysctls
 *   SETUID     to become the caller, root again, and the caller for good;
 *              the residents' change to their own user
 *   SETGID     files of ours are made in group 0, not in the caller's group;
 *              the residents' change to their own group
 *   NET_RAW    tapster-dhcp's packet socket; dnsmasq's socket for router
 *              advertisements
 *   NET_BIND_SERVICE  dnsmasq's ports for names and, on shared segments, DHCP
 *   SETPCAP    the residents are started with exactly the bits that they need:
 *              their bounding set and secure bits are cut before their exec
 *   KILL       a dnsmasq that serves a network as its file was before is ended
 *   SYS_PTRACE only if root asks: which process has a port that is wanted for a
 *              forward, for the message
 *
 * From privilege_settle() on only NET_ADMIN, SETUID and SETGID are left, and
 * SYS_PTRACE to root; a start that finds the residents running never uses the
 * others.
 */

#define EXIT_ABANDONED 11 /* INTERNAL: base/error.c */

#define CAPS_BACK    (CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETGID))
#define CAPS_WORK    (CAPABILITY_BIT(CAP_NET_ADMIN) | CAPS_BACK)
#define CAPS_STARTED                                                           \
    (CAPS_WORK | CAPABILITY_BIT(CAP_NET_RAW) |                                 \
     CAPABILITY_BIT(CAP_NET_BIND_SERVICE) | CAPABILITY_BIT(CAP_SETPCAP) |       \
     CAPABILITY_BIT(CAP_KILL))

/* What a start keeps for whom. */
static guint64 caps_for(const Caller *caller, guint64 caps)
{
    return caller->uid == 0 ? caps | CAPABILITY_BIT(CAP_SYS_PTRACE) : caps;
}

/* Nothing is ever inheritable. */
static bool set_caps(guint64 effective, guint64 permitted, GError **error)
{
    const CapabilitySets sets = {.effective = effective, .permitted = permitted};

    return capability_set(&sets, error);
}

/* Sets user and group ids, the real ones and the two others, and reads them
 * back. */
static bool set_ids(uid_t real_uid, gid_t real_gid, uid_t uid, gid_t gid,
                    GError **error)
{
    uid_t uids[3];
    gid_t gids[3];

    /* The group first: once the user is the caller, it may not be allowed. */
    if (setresgid(real_gid, gid, gid) < 0 || setresuid(real_uid, uid, uid) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "become uid %u", uid);
    }
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) < 0 || uids[0] != real_uid ||
        uids[1] != uid || uids[2] != uid || gids[0] != real_gid ||
        gids[1] != gid || gids[2] != gid) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the kernel did not set the user asked for");
    }
    return true;
}

static bool read_caller(Caller **ret_caller, GError **error)
{
    g_autoptr(Caller) caller = g_new0(Caller, 1);
    int count = getgroups(0, NULL);

    caller->uid = getuid();
    caller->gid = getgid();
    if (count > 0) {
        caller->groups = g_new0(gid_t, count);
        count = getgroups(count, caller->groups);
    }
    if (count < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "read the caller's groups");
    }
    caller->n_groups = (guint)count;
    *ret_caller = g_steal_pointer(&caller);
    return true;
}

/* The most frequent complaint about every program of this kind is a bare
 * "Operation not permitted": say why. */
static bool explain_lack(GError **error)
{
    struct statvfs mount;

    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "no privilege: this process runs under no_new_privs "
                         "(a sandbox or NoNewPrivileges=yes), where setuid "
                         "programs do not work; start the VM outside of it");
    }
    if (statvfs("/proc/self/exe", &mount) == 0 && (mount.f_flag & ST_NOSUID)) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "no privilege: " TAPSTER_HELPER_PATH " is on a file "
                         "system mounted nosuid; install it on another");
    }
    return error_set(error, TAPSTER_ERROR_SYSTEM,
                     "no privilege: the helper is not installed setuid root; "
                     "as root: chown root " TAPSTER_HELPER_PATH
                     " && chmod u+s " TAPSTER_HELPER_PATH);
}

bool privilege_begin(Caller **ret_caller, GError **error)
{
    g_autoptr(Caller) caller = NULL;
    CapabilitySets now;

    if (!read_caller(&caller, error) || !capability_get(&now, error)) {
        return false;
    }
    if (geteuid() != 0 || !(now.permitted & CAPABILITY_BIT(CAP_NET_ADMIN))) {
        return explain_lack(error);
    }
    /* A container may have cut the bounding set: what is not there is missed
     * by the step that needs it, which can say so. */
    now.permitted &= caps_for(caller, CAPS_STARTED);
    if (!set_caps(now.permitted, now.permitted, error)) {
        return false;
    }
    /* Without this the change of all three uids would clear the permitted set
     * and there would be no way back. Cleared by privilege_finish(). */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "keep capabilities");
    }
    *ret_caller = g_steal_pointer(&caller);
    return true;
}

bool privilege_as_caller(const Caller *caller, GError **error)
{
    CapabilitySets now;

    if (!capability_get(&now, error) ||
        !set_ids(caller->uid, caller->gid, caller->uid, caller->gid, error)) {
        return false;
    }
    return set_caps(0, now.permitted, error);
}

/* From any stage to one with effective uid 0. */
static bool regain(uid_t real_uid, gid_t real_gid, GError **error)
{
    CapabilitySets now;

    return capability_get(&now, error) &&
           set_caps(now.permitted & CAPS_BACK, now.permitted, error) &&
           set_ids(real_uid, real_gid, 0, 0, error) &&
           set_caps(now.permitted, now.permitted, error);
}

bool privilege_resume(const Caller *caller, GError **error)
{
    return regain(caller->uid, caller->gid, error);
}

bool privilege_as_root(GError **error)
{
    return regain(0, 0, error);
}

bool privilege_settle(const Caller *caller, GError **error)
{
    guint64 kept = caps_for(caller, CAPS_WORK);
    CapabilitySets now;

    return capability_get(&now, error) &&
           set_caps(now.permitted & kept, now.permitted & kept, error);
}

void privilege_abandon(const Caller *caller)
{
    const Caller real = {.uid = getuid(), .gid = getgid()};

    if (!privilege_finish(caller ? caller : &real, NULL)) {
        _exit(EXIT_ABANDONED);
    }
}

bool privilege_finish(const Caller *caller, GError **error)
{
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 ||
        prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 0) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "cannot give capabilities up");
    }
    return set_ids(caller->uid, caller->gid, caller->uid, caller->gid, error) &&
           set_caps(0, 0, error);
}
