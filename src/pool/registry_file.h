/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/registry.h"

/* What the registry's parts share: writing, and the header. */

#define REGISTRY_HEADER_SIZE 1024

/* Privilege: none. Errors: SYSTEM. Returns: true if all was written */
bool registry_file_write(int fd, const void *buffer, gsize size, guint64 offset,
                         GError **error) must_use;

/* True if the file is a registry of this version, and of @place unless that is
 * NULL. Privilege: none */
bool registry_file_fits(int fd, const RegistryPlace *place) must_use;
