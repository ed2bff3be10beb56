/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_resident.h"

#include "base/fd.h"
#include "dhcp/dhcp_advertise.h"
#include "dhcp/dhcp_forwarding.h"
#include "dhcp/dhcp_links.h"
#include "dhcp/dhcp_nd.h"
#include "dhcp/dhcp_ra.h"
#include "dhcp/dhcp_socket.h"
#include "services/services_lock.h"
#include "services/services_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * The loop.
 *
 * How it ends: it lets go of the lock, looks once more, and goes on if there is
 * a tap after all. A start that saw the lock held had its tap by then, so that
 * tap is seen here; a start that sees it free starts another resident. Whoever
 * of the two takes the lock stays.
 */

#define NETWORKS_FILE "networks"
#define PORTS_FILE    "ports"
#define FAILURES_MAX  100 /* receive errors without a packet between them */
#define TAKE_OVER_MS  2000
/* Taps that go together, as when a host shuts down, are one sweep. */
#define SWEEP_DELAY_US 50000

static bool open_lock(int directory_fd, int *ret_fd, bool *ret_taken,
                      GError **error)
{
    autofd fd = openat(directory_fd, services_lock_dhcp().name,
                       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int saved_errno;

    if (fd < 0 || !services_lock_take(fd, ret_taken) ||
        (*ret_taken && (ftruncate(fd, 0) < 0 || !services_lock_sign(fd)))) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "lock '%s'", services_lock_dhcp().name);
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

static bool open_hints(int directory_fd, const char *name, int *ret_fd,
                       GError **error)
{
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int saved_errno = errno;

    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open %s (tapster-helper makes it)", name);
    }
    *ret_fd = fd;
    return true;
}

/* Where it is and what it reads; hears and asks. */
static bool open_all(int directory_fd, DhcpResident *resident, GError **error)
{
    DhcpServer *server = &resident->server;
    DhcpNames *names = &resident->keeper.names;

    if (!open_hints(directory_fd, NETWORKS_FILE, &server->networks_fd, error) ||
        !open_hints(directory_fd, PORTS_FILE, &server->ports_fd, error) ||
        !dhcp_socket_open(&server->packet_fd, error) ||
        !dhcp_socket_open_nd(&resident->nd_fd, error) ||
        !dhcp_links_open(&resident->links_fd, error) ||
        !dhcp_forwarding_open(&resident->forwarding_fd, error) ||
        !dhcp_routes_open(&resident->routes, error) ||
        !dhcp_probe_open(&resident->keeper.probe, error)) {
        return false;
    }
    *names = (DhcpNames){
        .run_fd = directory_fd,
        .networks_fd = server->networks_fd,
        .ports_fd = server->ports_fd,
        .socket_fd = resident->keeper.probe.socket_fd,
    };
    return true;
}

bool dhcp_resident_open(int directory_fd, guint idle_s, guint tick_s,
                        DhcpResident *ret_resident, bool *ret_is_needed,
                        GError **error)
{
    DhcpResident resident = {.idle_s = idle_s, .tick_s = tick_s};

    if (!open_lock(directory_fd, &resident.lock_fd, &resident.locked, error)) {
        return false;
    }
    *ret_is_needed = resident.locked || services_lock_is_stale(resident.lock_fd);
    if (!*ret_is_needed) {
        return true;
    }
    /* On failure the process ends, and what is open with it. */
    if (!open_all(directory_fd, &resident, error)) {
        return false;
    }
    *ret_resident = resident;
    return true;
}

bool dhcp_resident_take_over(DhcpResident *resident, GError **error)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};

    if (resident->locked) {
        return true;
    }
    (void)services_lock_end(resident->lock_fd, SIGKILL);
    for (int waited_ms = 0; waited_ms < TAKE_OVER_MS; waited_ms += 10) {
        if (!services_lock_take(resident->lock_fd, &resident->locked)) {
            break;
        }
        if (resident->locked && ftruncate(resident->lock_fd, 0) == 0 &&
            services_lock_sign(resident->lock_fd)) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return error_set(error, TAPSTER_ERROR_BUSY,
                     "another one is deaf and cannot be ended");
}

/* True if the directory was removed under us: there will be, or is, another. */
static bool is_orphaned(const DhcpResident *resident)
{
    struct stat status;

    return fstat(resident->lock_fd, &status) < 0 || status.st_nlink == 0;
}

static bool may_end(DhcpResident *resident)
{
    bool taken;

    if (!services_lock_drop(resident->lock_fd) ||
        !dhcp_keeper_has_taps(&resident->keeper.names)) {
        return true;
    }
    return !services_lock_take(resident->lock_fd, &taken) || !taken;
}

/* Serves what has come in. Returns: false if the socket failed. */
static bool serve_all(DhcpResident *resident, guint *failures)
{
    guint8 bytes[DHCP_SOCKET_PACKET_MAX];
    DhcpSocketOrigin from;
    gsize size;

    while (dhcp_socket_receive(resident->server.packet_fd, bytes, &size, &from)) {
        *failures = 0;
        if (is_orphaned(resident)) {
            return true;
        }
        dhcp_serve_packet(&resident->server, from.ifindex, bytes, size);
        dhcp_serve_send_due(&resident->server);
    }
    return errno == EAGAIN || errno == EINTR || errno == ENOMSG ||
           ++*failures < FAILURES_MAX;
}

/* A few and then the others' turn: what a guest sends here is worth less than a
 * request. */
static void hear_some(const DhcpResident *resident)
{
    guint8 bytes[DHCP_SOCKET_PACKET_MAX];
    DhcpSocketOrigin from;
    Address6 target;
    gsize size;

    for (guint i = 0;
         i < 16 && dhcp_socket_receive(resident->nd_fd, bytes, &size, &from);
         i++) {
        if (dhcp_nd_parse(bytes, size, &target)) {
            dhcp_names_learn(&resident->keeper.names, from.ifindex, &from.mac,
                             &target);
        } else if (dhcp_ra_is_solicitation(bytes, size)) {
            dhcp_advertise(&resident->keeper.names, resident->nd_fd,
                           from.ifindex);
        }
    }
}

/* So that guests go on believing. */
static void advertise_to_all(const DhcpResident *resident)
{
    struct if_nameindex *links = if_nameindex();

    for (gsize i = 0; links && links[i].if_index != 0; i++) {
        if (strncmp(links[i].if_name, "ts", 2) == 0) {
            dhcp_advertise(&resident->keeper.names, resident->nd_fd,
                           (int)links[i].if_index);
        }
    }
    if (links) {
        if_freenameindex(links);
    }
}

typedef struct {
    gint64 tick_us;
    gint64 sweep_us; /* G_MAXINT64: nothing has gone */
    gint64 empty_since_us;
    gint64 advertise_us;
} Clock;

/* What is due by time. Returns: true if it is time to end. */
static bool see_to_time(DhcpResident *resident, Clock *clock, gint64 now_us)
{
    if (now_us >= clock->sweep_us) {
        clock->sweep_us = G_MAXINT64;
        dhcp_names_sweep(&resident->keeper.names);
    }
    if (now_us < clock->tick_us) {
        return false;
    }
    if (now_us >= clock->advertise_us) {
        clock->advertise_us = now_us + DHCP_RA_INTERVAL_S * G_USEC_PER_SEC;
        advertise_to_all(resident);
    }
    clock->tick_us = now_us + (gint64)resident->tick_s * G_USEC_PER_SEC;
    (void)services_lock_sign(resident->lock_fd);
    dhcp_keeper_tick(&resident->keeper);
    if (dhcp_keeper_has_taps(&resident->keeper.names)) {
        clock->empty_since_us = now_us;
    }
    return now_us - clock->empty_since_us >=
               (gint64)resident->idle_s * G_USEC_PER_SEC &&
           may_end(resident);
}

static int wait_ms(const DhcpResident *resident, const Clock *clock)
{
    gint64 next_us = MIN(MIN(clock->tick_us, clock->sweep_us),
                         dhcp_outbox_due(&resident->server.outbox));

    return (int)(MAX(next_us - g_get_monotonic_time(), 0) / 1000) + 1;
}

/* Waits for one of the descriptors. Returns: false if the first socket failed. */
static bool serve_next(DhcpResident *resident, Clock *clock, guint *failures)
{
    struct pollfd wait[] = {
        {.fd = resident->server.packet_fd, .events = POLLIN},
        {.fd = resident->nd_fd, .events = POLLIN},
        {.fd = resident->links_fd, .events = POLLIN},
        {.fd = resident->keeper.probe.socket_fd, .events = POLLIN},
        {.fd = resident->routes.events_fd, .events = POLLIN},
        {.fd = resident->routes.dump_fd, .events = POLLIN},
        {.fd = resident->forwarding_fd, .events = POLLIN},
    };

    if (poll(wait, G_N_ELEMENTS(wait), wait_ms(resident, clock)) <= 0) {
        return true;
    }
    if (wait[2].revents && dhcp_links_drain(resident->links_fd) &&
        clock->sweep_us == G_MAXINT64) {
        clock->sweep_us = g_get_monotonic_time() + SWEEP_DELAY_US;
    }
    if (wait[3].revents) {
        dhcp_probe_receive(&resident->keeper.probe);
    }
    if ((wait[4].revents || wait[5].revents) &&
        dhcp_routes_drain(&resident->routes, &resident->keeper.names)) {
        (void)services_mark_set(resident->lock_fd);
    }
    if (wait[6].revents && dhcp_forwarding_drain(resident->forwarding_fd)) {
        advertise_to_all(resident);
    }
    if (wait[1].revents) {
        hear_some(resident);
    }
    return !wait[0].revents || serve_all(resident, failures);
}

bool dhcp_resident_run(DhcpResident *resident, GError **error)
{
    gint64 now_us = g_get_monotonic_time();
    /* What went before our time is swept at once. */
    Clock clock = {
        .tick_us = now_us,
        .sweep_us = now_us,
        .empty_since_us = now_us,
        .advertise_us = now_us,
    };
    guint failures = 0;

    while (!is_orphaned(resident)) {
        dhcp_serve_send_due(&resident->server);
        if (see_to_time(resident, &clock, g_get_monotonic_time())) {
            return true;
        }
        if (!serve_next(resident, &clock, &failures)) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                                   "receive from the packet socket");
        }
    }
    return true;
}
