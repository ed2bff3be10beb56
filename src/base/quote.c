/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/quote.h"

#include <string.h>

/*
 * Foreign text in our own sentences. A message goes to a terminal, to QEMU's
 * stderr and to logs: what a stranger chose must not be able to move a cursor,
 * start a second line or turn the direction of writing.
 */

#define QUOTE_MAX_BYTES 64

static bool harmless(gunichar character)
{
    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT: /* bidirectional marks are among these */
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return false;
    default:
        return character != '\'' && character != '\\';
    }
}

char *quote_text(const char *text)
{
    if (!text) {
        return g_strdup("(null)");
    }

    GString *quoted = g_string_new("'");
    gsize size = strlen(text);
    gsize at = 0;

    while (at < size) {
        gunichar character = g_utf8_get_char_validated(text + at,
                                                       (gssize)(size - at));
        /* -1 and -2: bad UTF-8, and UTF-8 that is cut off */
        bool as_it_is = character < (gunichar)-2 && harmless(character);
        gsize step = as_it_is ? (gsize)g_unichar_to_utf8(character, NULL) : 1;

        if (at + step > QUOTE_MAX_BYTES) {
            break;
        }
        if (as_it_is) {
            g_string_append_unichar(quoted, character);
        } else {
            g_string_append_printf(quoted, "\\x%02x", (guchar)text[at]);
        }
        at += step;
    }
    g_string_append(quoted, at < size ? "'..." : "'");
    return g_string_free(quoted, FALSE);
}
