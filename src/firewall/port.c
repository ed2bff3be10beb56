/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/firewall.h"
#include "firewall/translate.h"
#include "firewall/live.h"
#include "firewall/transaction.h"
#include "firewall/verify.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

/*
 * What a single port adds to the tables that firewall.c keeps: its known MAC,
 * or its sender's address in a pool too large to be filled; forwards are in
 * translate.c. Nothing is ever
 * deleted here but what a failed start added, and what fills a set to its brim.
 */

/* The elements that an operation stands for. */
typedef struct {
    const TableSpec *spec;
    guint8 keys[2][RULES_SENDER_KEY_SIZE];
    guint n_sets; /* one element of each of the table's first sets */
} PortElements;

static bool port_elements(const PlanOperation *operation, int tap_ifindex,
                          const Ifname *tap, PortElements *ret_elements)
{
    if (operation->type == PLAN_ADMIT_SENDER) {
        ret_elements->spec = rules_table_spec(TABLE_ARP);
        rules_sender_key(tap, operation->address,
                         ret_elements->keys[ARP_SENDERS]);
        ret_elements->n_sets = 1;
        return true;
    }
    if (operation->type == PLAN_GUARD_MAC) {
        ret_elements->spec = rules_table_spec(TABLE_BRIDGE);
        rules_mac_known_key(tap_ifindex, ret_elements->keys[BRIDGE_MAC_KNOWN]);
        rules_mac_key(tap_ifindex, &operation->mac,
                      ret_elements->keys[BRIDGE_MACS]);
        ret_elements->n_sets = 2;
        return true;
    }
    return false;
}

static bool change_elements(Netlink *netfilter, const PortElements *elements,
                            int type, int flags, guint32 generation,
                            int *ret_errno, GError **error)
{
    g_autoptr(Transaction) transaction = transaction_new(generation);

    for (guint set = 0; set < elements->n_sets; set++) {
        transaction_elements(transaction, elements->spec, set, type, flags,
                             elements->keys[set],
                             elements->spec->sets[set].key_length);
    }
    return transaction_commit(transaction, netfilter, ret_errno, error);
}

/* A slot of a large pool keeps its sender from one holder to the next. */
static bool is_admitted(Netlink *netfilter, const PortElements *elements)
{
    guint taken;
    g_autoptr(NetlinkMessage) query =
        encode_elements(elements->spec, ARP_SENDERS, NFT_MSG_GETSETELEM, 0,
                        elements->keys[ARP_SENDERS], 1, &taken);

    return netlink_query(netfilter, query, NULL, NULL, NULL, NULL);
}

/* The sets of the bridge table are full: those of dead interfaces go. */
static bool sweep_macs(Netlink *netfilter, GError **error)
{
    const TableSpec *spec = rules_table_spec(TABLE_BRIDGE);
    g_autoptr(Transaction) transaction = transaction_new(0);

    for (guint set = 0; set < spec->n_sets; set++) {
        g_autoptr(GByteArray) keys = g_byte_array_new();
        g_autoptr(GByteArray) dead = g_byte_array_new();
        int errnum;

        if (!verify_dump_elements(netfilter, spec, set, keys, &errnum,
                                  error)) {
            return false;
        }
        live_choose(keys, spec->sets[set].key_length, false, dead);
        transaction_elements(transaction, spec, set, NFT_MSG_DELSETELEM, 0,
                             dead->data, dead->len);
    }
    if (transaction_is_empty(transaction)) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "as many bridged ports have a fixed MAC as can");
    }
    return transaction_commit(transaction, netfilter, NULL, error);
}

bool firewall_apply_port(Netlink *netfilter, const PlanOperation *operation,
                         int tap_ifindex, const Ifname *tap,
                         guint32 *generation, GError **error)
{
    PortElements elements;
    int errnum = 0;

    if (operation->type == PLAN_FORWARDS) {
        return translate_put(netfilter, operation->forwards, generation,
                             error);
    }
    if (!port_elements(operation, tap_ifindex, tap, &elements)) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "operation %d is none of the firewall's ports",
                         (int)operation->type);
    }
    if (operation->type == PLAN_ADMIT_SENDER &&
        is_admitted(netfilter, &elements)) {
        return true;
    }
    /* Refused if anything changed since it was verified, and if there is
     * nothing to add: so success means that one generation passed, ours. */
    if (*generation != 0 &&
        change_elements(netfilter, &elements, NFT_MSG_NEWSETELEM,
                        NLM_F_CREATE | NLM_F_EXCL, *generation, &errnum,
                        NULL)) {
        *generation = transaction_next_generation(*generation);
        return true;
    }
    if (errnum != ENFILE) {
        g_autoptr(GError) failure = NULL;

        if (change_elements(netfilter, &elements, NFT_MSG_NEWSETELEM,
                            NLM_F_CREATE, 0, &errnum, &failure)) {
            return true;
        }
        if (errnum == ENOENT) {
            return error_set(error, TAPSTER_ERROR_BUSY,
                             "table %s was removed by another program just "
                             "now; try again", elements.spec->label);
        }
        if (errnum != ENFILE) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    return sweep_macs(netfilter, error) &&
           change_elements(netfilter, &elements, NFT_MSG_NEWSETELEM,
                           NLM_F_CREATE, 0, &errnum, error);
}

void firewall_forget_port(Netlink *netfilter, const PlanOperation *operation,
                          int tap_ifindex)
{
    PortElements elements;

    if (operation->type == PLAN_FORWARDS) {
        translate_take_back(netfilter, operation->forwards);
    } else if (operation->type == PLAN_GUARD_MAC &&
               port_elements(operation, tap_ifindex, NULL, &elements)) {
        /* A tap's index does not come again, so what stays does no harm. */
        (void)!change_elements(netfilter, &elements, NFT_MSG_DELSETELEM, 0, 0,
                               NULL, NULL);
    }
}
