/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_value.h"

#include <string.h>

/*
 * The scanner's language, its places, and that json-c reads what it passes in
 * the same way.
 */

typedef struct {
    const char *text;
    gsize size;
    const char *fault; /* without the file's name */
} Refused;

#define TEXT(literal) literal, sizeof(literal) - 1
#define VALUE "a value: a string, number, object, array, true, false or null"

static const Refused refused[] = {
    /* json-c 0.16: what its default and its strict mode let pass */
    { TEXT("{ /* x */ }"),
      "1:3: $: found a comment, which JSON does not have, expected a key in double quotes or '}'" },
    { TEXT("// x\n1"), "1:1: $: found a comment, which JSON does not have, expected " VALUE },
    { TEXT("{'a':1}"), "1:2: $: found a single quote, which JSON does not use, expected a key in "
                       "double quotes or '}'" },
    { TEXT("{\"a\": 'x'}"),
      "1:7: $.a: found a single quote, which JSON does not use, expected " VALUE },
    { TEXT("{\"a\": 1,}"),
      "1:9: $: found a comma before '}', expected none after the last member" },
    { TEXT("[1,\n ]"), "2:2: $: found a comma before ']', expected none after the last element" },
    { TEXT("{} {}"),
      "1:4: $: found the character '{', expected nothing after the end of the value" },
    { TEXT("{}x"), "1:3: $: found the character 'x', expected nothing after the end of the value" },
    { TEXT("[NaN]"), "1:2: $[0]: found the word 'NaN', expected " VALUE },
    { TEXT("[Infinity]"), "1:2: $[0]: found the word 'Infinity', expected " VALUE },
    { TEXT("[-Infinity]"),
      "1:3: $[0]: found the word 'Infinity', expected a digit after '-'" },
    { TEXT("[\"a\nb\"]"), "1:4: $[0]: found the end of the line inside a string, expected a "
                          "double quote, or \\n for a new line" },
    { TEXT("[\"a\tb\"]"), "1:4: $[0]: found the control character \\x09 inside a string, "
                          "expected it as \\u0009" },
    { TEXT("[\"a\0b\"]"), "1:4: $[0]: found a NUL byte inside a string, expected text "
                          "without NUL" },
    { TEXT("[\"a\\u0000b\"]"), "1:4: $[0]: found \\u0000, expected text without NUL" },
    { TEXT("{\"a\\u0000\":1}"), "1:4: $: found \\u0000, expected text without NUL" },
    { TEXT("{\"a\": 1,\n \"a\": 2}"),
      "2:2: $.a: found this key a second time (first at 1:2), expected it once" },
    { TEXT("{\"a\": 1, \"\\u0061\": 2}"),
      "1:10: $.a: found this key a second time (first at 1:2), expected it once" },
    { TEXT("{\"b\":{\"a\":[{},1],\"c\":2,\"a\":3}}"),
      "1:24: $.b.a: found this key a second time (first at 1:7), expected it once" },
    { TEXT("{}\0"), "1:3: $: found the byte \\x00, expected nothing after the end of the value" },
    { TEXT("\0"), "1:1: $: found the byte \\x00, expected " VALUE },

    /* text that stops too early, which json-c does not call an error */
    { TEXT(""), "1:1: $: found the end of the file, expected " VALUE },
    { TEXT(" \n "), "2:2: $: found the end of the file, expected " VALUE },
    { TEXT("{"), "1:2: $: found the end of the file, expected a key in double quotes or '}'" },
    { TEXT("{\"a\""), "1:5: $.a: found the end of the file, expected ':' after the key" },
    { TEXT("{\"a\":"), "1:6: $.a: found the end of the file, expected " VALUE },
    { TEXT("{\"a\":1"), "1:7: $: found the end of the file, expected ',' or '}'" },
    { TEXT("{\"a\":1,"), "1:8: $: found the end of the file, expected a key in double quotes" },
    { TEXT("[\"abc"),
      "1:6: $[0]: found the end of the file, expected a double quote that ends the string" },
    { TEXT("[1"), "1:3: $: found the end of the file, expected ',' or ']'" },
    { TEXT("tru"), "1:1: $: found the word 'tru', expected " VALUE },

    /* numbers: RFC 8259 section 6 */
    { TEXT("[01]"),
      "1:2: $[0]: found a number with a leading zero, expected it without" },
    { TEXT("[-007]"),
      "1:2: $[0]: found a number with a leading zero, expected it without" },
    { TEXT("[+1]"), "1:2: $[0]: found the character '+', expected " VALUE },
    { TEXT("[.5]"), "1:2: $[0]: found the character '.', expected " VALUE },
    { TEXT("[1.]"),
      "1:4: $[0]: found the character ']', expected a digit after the decimal point" },
    { TEXT("[1e]"), "1:4: $[0]: found the character ']', expected a digit in the exponent" },
    { TEXT("[1e+]"), "1:5: $[0]: found the character ']', expected a digit in the exponent" },
    { TEXT("[0x10]"), "1:3: $: found the word 'x10', expected ',' or ']'" },
    { TEXT("[-]"), "1:3: $[0]: found the character ']', expected a digit after '-'" },
    { TEXT("[12x]"), "1:4: $: found the character 'x', expected ',' or ']'" },
    { TEXT("[1 2]"), "1:4: $: found the character '2', expected ',' or ']'" },

    /* words */
    { TEXT("[True]"), "1:2: $[0]: found the word 'True', expected " VALUE },
    { TEXT("[nullx]"), "1:2: $[0]: found the word 'nullx', expected " VALUE },
    { TEXT("[undefined]"), "1:2: $[0]: found the word 'undefined', expected " VALUE },
    { TEXT("{a:1}"), "1:2: $: found the character 'a', expected a key in double quotes or '}'" },
    { TEXT("{\"a\" 1}"), "1:6: $.a: found the character '1', expected ':' after the key" },
    { TEXT("{\"a\":1 \"b\":2}"), "1:8: $: found the character '\"', expected ',' or '}'" },
    { TEXT("[1,,2]"), "1:4: $[1]: found the character ',', expected " VALUE },
    { TEXT("{,}"), "1:2: $: found the character ',', expected a key in double quotes or '}'" },
    { TEXT("[,]"), "1:2: $[0]: found the character ',', expected " VALUE },
    { TEXT("[}"), "1:2: $[0]: found the character '}', expected " VALUE },

    /* white space: RFC 8259 section 2 */
    { TEXT("[\v1]"), "1:2: $[0]: found the byte \\x0b, expected " VALUE },
    { TEXT("[\f1]"), "1:2: $[0]: found the byte \\x0c, expected " VALUE },
    { TEXT("[\xc2\xa0" "1]"), "1:2: $[0]: found the byte \\xc2, expected " VALUE },

    /* escapes */
    { TEXT("[\"\\x41\"]"),
      "1:4: $[0]: found the word 'x41', expected one of \" \\ / b f n r t u after a backslash" },
    { TEXT("[\"\\u12g4\"]"),
      "1:7: $[0]: found the word 'g4', expected four hexadecimal digits after \\u" },
    { TEXT("[\"\\u12\"]"),
      "1:7: $[0]: found the character '\"', expected four hexadecimal digits after \\u" },
    { TEXT("[\"\\"), "1:4: $[0]: found the end of the file, expected one of \" \\ / b f n r t u "
                     "after a backslash" },
    { TEXT("[\"\\ud800\"]"), "1:3: $[0]: found the first half \\ud800 of a surrogate pair, "
                             "expected the second after it" },
    { TEXT("[\"\\ud800\\n\"]"), "1:3: $[0]: found the first half \\ud800 of a surrogate pair, "
                                "expected the second after it" },
    { TEXT("[\"\\ud800\\ud800\"]"), "1:3: $[0]: found the first half \\ud800 of a surrogate "
                                    "pair, expected the second after it" },
    { TEXT("[\"x\\udc00\"]"), "1:4: $[0]: found the second half \\udc00 of a surrogate pair, "
                              "expected the first before it" },

    /* UTF-8: RFC 3629 section 4 */
    { TEXT("\xef\xbb\xbf{}"), "1:1: $: found a byte order mark, expected UTF-8 without one" },
    { TEXT("[\"\xff\"]"), "1:3: $[0]: found the byte \\xff inside a string, expected UTF-8" },
    { TEXT("[\"\x80\"]"), "1:3: $[0]: found the byte \\x80 inside a string, expected UTF-8" },
    { TEXT("[\"\xc0\xaf\"]"), "1:3: $[0]: found the byte \\xc0 inside a string, expected UTF-8" },
    { TEXT("[\"\xc1\xbf\"]"), "1:3: $[0]: found the byte \\xc1 inside a string, expected UTF-8" },
    { TEXT("[\"\xe0\x9f\xbf\"]"),
      "1:3: $[0]: found the byte \\xe0 inside a string, expected UTF-8" },
    { TEXT("[\"\xed\xa0\x80\"]"),
      "1:3: $[0]: found the byte \\xed inside a string, expected UTF-8" },
    { TEXT("[\"\xf0\x8f\xbf\xbf\"]"),
      "1:3: $[0]: found the byte \\xf0 inside a string, expected UTF-8" },
    { TEXT("[\"\xf4\x90\x80\x80\"]"),
      "1:3: $[0]: found the byte \\xf4 inside a string, expected UTF-8" },
    { TEXT("[\"\xf5\x80\x80\x80\"]"),
      "1:3: $[0]: found the byte \\xf5 inside a string, expected UTF-8" },
    { TEXT("[\"\xc3\"]"), "1:3: $[0]: found the byte \\xc3 inside a string, expected UTF-8" },
    { TEXT("[\"\xe2\x82\"]"), "1:3: $[0]: found the byte \\xe2 inside a string, expected UTF-8" },
    { TEXT("[\"\xe2\x82"), "1:3: $[0]: found the byte \\xe2 inside a string, expected UTF-8" },
    { TEXT("{\"\xc3(\":1}"), "1:3: $: found the byte \\xc3 inside a string, expected UTF-8" },

    /* places: columns in bytes, CR LF is one line end */
    { TEXT("{\r\n  \"a\": [\r\n    1,\r\n    { \"b\": x }\r\n  ]\r\n}"),
      "4:12: $.a[1].b: found the character 'x', expected " VALUE },
    { TEXT("[\"\xc3\xa9\xc3\xa9\", x]"), "1:10: $[1]: found the character 'x', expected " VALUE },
    { TEXT("{\"a b\": {\"\\n'\": x}}"),
      "1:17: $['a b']['\\x0a\\x27']: found the character 'x', expected " VALUE },
};

/* Each is read by the scanner and by json-c, in the same way. */
static const char *const accepted[] = {
    "null", "true", "false", "0", "-0", "1", "-1", "\"\"", "[]", "{}", " \t\r\n[ ]\n ",
    "1.5", "-0.0", "0.0001", "1e5", "1E+5", "1e-3", "-1.5e-3", "0e0", "1e999", "-1e-999",
    "123456789012345678901234567890", "-123456789012345678901234567890",
    "9223372036854775807", "18446744073709551616", "[1,2,3]", "[[],[[]],{}]", "[ 1 , 2 ]",
    "{\"a\":1,\"b\":[true,null],\"c\":{\"d\":\"e\"}}", "{ \"a\" : { } }", "{\"\":1}",
    "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1,\"A\":2}", "[{\"a\":1},{\"a\":1}]",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\"", "\"\\u00E9\"", "\"\\ud83d\\ude00\"",
    "\"\\uffff\"", "\"\\ufeff\"", "\"\xef\xbb\xbf\"", "\"\x7f\"", "\"\xc3\xa9\"",
    "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"", "\"\xf0\x90\x80\x80\"",
    "\"\xf4\x8f\xbf\xbf\"", "{\"\\u0061\":1}", "{\"\xc3\xa9\":\"\xc3\xa9\"}",
    "\"/* no comment */\"", "[\"'\"]", "[null,null]", "{\"a\":null,\"b\":null}",
};

static char *fault_of(const char *text, gsize size)
{
    g_autoptr(Faults) faults = faults_new("f");
    /* A copy of the exact size: reading past its end is seen by valgrind. */
    g_autofree char *copy = g_malloc(size + (size == 0));
    memcpy(copy, text, size);
    g_autoptr(JsonDocument) document = json_document_parse(copy, size, faults);

    g_assert_true((document != NULL) == (faults_count(faults) == 0));
    if (document) {
        return NULL;
    }
    g_assert_cmpuint(faults_count(faults), ==, 1);
    g_autofree char *line = faults_line(faults, 0);
    g_assert_true(g_str_has_prefix(line, "f:"));
    return g_strdup(line + 2);
}

static void test_refused(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *fault = fault_of(refused[i].text, refused[i].size);

        g_assert_cmpstr(fault, ==, refused[i].fault);
    }
}

static void test_accepted(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(accepted); i++) {
        g_autofree char *fault = fault_of(accepted[i], strlen(accepted[i]));

        g_assert_cmpstr(fault, ==, NULL);
    }
}

/* Every beginning of a text is refused, and so is every text with one byte
 * changed to something that cannot stand there. */
static void test_cut(void)
{
    static const char text[] = "{\"a\": [1, -2.5e3, \"\\u00e9\\ud83d\\ude00\xc3\xa9\"], \"b\": {}}";

    for (gsize size = 0; size < sizeof(text) - 1; size++) {
        g_autofree char *fault = fault_of(text, size);

        g_assert_nonnull(fault);
    }
    for (gsize at = 0; at < sizeof(text) - 1; at++) {
        char broken[sizeof(text)];

        memcpy(broken, text, sizeof(text));
        broken[at] = '\x01';
        g_autofree char *fault = fault_of(broken, sizeof(broken) - 1);
        g_assert_nonnull(fault);
    }
}

/* Random changes: whatever the scanner passes, json-c reads in the same way,
 * or there would be a fault that speaks of a bug. */
static void test_agreement(void)
{
    static const char bytes[] = "{}[],:\"\\'0123456789.eE+-truefalsn/* \n\tu\xc3\xa9\xed\xff\x01";
    guint passed = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(accepted); i++) {
        for (int n = 0; n < 400; n++) {
            g_autofree char *text = g_strdup_printf("[%s]", accepted[i]);
            gsize size = strlen(text);

            for (int change = g_test_rand_int_range(1, 4); change > 0; change--) {
                text[g_test_rand_int_range(0, (gint32)size)] =
                    bytes[g_test_rand_int_range(0, (gint32)sizeof(bytes))];
            }
            g_autofree char *fault = fault_of(text, size);
            g_assert_true(!fault || !strstr(fault, "bug"));
            passed += !fault;
        }
    }
    g_assert_cmpuint(passed, >, 100);
}

static char *repeat(const char *before, const char *middle, guint n, const char *after)
{
    GString *text = g_string_new(before);

    for (guint i = 0; i < n; i++) {
        g_string_append(text, middle);
    }
    g_string_append(text, after);
    return g_string_free(text, FALSE);
}

static void assert_fault(const char *text, const char *expected)
{
    g_autofree char *fault = fault_of(text, strlen(text));

    g_assert_cmpstr(fault, ==, expected);
}

static void test_bounds(void)
{
    g_autofree char *deepest = repeat("", "[", JSON_DEPTH_MAX, "");
    g_autofree char *deep_end = repeat("", "]", JSON_DEPTH_MAX, "");
    g_autofree char *deep = g_strconcat(deepest, "1", deep_end, NULL);
    g_autofree char *too_deep = g_strconcat(deepest, "[", NULL);
    g_autofree char *many = repeat("[0", ",0", JSON_VALUES_MAX - 2, "]");
    g_autofree char *too_many = repeat("[0", ",0", JSON_VALUES_MAX - 1, "]");
    g_autofree char *big = repeat("[", " ", JSON_SIZE_MAX - 2, "]");
    g_autofree char *too_big = repeat("[", " ", JSON_SIZE_MAX - 1, "]");

    assert_fault(deep, NULL);
    assert_fault(too_deep, "1:17: $[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: "
                           "found level 17 of arrays and objects, expected at most 16");
    assert_fault(many, NULL);
    assert_fault(too_many, "1:12288: $: found value number 6145, expected at most 6144");
    assert_fault(big, NULL);
    assert_fault(too_big, "1:1: $: found 65537 bytes, expected at most 65536");
}

/* Long keys are quoted in part only, and cost no more than their bytes. */
static void test_long_keys(void)
{
    g_autofree char *key = g_strnfill(3000, 'k');
    g_autofree char *nested = repeat("", "", 0, "");

    for (guint i = 0; i < JSON_DEPTH_MAX; i++) {
        g_autofree char *inner = g_steal_pointer(&nested);
        nested = g_strdup_printf("{\"%s\":%s", key, inner);
    }
    g_autofree char *fault = fault_of(nested, strlen(nested));
    g_assert_nonnull(fault);
    g_assert_cmpuint(strlen(fault), <, 2000);
}

static void test_places(void)
{
    static const char text[] = "{\n  \"allow\": [ { \"group\" : \"kvm\" } ],\n\t\"n\":1.0}";
    static const struct {
        const char *path;
        JsonKind kind;
        guint line, column, key_line, key_column, next;
        bool integral;
    } expected[] = {
        { "$", JSON_OBJECT, 1, 1, 0, 0, 5, false },
        { "$.allow", JSON_ARRAY, 2, 12, 2, 3, 4, false },
        { "$.allow[0]", JSON_OBJECT, 2, 14, 0, 0, 4, false },
        { "$.allow[0].group", JSON_STRING, 2, 26, 2, 16, 4, false },
        { "$.n", JSON_NUMBER, 3, 6, 3, 2, 5, false },
    };
    g_autoptr(Faults) faults = faults_new("f");
    g_autoptr(JsonScan) scan = json_scan(TEXT(text), faults);

    g_assert_nonnull(scan);
    g_assert_cmpuint(json_scan_count(scan), ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const JsonPlace *place = json_scan_place(scan, i);
        g_autofree char *path = json_scan_path(scan, i);

        g_assert_cmpstr(path, ==, expected[i].path);
        g_assert_cmpint(place->kind, ==, expected[i].kind);
        g_assert_cmpuint(place->line, ==, expected[i].line);
        g_assert_cmpuint(place->column, ==, expected[i].column);
        g_assert_cmpuint(place->key_line, ==, expected[i].key_line);
        g_assert_cmpuint(place->key_column, ==, expected[i].key_column);
        g_assert_cmpuint(place->next, ==, expected[i].next);
        g_assert_true(place->integral == expected[i].integral);
    }
}

/* The getters do not convert, as json-c's would. */
static void test_getters(void)
{
    static const char text[] = "{\"s\":\"12x\",\"i\":12,\"f\":1.0,\"e\":1e3,\"b\":true,\"z\":null,"
                               "\"a\":[1],\"o\":{},\"big\":99999999999999999999,\"neg\":-5}";
    g_autoptr(Faults) faults = faults_new("f");
    g_autoptr(JsonDocument) document = json_document_parse(TEXT(text), faults);
    g_assert_nonnull(document);
    const JsonValue *root = json_document_root(document);

    for (const JsonValue *value = json_value_first(root); value; value = json_value_next(value)) {
        const char *key = json_value_place(value)->key;
        const char *string = "untouched";
        bool truth = false;
        gint64 number = 7;

        bool is_string = json_value_get_string(value, &string);
        g_assert_true(is_string == (strcmp(key, "s") == 0));
        g_assert_cmpstr(string, ==, is_string ? "12x" : "untouched");
        g_assert_true(json_value_get_boolean(value, &truth) == (strcmp(key, "b") == 0));
        g_assert_true(json_value_get_integer(value, 0, 4096, &number) == (strcmp(key, "i") == 0));
        g_assert_cmpint(number, ==, strcmp(key, "i") == 0 ? 12 : 7);
    }
    gint64 negative;
    g_assert_true(json_value_get_integer(json_value_member(root, "neg"), -5, -5, &negative));
    g_assert_cmpint(negative, ==, -5);
    g_assert_null(json_value_member(root, "S"));
    g_assert_null(json_value_member(NULL, "s"));
    g_assert_null(json_value_member(json_value_member(root, "a"), "s"));
    g_assert_null(json_value_first(json_value_member(root, "o")));
}

/* Faults come in order of place; the file's name cannot break the line. */
static void test_faults(void)
{
    g_autoptr(Faults) faults = faults_new("a\nb");
    g_autoptr(GError) error = NULL;

    g_assert_true(faults_to_error(faults, &error));
    g_assert_no_error(error);
    faults_add(faults, TAPSTER_ERROR_CONFIG, 2, 1, "$.b", "third");
    faults_add(faults, TAPSTER_ERROR_CONFIG, 1, 9, "$.a", "second");
    faults_add(faults, TAPSTER_ERROR_UNSUPPORTED, 1, 2, "$", "first");
    faults_add(faults, TAPSTER_ERROR_CONFIG, 2, 1, "$.b", "fourth");
    g_assert_cmpuint(faults_count(faults), ==, 4);
    g_autofree char *last = faults_line(faults, 3);
    g_assert_cmpstr(last, ==, "'a\\x0ab':2:1: $.b: fourth");
    g_assert_false(faults_to_error(faults, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
    g_assert_cmpstr(error->message, ==, "'a\\x0ab':1:2: $: first (and 3 more)");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scan/refused", test_refused);
    g_test_add_func("/scan/accepted", test_accepted);
    g_test_add_func("/scan/cut", test_cut);
    g_test_add_func("/scan/agreement", test_agreement);
    g_test_add_func("/scan/bounds", test_bounds);
    g_test_add_func("/scan/long-keys", test_long_keys);
    g_test_add_func("/scan/places", test_places);
    g_test_add_func("/scan/getters", test_getters);
    g_test_add_func("/scan/faults", test_faults);
    return g_test_run();
}
