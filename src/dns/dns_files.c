/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/dns_files.h"

#include "base/fd.h"
#include "config.h"
#include "services/services_lock.h"
#include "services/services_place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS     1000
#define END_WAIT_MS      1000
#define CHILDREN_WAIT_MS 20

static bool is_name(const char *text)
{
    gsize length = strlen(text);

    return length > 0 && length <= NETWORK_NAME_MAX && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == length;
}

bool dns_place_make(const char *directory, const char *network,
                    DnsPlace *ret_place, GError **error)
{
    DnsPlace place;
    int length = snprintf(place.path, sizeof(place.path), "%s/dns/%s",
                          directory, network);

    if (directory[0] != '/' || !is_name(network) || length < 0 ||
        (gsize)length >= sizeof(place.path)) {
        return error_set(
            error, TAPSTER_ERROR_USAGE,
            "the directory must be absolute and the network a name");
    }
    *ret_place = place;
    return true;
}

bool dns_place_parse_instance(const char *instance, DnsPlace *ret_place,
                              GError **error)
{
    gsize length = strspn(instance, "0123456789abcdef");
    char directory[sizeof(TAPSTER_RUNSTATEDIR) + 24];

    if (length < 1 || length > 16 || instance[length] != '-') {
        return error_set(error, TAPSTER_ERROR_USAGE,
                         "not NAMESPACE-NAME, as in '1-nat'");
    }
    (void)snprintf(directory, sizeof(directory), TAPSTER_RUNSTATEDIR "/%.*s",
                   (int)length, instance);
    return dns_place_make(directory, instance + length + 1, ret_place, error);
}

/* Root's and nobody else's to write to, or what is in it could be anything. */
static bool open_directory(const DnsPlace *place, int *ret_fd, GError **error)
{
    autofd fd =
        open(place->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    int saved_errno = errno;

    if (fd < 0 || fstat(fd, &status) < 0) {
        saved_errno = fd < 0 ? saved_errno : errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open '%s' (tapster-helper makes it)",
                               place->path);
    }
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH))) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "'%s' must be root's and writable by root alone",
                         place->path);
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

static bool share_part(int directory_fd, const char *name, gid_t gid)
{
    autofd fd = openat(directory_fd, name,
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 && fchown(fd, (uid_t)-1, gid) == 0 && fchmod(fd, 0770) == 0;
}

static bool share(int directory_fd, int lock_fd, gid_t gid)
{
    if (setgroups(1, &gid) < 0 || fchown(lock_fd, (uid_t)-1, gid) < 0 ||
        fchmod(lock_fd, 0660) < 0) {
        return false;
    }
    for (guint i = 0; i < SERVICES_DNS_PARTS; i++) {
        if (!share_part(directory_fd, services_place_parts[i], gid)) {
            return false;
        }
    }
    return true;
}

bool dns_files_open(const DnsPlace *place, const ResidentUser *user,
                    DnsFiles *ret_files, GError **error)
{
    autofd directory_fd = -1;
    autofd lock_fd = -1;
    int saved_errno;

    if (!open_directory(place, &directory_fd, error)) {
        return false;
    }
    /* Appended to: tapster-dhcp cuts what dnsmasq has to say when it gets long. */
    lock_fd = openat(directory_fd, "lock",
                     O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0660);
    if (lock_fd < 0 || !share(directory_fd, lock_fd, user->gid)) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "give the files in '%s' to group %u",
                               place->path, user->gid);
    }
    *ret_files = (DnsFiles){.lock_fd = fd_steal(&lock_fd)};
    return true;
}

/* Ends what is left of a dnsmasq that has died: its group, which has no leader. */
static void end_orphans(int lock_fd)
{
    pid_t leader = services_lock_holder(lock_fd);

    if (leader > 0 && kill(leader, 0) < 0 && errno == ESRCH) {
        (void)kill(-leader, SIGKILL);
    }
}

static bool sign(int lock_fd)
{
    /* The first line, and nothing of an earlier dnsmasq's after it. With
     * O_APPEND pwrite(2) would append, too. */
    return ftruncate(lock_fd, 0) == 0 && services_lock_sign(lock_fd);
}

/* Whoever had the lock is ending, and has let go of it before its sockets, which
 * the next dnsmasq cannot bind until then. */
static void wait_for_end(pid_t former)
{
    const struct timespec for_children = {0, CHILDREN_WAIT_MS * 1000000};
    /* glibc has a wrapper since 2.36 only; Linux has it since 5.3. */
    autofd process_fd = former > 0 && kill(former, 0) == 0
                            ? (int)syscall(SYS_pidfd_open, former, 0)
                            : -1;
    struct pollfd end = {.fd = process_fd, .events = POLLIN};

    if (process_fd >= 0) {
        (void)poll(&end, 1, END_WAIT_MS);
    } else if (former > 0) {
        (void)nanosleep(&for_children, NULL);
    }
}

bool dns_files_lock(DnsFiles *files, bool *ret_is_first, GError **error)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    pid_t former = services_lock_holder(files->lock_fd);
    bool taken = false;

    for (int waited_ms = 0; waited_ms < LOCK_WAIT_MS && !taken; waited_ms += 10) {
        if (!services_lock_take(files->lock_fd, &taken)) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "lock the network's files");
        }
        if (!taken && former > 0 && kill(former, 0) == 0) {
            break; /* it lives */
        }
        if (!taken) {
            end_orphans(files->lock_fd);
            (void)nanosleep(&pause, NULL);
        }
    }
    *ret_is_first = taken;
    if (taken) {
        wait_for_end(former);
    }
    if (taken && !sign(files->lock_fd)) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "write the network's lock");
    }
    return true;
}
