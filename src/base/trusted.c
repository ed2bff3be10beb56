/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/trusted.h"

#include "base/fd.h"
#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/*
 * A path is a question, a descriptor is an answer. A trusted file is reached
 * by opening one directory after the other without following links, and each
 * opened descriptor is looked at before the next step is taken from it; so
 * what was checked is what is read.
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

/* Reads what is left of an opened regular file, at most @max_size bytes. */
static bool read_all(int fd, const char *path, gsize max_size,
                     GBytes **ret_contents, GError **error)
{
    g_autofree char *buffer = g_malloc(max_size + 1);
    gsize size = 0;

    while (size <= max_size) {
        ssize_t count = read(fd, buffer + size, max_size + 1 - size);
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
    return error_set(error, TAPSTER_ERROR_CONFIG,
                     "%s is larger than %" G_GSIZE_FORMAT " bytes", quoted,
                     max_size);
}

/* Opens the directory that holds @path's last component, checking each on the
 * way. *ret_fd is -1 if one of them does not exist. */
static bool open_parents(const char *path, int *ret_fd, GError **error)
{
    autofd directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *at = path;

    while (directory >= 0) {
        struct stat status;
        g_autofree char *so_far = g_strndup(path, MAX(1, (gsize)(at - path)));

        if (fstat(directory, &status) < 0) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "look at '%s'", so_far);
        }
        if (!check_owner(so_far, &status, error)) {
            return false;
        }
        const char *next = strchr(at + 1, '/');
        if (!next) {
            *ret_fd = fd_steal(&directory);
            return true;
        }
        g_autofree char *component = g_strndup(at + 1, (gsize)(next - at - 1));
        int below = openat(directory, component,
                           O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int saved_errno = errno;

        if (below < 0 && saved_errno != ENOENT) {
            g_autofree char *upto = g_strndup(path, (gsize)(next - path));

            return error_set_errno(error, TAPSTER_ERROR_CONFIG, saved_errno,
                                   "directory '%s' (links are not followed "
                                   "here)",
                                   upto);
        }
        close(fd_steal(&directory));
        directory = below;
        at = next;
    }
    *ret_fd = -1;
    return true;
}

/* A symbolic link to /dev/null masks the file of that name. */
static bool is_mask(int directory, const char *name)
{
    char target[16];
    ssize_t size = readlinkat(directory, name, target, sizeof(target));

    return size == (ssize_t)strlen("/dev/null") &&
           memcmp(target, "/dev/null", (gsize)size) == 0;
}

bool trusted_read(const char *path, gsize max_size, GBytes **ret_contents,
                  FileIdentity *ret_identity, bool *ret_masked, GError **error)
{
    autofd directory = -1;
    struct stat status;
    const char *name = strrchr(path, '/') + 1;

    /* Most names have no file in most places: that needs no walk. */
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT) {
        *ret_contents = NULL;
        *ret_identity = (FileIdentity){0};
        if (ret_masked) {
            *ret_masked = false;
        }
        return true;
    }
    if (!open_parents(path, &directory, error)) {
        return false;
    }
    autofd fd =
        directory < 0
            ? -1
            : openat(directory, name,
                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int saved_errno = errno;

    if (directory < 0 ||
        (fd < 0 && (saved_errno == ENOENT || is_mask(directory, name)))) {
        *ret_contents = NULL;
        *ret_identity = (FileIdentity){0};
        if (ret_masked) {
            *ret_masked = directory >= 0 && saved_errno != ENOENT;
        }
        return true;
    }

    g_autofree char *quoted = quote_text(path);
    if (fd < 0) {
        return error_set_errno(
            error, TAPSTER_ERROR_CONFIG, saved_errno, "open %s%s", quoted,
            saved_errno == ELOOP ? " (links are not followed here)" : "");
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
    g_autoptr(GBytes) contents = NULL;
    if (!check_owner(path, &status, error) ||
        !read_all(fd, path, max_size, &contents, error)) {
        return false;
    }
    bool masked = g_bytes_get_size(contents) == 0;

    *ret_identity = masked ? (FileIdentity){0} : identify(&status);
    *ret_contents = masked ? NULL : g_steal_pointer(&contents);
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
