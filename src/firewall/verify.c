/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/verify.h"
#include "firewall/encode.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/*
 * Is what the kernel has what it should have? There is no second description
 * of the rules: each dumped object is compared with the message that would
 * make it. Tables, chains, sets and rules are dumped in the order in which they
 * were made, so the n-th must be the n-th; one too many or too few is a
 * difference like any other.
 *
 * Reads only. The caller sees to it that nothing changed between two dumps, by
 * asking for the generation before and after.
 */

static void drop_rows(GByteArray **rows)
{
    if (*rows) {
        g_byte_array_unref(*rows);
        *rows = NULL;
    }
}

void verify_table_clear(VerifyTable *found)
{
    for (guint set = 0; set < SETS_MAX; set++) {
        drop_rows(&found->missing[set]);
        drop_rows(&found->surplus[set]);
    }
}

/* --------------------------------------------------------- one object */

static bool attributes_match(const struct nlattr *sent, int sent_length,
                             const struct nlattr *dumped, int dumped_length)
{
    const struct nlattr *attribute;
    int left;

    nla_for_each_attr(attribute, sent, sent_length, left) {
        const struct nlattr *other = nla_find(dumped, dumped_length,
                                              nla_type(attribute));

        if (!other) {
            return false;
        }
        /* The kernel leaves NLA_F_NESTED out; encode.c never does. */
        if (attribute->nla_type & NLA_F_NESTED) {
            if (!attributes_match(nla_data(attribute), nla_len(attribute),
                                  nla_data(other), nla_len(other))) {
                return false;
            }
        } else if (nla_len(attribute) != nla_len(other) ||
                   memcmp(nla_data(attribute), nla_data(other),
                          (gsize)nla_len(attribute)) != 0) {
            return false;
        }
    }
    return true;
}

/* Two lists of NFTA_LIST_ELEM, position by position. */
static bool lists_match(const struct nlattr *sent, const struct nlattr *dumped)
{
    const struct nlattr *a = nla_data(sent), *b = nla_data(dumped);
    int a_left = nla_len(sent), b_left = nla_len(dumped);

    while (nla_ok(a, a_left) && nla_ok(b, b_left)) {
        if (nla_type(a) != nla_type(b) ||
            !attributes_match(nla_data(a), nla_len(a), nla_data(b),
                              nla_len(b))) {
            return false;
        }
        a = nla_next(a, &a_left);
        b = nla_next(b, &b_left);
    }
    return !nla_ok(a, a_left) && !nla_ok(b, b_left);
}

static guint8 family_of(const struct nlmsghdr *message)
{
    const struct nfgenmsg *header = nlmsg_data(message);

    return header->nfgen_family;
}

/* A set's number counts within its transaction only, and flags of 0 are not
 * told (Linux net/netfilter/nf_tables_api.c, nf_tables_fill_set()). */
static bool is_left_out(const struct nlattr *sent, const struct nlattr *dumped,
                        int dumped_length)
{
    return nla_type(sent) == NFTA_SET_ID ||
           (nla_type(sent) == NFTA_SET_FLAGS && nla_get_u32(sent) == 0 &&
            !nla_find(dumped, dumped_length, NFTA_SET_FLAGS));
}

bool verify_matches(const struct nlmsghdr *sent, const struct nlmsghdr *dumped)
{
    static const int header_size = sizeof(struct nfgenmsg);
    const struct nlattr *attribute, *dumped_attributes;
    int left, dumped_length;

    if (nlmsg_datalen(dumped) < header_size ||
        sent->nlmsg_type != dumped->nlmsg_type ||
        family_of(sent) != family_of(dumped)) {
        return false;
    }
    dumped_attributes = nlmsg_attrdata(dumped, header_size);
    dumped_length = nlmsg_attrlen(dumped, header_size);
    nla_for_each_attr(attribute, nlmsg_attrdata(sent, header_size),
                      nlmsg_attrlen(sent, header_size), left) {
        int type = nla_type(attribute);
        int message_type = NFNL_MSG_TYPE(sent->nlmsg_type);
        int size = NLA_ALIGN(attribute->nla_len);
        const struct nlattr *other;

        if (message_type == NFT_MSG_NEWSET &&
            is_left_out(attribute, dumped_attributes, dumped_length)) {
            continue;
        }
        if (message_type == NFT_MSG_NEWRULE && type == NFTA_RULE_EXPRESSIONS) {
            other = nla_find(dumped_attributes, dumped_length, type);
            if (!other || !lists_match(attribute, other)) {
                return false;
            }
        } else if (!attributes_match(attribute, size, dumped_attributes,
                                     dumped_length)) {
            return false;
        }
    }
    return true;
}

/* ----------------------------------------------- all objects of a kind */

typedef NetlinkMessage *(*MakeExpected)(const TableSpec *spec, guint index);

static NetlinkMessage *make_table(const TableSpec *spec, guint index)
{
    return encode_table(spec);
}

static NetlinkMessage *make_chain(const TableSpec *spec, guint index)
{
    return encode_chain(spec, &spec->chains[index]);
}

static NetlinkMessage *make_set(const TableSpec *spec, guint index)
{
    return encode_set(spec, index);
}

static NetlinkMessage *make_rule(const TableSpec *spec, guint index)
{
    return encode_rule(spec, &spec->rules[index]);
}

typedef struct {
    const TableSpec *spec;
    MakeExpected make;
    guint n_expected;
    guint n_found;
    bool differs;
} Comparison;

const struct nlattr *verify_find_attribute(const struct nlmsghdr *message,
                                           int type)
{
    static const int header_size = sizeof(struct nfgenmsg);

    return nlmsg_datalen(message) < header_size
               ? NULL
               : nla_find(nlmsg_attrdata(message, header_size),
                          nlmsg_attrlen(message, header_size), type);
}

/* Dumps are filtered by family, but not all of them by table. */
static bool is_in_table(const struct nlmsghdr *message)
{
    const struct nlattr *name = verify_find_attribute(message,
                                                      NFTA_TABLE_NAME);

    return name && nla_strcmp(name, RULES_TABLE_NAME) == 0;
}

static bool compare_next(const struct nlmsghdr *message, gpointer data)
{
    Comparison *comparison = data;

    if (!is_in_table(message)) {
        return true;
    }
    if (comparison->n_found >= comparison->n_expected) {
        comparison->differs = true;
        return false;
    }

    g_autoptr(NetlinkMessage) expected =
        comparison->make(comparison->spec, comparison->n_found);

    comparison->n_found++;
    comparison->differs = !verify_matches(nlmsg_hdr(expected), message);
    return !comparison->differs;
}

static bool compare_objects(Netlink *netfilter, const TableSpec *spec,
                            int get, int flags, MakeExpected make,
                            guint n_expected, bool *ret_same, int *ret_errno,
                            GError **error)
{
    Comparison comparison = {
        .spec = spec,
        .make = make,
        .n_expected = n_expected,
    };
    g_autoptr(NetlinkMessage) query = encode_get(spec, get, flags, NULL);

    if (!netlink_query(netfilter, query, compare_next, &comparison, ret_errno,
                       error)) {
        return false;
    }
    *ret_same = !comparison.differs && comparison.n_found == n_expected;
    return true;
}

bool verify_table(Netlink *netfilter, const Ruleset *ruleset, TableIndex index,
                  VerifyTable *ret_found, int *ret_errno, GError **error)
{
    const TableSpec *spec = ruleset->tables[index].spec;
    const struct {
        const char *what;
        int get;
        int flags;
        MakeExpected make;
        guint n;
    } kinds[] = {
        { "table", NFT_MSG_GETTABLE, 0, make_table, 1 },
        { "chains", NFT_MSG_GETCHAIN, NLM_F_DUMP, make_chain, spec->n_chains },
        { "sets", NFT_MSG_GETSET, NLM_F_DUMP, make_set, spec->n_sets },
        { "rules", NFT_MSG_GETRULE, NLM_F_DUMP, make_rule, spec->n_rules },
    };

    memset(ret_found, 0, sizeof(*ret_found));
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) failure = NULL;
        bool same;

        if (!compare_objects(netfilter, spec, kinds[i].get, kinds[i].flags,
                             kinds[i].make, kinds[i].n, &same, ret_errno,
                             &failure)) {
            if (i == 0 && *ret_errno == ENOENT) {
                ret_found->result = VERIFY_ABSENT;
                return true;
            }
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (!same) {
            ret_found->result = VERIFY_DIFFERS;
            ret_found->difference = kinds[i].what;
            return true;
        }
    }
    ret_found->result = VERIFY_SAME;
    return verify_elements(netfilter, ruleset, index, ret_found, ret_errno,
                           error);
}
