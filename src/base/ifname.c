/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ifname.h"

#include "base/quote.h"

#include <string.h>

bool ifname_parse(const char *text, Ifname *ret_name, GError **error)
{
    gsize size = strlen(text);
    bool sound = size >= 1 && size < IFNAMSIZ && strcmp(text, ".") != 0 &&
                 strcmp(text, "..") != 0;

    for (gsize i = 0; sound && i < size; i++) {
        /* '%' would ask the kernel to choose a number (tap%d). */
        sound = text[i] > ' ' && text[i] < 0x7f && !strchr("/:%", text[i]);
    }
    if (!sound) {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not an interface name (1 to 15 characters, "
                         "no space, '/', ':' or '%%')",
                         quoted);
    }
    *ret_name = (Ifname){0};
    memcpy(ret_name->name, text, size);
    return true;
}
