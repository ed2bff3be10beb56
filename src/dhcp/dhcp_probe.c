/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_probe.h"

#include "base/fd.h"
#include "services/dnsmasq_conf.h"
#include "services/services_lock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BUSY_NS 1000000000 /* between two questions */

typedef struct {
    char name[NETWORK_NAME_MAX + 4];
    pid_t pid;     /* of which dnsmasq the rest is said */
    guint16 id;    /* of the question that has no answer yet */
    guint n_lost;  /* how often it was asked */
    bool answered; /* ever */
    gint64 cpu_ns; /* that it had used up by then */
    guint n_spared;
} Probed;

/* Its processor time; 0 if there is no telling. */
static gint64 read_cpu(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    return clock_getcpuclockid(pid, &clock) == 0 &&
                   clock_gettime(clock, &used) == 0
               ? (gint64)used.tv_sec * 1000000000 + used.tv_nsec
               : 0;
}

/* One that computes all the time, because a thousand names have to be read, or does
 * not get to it on a busy host, would only begin that again if it were started anew.
 * One that computes for minutes is in a loop. */
static bool is_busy(Probed *probed)
{
    gint64 cpu_ns = read_cpu(probed->pid);
    bool busy = cpu_ns - probed->cpu_ns > BUSY_NS &&
                probed->n_spared < DHCP_PROBES_SPARED;

    probed->cpu_ns = cpu_ns;
    probed->n_spared += busy;
    return busy;
}

bool dhcp_probe_open(DhcpProbe *ret_probe, GError **error)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int saved_errno = errno;

    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "open a socket for DNS");
    }
    *ret_probe = (DhcpProbe){fd, g_array_new(FALSE, TRUE, sizeof(Probed))};
    return true;
}

static Probed *find(DhcpProbe *probe, const char *name, pid_t pid)
{
    Probed fresh = {.pid = pid, .id = (guint16)g_random_int()};
    Probed *probed;

    for (guint i = 0; i < probe->networks->len; i++) {
        probed = &g_array_index(probe->networks, Probed, i);
        if (strcmp(probed->name, name) != 0) {
            continue;
        }
        if (probed->pid != pid) {
            memcpy(fresh.name, probed->name, sizeof(fresh.name));
            *probed = fresh;
        }
        return probed;
    }
    (void)g_strlcpy(fresh.name, name, sizeof(fresh.name));
    g_array_append_val(probe->networks, fresh);
    return &g_array_index(probe->networks, Probed, probe->networks->len - 1);
}

static void ask(const DhcpProbe *probe, const Segment *segment, guint16 id)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(DNSMASQ_PORT),
        .sin_addr.s_addr = htonl(segment->gateway),
    };
    guint8 query[DHCP_PROBE_SIZE_MAX];
    gsize size = dhcp_probe_build(segment->gateway, id, query);

    (void)sendto(probe->socket_fd, query, size, MSG_DONTWAIT,
                 (const struct sockaddr *)&to, sizeof(to));
}

void dhcp_probe_send(DhcpProbe *probe, int run_fd, const Segment *segment)
{
    autofd fd = openat(run_fd, services_lock_dns(segment->name).name,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    pid_t pid = fd < 0 ? 0 : services_lock_holder(fd);
    bool held = false;
    Probed *probed;

    if (pid == 0 || !services_lock_is_held(fd, &held) || !held) {
        return;
    }
    probed = find(probe, segment->name, pid);
    if (!is_busy(probed) && probed->answered &&
        probed->n_lost >= DHCP_PROBES_LOST) {
        (void)services_lock_end(fd, SIGKILL);
        probed->pid = 0;
        return;
    }
    probed->n_lost++;
    ask(probe, segment, probed->id);
}

void dhcp_probe_receive(DhcpProbe *probe)
{
    guint8 answer[512];
    ssize_t size;

    /* Whoever guesses the number keeps a deaf one alive, and nothing else. */
    while ((size = recv(probe->socket_fd, answer, sizeof(answer), MSG_DONTWAIT)) >=
               0 ||
           errno == ECONNREFUSED || errno == EINTR) {
        for (guint i = 0; size >= 2 && i < probe->networks->len; i++) {
            Probed *probed = &g_array_index(probe->networks, Probed, i);

            if (probed->id == (answer[0] << 8 | answer[1]) && probed->n_lost > 0) {
                probed->answered = true;
                probed->n_lost = 0;
                probed->n_spared = 0;
                probed->id = (guint16)g_random_int();
            }
        }
    }
}
