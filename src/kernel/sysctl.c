/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/sysctl.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/*
 * The few switches that netlink does not reach. Every path is a constant with
 * an interface's name in it, and an Ifname has no '/' and is not "..": nothing
 * outside /proc/sys/net can be named. What is per network namespace below
 * /proc/sys/net is that of the calling process (Linux net/sysctl_net.c).
 */

#define FORWARDING_PATH  "/proc/sys/net/ipv4/ip_forward"
#define FORWARDING6_PATH "/proc/sys/net/ipv6/conf/all/forwarding"

typedef struct {
    char text[96];
} Path;

static Path path_of(SysctlLink which, const char *name)
{
    static const char *const values[] = {
        [SYSCTL_IPV6_DISABLE] = "disable_ipv6",
        [SYSCTL_IPV6_ACCEPT_RA] = "accept_ra",
        [SYSCTL_IPV6_FORWARDING] = "forwarding",
    };
    Path path;

    g_snprintf(path.text, sizeof(path.text), "/proc/sys/net/ipv6/conf/%s/%s",
               name, values[which]);
    return path;
}

static bool write_value(const char *path, int value, int *ret_errno)
{
    autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    const char text[2] = { (char)('0' + value), '\n' };

    if (fd < 0) {
        *ret_errno = errno;
        return false;
    }

    ssize_t written = write(fd, text, sizeof(text));

    *ret_errno = written < 0 ? errno : EIO;
    return written == sizeof(text);
}

static bool read_value(const char *path, int *ret_value, int *ret_errno)
{
    autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    char text[16] = "";

    if (fd < 0) {
        *ret_errno = errno;
        return false;
    }

    ssize_t length = read(fd, text, sizeof(text) - 1);

    if (length <= 0) {
        *ret_errno = length < 0 ? errno : EIO;
        return false;
    }
    *ret_value = (int)strtol(text, NULL, 10);
    return true;
}

static bool set(const Path *path, int value, bool *ret_present, GError **error)
{
    int saved_errno = 0;
    bool written = write_value(path->text, value, &saved_errno);

    if (!written && saved_errno != ENOENT) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "writing %s", path->text);
    }
    if (ret_present) {
        *ret_present = written;
    }
    return true;
}

bool sysctl_set_link(SysctlLink which, const Ifname *link, int value,
                     bool *ret_present, GError **error)
{
    Path path = path_of(which, link->name);

    /* Files of the whole host have these names. */
    if (strcmp(link->name, SYSCTL_ALL) == 0 ||
        strcmp(link->name, SYSCTL_DEFAULT) == 0) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "'%s' is no interface", link->name);
    }
    return set(&path, value, ret_present, error);
}

bool sysctl_set_default(SysctlLink which, int value, GError **error)
{
    Path path = path_of(which, SYSCTL_DEFAULT);

    return set(&path, value, NULL, error);
}

bool sysctl_get(SysctlLink which, const char *name, int *ret_value,
                bool *ret_present, GError **error)
{
    Path path = path_of(which, name);
    int saved_errno = 0;
    int value = 0;
    bool present = read_value(path.text, &value, &saved_errno);

    if (!present && saved_errno != ENOENT) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "reading %s", path.text);
    }
    *ret_value = value;
    if (ret_present) {
        *ret_present = present;
    }
    return true;
}

static bool switch_forwarding(const char *path, bool on, GError **error)
{
    int saved_errno = 0;
    int now = 0;

    if (!write_value(path, on, &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "writing %s", path);
    }
    if (!read_value(path, &now, &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "reading %s", path);
    }
    return (now != 0) == on ||
           error_set(error, TAPSTER_ERROR_KERNEL,
                     "%s keeps its value: something else decides about "
                     "forwarding here", path);
}

bool sysctl_get_forwarding(bool *ret_on, GError **error)
{
    int saved_errno = 0;
    int value = 0;

    if (!read_value(FORWARDING_PATH, &value, &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "reading " FORWARDING_PATH);
    }
    *ret_on = value != 0;
    return true;
}

bool sysctl_set_forwarding(bool on, GError **error)
{
    return switch_forwarding(FORWARDING_PATH, on, error);
}

bool sysctl_get_forwarding6(bool *ret_on, GError **error)
{
    int value = 0;

    if (!sysctl_get(SYSCTL_IPV6_FORWARDING, SYSCTL_ALL, &value, NULL, error)) {
        return false;
    }
    *ret_on = value != 0;
    return true;
}

bool sysctl_set_forwarding6(bool on, GError **error)
{
    return switch_forwarding(FORWARDING6_PATH, on, error);
}
