/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/name.h"

#include "base/terms.h"

#include <string.h>

/*
 * What names may look like. Pure predicates on text; whether anybody has that
 * name is asked elsewhere.
 */

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* Longer than any name that useradd or a directory service gives (LOGIN_NAME_MAX
 * is 256 on Linux: limits.h). */
#define ACCOUNT_MAX 256

static bool valid_label(const char *text, gsize length, gsize max)
{
    if (length < 1 || length > max || text[0] == '-' || text[length - 1] == '-') {
        return false;
    }
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '-') {
            return false;
        }
    }
    return true;
}

bool name_valid_label(const char *text, gsize max)
{
    return valid_label(text, strlen(text), max);
}

bool name_valid_domain(const char *text, gsize max)
{
    if (strlen(text) > max) {
        return false;
    }
    for (const char *label = text;; label++) {
        gsize length = strcspn(label, ".");

        if (!valid_label(label, length, LABEL_MAX)) {
            return false;
        }
        if (label[length] == '\0') {
            return strspn(label, "0123456789") < length;
        }
        label += length;
    }
}

bool name_valid_account(const char *text)
{
    gsize length = strlen(text);

    if (length < 1 || length >= ACCOUNT_MAX || strspn(text, "0123456789") == length) {
        return false;
    }
    for (gsize i = 0; i < length; i++) {
        if (g_ascii_iscntrl(text[i]) || text[i] == ':' || text[i] == '/') {
            return false;
        }
    }
    return true;
}

bool name_valid_path(const char *text)
{
    if (text[0] != '/' || strlen(text) >= NETWORK_OPEN_SIZE) {
        return false;
    }
    for (const char *at = text; *at; at++) {
        if (g_ascii_iscntrl(*at)) {
            return false;
        }
        if (*at == '/') {
            gsize length = strcspn(at + 1, "/");

            if ((length == 1 && at[1] == '.') || (length == 2 && at[1] == '.' && at[2] == '.')) {
                return false;
            }
        }
    }
    return true;
}
