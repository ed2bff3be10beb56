/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/encode.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

/*
 * nf_tables messages, attribute by attribute (Linux
 * include/uapi/linux/netfilter/nf_tables.h).
 *
 * Whatever the kernel tells back in a dump is sent explicitly, defaults as
 * well (flags, policy), so that verify.c compares it; what it would not tell
 * back when it is 0 (masquerade flags) is left out when it is 0.
 *
 * Numbers in attributes are in network byte order; set keys and the data of
 * expressions are bytes as they lie in memory or on the wire.
 */

/* An attribute's length has 16 bits, and the list of elements is one. */
#define ELEMENTS_BYTES_MAX 60000

/* Userdata of a set, by which nft knows how to print it: type, length, value.
 * Source: libnftnl include/libnftnl/udata.h, NFTNL_UDATA_SET_KEYBYTEORDER */
#define UDATA_SET_KEYBYTEORDER  0
#define UDATA_SET_DATABYTEORDER 1

static NetlinkMessage *message_new(int type, int flags, guint8 family,
                                   guint16 resource, gsize size)
{
    struct nfgenmsg header = {
        .nfgen_family = family,
        .version = NFNETLINK_V0,
        .res_id = htons(resource),
    };
    NetlinkMessage *message = nlmsg_alloc_size(size);

    if (!message || !nlmsg_put(message, 0, 0, type, 0, NLM_F_REQUEST | flags) ||
        nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        abort(); /* out of memory: what GLib does */
    }
    return message;
}

static NetlinkMessage *table_message(const TableSpec *spec, int type, int flags,
                                     gsize size)
{
    NetlinkMessage *message =
        message_new(NFNL_SUBSYS_NFTABLES << 8 | type, flags, spec->family, 0,
                    size);

    /* The table's name has number 1 in every kind of message. */
    nla_put_string(message, NFTA_TABLE_NAME, RULES_TABLE_NAME);
    return message;
}

static void put_be32(NetlinkMessage *message, int type, guint32 value)
{
    nla_put_u32(message, type, htonl(value));
}

NetlinkMessage *encode_begin(guint32 generation)
{
    NetlinkMessage *message = message_new(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
                                          NFNL_SUBSYS_NFTABLES, 64);

    if (generation != 0) {
        put_be32(message, NFNL_BATCH_GENID, generation);
    }
    return message;
}

NetlinkMessage *encode_end(void)
{
    return message_new(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES,
                       64);
}

NetlinkMessage *encode_table(const TableSpec *spec)
{
    NetlinkMessage *message = table_message(spec, NFT_MSG_NEWTABLE,
                                            NLM_F_CREATE | NLM_F_EXCL, 128);

    put_be32(message, NFTA_TABLE_FLAGS, 0);
    return message;
}

NetlinkMessage *encode_delete_table(const TableSpec *spec)
{
    return table_message(spec, NFT_MSG_DELTABLE, 0, 128);
}

NetlinkMessage *encode_chain(const TableSpec *spec, const ChainSpec *chain)
{
    NetlinkMessage *message = table_message(spec, NFT_MSG_NEWCHAIN,
                                            NLM_F_CREATE, 256);

    nla_put_string(message, NFTA_CHAIN_NAME, chain->name);
    if (chain->type) {
        struct nlattr *hook = nla_nest_start(message, NFTA_CHAIN_HOOK);

        put_be32(message, NFTA_HOOK_HOOKNUM, chain->hook);
        put_be32(message, NFTA_HOOK_PRIORITY, (guint32)chain->priority);
        nla_nest_end(message, hook);
        put_be32(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
        nla_put_string(message, NFTA_CHAIN_TYPE, chain->type);
    }
    return message;
}

static guint32 set_flags(const SetSpec *set)
{
    return (set->data_length != 0 ? NFT_SET_MAP : 0) |
           (set->learnt ? NFT_SET_EVAL : 0) |
           (set->timeout_ms != 0 ? NFT_SET_TIMEOUT : 0);
}

static void add_userdata(GByteArray *userdata, guint8 type, ByteOrder order)
{
    guint32 value = order;
    guint8 header[2] = { type, sizeof(value) };

    g_byte_array_append(userdata, header, sizeof(header));
    g_byte_array_append(userdata, (const guint8 *)&value, sizeof(value));
}

NetlinkMessage *encode_set(const TableSpec *spec, guint set)
{
    const SetSpec *what = &spec->sets[set];
    NetlinkMessage *message = table_message(spec, NFT_MSG_NEWSET, NLM_F_CREATE,
                                            256);
    g_autoptr(GByteArray) userdata = g_byte_array_new();

    nla_put_string(message, NFTA_SET_NAME, what->name);
    put_be32(message, NFTA_SET_ID, set + 1);
    put_be32(message, NFTA_SET_FLAGS, set_flags(what));
    put_be32(message, NFTA_SET_KEY_TYPE, what->key_type);
    put_be32(message, NFTA_SET_KEY_LEN, what->key_length);
    add_userdata(userdata, UDATA_SET_KEYBYTEORDER, what->key_order);
    if (what->data_length != 0) {
        put_be32(message, NFTA_SET_DATA_TYPE, what->data_type);
        put_be32(message, NFTA_SET_DATA_LEN, what->data_length);
        add_userdata(userdata, UDATA_SET_DATABYTEORDER, what->data_order);
    }
    if (what->size != 0) {
        struct nlattr *description = nla_nest_start(message, NFTA_SET_DESC);

        put_be32(message, NFTA_SET_DESC_SIZE, what->size);
        nla_nest_end(message, description);
    }
    if (what->timeout_ms != 0) {
        nla_put_u64(message, NFTA_SET_TIMEOUT, GUINT64_TO_BE(what->timeout_ms));
    }
    nla_put(message, NFTA_SET_USERDATA, (int)userdata->len, userdata->data);
    return message;
}

/* enum nft_data_attributes in an attribute of its own. */
static void put_value(NetlinkMessage *message, int type, const guint8 *value,
                      guint length)
{
    struct nlattr *data = nla_nest_start(message, type);

    nla_put(message, NFTA_DATA_VALUE, (int)length, value);
    nla_nest_end(message, data);
}

NetlinkMessage *encode_elements(const TableSpec *spec, guint set, int type,
                                int flags, const guint8 *rows, guint n_rows,
                                guint *ret_taken)
{
    const SetSpec *what = &spec->sets[set];
    guint row_length = rules_row_length(what);
    bool with_data = type == NFT_MSG_NEWSETELEM && what->data_length != 0;
    /* Three attributes, one in the other: element, key, value; and two for the
     * data. */
    guint element_size = 3 * NLA_HDRLEN + NLA_ALIGN(what->key_length) +
                         (with_data
                              ? 2 * NLA_HDRLEN + NLA_ALIGN(what->data_length)
                              : 0);
    guint taken = MIN(n_rows, ELEMENTS_BYTES_MAX / element_size);
    NetlinkMessage *message = table_message(spec, type, flags,
                                            256 + taken * element_size);
    struct nlattr *elements;

    nla_put_string(message, NFTA_SET_ELEM_LIST_SET, what->name);
    elements = nla_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (guint i = 0; i < taken; i++) {
        const guint8 *row = rows + (gsize)i * row_length;
        struct nlattr *element = nla_nest_start(message, NFTA_LIST_ELEM);

        put_value(message, NFTA_SET_ELEM_KEY, row, what->key_length);
        if (with_data) {
            put_value(message, NFTA_SET_ELEM_DATA, row + what->key_length,
                      what->data_length);
        }
        nla_nest_end(message, element);
    }
    nla_nest_end(message, elements);
    *ret_taken = taken;
    return message;
}

static void put_meta(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_META_KEY, expression->key);
    put_be32(message, NFTA_META_DREG, expression->reg);
}

static void put_ct(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_CT_KEY, expression->key);
    put_be32(message, NFTA_CT_DREG, expression->reg);
}

static void put_fib(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_FIB_DREG, expression->reg);
    put_be32(message, NFTA_FIB_RESULT, expression->key);
    put_be32(message, NFTA_FIB_FLAGS, expression->flags);
}

static void put_payload(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_PAYLOAD_DREG, expression->reg);
    put_be32(message, NFTA_PAYLOAD_BASE, expression->key);
    put_be32(message, NFTA_PAYLOAD_OFFSET, expression->offset);
    put_be32(message, NFTA_PAYLOAD_LEN, expression->length);
}

static void put_bitwise(NetlinkMessage *message, const Expression *expression)
{
    static const guint8 zero[EXPRESSION_DATA_MAX] = { 0 };

    put_be32(message, NFTA_BITWISE_SREG, expression->reg);
    put_be32(message, NFTA_BITWISE_DREG,
             expression->reg_max ? expression->reg_max : expression->reg);
    put_be32(message, NFTA_BITWISE_LEN, expression->length);
    put_be32(message, NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
    put_value(message, NFTA_BITWISE_MASK, expression->data, expression->length);
    put_value(message, NFTA_BITWISE_XOR, zero, expression->length);
}

static void put_cmp(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_CMP_SREG, expression->reg);
    put_be32(message, NFTA_CMP_OP, expression->key);
    put_value(message, NFTA_CMP_DATA, expression->data, expression->length);
}

static void put_lookup(NetlinkMessage *message, const Expression *expression)
{
    nla_put_string(message, NFTA_LOOKUP_SET, expression->name);
    put_be32(message, NFTA_LOOKUP_SREG, expression->reg);
    if (expression->reg_max != 0) {
        put_be32(message, NFTA_LOOKUP_DREG, expression->reg_max);
    }
    put_be32(message, NFTA_LOOKUP_FLAGS, expression->flags);
}

static void put_load(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_IMMEDIATE_DREG, expression->reg);
    put_value(message, NFTA_IMMEDIATE_DATA, expression->data,
              expression->length);
}

static void put_masquerade(NetlinkMessage *message,
                           const Expression *expression)
{
    if (expression->flags != 0) {
        put_be32(message, NFTA_MASQ_FLAGS, expression->flags);
        put_be32(message, NFTA_MASQ_REG_PROTO_MIN, expression->reg);
        put_be32(message, NFTA_MASQ_REG_PROTO_MAX, expression->reg_max);
    }
}

static void put_dnat(NetlinkMessage *message, const Expression *expression)
{
    put_be32(message, NFTA_NAT_TYPE, NFT_NAT_DNAT);
    put_be32(message, NFTA_NAT_FAMILY, expression->key);
    if (expression->reg != 0) {
        put_be32(message, NFTA_NAT_REG_ADDR_MIN, expression->reg);
    }
    put_be32(message, NFTA_NAT_REG_PROTO_MIN, expression->reg_max);
}

/* An expression in an element: enum nft_limit_attributes. */
static void put_limit(NetlinkMessage *message, const Expression *expression)
{
    struct nlattr *limit = nla_nest_start(message, NFTA_DYNSET_EXPR);
    struct nlattr *data;

    nla_put_string(message, NFTA_EXPR_NAME, "limit");
    data = nla_nest_start(message, NFTA_EXPR_DATA);
    nla_put_u64(message, NFTA_LIMIT_RATE, GUINT64_TO_BE(expression->rate));
    nla_put_u64(message, NFTA_LIMIT_UNIT, GUINT64_TO_BE(1));
    put_be32(message, NFTA_LIMIT_BURST, expression->burst);
    put_be32(message, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
    put_be32(message, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
    nla_nest_end(message, data);
    nla_nest_end(message, limit);
}

static void put_dynset(NetlinkMessage *message, const Expression *expression)
{
    nla_put_string(message, NFTA_DYNSET_SET_NAME, expression->name);
    put_be32(message, NFTA_DYNSET_OP, expression->key);
    put_be32(message, NFTA_DYNSET_SREG_KEY, expression->reg);
    if (expression->reg_max != 0) {
        put_be32(message, NFTA_DYNSET_SREG_DATA, expression->reg_max);
    }
    if (expression->rate != 0) {
        put_limit(message, expression);
    }
}

static void put_verdict(NetlinkMessage *message, const Expression *expression)
{
    struct nlattr *data, *verdict;

    put_be32(message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data = nla_nest_start(message, NFTA_IMMEDIATE_DATA);
    verdict = nla_nest_start(message, NFTA_DATA_VERDICT);
    put_be32(message, NFTA_VERDICT_CODE, expression->key);
    if (expression->name) {
        nla_put_string(message, NFTA_VERDICT_CHAIN, expression->name);
    }
    nla_nest_end(message, verdict);
    nla_nest_end(message, data);
}

static const struct {
    const char *name; /* the kernel's */
    void (*put)(NetlinkMessage *message, const Expression *expression);
} encoders[] = {
    [EXPRESSION_META] = { "meta", put_meta },
    [EXPRESSION_CT] = { "ct", put_ct },
    [EXPRESSION_FIB] = { "fib", put_fib },
    [EXPRESSION_PAYLOAD] = { "payload", put_payload },
    [EXPRESSION_BITWISE] = { "bitwise", put_bitwise },
    [EXPRESSION_CMP] = { "cmp", put_cmp },
    [EXPRESSION_LOOKUP] = { "lookup", put_lookup },
    [EXPRESSION_LOAD] = { "immediate", put_load },
    [EXPRESSION_MASQUERADE] = { "masq", put_masquerade },
    [EXPRESSION_DNAT] = { "nat", put_dnat },
    [EXPRESSION_DYNSET] = { "dynset", put_dynset },
    [EXPRESSION_VERDICT] = { "immediate", put_verdict },
};

NetlinkMessage *encode_rule(const TableSpec *spec, const RuleSpec *rule)
{
    NetlinkMessage *message = table_message(spec, NFT_MSG_NEWRULE,
                                            NLM_F_CREATE | NLM_F_APPEND, 2048);
    struct nlattr *list;

    nla_put_string(message, NFTA_RULE_CHAIN, rule->chain);
    list = nla_nest_start(message, NFTA_RULE_EXPRESSIONS);
    for (const Expression *e = rule->expressions; e->kind != EXPRESSION_END;
         e++) {
        struct nlattr *element = nla_nest_start(message, NFTA_LIST_ELEM);
        struct nlattr *data;

        nla_put_string(message, NFTA_EXPR_NAME, encoders[e->kind].name);
        data = nla_nest_start(message, NFTA_EXPR_DATA);
        encoders[e->kind].put(message, e);
        /* nla_nest_end() takes an empty one away, and masq may be one. */
        nla_nest_end_keep_empty(message, data);
        nla_nest_end(message, element);
    }
    nla_nest_end(message, list);
    return message;
}

NetlinkMessage *encode_get(const TableSpec *spec, int type, int flags,
                           const char *set)
{
    NetlinkMessage *message;

    if (!spec) {
        return message_new(NFNL_SUBSYS_NFTABLES << 8 | type, flags, AF_UNSPEC,
                           0, 64);
    }
    message = table_message(spec, type, flags, 128);
    if (set) {
        nla_put_string(message, NFTA_SET_ELEM_LIST_SET, set);
    }
    return message;
}
