/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A place in a JSON text, and the fault that was found, if any. */
typedef struct {
    const char *bytes;
    gsize size;
    gsize at;         /* 0..size */
    gsize line_start;
    guint line;       /* from 1 */
    char *fault;      /* "found ..., expected ..."; NULL if none */
    guint fault_line;
    guint fault_column;
} JsonText;

#define JSON_TEXT_END (-1)

/* The byte at the place, JSON_TEXT_END after the last. */
int json_text_peek(const JsonText *text);

/* Of the place: from 1, in bytes. */
guint json_text_column(const JsonText *text);

/* Moves over white space; counts lines. */
void json_text_skip_space(JsonText *text);

/* Keeps a fault. Returns: false */
bool json_text_fault(JsonText *text, guint line, guint column, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
#define json_text_fault_here(text, ...) \
    json_text_fault(text, (text)->line, json_text_column(text), __VA_ARGS__)

/* "found WHAT STANDS HERE, expected EXPECTED". Returns: false */
bool json_text_expected(JsonText *text, const char *expected);

/**
 * json_text_scan_string:
 * @text: at the opening quote; afterwards behind the closing one
 * @ret_string: the string without its escapes is added to it, also on failure
 *
 * Privilege: none
 * Source: RFC 8259 section 7; RFC 3629 section 4
 * Returns: true on success, else a fault is kept
 */
bool json_text_scan_string(JsonText *text, GString *ret_string);

/**
 * json_text_scan_number:
 * @text: at '-' or a digit; afterwards behind the number
 * @ret_integral: whether it has neither fraction nor exponent
 *
 * Privilege: none
 * Source: RFC 8259 section 6
 * Returns: true on success, else a fault is kept
 */
bool json_text_scan_number(JsonText *text, bool *ret_integral);

/* Moves behind @word, which must stand here and end here. Returns: true on
 * success, else a fault is kept that asks for a value */
bool json_text_scan_word(JsonText *text, const char *word);
