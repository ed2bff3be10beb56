/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define TAPSTER_ERROR_DEFINITIONS
#include "base/error.h"

#include <stdarg.h>
#include <string.h>

/*
 * The error domain and its exit statuses. Nothing here prints.
 */

GQuark error_quark(void)
{
    return g_quark_from_static_string("tapster-error");
}

int error_exit_status(const GError *error)
{
    /* Statuses are an interface (tapster-helper(8)): append, never renumber.
     * 1 is left to the dynamic loader and to shells. */
    static const int status_of[] = {
        [TAPSTER_ERROR_USAGE] = 2,       [TAPSTER_ERROR_CONFIG] = 3,
        [TAPSTER_ERROR_DENIED] = 4,      [TAPSTER_ERROR_EXHAUSTED] = 5,
        [TAPSTER_ERROR_BUSY] = 6,        [TAPSTER_ERROR_CONFLICT] = 7,
        [TAPSTER_ERROR_UNSUPPORTED] = 8, [TAPSTER_ERROR_KERNEL] = 9,
        [TAPSTER_ERROR_SYSTEM] = 10,     [TAPSTER_ERROR_INTERNAL] = 11,
    };

    if (!error) {
        return 0;
    }
    if (error->domain != TAPSTER_ERROR || error->code < 0 ||
        error->code >= (int)G_N_ELEMENTS(status_of)) {
        return status_of[TAPSTER_ERROR_INTERNAL];
    }
    return status_of[error->code];
}

bool error_set(GError **error, TapsterErrorCode code, const char *format, ...)
{
    va_list args;

    if (!error) {
        return false;
    }
    va_start(args, format);
    *error = g_error_new_valist(TAPSTER_ERROR, (int)code, format, args);
    va_end(args);
    return false;
}

bool error_set_errno(GError **error, TapsterErrorCode code, int saved_errno,
                     const char *format, ...)
{
    va_list args;

    if (!error) {
        return false;
    }
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    /* Not g_strerror(): it loads character set converters to make UTF-8 of a
     * locale's text, and we have one thread and the C locale. */
    return error_set(error, code, "%s: %s", what, strerror(saved_errno));
}
