/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_value.h"

#include "base/quote.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

/*
 * Values of a JSON text. It owns json-c's objects, of which it is the only
 * user, and joins each with the place that the scanner saw: both number values
 * in the order of the text, a container before what it holds.
 *
 * Invariant: value i of a document has place i of the scan, of the same kind
 * and, in an object, of the same key.
 */

struct JsonValue {
    JsonDocument *document;
    json_object *object; /* borrowed from the document's root; NULL for null */
};

struct JsonDocument {
    JsonScan *scan;
    json_object *root;
    JsonValue *values; /* as many as the scan has places */
    char *numbers;     /* the text, for numbers as they are written */
};

static guint number_of(const JsonValue *value)
{
    return (guint)(value - value->document->values);
}

static bool kinds_agree(JsonKind kind, json_object *object)
{
    switch (json_object_get_type(object)) {
    case json_type_null:
        return kind == JSON_NULL;
    case json_type_boolean:
        return kind == JSON_BOOLEAN;
    case json_type_double:
    case json_type_int:
        return kind == JSON_NUMBER;
    case json_type_object:
        return kind == JSON_OBJECT;
    case json_type_array:
        return kind == JSON_ARRAY;
    case json_type_string:
        return kind == JSON_STRING;
    }
    return false;
}

/* Joins @object with place @number, and what it holds with those after it. The
 * scanner has bounded the depth. */
static bool join(JsonDocument *document, guint number, json_object *object)
{
    guint count = json_scan_count(document->scan);
    const JsonPlace *place = json_scan_place(document->scan, number);
    guint inside = number + 1;

    document->values[number].document = document;
    document->values[number].object = object;
    if (!kinds_agree(place->kind, object)) {
        return false;
    }
    if (place->kind == JSON_OBJECT) {
        struct json_object_iterator at = json_object_iter_begin(object);
        struct json_object_iterator end = json_object_iter_end(object);

        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
            if (inside >= count || inside >= place->next ||
                g_strcmp0(json_scan_place(document->scan, inside)->key,
                          json_object_iter_peek_name(&at)) != 0 ||
                !join(document, inside, json_object_iter_peek_value(&at))) {
                return false;
            }
            inside = json_scan_place(document->scan, inside)->next;
        }
    } else if (place->kind == JSON_ARRAY) {
        for (size_t i = 0; i < json_object_array_length(object); i++) {
            if (inside >= count || inside >= place->next ||
                !join(document, inside, json_object_array_get_idx(object, i))) {
                return false;
            }
            inside = json_scan_place(document->scan, inside)->next;
        }
    }
    return inside == place->next;
}

/* Only json_tokener_success means that a whole text was read: a text that
 * stops too early is json_tokener_continue, which is no error. */
static bool parse_with_json_c(JsonDocument *document, const char *text, gsize size)
{
    json_tokener *tokener = json_tokener_new_ex(2 * JSON_DEPTH_MAX);
    bool good;

    if (!tokener) {
        return false;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* The NUL at the end is given as well: without it a number at the end of a
     * text could still go on. */
    g_autofree char *terminated = g_strndup(text, size);
    document->root = json_tokener_parse_ex(tokener, terminated, (int)size + 1);
    good = json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    document->numbers = g_steal_pointer(&terminated);
    return good;
}

JsonDocument *json_document_parse(const char *text, gsize size, Faults *faults)
{
    g_autoptr(JsonScan) scan = json_scan(text, size, faults);

    if (!scan) {
        return NULL;
    }
    g_autoptr(JsonDocument) document = g_new0(JsonDocument, 1);
    document->scan = g_steal_pointer(&scan);
    document->values = g_new0(JsonValue, json_scan_count(document->scan));
    if (!parse_with_json_c(document, text, size) || !join(document, 0, document->root)) {
        faults_add(faults, TAPSTER_ERROR_INTERNAL, 1, 1, "$",
                   "found a text that json-c reads in another way, expected plain JSON; "
                   "this is a bug of tapster's");
        return NULL;
    }
    return g_steal_pointer(&document);
}

void json_document_free(JsonDocument *document)
{
    if (document) {
        json_scan_free(document->scan);
        json_object_put(document->root);
        g_free(document->values);
        g_free(document->numbers);
        g_free(document);
    }
}

const JsonValue *json_document_root(const JsonDocument *document)
{
    return &document->values[0];
}

const JsonPlace *json_value_place(const JsonValue *value)
{
    return json_scan_place(value->document->scan, number_of(value));
}

JsonKind json_value_kind(const JsonValue *value)
{
    return json_value_place(value)->kind;
}

char *json_value_path(const JsonValue *value)
{
    return json_scan_path(value->document->scan, number_of(value));
}

static char *describe_number(const JsonValue *value)
{
    const JsonPlace *place = json_value_place(value);
    int length = (int)MIN(place->end - place->start, 32);

    return g_strdup_printf("the number %.*s%s", length, value->document->numbers + place->start,
                           place->end - place->start > 32 ? "..." : "");
}

char *json_value_describe(const JsonValue *value)
{
    switch (json_value_kind(value)) {
    case JSON_NULL:
        return g_strdup("null");
    case JSON_BOOLEAN:
        return g_strdup(json_object_get_boolean(value->object) ? "true" : "false");
    case JSON_NUMBER:
        return describe_number(value);
    case JSON_STRING: {
        g_autofree char *quoted = quote_text(json_object_get_string(value->object));
        return g_strdup_printf("the string %s", quoted);
    }
    case JSON_ARRAY:
        return g_strdup(json_value_first(value) ? "an array" : "an empty array");
    case JSON_OBJECT:
        return g_strdup(json_value_first(value) ? "an object" : "an empty object");
    }
    return g_strdup("nothing");
}

const JsonValue *json_value_parent(const JsonValue *value)
{
    guint number = number_of(value);

    return number == 0 ? NULL : &value->document->values[json_value_place(value)->parent];
}

const JsonValue *json_value_first(const JsonValue *container)
{
    return json_value_place(container)->next > number_of(container) + 1 ? container + 1 : NULL;
}

const JsonValue *json_value_next(const JsonValue *value)
{
    const JsonValue *parent = json_value_parent(value);
    guint next = json_value_place(value)->next;

    return parent && next < json_value_place(parent)->next ? &value->document->values[next] : NULL;
}

const JsonValue *json_value_member(const JsonValue *value, const char *key)
{
    if (!value || json_value_kind(value) != JSON_OBJECT) {
        return NULL;
    }
    for (const JsonValue *member = json_value_first(value); member;
         member = json_value_next(member)) {
        if (strcmp(json_value_place(member)->key, key) == 0) {
            return member;
        }
    }
    return NULL;
}

bool json_value_get_string(const JsonValue *value, const char **ret_text)
{
    if (json_value_kind(value) != JSON_STRING) {
        return false;
    }
    *ret_text = json_object_get_string(value->object);
    return true;
}

bool json_value_get_boolean(const JsonValue *value, bool *ret_truth)
{
    if (json_value_kind(value) != JSON_BOOLEAN) {
        return false;
    }
    *ret_truth = json_object_get_boolean(value->object);
    return true;
}

bool json_value_get_integer(const JsonValue *value, gint64 min, gint64 max, gint64 *ret_number)
{
    if (json_value_kind(value) != JSON_NUMBER || !json_value_place(value)->integral ||
        !json_object_is_type(value->object, json_type_int)) {
        return false;
    }
    /* json-c saturates what does not fit: such a number is out of any range
     * that ends before the limits of int64. */
    gint64 number = json_object_get_int64(value->object);
    if (number < min || number > max) {
        return false;
    }
    *ret_number = number;
    return true;
}

void json_value_fault(const JsonValue *value, Faults *faults, TapsterErrorCode code,
                      const char *format, ...)
{
    const JsonPlace *place = json_value_place(value);
    g_autofree char *path = json_value_path(value);
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    faults_add(faults, code, place->line, place->column, path, "%s", message);
}
