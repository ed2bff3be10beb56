/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/sysctl.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/*
 * The few switches that netlink does not reach. Every path is a constant with
 * an interface's name in it, and an Ifname has no '/' and is not "..": nothing
 * outside /proc/sys/net can be named. What is per network namespace below
 * /proc/sys/net is that of the calling process (Linux net/sysctl_net.c).
 */

#define FORWARDING_PATH "/proc/sys/net/ipv4/ip_forward"

static bool write_switch(const char *path, bool on, int *ret_errno)
{
    autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

    if (fd < 0) {
        *ret_errno = errno;
        return false;
    }

    ssize_t written = write(fd, on ? "1\n" : "0\n", 2);

    *ret_errno = written < 0 ? errno : EIO;
    return written == 2;
}

static bool read_switch(const char *path, bool *ret_on, int *ret_errno)
{
    autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    char value[16] = "";

    if (fd < 0) {
        *ret_errno = errno;
        return false;
    }

    ssize_t length = read(fd, value, sizeof(value) - 1);

    if (length <= 0) {
        *ret_errno = length < 0 ? errno : EIO;
        return false;
    }
    *ret_on = strcmp(value, "0\n") != 0;
    return true;
}

bool sysctl_set_link(SysctlLink which, const Ifname *link, bool on,
                     bool *ret_present, GError **error)
{
    static const char *const format[][2] = {
        [SYSCTL_IPV6_DISABLE] = { "/proc/sys/net/ipv6/conf/", "/disable_ipv6" },
    };
    char path[64 + IFNAMSIZ];
    int saved_errno;

    /* No link can have these names (Linux net/ipv4/devinet.c,
     * devinet_sysctl_register()), but files of the whole host do. */
    if (strcmp(link->name, "all") == 0 || strcmp(link->name, "default") == 0) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "'%s' is no interface", link->name);
    }
    g_snprintf(path, sizeof(path), "%s%s%s", format[which][0], link->name,
               format[which][1]);
    if (ret_present) {
        *ret_present = true;
    }
    if (write_switch(path, on, &saved_errno)) {
        return true;
    }
    if (saved_errno == ENOENT) {
        if (ret_present) {
            *ret_present = false;
        }
        return true;
    }
    return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                           "writing %s", path);
}

bool sysctl_get_forwarding(bool *ret_on, GError **error)
{
    int saved_errno;

    return read_switch(FORWARDING_PATH, ret_on, &saved_errno) ||
           error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                           "reading " FORWARDING_PATH);
}

bool sysctl_set_forwarding(bool on, GError **error)
{
    int saved_errno;
    bool now;

    if (!write_switch(FORWARDING_PATH, on, &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "writing " FORWARDING_PATH);
    }
    if (!sysctl_get_forwarding(&now, error)) {
        return false;
    }
    return now == on ||
           error_set(error, TAPSTER_ERROR_KERNEL,
                     FORWARDING_PATH " keeps its value: something else "
                     "decides about forwarding here");
}
