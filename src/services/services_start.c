/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services.h"

#include "base/capability.h"
#include "base/fd.h"
#include "config.h"
#include "services/services_child.h"
#include "services/services_lock.h"
#include "services/services_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * The child that becomes a resident, or asks systemd for one. It is not waited
 * for: the helper ends at once and leaves it to init, and the hypervisor waits
 * for the helper by its process id.
 */

#define DIRECTORY_ARGUMENT "--directory-fd=3"
#define EXIT_CHILD         127

/* What a resident needs until it has given it up:
 *   NET_RAW           tapster-dhcp: its packet sockets
 *   SETUID, SETGID    to change to its own user
 *   SETPCAP           to empty its bounding set
 * and what dnsmasq keeps:
 *   NET_BIND_SERVICE  port 54
 *   NET_RAW           router advertisements, on a shared segment
 *   NET_ADMIN         it does not start without, if it is to do either of router
 *                     advertisements and DHCP; for DHCP it makes ARP entries */
#define CAPS_CHANGE                                                            \
    (CAPABILITY_BIT(CAP_NET_RAW) | CAPABILITY_BIT(CAP_SETUID) |                \
     CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETPCAP))
#define CAPS_DNS                                                               \
    (CAPS_CHANGE | CAPABILITY_BIT(CAP_NET_BIND_SERVICE) |                      \
     CAPABILITY_BIT(CAP_NET_ADMIN))

typedef struct {
    const ServicePlace *place;
    ServiceKind kind;
    const char *network;
    bool is_deaf; /* one holds the lock and does not answer */
} Order;

static const char *program_path(ServiceKind kind)
{
    return kind == SERVICE_DHCP ? TAPSTER_DHCP_PATH : TAPSTER_DNS_PATH;
}

/* Ambient capabilities are how a program without file capabilities keeps any
 * over its exec once uid 0 means nothing: capabilities(7). tapster-dns needs
 * that way itself, and leaves uid 0 as its next step. */
static bool reset_capabilities(ServiceKind kind)
{
    guint64 caps = kind == SERVICE_DHCP ? CAPS_CHANGE : CAPS_DNS;
    const CapabilitySets sets = {caps, caps, caps};

    return capability_limit(caps, NULL) && capability_set(&sets, NULL) &&
           capability_set_ambient(caps, NULL) &&
           (kind != SERVICE_DHCP || capability_disarm_root(NULL));
}

static void become_resident(const Order *order)
{
    char dhcp_name[] = "tapster-dhcp";
    char dns_name[] = "tapster-dns";
    char by_descriptor[] = DIRECTORY_ARGUMENT;
    char by_instance[80];
    char *const for_dhcp[] = {dhcp_name, by_descriptor, NULL};
    char *const for_dns[] = {dns_name, by_instance, NULL};
    char *const environment[] = {NULL};

    (void)snprintf(by_instance, sizeof(by_instance),
                   "--instance=%" G_GINT64_MODIFIER "x-%s",
                   order->place->netns_cookie,
                   order->network ? order->network : "");
    if (reset_capabilities(order->kind)) {
        execve(program_path(order->kind),
               order->kind == SERVICE_DHCP ? for_dhcp : for_dns, environment);
    }
    _exit(EXIT_CHILD);
}

/* True if systemd took the order. */
static bool order_unit(const Order *order)
{
    ServicesUnitName unit =
        services_unit_name(order->place, order->kind, order->network);
    pid_t child = fork();

    if (child == 0) {
        services_unit_call(
            order->is_deaf ? SERVICES_UNIT_RESTART : SERVICES_UNIT_START, &unit);
        _exit(EXIT_CHILD);
    }
    return child > 0 && services_child_wait(child);
}

static void run_child(const Order *order)
{
    int kept_fd = order->kind == SERVICE_DHCP ? order->place->run_dir_fd : -1;

    if (!services_child_detach(kept_fd)) {
        _exit(EXIT_CHILD);
    }
    /* A unit that is masked, or not known yet: then as without systemd. */
    if (services_unit_is_manager(order->place) && order_unit(order)) {
        _exit(0);
    }
    services_child_leave();
    become_resident(order);
}

/* systemd would take a deaf one for started. */
static bool is_deaf(const ServicePlace *place, ServiceKind kind)
{
    autofd fd = openat(place->run_dir_fd, services_lock_dhcp().name,
                       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = false;

    return kind == SERVICE_DHCP && fd >= 0 && services_lock_is_held(fd, &held) &&
           held && services_lock_is_stale(fd);
}

bool services_start(const ServicePlace *place, ServiceKind kind,
                    const char *network, GError **error)
{
    Order order = {place, kind, network, is_deaf(place, kind)};
    pid_t child;
    int saved_errno;

    if (place->run_dir_fd <= STDERR_FILENO) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "the run directory's descriptor is a standard one");
    }
    /* What would fail in the child, where nobody hears of it. */
    if (faccessat(AT_FDCWD, program_path(kind), X_OK, AT_EACCESS) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "guests would get no %s: %s",
                               kind == SERVICE_DHCP ? "address" : "names",
                               program_path(kind));
    }
    child = fork();
    saved_errno = errno;
    if (child < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "start %s", program_path(kind));
    }
    if (child == 0) {
        run_child(&order);
    }
    return true;
}
