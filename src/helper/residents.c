/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/residents.h"

#include "base/fd.h"
#include "plan/plan.h"
#include "services/services_dns.h"
#include "services/services_lock.h"
#include "services/services_mark.h"
#include "services/services_names.h"
#include "services/services_place.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Who answers the guests: tapster-dhcp for all networks of the namespace, and a
 * dnsmasq for each that has names. They outlive the start that began them; a start
 * only sees to it that they are there, once its tap is.
 */

#define STOP_WAIT_MS 1000

bool residents_ensure(const Site *site, ServiceKind kind, const char *network,
                      GError **error)
{
    const ServicePlace place = site_services(site);
    bool running = false;

    return services_find(place.run_dir_fd, kind, network, &running, error) &&
           (running || services_start(&place, kind, network, error));
}

bool residents_vouch(const Site *site, const Segment *segment)
{
    struct stat status;
    struct timespec now;
    Plan plan;

    plan_resident(segment, &plan);
    if (plan.n_operations == 0) {
        return true;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return fstatat(site->places.run_fd, SERVICES_DHCP_LOCK, &status,
                   AT_SYMLINK_NOFOLLOW) == 0 &&
           now.tv_sec - status.st_mtim.tv_sec <= SERVICES_DEAF_S &&
           !services_mark_is_set(&status);
}

static int open_lock(const Site *site)
{
    return openat(site->places.run_fd, SERVICES_DHCP_LOCK,
                  O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

bool residents_take_mark(const Site *site)
{
    autofd fd = open_lock(site);
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && services_mark_is_set(&status) &&
           !services_lock_is_stale(fd) && services_mark_clear(fd);
}

void residents_put_mark(const Site *site)
{
    autofd fd = open_lock(site);

    if (fd >= 0) {
        (void)services_mark_set(fd);
    }
}

void residents_stop(const Site *site, ServiceKind kind, const char *network)
{
    const struct timespec pause = {0, 2000000};
    const ServicePlace place = site_services(site);
    gint64 until_us = g_get_monotonic_time() + STOP_WAIT_MS * 1000;
    bool running = false;

    if (!services_find(place.run_dir_fd, kind, network, &running, NULL) ||
        !running || !services_stop(&place, kind, network, NULL)) {
        return;
    }
    while (running && g_get_monotonic_time() < until_us &&
           services_find(place.run_dir_fd, kind, network, &running, NULL)) {
        (void)nanosleep(&pause, NULL);
    }
}

/* False: what runs, if anything does, runs without the files that are there. */
static bool is_configured(const Site *site, const char *network)
{
    g_autofree char *conf =
        g_strdup_printf(SERVICES_DNS_DIRECTORY "/%s/conf", network);

    return faccessat(site->places.run_fd, conf, F_OK, 0) == 0;
}

bool residents_write_dns(const Site *site, const Segment *segment,
                         GError **error)
{
    const ServicePlace place = site_services(site);
    bool was_configured = is_configured(site, segment->name);
    bool changed = false;

    if (!services_write_dns(&place, segment, &changed, error)) {
        return false;
    }
    if (changed || !was_configured) {
        residents_stop(site, SERVICE_DNS, segment->name);
    }
    return true;
}

void residents_retire_dns(const Site *site, const Segment *segment)
{
    if (segment->dns_served) {
        residents_stop(site, SERVICE_DNS, segment->name);
        (void)!services_remove_dns(site->places.run_fd, segment->name, NULL);
    }
}

bool residents_sweep_names(const Site *site, const Segment *segment,
                           GError **error)
{
    int run_fd = site->places.run_fd;
    Site asked = *site;
    autofd lock_fd = -1;
    guint removed = 0;

    if (!segment->dns_served) {
        return true;
    }
    if (!services_sweep_names(run_fd, segment->name, site_name_lives, &asked,
                              &removed, error)) {
        return false;
    }
    /* dnsmasq sees by itself what comes, and not what goes (dnsmasq(8),
     * --hostsdir). */
    if (removed > 0) {
        lock_fd = services_place_open(
            run_fd, services_lock_dns(segment->name).name, O_RDWR, 0);
    }
    if (lock_fd >= 0) {
        (void)!services_lock_end(lock_fd, SIGHUP);
    }
    return true;
}
