/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/faults.h"

#define JSON_SIZE_MAX   65536 /* bytes of a file */
#define JSON_DEPTH_MAX  16    /* arrays and objects inside each other */
#define JSON_VALUES_MAX 6144  /* values of a file, containers included */

typedef enum {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

/* Where a value stands. Values are numbered in the order of the text, a
 * container before what it holds; the first is the root. */
typedef struct {
    JsonKind kind;
    bool integral;    /* a number without fraction and exponent */
    guint line;       /* of the value's first byte, from 1 */
    guint column;     /* in bytes, from 1 */
    guint key_line;   /* of the key, for a member of an object */
    guint key_column;
    char *key;        /* unescaped; NULL for the root and in arrays */
    guint parent;     /* number of the container; the root's is its own */
    guint position;   /* in an array, from 0 */
    guint next;       /* number of the value after this one and all it holds */
    guint start;      /* bytes start..end-1 of the text */
    guint end;
} JsonPlace;

typedef struct JsonScan JsonScan;

/**
 * json_scan:
 * @text: @size bytes, not NUL-terminated
 * @faults: the fault is added to it
 *
 * Reads RFC 8259 and nothing more. What it passes has no duplicate keys, no
 * NUL in any string, valid UTF-8 without lone surrogates, and is within the
 * bounds above. It stops at the first fault: what follows has no sure meaning.
 *
 * Privilege: none
 * Source: RFC 8259; RFC 3629 section 4 (UTF-8)
 * Returns: (transfer full): the places of all values, NULL on a fault
 */
JsonScan *json_scan(const char *text, gsize size, Faults *faults);

void json_scan_free(JsonScan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonScan, json_scan_free)

guint json_scan_count(const JsonScan *scan);
const JsonPlace *json_scan_place(const JsonScan *scan, guint number);

/* "$.allow[0].group"; a key that is no plain word as "$['a b']" (RFC 9535).
 * (transfer full) */
char *json_scan_path(const JsonScan *scan, guint number);
