/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/ports.h"

#include "base/number.h"

/*
 * Ports as both kinds of file write them: a number, or two with a '-' between.
 */

bool ports_parse(const char *text, guint16 *ret_first, guint16 *ret_last)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 3);
    guint n = g_strv_length(ends);
    guint64 first, last;

    if (n < 1 || n > 2 || !number_parse(ends[0], 1, G_MAXUINT16, &first, NULL)) {
        return false;
    }
    last = first;
    if (n == 2 && !number_parse(ends[1], first, G_MAXUINT16, &last, NULL)) {
        return false;
    }
    *ret_first = (guint16)first;
    *ret_last = (guint16)last;
    return true;
}
