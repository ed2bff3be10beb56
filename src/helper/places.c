/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/places.h"

#include "base/fd.h"
#include "config.h"
#include "kernel/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * tmpfiles.d makes the directories at boot; the helper makes them as well,
 * since a host without systemd has no tmpfiles and a fresh installation has not
 * booted yet. An existing directory is used if it is root's and nobody else
 * can write to it.
 */

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define REGISTRY_FILE "networks"

/* Nobody else can list either, but through the second leads a way. */
#define STATE_MODE 0700
#define RUN_MODE   0711

static bool check_directory(int fd, const char *path, mode_t mode,
                            mode_t *ret_mode, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "look at directory '%s'", path);
    }
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH))) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "directory '%s' must be root's and writable by root "
                         "alone: chown root, chmod %04o",
                         path, mode);
    }
    *ret_mode = status.st_mode & 0777;
    return true;
}

static bool ensure_directory(const char *path, mode_t mode, int *ret_fd,
                             GError **error)
{
    mode_t found = 0;

    /* EEXIST: it is there, or another start was quicker. */
    int made = mkdir(path, 0700);
    int made_errno = errno;
    autofd fd = open(path, DIRECTORY_FLAGS);
    int saved_errno = made < 0 && made_errno != EEXIST ? made_errno : errno;

    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "make directory '%s'", path);
    }
    if (!check_directory(fd, path, mode, &found, error)) {
        return false;
    }
    /* One that was made just now, or by an older tapster. */
    if ((found & mode) != mode && fchmod(fd, mode) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open directory '%s' to its residents", path);
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

/* The run directory of this network namespace, RUNSTATEDIR/COOKIE. */
static char *locate_run(const RegistryPlace *place)
{
    return g_strdup_printf(TAPSTER_RUNSTATEDIR "/%" G_GINT64_MODIFIER "x",
                           place->netns_cookie);
}

/* -1 if it is not there, or is not as it should be (places_ensure() says why
 * if it comes to that). */
static int find_directory(const char *path, mode_t mode)
{
    autofd fd = open(path, DIRECTORY_FLAGS);
    mode_t found = 0;

    return fd >= 0 && check_directory(fd, path, mode, &found, NULL) &&
                   (found & mode) == mode
               ? fd_steal(&fd)
               : -1;
}

/* What lies on a tmpfs is of this boot. */
static bool tell_boot(int run_fd, RegistryPlace *place, GError **error)
{
    struct statfs system;

    memset(place->boot_id, 0, sizeof(place->boot_id));
    return (fstatfs(run_fd, &system) == 0 && system.f_type == TMPFS_MAGIC) ||
           observe_boot(place->boot_id, error);
}

bool places_find(RegistryPlace *place, Places *ret_places, GError **error)
{
    g_auto(Places) places = PLACES_NONE;

    /* What is above the two is root's alone on any host (/run, /var/lib). */
    places.state_fd = find_directory(TAPSTER_STATEDIR, STATE_MODE);
    places.run_path = locate_run(place);
    places.run_fd = find_directory(places.run_path, RUN_MODE);
    if (places.run_fd >= 0) {
        if (!tell_boot(places.run_fd, place, error)) {
            return false;
        }
        places.registry_fd = openat(places.run_fd, REGISTRY_FILE,
                                    O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    }
    *ret_places = places;
    places = PLACES_NONE;
    return true;
}

bool places_ensure(RegistryPlace *place, Places *places, char **ret_warning,
                   GError **error)
{
    g_autoptr(GError) state_error = NULL;

    *ret_warning = NULL;
    if (places->run_fd < 0) {
        autofd all_fd = -1;

        if (!ensure_directory(TAPSTER_RUNSTATEDIR, RUN_MODE, &all_fd, error) ||
            !ensure_directory(places->run_path, RUN_MODE, &places->run_fd,
                              error) ||
            !tell_boot(places->run_fd, place, error)) {
            return false;
        }
    }
    if (places->registry_fd < 0) {
        places->registry_fd = places_open_file(places->run_fd, REGISTRY_FILE);
    }
    if (places->registry_fd < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open the registry of networks");
    }
    if (places->state_fd < 0 &&
        !ensure_directory(TAPSTER_STATEDIR, STATE_MODE, &places->state_fd,
                          &state_error)) {
        places->state_fd = -1;
        *ret_warning = g_strdup_printf("addresses are not remembered: %s",
                                       state_error->message);
    }
    return true;
}

void places_close(Places *places)
{
    fd_cleanup(&places->state_fd);
    fd_cleanup(&places->run_fd);
    fd_cleanup(&places->registry_fd);
    g_free(places->run_path);
    *places = PLACES_NONE;
}

bool places_lock(int fd, guint wait_ms)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    /* The lock is held for well under a millisecond; a quarter of one is short
     * enough to take turns and long enough not to spin. */
    const struct timespec pause = {0, 250000};

    for (guint waited_us = 0; waited_us <= wait_ms * 1000; waited_us += 250) {
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            return true;
        }
        if (errno != EAGAIN && errno != EACCES) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

int places_open_file(int directory_fd, const char *name)
{
    return openat(directory_fd, name,
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
}
