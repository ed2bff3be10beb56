/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/rules.h"
#include "firewall/firewall.h"
#include "pool/slots.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

/*
 * From networks to what the firewall should hold. Pure. The rules are the
 * constants of tables.c; here each network becomes elements of their sets, and
 * in rules_forward.c each forward.
 *
 * Invariant: the elements of a set are sorted and each key is there once, so that
 * two rulesets are the same if and only if their bytes are.
 */

/* Makes a network's whole pool known, so that a start changes nothing. */
static bool is_filled(const Segment *segment)
{
    return slots_count(segment) <= FIREWALL_FILLED_SLOTS_MAX;
}

void rules_sender_key(const Ifname *tap, guint32 address,
                      guint8 ret_key[RULES_SENDER_KEY_SIZE])
{
    guint32 address_be = htonl(address);

    memcpy(ret_key, tap->name, sizeof(tap->name));
    memcpy(ret_key + sizeof(tap->name), &address_be, sizeof(address_be));
}

void rules_mac_known_key(int ifindex, guint8 ret_key[RULES_MAC_KNOWN_KEY_SIZE])
{
    memcpy(ret_key, &ifindex, sizeof(ifindex));
}

void rules_mac_key(int ifindex, const Mac *mac,
                   guint8 ret_key[RULES_MAC_KEY_SIZE])
{
    /* Each part of a concatenation fills whole 32-bit registers. */
    memset(ret_key, 0, RULES_MAC_KEY_SIZE);
    memcpy(ret_key, &ifindex, sizeof(ifindex));
    memcpy(ret_key + sizeof(ifindex), mac->bytes, sizeof(mac->bytes));
}

static int compare_rows(const void *a, const void *b, void *data)
{
    return memcmp(a, b, *(gsize *)data);
}

void rules_sort(GByteArray *rows, const SetSpec *set)
{
    gsize size = rules_row_length(set);
    gsize n = rows->len / size, kept = 0;
    bool ascending = true;

    for (gsize i = 1; i < n && ascending; i++) {
        ascending = memcmp(rows->data + (i - 1) * size, rows->data + i * size,
                           set->key_length) < 0;
    }
    if (ascending) {
        return;
    }
    qsort_r(rows->data, n, size, compare_rows, &size);
    for (gsize i = 0; i < n; i++) {
        const guint8 *row = rows->data + i * size;

        if (kept > 0 && memcmp(rows->data + (kept - 1) * size, row,
                               set->key_length) == 0) {
            continue;
        }
        memmove(rows->data + kept * size, row, size);
        kept++;
    }
    g_byte_array_set_size(rows, (guint)(kept * size));
}

const guint8 *rules_find(const GByteArray *rows, const SetSpec *set,
                         const guint8 *key)
{
    gsize size = rules_row_length(set);
    gsize low = 0, high = rows->len / size;

    while (low < high) {
        gsize middle = low + (high - low) / 2;
        int order = memcmp(rows->data + middle * size, key, set->key_length);

        if (order == 0) {
            return rows->data + middle * size;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void add_group(GByteArray *keys, const Segment *segment)
{
    g_byte_array_append(keys, (const guint8 *)&segment->group,
                        sizeof(segment->group));
}

/* As a part of a concatenation. */
static void add_family(GByteArray *keys, guint8 family)
{
    const guint8 part[4] = { family };

    g_byte_array_append(keys, part, sizeof(part));
}

/* Where the network's DNS server answers. */
static void add_dns(RulesTable *inet, const Segment *segment)
{
    guint32 gateway_be = htonl(segment->gateway);
    const guint8 *gateway = (const guint8 *)&gateway_be;
    Address6 resolver6 = slots_resolver6(segment);

    add_group(inet->elements[INET_DNS], segment);
    add_group(inet->elements[INET_DNS4], segment);
    g_byte_array_append(inet->elements[INET_DNS4], gateway, sizeof(gateway_be));
    g_byte_array_append(inet->elements[INET_DNS4_HERE], gateway,
                        sizeof(gateway_be));
    if (segment->subnet6_length > 0) {
        add_group(inet->elements[INET_DNS6], segment);
        g_byte_array_append(inet->elements[INET_DNS6], resolver6.bytes,
                            sizeof(resolver6.bytes));
        g_byte_array_append(inet->elements[INET_DNS6_HERE], resolver6.bytes,
                            sizeof(resolver6.bytes));
    }
}

static void add_masqueraded(RulesTable *inet, const Segment *segment)
{
    if (segment->uplink == UPLINK_AUTO) {
        add_group(inet->elements[INET_ANYWHERE], segment);
    } else if (segment->uplink == UPLINK_NAME) {
        add_group(inet->elements[INET_EXITS], segment);
        g_byte_array_append(inet->elements[INET_EXITS],
                            (const guint8 *)segment->uplink_name.name,
                            sizeof(segment->uplink_name.name));
    }
    if (segment->guest_to_guest) {
        add_group(inet->elements[INET_PEERS], segment);
        add_group(inet->elements[INET_PEERS], segment);
    }
    if (segment->guest_to_host) {
        add_group(inet->elements[INET_TO_HOST], segment);
    }
    if (segment->masquerade) {
        add_group(inet->elements[INET_MASQUERADED], segment);
        add_family(inet->elements[INET_MASQUERADED], NFPROTO_IPV4);
    }
    if (segment->masquerade6) {
        add_group(inet->elements[INET_MASQUERADED], segment);
        add_family(inet->elements[INET_MASQUERADED], NFPROTO_IPV6);
    }
    if (segment->dns_served) {
        add_dns(inet, segment);
    }
}

static void add_name(GByteArray *keys, const Ifname *name)
{
    g_byte_array_append(keys, (const guint8 *)name->name, sizeof(name->name));
}

/* A masqueraded segment whose guests share a bridge of ours. */
static bool is_shared(const Segment *segment)
{
    return segment->mode == MODE_MASQUERADED && segment->kind == SEGMENT_SHARED;
}

static void add_shared(Ruleset *ruleset, const Segment *segment)
{
    ruleset->tables[TABLE_BRIDGE].wanted = true;
    add_name(ruleset->tables[TABLE_INET].elements[INET_SHARED],
             &segment->bridge);
    add_name(ruleset->tables[TABLE_ARP].elements[ARP_SHARED],
             &segment->bridge);
}

/* The fence outlives the networks for as long as forwarding is on. */
static void add_fence(RulesTable *inet, guint8 family, const GArray *fenced)
{
    for (guint i = 0; i < fenced->len; i++) {
        const Ifname *name = &g_array_index(fenced, Ifname, i);

        inet->wanted = true;
        add_family(inet->elements[INET_FENCED], family);
        add_name(inet->elements[INET_FENCED], name);
        add_name(inet->elements[INET_SAME], name);
        add_name(inet->elements[INET_SAME], name);
    }
}

static void add_senders(RulesTable *arp, const Segment *segment)
{
    guint32 n = is_filled(segment) ? slots_count(segment) : 0;

    for (guint32 slot = 0; slot < n; slot++) {
        guint8 key[RULES_SENDER_KEY_SIZE];

        if (slots_usable(segment, slot)) {
            Ifname tap = slots_tap_name(segment, slot);

            rules_sender_key(&tap, slots_address(segment, slot), key);
            g_byte_array_append(arp->elements[ARP_SENDERS], key, sizeof(key));
        }
    }
}

Ruleset *rules_make(const FirewallWish *wish)
{
    Ruleset *ruleset = g_new0(Ruleset, 1);
    RulesTable *inet = &ruleset->tables[TABLE_INET];
    RulesTable *arp = &ruleset->tables[TABLE_ARP];

    ruleset->segments = g_array_sized_new(false, false, sizeof(Segment),
                                          wish->segments->len);
    g_array_append_vals(ruleset->segments, wish->segments->data,
                        wish->segments->len);
    for (guint t = 0; t < TABLES_N; t++) {
        ruleset->tables[t].spec = rules_table_spec(t);
        for (guint s = 0; s < ruleset->tables[t].spec->n_sets; s++) {
            ruleset->tables[t].elements[s] = g_byte_array_new();
        }
    }
    for (guint i = 0; i < wish->segments->len; i++) {
        const Segment *segment = &g_array_index(wish->segments, Segment, i);

        /* For bridged networks as well: see tables_inet.c. */
        inet->wanted = true;
        arp->wanted = true;
        if (segment->mode == MODE_BRIDGED) {
            ruleset->tables[TABLE_BRIDGE].wanted = true;
        } else if (is_shared(segment)) {
            add_masqueraded(inet, segment);
            add_shared(ruleset, segment);
        } else if (segment->mode == MODE_MASQUERADED) {
            add_masqueraded(inet, segment);
            add_senders(arp, segment);
        }
    }
    add_fence(inet, NFPROTO_IPV4, wish->fenced);
    add_fence(inet, NFPROTO_IPV6, wish->fenced6);
    for (guint i = 0; i < wish->forwards->len; i++) {
        rules_add_forward(&g_array_index(wish->forwards, Forward, i),
                          inet->elements);
    }
    for (guint t = 0; t < TABLES_N; t++) {
        const TableSpec *spec = ruleset->tables[t].spec;

        for (guint s = 0; s < spec->n_sets; s++) {
            rules_sort(ruleset->tables[t].elements[s], &spec->sets[s]);
        }
    }
    return ruleset;
}

void ruleset_free(Ruleset *ruleset)
{
    if (!ruleset) {
        return;
    }
    for (guint t = 0; t < TABLES_N; t++) {
        for (guint s = 0; s < SETS_MAX; s++) {
            if (ruleset->tables[t].elements[s]) {
                g_byte_array_unref(ruleset->tables[t].elements[s]);
            }
        }
    }
    g_array_unref(ruleset->segments);
    g_free(ruleset);
}

bool rules_explains(const Ruleset *ruleset, TableIndex index, guint set,
                    const guint8 *key)
{
    guint32 address_be;

    if (index == TABLE_BRIDGE) {
        return true;
    }
    if (index != TABLE_ARP || set != ARP_SENDERS || key[IFNAMSIZ - 1] != 0) {
        return false;
    }
    memcpy(&address_be, key + IFNAMSIZ, sizeof(address_be));
    for (guint i = 0; i < ruleset->segments->len; i++) {
        const Segment *segment = &g_array_index(ruleset->segments, Segment, i);
        guint32 slot;

        if (segment->mode == MODE_MASQUERADED && !is_shared(segment) &&
            !is_filled(segment) &&
            slots_parse_tap_name(segment, (const char *)key, &slot) &&
            slots_usable(segment, slot) &&
            slots_address(segment, slot) == ntohl(address_be)) {
            return true;
        }
    }
    return false;
}
