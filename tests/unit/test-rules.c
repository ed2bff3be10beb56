/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/encode.h"
#include "firewall/firewall.h"
#include "firewall/verify.h"
#include "pool/slots.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The rules, their elements, their messages and the comparison with a dump,
 * without a kernel. `TEST_WRITE_GOLDEN=1 unit-rules` writes the golden file
 * anew, to be read in the diff.
 */

#define ADDRESS(a, b, c, d) \
    ((guint32)(a) << 24 | (guint32)(b) << 16 | (guint32)(c) << 8 | (guint32)(d))

static Segment masqueraded(const char *name, guint32 subnet, guint32 size)
{
    Segment segment = {
        .mode = MODE_MASQUERADED,
        .subnet_address = subnet,
        .subnet_length = 16,
        .gateway = subnet + 1,
        .pool_offset = 10,
        .pool_size = size,
        .uplink = UPLINK_AUTO,
        .masquerade = true,
        .guest_to_guest = true,
        .guest_to_host = true,
    };

    g_strlcpy(segment.name, name, sizeof(segment.name));
    slots_identify(name, &segment);
    return segment;
}

static Segment bridged(const char *name)
{
    Segment segment = masqueraded(name, 0, 0);

    segment.mode = MODE_BRIDGED;
    segment.subnet_length = 0;
    segment.gateway = 0;
    return segment;
}

static GArray *segments_of(const Segment *segments, guint n)
{
    GArray *array = g_array_new(false, false, sizeof(Segment));

    g_array_append_vals(array, segments, n);
    return array;
}

static GArray *names_of(const char *const *names)
{
    GArray *array = g_array_new(false, false, sizeof(Ifname));

    for (; *names; names++) {
        Ifname name = { "" };

        g_assert_true(ifname_parse(*names, &name, NULL));
        g_array_append_val(array, name);
    }
    return array;
}

static GArray *forwards_of(const Forward *forwards, guint n)
{
    GArray *array = g_array_new(false, false, sizeof(Forward));

    g_array_append_vals(array, forwards, n);
    return array;
}

static Ruleset *make_all(const Segment *segments, guint n,
                         const char *const *names, const char *const *names6,
                         const Forward *forwards, guint n_forwards)
{
    g_autoptr(GArray) array = segments_of(segments, n);
    g_autoptr(GArray) fenced = names_of(names);
    g_autoptr(GArray) fenced6 = names_of(names6);
    g_autoptr(GArray) wanted = forwards_of(forwards, n_forwards);
    const FirewallWish wish = {
        .segments = array,
        .fenced = fenced,
        .fenced6 = fenced6,
        .forwards = wanted,
    };

    return rules_make(&wish);
}

static const char *const no_names[] = { NULL };

static Ruleset *make(const Segment *segments, guint n, const char *const *names)
{
    return make_all(segments, n, names, no_names, NULL, 0);
}

static Segment shared(const char *name, guint32 subnet)
{
    Segment segment = masqueraded(name, subnet, 3);

    segment.kind = SEGMENT_SHARED;
    g_strlcpy(segment.bridge.name, "tbbridge", IFNAMSIZ);
    return segment;
}

static Forward forward(guint16 host_port, guint16 n_ports)
{
    return (Forward){
        .tap = { "tap0" },
        .guest4 = ADDRESS(192, 168, 0, 10),
        .prefix6 = { .address = { { 0xfd, 0, 0, 1, 0, 2, 0, 3 } },
                     .length = 64 },
        .protocol = IPPROTO_TCP,
        .host_port = host_port,
        .guest_port = 80,
        .n_ports = n_ports,
    };
}

/* -------------------------------------------------------------- golden */

static void print_bytes(GString *text, const guint8 *bytes, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_string_append_printf(text, "%02x", bytes[i]);
    }
}

static void print_expression(GString *text, const Expression *e)
{
    static const char *const names[] = {
        [EXPRESSION_META] = "meta",       [EXPRESSION_CT] = "ct",
        [EXPRESSION_FIB] = "fib",         [EXPRESSION_PAYLOAD] = "payload",
        [EXPRESSION_BITWISE] = "bitwise", [EXPRESSION_CMP] = "cmp",
        [EXPRESSION_LOOKUP] = "lookup",   [EXPRESSION_LOAD] = "load",
        [EXPRESSION_MASQUERADE] = "masquerade", [EXPRESSION_DNAT] = "dnat",
        [EXPRESSION_DYNSET] = "dynset",
        [EXPRESSION_VERDICT] = "verdict",
    };

    g_string_append_printf(text, " [%s key %d reg %u", names[e->kind],
                           (int)e->key, e->reg);
    if (e->reg_max != 0) {
        g_string_append_printf(text, " and %u", e->reg_max);
    }
    if (e->rate != 0) {
        g_string_append_printf(text, " limit %u burst %u", e->rate, e->burst);
    }
    if (e->length != 0) {
        g_string_append_printf(text, " at %u length %u ", e->offset, e->length);
        print_bytes(text, e->data, MIN(e->length, sizeof(e->data)));
    }
    g_string_append_printf(text, "%s%s flags %u]", e->name ? " " : "",
                           e->name ? e->name : "", e->flags);
}

static void print_table(GString *text, const RulesTable *table)
{
    const TableSpec *spec = table->spec;

    g_string_append_printf(text, "table %s%s\n", spec->label,
                           table->wanted ? "" : " (not wanted)");
    for (guint i = 0; i < spec->n_sets; i++) {
        const SetSpec *set = &spec->sets[i];

        guint row_length = rules_row_length(set);

        g_string_append_printf(text, "  set %s type %u length %u size %u\n",
                               set->name, set->key_type, set->key_length,
                               set->size);
        if (set->data_length != 0) {
            g_string_append_printf(text, "    to type %u length %u\n",
                                   set->data_type, set->data_length);
        }
        for (guint at = 0; at < table->elements[i]->len; at += row_length) {
            g_string_append(text, "    ");
            print_bytes(text, table->elements[i]->data + at, row_length);
            g_string_append_c(text, '\n');
        }
    }
    for (guint i = 0; i < spec->n_chains; i++) {
        const ChainSpec *chain = &spec->chains[i];

        g_string_append_printf(text, "  chain %s %s hook %u priority %d\n",
                               chain->name, chain->type ? chain->type : "-",
                               chain->hook, chain->priority);
    }
    for (guint i = 0; i < spec->n_rules; i++) {
        g_string_append_printf(text, "  rule %s:", spec->rules[i].chain);
        for (const Expression *e = spec->rules[i].expressions;
             e->kind != EXPRESSION_END; e++) {
            print_expression(text, e);
        }
        g_string_append_c(text, '\n');
    }
}

static void test_golden(void)
{
    static const char *const fence[] = { "wlan0", "eth0", "eth0", NULL };
    static const char *const fence6[] = { "eth0", NULL };
    Segment segments[] = {
        masqueraded("nat", ADDRESS(192, 168, 0, 0), 3),
        masqueraded("cage", ADDRESS(10, 9, 0, 0), 1),
        bridged("lan"),
        shared("flat", ADDRESS(10, 8, 0, 0)),
    };
    Forward forwards[] = { forward(8000, 2), forward(9000, 1),
                           forward(9000, 1) };
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden",
                                                  "rules.txt", NULL);
    g_autofree char *golden = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    /* The bytes of set keys are those of this machine's order. */
    if (G_BYTE_ORDER != G_LITTLE_ENDIAN) {
        g_test_skip("the golden file is of a little-endian machine");
        return;
    }
    segments[1].uplink = UPLINK_NAME;
    g_strlcpy(segments[1].uplink_name.name, "eth7", IFNAMSIZ);
    segments[1].masquerade = false;
    segments[1].guest_to_guest = false;
    segments[1].guest_to_host = false;

    segments[0].masquerade6 = true;
    segments[0].dns_served = true;
    segments[0].subnet6_address = (Address6){ { 0xfd, 0x12 } };
    segments[0].subnet6_length = 48;
    forwards[0].from_any = true;
    forwards[1].host_family = AF_INET;
    forwards[1].host4 = ADDRESS(192, 0, 2, 2);
    forwards[1].protocol = IPPROTO_UDP;
    forwards[1].from_any = true;
    forwards[2].host_family = AF_INET6;
    forwards[2].host6 = (Address6){ { 0x20, 1, 0xd, 0xb8, [15] = 2 } };
    forwards[2].from_any = true;

    g_autoptr(Ruleset) ruleset =
        make_all(segments, G_N_ELEMENTS(segments), fence, fence6, forwards,
                 G_N_ELEMENTS(forwards));

    for (guint i = 0; i < TABLES_N; i++) {
        print_table(text, &ruleset->tables[i]);
    }
    if (g_getenv("TEST_WRITE_GOLDEN")) {
        g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
    }
    g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));

    /* By lines: the first that differs says more than both files. */
    g_auto(GStrv) made = g_strsplit(text->str, "\n", -1);
    g_auto(GStrv) wanted = g_strsplit(golden, "\n", -1);

    for (guint i = 0; made[i] && wanted[i]; i++) {
        g_assert_cmpstr(made[i], ==, wanted[i]);
    }
    g_assert_cmpuint(g_strv_length(made), ==, g_strv_length(wanted));
}

/* ------------------------------------------------------------ elements */

static void test_wanted(void)
{
    static const char *const fence[] = { "eth0", NULL };
    Segment nat = masqueraded("nat", ADDRESS(192, 168, 0, 0), 3);
    Segment lan = bridged("lan"), flat = shared("flat", ADDRESS(10, 8, 0, 0));
    const struct {
        const Segment *segment;
        const char *const *names;
        bool inet, arp, bridge;
    } cases[] = {
        { NULL, no_names, false, false, false },
        { NULL, fence, true, false, false },
        { &nat, no_names, true, true, false },
        { &lan, no_names, true, true, true },
        { &flat, no_names, true, true, true },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Ruleset) ruleset = make(cases[i].segment,
                                          cases[i].segment ? 1 : 0,
                                          cases[i].names);

        g_assert_cmpint(ruleset->tables[TABLE_INET].wanted, ==, cases[i].inet);
        g_assert_cmpint(ruleset->tables[TABLE_ARP].wanted, ==, cases[i].arp);
        g_assert_cmpint(ruleset->tables[TABLE_BRIDGE].wanted, ==,
                        cases[i].bridge);
    }
}

static guint n_senders(const Ruleset *ruleset)
{
    return ruleset->tables[TABLE_ARP].elements[ARP_SENDERS]->len /
           RULES_SENDER_KEY_SIZE;
}

static void test_pools(void)
{
    Segment filled = masqueraded("filled", ADDRESS(10, 1, 0, 0),
                                 FIREWALL_FILLED_SLOTS_MAX);
    Segment large = masqueraded("large", ADDRESS(10, 2, 0, 0),
                                FIREWALL_FILLED_SLOTS_MAX + 1);
    Segment both[] = { filled, large };
    guint8 key[RULES_SENDER_KEY_SIZE];
    Ifname tap = slots_tap_name(&large, 17);

    filled.n_exclude = 1;
    filled.exclude[0] = (SlotRange){ .first = 20, .last = 29 };

    g_autoptr(Ruleset) one = make(&filled, 1, no_names);
    g_autoptr(Ruleset) other = make(&large, 1, no_names);
    g_autoptr(Ruleset) two = make(both, 2, no_names);

    g_assert_cmpuint(n_senders(one), ==, FIREWALL_FILLED_SLOTS_MAX - 10);
    g_assert_cmpuint(n_senders(other), ==, 0);
    g_assert_cmpuint(n_senders(two), ==, FIREWALL_FILLED_SLOTS_MAX);

    rules_sender_key(&tap, slots_address(&large, 17), key);
    g_assert_true(rules_explains(two, TABLE_ARP, ARP_SENDERS, key));
    g_assert_false(rules_explains(one, TABLE_ARP, ARP_SENDERS, key));
    rules_sender_key(&tap, slots_address(&large, 18), key);
    g_assert_false(rules_explains(two, TABLE_ARP, ARP_SENDERS, key));
    memset(key, 'x', sizeof(key));
    g_assert_false(rules_explains(two, TABLE_ARP, ARP_SENDERS, key));
    g_assert_false(rules_explains(two, TABLE_INET, INET_TO_HOST, key));
    g_assert_true(rules_explains(two, TABLE_BRIDGE, BRIDGE_MACS, key));
}

static void test_sorted(void)
{
    static const guint8 mixed[] = { 3, 1, 0, 0, 9, 9, 0, 0, 3, 1 };
    static const guint8 sorted[] = { 0, 0, 3, 1, 9, 9 };
    static const guint8 mapped[] = { 1, 0 };
    static const SetSpec set = { .key_length = 2 };
    static const SetSpec map = { .key_length = 1, .data_length = 1 };
    g_autoptr(GByteArray) keys = g_byte_array_new();
    g_autoptr(GByteArray) rows = g_byte_array_new();

    g_byte_array_append(keys, mixed, sizeof(mixed));
    rules_sort(keys, &set);
    g_assert_cmpmem(keys->data, keys->len, sorted, sizeof(sorted));
    g_assert_true(rules_find(keys, &set, mixed) == keys->data + 2);
    g_assert_null(rules_find(keys, &set, mapped));
    /* A key of a map is there once, whatever its data. */
    g_byte_array_append(rows, (const guint8[]){ 1, 7, 1, 0, 1, 0 }, 6);
    rules_sort(rows, &map);
    g_assert_cmpmem(rows->data, rows->len, mapped, sizeof(mapped));
}

/* ------------------------------------------------------------- forwards */

static guint n_rows(const Ruleset *ruleset, guint set)
{
    const RulesTable *inet = &ruleset->tables[TABLE_INET];

    return inet->elements[set]->len / rules_row_length(&inet->spec->sets[set]);
}

static void test_forward_elements(void)
{
    const struct {
        guint8 family;
        bool from_any, has4, has6;
        guint n[INET_FORWARD_LAST - INET_FORWARD_FIRST + 1];
    } cases[] = {
        { AF_UNSPEC, false, true, true, { 3, 0, 3, 0, 0, 0, 0, 1 } },
        { AF_UNSPEC, true, true, true, { 3, 0, 3, 0, 3, 0, 0, 1 } },
        { AF_UNSPEC, true, true, false, { 3, 0, 0, 0, 3, 0, 0, 0 } },
        { AF_UNSPEC, true, false, true, { 0, 0, 3, 0, 3, 0, 0, 1 } },
        { AF_UNSPEC, true, false, false, { 0 } },
        { AF_INET, true, true, true, { 0, 3, 0, 0, 0, 3, 0, 0 } },
        { AF_INET6, true, true, true, { 0, 0, 0, 3, 0, 0, 3, 1 } },
        { AF_INET6, false, true, true, { 0, 0, 0, 3, 0, 0, 0, 1 } },
        { AF_INET6, true, true, false, { 0 } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Forward wanted = forward(8000, 3);

        wanted.host_family = cases[i].family;
        wanted.from_any = cases[i].from_any;
        wanted.guest4 = cases[i].has4 ? wanted.guest4 : 0;
        wanted.prefix6.length = cases[i].has6 ? 64 : 0;

        g_autoptr(Ruleset) ruleset = make_all(NULL, 0, no_names, no_names,
                                              &wanted, 1);

        for (guint set = INET_FORWARD_FIRST; set <= INET_FORWARD_LAST; set++) {
            g_assert_cmpuint(n_rows(ruleset, set), ==,
                             cases[i].n[set - INET_FORWARD_FIRST]);
        }
    }
}

/* A record that goes beyond the last port, and two that want one port, are
 * nothing that the kernel would refuse. */
static void test_forwards_of_nobody(void)
{
    Forward wrong[] = { forward(65530, 100), forward(65530, 1),
                        forward(9, 3) };

    wrong[1].guest4++;
    wrong[2].guest_port = 65535;

    g_autoptr(Ruleset) ruleset = make_all(NULL, 0, no_names, no_names, wrong,
                                          G_N_ELEMENTS(wrong));

    g_assert_cmpuint(n_rows(ruleset, INET_FORWARDS4), ==, 6 + 1);
    g_assert_cmpuint(n_rows(ruleset, INET_FORWARDS6), ==, 6 + 1);
    g_assert_cmpuint(n_rows(ruleset, INET_PREFIXES6), ==, 1);
}

/* A guest is believed an address of its own /64 that is not the host's. */
static void test_guests6(void)
{
    const struct {
        const char *tap;
        Address6 address;
        bool explained;
    } cases[] = {
        { "tap0", { { 0xfd, 0, 0, 1, 0, 2, 0, 3, [15] = 2 } }, true },
        { "tap0", { { 0xfd, 0, 0, 1, 0, 2, 0, 3, 2, [15] = 1 } }, true },
        { "tap0", { { 0xfd, 0, 0, 1, 0, 2, 0, 3, [15] = 1 } }, false },
        { "tap0", { { 0xfd, 0, 0, 1, 0, 2, 0, 3 } }, false },
        { "tap1", { { 0xfd, 0, 0, 1, 0, 2, 0, 3, [15] = 2 } }, false },
        { "tap0", { { 0xfd, 0, 0, 1, 0, 2, 0, 4, [15] = 2 } }, false },
    };
    Forward wanted = forward(8000, 1);
    g_autoptr(Ruleset) ruleset = make_all(NULL, 0, no_names, no_names, &wanted,
                                          1);
    const GByteArray *prefixes =
        ruleset->tables[TABLE_INET].elements[INET_PREFIXES6];

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 row[RULES_GUEST6_ROW_SIZE] = { 0 };

        memcpy(row, cases[i].tap, strlen(cases[i].tap));
        memcpy(row + RULES_GUEST6_KEY_SIZE, cases[i].address.bytes,
               sizeof(cases[i].address.bytes));
        g_assert_cmpint(rules_explains_guest6(prefixes, row), ==,
                        cases[i].explained);
    }
}

/* The kernel dumps rules chain by chain, and jumps lead only to chains of
 * the table; sets are there; and no rule is longer than its message. */
static void test_consistent(void)
{
    for (guint t = 0; t < TABLES_N; t++) {
        const TableSpec *spec = rules_table_spec(t);
        guint chain = 0;

        g_assert_cmpuint(spec->n_sets, <=, SETS_MAX);
        for (guint r = 0; r < spec->n_rules; r++) {
            const RuleSpec *rule = &spec->rules[r];

            while (!g_str_equal(spec->chains[chain].name, rule->chain)) {
                g_assert_cmpuint(++chain, <, spec->n_chains);
            }
            for (const Expression *e = rule->expressions;
                 e->kind != EXPRESSION_END; e++) {
                bool found = !e->name;

                for (guint i = 0; i < spec->n_sets && !found; i++) {
                    found = (e->kind == EXPRESSION_LOOKUP ||
                             e->kind == EXPRESSION_DYNSET) &&
                            g_str_equal(spec->sets[i].name, e->name);
                }
                for (guint i = 0; i < spec->n_chains && !found; i++) {
                    found = e->kind == EXPRESSION_VERDICT &&
                            g_str_equal(spec->chains[i].name, e->name);
                }
                g_assert_true(found);
            }

            g_autoptr(NetlinkMessage) message = encode_rule(spec, rule);

            g_assert_cmpuint(nlmsg_hdr(message)->nlmsg_len, <, 1500);
        }
    }
}

/* ------------------------------------------------------------ messages */

/* Every byte of a rule counts: a copy with one changed does not match. */
static void test_matches(void)
{
    for (guint t = 0; t < TABLES_N; t++) {
        const TableSpec *spec = rules_table_spec(t);

        for (guint r = 0; r < spec->n_rules; r++) {
            g_autoptr(NetlinkMessage) sent = encode_rule(spec, &spec->rules[r]);
            const struct nlmsghdr *header = nlmsg_hdr(sent);

            g_assert_true(verify_matches(header, header));
            for (guint other = 0; other < spec->n_rules; other++) {
                g_autoptr(NetlinkMessage) message =
                    encode_rule(spec, &spec->rules[other]);
                bool same = verify_matches(header, nlmsg_hdr(message));

                g_assert_cmpint(same, ==, other == r);
            }
        }
    }
}

static void test_cut_short(void)
{
    const TableSpec *spec = rules_table_spec(TABLE_INET);

    for (guint r = 0; r < spec->n_rules; r++) {
        g_autoptr(NetlinkMessage) sent = encode_rule(spec, &spec->rules[r]);
        guint32 length = nlmsg_hdr(sent)->nlmsg_len;

        for (guint32 cut = NLMSG_HDRLEN; cut < length; cut++) {
            /* A copy of exactly that size, so that a sanitizer sees more. */
            g_autofree struct nlmsghdr *copy = g_malloc(cut);

            memcpy(copy, nlmsg_hdr(sent), cut);
            copy->nlmsg_len = cut;
            /* What is cut off may be padding alone. */
            g_assert_true(!verify_matches(nlmsg_hdr(sent), copy) ||
                          length - cut < NLMSG_ALIGNTO);
        }
    }
}

static void test_longer_list(void)
{
    static const Expression two[] = {
        { .kind = EXPRESSION_META, .reg = 1, .key = NFT_META_IIF },
        { .kind = EXPRESSION_VERDICT, .key = NF_ACCEPT },
        { EXPRESSION_END },
    };
    static const Expression three[] = {
        { .kind = EXPRESSION_META, .reg = 1, .key = NFT_META_IIF },
        { .kind = EXPRESSION_VERDICT, .key = NF_ACCEPT },
        { .kind = EXPRESSION_VERDICT, .key = NF_ACCEPT },
        { EXPRESSION_END },
    };
    const TableSpec *spec = rules_table_spec(TABLE_INET);
    const RuleSpec rules[] = { { "leaving", two }, { "leaving", three } };
    g_autoptr(NetlinkMessage) shorter = encode_rule(spec, &rules[0]);
    g_autoptr(NetlinkMessage) longer = encode_rule(spec, &rules[1]);

    g_assert_false(verify_matches(nlmsg_hdr(shorter), nlmsg_hdr(longer)));
    g_assert_false(verify_matches(nlmsg_hdr(longer), nlmsg_hdr(shorter)));
    /* What the kernel adds does not count. */
    nla_put_u64(shorter, NFTA_RULE_HANDLE, 7);

    g_autoptr(NetlinkMessage) plain = encode_rule(spec, &rules[0]);

    g_assert_true(verify_matches(nlmsg_hdr(plain), nlmsg_hdr(shorter)));
    g_assert_false(verify_matches(nlmsg_hdr(shorter), nlmsg_hdr(plain)));
}

static void test_families(void)
{
    g_autoptr(NetlinkMessage) inet = encode_table(rules_table_spec(TABLE_INET));
    g_autoptr(NetlinkMessage) arp = encode_table(rules_table_spec(TABLE_ARP));

    g_assert_false(verify_matches(nlmsg_hdr(inet), nlmsg_hdr(arp)));
}

/* Thousands of elements go in few messages, none longer than an attribute. */
static void test_elements(void)
{
    Segment nat = masqueraded("nat", ADDRESS(10, 1, 0, 0), 4000);
    g_autoptr(Ruleset) ruleset = make(&nat, 1, no_names);
    const RulesTable *table = &ruleset->tables[TABLE_ARP];
    const guint8 *keys = table->elements[ARP_SENDERS]->data;
    guint left = n_senders(ruleset), taken, n = 0;

    for (; left > 0; left -= taken, keys += taken * RULES_SENDER_KEY_SIZE) {
        g_autoptr(NetlinkMessage) message =
            encode_elements(table->spec, ARP_SENDERS, NFT_MSG_NEWSETELEM,
                            NLM_F_CREATE, keys, left, &taken);
        struct nlattr *list = nlmsg_find_attr(nlmsg_hdr(message),
                                              sizeof(struct nfgenmsg),
                                              NFTA_SET_ELEM_LIST_ELEMENTS);
        struct nlattr *element;
        guint found = 0;
        int rest;

        g_assert_nonnull(list);
        nla_for_each_nested(element, list, rest) {
            struct nlattr *key = nla_find(nla_data(element), nla_len(element),
                                          NFTA_SET_ELEM_KEY);
            struct nlattr *value = nla_find(nla_data(key), nla_len(key),
                                            NFTA_DATA_VALUE);

            g_assert_cmpmem(nla_data(value), nla_len(value),
                            keys + found * RULES_SENDER_KEY_SIZE,
                            RULES_SENDER_KEY_SIZE);
            found++;
        }
        g_assert_cmpuint(found, ==, taken);
        n++;
    }
    g_assert_cmpuint(n, ==, 3);
}

/* A map's data goes where elements are made, and nowhere else. */
static void test_map_elements(void)
{
    const TableSpec *spec = rules_table_spec(TABLE_INET);
    Forward wanted = forward(8000, 1);
    g_autoptr(Ruleset) ruleset = make_all(NULL, 0, no_names, no_names, &wanted,
                                          1);
    const guint8 *row =
        ruleset->tables[TABLE_INET].elements[INET_FORWARDS4]->data;

    for (guint i = 0; i < 2; i++) {
        int type = i == 0 ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
        guint taken;
        g_autoptr(NetlinkMessage) message =
            encode_elements(spec, INET_FORWARDS4, type, 0, row, 1, &taken);
        struct nlattr *list = nlmsg_find_attr(nlmsg_hdr(message),
                                              sizeof(struct nfgenmsg),
                                              NFTA_SET_ELEM_LIST_ELEMENTS);
        struct nlattr *element = nla_data(list);
        struct nlattr *data = nla_find(nla_data(element), nla_len(element),
                                       NFTA_SET_ELEM_DATA);

        g_assert_cmpuint(taken, ==, 1);
        g_assert_cmpint(data != NULL, ==, i == 0);
        if (data) {
            struct nlattr *value = nla_data(data);

            g_assert_cmpmem(nla_data(value), nla_len(value), row + 8, 8);
        }
    }
}

static void test_batch(void)
{
    g_autoptr(NetlinkMessage) begin = encode_begin(0x01020304);
    g_autoptr(NetlinkMessage) any = encode_begin(0);
    const struct nfgenmsg *header = nlmsg_data(nlmsg_hdr(begin));
    struct nlattr *generation = nlmsg_find_attr(nlmsg_hdr(begin),
                                                sizeof(*header),
                                                NFNL_BATCH_GENID);

    g_assert_cmpuint(ntohs(header->res_id), ==, NFNL_SUBSYS_NFTABLES);
    g_assert_cmpuint(ntohl(nla_get_u32(generation)), ==, 0x01020304);
    g_assert_null(nlmsg_find_attr(nlmsg_hdr(any), sizeof(*header),
                                  NFNL_BATCH_GENID));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rules/golden", test_golden);
    g_test_add_func("/rules/wanted", test_wanted);
    g_test_add_func("/rules/pools", test_pools);
    g_test_add_func("/rules/sorted", test_sorted);
    g_test_add_func("/rules/forward-elements", test_forward_elements);
    g_test_add_func("/rules/forwards-of-nobody", test_forwards_of_nobody);
    g_test_add_func("/rules/guests6", test_guests6);
    g_test_add_func("/rules/consistent", test_consistent);
    g_test_add_func("/rules/matches", test_matches);
    g_test_add_func("/rules/cut-short", test_cut_short);
    g_test_add_func("/rules/longer-list", test_longer_list);
    g_test_add_func("/rules/families", test_families);
    g_test_add_func("/rules/elements", test_elements);
    g_test_add_func("/rules/map-elements", test_map_elements);
    g_test_add_func("/rules/batch", test_batch);
    return g_test_run();
}
