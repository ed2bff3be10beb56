/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/rules.h"
#include "firewall/firewall.h"
#include "pool/slots.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/*
 * From networks to what the firewall should hold. Pure. The rules are the
 * constants of tables.c; here each network becomes elements of their sets.
 *
 * Invariant: the keys of a set are sorted and each is there once, so that two
 * rulesets are the same if and only if their bytes are.
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

static int compare_keys(const void *a, const void *b, void *data)
{
    return memcmp(a, b, *(gsize *)data);
}

void rules_sort_keys(GByteArray *keys, guint key_length)
{
    gsize size = key_length;
    gsize n = keys->len / size, kept = 0;
    bool ascending = true;

    for (gsize i = 1; i < n && ascending; i++) {
        ascending = memcmp(keys->data + (i - 1) * size, keys->data + i * size,
                           size) < 0;
    }
    if (ascending) {
        return;
    }
    qsort_r(keys->data, n, size, compare_keys, &size);
    for (gsize i = 0; i < n; i++) {
        const guint8 *key = keys->data + i * size;

        if (kept > 0 &&
            memcmp(keys->data + (kept - 1) * size, key, size) == 0) {
            continue;
        }
        memmove(keys->data + kept * size, key, size);
        kept++;
    }
    g_byte_array_set_size(keys, (guint)(kept * size));
}

static void add_group(GByteArray *keys, const Segment *segment)
{
    g_byte_array_append(keys, (const guint8 *)&segment->group,
                        sizeof(segment->group));
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

Ruleset *rules_make(const GArray *segments, const GArray *fenced)
{
    Ruleset *ruleset = g_new0(Ruleset, 1);
    RulesTable *inet = &ruleset->tables[TABLE_INET];
    RulesTable *arp = &ruleset->tables[TABLE_ARP];

    ruleset->segments = g_array_sized_new(false, false, sizeof(Segment),
                                          segments->len);
    g_array_append_vals(ruleset->segments, segments->data, segments->len);
    for (guint t = 0; t < TABLES_N; t++) {
        ruleset->tables[t].spec = rules_table_spec(t);
        for (guint s = 0; s < ruleset->tables[t].spec->n_sets; s++) {
            ruleset->tables[t].elements[s] = g_byte_array_new();
        }
    }
    for (guint i = 0; i < segments->len; i++) {
        const Segment *segment = &g_array_index(segments, Segment, i);

        /* For bridged networks as well: see tables.c. */
        inet->wanted = true;
        arp->wanted = true;
        if (segment->mode == MODE_BRIDGED) {
            ruleset->tables[TABLE_BRIDGE].wanted = true;
        } else if (segment->mode == MODE_MASQUERADED) {
            add_masqueraded(inet, segment);
            add_senders(arp, segment);
        }
    }
    /* The fence outlives the networks for as long as forwarding is on. */
    for (guint i = 0; i < fenced->len; i++) {
        inet->wanted = true;
        const guint8 *name =
            (const guint8 *)g_array_index(fenced, Ifname, i).name;

        g_byte_array_append(inet->elements[INET_FENCED], name, IFNAMSIZ);
        g_byte_array_append(inet->elements[INET_SAME], name, IFNAMSIZ);
        g_byte_array_append(inet->elements[INET_SAME], name, IFNAMSIZ);
    }
    for (guint t = 0; t < TABLES_N; t++) {
        const TableSpec *spec = ruleset->tables[t].spec;

        for (guint s = 0; s < spec->n_sets; s++) {
            rules_sort_keys(ruleset->tables[t].elements[s],
                            spec->sets[s].key_length);
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

        if (segment->mode == MODE_MASQUERADED && !is_filled(segment) &&
            slots_parse_tap_name(segment, (const char *)key, &slot) &&
            slots_usable(segment, slot) &&
            slots_address(segment, slot) == ntohl(address_be)) {
            return true;
        }
    }
    return false;
}
