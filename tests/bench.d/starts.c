/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts tap helpers the way QEMU does, in turn, and prints how long each start
 * took from exec to the descriptor and from exec to exit, and how long it had a
 * processor, which says more where others want it too.
 *
 *   bench-starts RUNS UID GID CANDIDATE...
 *   CANDIDATE: NAME NAMESPACES BETWEEN ARGUMENT... ;
 *
 * "@FD@" in an argument stands for the number of the socket. NAMESPACES is a
 * directory like /proc/PID/ns whose network and mount namespaces the start happens
 * in; "" for this program's own. BETWEEN is a shell command that is run there before
 * each start, outside the measured time; "" for none.
 * Output: one line a start, "NAME TO-FD TO-EXIT PROCESSOR-TIME" in nanoseconds.
 *
 * Before the next start the tap of the last one is waited away: removing it takes
 * the kernel about 16 ms in the background, which would be somebody else's time.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CANDIDATES_MAX 16
#define ARGUMENTS_MAX  16
#define SETTLE_NS      3000000 /* after the tap is gone */
#define WARM_UP        3       /* starts that are not printed */

typedef struct {
    const char *name;
    const char *between;
    int network_fd; /* the namespaces */
    int mount_fd;
    const char *arguments[ARGUMENTS_MAX];
    int n_arguments;
} Candidate;

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long time_ns(const struct timeval *time)
{
    return time->tv_sec * 1000000000LL + time->tv_usec * 1000LL;
}

static void sleep_ns(long ns)
{
    struct timespec time = { .tv_nsec = ns };

    nanosleep(&time, NULL);
}

static void die(const char *what)
{
    fprintf(stderr, "bench-starts: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The one descriptor that was sent; -1 if none was. */
static int receive_fd(int connection)
{
    char byte;
    struct iovec vector = { &byte, 1 };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *header;
    int fd = -1;

    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1) {
        return -1;
    }
    header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    }
    return fd;
}

static void close_and_wait(int tap)
{
    struct ifreq request = { 0 };

    if (ioctl(tap, TUNGETIFF, &request) < 0) {
        die("TUNGETIFF: that was no tap");
    }
    close(tap);
    while (if_nametoindex(request.ifr_name) != 0) {
        sleep_ns(500000);
    }
    /* Spun, not slept: a hypervisor that starts a helper has kept its processor
     * busy until then. */
    long long end = now_ns() + SETTLE_NS;
    while (now_ns() < end) {
    }
}

/* Another order each time, always the same sequence of orders: nobody always
 * starts in what the same other left behind. */
static void shuffle(Candidate **candidates, int n, unsigned *seed)
{
    for (int i = n - 1; i > 0; i--) {
        int other = rand_r(seed) % (i + 1);
        Candidate *taken = candidates[i];

        candidates[i] = candidates[other];
        candidates[other] = taken;
    }
}

static int open_namespace(const char *directory, const char *kind)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/%s",
             *directory ? directory : "/proc/self/ns", kind);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        die(path);
    }
    return fd;
}

static void enter(const Candidate *candidate)
{
    if (setns(candidate->network_fd, CLONE_NEWNET) < 0 ||
        setns(candidate->mount_fd, CLONE_NEWNS) < 0) {
        die("setns");
    }
}

/* In the vfork()ed child, which shares our memory: only system calls, and the
 * time just before exec. */
static void exec_as(uid_t uid, gid_t gid, char **arguments,
                    volatile long long *ret_began)
{
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
        setresuid(uid, uid, uid) < 0) {
        _exit(126);
    }
    *ret_began = now_ns();
    execv(arguments[0], arguments);
    _exit(127);
}

static void start(const Candidate *candidate, uid_t uid, gid_t gid, bool print)
{
    char text[ARGUMENTS_MAX][256];
    char *arguments[ARGUMENTS_MAX + 1];
    volatile long long began = 0;
    long long at_fd, at_exit;
    int sockets[2], status, tap;
    struct rusage usage;
    pid_t child;

    enter(candidate);
    if (*candidate->between && system(candidate->between) != 0) {
        die(candidate->between);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        die("socketpair");
    }
    /* A duplicate is not close-on-exec. */
    int theirs = dup(sockets[1]);
    for (int i = 0; i < candidate->n_arguments; i++) {
        const char *argument = candidate->arguments[i];
        const char *at = strstr(argument, "@FD@");

        if (at) {
            snprintf(text[i], sizeof(text[i]), "%.*s%d%s", (int)(at - argument),
                     argument, theirs, at + 4);
        } else {
            snprintf(text[i], sizeof(text[i]), "%s", argument);
        }
        arguments[i] = text[i];
    }
    arguments[candidate->n_arguments] = NULL;

    child = vfork();
    if (child == 0) {
        exec_as(uid, gid, arguments, &began);
    }
    close(theirs);
    close(sockets[1]);
    tap = receive_fd(sockets[0]);
    at_fd = now_ns();
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        die("wait4");
    }
    at_exit = now_ns();
    close(sockets[0]);
    if (tap < 0 || status != 0) {
        fprintf(stderr, "bench-starts: %s: no descriptor, wait status %#x\n",
                candidate->name, status);
        exit(1);
    }
    if (print) {
        printf("%s %lld %lld %lld\n", candidate->name, at_fd - began,
               at_exit - began,
               time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime));
    }
    close_and_wait(tap);
}

static int parse_candidates(char **arguments, Candidate *candidates)
{
    int n = 0;

    while (*arguments) {
        if (n == CANDIDATES_MAX || !arguments[1] || !arguments[2]) {
            return 0;
        }
        Candidate *candidate = &candidates[n++];
        candidate->name = *arguments++;
        candidate->network_fd = open_namespace(*arguments, "net");
        candidate->mount_fd = open_namespace(*arguments++, "mnt");
        candidate->between = *arguments++;
        while (*arguments && strcmp(*arguments, ";") != 0) {
            if (candidate->n_arguments == ARGUMENTS_MAX) {
                return 0;
            }
            candidate->arguments[candidate->n_arguments++] = *arguments++;
        }
        if (*arguments) {
            arguments++;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    static Candidate candidates[CANDIDATES_MAX];
    Candidate *order[CANDIDATES_MAX];
    unsigned seed = 1;
    int n_candidates = argc > 4 ? parse_candidates(argv + 4, candidates) : 0;
    sigset_t child_signal;

    if (n_candidates == 0) {
        fprintf(stderr, "usage: bench-starts RUNS UID GID "
                        "{NAME NAMESPACES BETWEEN ARGUMENT... \\;}...\n");
        return 2;
    }
    /* As QEMU does around its helper. */
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);

    int runs = atoi(argv[1]);
    for (int i = 0; i < n_candidates; i++) {
        order[i] = &candidates[i];
    }
    for (int run = -WARM_UP; run < runs; run++) {
        shuffle(order, n_candidates, &seed);
        for (int i = 0; i < n_candidates; i++) {
            start(order[i], (uid_t)atoi(argv[2]), (gid_t)atoi(argv[3]),
                  run >= 0);
        }
    }
    return 0;
}
