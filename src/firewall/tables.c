/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/expressions.h"

#include <linux/netfilter_arp.h>
#include <linux/netfilter_bridge.h>

/*
 * The tables arp and bridge, and the list of all three. Their rules are
 * constants, the same on every host and for any number of networks: see
 * tables_inet.c, which has the third.
 */

#define MAC_ELEMENTS_MAX 4096

/* ------------------------------------------------------------- arp */

static const SetSpec arp_sets[] = {
    [ARP_SENDERS] = { .name = "senders", .key_length = RULES_SENDER_KEY_SIZE,
                      .key_type = CONCATENATION(TYPE_IFNAME, TYPE_IPV4) },
    [ARP_SHARED] = { .name = "shared", .key_type = TYPE_IFNAME,
                     .key_length = IFNAMSIZ, .key_order = ORDER_HOST },
};

static const ChainSpec arp_chains[] = {
    { "sender" },
    { "input", "filter", NF_ARP_IN, 0 },
};

/* Every sender of a request for an address of ours becomes a neighbour entry;
 * this bounds them at one a port. arp_rcv() has checked the lengths of the
 * addresses before (Linux net/ipv4/arp.c), so the sender's protocol address is
 * at 14, and a probe (RFC 5227) has 0.0.0.0 there. On a shared segment a guest
 * may have any address of the subnet; what it sends enters by the bridge. */
static const RuleSpec arp_rules[] = {
    { "sender", RULE(META(IIFNAME), IN("shared"), ACCEPT) },
    { "sender", RULE(PAYLOAD(NETWORK, 14, 4), EQUALS(4, { 0 }), ACCEPT) },
    { "sender", RULE(META(IIFNAME), PAYLOAD_INTO(NETWORK, 14, 4, NFT_REG_2),
                     IN("senders"), ACCEPT) },
    { "sender", RULE(DROP) },
    { "input", RULE(ENTERS_BY_OURS, GOTO("sender")) },
};

/* ---------------------------------------------------------- bridge */

/* For taps of bridged networks and of shared segments. Keyed by interface index,
 * which the kernel does not use again, so that what a dead port left behind is
 * harmless and nobody deletes on the hot path. nft would print an index as the
 * interface's name, and refuse that once the interface is gone: for nft it is a
 * mark (see ENTERED_BY). */
static const SetSpec bridge_sets[] = {
    [BRIDGE_MAC_KNOWN] = { .name = "mac_known", .key_type = TYPE_MARK,
                           .key_length = RULES_MAC_KNOWN_KEY_SIZE,
                           .key_order = ORDER_HOST,
                           .size = MAC_ELEMENTS_MAX },
    [BRIDGE_MACS] = { .name = "macs", .key_length = RULES_MAC_KEY_SIZE,
                      .key_type = CONCATENATION(TYPE_MARK, TYPE_ETHER),
                      .size = MAC_ELEMENTS_MAX },
};

static const ChainSpec bridge_chains[] = {
    { "guard" },
    { "prerouting", "filter", NF_BR_PRE_ROUTING, -300 },
};

static const RuleSpec bridge_rules[] = {
    { "guard", RULE(ETHER_TYPE(ETHERTYPE_VLAN), DROP) },
    { "guard", RULE(ETHER_TYPE(0x88a8 /* 802.1ad */), DROP) },
    /* IP in a frame with a length and a SNAP header (RFC 1042), which some systems
     * and access points take for one with its type (CERT VU#855201). In no other
     * frame that there is do these bytes begin the payload. */
    { "guard", RULE(PAYLOAD(LL, 14, 6),
                    EQUALS(6, { 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00 }),
                    DROP) },
    /* IEEE 802.1D: spanning tree where the bridge does not speak it itself and
     * so forwards it, and whatever else an administrator lets through. */
    { "guard", RULE(PAYLOAD(LL, 0, 6),
                    MASK(6, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 }),
                    EQUALS(6, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 }),
                    DROP) },
    { "guard", RULE(ENTERED_BY, IN_AT(NFT_REG32_03, "mac_known"),
                    PAYLOAD_INTO(LL, 6, 6, NFT_REG_2),
                    NOT_IN_AT(NFT_REG32_03, "macs"), DROP) },
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

static const TableSpec tables_arp = TABLE(arp, NFPROTO_ARP, "arp tapster");
static const TableSpec tables_bridge = TABLE(bridge, NFPROTO_BRIDGE,
                                             "bridge tapster");

const TableSpec *rules_table_spec(TableIndex index)
{
    return index == TABLE_INET  ? &tables_inet
           : index == TABLE_ARP ? &tables_arp
                                : &tables_bridge;
}
