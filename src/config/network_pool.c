/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/number.h"
#include "config/network_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * Subnet, pool and, for a LAN, its router, of a network file. Host numbers
 * count from the subnet's base address: 0 is the network itself, 1 the
 * gateway, the last one broadcast.
 *
 * Invariant: a pool that is passed lies within its subnet, holds neither of
 * those three nor, but for what is excluded, the LAN's router, and has an
 * address that is not excluded.
 */

#define SUBNET_LENGTH_DEFAULT 24
#define SUBNET_LENGTH_MIN     16
#define SUBNET_LENGTH_MAX     30
#define POOL_FIRST            2  /* after network and gateway */
#define POOL_OFFSET_DEFAULT   10 /* room for machines that are set up by hand */
#define POOL_SMALL_LENGTH     28 /* from here on there is no such room */

/* No guest can have an address in these, or none that works: "this network",
 * loopback, link-local, multicast and reserved. RFC 6890 section 2.2.2. */
static const Prefix4 unusable[] = {
    { 0x00000000, 8 }, { 0x7f000000, 8 }, { 0xa9fe0000, 16 }, { 0xe0000000, 3 },
};

/* "192.168.77.5/24" is the most frequent slip: an address with a length. */
static char *suggest_subnet(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    guint32 address;
    guint64 length;

    if (g_strv_length(parts) != 2 || !address_parse_ipv4(parts[0], &address, NULL) ||
        !number_parse(parts[1], SUBNET_LENGTH_MIN, SUBNET_LENGTH_MAX, &length, NULL)) {
        return NULL;
    }
    Prefix4 meant = { address & prefix4_mask((guint8)length), (guint8)length };
    return g_strdup_printf("did you mean \"%s\"?", address_format_prefix4(meant).text);
}

static bool parse_subnet(const char *text, Network *network, char **ret_reason)
{
    guint64 length = SUBNET_LENGTH_DEFAULT;
    Prefix4 prefix;

    if (g_str_has_prefix(text, "auto")) {
        if (text[4] != '\0' &&
            (text[4] != '/' || !number_parse(text + 5, SUBNET_LENGTH_MIN, SUBNET_LENGTH_MAX,
                                             &length, NULL))) {
            return false;
        }
        network->subnet_auto = true;
        network->subnet = (Prefix4){ 0, (guint8)length };
        return true;
    }
    if (!address_parse_prefix4(text, &prefix, NULL)) {
        *ret_reason = suggest_subnet(text);
        return false;
    }
    if (prefix.length < SUBNET_LENGTH_MIN || prefix.length > SUBNET_LENGTH_MAX) {
        return false;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(unusable); i++) {
        if (prefix4_overlaps(prefix, unusable[i])) {
            *ret_reason = g_strdup_printf("guests cannot use addresses in %s",
                                          address_format_prefix4(unusable[i]).text);
            return false;
        }
    }
    network->subnet = prefix;
    return true;
}

static void read_subnet(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "subnet");
    g_autofree char *reason = NULL;
    const char *text;

    if (!value) {
        network->has_subnet = network->subnet_auto = network->mode != MODE_BRIDGED;
        network->subnet = (Prefix4){ 0, network->has_subnet ? SUBNET_LENGTH_DEFAULT : 0 };
        return;
    }
    if (!json_value_get_string(value, &text)) {
        return;
    }
    if (!parse_subnet(text, network, &reason)) {
        shape_refuse(value, KEY_FILE_NETWORK, reason, faults);
    } else if (network->subnet_auto && network->mode == MODE_BRIDGED) {
        shape_refuse_instead(value, "the LAN's subnet as \"A.B.C.D/LENGTH\" (/16 to /30)",
                             faults);
    } else {
        network->has_subnet = true;
    }
}

static void refuse_number(const JsonValue *value, guint32 min, guint32 max, guint8 length,
                          Faults *faults)
{
    g_autofree char *expected = g_strdup_printf("%u to %u in a /%u", min, max, length);

    shape_refuse_instead(value, expected, faults);
}

/* Reads a number in min..max; *number stays if the key is absent. */
static bool read_number(const JsonValue *pool, const char *key, guint32 min, guint32 max,
                        const Network *network, guint32 *number, Faults *faults)
{
    const JsonValue *value = json_value_member(pool, key);
    gint64 found;

    if (!value) {
        return true;
    }
    if (json_value_get_integer(value, min, max, &found)) {
        *number = (guint32)found;
        return true;
    }
    if (json_value_kind(value) == JSON_NUMBER && json_value_place(value)->integral) {
        refuse_number(value, min, max, network->subnet.length, faults);
    }
    return false;
}

/* "20-29" */
static bool parse_range(const char *text, guint32 last, SlotRange *ret_range)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 3);
    guint64 first_number, last_number;

    if (g_strv_length(ends) != 2 || !number_parse(ends[0], 1, last, &first_number, NULL) ||
        !number_parse(ends[1], first_number, last, &last_number, NULL)) {
        return false;
    }
    *ret_range = (SlotRange){ (guint32)first_number, (guint32)last_number };
    return true;
}

static void read_exclusion(const JsonValue *value, Network *network, guint32 last, Faults *faults)
{
    SlotRange range;
    gint64 number;
    const char *text;

    if (json_value_kind(value) == JSON_STRING) {
        if (!json_value_get_string(value, &text) || !parse_range(text, last, &range)) {
            g_autofree char *reason = g_strdup_printf("host numbers are 1 to %u in a /%u", last,
                                                      network->subnet.length);
            shape_refuse(value, KEY_FILE_NETWORK, reason, faults);
            return;
        }
    } else if (json_value_get_integer(value, 1, last, &number)) {
        range = (SlotRange){ (guint32)number, (guint32)number };
    } else {
        if (json_value_kind(value) == JSON_NUMBER && json_value_place(value)->integral) {
            refuse_number(value, 1, last, network->subnet.length, faults);
        }
        return;
    }
    g_array_append_val(network->exclude, range);
}

static gint range_compare(gconstpointer a, gconstpointer b)
{
    const SlotRange *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

/* Leaves the ranges in ascending order. */
static bool pool_has_address(Network *network)
{
    guint32 next = network->pool_offset;
    guint32 end = network->pool_offset + network->pool_size;

    g_array_sort(network->exclude, range_compare);
    for (guint i = 0; i < network->exclude->len; i++) {
        const SlotRange *range = &g_array_index(network->exclude, SlotRange, i);

        if (range->first > next) {
            break;
        }
        next = MAX(next, range->last + 1);
    }
    return next < end;
}

/* @sound: offset and size are */
static void read_exclude(const JsonValue *pool, Network *network, guint32 last, bool sound,
                         Faults *faults)
{
    const JsonValue *exclude = json_value_member(pool, "exclude");
    guint n = 0;

    if (!exclude || json_value_kind(exclude) != JSON_ARRAY) {
        return;
    }
    for (const JsonValue *value = json_value_first(exclude); value;
         value = json_value_next(value), n++) {
        read_exclusion(value, network, last, faults);
    }
    if (n > NETWORK_EXCLUDE_MAX) {
        g_autofree char *reason = g_strdup_printf("it has %u", n);

        shape_refuse(exclude, KEY_FILE_NETWORK, reason, faults);
    } else if (sound && !pool_has_address(network)) {
        json_value_fault(exclude, faults, TAPSTER_ERROR_CONFIG,
                         "found exclusions of the whole pool, expected at least one of host "
                         "numbers %u to %u to be left", network->pool_offset,
                         network->pool_offset + network->pool_size - 1);
    }
}

bool network_excludes(const Network *network, guint32 host)
{
    for (guint i = 0; i < network->exclude->len; i++) {
        const SlotRange *range = &g_array_index(network->exclude, SlotRange, i);

        if (host >= range->first && host <= range->last) {
            return true;
        }
    }
    return false;
}

/* Returns: what is wrong with @address as the LAN's router, NULL if nothing.
 * (transfer full) */
static char *check_gateway(guint32 address, const Network *network)
{
    guint32 last = (1u << (32 - network->subnet.length)) - 2;
    guint32 host = address - network->subnet.address;
    guint32 pool_last = network->pool_offset + network->pool_size - 1;

    if (!prefix4_contains(network->subnet, address) || host < 1 || host > last) {
        return g_strdup_printf("it is none of the hosts in %s",
                               address_format_prefix4(network->subnet).text);
    }
    if (host >= network->pool_offset && host <= pool_last && !network_excludes(network, host)) {
        return g_strdup_printf("the pool has it, host numbers %u to %u: put %u into "
                               "\"pool.exclude\"", network->pool_offset, pool_last, host);
    }
    return NULL;
}

static void read_gateway(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "gateway");
    const char *text;
    guint32 address;

    if (!value || network->mode != MODE_BRIDGED || !json_value_get_string(value, &text)) {
        return;
    }
    if (!network->has_subnet) {
        if (!json_value_member(root, "subnet")) {
            json_value_fault(value, faults, TAPSTER_ERROR_CONFIG,
                             "found a gateway without a subnet, expected \"subnet\" as well");
        }
        return;
    }
    bool sound = address_parse_ipv4(text, &address, NULL);
    g_autofree char *reason = sound ? check_gateway(address, network) : NULL;
    if (!sound || reason) {
        shape_refuse(value, KEY_FILE_NETWORK, reason, faults);
    } else {
        network->gateway = address;
    }
}

static void read_range(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *pool = json_value_member(root, "pool");
    guint32 last = (1u << (32 - network->subnet.length)) - 2;

    network->pool_offset = network->subnet.length >= POOL_SMALL_LENGTH ? POOL_FIRST
                                                                       : POOL_OFFSET_DEFAULT;
    bool sound = read_number(pool, "offset", POOL_FIRST, last, network, &network->pool_offset,
                             faults);
    guint32 room = last - (sound ? network->pool_offset : POOL_FIRST) + 1;
    network->pool_size = room;
    sound = read_number(pool, "size", 1, room, network, &network->pool_size, faults) && sound;
    read_exclude(pool, network, last, sound, faults);
}

void network_read_pool(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *pool = json_value_member(root, "pool");

    read_subnet(root, network, faults);
    if (network->has_subnet) {
        read_range(root, network, faults);
    } else if (pool && !json_value_member(root, "subnet")) {
        json_value_fault(pool, faults, TAPSTER_ERROR_CONFIG,
                         "found a pool without a subnet, expected \"subnet\" as well");
    }
    read_gateway(root, network, faults);
}
