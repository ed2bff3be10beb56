/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_child.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* systemd's two places of the unified hierarchy: cgroups(7). */
static const char *const hierarchies[] = {
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/unified",
};

/* Writes a short text to a file of the kernel's, of file system @magic. */
static bool write_kernel(const char *path, long magic, const char *text)
{
    autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    ssize_t size = (ssize_t)strlen(text);
    struct statfs fs;

    return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == magic &&
           write(fd, text, (gsize)size) == size;
}

/* Moves this process ("0" is the writer) to a cgroup of the residents' own, else
 * to the root. */
static bool move_to_own_cgroup(const char *hierarchy)
{
    struct statfs fs;
    char path[64];

    if (statfs(hierarchy, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/tapster", hierarchy);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof(path), "%s/tapster/cgroup.procs", hierarchy);
    if (write_kernel(path, CGROUP2_SUPER_MAGIC, "0")) {
        return true;
    }
    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", hierarchy);
    return write_kernel(path, CGROUP2_SUPER_MAGIC, "0");
}

/* One user's start makes the resident of all. In that user's cgroup it would be
 * frozen or killed with it (systemd delegates a user's to them), and end with
 * the unit of the first VM; with their affinity and score it would starve or be
 * chosen first when memory runs out. Where none of this can be changed, in most
 * containers, it is as it would have been. */
void services_child_leave(void)
{
    cpu_set_t all;

    for (guint i = 0; i < G_N_ELEMENTS(hierarchies); i++) {
        if (move_to_own_cgroup(hierarchies[i])) {
            break;
        }
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

static bool reset_standard(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return fd >= 0 && dup2(fd, STDIN_FILENO) >= 0 &&
           dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
}

static bool reset_descriptors(int run_dir_fd)
{
    unsigned first = SERVICES_CHILD_DIRECTORY_FD;

    if (run_dir_fd >= 0) {
        /* dup2() onto itself would leave the descriptor close-on-exec. */
        if (run_dir_fd == SERVICES_CHILD_DIRECTORY_FD
                ? fcntl(run_dir_fd, F_SETFD, 0) < 0
                : dup2(run_dir_fd, SERVICES_CHILD_DIRECTORY_FD) < 0) {
            return false;
        }
        first++;
    }
    /* glibc has a wrapper since 2.34 only; Linux has it since 5.9. */
    return syscall(SYS_close_range, first, ~0u, 0) == 0;
}

bool services_child_detach(int run_dir_fd)
{
    (void)umask(077);
    return setsid() >= 0 && chdir("/") == 0 && reset_standard() &&
           reset_descriptors(run_dir_fd) && reset_signals();
}

bool services_child_wait(pid_t child)
{
    pid_t waited;
    int status = 0;

    do {
        waited = waitpid(child, &status, 0);
    } while (waited < 0 && errno == EINTR);
    /* ECHILD: the hypervisor had SIGCHLD ignored, and the kernel waited. */
    return (waited < 0 && errno == ECHILD) ||
           (waited == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
