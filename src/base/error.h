/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Errors are values. A function that can fail returns bool, takes its result
 * parameters (ret_*, written only on success) before a last GError **, and
 * its result must be used. The code says who must act, the message what
 * happened and what to do; only a main() prints.
 *
 * A message is lower case, has no full stop and no newline, and user text in
 * it is quoted by quote_text().
 */

#define TAPSTER_ERROR (error_quark())

#define must_use __attribute__((warn_unused_result))

typedef enum {
    TAPSTER_ERROR_USAGE,     /* the command line: the caller mends it */
    TAPSTER_ERROR_CONFIG,    /* a network or profile file: its owner mends it */
    TAPSTER_ERROR_DENIED,    /* the network does not grant this to the caller */
    TAPSTER_ERROR_EXHAUSTED, /* a pool or a quota is used up */
    TAPSTER_ERROR_BUSY,      /* in use now: stop the other, or try later */
    TAPSTER_ERROR_CONFLICT, /* exists and is not ours: the administrator decides */
    TAPSTER_ERROR_UNSUPPORTED, /* this build, version or kernel cannot */
    TAPSTER_ERROR_KERNEL,      /* the kernel refused an operation */
    TAPSTER_ERROR_SYSTEM,      /* files, processes, the installation */
    TAPSTER_ERROR_INTERNAL,    /* a bug of tapster's */
} TapsterErrorCode;

GQuark error_quark(void);

/**
 * error_exit_status:
 * @error: an error, or NULL
 *
 * The one table from error codes to exit statuses (tapster-helper(8)).
 *
 * Privilege: none
 * Returns: 0 for NULL, else 2..11; that of INTERNAL for a foreign domain
 */
int error_exit_status(const GError *error);

/**
 * error_set_errno:
 * @error: where to put the error, or NULL
 * @code: who must act
 * @saved_errno: errno, copied on the line after the call that failed
 * @format: what failed, printf style, without the reason
 *
 * Sets "what failed: strerror(saved_errno)".
 *
 * Privilege: none
 * Returns: false, so that `return error_set_errno(…)` reads well
 */
bool error_set_errno(GError **error, TapsterErrorCode code, int saved_errno,
                     const char *format, ...) G_GNUC_PRINTF(4, 5);

/**
 * error_set:
 *
 * g_set_error() in TAPSTER_ERROR's domain, returning false.
 *
 * Privilege: none
 * Returns: false
 */
bool error_set(GError **error, TapsterErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The analyzer reads one file at a time, and would follow a failure into what
 * comes after success. */
#if defined(__clang_analyzer__) && !defined(TAPSTER_ERROR_DEFINITIONS)
#define error_set(...)       (error_set(__VA_ARGS__), false)
#define error_set_errno(...) (error_set_errno(__VA_ARGS__), false)
#endif
