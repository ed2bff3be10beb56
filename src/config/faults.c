/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/faults.h"

#include "base/quote.h"

#include <stdarg.h>
#include <string.h>

/*
 * A list of faults, kept in order of place. It owns the form of the line that
 * people and editors read; what a fault says is its finder's business.
 *
 * Invariant: every line is printable and has no newline, whatever the file is
 * called; the finders quote what they cite.
 */

typedef struct {
    TapsterErrorCode code;
    guint line;
    guint column;
    char *path;
    char *message;
} Fault;

struct Faults {
    char *file; /* printable */
    GPtrArray *list;
};

static void fault_free(gpointer data)
{
    Fault *fault = data;

    g_free(fault->path);
    g_free(fault->message);
    g_free(fault);
}

char *faults_printable(const char *file)
{
    for (const char *at = file; *at; at++) {
        if (!g_ascii_isprint(*at)) {
            return quote_text(file);
        }
    }
    return *file ? g_strdup(file) : quote_text(file);
}

Faults *faults_new(const char *file)
{
    Faults *faults = g_new0(Faults, 1);

    faults->file = faults_printable(file);
    faults->list = g_ptr_array_new_with_free_func(fault_free);
    return faults;
}

void faults_free(Faults *faults)
{
    if (faults) {
        g_ptr_array_unref(faults->list);
        g_free(faults->file);
        g_free(faults);
    }
}

static bool stands_before(const Fault *fault, guint line, guint column)
{
    return fault->line < line || (fault->line == line && fault->column <= column);
}

void faults_add(Faults *faults, TapsterErrorCode code, guint line,
                guint column, const char *path, const char *format, ...)
{
    Fault *fault = g_new0(Fault, 1);
    guint at = faults->list->len;
    va_list args;

    va_start(args, format);
    fault->message = g_strdup_vprintf(format, args);
    va_end(args);
    fault->code = code;
    fault->line = line;
    fault->column = column;
    fault->path = g_strdup(path);
    /* Finders go forwards through a file, so the place is near the end. */
    while (at > 0 && !stands_before(g_ptr_array_index(faults->list, at - 1), line, column)) {
        at--;
    }
    g_ptr_array_insert(faults->list, (gint)at, fault);
}

guint faults_count(const Faults *faults)
{
    return faults->list->len;
}

char *faults_line(const Faults *faults, guint i)
{
    const Fault *fault = g_ptr_array_index(faults->list, i);

    return g_strdup_printf("%s:%u:%u: %s: %s", faults->file, fault->line,
                           fault->column, fault->path, fault->message);
}

bool faults_to_error(const Faults *faults, GError **error)
{
    guint n = faults_count(faults);

    if (n == 0) {
        return true;
    }
    const Fault *first = g_ptr_array_index(faults->list, 0);
    g_autofree char *line = faults_line(faults, 0);
    if (n == 1) {
        return error_set(error, first->code, "%s", line);
    }
    return error_set(error, first->code, "%s (and %u more)", line, n - 1);
}
