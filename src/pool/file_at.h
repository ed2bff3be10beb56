/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* Positioned reads and writes that go on after a signal. */

/* Bytes read, fewer at the end of the file; 0 also for an error, which a reader
 * of hints treats as an empty file. Privilege: none */
gsize file_at_read(int fd, void *buffer, gsize size, guint64 offset);

/* @what: "write the list of forwards": for the message. Privilege: none. Errors:
 * SYSTEM. Returns: true if all was written */
bool file_at_write(int fd, const void *buffer, gsize size, guint64 offset,
                   const char *what, GError **error) must_use;
