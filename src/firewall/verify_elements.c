/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/encode.h"
#include "firewall/verify.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

/*
 * The second half of verify.c: the elements of a table's sets and maps. What is
 * expected is in the ruleset, byte by byte; what packets put in is expected to
 * be anything.
 */

typedef struct {
    GByteArray *rows;
    const SetSpec *set;
    bool odd; /* an element that is no plain key, or has no data of its kind */
} ElementDump;

/* The value of a key or of data, NULL if it has another length. */
static const void *find_value(const struct nlattr *element, int type,
                              guint length)
{
    const struct nlattr *outer = nla_find(nla_data(element), nla_len(element),
                                          type);
    const struct nlattr *value =
        outer ? nla_find(nla_data(outer), nla_len(outer), NFTA_DATA_VALUE)
              : NULL;

    return value && nla_len(value) == (int)length ? nla_data(value) : NULL;
}

static bool take_elements(const struct nlmsghdr *message, gpointer data)
{
    ElementDump *dump = data;
    const struct nlattr *list =
        verify_find_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    const struct nlattr *element;
    int left;

    if (!list) {
        return true;
    }
    nla_for_each_nested(element, list, left) {
        guint data_length = dump->set->data_length;
        const guint8 *key = find_value(element, NFTA_SET_ELEM_KEY,
                                       dump->set->key_length);
        const guint8 *value =
            data_length ? find_value(element, NFTA_SET_ELEM_DATA, data_length)
                        : NULL;

        if (!key || (data_length != 0 && !value)) {
            dump->odd = true;
            continue;
        }
        g_byte_array_append(dump->rows, key, dump->set->key_length);
        if (value) {
            g_byte_array_append(dump->rows, value, data_length);
        }
    }
    return true;
}

static bool dump_elements(Netlink *netfilter, const TableSpec *spec, guint set,
                          ElementDump *dump, int *ret_errno, GError **error)
{
    g_autoptr(NetlinkMessage) query =
        encode_get(spec, NFT_MSG_GETSETELEM, NLM_F_DUMP, spec->sets[set].name);

    dump->set = &spec->sets[set];
    return netlink_query(netfilter, query, take_elements, dump, ret_errno,
                         error);
}

bool verify_dump_elements(Netlink *netfilter, const TableSpec *spec, guint set,
                          GByteArray *rows, int *ret_errno, GError **error)
{
    ElementDump dump = { .rows = rows };

    return dump_elements(netfilter, spec, set, &dump, ret_errno, error);
}

static void add_row(GByteArray **rows, const guint8 *row, guint length)
{
    if (!*rows) {
        *rows = g_byte_array_new();
    }
    g_byte_array_append(*rows, row, length);
}

/* Walks both sorted lists at once. A key with other data than it should have is
 * in both results. */
static void compare_elements(const Ruleset *ruleset, TableIndex index,
                             guint set, const GByteArray *found_rows,
                             VerifyTable *found)
{
    const GByteArray *wanted_rows = ruleset->tables[index].elements[set];
    guint length = rules_row_length(&ruleset->tables[index].spec->sets[set]);
    const guint8 *wanted = wanted_rows->data;
    const guint8 *wanted_end = wanted + wanted_rows->len;
    const guint8 *there = found_rows->data;
    const guint8 *there_end = there + found_rows->len;

    while (wanted < wanted_end || there < there_end) {
        int order = wanted == wanted_end  ? 1
                    : there == there_end  ? -1
                                          : memcmp(wanted, there, length);

        if (order < 0) {
            add_row(&found->missing[set], wanted, length);
        } else if (order > 0 && !rules_explains(ruleset, index, set, there)) {
            add_row(&found->surplus[set], there, length);
        }
        wanted += order <= 0 ? length : 0;
        there += order >= 0 ? length : 0;
    }
    if (found->missing[set] || found->surplus[set]) {
        found->result = VERIFY_ELEMENTS;
        found->difference = "elements";
    }
}

bool verify_elements(Netlink *netfilter, const Ruleset *ruleset,
                     TableIndex index, VerifyTable *found, int *ret_errno,
                     GError **error)
{
    const TableSpec *spec = ruleset->tables[index].spec;

    /* Those of the bridge table are all added by ports. */
    if (index == TABLE_BRIDGE) {
        return true;
    }
    for (guint set = 0; set < spec->n_sets; set++) {
        g_autoptr(GByteArray) rows = g_byte_array_new();
        ElementDump dump = { .rows = rows };

        if (spec->sets[set].learnt) {
            continue;
        }
        if (!dump_elements(netfilter, spec, set, &dump, ret_errno, error)) {
            return false;
        }
        if (dump.odd) {
            found->result = VERIFY_DIFFERS;
            found->difference = "elements";
            return true;
        }
        rules_sort(rows, &spec->sets[set]);
        compare_elements(ruleset, index, set, rows, found);
    }
    return true;
}
