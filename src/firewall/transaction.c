/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/transaction.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

/*
 * A transaction of nf_tables: a list of messages between a begin and an end.
 * The kernel reports refused ones unasked and acknowledges the others only
 * where told to; the last one is, since end was not before Linux 6.10.
 *
 * Owns its messages until they are sent.
 */

typedef struct {
    NetlinkMessage *message;
    const char *what; /* static */
} Step;

struct Transaction {
    guint32 generation;
    GArray *steps; /* Step */
};

static void step_clear(gpointer step)
{
    nlmsg_free(((Step *)step)->message);
}

Transaction *transaction_new(guint32 generation)
{
    Transaction *transaction = g_new0(Transaction, 1);

    transaction->generation = generation;
    transaction->steps = g_array_new(false, false, sizeof(Step));
    g_array_set_clear_func(transaction->steps, step_clear);
    return transaction;
}

void transaction_free(Transaction *transaction)
{
    if (transaction) {
        g_array_unref(transaction->steps);
        g_free(transaction);
    }
}

guint32 transaction_next_generation(guint32 generation)
{
    return generation + 1 != 0 ? generation + 1 : 1;
}

bool transaction_is_empty(const Transaction *transaction)
{
    return transaction->steps->len == 0;
}

/* Takes @message. */
static void add(Transaction *transaction, NetlinkMessage *message,
                const char *what)
{
    Step step = { .message = message, .what = what };

    g_array_append_val(transaction->steps, step);
}

/* The error's words for a rule that a kernel may lack a part of. */
static const char *describe_rule(const RuleSpec *rule)
{
    for (const Expression *e = rule->expressions; e->kind != EXPRESSION_END;
         e++) {
        switch (e->kind) {
        case EXPRESSION_FIB:
            return "firewall rule with fib (kernel module nft_fib_inet)";
        case EXPRESSION_CT:
            return "firewall rule with ct (kernel module nft_ct)";
        case EXPRESSION_DYNSET:
            if (e->rate != 0) {
                return "firewall rule with limit (kernel module nft_limit)";
            }
            break;
        case EXPRESSION_DNAT:
            return "firewall rule with dnat (kernel module nft_nat)";
        case EXPRESSION_MASQUERADE:
            return "firewall rule with masquerade (kernel module nft_masq)";
        default:
            break;
        }
    }
    return "firewall rule";
}

void transaction_elements(Transaction *transaction, const TableSpec *spec,
                          guint set, int type, int flags, const guint8 *rows,
                          guint n_bytes)
{
    guint row_length = rules_row_length(&spec->sets[set]);
    guint left = n_bytes / row_length, taken;

    for (; left > 0; left -= taken, rows += (gsize)taken * row_length) {
        add(transaction,
            encode_elements(spec, set, type, flags, rows, left, &taken),
            "elements of a firewall set");
    }
}

void transaction_create(Transaction *transaction, const RulesTable *table)
{
    const TableSpec *spec = table->spec;

    add(transaction, encode_table(spec),
        "firewall table (kernel module nf_tables)");
    for (guint i = 0; i < spec->n_sets; i++) {
        add(transaction, encode_set(spec, i),
            "firewall set (kernel module nf_tables)");
    }
    for (guint i = 0; i < spec->n_chains; i++) {
        add(transaction, encode_chain(spec, &spec->chains[i]),
            "firewall chain (kernel modules nf_tables, nft_chain_nat)");
    }
    for (guint i = 0; i < spec->n_rules; i++) {
        add(transaction, encode_rule(spec, &spec->rules[i]),
            describe_rule(&spec->rules[i]));
    }
    for (guint i = 0; i < spec->n_sets; i++) {
        transaction_elements(transaction, spec, i, NFT_MSG_NEWSETELEM,
                             NLM_F_CREATE, table->elements[i]->data,
                             table->elements[i]->len);
    }
}

void transaction_delete(Transaction *transaction, const TableSpec *spec)
{
    add(transaction, encode_delete_table(spec), "removal of a firewall table");
}

/* What a kernel says that was built without a part, or cannot load it. An
 * absent expression or chain type is ENOENT, an absent family EAFNOSUPPORT, and
 * no nf_tables at all EOPNOTSUPP (Linux net/netfilter/nfnetlink.c,
 * nf_tables_api.c). */
static bool is_unsupported(int errnum)
{
    return errnum == EOPNOTSUPP || errnum == EAFNOSUPPORT ||
           errnum == EPROTONOSUPPORT || errnum == ENOENT;
}

bool transaction_commit(Transaction *transaction, Netlink *netfilter,
                        int *ret_errno, GError **error)
{
    g_autoptr(NetlinkBatch) batch = netlink_batch_new();
    g_autoptr(NetlinkMessage) begin = encode_begin(transaction->generation);
    g_autoptr(NetlinkMessage) end = encode_end();
    g_autoptr(GError) failure = NULL;
    int errnum;

    netlink_batch_add(batch, begin, false, 0, "firewall transaction");
    for (guint i = 0; i < transaction->steps->len; i++) {
        const Step *step = &g_array_index(transaction->steps, Step, i);

        netlink_batch_add(batch, step->message,
                          i + 1 == transaction->steps->len, 0, step->what);
    }
    netlink_batch_add(batch, end, false, 0, "firewall transaction");

    bool ok = netlink_transact(netfilter, batch, &errnum, NULL, &failure);

    if (ret_errno) {
        *ret_errno = ok ? 0 : errnum;
    }
    if (ok) {
        return true;
    }
    if (is_unsupported(errnum)) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "%s: this kernel lacks a part of nftables; try "
                         "'modprobe -a nf_tables nft_ct nft_fib_inet nft_limit "
                         "nft_masq nft_nat nft_chain_nat'", failure->message);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}
