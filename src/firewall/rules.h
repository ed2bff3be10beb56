/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ifname.h"
#include "pool/segment.h"

/* All our tables are called this, in three families. */
#define RULES_TABLE_NAME "tapster"

/* What a rule is made of, in the kernel's own terms: it loads into registers,
 * compares them, and ends with a verdict. */
typedef enum {
    EXPRESSION_END, /* closes a rule's list */
    EXPRESSION_META,
    EXPRESSION_CT,
    EXPRESSION_FIB,
    EXPRESSION_PAYLOAD,
    EXPRESSION_BITWISE,
    EXPRESSION_CMP,
    EXPRESSION_LOOKUP,
    EXPRESSION_LOAD, /* a constant */
    EXPRESSION_MASQUERADE,
    EXPRESSION_VERDICT,
} ExpressionKind;

#define EXPRESSION_DATA_MAX 16

/* Which fields count depends on kind; the others are 0. */
typedef struct {
    ExpressionKind kind;
    guint32 reg;      /* enum nft_registers: written, or read and written */
    guint32 reg_max;  /* MASQUERADE: holds the last port; reg the first */
    guint32 key;      /* META, CT: enum nft_meta_keys, nft_ct_keys.
                       * FIB: enum nft_fib_result. PAYLOAD: nft_payload_bases.
                       * CMP: enum nft_cmp_ops. VERDICT: NF_* or NFT_* */
    guint32 offset;   /* PAYLOAD, bytes */
    guint32 length;   /* PAYLOAD, BITWISE, CMP, LOAD: bytes */
    guint32 flags;    /* FIB, LOOKUP, MASQUERADE */
    guint8 data[EXPRESSION_DATA_MAX]; /* CMP, LOAD; BITWISE: the mask */
    const char *name; /* LOOKUP: a set. VERDICT: a chain to jump to */
} Expression;

typedef struct {
    const char *chain;
    const Expression *expressions; /* up to EXPRESSION_END */
} RuleSpec;

typedef struct {
    const char *name;
    const char *type; /* NULL: only jumped to; else "filter" or "nat" */
    guint32 hook;     /* NF_INET_*, NF_ARP_*, NF_BR_* */
    gint32 priority;
} ChainSpec;

typedef struct {
    const char *name;
    guint32 key_type;   /* nft's number, see rules.c */
    guint32 key_length; /* bytes */
    bool key_in_host_order; /* how nft is to print it */
    guint32 size;       /* most elements; 0: no limit */
} SetSpec;

/* What is the same on every host. Rules stand in the order of their chains. */
typedef struct {
    const char *label; /* "inet tapster", for errors */
    const ChainSpec *chains;
    const SetSpec *sets;
    const RuleSpec *rules;
    guint n_chains;
    guint n_sets;
    guint n_rules;
    guint8 family; /* NFPROTO_* */
} TableSpec;

typedef enum {
    TABLE_INET,
    TABLE_ARP,
    TABLE_BRIDGE,
    TABLES_N,
} TableIndex;

/* Positions in the tables' lists of sets. */
enum {
    INET_ANYWHERE,
    INET_EXITS,
    INET_PEERS,
    INET_TO_HOST,
    INET_MASQUERADED,
    INET_FENCED,
    INET_SAME,
    SETS_MAX,
    ARP_SENDERS = 0,
    BRIDGE_MAC_KNOWN = 0,
    BRIDGE_MACS = 1,
};

/* A table as it should be: the constant part, and its sets' elements. */
typedef struct {
    const TableSpec *spec;
    bool wanted;
    GByteArray *elements[SETS_MAX]; /* keys in a row, ascending, each once */
} RulesTable;

typedef struct {
    RulesTable tables[TABLES_N];
    GArray *segments; /* of Segment: who may explain an unexpected element */
} Ruleset;

/**
 * rules_make:
 * @segments: (element-type Segment): all networks
 * @fenced: (element-type Ifname): see firewall_ensure()
 *
 * Privilege: none
 * Returns: (transfer full): the tables these need
 */
Ruleset *rules_make(const GArray *segments, const GArray *fenced);
void ruleset_free(Ruleset *ruleset);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ruleset, ruleset_free)

/* The constant part of a table. */
const TableSpec *rules_table_spec(TableIndex index);

/**
 * rules_explains:
 * @set: position in the table's list of sets
 * @key: an element that the kernel has and @ruleset does not list
 *
 * True for what ports add themselves: known MACs, and senders of pools too
 * large to be filled.
 *
 * Privilege: none
 */
bool rules_explains(const Ruleset *ruleset, TableIndex index, guint set,
                    const guint8 *key);

/* Keys of the elements that firewall_apply_port() adds. */
#define RULES_SENDER_KEY_SIZE    20
#define RULES_MAC_KNOWN_KEY_SIZE 4
#define RULES_MAC_KEY_SIZE       12
void rules_sender_key(const Ifname *tap, guint32 address,
                      guint8 ret_key[RULES_SENDER_KEY_SIZE]);
void rules_mac_known_key(int ifindex, guint8 ret_key[RULES_MAC_KNOWN_KEY_SIZE]);
void rules_mac_key(int ifindex, const Mac *mac,
                   guint8 ret_key[RULES_MAC_KEY_SIZE]);

/* Sorts fixed-size keys and removes doubles. */
void rules_sort_keys(GByteArray *keys, guint key_length);
