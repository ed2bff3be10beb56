/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_text.h"

#include <stdarg.h>
#include <string.h>

/*
 * The words of JSON: strings, numbers, literals and white space, read strictly
 * from a text. It owns the place in the text and the words of the fault found
 * there; which word may stand where is the scanner's business.
 *
 * Invariant: `at` never passes `size`; json_text_peek() is the only reader of a
 * byte that may be past the end.
 */

int json_text_peek(const JsonText *text)
{
    return text->at < text->size ? (guchar)text->bytes[text->at] : JSON_TEXT_END;
}

guint json_text_column(const JsonText *text)
{
    return (guint)(text->at - text->line_start) + 1;
}

bool json_text_fault(JsonText *text, guint line, guint column, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_free(text->fault);
    text->fault = g_strdup_vprintf(format, args);
    va_end(args);
    text->fault_line = line;
    text->fault_column = column;
    return false;
}

/* What stands at the current place, in words. */
static char *describe_here(const JsonText *text)
{
    int byte = json_text_peek(text);
    char word[33] = "";
    gsize n = 0;

    if (byte == JSON_TEXT_END) {
        return g_strdup("the end of the file");
    }
    if (byte == '/' || byte == '#') {
        return g_strdup("a comment, which JSON does not have");
    }
    if (byte == '\'') {
        return g_strdup("a single quote, which JSON does not use");
    }
    while (n < sizeof(word) - 1 && text->at + n < text->size &&
           (g_ascii_isalnum(text->bytes[text->at + n]) || text->bytes[text->at + n] == '_')) {
        word[n] = text->bytes[text->at + n];
        n++;
    }
    if (n > 1) {
        return g_strdup_printf("the word '%s'", word);
    }
    if (g_ascii_isgraph(byte)) {
        return g_strdup_printf("the character '%c'", byte);
    }
    return g_strdup_printf("the byte \\x%02x", (guint)byte);
}

bool json_text_expected(JsonText *text, const char *expected)
{
    g_autofree char *found = describe_here(text);

    return json_text_fault_here(text, "found %s, expected %s", found, expected);
}

/* RFC 8259 section 2: these four and no others. */
void json_text_skip_space(JsonText *text)
{
    for (;; text->at++) {
        switch (json_text_peek(text)) {
        case '\n':
            text->line++;
            text->line_start = text->at + 1;
            break;
        case ' ':
        case '\t':
        case '\r':
            break;
        default:
            return;
        }
    }
}

/* Length in bytes of the UTF-8 character at the current place, 0 if it is
 * none: RFC 3629 section 4, which leaves out overlong forms, surrogates and
 * what lies above U+10FFFF. */
static gsize utf8_length(const JsonText *text)
{
    const guchar *at = (const guchar *)text->bytes + text->at;
    gsize left = text->size - text->at;
    guchar low = 0x80, high = 0xbf;
    gsize length;

    if (at[0] < 0x80) {
        return 1;
    } else if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        length = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        length = 3;
        low = at[0] == 0xe0 ? 0xa0 : 0x80;
        high = at[0] == 0xed ? 0x9f : 0xbf;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        length = 4;
        low = at[0] == 0xf0 ? 0x90 : 0x80;
        high = at[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (left < length || at[1] < low || at[1] > high) {
        return 0;
    }
    for (gsize i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

/* The four digits after "\u"; the current place is on the 'u'. */
static bool scan_hex4(JsonText *text, guint *ret_unit)
{
    guint unit = 0;

    text->at++;
    for (guint i = 0; i < 4; i++, text->at++) {
        int byte = json_text_peek(text);

        if (byte == JSON_TEXT_END || !g_ascii_isxdigit(byte)) {
            return json_text_expected(text, "four hexadecimal digits after \\u");
        }
        unit = unit << 4 | (guint)g_ascii_xdigit_value((gchar)byte);
    }
    *ret_unit = unit;
    return true;
}

static bool scan_unicode_escape(JsonText *text, GString *ret_text)
{
    guint start = json_text_column(text) - 1; /* of the backslash */
    guint unit = 0, low = 0;

    if (!scan_hex4(text, &unit)) {
        return false;
    }
    if (unit == 0) {
        return json_text_fault(text, text->line, start, "found \\u0000, expected text without NUL");
    }
    if (unit >= 0xdc00 && unit <= 0xdfff) {
        return json_text_fault(text, text->line, start,
                               "found the second half \\u%04x of a surrogate pair, expected the "
                               "first before it", unit);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        bool pair = text->size - text->at >= 6 && text->bytes[text->at] == '\\' &&
                    text->bytes[text->at + 1] == 'u';

        if (pair) {
            text->at++;
            if (!scan_hex4(text, &low)) {
                return false;
            }
        }
        if (low < 0xdc00 || low > 0xdfff) {
            return json_text_fault(text, text->line, start,
                                   "found the first half \\u%04x of a surrogate pair, expected "
                                   "the second after it", unit);
        }
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    g_string_append_unichar(ret_text, unit);
    return true;
}

/* The current place is on the backslash. */
static bool scan_escape(JsonText *text, GString *ret_text)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";

    text->at++;
    int byte = json_text_peek(text);
    if (byte == 'u') {
        return scan_unicode_escape(text, ret_text);
    }
    const char *known = byte > 0 ? strchr(from, byte) : NULL;
    if (!known) {
        return json_text_expected(text, "one of \" \\ / b f n r t u after a backslash");
    }
    g_string_append_c(ret_text, to[known - from]);
    text->at++;
    return true;
}

/* The current place is on the opening quote. */
bool json_text_scan_string(JsonText *text, GString *ret_text)
{
    for (text->at++;;) {
        int byte = json_text_peek(text);

        if (byte == '"') {
            text->at++;
            return true;
        }
        if (byte == JSON_TEXT_END) {
            return json_text_expected(text, "a double quote that ends the string");
        }
        if (byte == '\\') {
            if (!scan_escape(text, ret_text)) {
                return false;
            }
            continue;
        }
        if (byte == '\n') {
            return json_text_fault_here(text, "found the end of the line inside a string, expected "
                                              "a double quote, or \\n for a new line");
        }
        if (byte == 0) {
            return json_text_fault_here(text, "found a NUL byte inside a string, expected text "
                                              "without NUL");
        }
        if (byte < 0x20) {
            return json_text_fault_here(text, "found the control character \\x%02x inside a "
                                              "string, expected it as \\u%04x",
                                        (guint)byte, (guint)byte);
        }
        gsize length = utf8_length(text);
        if (length == 0) {
            return json_text_fault_here(text, "found the byte \\x%02x inside a string, expected "
                                              "UTF-8", (guint)byte);
        }
        g_string_append_len(ret_text, text->bytes + text->at, (gssize)length);
        text->at += length;
    }
}

/* One digit or more. */
static bool scan_digits(JsonText *text, const char *expected)
{
    gsize start = text->at;

    while (json_text_peek(text) >= '0' && json_text_peek(text) <= '9') {
        text->at++;
    }
    return text->at > start || json_text_expected(text, expected);
}

/* The current place is on '-' or a digit. */
bool json_text_scan_number(JsonText *text, bool *ret_integral)
{
    guint start = json_text_column(text);

    *ret_integral = true;
    if (json_text_peek(text) == '-') {
        text->at++;
    }
    bool zero = json_text_peek(text) == '0';
    gsize digits = text->at;
    if (!scan_digits(text, "a digit after '-'")) {
        return false;
    }
    if (zero && text->at - digits > 1) {
        return json_text_fault(text, text->line, start,
                               "found a number with a leading zero, expected it without");
    }
    if (json_text_peek(text) == '.') {
        *ret_integral = false;
        text->at++;
        if (!scan_digits(text, "a digit after the decimal point")) {
            return false;
        }
    }
    if (json_text_peek(text) == 'e' || json_text_peek(text) == 'E') {
        *ret_integral = false;
        text->at++;
        if (json_text_peek(text) == '+' || json_text_peek(text) == '-') {
            text->at++;
        }
        if (!scan_digits(text, "a digit in the exponent")) {
            return false;
        }
    }
    return true;
}

bool json_text_scan_word(JsonText *text, const char *word)
{
    gsize length = strlen(word);
    bool same = text->size - text->at >= length &&
                memcmp(text->bytes + text->at, word, length) == 0;
    int after = same && text->at + length < text->size ? text->bytes[text->at + length] : 0;

    if (!same || g_ascii_isalnum(after) || after == '_') {
        return json_text_expected(text, "a value: a string, number, object, array, true, false "
                                        "or null");
    }
    text->at += length;
    return true;
}
