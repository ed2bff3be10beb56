/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/json_value.h"
#include "config/keys.h"

/**
 * shape_check:
 * @root: of the document
 * @file: which kind of file it is
 * @mode: of the network; MODE_NONE if not known, or for a profile
 * @faults: faults are added to it
 *
 * Holds a document against the table of keys: every key known, in place for
 * the mode, of a function that this version has, of the right kind; and every
 * required key there. What it passes may still have a wrong value.
 *
 * Privilege: none
 */
void shape_check(const JsonValue *root, KeyFile file, Mode mode, Faults *faults);

/**
 * shape_refuse:
 * @value: the value of a known key
 * @reason: (nullable): what is wrong with it, where the table's words for what
 *   is accepted do not make it plain
 *
 * Adds "found VALUE, expected WHAT THE TABLE ACCEPTS", with the reason after it.
 *
 * Privilege: none
 */
void shape_refuse(const JsonValue *value, KeyFile file, const char *reason, Faults *faults);

/**
 * shape_refuse_instead:
 * @value: any value
 * @expected: what is accepted at this place, where that is less than the table
 *   says
 *
 * Adds "found VALUE, expected EXPECTED".
 *
 * Privilege: none
 */
void shape_refuse_instead(const JsonValue *value, const char *expected, Faults *faults);

/**
 * shape_refuse_later:
 * @value: the value of a known key, one of its later_values
 *
 * Adds a fault of code UNSUPPORTED that names the missing function.
 *
 * Privilege: none
 */
void shape_refuse_later(const JsonValue *value, KeyFile file, Faults *faults);
