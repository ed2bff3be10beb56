/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* RFC 1071: the one's complement sum of 16-bit words, not yet folded. */
static inline guint32 dhcp_checksum_add(guint32 sum, const void *data, gsize size)
{
    const guint8 *bytes = data;

    for (gsize i = 0; i + 1 < size; i += 2) {
        /* The analyzer takes the bytes of a struct for unset. */
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        sum += (guint32)bytes[i] << 8 | bytes[i + 1];
    }
    if (size % 2 != 0) {
        sum += (guint32)bytes[size - 1] << 8;
    }
    return sum;
}

static inline guint16 dhcp_checksum_fold(guint32 sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (guint16)~sum;
}
