/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ifname.h"
#include "firewall/firewall.h"
#include "pool/forwards.h"
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
    EXPRESSION_DNAT,
    EXPRESSION_DYNSET, /* changes an element of a set */
    EXPRESSION_VERDICT,
} ExpressionKind;

#define EXPRESSION_DATA_MAX 16

/* Which fields count depends on kind; the others are 0. */
typedef struct {
    ExpressionKind kind;
    guint32 reg;      /* enum nft_registers: written, or read and written */
    guint32 reg_max;  /* MASQUERADE: holds the last port; reg the first.
                       * LOOKUP: written from a map. BITWISE: written, if it
                       * is not reg. DNAT: holds the port; reg
                       * the address. DYNSET: holds the data. 0: none */
    guint32 key;      /* META, CT: enum nft_meta_keys, nft_ct_keys.
                       * FIB: enum nft_fib_result. PAYLOAD: nft_payload_bases.
                       * CMP: enum nft_cmp_ops. VERDICT: NF_* or NFT_*.
                       * DNAT: NFPROTO_*. DYNSET: enum nft_dynset_ops */
    guint32 offset;   /* PAYLOAD, bytes */
    guint32 length;   /* PAYLOAD, BITWISE, CMP, LOAD: bytes */
    guint32 flags;    /* FIB, LOOKUP, MASQUERADE */
    guint32 rate;     /* DYNSET: for more packets a second than that, an element
                       * lets the rule go on; 0: it has no such limit */
    guint32 burst;    /* DYNSET: and so many more at once */
    guint8 data[EXPRESSION_DATA_MAX]; /* CMP, LOAD; BITWISE: the mask */
    const char *name; /* LOOKUP, DYNSET: a set. VERDICT: a chain to jump to */
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

/* How nft is to print numbers. Source: nftables include/datatype.h, enum
 * byteorder */
typedef enum {
    ORDER_NONE, /* of concatenations, too */
    ORDER_HOST,
    ORDER_NETWORK,
} ByteOrder;

typedef struct {
    const char *name;
    guint32 key_type;   /* nft's number, see expressions.h */
    guint32 key_length; /* bytes */
    ByteOrder key_order;
    guint32 size;       /* most elements; 0: no limit */
    guint32 data_type;  /* of a map */
    guint32 data_length; /* bytes; 0: a set */
    ByteOrder data_order;
    bool learnt;        /* packets put elements in, nobody else does */
    guint32 timeout_ms; /* how long each stays; 0: for ever */
} SetSpec;

/* An element: a key, and in a map its data behind it. */
static inline guint rules_row_length(const SetSpec *set)
{
    return set->key_length + set->data_length;
}

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
    INET_SHARED,
    INET_DNS,
    INET_DNS4,
    INET_DNS4_HERE,
    INET_DNS6,
    INET_DNS6_HERE,
    /* forwards: what rules_add_forward() fills */
    INET_FORWARDS4,
    INET_FORWARDS4_AT,
    INET_FORWARDS6,
    INET_FORWARDS6_AT,
    INET_PUBLIC,
    INET_PUBLIC4_AT,
    INET_PUBLIC6_AT,
    INET_PREFIXES6,
    /* what packets fill */
    INET_GUESTS6,
    INET_LEARNT,
    INET_NEIGHBOURS6,
    INET_NEWCOMERS,
    SETS_MAX,
    INET_FORWARD_FIRST = INET_FORWARDS4,
    INET_FORWARD_LAST = INET_PREFIXES6,
    ARP_SENDERS = 0,
    ARP_SHARED = 1,
    BRIDGE_MAC_KNOWN = 0,
    BRIDGE_MACS = 1,
};

/* A table as it should be: the constant part, and its sets' elements. */
typedef struct {
    const TableSpec *spec;
    bool wanted;
    GByteArray *elements[SETS_MAX]; /* in a row, ascending, each key once */
} RulesTable;

typedef struct {
    RulesTable tables[TABLES_N];
    GArray *segments; /* of Segment: who may explain an unexpected element */
} Ruleset;

/**
 * rules_make:
 * @wish: all that is to be in force
 *
 * Privilege: none
 * Returns: (transfer full): the tables that it needs
 */
Ruleset *rules_make(const FirewallWish *wish);
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
#define RULES_GUEST6_KEY_SIZE    16 /* an interface's name */
#define RULES_GUEST6_ROW_SIZE    32
void rules_sender_key(const Ifname *tap, guint32 address,
                      guint8 ret_key[RULES_SENDER_KEY_SIZE]);
void rules_mac_known_key(int ifindex, guint8 ret_key[RULES_MAC_KNOWN_KEY_SIZE]);
void rules_mac_key(int ifindex, const Mac *mac,
                   guint8 ret_key[RULES_MAC_KEY_SIZE]);

/**
 * rules_add_forward:
 * @sets: of table inet; the elements that @forward stands for are appended to
 *   those from INET_FORWARD_FIRST to INET_FORWARD_LAST
 *
 * Privilege: none
 */
void rules_add_forward(const Forward *forward, GByteArray *const *sets);

/* True if a guest at that port may have said that this is its address:
 * @prefixes are the elements of INET_PREFIXES6, @row one of INET_GUESTS6. */
bool rules_explains_guest6(const GByteArray *prefixes, const guint8 *row);

/* Sorts elements by all their bytes. Of those with the same key, the first
 * stays. */
void rules_sort(GByteArray *rows, const SetSpec *set);

/* The element with that key in sorted @rows; NULL if there is none. */
const guint8 *rules_find(const GByteArray *rows, const SetSpec *set,
                         const guint8 *key);
