/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_resident.h"

#include "base/fd.h"
#include "dhcp/dhcp_answer.h"
#include "dhcp/dhcp_frame.h"
#include "dhcp/dhcp_socket.h"
#include "pool/registry.h"
#include "pool/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The loop. For each request everything is asked anew: the interface's name
 * from the kernel, its network from the registry (three system calls, 2 µs). So
 * there is no cache that could be wrong about a network made, changed or taken
 * down since, or about an interface that was renamed.
 *
 * It does one request after the other, in the order of arrival, with the same
 * small amount of work for each and nothing that waits.
 *
 * How it ends: it lets go of the lock, looks once more, and goes on if there is
 * a tap after all. A start that saw the lock held had its tap by then, so that
 * tap is seen here; a start that sees it free starts another resident. Whoever
 * of the two takes the lock stays.
 */

#define LOCK_FILE     "dhcp.pid"
#define NETWORKS_FILE "networks"
#define PORTS_FILE    "ports"
#define CHECKS        10  /* looks for taps within the idle time */
#define FAILURES_MAX  100 /* receive errors without a packet between them */

static bool take_lock(int fd, bool *ret_taken)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *ret_taken = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    return *ret_taken || errno == EAGAIN || errno == EACCES;
}

static bool open_lock(int directory_fd, int *ret_fd, bool *ret_taken,
                      GError **error)
{
    autofd fd = openat(directory_fd, LOCK_FILE,
                       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    char text[16];
    int length;
    int saved_errno;

    if (fd < 0 || !take_lock(fd, ret_taken)) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "lock " LOCK_FILE);
    }
    if (*ret_taken) {
        length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
        /* For people; nothing depends on it. */
        if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) < 0) {
            saved_errno = errno;
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "write " LOCK_FILE);
        }
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

bool dhcp_resident_open(int directory_fd, guint idle_s,
                        DhcpResident *ret_resident, bool *ret_is_first,
                        GError **error)
{
    autofd lock_fd = -1;
    autofd networks_fd = -1;
    autofd ports_fd = -1;
    autofd packet_fd = -1;
    bool is_first = false;

    if (!open_lock(directory_fd, &lock_fd, &is_first, error)) {
        return false;
    }
    *ret_is_first = is_first;
    if (!is_first) {
        return true;
    }
    if (!open_hints(directory_fd, NETWORKS_FILE, &networks_fd, error) ||
        !open_hints(directory_fd, PORTS_FILE, &ports_fd, error) ||
        !dhcp_socket_open(&packet_fd, error)) {
        return false;
    }
    *ret_resident = (DhcpResident){
        .lock_fd = fd_steal(&lock_fd),
        .networks_fd = fd_steal(&networks_fd),
        .ports_fd = fd_steal(&ports_fd),
        .packet_fd = fd_steal(&packet_fd),
        .idle_s = idle_s,
    };
    return true;
}

/* Finds the network and the slot of a port that we answer. */
static bool find_port(const DhcpResident *resident, int ifindex,
                      RegistryNetwork *ret_network, guint32 *ret_slot)
{
    struct ifreq request = {.ifr_ifindex = ifindex};
    const Segment *segment = &ret_network->segment;

    return ioctl(resident->packet_fd, SIOCGIFNAME, &request) == 0 &&
           registry_find_tap(resident->networks_fd, NULL, request.ifr_name,
                             ret_network, ret_slot) &&
           segment->mode == MODE_MASQUERADED && segment->dhcp &&
           slots_usable(segment, *ret_slot);
}

/* A guest may send to another's port 67 through us; that is its traffic. */
static bool is_for_us(const Segment *segment, guint32 destination)
{
    return destination == G_MAXUINT32 || destination == segment->gateway ||
           destination == (segment->subnet_address |
                           ~prefix4_mask((guint8)segment->subnet_length));
}

static DhcpOptions collect_options(DhcpResident *resident,
                                   const RegistryNetwork *network, guint32 slot,
                                   int ifindex)
{
    char hostname[REGISTRY_HOSTNAME_MAX + 1];

    if (!registry_find_port(resident->ports_fd, network->ports_base + slot,
                            ifindex, hostname)) {
        hostname[0] = '\0';
    }
    if (network->segment.n_dns == 0) {
        dhcp_resolvers_refresh(&resident->resolvers);
    }
    return dhcp_answer_options(&network->segment, hostname,
                               resident->resolvers.dns,
                               resident->resolvers.n_dns);
}

static void send_reply(DhcpResident *resident, int ifindex, bool waits,
                       const DhcpDestination *destination, guint32 source,
                       const guint8 *payload, gsize payload_size)
{
    DhcpOutboxFrame now;
    DhcpOutboxFrame *frame = NULL;

    if (waits) {
        frame = dhcp_outbox_add(&resident->outbox, g_get_monotonic_time());
    }
    if (frame == NULL) {
        waits = false;
        frame = &now;
    }
    frame->ifindex = ifindex;
    frame->mac = destination->mac;
    frame->size = dhcp_frame_build(source, destination->address, payload,
                                   payload_size, frame->frame);
    if (!waits) {
        dhcp_socket_send(resident->packet_fd, ifindex, &frame->mac,
                         frame->frame, frame->size);
    }
}

static void send_due(DhcpResident *resident)
{
    gint64 now_us = g_get_monotonic_time();
    const DhcpOutboxFrame *frame;

    while ((frame = dhcp_outbox_take(&resident->outbox, now_us)) != NULL) {
        dhcp_socket_send(resident->packet_fd, frame->ifindex, &frame->mac,
                         frame->frame, frame->size);
    }
}

static void serve(DhcpResident *resident, int ifindex, const guint8 *bytes,
                  gsize size)
{
    guint8 payload[DHCP_SIZE_MAX];
    DhcpDestination destination;
    DhcpDatagram datagram;
    DhcpMessage message;
    DhcpOptions options;
    RegistryNetwork network;
    DhcpReply reply;
    guint32 slot;
    gsize length;

    if (!find_port(resident, ifindex, &network, &slot) ||
        !dhcp_frame_parse(bytes, size, &datagram) ||
        !is_for_us(&network.segment, datagram.destination) ||
        !dhcp_parse(datagram.payload, datagram.payload_size, &message)) {
        return;
    }
    options = collect_options(resident, &network, slot, ifindex);
    if (!dhcp_answer(&message, slots_address(&network.segment, slot), &options,
                     &reply, &destination)) {
        return;
    }
    length = dhcp_build(&message, &reply, payload);
    send_reply(resident, ifindex, datagram.destination != G_MAXUINT32,
               &destination, options.server, payload, length);
}

static bool has_taps(const DhcpResident *resident)
{
    struct if_nameindex *links = if_nameindex();
    RegistryNetwork network;
    bool found = false;
    guint32 slot;

    if (links == NULL) {
        return true; /* not known: stay */
    }
    for (gsize i = 0; links[i].if_index != 0 && !found; i++) {
        found = registry_find_tap(resident->networks_fd, NULL, links[i].if_name,
                                  &network, &slot);
    }
    if_freenameindex(links);
    return found;
}

/* True if the directory was removed under us: there will be, or is, another. */
static bool is_orphaned(const DhcpResident *resident)
{
    struct stat status;

    return fstat(resident->lock_fd, &status) < 0 || status.st_nlink == 0;
}

static bool may_end(const DhcpResident *resident)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    bool taken;

    if (fcntl(resident->lock_fd, F_OFD_SETLK, &lock) < 0 || !has_taps(resident)) {
        return true;
    }
    return !take_lock(resident->lock_fd, &taken) || !taken;
}

/* Serves what has come in. Returns: false if the socket failed. */
static bool serve_all(DhcpResident *resident, guint *failures)
{
    guint8 bytes[DHCP_SOCKET_PACKET_MAX];
    gsize size;
    int ifindex;

    while (dhcp_socket_receive(resident->packet_fd, bytes, &size, &ifindex)) {
        *failures = 0;
        if (is_orphaned(resident)) {
            return true;
        }
        serve(resident, ifindex, bytes, size);
        send_due(resident);
    }
    return errno == EAGAIN || errno == EINTR || errno == ENOMSG ||
           ++*failures < FAILURES_MAX;
}

bool dhcp_resident_run(DhcpResident *resident, GError **error)
{
    struct pollfd wait = {.fd = resident->packet_fd, .events = POLLIN};
    gint64 interval_us = (gint64)resident->idle_s * G_USEC_PER_SEC / CHECKS;
    gint64 look_us = g_get_monotonic_time() + interval_us;
    guint n_empty = 0;
    guint failures = 0;

    while (!is_orphaned(resident)) {
        gint64 now_us = g_get_monotonic_time();
        gint64 next_us = MIN(look_us, dhcp_outbox_due(&resident->outbox));
        int wait_ms = (int)(MAX(next_us - now_us, 0) / 1000) + 1;

        send_due(resident);
        if (now_us >= look_us) {
            look_us = now_us + interval_us;
            n_empty = has_taps(resident) ? 0 : n_empty + 1;
            if (n_empty >= CHECKS && may_end(resident)) {
                return true;
            }
            continue;
        }
        if (poll(&wait, 1, wait_ms) > 0 && !serve_all(resident, &failures)) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                                   "receive from the packet socket");
        }
    }
    return true;
}
