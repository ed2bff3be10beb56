/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/number.h"
#include "config/network_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * IPv6 of a masqueraded network. A routed port has a /64 of its own, slot N the
 * one with number N + 1; a shared segment has number 0.
 *
 * Invariant: a prefix that is passed is one that guests can have addresses in,
 * and every slot of the pool has its /64.
 */

#define LENGTH_MIN 16 /* wider ones are not one site's */
#define LENGTH_MAX 64 /* a link's: RFC 4291 section 2.5.1 */
#define IPV6_MTU_MIN 1280 /* RFC 8200 section 5 */

/* fc00::/7, which no provider routes: RFC 4193 section 3.1 */
static const Prefix6 unique_local = { { { 0xfc } }, 7 };

/* 2000::/3, all that is handed out of the rest: RFC 4291 section 2.4, IANA's
 * list of IPv6 address space */
static const Prefix6 global = { { { 0x20 } }, 3 };

/* "fd12:3456::1/48" is the most frequent slip: an address with a length. */
static char *suggest_prefix(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    Prefix6 meant;
    guint64 length;

    if (g_strv_length(parts) != 2 || !address_parse_ipv6(parts[0], &meant.address, NULL) ||
        !number_parse(parts[1], LENGTH_MIN, LENGTH_MAX, &length, NULL)) {
        return NULL;
    }
    meant.length = (guint8)length;
    for (guint bit = meant.length; bit < 8 * sizeof(meant.address.bytes); bit++) {
        meant.address.bytes[bit / 8] &= (guint8) ~(0x80 >> bit % 8);
    }
    return g_strdup_printf("did you mean \"%s\"?", address_format_prefix6(&meant).text);
}

/* True if each of @slots and the segment itself have a /64 in a prefix of
 * @length. */
static bool has_room(guint8 length, guint32 slots)
{
    return slots < 1ull << MIN(LENGTH_MAX - length, 32);
}

static bool parse_prefix(const char *text, Network *network, char **ret_reason)
{
    Prefix6 prefix;

    if (!address_parse_prefix6(text, &prefix, NULL)) {
        *ret_reason = suggest_prefix(text);
        return false;
    }
    if (prefix.length < LENGTH_MIN || prefix.length > LENGTH_MAX) {
        return false;
    }
    if (!prefix6_contains(&unique_local, &prefix.address) &&
        !prefix6_contains(&global, &prefix.address)) {
        *ret_reason = g_strdup("guests can use addresses in fc00::/7 and 2000::/3");
        return false;
    }
    if (network->segment == SEGMENT_ROUTED && !has_room(prefix.length, network->pool_size)) {
        guint8 length = prefix.length;

        while (!has_room(length, network->pool_size)) {
            length--;
        }
        *ret_reason = g_strdup_printf("each port has a /64 of it, and a pool of %u with this host "
                                      "takes a /%u", network->pool_size, length);
        return false;
    }
    network->subnet6 = prefix;
    return true;
}

static void read_subnet6(const JsonValue *value, Network *network, Faults *faults)
{
    bool narrow = network->mtu != 0 && network->mtu < IPV6_MTU_MIN;
    g_autofree char *reason = NULL;
    const char *text;

    network->subnet6_kind = narrow ? NETWORK_SUBNET6_NONE : NETWORK_SUBNET6_AUTO;
    if (!value || !json_value_get_string(value, &text)) {
        return;
    }
    if (strcmp(text, "none") == 0) {
        network->subnet6_kind = NETWORK_SUBNET6_NONE;
    } else if (strcmp(text, "auto") != 0 && !parse_prefix(text, network, &reason)) {
        shape_refuse(value, KEY_FILE_NETWORK, reason, faults);
    } else if (narrow) {
        shape_refuse_instead(value, "\"none\", as IPv6 takes an \"mtu\" of at least 1280",
                             faults);
    } else {
        network->subnet6_kind = strcmp(text, "auto") == 0 ? NETWORK_SUBNET6_AUTO
                                                          : NETWORK_SUBNET6_PREFIX;
    }
}

void network_read_ipv6(const JsonValue *root, Network *network, Faults *faults)
{
    read_subnet6(json_value_member(root, "subnet6"), network, faults);
    network->masquerade6 = network->subnet6_kind != NETWORK_SUBNET6_PREFIX ||
                           prefix6_contains(&unique_local, &network->subnet6.address);
    network_read_boolean(root, "masquerade6", &network->masquerade6);
}
