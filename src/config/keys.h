/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/terms.h"

#include <stdbool.h>

/*
 * The one table of all keys that a network or profile file may have. The man
 * pages, the JSON Schemas in data/schema and the parsers say what it says; the
 * unit test "keys" holds them together.
 */

typedef enum {
    KEY_FILE_NETWORK,
    KEY_FILE_PROFILE,
} KeyFile;

/* JSON kinds that a key takes; several may be or-ed. An integer is a number
 * without fraction and exponent. */
typedef enum {
    KEY_STRING = 1 << 0,
    KEY_INTEGER = 1 << 1,
    KEY_BOOLEAN = 1 << 2,
    KEY_ARRAY = 1 << 3,
    KEY_OBJECT = 1 << 4,
} KeyKinds;

/* Modes of the network in which a key means something. */
typedef enum {
    KEY_IN_BRIDGED = 1 << 0,
    KEY_IN_MASQUERADED = 1 << 1,
    KEY_IN_BOTH = KEY_IN_BRIDGED | KEY_IN_MASQUERADED,
} KeyModes;

typedef struct {
    const char *path;     /* "allow[].max_ports": what is below "$." */
    KeyKinds kinds;
    KeyModes modes;       /* profiles: always KEY_IN_BOTH */
    bool required;
    const char *fallback; /* the default, as JSON or in words; NULL if required */
    const char *accepts;  /* what is accepted, to stand after "expected" */
    const char *means;    /* one line of documentation */
    const char *since;    /* first version that knows the key */
    /* A function that comes with a later version: its name, to stand after
     * "this version of tapster has no"; NULL where there is none missing. */
    const char *later;
    /* Only these values belong to that function; NULL: the whole key does. */
    const char *later_values;
} Key;

/**
 * keys_of:
 * @file: which kind of file
 * @ret_n: how many keys
 *
 * Privilege: none
 * Returns: (transfer none): the keys, a parent before its children
 */
const Key *keys_of(KeyFile file, guint *ret_n);

/**
 * keys_find:
 * @path: as in Key.path
 *
 * Privilege: none
 * Returns: (transfer none) (nullable): the key
 */
const Key *keys_find(KeyFile file, const char *path);

/* The key's name in the object at @parent ("" for the root, "allow[]" for an
 * entry of it); NULL if it does not stand directly there. */
const char *keys_name_in(const Key *key, const char *parent);

/**
 * keys_nearest:
 * @parent: path of the object
 * @name: a name that this object does not know
 *
 * Privilege: none
 * Returns: (transfer full) (nullable): the known name in the same object, or
 *   the path of that name elsewhere in the file, that was probably meant
 */
char *keys_nearest(KeyFile file, const char *parent, const char *name);

/* "a, b and c": the names that the object at @parent may have. (transfer full) */
char *keys_names(KeyFile file, const char *parent);
