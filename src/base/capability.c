/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/capability.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * All of this acts on the calling thread; the programs that use it have one.
 */

#define CAPABILITIES_MAX 64

#define BITS_DISARMED                                                          \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |      \
     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static bool differs(const char *what, GError **error)
{
    return error_set(error, TAPSTER_ERROR_INTERNAL,
                     "the kernel did not set the %s asked for", what);
}

bool capability_get(CapabilitySets *ret_sets, GError **error)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    if (syscall(SYS_capget, &header, data) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "read capabilities");
    }
    ret_sets->effective = (guint64)data[1].effective << 32 | data[0].effective;
    ret_sets->permitted = (guint64)data[1].permitted << 32 | data[0].permitted;
    ret_sets->inheritable =
        (guint64)data[1].inheritable << 32 | data[0].inheritable;
    return true;
}

bool capability_set(const CapabilitySets *sets, GError **error)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(guint32)sets->effective, (guint32)sets->permitted,
         (guint32)sets->inheritable},
        {(guint32)(sets->effective >> 32), (guint32)(sets->permitted >> 32),
         (guint32)(sets->inheritable >> 32)},
    };
    CapabilitySets now;

    if (syscall(SYS_capset, &header, data) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "set capabilities");
    }
    if (!capability_get(&now, error)) {
        return false;
    }
    if (now.effective != sets->effective || now.permitted != sets->permitted ||
        now.inheritable != sets->inheritable) {
        return differs("capabilities", error);
    }
    return true;
}

bool capability_limit(guint64 keep, GError **error)
{
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++) {
        /* Fails with EINVAL after the last one that this kernel knows. */
        int present = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

        if (present < 0) {
            break;
        }
        if (present == 0 || keep & CAPABILITY_BIT(i)) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "cut the capability bounding set");
        }
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) != 0) {
            return differs("capability bounding set", error);
        }
    }
    return true;
}

bool capability_set_ambient(guint64 ambient, GError **error)
{
    int result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    for (unsigned long i = 0; i < CAPABILITIES_MAX && result == 0; i++) {
        if (ambient & CAPABILITY_BIT(i)) {
            result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
        }
    }
    if (result < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "set ambient capabilities");
    }
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++) {
        result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0);
        if (result >= 0 && result != !!(ambient & CAPABILITY_BIT(i))) {
            return differs("ambient capabilities", error);
        }
    }
    return true;
}

bool capability_disarm_root(GError **error)
{
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

    if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | BITS_DISARMED, 0, 0, 0) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "set secure bits");
    }
    if ((prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & BITS_DISARMED) != BITS_DISARMED) {
        return differs("secure bits", error);
    }
    return true;
}
