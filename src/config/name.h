/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* One DNS label of 1 to @max bytes: letters, digits and, inside, '-'.
 * RFC 1123 section 2.1. */
bool name_valid_label(const char *text, gsize max);

/* DNS labels of at most 63 bytes, joined by dots, @max bytes together; the last
 * is not all digits, or it could be read as an address (RFC 3696 section 2). */
bool name_valid_domain(const char *text, gsize max);

/* What the user database may call a user or a group. Not a number: in some
 * programs "1000" means the id, in others a name, and an allow entry must not
 * mean two things. Not ':' or control characters, which passwd(5) cannot hold. */
bool name_valid_account(const char *text);

/* Absolute, at most 63 bytes (NETWORK_OPEN_SIZE), without "." and ".." components and
 * control characters. */
bool name_valid_path(const char *text);
