/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"
#include "kernel/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <string.h>

/*
 * Telling this boot and this network namespace from all others. An inode of
 * /proc/self/ns/net would not do alone: the next namespace may get the same one.
 */

bool observe_boot(guint8 ret_boot_id[16], GError **error)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    char text[64] = "";
    autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (length < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "reading %s", path);
    }

    int digits = 0;

    memset(ret_boot_id, 0, 16);
    for (const char *c = text; *c && digits < 32; c++) {
        int value = g_ascii_xdigit_value(*c);

        if (value >= 0) {
            ret_boot_id[digits / 2] |= (guint8)(digits % 2 ? value : value << 4);
            digits++;
        }
    }
    return digits == 32 || error_set(error, TAPSTER_ERROR_SYSTEM,
                                     "%s: not a boot id", path);
}

bool observe_namespace(int socket_fd, guint64 *ret_cookie, GError **error)
{
    guint64 cookie = 0;
    socklen_t size = sizeof(cookie);
    struct stat namespace;

    if (getsockopt(socket_fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) ==
        0) {
        *ret_cookie = cookie;
        return true;
    }
    if (stat("/proc/self/ns/net", &namespace) == 0) {
        *ret_cookie = namespace.st_ino;
        return true;
    }

    int saved_errno = errno;

    return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "telling this network namespace from others");
}
