/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services.h"

#include "base/fd.h"
#include "services/services_lock.h"
#include "services/services_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/*
 * Finding and ending. A dnsmasq that lives and is deaf is tapster-dhcp's to find
 * out, which asks it; that tapster-dhcp itself is deaf can only be seen by
 * whoever looks at its lock.
 */

static const char *describe(ServiceKind kind)
{
    return kind == SERVICE_DHCP ? "tapster-dhcp" : "tapster-dns";
}

static int open_lock(int run_dir_fd, ServiceKind kind, const char *network)
{
    ServicesLockName lock = kind == SERVICE_DHCP ? services_lock_dhcp()
                                                 : services_lock_dns(network);

    return openat(run_dir_fd, lock.name,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

bool services_find(int run_dir_fd, ServiceKind kind, const char *network,
                   bool *ret_running, GError **error)
{
    autofd fd = open_lock(run_dir_fd, kind, network);
    int saved_errno = errno;
    bool held = false;

    if (fd < 0 && saved_errno == ENOENT) {
        *ret_running = false;
        return true;
    }
    if (fd < 0 || !services_lock_is_held(fd, &held)) {
        saved_errno = fd < 0 ? saved_errno : errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "look for %s", describe(kind));
    }
    *ret_running = held && (kind != SERVICE_DHCP || !services_lock_is_stale(fd));
    return true;
}

bool services_stop(const ServicePlace *place, ServiceKind kind,
                   const char *network, GError **error)
{
    bool managed = services_unit_is_manager(place);
    autofd fd = -1;
    int saved_errno;

    if (managed && !services_unit_stop(place, kind, network, error)) {
        return false;
    }
    /* Also where there are units it may be none: services_start() goes on without
     * one if systemd refuses. */
    fd = open_lock(place->run_dir_fd, kind, network);
    if (fd < 0 && errno == ENOENT) {
        return true;
    }
    if (fd < 0 || (!services_lock_end(fd, SIGTERM) && errno != EPERM)) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "end %s", describe(kind));
    }
    return true;
}
