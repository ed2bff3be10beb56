/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_lock.h"

#include "base/fd.h"
#include "services/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * A process id says nothing for sure: its process may have ended and another
 * have got the number. It is believed only while the lock is held, since then
 * its writer lives, or processes of its group do, for which the kernel keeps
 * the number from being given to anybody else.
 */

ServicesLockName services_lock_dhcp(void)
{
    return (ServicesLockName){"dhcp.pid"};
}

ServicesLockName services_lock_dns(const char *network)
{
    ServicesLockName name;

    (void)snprintf(name.name, sizeof(name.name), "dns/%.*s/lock",
                   NETWORK_NAME_MAX, network);
    return name;
}

bool services_lock_take(int fd, bool *ret_taken)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *ret_taken = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    return *ret_taken || errno == EAGAIN || errno == EACCES;
}

bool services_lock_drop(int fd)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool services_lock_is_held(int fd, bool *ret_held)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0) {
        return false;
    }
    *ret_held = lock.l_type != F_UNLCK;
    return true;
}

bool services_lock_sign(int fd)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    return pwrite(fd, text, (size_t)length, 0) == length;
}

pid_t services_lock_holder(int fd)
{
    char text[16];
    char *end = NULL;
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    long pid;

    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    pid = strtol(text, &end, 10);
    return *end == '\n' && pid > 1 && pid <= G_MAXINT32 ? (pid_t)pid : 0;
}

bool services_lock_is_stale(int fd)
{
    struct stat status;
    struct timespec now;

    /* The clock that the kernel takes a file's times from. */
    return fstat(fd, &status) == 0 &&
           clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
           now.tv_sec - status.st_mtim.tv_sec > SERVICES_DEAF_S;
}

/* Residents write the number, and could write anybody's: of root's signals, only
 * processes of their user are told. ("Uid:", then real, effective, saved and
 * file system id: proc(5).) */
static bool is_residents(pid_t pid)
{
    guint uids[4];
    char path[32];
    char line[128];
    FILE *file;
    bool found = false;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof(line), file)) {
        found = sscanf(line, "Uid: %u %u %u %u", &uids[0], &uids[1], &uids[2],
                       &uids[3]) == 4;
    }
    if (file) {
        (void)fclose(file);
    }
    if (!found) {
        return false;
    }
    ResidentUser user = resident_find_user();

    return uids[0] == user.uid && uids[1] == user.uid && uids[2] == user.uid &&
           uids[3] == user.uid;
}

bool services_lock_end(int fd, int signal)
{
    pid_t pid = services_lock_holder(fd);
    bool held = false;
    /* glibc has wrappers since 2.36 only; Linux has them since 5.3. */
    autofd process_fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

    if (!services_lock_is_held(fd, &held)) {
        return false;
    }
    if (!held || pid == 0 || services_lock_holder(fd) != pid) {
        return true; /* it has gone, or has not said who it is yet */
    }
    if (geteuid() == 0 && !is_residents(pid)) {
        errno = EPERM;
        return false;
    }
    if (signal == SIGKILL) {
        /* EPERM only if not one process of the group could be told. */
        (void)kill(-pid, SIGKILL);
    }
    return process_fd < 0 ||
           syscall(SYS_pidfd_send_signal, process_fd, signal, NULL, 0) == 0 ||
           errno == ESRCH;
}
