/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <sys/stat.h>

/*
 * Reading files that decide what others may do, and files of people whom
 * nobody vouches for. What is checked is always the opened descriptor, never
 * a path that may have changed since.
 */

/* What makes an opened file the same one as before. Times in nanoseconds. */
typedef struct {
    guint64 device;
    guint64 inode;
    guint64 size;
    gint64 modified_ns;
    gint64 changed_ns;
} FileIdentity;

bool file_identity_equal(const FileIdentity *a, const FileIdentity *b);

/**
 * trusted_open:
 * @path: absolute, without "." and ".." components
 * @ret_fd: open for reading; -1 if there is no such file, or if it is empty or
 *   a link to /dev/null (masked: it is there in order to say "none")
 * @ret_identity: of the file opened, all 0 if none
 *
 * Opens a file of the administrator's: regular, owned by root, writable by
 * nobody else, and so is every directory above it. No component is followed
 * if it is a symbolic link, but for the last one to /dev/null.
 *
 * Privilege: none (root's files are read with the rights the process has)
 * Errors: CONFIG with what to type if owner or mode is wrong; SYSTEM
 * Returns: true on success, also where there is no file
 */
bool trusted_open(const char *path, int *ret_fd, FileIdentity *ret_identity,
                  bool *ret_masked, GError **error) must_use;

/* True if nobody has written, replaced or removed the file since it was opened:
 * each of these changes one of its times (inode(7)). */
bool trusted_unchanged(int fd, const FileIdentity *identity);

/* Reads an opened file, at most @max_size bytes; @path is for messages.
 * Errors: CONFIG if it is larger, SYSTEM */
bool trusted_load(int fd, const char *path, gsize max_size,
                  GBytes **ret_contents, GError **error) must_use;

/**
 * trusted_read:
 * @path: absolute, without "." and ".." components
 * @max_size: most bytes accepted
 * @ret_contents: (transfer full): the bytes; NULL if there is no such file,
 *   or if it is empty or a link to /dev/null (masked: *ret_masked)
 * @ret_identity: of the file opened, all 0 if none
 * @ret_masked: (nullable): the file is there in order to say "none"
 *
 * trusted_open() and trusted_load() in one.
 *
 * Privilege: none
 * Errors: those of the two
 * Returns: true on success, also where there is no file
 */
bool trusted_read(const char *path, gsize max_size, GBytes **ret_contents,
                  FileIdentity *ret_identity, bool *ret_masked,
                  GError **error) must_use;

/**
 * caller_read:
 * @path: a path that the caller chose, or one below their home directory
 * @max_size: most bytes accepted
 * @ret_contents: (transfer full): the bytes; NULL if there is no such file
 *
 * Reads a caller's file with the rights the process has, which must be the
 * caller's own: real, effective and saved. Regular files only, links are
 * followed; O_NONBLOCK, so that a FIFO cannot hold us up. Whatever fails is
 * said in words that the caller's own cat(1) would have told them.
 *
 * Privilege: none; must be called without any
 * Errors: CONFIG, SYSTEM
 * Returns: true on success, also where there is no file
 */
bool caller_read(const char *path, gsize max_size, GBytes **ret_contents,
                 GError **error) must_use;
