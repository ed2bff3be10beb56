/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/keys.h"

#include <string.h>

/*
 * What an unknown name in a file was probably meant to be: a slip of the
 * fingers, or a key that stands elsewhere.
 */

/* Names longer than this are no misspelling of ours. */
#define NAME_COMPARED_MAX 24

/* How many letters have to be put in, left out, changed or swapped with their
 * neighbour to make @b of @a (optimal string alignment). */
static guint edit_distance(const char *a, const char *b)
{
    guint cost[NAME_COMPARED_MAX + 1][NAME_COMPARED_MAX + 1];
    gsize n = strlen(a), m = strlen(b);

    if (n > NAME_COMPARED_MAX || m > NAME_COMPARED_MAX) {
        return G_MAXUINT;
    }
    for (guint i = 0; i <= n; i++) {
        for (guint j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = MIN(MIN(cost[i - 1][j], cost[i][j - 1]) + 1,
                             cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[n][m];
}

/* The name as people vary it: "MaxPorts", "max-ports" are "max_ports". */
static char *fold_name(const char *name)
{
    GString *folded = g_string_new(NULL);

    for (const char *at = name; *at; at++) {
        if (g_ascii_isupper(*at) && at > name && g_ascii_islower(at[-1])) {
            g_string_append_c(folded, '_');
        }
        g_string_append_c(folded, *at == '-' ? '_' : g_ascii_tolower(*at));
    }
    return g_string_free(folded, FALSE);
}

char *keys_nearest(KeyFile file, const char *parent, const char *name)
{
    guint n;
    const Key *keys = keys_of(file, &n);
    const char *best = NULL;
    guint best_distance = G_MAXUINT;

    if (strlen(name) > NAME_COMPARED_MAX) {
        return NULL;
    }
    g_autofree char *folded = fold_name(name);
    for (guint i = 0; i < n; i++) {
        const char *known = keys_name_in(&keys[i], parent);
        guint distance = known ? edit_distance(folded, known) : G_MAXUINT;

        if (distance < best_distance) {
            best = known;
            best_distance = distance;
        }
    }
    /* One slip in three letters, or it is another word. */
    if (best && best_distance <= MAX(strlen(best) / 3, 1)) {
        return g_strdup(best);
    }
    for (guint i = 0; i < n; i++) {
        const char *dot = strrchr(keys[i].path, '.');

        if (strcmp(dot ? dot + 1 : keys[i].path, folded) == 0) {
            return g_strdup(keys[i].path);
        }
    }
    return NULL;
}
