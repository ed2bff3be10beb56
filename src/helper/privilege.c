/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/privilege.h"

#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Raw capget and capset: libcap would be one more library that runs with
 * privilege and 200 KiB more to map, for two system calls.
 *
 * Every bit that is ever permitted, with its reason:
 *
 *   NET_ADMIN  taps, links, addresses, routes, nf_tables, net.* sysctls
 *   SETUID     to become the caller, root again, and the caller for good;
 *              the resident's change to its own user
 *   SETGID     files of ours are made in group 0, not in the caller's group;
 *              the resident's change to its own group
 *   NET_RAW    the resident's packet socket
 *   SETPCAP    the resident is started with exactly the bits that it needs:
 *              its bounding set and secure bits are cut before its exec
 *
 * From privilege_settle() on only NET_ADMIN, SETUID and SETGID are left; a
 * start that finds the resident running never uses the others.
 */

#define BIT(capability) (1ull << (capability))

#define EXIT_ABANDONED 11 /* INTERNAL: base/error.c */

#define CAPS_BACK    (BIT(CAP_SETUID) | BIT(CAP_SETGID))
#define CAPS_WORK    (BIT(CAP_NET_ADMIN) | CAPS_BACK)
#define CAPS_STARTED (CAPS_WORK | BIT(CAP_NET_RAW) | BIT(CAP_SETPCAP))

static bool get_caps(guint64 *ret_effective, guint64 *ret_permitted,
                     GError **error)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    if (syscall(SYS_capget, &header, data) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "read capabilities");
    }
    *ret_effective = (guint64)data[1].effective << 32 | data[0].effective;
    *ret_permitted = (guint64)data[1].permitted << 32 | data[0].permitted;
    return true;
}

/* Sets both sets and reads them back; nothing is ever inheritable. */
static bool set_caps(guint64 effective, guint64 permitted, GError **error)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(guint32)effective, (guint32)permitted, 0},
        {(guint32)(effective >> 32), (guint32)(permitted >> 32), 0},
    };
    guint64 effective_now = 0;
    guint64 permitted_now = 0;

    if (syscall(SYS_capset, &header, data) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "set capabilities");
    }
    if (!get_caps(&effective_now, &permitted_now, error)) {
        return false;
    }
    if (effective_now != effective || permitted_now != permitted) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the kernel did not set the capabilities asked for");
    }
    return true;
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
    guint64 effective = 0;
    guint64 permitted = 0;

    if (!read_caller(&caller, error) || !get_caps(&effective, &permitted, error)) {
        return false;
    }
    if (geteuid() != 0 || !(permitted & BIT(CAP_NET_ADMIN))) {
        return explain_lack(error);
    }
    /* A container may have cut the bounding set: what is not there is missed
     * by the step that needs it, which can say so. */
    permitted &= CAPS_STARTED;
    if (!set_caps(permitted, permitted, error)) {
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
    guint64 effective = 0;
    guint64 permitted = 0;

    if (!get_caps(&effective, &permitted, error) ||
        !set_ids(caller->uid, caller->gid, caller->uid, caller->gid, error)) {
        return false;
    }
    return set_caps(0, permitted, error);
}

/* From any stage to one with effective uid 0. */
static bool regain(uid_t real_uid, gid_t real_gid, GError **error)
{
    guint64 effective = 0;
    guint64 permitted = 0;

    return get_caps(&effective, &permitted, error) &&
           set_caps(permitted & CAPS_BACK, permitted, error) &&
           set_ids(real_uid, real_gid, 0, 0, error) &&
           set_caps(permitted, permitted, error);
}

bool privilege_resume(const Caller *caller, GError **error)
{
    return regain(caller->uid, caller->gid, error);
}

bool privilege_as_root(GError **error)
{
    return regain(0, 0, error);
}

bool privilege_settle(GError **error)
{
    guint64 effective = 0;
    guint64 permitted = 0;

    return get_caps(&effective, &permitted, error) &&
           set_caps(permitted & CAPS_WORK, permitted & CAPS_WORK, error);
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
