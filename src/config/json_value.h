/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/faults.h"
#include "config/json_scan.h"

/*
 * A parsed JSON text: each value with its place. Values belong to their
 * document and live as long as it.
 */
typedef struct JsonDocument JsonDocument;
typedef struct JsonValue JsonValue;

/**
 * json_document_parse:
 * @text: @size bytes, not NUL-terminated, of anybody's making
 * @faults: a fault is added to it
 *
 * json_scan() and, if that passes, json-c. If the two do not see the same values
 * in the same order, the text is refused with a fault of code INTERNAL: nothing
 * is built upon a text that can be read in two ways. A fuzzer calls this.
 *
 * Privilege: none
 * Returns: (transfer full): the document, NULL on a fault
 */
JsonDocument *json_document_parse(const char *text, gsize size, Faults *faults);

void json_document_free(JsonDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonDocument, json_document_free)

const JsonValue *json_document_root(const JsonDocument *document);

JsonKind json_value_kind(const JsonValue *value);
const JsonPlace *json_value_place(const JsonValue *value);
char *json_value_path(const JsonValue *value); /* (transfer full) */

/* What the value is, on one line and safe to print: "the string 'x'", "the
 * number 12", "true", "an empty array". (transfer full) */
char *json_value_describe(const JsonValue *value);

/* The container of a value; NULL for the root. */
const JsonValue *json_value_parent(const JsonValue *value);

/* The values directly in an array or object, in the order of the text:
 * for (v = json_value_first(c); v; v = json_value_next(v)). */
const JsonValue *json_value_first(const JsonValue *container);
const JsonValue *json_value_next(const JsonValue *value);

/* The member called @key; NULL if there is none, if @value is no object, or if
 * it is NULL: an absent object has no members. */
const JsonValue *json_value_member(const JsonValue *value, const char *key);

/* Getters look at the kind before the value (json-c would convert: "12x" to
 * 12) and return false, writing nothing, if it is another one. */
bool json_value_get_string(const JsonValue *value, const char **ret_text) must_use;
bool json_value_get_boolean(const JsonValue *value, bool *ret_truth) must_use;

/**
 * json_value_get_integer:
 * @min: smallest value allowed
 * @max: largest value allowed
 *
 * Refuses what is not written as an integer (1.0, 1e3) as well as what is out
 * of range.
 *
 * Privilege: none
 * Returns: true on success
 */
bool json_value_get_integer(const JsonValue *value, gint64 min, gint64 max,
                            gint64 *ret_number) must_use;

/* Adds a fault at the value's place; @code is CONFIG or UNSUPPORTED. */
void json_value_fault(const JsonValue *value, Faults *faults, TapsterErrorCode code,
                      const char *format, ...) G_GNUC_PRINTF(4, 5);
