/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/trusted.h"

#include "base/fd.h"
#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/*
 * A trusted file is one that nobody but root can have changed, and nobody but
 * root can have put there: it, and every directory that leads to it, is root's
 * and writable by root alone. The file is judged by its opened descriptor; the
 * directories from the root down, none of them a link, so that once one has
 * passed, the names in it stay what they are.
 */

bool file_identity_equal(const FileIdentity *a, const FileIdentity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static gint64 to_ns(struct timespec time)
{
    return (gint64)time.tv_sec * 1000000000 + time.tv_nsec;
}

static FileIdentity identify(const struct stat *status)
{
    return (FileIdentity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (guint64)status->st_size,
        .modified_ns = to_ns(status->st_mtim),
        .changed_ns = to_ns(status->st_ctim),
    };
}

/* Root's, and writable by root alone. */
static bool check_owner(const char *path, const struct stat *status,
                        GError **error)
{
    bool foreign = status->st_uid != 0;
    bool writable = status->st_mode & (S_IWGRP | S_IWOTH);

    if (foreign || writable) {
        g_autofree char *quoted = quote_text(path);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s %s; it decides what users may do, so: %s %s", quoted,
                         foreign ? "does not belong to root"
                                 : "can be written by others than root",
                         foreign ? "chown root" : "chmod go-w", path);
    }
    return true;
}

/* Reads an opened regular file of at most @max_size bytes. */
static bool read_all(int fd, const char *path, gsize max_size,
                     GBytes **ret_contents, GError **error)
{
    struct stat status;
    gsize room = max_size;

    if (fstat(fd, &status) == 0 && (gsize)status.st_size < max_size) {
        room = (gsize)status.st_size;
    }

    g_autofree char *buffer = g_malloc(room + 1);
    gsize size = 0;

    while (size <= room) {
        ssize_t count = read(fd, buffer + size, room + 1 - size);
        int saved_errno = errno;

        if (count < 0 && saved_errno == EINTR) {
            continue;
        }
        if (count < 0) {
            g_autofree char *quoted = quote_text(path);

            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "read %s", quoted);
        }
        if (count == 0) {
            *ret_contents = g_bytes_new_take(g_steal_pointer(&buffer), size);
            return true;
        }
        size += (gsize)count;
    }

    g_autofree char *quoted = quote_text(path);
    if (room < max_size) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s grew while it was read: try again", quoted);
    }
    return error_set(error, TAPSTER_ERROR_CONFIG,
                     "%s is larger than %" G_GSIZE_FORMAT " bytes", quoted,
                     max_size);
}

/* Checks every directory above @path, from the root down. Each was found
 * unchangeable by others before the next is looked up in it; so no name on the
 * way can have meant another file when @path was opened, but by root's hand. */
static bool check_parents(const char *path, GError **error)
{
    g_autofree char *so_far = g_strdup(path);
    char *end = so_far;
    struct stat status;

    do {
        /* "/" itself, then what stands before each further slash. */
        char *next = strchr(end + 1, '/');
        char kept = end[end == so_far];

        end[end == so_far] = '\0';
        int result = lstat(so_far, &status);
        int saved_errno = errno;

        if (result < 0) {
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "look at '%s'", so_far);
        }
        if (!S_ISDIR(status.st_mode)) {
            return error_set(error, TAPSTER_ERROR_CONFIG,
                             "'%s' is not a directory (links are not followed "
                             "here)", so_far);
        }
        if (!check_owner(so_far, &status, error)) {
            return false;
        }
        end[end == so_far] = kept;
        end = next;
    } while (end);
    return true;
}

/* A symbolic link to /dev/null masks the file of that name. */
static bool is_mask(const char *path)
{
    char target[16];
    ssize_t size = readlink(path, target, sizeof(target));

    return size == (ssize_t)strlen("/dev/null") &&
           memcmp(target, "/dev/null", (gsize)size) == 0;
}

static bool no_file(int *ret_fd, FileIdentity *ret_identity, bool *ret_masked,
                    bool masked)
{
    *ret_fd = -1;
    *ret_identity = (FileIdentity){0};
    *ret_masked = masked;
    return true;
}

bool trusted_open(const char *path, int *ret_fd, FileIdentity *ret_identity,
                  bool *ret_masked, GError **error)
{
    struct stat status;

    autofd fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                               O_CLOEXEC);
    int saved_errno = errno;

    /* Most names have no file in most places: that needs no walk. */
    if (fd < 0 && saved_errno == ENOENT) {
        return no_file(ret_fd, ret_identity, ret_masked, false);
    }
    if (!check_parents(path, error)) {
        return false;
    }
    if (fd < 0 && is_mask(path)) {
        return no_file(ret_fd, ret_identity, ret_masked, true);
    }
    if (fd < 0) {
        g_autofree char *quoted = quote_text(path);

        return error_set_errno(
            error, TAPSTER_ERROR_CONFIG, saved_errno, "open %s%s", quoted,
            saved_errno == ELOOP ? " (links are not followed here)" : "");
    }
    if (fstat(fd, &status) < 0) {
        saved_errno = errno;
        g_autofree char *quoted = quote_text(path);

        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "look at %s", quoted);
    }
    if (!S_ISREG(status.st_mode)) {
        g_autofree char *quoted = quote_text(path);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not a regular file", quoted);
    }
    if (!check_owner(path, &status, error)) {
        return false;
    }
    if (status.st_size == 0) {
        return no_file(ret_fd, ret_identity, ret_masked, true);
    }
    *ret_fd = fd_steal(&fd);
    *ret_identity = identify(&status);
    *ret_masked = false;
    return true;
}

bool trusted_unchanged(int fd, const FileIdentity *identity)
{
    struct stat status;
    FileIdentity now;

    if (fstat(fd, &status) < 0) {
        return false;
    }
    now = identify(&status);
    return file_identity_equal(&now, identity);
}

bool trusted_load(int fd, const char *path, gsize max_size,
                  GBytes **ret_contents, GError **error)
{
    return read_all(fd, path, max_size, ret_contents, error);
}

bool trusted_read(const char *path, gsize max_size, GBytes **ret_contents,
                  FileIdentity *ret_identity, bool *ret_masked, GError **error)
{
    autofd fd = -1;
    FileIdentity identity;
    bool masked = false;

    if (!trusted_open(path, &fd, &identity, &masked, error)) {
        return false;
    }
    g_autoptr(GBytes) contents = NULL;
    if (fd >= 0 && !trusted_load(fd, path, max_size, &contents, error)) {
        return false;
    }
    *ret_contents = g_steal_pointer(&contents);
    *ret_identity = identity;
    if (ret_masked) {
        *ret_masked = masked;
    }
    return true;
}

bool caller_read(const char *path, gsize max_size, GBytes **ret_contents,
                 GError **error)
{
    autofd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int saved_errno = errno;
    struct stat status;

    if (fd < 0 && (saved_errno == ENOENT || saved_errno == ENOTDIR)) {
        *ret_contents = NULL;
        return true;
    }

    g_autofree char *quoted = quote_text(path);
    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_CONFIG, saved_errno,
                               "open %s", quoted);
    }
    if (fstat(fd, &status) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "look at %s", quoted);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not a regular file", quoted);
    }
    return read_all(fd, path, max_size, ret_contents, error);
}
