/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_dhcp.h"

#include "base/capability.h"
#include "base/fd.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * The resident is alive if and only if its lock is held: an open-file-description
 * lock goes with its holder, however that ends, and nobody but root can open the
 * file to take it. The number in the file is for people.
 *
 * The child between fork and exec turns a process that a user started into one
 * that belongs to nobody. What would otherwise stay: the hypervisor's socket
 * (QEMU waits until its last holder has closed it) and its terminal, the user's
 * session and cgroup, blocked signals, and a uid 0 for which exec is a way to
 * every capability.
 *
 * The child is not waited for: the helper ends at once and leaves it to init,
 * and the hypervisor waits for the helper by its process id.
 */

#define RESIDENT_DIRECTORY_FD 3
#define RESIDENT_ARGUMENT     "--directory-fd=3"
#define EXIT_CHILD            127

/* What the resident needs until it has given it up:
 *   NET_RAW         to open its packet socket
 *   SETUID, SETGID  to change to its own user
 *   SETPCAP         to empty its bounding set */
#define RESIDENT_CAPABILITIES                                                  \
    (CAPABILITY_BIT(CAP_NET_RAW) | CAPABILITY_BIT(CAP_SETUID) |                \
     CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETPCAP))

bool services_find_dhcp(int run_dir_fd, bool *ret_running, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    autofd fd = openat(run_dir_fd, SERVICES_DHCP_LOCK,
                       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int saved_errno = errno;

    if (fd < 0 && saved_errno == ENOENT) {
        *ret_running = false;
        return true;
    }
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0) {
        saved_errno = fd < 0 ? saved_errno : errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "look for tapster-dhcp");
    }
    *ret_running = lock.l_type != F_UNLCK;
    return true;
}

/* Writes a short text to a file of the kernel's, of file system @magic. */
static bool write_kernel(const char *path, long magic, const char *text)
{
    autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    ssize_t size = (ssize_t)strlen(text);
    struct statfs fs;

    return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == magic &&
           write(fd, text, (gsize)size) == size;
}

/* One user's start makes the resident of all. In that user's cgroup it would be
 * frozen or killed with it (systemd delegates a user's to them), and end with
 * the unit of the first VM; with their affinity and score it would starve or be
 * chosen first when memory runs out. Where none of this can be changed, in most
 * containers, it is as it would have been. */
static void leave_caller(void)
{
    cpu_set_t all;

    /* systemd's two places of the unified hierarchy; "0" is the writer:
     * cgroups(7). */
    if (!write_kernel("/sys/fs/cgroup/cgroup.procs", CGROUP2_SUPER_MAGIC, "0")) {
        (void)write_kernel("/sys/fs/cgroup/unified/cgroup.procs",
                           CGROUP2_SUPER_MAGIC, "0");
    }
    (void)write_kernel("/proc/self/oom_score_adj", PROC_SUPER_MAGIC, "0");
    memset(&all, 0xff, sizeof(all));
    (void)sched_setaffinity(0, sizeof(all), &all);
}

/* Default actions and nothing blocked, whatever the hypervisor had set. */
static bool reset_signals(void)
{
    struct sigaction action;
    sigset_t none;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (int i = 1; i < NSIG; i++) {
        /* Fails for SIGKILL, SIGSTOP and those that libc keeps. */
        (void)sigaction(i, &action, NULL);
    }
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Null device at 0, 1 and 2, the directory at 3, and nothing else. */
static bool reset_descriptors(int run_dir_fd, int null_fd)
{
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
        dup2(null_fd, STDERR_FILENO) < 0) {
        return false;
    }
    /* dup2() onto itself would leave the descriptor close-on-exec. */
    if (run_dir_fd == RESIDENT_DIRECTORY_FD
            ? fcntl(run_dir_fd, F_SETFD, 0) < 0
            : dup2(run_dir_fd, RESIDENT_DIRECTORY_FD) < 0) {
        return false;
    }
    /* glibc has a wrapper since 2.34 only; Linux has it since 5.9. */
    return syscall(SYS_close_range, RESIDENT_DIRECTORY_FD + 1, ~0u, 0) == 0;
}

/* Ambient capabilities are how a program without file capabilities keeps any
 * over its exec once uid 0 means nothing: capabilities(7). */
static bool reset_capabilities(void)
{
    const CapabilitySets sets = {
        .effective = RESIDENT_CAPABILITIES,
        .permitted = RESIDENT_CAPABILITIES,
        .inheritable = RESIDENT_CAPABILITIES,
    };

    return capability_limit(RESIDENT_CAPABILITIES, NULL) &&
           capability_set(&sets, NULL) &&
           capability_set_ambient(RESIDENT_CAPABILITIES, NULL) &&
           capability_disarm_root(NULL);
}

static void become_resident(int run_dir_fd, int null_fd)
{
    char name[] = "tapster-dhcp";
    char argument[] = RESIDENT_ARGUMENT;
    char *const arguments[] = {name, argument, NULL};
    char *const environment[] = {NULL};

    leave_caller();
    if (setsid() >= 0 && chdir("/") == 0 &&
        reset_descriptors(run_dir_fd, null_fd) && reset_signals() &&
        reset_capabilities()) {
        umask(077);
        execve(TAPSTER_DHCP_PATH, arguments, environment);
    }
    _exit(EXIT_CHILD);
}

bool services_start_dhcp(int run_dir_fd, GError **error)
{
    autofd null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int saved_errno = errno;
    pid_t child;

    if (run_dir_fd < RESIDENT_DIRECTORY_FD) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the run directory's descriptor is a standard one");
    }
    if (null_fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open /dev/null");
    }
    /* What would fail in the child, where nobody hears of it. */
    if (faccessat(AT_FDCWD, TAPSTER_DHCP_PATH, X_OK, AT_EACCESS) < 0) {
        saved_errno = errno;
        return error_set_errno(
            error, TAPSTER_ERROR_SYSTEM, saved_errno,
            "guests would get no address: " TAPSTER_DHCP_PATH);
    }

    child = fork();
    saved_errno = errno;
    if (child < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "start tapster-dhcp");
    }
    if (child == 0) {
        become_resident(run_dir_fd, null_fd);
    }
    return true;
}
