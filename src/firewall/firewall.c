/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/firewall.h"
#include "firewall/live.h"
#include "firewall/transaction.h"
#include "firewall/verify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/*
 * Brings the kernel's tables to what rules.c says: look, change what differs in
 * one transaction that holds for the generation that was looked at, and look
 * again. Nobody else's table is read or written.
 *
 * Deleting objects costs every holder of a netfilter socket 16 ms (seen on
 * Linux 6.18), so a table is replaced only when its rules are not ours;
 * another network is elements that are added. What ports add is in port.c and
 * translate.c.
 */

/* How often others may change the ruleset between our look and our change. */
#define ATTEMPTS_MAX 16

static bool take_generation(const struct nlmsghdr *message, gpointer data)
{
    const struct nlattr *id = verify_find_attribute(message, NFTA_GEN_ID);

    if (id && nla_len(id) == sizeof(guint32)) {
        *(guint32 *)data = ntohl(nla_get_u32(id));
    }
    return true;
}

bool firewall_generation(Netlink *netfilter, guint32 *ret_generation,
                         GError **error)
{
    g_autoptr(NetlinkMessage) query = encode_get(NULL, NFT_MSG_GETGEN, 0, NULL);
    g_autoptr(GError) failure = NULL;
    guint32 generation = 0;
    int errnum = 0;

    if (!netlink_query(netfilter, query, take_generation, &generation, &errnum,
                       &failure)) {
        /* nfnetlink without nf_tables says EINVAL, or EOPNOTSUPP; a kernel
         * without nfnetlink has no such socket. */
        if (errnum == EINVAL || errnum == EOPNOTSUPP) {
            return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                             "this kernel has no nftables; try "
                             "'modprobe nf_tables'");
        }
        g_propagate_prefixed_error(error, g_steal_pointer(&failure),
                                   "firewall generation: ");
        return false;
    }
    if (generation == 0) {
        return error_set(error, TAPSTER_ERROR_KERNEL,
                         "firewall generation: the kernel named none");
    }
    *ret_generation = generation;
    return true;
}

/* ---------------------------------------------------- ports' elements */

/* Those of @rows that a live port has put into the set, or its guest. */
static void choose_kept(const Ruleset *ruleset, TableIndex index, guint set,
                        const GByteArray *rows, GByteArray *kept)
{
    const RulesTable *table = &ruleset->tables[index];
    guint length = rules_row_length(&table->spec->sets[set]);

    if (index == TABLE_BRIDGE) {
        live_choose(rows, length, true, kept);
        return;
    }
    for (guint at = 0; at < rows->len; at += length) {
        const guint8 *row = rows->data + at;

        if (index == TABLE_INET
                ? rules_explains_guest6(table->elements[INET_PREFIXES6], row)
                : rules_explains(ruleset, index, set, row)) {
            g_byte_array_append(kept, row, length);
        }
    }
}

/* What a table that is about to be replaced holds of live ports' elements is
 * put into the new one. What cannot be read is lost: it was not ours. */
static void keep_elements(Netlink *netfilter, const Ruleset *ruleset,
                          TableIndex index, Transaction *transaction)
{
    const TableSpec *spec = ruleset->tables[index].spec;

    for (guint set = 0; set < spec->n_sets; set++) {
        g_autoptr(GByteArray) rows = g_byte_array_new();
        g_autoptr(GByteArray) kept = g_byte_array_new();
        int errnum;

        if ((index == TABLE_INET && set != INET_GUESTS6) ||
            !verify_dump_elements(netfilter, spec, set, rows, &errnum, NULL)) {
            continue;
        }
        choose_kept(ruleset, index, set, rows, kept);
        rules_sort(kept, &spec->sets[set]);
        transaction_elements(transaction, spec, set, NFT_MSG_NEWSETELEM,
                             NLM_F_CREATE, kept->data, kept->len);
    }
}

/* --------------------------------------------------- look and change */

/* Adds to @transaction what brings a table from @found to what it should be. */
static void mend_table(Netlink *netfilter, const Ruleset *ruleset,
                       TableIndex index, const VerifyTable *found,
                       Transaction *transaction)
{
    const RulesTable *table = &ruleset->tables[index];

    if (!table->wanted) {
        if (found->result != VERIFY_ABSENT) {
            transaction_delete(transaction, table->spec);
        }
        return;
    }
    switch (found->result) {
    case VERIFY_SAME:
        return;
    case VERIFY_ABSENT:
        transaction_create(transaction, table);
        return;
    case VERIFY_DIFFERS:
        transaction_delete(transaction, table->spec);
        transaction_create(transaction, table);
        keep_elements(netfilter, ruleset, index, transaction);
        return;
    case VERIFY_ELEMENTS:
        break;
    }
    for (guint set = 0; set < table->spec->n_sets; set++) {
        const GByteArray *missing = found->missing[set];
        const GByteArray *surplus = found->surplus[set];

        /* First what goes: a key of a map may be in both. */
        if (surplus) {
            transaction_elements(transaction, table->spec, set,
                                 NFT_MSG_DELSETELEM, 0, surplus->data,
                                 surplus->len);
        }
        if (missing) {
            transaction_elements(transaction, table->spec, set,
                                 NFT_MSG_NEWSETELEM, NLM_F_CREATE,
                                 missing->data, missing->len);
        }
    }
}

/* Looks at all tables once. *ret_difference is NULL if all is as it should
 * be, else says what is not; *ret_transaction brings it there. */
static bool look(Netlink *netfilter, const Ruleset *ruleset, bool withdraw,
                 guint32 generation, Transaction **ret_transaction,
                 char **ret_difference, int *ret_errno, GError **error)
{
    g_autoptr(Transaction) transaction = transaction_new(generation);
    g_autofree char *difference = NULL;

    for (guint i = 0; i < TABLES_N; i++) {
        const RulesTable *table = &ruleset->tables[i];
        VerifyTable found;

        /* A table that nobody needs any more does no harm, and its removal
         * would cost this start what withdraw may cost. */
        if (!table->wanted && !withdraw) {
            continue;
        }
        if (!verify_table(netfilter, ruleset, i, &found, ret_errno, error)) {
            verify_table_clear(&found);
            return false;
        }
        mend_table(netfilter, ruleset, i, &found, transaction);
        if (!transaction_is_empty(transaction) && !difference) {
            difference = g_strdup_printf("%s of table %s",
                                         found.difference ? found.difference
                                                          : "presence",
                                         table->spec->label);
        }
        verify_table_clear(&found);
    }
    *ret_difference = g_steal_pointer(&difference);
    *ret_transaction = g_steal_pointer(&transaction);
    return true;
}

static bool bring_about(Netlink *netfilter, const Ruleset *ruleset,
                        bool withdraw, guint32 *ret_generation,
                        bool *ret_changed, GError **error)
{
    guint32 made = 0; /* the generation that our transaction began */

    for (guint attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        g_autoptr(Transaction) transaction = NULL;
        g_autofree char *difference = NULL;
        g_autoptr(GError) failure = NULL;
        guint32 before = 0, after = 0;
        int errnum = 0;

        if (!firewall_generation(netfilter, &before, error)) {
            return false;
        }
        if (!look(netfilter, ruleset, withdraw, before, &transaction,
                  &difference, &errnum, &failure)) {
            if (errnum == EINTR || errnum == ENOENT) {
                continue; /* changed under our eyes */
            }
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (!firewall_generation(netfilter, &after, error)) {
            return false;
        }
        if (before != after) {
            continue;
        }
        if (!difference) {
            *ret_generation = after;
            *ret_changed = made != 0;
            return true;
        }
        if (before == made) {
            return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                             "firewall: this kernel keeps the %s other than "
                             "they were installed; compare with 'nft list "
                             "ruleset' and report it", difference);
        }
        if (transaction_commit(transaction, netfilter, &errnum, &failure)) {
            made = transaction_next_generation(before);
        } else if (errnum != ERESTART) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    return error_set(error, TAPSTER_ERROR_BUSY,
                     "firewall: other programs keep changing the ruleset; "
                     "try again");
}

bool firewall_ensure(Netlink *netfilter, const FirewallWish *wish,
                     guint32 *ret_generation, bool *ret_changed,
                     GError **error)
{
    g_autoptr(Ruleset) ruleset = rules_make(wish);

    return bring_about(netfilter, ruleset, false, ret_generation, ret_changed,
                       error);
}

bool firewall_withdraw(Netlink *netfilter, const FirewallWish *wish,
                       GError **error)
{
    g_autoptr(Ruleset) ruleset = rules_make(wish);
    guint32 generation;
    bool changed;

    return bring_about(netfilter, ruleset, true, &generation, &changed, error);
}
