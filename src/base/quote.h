/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * quote_text:
 * @text: bytes that somebody else chose, NUL-terminated, or NULL
 *
 * Makes foreign text safe to print on one line of a terminal or a log:
 * in single quotes, printable ASCII and valid UTF-8 letters as they are,
 * everything else (control characters, bad UTF-8, bidirectional marks) as
 * \xNN (the quote and the backslash too), and no more than 64 bytes of it, then "...".
 *
 * Privilege: none
 * Returns: (transfer full): the quoted text, "(null)" for NULL
 */
char *quote_text(const char *text);
