/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * What is wrong with a file: all of it, not only the first. One fault is one
 * place: line and column (from 1, columns in bytes), the JSON path
 * ("$.pool.size"), what was found and what would be accepted.
 */
typedef struct Faults Faults;

Faults *faults_new(const char *file);

/* The file's name as messages show it: printable, on one line.
 * (transfer full) */
char *faults_printable(const char *file);

void faults_free(Faults *faults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Faults, faults_free)

/* @code: TAPSTER_ERROR_CONFIG, or TAPSTER_ERROR_UNSUPPORTED for a key whose
 * function this version does not have. */
void faults_add(Faults *faults, TapsterErrorCode code, guint line,
                guint column, const char *path, const char *format, ...)
    G_GNUC_PRINTF(6, 7);

guint faults_count(const Faults *faults);

/* "FILE:LINE:COLUMN: PATH: MESSAGE" of fault @i, in order of place. */
char *faults_line(const Faults *faults, guint i);

/* Sets @error to the first fault's line, with "(and N more)" where there are
 * more. Returns: false if there is a fault, true if there is none. */
bool faults_to_error(const Faults *faults, GError **error);
