/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/number.h"

#include "base/quote.h"

/*
 * Numbers as people write them, and nothing else: strtoul() takes signs, white
 * space, 0x and a wrapped-around "-1", none of which a caller meant.
 */

bool number_parse(const char *text, guint64 min, guint64 max,
                  guint64 *ret_value, GError **error)
{
    guint64 value = 0;
    bool sound = *text != '\0' && !(text[0] == '0' && text[1] != '\0');

    for (const char *digit = text; sound && *digit; digit++) {
        guint64 next = (guint64)(*digit - '0');

        sound = *digit >= '0' && *digit <= '9' &&
                value <= (G_MAXUINT64 - next) / 10;
        value = sound ? value * 10 + next : value;
    }
    if (!sound || value < min || value > max) {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_USAGE,
                         "%s is not a number from %" G_GUINT64_FORMAT
                         " to %" G_GUINT64_FORMAT,
                         quoted, min, max);
    }
    *ret_value = value;
    return true;
}
