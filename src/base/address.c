/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include "base/number.h"
#include "base/quote.h"

#include <stdio.h>
#include <string.h>

/*
 * Addresses from text and to text. inet_aton() takes "1.2", octal and
 * hexadecimal; what we accept is what we would print.
 */

/* Reads 1 to 3 decimal digits without a leading zero, at most @max; moves
 * *text on. */
static bool parse_part(const char **text, guint max, guint *ret_value)
{
    const char *at = *text;
    guint value = 0;

    while (*at >= '0' && *at <= '9' && at - *text < 3) {
        value = value * 10 + (guint)(*at - '0');
        at++;
    }
    if (at == *text || (**text == '0' && at - *text > 1) || value > max) {
        return false;
    }
    *text = at;
    *ret_value = value;
    return true;
}

/* Reads an address; moves *text behind it. */
static bool parse_dotted(const char **text, guint32 *ret_address)
{
    guint32 address = 0;

    for (int i = 0; i < 4; i++) {
        guint part;

        if (i > 0 && *(*text)++ != '.') {
            return false;
        }
        if (!parse_part(text, 255, &part)) {
            return false;
        }
        address = address << 8 | part;
    }
    *ret_address = address;
    return true;
}

bool address_parse_ipv4(const char *text, guint32 *ret_address, GError **error)
{
    const char *at = text;
    guint32 address;

    if (!parse_dotted(&at, &address) || *at != '\0') {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not an IPv4 address such as 192.168.77.20",
                         quoted);
    }
    *ret_address = address;
    return true;
}

bool address_parse_prefix4(const char *text, Prefix4 *ret_prefix, GError **error)
{
    const char *at = text;
    guint32 address;
    guint length;

    if (!parse_dotted(&at, &address) || *at++ != '/' ||
        !parse_part(&at, 32, &length) || *at != '\0') {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not an IPv4 prefix such as 192.168.77.0/24",
                         quoted);
    }
    if (address & ~prefix4_mask((guint8)length)) {
        Prefix4 meant = {address & prefix4_mask((guint8)length), (guint8)length};

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "'%s' is an address within a subnet; the subnet "
                         "itself is %s",
                         text, address_format_prefix4(meant).text);
    }
    *ret_prefix = (Prefix4){address, (guint8)length};
    return true;
}

bool address_parse_mac(const char *text, Mac *ret_mac, GError **error)
{
    Mac mac;
    guint any = 0;
    bool sound = strlen(text) == 17;

    for (int i = 0; sound && i < 6; i++) {
        int high = g_ascii_xdigit_value(text[3 * i]);
        int low = g_ascii_xdigit_value(text[3 * i + 1]);

        sound = high >= 0 && low >= 0 && text[3 * i + 2] == (i < 5 ? ':' : 0);
        mac.bytes[i] = (guint8)(high * 16 + low);
        any |= mac.bytes[i];
    }
    if (!sound || any == 0 || (mac.bytes[0] & 1)) {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not a network card's address such as "
                         "52:54:00:12:34:56",
                         quoted);
    }
    *ret_mac = mac;
    return true;
}

AddressText address_format_ipv4(guint32 address)
{
    AddressText result;

    (void)snprintf(result.text, sizeof(result.text), "%u.%u.%u.%u", address >> 24,
                   address >> 16 & 255, address >> 8 & 255, address & 255);
    return result;
}

AddressText address_format_prefix4(Prefix4 prefix)
{
    AddressText result = address_format_ipv4(prefix.address);
    gsize used = strlen(result.text);

    (void)snprintf(result.text + used, sizeof(result.text) - used, "/%u",
                   (guint)(prefix.length & 63));
    return result;
}

AddressText address_format_mac(const Mac *mac)
{
    AddressText result;

    (void)snprintf(result.text, sizeof(result.text),
                   "%02x:%02x:%02x:%02x:%02x:%02x", mac->bytes[0], mac->bytes[1],
                   mac->bytes[2], mac->bytes[3], mac->bytes[4], mac->bytes[5]);
    return result;
}

guint32 prefix4_mask(guint8 length)
{
    return length == 0 ? 0 : G_MAXUINT32 << (32 - length);
}

bool prefix4_contains(Prefix4 prefix, guint32 address)
{
    return (address & prefix4_mask(prefix.length)) == prefix.address;
}

bool prefix4_overlaps(Prefix4 a, Prefix4 b)
{
    guint32 mask = prefix4_mask(MIN(a.length, b.length));

    return (a.address & mask) == (b.address & mask);
}
