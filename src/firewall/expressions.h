/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

/*
 * The words that the tables' rules are written in. For the files tables*.c
 * alone.
 *
 * Numbers are written in the byte order of the thing compared: these are the
 * bytes of a number as they lie in memory or on the wire.
 */

#define BE16(value) { (guint8)((value) >> 8), (guint8)(value) }
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST32(value) \
    { (guint8)(value), (guint8)((value) >> 8), (guint8)((value) >> 16), \
      (guint8)((value) >> 24) }
#else
#define HOST32(value) \
    { (guint8)((value) >> 24), (guint8)((value) >> 16), \
      (guint8)((value) >> 8), (guint8)(value) }
#endif

#define RULE(...) (const Expression[]) { __VA_ARGS__, { EXPRESSION_END } }

#define META_INTO(which, register) \
    { .kind = EXPRESSION_META, .key = NFT_META_##which, .reg = (register) }
#define META(which) META_INTO(which, NFT_REG_1)
#define CT(which) \
    { .kind = EXPRESSION_CT, .key = NFT_CT_##which, .reg = NFT_REG_1 }
#define PAYLOAD_INTO(base, at, size, register) \
    { .kind = EXPRESSION_PAYLOAD, .key = NFT_PAYLOAD_##base##_HEADER, \
      .offset = (at), .length = (size), .reg = (register) }
#define PAYLOAD(base, at, size) PAYLOAD_INTO(base, at, size, NFT_REG_1)
#define MASK_IN(register, size, ...) \
    { .kind = EXPRESSION_BITWISE, .reg = (register), .length = (size), \
      .data = __VA_ARGS__ }
/* Two 32-bit registers into two others, the lower one first. */
#define COPY_TWO(from, to) \
    { .kind = EXPRESSION_BITWISE, .reg = (from), .reg_max = (to), .length = 8, \
      .data = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } }
#define MASK(size, ...) MASK_IN(NFT_REG_1, size, __VA_ARGS__)
#define COMPARE(op, size, ...) \
    { .kind = EXPRESSION_CMP, .key = (op), .reg = NFT_REG_1, .length = (size), \
      .data = __VA_ARGS__ }
#define EQUALS(size, ...) COMPARE(NFT_CMP_EQ, size, __VA_ARGS__)
#define DIFFERS(size, ...) COMPARE(NFT_CMP_NEQ, size, __VA_ARGS__)
#define IN_AT(register, set) \
    { .kind = EXPRESSION_LOOKUP, .reg = (register), .name = (set) }
#define NOT_IN_AT(register, set) \
    { .kind = EXPRESSION_LOOKUP, .reg = (register), .name = (set), \
      .flags = NFT_LOOKUP_F_INV }
#define IN(set) IN_AT(NFT_REG_1, set)
#define NOT_IN(set) NOT_IN_AT(NFT_REG_1, set)
#define MAPPED(register, map, into) \
    { .kind = EXPRESSION_LOOKUP, .reg = (register), .reg_max = (into), \
      .name = (map) }
#define FIB(what, how) \
    { .kind = EXPRESSION_FIB, .reg = NFT_REG_1, \
      .key = NFT_FIB_RESULT_##what, .flags = (how) }
#define LOAD(register, size, ...) \
    { .kind = EXPRESSION_LOAD, .reg = (register), .length = (size), \
      .data = __VA_ARGS__ }
#define MASQUERADE { .kind = EXPRESSION_MASQUERADE }
#define MASQUERADE_PORTS(min, max) \
    LOAD(NFT_REG_1, 2, BE16(min)), LOAD(NFT_REG_2, 2, BE16(max)), \
    { .kind = EXPRESSION_MASQUERADE, .reg = NFT_REG_1, .reg_max = NFT_REG_2, \
      .flags = NF_NAT_RANGE_PROTO_SPECIFIED }
#define DNAT(nfproto, address, port) \
    { .kind = EXPRESSION_DNAT, .key = (nfproto), .reg = (address), \
      .reg_max = (port) }
/* The first packet that says so decides (ADD), or is made to (DELETE). */
#define ADD_TO(set, key_register, data_register) \
    { .kind = EXPRESSION_DYNSET, .key = NFT_DYNSET_OP_ADD, .name = (set), \
      .reg = (key_register), .reg_max = (data_register) }
#define DELETE_FROM(set, key_register, data_register) \
    { .kind = EXPRESSION_DYNSET, .key = NFT_DYNSET_OP_DELETE, .name = (set), \
      .reg = (key_register), .reg_max = (data_register) }
/* Goes on for the packets that are too many. */
#define TOO_MANY(set, key_register, a_second, at_once) \
    { .kind = EXPRESSION_DYNSET, .key = NFT_DYNSET_OP_UPDATE, \
      .name = (set), .reg = (key_register), .rate = (a_second), \
      .burst = (at_once) }
#define VERDICT(code) \
    { .kind = EXPRESSION_VERDICT, .key = (guint32)(code) }
#define TO_CHAIN(code, chain) \
    { .kind = EXPRESSION_VERDICT, .key = (guint32)(code), .name = (chain) }
#define ACCEPT VERDICT(NF_ACCEPT)
#define DROP VERDICT(NF_DROP)
#define RETURN VERDICT(NFT_RETURN)
#define JUMP(chain) TO_CHAIN(NFT_JUMP, chain)
#define GOTO(chain) TO_CHAIN(NFT_GOTO, chain)

/* Matches of several expressions. */
#define OURS(which) \
    META(which), MASK(4, HOST32(SEGMENT_GROUP_MASK)), \
    EQUALS(4, HOST32(SEGMENT_GROUP_BASE))
#define ENTERS_BY_OURS OURS(IIFGROUP)
#define LEAVES_BY_OURS OURS(OIFGROUP)
#define IPV4 META(NFPROTO), EQUALS(1, { NFPROTO_IPV4 })
#define IPV6 META(NFPROTO), EQUALS(1, { NFPROTO_IPV6 })
#define PROTOCOL(number) META(L4PROTO), EQUALS(1, { (number) })
#define TO_PORT(number) PAYLOAD(TRANSPORT, 2, 2), EQUALS(2, BE16(number))
#define FROM_PORT(number) PAYLOAD(TRANSPORT, 0, 2), EQUALS(2, BE16(number))
#define ICMP_TYPE(type) PAYLOAD(TRANSPORT, 0, 1), EQUALS(1, { (type) })
#define ETHER_TYPE(number) PAYLOAD(LL, 12, 2), EQUALS(2, BE16(number))
#define FRAME_OF(number) META(PROTOCOL), EQUALS(2, BE16(number))
#define ICMP6(type) IPV6, PROTOCOL(IPPROTO_ICMPV6), ICMP_TYPE(type)
#define SOURCE4 PAYLOAD(NETWORK, 12, 4)
#define DESTINATION4 PAYLOAD(NETWORK, 16, 4)
#define DESTINATION6 PAYLOAD(NETWORK, 24, 16)
#define SOURCE6_INTO(register) PAYLOAD_INTO(NETWORK, 8, 16, register)
#define DESTINATION6_INTO(register) PAYLOAD_INTO(NETWORK, 24, 16, register)
#define NOT_TO_ONE \
    FIB(ADDRTYPE, NFTA_FIB_F_DADDR), DIFFERS(4, HOST32(RTN_UNICAST))
#define NOT_TO_HOST \
    FIB(ADDRTYPE, NFTA_FIB_F_DADDR), DIFFERS(4, HOST32(RTN_LOCAL))
#define CT_STATE(bits) CT(STATE), MASK(4, HOST32(bits)), DIFFERS(4, HOST32(0))
#define CT_ANSWERS \
    CT_STATE(NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | \
             NF_CT_STATE_BIT(IP_CT_RELATED))
/* What it does not follow, by fault of the packet or of its own accord: it takes no
 * connection from ICMPv6 about neighbours and multicast groups (Linux
 * net/netfilter/nf_conntrack_proto_icmpv6.c). */
#define CT_UNKNOWN \
    CT_STATE(NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT)
#define CT_TRANSLATED \
    CT(STATUS), MASK(4, HOST32(IPS_DST_NAT)), DIFFERS(4, HOST32(0))
#define CT_DIRECTION(direction) CT(DIRECTION), EQUALS(1, { (direction) })

/* The interface's index in NFT_REG32_03, of which nft thinks that it holds the
 * mark: of a copy it sees the first register only. */
#define ENTERED_BY \
    META_INTO(MARK, NFT_REG32_03), META_INTO(IIF, NFT_REG_1), \
    META_INTO(IIF, NFT_REG32_01), COPY_TWO(NFT_REG_1, NFT_REG32_02)

/* The first packets of a translated connection and all that follow them, and
 * those that come back. */
#define FORWARDED \
    CT_TRANSLATED, CT_DIRECTION(IP_CT_DIR_ORIGINAL), \
    CT_STATE(NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_BIT(IP_CT_ESTABLISHED))
#define FORWARD_ANSWERS \
    CT_TRANSLATED, CT_DIRECTION(IP_CT_DIR_REPLY), \
    CT_STATE(NF_CT_STATE_BIT(IP_CT_ESTABLISHED))

/* nft's numbers of key types; a concatenation has six bits for each.
 * Source: nftables include/datatype.h, enum datatypes and TYPE_BITS */
enum {
    TYPE_NFPROTO = 2,
    TYPE_IPV4 = 7,
    TYPE_IPV6 = 8,
    TYPE_ETHER = 9,
    TYPE_PROTOCOL = 12,
    TYPE_PORT = 13,
    TYPE_MARK = 19,
    TYPE_DEVGROUP = 35,
    TYPE_IFNAME = 41,
};
#define CONCATENATION(first, second) ((first) << 6 | (second))
#define CONCATENATION3(first, second, third) \
    (CONCATENATION(first, second) << 6 | (third))

#define TABLE(which, nfproto, text) \
    { .family = (nfproto), .label = (text), \
      .chains = which##_chains, .n_chains = G_N_ELEMENTS(which##_chains), \
      .sets = which##_sets, .n_sets = G_N_ELEMENTS(which##_sets), \
      .rules = which##_rules, .n_rules = G_N_ELEMENTS(which##_rules) }

extern const SetSpec inet_sets[SETS_MAX];
extern const TableSpec tables_inet;
