/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/idle.h"

#include "base/fd.h"
#include "helper/take_down.h"
#include "kernel/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * An empty file in the run directory says so by its time; none says that the
 * network had a port when somebody last looked. A start does not touch it, which
 * would cost it something; it writes down whose the port is, and if that was
 * later, the network has not been idle since.
 */

static char *file_of(const Segment *segment)
{
    return g_strdup_printf("idle.%s", segment->name);
}

static bool find_time(int run_fd, const char *name, struct timespec *ret_time)
{
    struct stat status;

    if (fstatat(run_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    *ret_time = status.st_mtim;
    return true;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
                                  : a->tv_nsec > b->tv_nsec;
}

/* Notes that it begins now. */
static bool begin(int run_fd, const char *file, GError **error)
{
    autofd fd = places_open_file(run_fd, file);
    int saved_errno = errno;

    if (fd >= 0 && futimens(fd, NULL) == 0) {
        return true;
    }
    saved_errno = fd < 0 ? saved_errno : errno;
    return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "write down since when the network is idle");
}

static bool look(const Site *site, const Segment *segment, bool *ret_idle,
                 struct timespec *ret_since, GError **error)
{
    int run_fd = site->places.run_fd;
    g_autofree char *file = file_of(segment);
    g_autofree char *owners = g_strdup_printf("owners.%s", segment->name);
    g_autoptr(GArray) taps = NULL;
    struct timespec started = {0};

    if (!observe_taps(site->sockets.route, 0, &taps, error)) {
        return false;
    }
    *ret_idle = !network_has_ports(segment, taps);
    if (!*ret_idle) {
        (void)unlinkat(run_fd, file, 0);
        return true;
    }
    if (!find_time(run_fd, file, ret_since) ||
        (find_time(run_fd, owners, &started) && is_later(&started, ret_since))) {
        return begin(run_fd, file, error) &&
               (find_time(run_fd, file, ret_since) ||
                error_set(error, TAPSTER_ERROR_SYSTEM,
                          "'%s' was removed from the run directory", file));
    }
    return true;
}

bool idle_look(const Site *site, const Segment *segment, GError **error)
{
    struct timespec since;
    bool idle;

    return look(site, segment, &idle, &since, error);
}

bool idle_is_over(const Site *site, const Segment *segment, guint32 seconds,
                  bool *ret_over, GError **error)
{
    struct timespec since = {0};
    struct timespec now = {0};
    bool idle = false;

    if (!look(site, segment, &idle, &since, error)) {
        return false;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    since.tv_sec += (time_t)seconds;
    *ret_over = idle && (seconds == 0 || is_later(&now, &since));
    return true;
}
