/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/translate.h"
#include "firewall/firewall.h"
#include "firewall/transaction.h"
#include "firewall/verify.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/*
 * Elements of forwards in the maps of table inet: put there by a start, removed
 * when the tap is gone.
 *
 * A start first adds and nothing else, in a transaction that is refused if one
 * of the keys is there. Only then it looks who has them, and replaces what a
 * forward before it left behind: callers have made sure, by the list of live
 * forwards, that whoever has a key that is wanted has no right to it any more.
 */

/* How often others may change the ruleset between our look and our change. */
#define ATTEMPTS_MAX 16

typedef struct {
    GByteArray *rows[SETS_MAX]; /* of table inet, sorted */
} Elements;

static void elements_free(Elements *elements)
{
    for (guint set = 0; set < SETS_MAX; set++) {
        g_byte_array_unref(elements->rows[set]);
    }
    g_free(elements);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Elements, elements_free)

static Elements *elements_new(void)
{
    Elements *elements = g_new0(Elements, 1);

    for (guint set = 0; set < SETS_MAX; set++) {
        elements->rows[set] = g_byte_array_new();
    }
    return elements;
}

static const SetSpec *set_spec(guint set)
{
    return &rules_table_spec(TABLE_INET)->sets[set];
}

static Elements *elements_of(const GArray *forwards)
{
    Elements *elements = elements_new();

    for (guint i = 0; i < forwards->len; i++) {
        rules_add_forward(&g_array_index(forwards, Forward, i),
                          elements->rows);
    }
    for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
        rules_sort(elements->rows[set], set_spec(set));
    }
    return elements;
}

/* True if something in @about has to do with that set. */
static bool is_asked(const Elements *about, guint set)
{
    switch (set) {
    case INET_FORWARDS4:
    case INET_FORWARDS6: /* one key may be in both, and public for either */
        return about->rows[INET_FORWARDS4]->len > 0 ||
               about->rows[INET_FORWARDS6]->len > 0;
    case INET_PUBLIC:
    case INET_PUBLIC4_AT:
    case INET_PUBLIC6_AT:
        return true;
    case INET_GUESTS6:
        return about->rows[INET_PREFIXES6]->len > 0;
    default:
        return about->rows[set]->len > 0;
    }
}

/* Dumps the sets of forwards, and what packets learnt. */
static bool dump(Netlink *netfilter, const Elements *about,
                 Elements **ret_found, int *ret_errno, GError **error)
{
    const TableSpec *spec = rules_table_spec(TABLE_INET);
    g_autoptr(Elements) found = elements_new();

    for (guint set = INET_FORWARD_FIRST; set <= INET_GUESTS6; set++) {
        if (!is_asked(about, set)) {
            continue;
        }
        if (!verify_dump_elements(netfilter, spec, set, found->rows[set],
                                  ret_errno, error)) {
            return false;
        }
        rules_sort(found->rows[set], &spec->sets[set]);
    }
    *ret_found = g_steal_pointer(&found);
    return true;
}

/* Which set says that the keys of a map are public. */
static guint public_set(guint map)
{
    return map == INET_FORWARDS4_AT   ? INET_PUBLIC4_AT
           : map == INET_FORWARDS6_AT ? INET_PUBLIC6_AT
                                      : INET_PUBLIC;
}

static void change(Transaction *transaction, guint set, int type,
                   const GByteArray *rows)
{
    transaction_elements(transaction, rules_table_spec(TABLE_INET), set, type,
                         type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
                         rows->data, rows->len);
}

/* ------------------------------------------------------------- putting */

/* What is in the way of @wanted or lets in more than it says goes; what is
 * missing comes. */
static void plan_replacement(const Elements *wanted, const Elements *found,
                             Transaction *transaction)
{
    g_autoptr(Elements) gone = elements_new();
    g_autoptr(Elements) added = elements_new();

    for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
        const SetSpec *spec = set_spec(set);
        guint length = rules_row_length(spec);
        const GByteArray *rows = wanted->rows[set];

        for (guint at = 0; at < rows->len; at += length) {
            const guint8 *row = rows->data + at;
            const guint8 *there = rules_find(found->rows[set], spec, row);
            guint open = public_set(set);

            if (there && memcmp(there, row, length) != 0) {
                g_byte_array_append(gone->rows[set], there, length);
                there = NULL;
            }
            if (!there) {
                g_byte_array_append(added->rows[set], row, length);
            }
            if (spec->data_length != 0 &&
                !rules_find(wanted->rows[open], set_spec(open), row) &&
                rules_find(found->rows[open], set_spec(open), row)) {
                g_byte_array_append(gone->rows[open], row,
                                    set_spec(open)->key_length);
            }
        }
    }
    for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
        rules_sort(gone->rows[set], set_spec(set));
        change(transaction, set, NFT_MSG_DELSETELEM, gone->rows[set]);
        change(transaction, set, NFT_MSG_NEWSETELEM, added->rows[set]);
    }
}

/* -------------------------------------------------------------- removing */

/* True if a map has the key for another forward than those in @stale. */
static bool has_other_owner(const Elements *found, const Elements *stale,
                            guint map, const guint8 *key)
{
    const SetSpec *spec = set_spec(map);
    const guint8 *there = rules_find(found->rows[map], spec, key);
    const guint8 *ours = rules_find(stale->rows[map], spec, key);

    return there &&
           (!ours || memcmp(there, ours, rules_row_length(spec)) != 0);
}

static bool is_removable(const Elements *found, const Elements *stale,
                         guint set, const guint8 *row)
{
    const SetSpec *spec = set_spec(set);
    const guint8 *there = rules_find(found->rows[set], spec, row);

    if (!there || memcmp(there, row, rules_row_length(spec)) != 0) {
        return false;
    }
    switch (set) {
    case INET_PUBLIC:
        return !has_other_owner(found, stale, INET_FORWARDS4, row) &&
               !has_other_owner(found, stale, INET_FORWARDS6, row);
    case INET_PUBLIC4_AT:
        return !has_other_owner(found, stale, INET_FORWARDS4_AT, row);
    case INET_PUBLIC6_AT:
        return !has_other_owner(found, stale, INET_FORWARDS6_AT, row);
    default:
        return true;
    }
}

static void plan_removal(const Elements *stale, const Elements *found,
                         Transaction *transaction)
{
    const GByteArray *prefixes = stale->rows[INET_PREFIXES6];
    guint prefix_length = set_spec(INET_PREFIXES6)->key_length;
    g_autoptr(GByteArray) guests = g_byte_array_new();

    for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
        const GByteArray *rows = stale->rows[set];
        guint length = rules_row_length(set_spec(set));
        g_autoptr(GByteArray) gone = g_byte_array_new();

        for (guint at = 0; at < rows->len; at += length) {
            if (is_removable(found, stale, set, rows->data + at)) {
                g_byte_array_append(gone, rows->data + at, length);
            }
        }
        change(transaction, set, NFT_MSG_DELSETELEM, gone);
    }
    for (guint at = 0; at < prefixes->len; at += prefix_length) {
        const guint8 *row = rules_find(found->rows[INET_GUESTS6],
                                       set_spec(INET_GUESTS6),
                                       prefixes->data + at);

        if (row) {
            g_byte_array_append(guests, row, RULES_GUEST6_ROW_SIZE);
        }
    }
    change(transaction, INET_GUESTS6, NFT_MSG_DELSETELEM, guests);
}

/* ------------------------------------------------------- look and change */

typedef void (*PlanChange)(const Elements *about, const Elements *found,
                           Transaction *transaction);

static bool look_and_change(Netlink *netfilter, const Elements *about,
                            PlanChange plan, guint32 *generation,
                            int *ret_errno, GError **error)
{
    for (guint attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        g_autoptr(Elements) found = NULL;
        g_autoptr(Transaction) transaction = NULL;
        g_autoptr(GError) failure = NULL;
        guint32 before = 0;

        *ret_errno = 0;
        if (!firewall_generation(netfilter, &before, error)) {
            return false;
        }
        transaction = transaction_new(before);
        if (dump(netfilter, about, &found, ret_errno, &failure)) {
            plan(about, found, transaction);
            if (transaction_is_empty(transaction)) {
                return true;
            }
            if (transaction_commit(transaction, netfilter, ret_errno,
                                   &failure)) {
                if (*generation == before) {
                    *generation = transaction_next_generation(before);
                }
                return true;
            }
        }
        /* Changed under our eyes, or an element that a packet has replaced. */
        if (*ret_errno != EINTR && *ret_errno != ERESTART &&
            !(*ret_errno == ENOENT && attempt == 0)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    return error_set(error, TAPSTER_ERROR_BUSY,
                     "firewall: other programs keep changing the ruleset; "
                     "try again");
}

bool translate_put(Netlink *netfilter, const GArray *forwards,
                   guint32 *generation, GError **error)
{
    const TableSpec *spec = rules_table_spec(TABLE_INET);
    g_autoptr(Elements) wanted = elements_of(forwards);
    g_autoptr(Transaction) transaction = transaction_new(*generation);
    g_autoptr(GError) failure = NULL;
    int errnum = 0;

    for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
        const GByteArray *rows = wanted->rows[set];

        transaction_elements(transaction, spec, set, NFT_MSG_NEWSETELEM,
                             NLM_F_CREATE | NLM_F_EXCL, rows->data, rows->len);
    }
    if (transaction_is_empty(transaction)) {
        return true;
    }
    if (*generation != 0 &&
        transaction_commit(transaction, netfilter, NULL, NULL)) {
        *generation = transaction_next_generation(*generation);
        return true;
    }
    if (look_and_change(netfilter, wanted, plan_replacement, generation,
                        &errnum, &failure)) {
        return true;
    }
    if (errnum == ENOENT) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "table %s was removed by another program just now; "
                         "try again", spec->label);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool take_back(Netlink *netfilter, const GArray *forwards,
                      guint32 *generation, GError **error)
{
    g_autoptr(Elements) stale = elements_of(forwards);
    g_autoptr(GError) failure = NULL;
    int errnum = 0;

    if (look_and_change(netfilter, stale, plan_removal, generation, &errnum,
                        &failure)) {
        return true;
    }
    if (errnum == ENOENT) {
        return true; /* without the table, nothing leads anywhere */
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

void translate_take_back(Netlink *netfilter, const GArray *forwards)
{
    guint32 generation = 0;

    (void)!take_back(netfilter, forwards, &generation, NULL);
}

bool firewall_sweep_forwards(Netlink *netfilter, const GArray *stale,
                             guint32 *generation, GError **error)
{
    return stale->len == 0 ||
           take_back(netfilter, stale, generation, error);
}
