/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * What a process inherits across exec, and a setuid one must not believe.
 *
 * Environment variables are read before main: libnl opens a file named by
 * NLSYSCONFDIR, GLib obeys G_DEBUG. The loader runs the functions of a
 * program's .preinit_array before the constructors of its libraries, so the
 * environment is emptied there. (musl runs no .preinit_array; meson refuses a
 * setuid build on it.)
 */

#define FILES_MAX      65536u  /* dnsmasq: four sockets a port */
#define TIMER_SLACK_NS 50000ul /* what init has: Linux init/init_task.c */

static void empty_environment(int argc, char **argv, char **envp)
{
    (void)argc;
    (void)argv;
    if (envp) {
        /* environ points to this very array. */
        envp[0] = NULL;
    }
}

__attribute__((section(".preinit_array"), used)) static void (
        *const before_constructors)(int, char **, char **) = empty_environment;

/* A file opened later must not become somebody's standard error. */
static bool ensure_standard_fds(GError **error)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        /* The lowest free number is @fd, since those below it exist. */
        int opened = open("/dev/null", O_RDWR | O_NOCTTY);
        int saved_errno = errno;

        if (opened != fd) {
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM,
                                   opened < 0 ? saved_errno : EBADF,
                                   "open /dev/null");
        }
    }
    return true;
}

/* What the caller left open would decide, by a limit on descriptors and their
 * number, which of our later open()s fails: the one of the leases, say, from
 * which the quota is counted. */
static bool close_inherited(int kept_fd, GError **error)
{
    guint above = (guint)kept_fd + 1;

    /* glibc has a wrapper since 2.34 only; Linux has it since 5.9. */
    if ((kept_fd > 3 && syscall(SYS_close_range, 3, kept_fd - 1, 0) < 0) ||
        syscall(SYS_close_range, above, ~0u, 0) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "close what was inherited");
    }
    return true;
}

/* What the residents may raise theirs to, which serve everybody's ports and are
 * started by whoever comes first. */
static void raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < FILES_MAX) {
        limit.rlim_max = FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Raises every limit whose lack could stop us half way; no core files, which
 * could hold what only root may read. In a container without CAP_SYS_RESOURCE
 * the hard limits stand. Most of them end a start as a signal would; but one
 * that cannot write the leases would go on without them, and quotas are counted
 * from those: what is needed for them is insisted on. */
static bool reset_limits(GError **error)
{
    static const struct {
        __rlimit_resource_t resource;
        const char *name;
        rlim_t wanted;
        rlim_t needed;
    } limits[] = {
        {RLIMIT_CPU, "CPU time", RLIM_INFINITY, 0},
        {RLIMIT_DATA, "data", RLIM_INFINITY, 0},
        {RLIMIT_AS, "address space", RLIM_INFINITY, 0},
        {RLIMIT_NPROC, "processes", RLIM_INFINITY, 0},
        {RLIMIT_STACK, "stack", 8u << 20, 0},
        {RLIMIT_FSIZE, "file size (ulimit -f)", RLIM_INFINITY, 64u << 20},
        {RLIMIT_NOFILE, "open files (ulimit -n)", 1024, 32},
    };
    const struct rlimit no_core = {0, 0};

    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        rlim_t wanted = limits[i].wanted;
        struct rlimit limit;

        if (getrlimit(limits[i].resource, &limit) < 0 ||
            limit.rlim_cur >= wanted) {
            continue;
        }
        struct rlimit raised = {wanted, MAX(limit.rlim_max, wanted)};

        if (setrlimit(limits[i].resource, &raised) == 0) {
            continue;
        }
        limit.rlim_cur = MIN(limit.rlim_max, wanted);
        (void)setrlimit(limits[i].resource, &limit);
        if (limit.rlim_cur < limits[i].needed) {
            return error_set(error, TAPSTER_ERROR_SYSTEM,
                             "the limit on %s is too low, and there is no right "
                             "to raise it: at least %" G_GUINT64_FORMAT
                             " is needed", limits[i].name,
                             (guint64)limits[i].needed);
        }
    }
    (void)setrlimit(RLIMIT_CORE, &no_core);
    raise_files();
    return true;
}

/* Under SCHED_IDLE or nice 19 on a busy host we might hold the store's lock
 * for seconds. What cannot be reset costs time and nothing else. */
static void reset_scheduling(void)
{
    const struct sched_param parameter = {0};

    if (sched_getscheduler(0) != SCHED_OTHER) {
        (void)sched_setscheduler(0, SCHED_OTHER, &parameter);
    }
    if (getpriority(PRIO_PROCESS, 0) > 0) {
        (void)setpriority(PRIO_PROCESS, 0, 0);
    }
    /* A caller's slack of hours would make an hour of our short sleeps. 0 would
     * restore what the parent had, which is the caller's choice as well. */
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
}

/* exec keeps the interval timers, the blocked set and what is ignored. */
static void reset_signals(void)
{
    const struct itimerval none = {0};
    sigset_t all;

    (void)setitimer(ITIMER_REAL, &none, NULL);
    (void)setitimer(ITIMER_VIRTUAL, &none, NULL);
    (void)setitimer(ITIMER_PROF, &none, NULL);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    /* A write to a closed stderr is to be an error, not an end. */
    (void)signal(SIGPIPE, SIG_IGN);
}

bool environment_reset(int kept_fd, GError **error)
{
    reset_signals();
    if (!ensure_standard_fds(error) || !close_inherited(kept_fd, error)) {
        return false;
    }
    if (!reset_limits(error)) {
        return false;
    }
    reset_scheduling();
    (void)umask(0077);
    return true;
}
