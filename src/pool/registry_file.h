/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/registry.h"

/* What the registry's parts share: positioned reads and writes, and the header. */

#define REGISTRY_HEADER_SIZE 1024

/* Bytes read, fewer at the end of the file; 0 also for an error, which a reader
 * of hints treats as an empty file. Privilege: none */
gsize registry_file_read(int fd, void *buffer, gsize size, guint64 offset);

/* Privilege: none. Errors: SYSTEM. Returns: true if all was written */
bool registry_file_write(int fd, const void *buffer, gsize size, guint64 offset,
                         GError **error) must_use;

/* True if the file is a registry of this version, and of @place unless that is
 * NULL. Privilege: none */
bool registry_file_fits(int fd, const RegistryPlace *place) must_use;
