/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_scan.h"

#include "base/quote.h"
#include "config/json_text.h"

#include <string.h>

/*
 * A strict scanner for JSON. It stands before json-c, which keeps no positions
 * and takes more than JSON (comments, single quotes, NaN, duplicate keys,
 * \u0000 and others); with json_text.c it owns the language that tapster's files
 * are written in and the places of their values, but not the values: those are
 * json-c's.
 *
 * It is a recursive descent, bounded by JSON_DEPTH_MAX. Paths are made only
 * when somebody asks, so that long keys cannot make a scan expensive.
 *
 * Invariant: a place that is not a value's own ancestor is complete.
 */

struct JsonScan {
    JsonText text;
    guint depth;
    guint current; /* the value that a fault is about */
    GArray *places;
};

static JsonPlace *place_of(const JsonScan *scan, guint number)
{
    return &g_array_index(scan->places, JsonPlace, number);
}

/* A string whose text json-c will give. */
static bool scan_string_value(JsonScan *scan)
{
    g_autoptr(GString) unescaped = g_string_new(NULL);

    return json_text_scan_string(&scan->text, unescaped);
}

static bool scan_value(JsonScan *scan);

/* Makes a place for the value that follows and makes it the current one. */
static bool open_place(JsonScan *scan, const JsonPlace *place)
{
    if (scan->places->len >= JSON_VALUES_MAX) {
        return json_text_fault_here(&scan->text, "found value number %d, expected at most %d",
                                    JSON_VALUES_MAX + 1, JSON_VALUES_MAX);
    }
    g_array_append_vals(scan->places, place, 1);
    scan->current = scan->places->len - 1;
    return true;
}

static const JsonPlace *find_sibling(const JsonScan *scan, guint object, const char *key)
{
    for (guint i = object + 1; i < scan->places->len; i = place_of(scan, i)->next) {
        if (strcmp(place_of(scan, i)->key, key) == 0) {
            return place_of(scan, i);
        }
    }
    return NULL;
}

/* One "key": value; the current place is where the key should be. */
static bool scan_member(JsonScan *scan, guint object, bool after_comma)
{
    JsonPlace place = { .parent = object, .key_line = scan->text.line,
                        .key_column = json_text_column(&scan->text) };

    if (json_text_peek(&scan->text) == '}' && after_comma) {
        return json_text_fault_here(&scan->text, "found a comma before '}', expected none after "
                                                 "the last member");
    }
    if (json_text_peek(&scan->text) != '"') {
        return json_text_expected(&scan->text, after_comma ? "a key in double quotes"
                                                           : "a key in double quotes or '}'");
    }
    g_autoptr(GString) key = g_string_new(NULL);
    if (!json_text_scan_string(&scan->text, key)) {
        return false;
    }
    const JsonPlace *twin = find_sibling(scan, object, key->str);
    guint twin_line = twin ? twin->key_line : 0;
    guint twin_column = twin ? twin->key_column : 0;
    place.key = g_strdup(key->str);
    if (!open_place(scan, &place)) {
        g_free(place.key);
        return false;
    }
    if (twin_line > 0) {
        return json_text_fault(&scan->text, place.key_line, place.key_column,
                               "found this key a second time (first at %u:%u), expected it once",
                               twin_line, twin_column);
    }
    json_text_skip_space(&scan->text);
    if (json_text_peek(&scan->text) != ':') {
        return json_text_expected(&scan->text, "':' after the key");
    }
    scan->text.at++;
    json_text_skip_space(&scan->text);
    return scan_value(scan);
}

static bool scan_element(JsonScan *scan, guint array, guint position)
{
    JsonPlace place = { .parent = array, .position = position };

    if (json_text_peek(&scan->text) == ']' && position > 0) {
        return json_text_fault_here(&scan->text, "found a comma before ']', expected none after "
                                                 "the last element");
    }
    return open_place(scan, &place) && scan_value(scan);
}

/* An array or object, whose opening bracket the current place is on. */
static bool scan_container(JsonScan *scan, char close)
{
    guint number = scan->current;

    if (++scan->depth > JSON_DEPTH_MAX) {
        return json_text_fault_here(&scan->text, "found level %d of arrays and objects, expected "
                                                 "at most %d", JSON_DEPTH_MAX + 1, JSON_DEPTH_MAX);
    }
    scan->text.at++;
    json_text_skip_space(&scan->text);
    for (guint i = 0; i > 0 || json_text_peek(&scan->text) != close; i++) {
        if (close == '}' ? !scan_member(scan, number, i > 0) : !scan_element(scan, number, i)) {
            return false;
        }
        scan->current = number;
        json_text_skip_space(&scan->text);
        if (json_text_peek(&scan->text) == close) {
            break;
        }
        if (json_text_peek(&scan->text) != ',') {
            return json_text_expected(&scan->text, close == '}' ? "',' or '}'" : "',' or ']'");
        }
        scan->text.at++;
        json_text_skip_space(&scan->text);
    }
    scan->text.at++;
    scan->depth--;
    return true;
}

/* Scans the value of the current place, which is open already. */
static bool scan_value(JsonScan *scan)
{
    guint number = scan->current;
    JsonPlace *place = place_of(scan, number);
    bool integral = false;
    JsonKind kind;
    bool good;

    place->line = scan->text.line;
    place->column = json_text_column(&scan->text);
    place->start = (guint)scan->text.at;
    switch (json_text_peek(&scan->text)) {
    case '{':
        kind = JSON_OBJECT;
        good = scan_container(scan, '}');
        break;
    case '[':
        kind = JSON_ARRAY;
        good = scan_container(scan, ']');
        break;
    case '"':
        kind = JSON_STRING;
        good = scan_string_value(scan);
        break;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        kind = JSON_NUMBER;
        good = json_text_scan_number(&scan->text, &integral);
        break;
    case 'n':
        kind = JSON_NULL;
        good = json_text_scan_word(&scan->text, "null");
        break;
    case 'f':
        kind = JSON_BOOLEAN;
        good = json_text_scan_word(&scan->text, "false");
        break;
    default: /* "true", or what is no value, which scan_word() refuses */
        kind = JSON_BOOLEAN;
        good = json_text_scan_word(&scan->text, "true");
        break;
    }
    if (!good) {
        return false;
    }
    place = place_of(scan, number); /* the array may have moved */
    place->kind = kind;
    place->integral = integral;
    place->end = (guint)scan->text.at;
    place->next = scan->places->len;
    scan->current = number;
    return true;
}

static bool scan_text(JsonScan *scan)
{
    const JsonPlace root = { .parent = 0 };

    if (!open_place(scan, &root)) {
        return false;
    }
    if (scan->text.size > JSON_SIZE_MAX) {
        return json_text_fault_here(&scan->text, "found %" G_GSIZE_FORMAT " bytes, expected at "
                                                 "most %d", scan->text.size, JSON_SIZE_MAX);
    }
    if (scan->text.size >= 3 && memcmp(scan->text.bytes, "\xef\xbb\xbf", 3) == 0) {
        return json_text_fault_here(&scan->text, "found a byte order mark, expected UTF-8 "
                                                 "without one");
    }
    json_text_skip_space(&scan->text);
    if (!scan_value(scan)) {
        return false;
    }
    json_text_skip_space(&scan->text);
    return json_text_peek(&scan->text) == JSON_TEXT_END ||
           json_text_expected(&scan->text, "nothing after the end of the value");
}

static void place_clear(gpointer data)
{
    JsonPlace *place = data;

    g_free(place->key);
}

JsonScan *json_scan(const char *text, gsize size, Faults *faults)
{
    g_autoptr(JsonScan) scan = g_new0(JsonScan, 1);

    scan->text = (JsonText){ .bytes = text, .size = size, .line = 1 };
    scan->places = g_array_new(FALSE, TRUE, sizeof(JsonPlace));
    g_array_set_clear_func(scan->places, place_clear);
    if (!scan_text(scan)) {
        g_autofree char *path = json_scan_path(scan, scan->current);

        faults_add(faults, TAPSTER_ERROR_CONFIG, scan->text.fault_line, scan->text.fault_column,
                   path, "%s", scan->text.fault);
        return NULL;
    }
    scan->text.bytes = NULL; /* lent for the scan only */
    return g_steal_pointer(&scan);
}

void json_scan_free(JsonScan *scan)
{
    if (scan) {
        g_array_unref(scan->places);
        g_free(scan->text.fault);
        g_free(scan);
    }
}

guint json_scan_count(const JsonScan *scan)
{
    return scan->places->len;
}

const JsonPlace *json_scan_place(const JsonScan *scan, guint number)
{
    return place_of(scan, number);
}

static bool key_is_plain(const char *key)
{
    gsize length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return length > 0 && length <= 32 && key[length] == '\0';
}

char *json_scan_path(const JsonScan *scan, guint number)
{
    g_autoptr(GString) path = g_string_new(NULL);

    for (; number != 0; number = place_of(scan, number)->parent) {
        const JsonPlace *place = place_of(scan, number);
        g_autofree char *step = NULL;

        if (!place->key) {
            step = g_strdup_printf("[%u]", place->position);
        } else if (key_is_plain(place->key)) {
            step = g_strdup_printf(".%s", place->key);
        } else {
            g_autofree char *quoted = quote_text(place->key);
            step = g_strdup_printf("[%s]", quoted);
        }
        g_string_prepend(path, step);
    }
    g_string_prepend_c(path, '$');
    return g_string_free(g_steal_pointer(&path), FALSE);
}
