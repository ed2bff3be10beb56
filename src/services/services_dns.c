/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_dns.h"

#include "base/fd.h"
#include "services/dnsmasq_conf.h"
#include "services/services_lock.h"
#include "services/services_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The group of what residents may write to is not set here but by tapster-dns:
 * to tell it takes the user database, which is much code to run in a process that
 * a user started.
 */

#define CONF     "conf"
#define CONF_NEW "conf.new"
#define CONF_MAX (64 * 1024)

#define REMOVE_MS 500

bool services_has_dnsmasq(void)
{
    return access(TAPSTER_DNSMASQ_PATH, X_OK) == 0 &&
           access(TAPSTER_DNS_PATH, X_OK) == 0;
}

/* Makes a directory of root's, or sees to its mode: the umask is the caller's
 * affair. */
static bool ensure_directory(int fd, const char *name, mode_t mode)
{
    struct stat status;

    if (mkdirat(fd, name, mode) < 0 && errno != EEXIST) {
        return false;
    }
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    if (!S_ISDIR(status.st_mode) || status.st_uid != 0) {
        errno = ENOTDIR;
        return false;
    }
    return (status.st_mode & 07777) == mode || fchmodat(fd, name, mode, 0) == 0;
}

static int ensure_directories(int run_dir_fd, const char *network)
{
    autofd dns_fd = -1;
    autofd fd = -1;

    if (!ensure_directory(run_dir_fd, SERVICES_DNS_DIRECTORY, 0755)) {
        return -1;
    }
    dns_fd = openat(run_dir_fd, SERVICES_DNS_DIRECTORY,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dns_fd < 0 || !ensure_directory(dns_fd, network, 0711)) {
        return -1;
    }
    fd = openat(dns_fd, network, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (guint i = 0; i < SERVICES_DNS_PARTS && fd >= 0; i++) {
        if (!ensure_directory(fd, services_place_parts[i], 0770)) {
            return -1;
        }
    }
    return fd_steal(&fd);
}

/* True if the file holds @text. */
static bool holds(int directory_fd, const char *text, bool *ret_exists)
{
    g_autofree char *found = g_malloc(CONF_MAX);
    autofd fd = openat(directory_fd, CONF, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : pread(fd, found, CONF_MAX, 0);

    *ret_exists = fd >= 0;
    return size >= 0 && (gsize)size == strlen(text) &&
           memcmp(found, text, (gsize)size) == 0;
}

static bool replace(int directory_fd, const char *text)
{
    autofd fd =
        openat(directory_fd, CONF_NEW,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    gsize size = strlen(text);

    return fd >= 0 && write(fd, text, size) == (ssize_t)size &&
           fchmod(fd, 0644) == 0 &&
           renameat(directory_fd, CONF_NEW, directory_fd, CONF) == 0;
}

bool services_write_dns(const ServicePlace *place, const Segment *segment,
                        bool *ret_changed, GError **error)
{
    ServicesDnsPath relative = services_place_dns(segment->name, NULL, NULL);
    g_autofree char *path = g_strdup_printf(
        "%s/%s", services_place_run(place->netns_cookie).path, relative.path);
    g_autofree char *text = dnsmasq_conf(segment, path);
    autofd fd = ensure_directories(place->run_dir_fd, segment->name);
    bool exists = false;
    bool same;
    int saved_errno;

    same = fd >= 0 && holds(fd, text, &exists);
    if (fd < 0 || (!same && !replace(fd, text))) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "write dnsmasq's configuration in '%s'", path);
    }
    *ret_changed = exists && !same;
    return true;
}

/* Removes the files of a directory, and it, unless residents have made more than
 * there is time for: then some stay, and do nothing. */
static void remove_part(int directory_fd, const char *name)
{
    int fd = services_place_open(directory_fd, name, O_RDONLY | O_DIRECTORY, 0);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    gint64 until_us = g_get_monotonic_time() + REMOVE_MS * 1000;
    const struct dirent *entry;

    if (directory == NULL) {
        fd_cleanup(&fd);
        return;
    }
    /* It is root's: nobody adds to it from now on. Starts wait for this. */
    (void)fchmod(fd, 0700);
    while (g_get_monotonic_time() < until_us && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(fd, entry->d_name, 0);
        }
    }
    (void)closedir(directory);
    (void)unlinkat(directory_fd, name, AT_REMOVEDIR);
}

bool services_remove_dns(int run_dir_fd, const char *network, GError **error)
{
    ServicesDnsPath path = services_place_dns(network, NULL, NULL);
    autofd fd =
        services_place_open(run_dir_fd, path.path, O_RDONLY | O_DIRECTORY, 0);
    int saved_errno = errno;
    autofd lock_fd = -1;
    bool held = false;

    if (fd < 0) {
        return saved_errno == ENOENT ||
               error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open '%s'", path.path);
    }
    for (guint i = 0; i < SERVICES_DNS_PARTS; i++) {
        remove_part(fd, services_place_parts[i]);
    }
    (void)unlinkat(fd, CONF_NEW, 0);
    (void)unlinkat(fd, CONF, 0);
    lock_fd = openat(fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (lock_fd >= 0 && services_lock_is_held(lock_fd, &held) && held) {
        return true;
    }
    (void)unlinkat(fd, "lock", 0);
    if (unlinkat(run_dir_fd, path.path, AT_REMOVEDIR) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "remove '%s'", path.path);
    }
    return true;
}
