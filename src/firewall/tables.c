/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_bridge.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

/*
 * The rules themselves: constants, the same on every host and for any number of
 * networks. "Ours" is a link whose device group has SEGMENT_GROUP_BASE in its
 * upper eight bits; the whole group says which network.
 *
 * A packet takes one way through the forward hook:
 *
 *   enters by ours ──► leaving ──► leaves by ours too ──► between
 *   enters by another, leaves by ours ──► arriving
 *   neither ──► the fence only
 *
 * leaving and between end with a verdict for every packet, so that one from
 * port to port never comes to arriving.
 *
 * Nothing that enters by a bridged port should meet these rules: its frames
 * belong to the bridge. But those to 01:80:c2:00:00:00 and its fifteen followers
 * go from the port to the host's stack, two of them past every hook of the
 * bridge (Linux net/bridge/br_input.c, br_handle_frame()). What they carry, IP
 * or ARP, dies here: its source is not routed to the port.
 *
 * A drop is final whatever other tables say, an accept is only ours
 * (Linux net/netfilter/core.c, nf_hook_slow()), so the order among tables decides nothing but who
 * sees what we drop: forward and input come ten before the priority that
 * Docker, ufw and firewalld use, and a packet that is not to be is neither
 * logged, counted nor queued by them, whoever was loaded first.
 */

#define MAC_ELEMENTS_MAX 4096

/* Numbers are written in the byte order of the thing compared: these are
 * the bytes of a number as they lie in memory or on the wire. */
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
#define PAYLOAD_INTO(base, at, size, register) \
    { .kind = EXPRESSION_PAYLOAD, .key = NFT_PAYLOAD_##base##_HEADER, \
      .offset = (at), .length = (size), .reg = (register) }
#define PAYLOAD(base, at, size) PAYLOAD_INTO(base, at, size, NFT_REG_1)
#define MASK(size, ...) \
    { .kind = EXPRESSION_BITWISE, .reg = NFT_REG_1, .length = (size), \
      .data = __VA_ARGS__ }
#define COMPARE(op, size, ...) \
    { .kind = EXPRESSION_CMP, .key = (op), .reg = NFT_REG_1, .length = (size), \
      .data = __VA_ARGS__ }
#define EQUALS(size, ...) COMPARE(NFT_CMP_EQ, size, __VA_ARGS__)
#define DIFFERS(size, ...) COMPARE(NFT_CMP_NEQ, size, __VA_ARGS__)
#define IN(set) \
    { .kind = EXPRESSION_LOOKUP, .reg = NFT_REG_1, .name = (set) }
#define NOT_IN(set) \
    { .kind = EXPRESSION_LOOKUP, .reg = NFT_REG_1, .name = (set), \
      .flags = NFT_LOOKUP_F_INV }
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
#define NOT_TO_ONE \
    FIB(ADDRTYPE, NFTA_FIB_F_DADDR), DIFFERS(4, HOST32(RTN_UNICAST))
#define CT_STATE(bits) \
    { .kind = EXPRESSION_CT, .key = NFT_CT_STATE, .reg = NFT_REG_1 }, \
    MASK(4, HOST32(bits)), DIFFERS(4, HOST32(0))
#define CT_ANSWERS \
    CT_STATE(NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | \
             NF_CT_STATE_BIT(IP_CT_RELATED))
#define CT_INVALID CT_STATE(NF_CT_STATE_INVALID_BIT)

/* nft's numbers of key types; a concatenation has six bits for each.
 * Source: nftables include/datatype.h, enum datatypes and TYPE_BITS */
enum {
    TYPE_IPV4 = 7,
    TYPE_ETHER = 9,
    TYPE_IFINDEX = 20,
    TYPE_DEVGROUP = 35,
    TYPE_IFNAME = 41,
};
#define CONCATENATION(first, second) ((first) << 6 | (second))

/* ------------------------------------------------------------ inet */

static const SetSpec inet_sets[] = {
    [INET_ANYWHERE] = { "anywhere", TYPE_DEVGROUP, 4, true, 0 },
    [INET_EXITS] = { "exits", CONCATENATION(TYPE_DEVGROUP, TYPE_IFNAME), 20,
                     false, 0 },
    [INET_PEERS] = { "peers", CONCATENATION(TYPE_DEVGROUP, TYPE_DEVGROUP), 8,
                     false, 0 },
    [INET_TO_HOST] = { "to_host", TYPE_DEVGROUP, 4, true, 0 },
    [INET_MASQUERADED] = { "masqueraded", TYPE_DEVGROUP, 4, true, 0 },
    [INET_FENCED] = { "fenced", TYPE_IFNAME, 16, true, 0 },
    [INET_SAME] = { "same", CONCATENATION(TYPE_IFNAME, TYPE_IFNAME), 32,
                    false, 0 },
};

/* -310 is before conntrack (-200) and before "raw": what dies there costs no
 * entry in any table. Source: <linux/netfilter_ipv4.h>, nf_ip_hook_priorities */
static const ChainSpec inet_chains[] = {
    { "from_port" },
    { "fence" },
    { "between" },
    { "leaving" },
    { "arriving" },
    { "for_host" },
    { "sources" },
    { "prerouting", "filter", NF_INET_PRE_ROUTING, -310 },
    { "forward", "filter", NF_INET_FORWARD, -10 },
    { "input", "filter", NF_INET_LOCAL_IN, -10 },
    { "postrouting", "nat", NF_INET_POST_ROUTING, 100 },
};

static const RuleSpec inet_rules[] = {
    /* tapster-dhcp reads a packet socket, before netfilter; the stack's copy
     * would be answered with "port unreachable". */
    { "from_port", RULE(IPV4, PROTOCOL(IPPROTO_UDP), TO_PORT(67), NOT_TO_ONE,
                        DROP) },
    /* A host whose route_localnet is on would let a guest read its loopback. */
    { "from_port", RULE(IPV4, PAYLOAD(NETWORK, 16, 1), EQUALS(1, { 127 }),
                        DROP) },
    /* fib takes 0.0.0.0 to a broadcast address for good (RFC 1122 section
     * 3.2.1.3; Linux net/ipv4/netfilter/nft_fib_ipv4.c). */
    { "from_port", RULE(IPV4, PAYLOAD(NETWORK, 12, 4), EQUALS(4, { 0 }),
                        DROP) },
    { "from_port", RULE(IPV6, PROTOCOL(IPPROTO_ICMPV6),
                        ICMP_TYPE(ND_ROUTER_ADVERT), DROP) },
    /* A source that is not routed to this very port: a neighbour's, an
     * outsider's, or one of this host's own. */
    { "from_port", RULE(FIB(OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF |
                                     NFTA_FIB_F_PRESENT),
                        EQUALS(4, HOST32(0)), DROP) },

    /* br_netfilter shows a frame from port to port of a bridge as a packet that
     * enters and leaves by the bridge: nothing that is forwarded. */
    { "fence", RULE(META(IIFKIND), EQUALS(16, "bridge"), META(IIFNAME),
                    META_INTO(OIFNAME, NFT_REG_2), IN("same"), RETURN) },
    { "fence", RULE(META(OIFNAME), IN("fenced"), DROP) },

    /* Not even answers pass between networks: what conntrack takes for one
     * may be made up by the guest that sends it (ICMP errors). */
    { "between", RULE(META(IIFGROUP), META_INTO(OIFGROUP, NFT_REG32_01),
                      IN("peers"), ACCEPT) },
    { "between", RULE(DROP) },

    { "leaving", RULE(LEAVES_BY_OURS, GOTO("between")) },
    /* What conntrack does not know is not masqueraded: it would leave with
     * the guest's own address. */
    { "leaving", RULE(META(IIFGROUP), IN("masqueraded"), CT_INVALID, DROP) },
    { "leaving", RULE(META(IIFGROUP), IN("anywhere"), ACCEPT) },
    { "leaving", RULE(META(IIFGROUP), META_INTO(OIFNAME, NFT_REG32_01),
                      IN("exits"), ACCEPT) },
    { "leaving", RULE(DROP) },

    { "arriving", RULE(CT_ANSWERS, ACCEPT) },
    { "arriving", RULE(DROP) },

    { "for_host", RULE(CT_ANSWERS, ACCEPT) },
    { "for_host", RULE(META(IIFGROUP), IN("to_host"), ACCEPT) },
    { "for_host", RULE(IPV4, PROTOCOL(IPPROTO_ICMP), ICMP_TYPE(ICMP_ECHO),
                       ACCEPT) },
    { "for_host", RULE(IPV4, PROTOCOL(IPPROTO_UDP), TO_PORT(53), ACCEPT) },
    { "for_host", RULE(IPV4, PROTOCOL(IPPROTO_TCP), TO_PORT(53), ACCEPT) },
    { "for_host", RULE(DROP) },

    { "sources", RULE(LEAVES_BY_OURS, RETURN) },
    { "sources", RULE(NOT_TO_ONE, RETURN) },
    { "sources", RULE(META(IIFGROUP), IN("masqueraded"), PROTOCOL(IPPROTO_TCP),
                      MASQUERADE_PORTS(1024, 65535)) },
    { "sources", RULE(META(IIFGROUP), IN("masqueraded"), PROTOCOL(IPPROTO_UDP),
                      MASQUERADE_PORTS(1024, 65535)) },
    { "sources", RULE(META(IIFGROUP), IN("masqueraded"), MASQUERADE) },

    { "prerouting", RULE(ENTERS_BY_OURS, JUMP("from_port")) },

    { "forward", RULE(META(IIFNAME), IN("fenced"), JUMP("fence")) },
    { "forward", RULE(ENTERS_BY_OURS, GOTO("leaving")) },
    { "forward", RULE(LEAVES_BY_OURS, GOTO("arriving")) },

    { "input", RULE(ENTERS_BY_OURS, GOTO("for_host")) },

    /* What the host itself sends has no interface that it entered by, so no
     * match on one: the rule must ask for ours, never for "not ours". */
    { "postrouting", RULE(IPV4, ENTERS_BY_OURS, GOTO("sources")) },
};

/* ------------------------------------------------------------- arp */

static const SetSpec arp_sets[] = {
    [ARP_SENDERS] = { "senders", CONCATENATION(TYPE_IFNAME, TYPE_IPV4),
                      RULES_SENDER_KEY_SIZE, false, 0 },
};

static const ChainSpec arp_chains[] = {
    { "sender" },
    { "input", "filter", NF_ARP_IN, 0 },
};

/* Every sender of a request for an address of ours becomes a neighbour entry;
 * this bounds them at one a port. arp_rcv() has checked the lengths of the
 * addresses before (Linux net/ipv4/arp.c), so the sender's protocol address is
 * at 14, and a probe (RFC 5227) has 0.0.0.0 there. */
static const RuleSpec arp_rules[] = {
    { "sender", RULE(PAYLOAD(NETWORK, 14, 4), EQUALS(4, { 0 }), ACCEPT) },
    { "sender", RULE(META(IIFNAME), PAYLOAD_INTO(NETWORK, 14, 4, NFT_REG_2),
                     IN("senders"), ACCEPT) },
    { "sender", RULE(DROP) },
    { "input", RULE(ENTERS_BY_OURS, GOTO("sender")) },
};

/* ---------------------------------------------------------- bridge */

/* Keyed by interface index, which the kernel does not use again, so that what
 * a dead port left behind is harmless and nobody deletes on the hot path. */
static const SetSpec bridge_sets[] = {
    [BRIDGE_MAC_KNOWN] = { "mac_known", TYPE_IFINDEX,
                           RULES_MAC_KNOWN_KEY_SIZE, true, MAC_ELEMENTS_MAX },
    [BRIDGE_MACS] = { "macs", CONCATENATION(TYPE_IFINDEX, TYPE_ETHER),
                      RULES_MAC_KEY_SIZE, false, MAC_ELEMENTS_MAX },
};

static const ChainSpec bridge_chains[] = {
    { "guard" },
    { "prerouting", "filter", NF_BR_PRE_ROUTING, -300 },
};

static const RuleSpec bridge_rules[] = {
    { "guard", RULE(ETHER_TYPE(ETHERTYPE_VLAN), DROP) },
    { "guard", RULE(ETHER_TYPE(0x88a8 /* 802.1ad */), DROP) },
    /* IEEE 802.1D: spanning tree where the bridge does not speak it itself and
     * so forwards it, and whatever else an administrator lets through. */
    { "guard", RULE(PAYLOAD(LL, 0, 6),
                    MASK(6, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 }),
                    EQUALS(6, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 }),
                    DROP) },
    { "guard", RULE(META(IIF), IN("mac_known"), META(IIF),
                    PAYLOAD_INTO(LL, 6, 6, NFT_REG32_01), NOT_IN("macs"),
                    DROP) },
    /* A DHCP server, of either family, and a router. Clients look at the port
     * that an answer is sent to; the one it comes from is free for the sender to
     * choose. */
    { "guard", RULE(FRAME_OF(ETHERTYPE_IP), PROTOCOL(IPPROTO_UDP),
                    FROM_PORT(67), DROP) },
    { "guard", RULE(FRAME_OF(ETHERTYPE_IP), PROTOCOL(IPPROTO_UDP),
                    TO_PORT(68), DROP) },
    { "guard", RULE(FRAME_OF(ETHERTYPE_IPV6), PROTOCOL(IPPROTO_UDP),
                    FROM_PORT(547), DROP) },
    { "guard", RULE(FRAME_OF(ETHERTYPE_IPV6), PROTOCOL(IPPROTO_UDP),
                    TO_PORT(546), DROP) },
    { "guard", RULE(FRAME_OF(ETHERTYPE_IPV6), PROTOCOL(IPPROTO_ICMPV6),
                    ICMP_TYPE(ND_ROUTER_ADVERT), DROP) },
    { "guard", RULE(FRAME_OF(ETHERTYPE_IPV6), PROTOCOL(IPPROTO_ICMPV6),
                    ICMP_TYPE(ND_REDIRECT), DROP) },

    { "prerouting", RULE(ENTERS_BY_OURS, JUMP("guard")) },
};

#define TABLE(which, nfproto, text) \
    { .family = (nfproto), .label = (text), \
      .chains = which##_chains, .n_chains = G_N_ELEMENTS(which##_chains), \
      .sets = which##_sets, .n_sets = G_N_ELEMENTS(which##_sets), \
      .rules = which##_rules, .n_rules = G_N_ELEMENTS(which##_rules) }

static const TableSpec tables[TABLES_N] = {
    [TABLE_INET] = TABLE(inet, NFPROTO_INET, "inet tapster"),
    [TABLE_ARP] = TABLE(arp, NFPROTO_ARP, "arp tapster"),
    [TABLE_BRIDGE] = TABLE(bridge, NFPROTO_BRIDGE, "bridge tapster"),
};

const TableSpec *rules_table_spec(TableIndex index)
{
    return &tables[index];
}
