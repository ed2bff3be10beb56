/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * checksum_fnv1a:
 * @bytes: @size bytes
 *
 * Tells a record that was written whole from noise and torn writes; no
 * protection against anybody who means it. GLib's GChecksum costs several
 * microseconds and its g_str_hash() stops at a NUL.
 *
 * Source: Fowler, Noll, Vo: FNV-1a, 32 bits (draft-eastlake-fnv)
 * Returns: the checksum, never 0
 */
static inline guint32 checksum_fnv1a(const void *bytes, gsize size)
{
    const guint8 *at = bytes;
    guint32 hash = 2166136261u;

    for (gsize i = 0; i < size; i++) {
        /* The analyzer takes the bytes of a struct for unset. */
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        hash = (hash ^ at[i]) * 16777619u;
    }
    return hash ? hash : 1;
}
