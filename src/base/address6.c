/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include "base/number.h"
#include "base/quote.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/*
 * IPv6 addresses from text and to text. As with IPv4, what we accept is what we
 * would print: inet_ntop() writes some addresses with an IPv4 address at their
 * end, which is why the text is made here.
 */

#define GROUPS 8 /* of 16 bits: RFC 4291 section 2.2 */

static bool parse_address(const char *text, Address6 *ret_address)
{
    /* A zone ("%eth0") inet_pton() refuses by itself. */
    return !strchr(text, '.') && inet_pton(AF_INET6, text, ret_address->bytes) == 1;
}

bool address_parse_ipv6(const char *text, Address6 *ret_address, GError **error)
{
    Address6 address;

    if (!parse_address(text, &address)) {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not an IPv6 address such as fd12:3456:789a::1", quoted);
    }
    *ret_address = address;
    return true;
}

/* The bits of byte @i that belong to the first @length ones of an address. */
static guint8 mask_of_byte(guint8 length, guint i)
{
    guint before = 8 * i;

    return length <= before ? 0 : length >= before + 8 ? 0xff
                                                       : (guint8)(0xff00 >> (length - before));
}

/* Returns: true if @address had no bits behind its first @length ones */
static bool clear_host_bits(Address6 *address, guint8 length)
{
    guint8 cleared = 0;

    for (guint i = 0; i < sizeof(address->bytes); i++) {
        guint8 mask = mask_of_byte(length, i);

        cleared |= address->bytes[i] & (guint8)~mask;
        address->bytes[i] &= mask;
    }
    return cleared == 0;
}

bool address_parse_prefix6(const char *text, Prefix6 *ret_prefix, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    Prefix6 prefix;
    guint64 length;

    if (g_strv_length(parts) != 2 || !parse_address(parts[0], &prefix.address) ||
        !number_parse(parts[1], 0, 128, &length, NULL)) {
        g_autofree char *quoted = quote_text(text);

        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "%s is not an IPv6 prefix such as fd12:3456:789a::/48", quoted);
    }
    prefix.length = (guint8)length;
    if (!clear_host_bits(&prefix.address, prefix.length)) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "'%s' is an address within a subnet; the subnet itself is %s", text,
                         address_format_prefix6(&prefix).text);
    }
    *ret_prefix = prefix;
    return true;
}

static guint group_of(const Address6 *address, guint i)
{
    return (guint)address->bytes[2 * i] << 8 | address->bytes[2 * i + 1];
}

/* The longest run of zero groups, the first of several; none of one group.
 * RFC 5952 section 4.2. */
static guint find_zeros(const Address6 *address, guint *ret_length)
{
    guint best = 0, best_length = 1, length = 0;

    for (guint i = 0; i < GROUPS; i++) {
        length = group_of(address, i) == 0 ? length + 1 : 0;
        if (length > best_length) {
            best = i + 1 - length;
            best_length = length;
        }
    }
    *ret_length = best_length > 1 ? best_length : 0;
    return best;
}

Address6Text address_format_ipv6(const Address6 *address)
{
    Address6Text result = { "" };
    gsize used = 0;
    guint zeros_length;
    guint zeros = find_zeros(address, &zeros_length);

    for (guint i = 0; i < GROUPS; i++) {
        bool first = i == 0 || (zeros_length > 0 && i == zeros + zeros_length);

        if (zeros_length > 0 && i == zeros) {
            used += (gsize)snprintf(result.text + used, sizeof(result.text) - used, "::");
            i += zeros_length - 1;
        } else {
            used += (gsize)snprintf(result.text + used, sizeof(result.text) - used, "%s%x",
                                    first ? "" : ":", group_of(address, i));
        }
    }
    return result;
}

Address6Text address_format_prefix6(const Prefix6 *prefix)
{
    Address6Text result = address_format_ipv6(&prefix->address);
    gsize used = strlen(result.text);

    (void)snprintf(result.text + used, sizeof(result.text) - used, "/%u", (guint)prefix->length);
    return result;
}

/* Whether the first @length bits are the same. */
static bool is_same(const Address6 *a, const Address6 *b, guint8 length)
{
    for (guint i = 0; i < sizeof(a->bytes); i++) {
        if ((a->bytes[i] ^ b->bytes[i]) & mask_of_byte(length, i)) {
            return false;
        }
    }
    return true;
}

bool prefix6_contains(const Prefix6 *prefix, const Address6 *address)
{
    return is_same(&prefix->address, address, prefix->length);
}

bool prefix6_overlaps(const Prefix6 *a, const Prefix6 *b)
{
    return is_same(&a->address, &b->address, MIN(a->length, b->length));
}
