/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/shape.h"

#include "base/quote.h"

/*
 * The shape of a file: which keys stand where, and of which kind. It owns the
 * walk over a document along the table of keys, and the words of refusals; what
 * the values mean is network.c's and profile.c's business.
 *
 * Invariant: each place gets at most one fault from the walk, and what is below
 * a refused place is not looked at.
 */

typedef struct {
    KeyFile file;
    Mode mode;
    Faults *faults;
} Walk;

/* The path of @value as in Key.path. */
static char *pattern_of(const JsonValue *value)
{
    const JsonValue *parent = json_value_parent(value);

    if (!parent) {
        return g_strdup("");
    }
    g_autofree char *above = pattern_of(parent);
    const char *key = json_value_place(value)->key;
    if (!key) {
        return g_strconcat(above, "[]", NULL);
    }
    return g_strconcat(above, *above ? "." : "", key, NULL);
}

static const Key *key_of(const JsonValue *value, KeyFile file)
{
    g_autofree char *pattern = pattern_of(value);

    return keys_find(file, pattern);
}

void shape_refuse(const JsonValue *value, KeyFile file, const char *reason, Faults *faults)
{
    const Key *key = key_of(value, file);
    g_autofree char *found = json_value_describe(value);

    json_value_fault(value, faults, TAPSTER_ERROR_CONFIG, "found %s, expected %s%s%s", found,
                     key ? key->accepts : "something else", reason ? ": " : "",
                     reason ? reason : "");
}

void shape_refuse_instead(const JsonValue *value, const char *expected, Faults *faults)
{
    g_autofree char *found = json_value_describe(value);

    json_value_fault(value, faults, TAPSTER_ERROR_CONFIG, "found %s, expected %s", found,
                     expected);
}

void shape_refuse_later(const JsonValue *value, KeyFile file, Faults *faults)
{
    const Key *key = key_of(value, file);
    g_autofree char *found = json_value_describe(value);

    json_value_fault(value, faults, TAPSTER_ERROR_UNSUPPORTED,
                     "found %s: this version of tapster has no %s yet; leave it out", found,
                     key && key->later ? key->later : "such function");
}

/* A fault about a key stands where the key stands. */
static void refuse_key(const Walk *walk, const JsonValue *value, TapsterErrorCode code,
                       const char *message)
{
    const JsonPlace *place = json_value_place(value);
    g_autofree char *path = json_value_path(value);

    faults_add(walk->faults, code, place->key ? place->key_line : place->line,
               place->key ? place->key_column : place->column, path, "%s", message);
}

static void refuse_unknown(const Walk *walk, const JsonValue *value)
{
    g_autofree char *parent = pattern_of(json_value_parent(value));
    const char *name = json_value_place(value)->key;
    g_autofree char *quoted = quote_text(name);
    g_autofree char *nearest = keys_nearest(walk->file, parent, name);
    g_autofree char *names = keys_names(walk->file, parent);
    g_autofree char *message =
        nearest ? g_strdup_printf("found the unknown key %s; did you mean \"%s\"?", quoted, nearest)
                : g_strdup_printf("found the unknown key %s, expected one of %s", quoted, names);

    refuse_key(walk, value, TAPSTER_ERROR_CONFIG, message);
}

static bool fits_mode(const Walk *walk, const Key *key)
{
    return walk->mode == MODE_NONE || key->modes == KEY_IN_BOTH ||
           key->modes == (walk->mode == MODE_BRIDGED ? KEY_IN_BRIDGED : KEY_IN_MASQUERADED);
}

static bool fits_kinds(const JsonValue *value, KeyKinds kinds)
{
    switch (json_value_kind(value)) {
    case JSON_NULL:
        return false;
    case JSON_BOOLEAN:
        return kinds & KEY_BOOLEAN;
    case JSON_NUMBER:
        return (kinds & KEY_INTEGER) && json_value_place(value)->integral;
    case JSON_STRING:
        return kinds & KEY_STRING;
    case JSON_ARRAY:
        return kinds & KEY_ARRAY;
    case JSON_OBJECT:
        return kinds & KEY_OBJECT;
    }
    return false;
}

/* Returns: true if what is below @value is to be looked at. */
static bool check_value(const Walk *walk, const JsonValue *value)
{
    const Key *key = key_of(value, walk->file);

    if (!key) {
        refuse_unknown(walk, value);
        return false;
    }
    if (key->later && !key->later_values) {
        g_autofree char *message =
            g_strdup_printf("this version of tapster has no %s yet; leave it out", key->later);

        refuse_key(walk, value, TAPSTER_ERROR_UNSUPPORTED, message);
        return false;
    }
    if (!fits_mode(walk, key)) {
        g_autofree char *message =
            g_strdup_printf("found a key of %s networks in a %s one; leave it out",
                            walk->mode == MODE_BRIDGED ? "masqueraded" : "bridged",
                            mode_name(walk->mode));

        refuse_key(walk, value, TAPSTER_ERROR_CONFIG, message);
        return false;
    }
    if (!fits_kinds(value, key->kinds)) {
        bool fraction = json_value_kind(value) == JSON_NUMBER && (key->kinds & KEY_INTEGER);

        shape_refuse(value, walk->file,
                     fraction ? "write it as an integer, without fraction and exponent" : NULL,
                     walk->faults);
        return false;
    }
    return true;
}

static void check_required(const Walk *walk, const JsonValue *object)
{
    g_autofree char *pattern = pattern_of(object);
    guint n;
    const Key *keys = keys_of(walk->file, &n);

    for (guint i = 0; i < n; i++) {
        const char *name = keys[i].required ? keys_name_in(&keys[i], pattern) : NULL;
        bool wanted = name && fits_mode(walk, &keys[i]) &&
                      (walk->mode != MODE_NONE || keys[i].modes == KEY_IN_BOTH);

        if (wanted && !json_value_member(object, name)) {
            json_value_fault(object, walk->faults, TAPSTER_ERROR_CONFIG,
                             "found no \"%s\", expected it to be %s", name, keys[i].accepts);
        }
    }
}

/* The scanner has bounded the depth. */
static void check_inside(const Walk *walk, const JsonValue *container)
{
    if (json_value_kind(container) != JSON_OBJECT && json_value_kind(container) != JSON_ARRAY) {
        return;
    }
    for (const JsonValue *value = json_value_first(container); value;
         value = json_value_next(value)) {
        if (check_value(walk, value)) {
            check_inside(walk, value);
        }
    }
    if (json_value_kind(container) == JSON_OBJECT) {
        check_required(walk, container);
    }
}

void shape_check(const JsonValue *root, KeyFile file, Mode mode, Faults *faults)
{
    const Walk walk = { .file = file, .mode = mode, .faults = faults };

    if (json_value_kind(root) != JSON_OBJECT) {
        shape_refuse_instead(root, "an object", faults);
        return;
    }
    check_inside(&walk, root);
}
