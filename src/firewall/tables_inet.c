/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/expressions.h"

#include <netinet/ip_icmp.h>

/*
 * The rules of table inet: constants, the same on every host and for any number
 * of networks. "Ours" is a link whose device group has SEGMENT_GROUP_BASE in its
 * upper eight bits: a routed port's tap or a shared segment's bridge. The whole
 * group says which network.
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
 * Nothing that enters by a tap on a bridge should meet these rules: its frames
 * belong to the bridge. But those to 01:80:c2:00:00:00 and its fifteen followers
 * go from the port to the host's stack, two of them past every hook of the
 * bridge (Linux net/bridge/br_input.c, br_handle_frame()). What they carry, IP
 * or ARP, dies here: its source is not routed to the port.
 *
 * A drop is final whatever other tables say, an accept is only ours
 * (Linux net/netfilter/core.c, nf_hook_slow()), so the order among tables
 * decides nothing but who sees what we drop: forward and input come ten before
 * the priority that Docker, ufw and firewalld use, and a packet that is not to
 * be is neither logged, counted nor queued by them, whoever was loaded first.
 *
 * Forwards. A packet to an address of this host is translated by the first map
 * that has its protocol and port, with its address or without. From outside, the
 * key must be in one of the sets named public too. A guest reaches them like any
 * other service of the host, so only where it may reach the host at all. A
 * translated packet passes by its connection's own mark (ct status), which other
 * programs' translations have too: those to a guest of ours are somebody's
 * with root's rights, and open nothing that leads elsewhere. ICMP errors never
 * pass by it: what they quote may be made up by the guest that sends them.
 *
 * An IPv6 guest forms its address itself, within the /64 of its port. The packet
 * with which it makes sure that nobody else has that address (RFC 4862 section
 * 5.4) names it, and so does each later question about a neighbour: from these
 * the map guests6 learns, for ports that have forwards, an address of the port's
 * own /64 that is not the host's.
 *
 * Whoever saves "nft list ruleset" to be loaded at the next boot must get
 * something that nft takes, since it refuses a file as a whole. What it means then
 * is not ours any more, but must open nothing; the next start replaces it. nft
 * prints a register by what was loaded last into just that one, and takes the
 * registers behind it from their own loads. So a load that nft cannot name is
 * hidden: one of something of the same type stands before it, and is overwritten by
 * one that begins a register earlier. And interfaces have names in the sets, not
 * indexes: nft prints an index as a name, and cannot load it when there is no such
 * interface. All seen with nft 1.0.6.
 */

/* dnsmasq listens here, whoever has port 53. */
#define DNS_PORT        53
#define DNS_SERVED_PORT 54

/* Each new neighbour takes up room in a table of the host's that all links share,
 * 1024 by default, and is not cleared away for 5 seconds (Linux
 * net/core/neighbour.c, neigh_forced_gc()). */
#define NEIGHBOURS_A_SECOND 10
#define NEIGHBOURS_AT_ONCE  64
/* All guests of a shared segment enter by one interface: there the bound keeps the
 * host's table from a guest, and not one guest's neighbours from another. */
#define SEGMENT_NEIGHBOURS_A_SECOND 60
#define SEGMENT_NEIGHBOURS_AT_ONCE  300

/* -310 is before conntrack (-200) and before "raw": what dies there costs no
 * entry in any table. Source: <linux/netfilter_ipv4.h>, nf_ip_hook_priorities */
static const ChainSpec inet_chains[] = {
    { "from_port" },
    { "unspecified" },
    { "claimed" },
    { "acquainted" },
    { "sought" },
    { "fence" },
    { "between" },
    { "leaving" },
    { "arriving" },
    { "names" },
    { "for_host" },
    { "sources" },
    { "to_port" },
    { "to_dns" },
    { "at_address" },
    { "at_any" },
    { "of_host" },
    { "of_guest" },
    { "of_outside" },
    { "prerouting", "filter", NF_INET_PRE_ROUTING, -310 },
    { "services", "nat", NF_INET_PRE_ROUTING, -100 },
    { "output", "nat", NF_INET_LOCAL_OUT, -100 },
    { "forward", "filter", NF_INET_FORWARD, -10 },
    { "input", "filter", NF_INET_LOCAL_IN, -10 },
    { "postrouting", "nat", NF_INET_POST_ROUTING, 100 },
};

#define UPPER_HALF { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }
#define LOOPBACK6 { [15] = 1 }
#define TOO_MANY_NEIGHBOURS \
    META(IIFNAME), NOT_IN("shared"), \
    TOO_MANY("newcomers", NFT_REG_1, NEIGHBOURS_A_SECOND, NEIGHBOURS_AT_ONCE)
#define TOO_MANY_ON_SEGMENT \
    META(IIFNAME), IN("shared"), \
    TOO_MANY("newcomers", NFT_REG_1, SEGMENT_NEIGHBOURS_A_SECOND, \
             SEGMENT_NEIGHBOURS_AT_ONCE)
#define PORT_AND_SOURCE6 META(IIFNAME), SOURCE6_INTO(NFT_REG_2)
#define GROUP_AND_DESTINATION6 \
    META(IIFGROUP), DESTINATION6_INTO(NFT_REG32_01)
#define PORT_AND_DESTINATION6 META(IIFNAME), DESTINATION6_INTO(NFT_REG_2)
/* And the address that a neighbour solicitation asks for (RFC 4861 section 4.3),
 * with the four bytes before it, which the port's name overwrites. nft has no
 * name for that address; so it sees, in the register that the address begins in,
 * only the source. */
#define PORT_AND_TARGET \
    SOURCE6_INTO(NFT_REG_2), PAYLOAD_INTO(TRANSPORT, 4, 20, NFT_REG32_03), \
    META(IIFNAME)
/* The port and the /64, among those that have forwards. */
#define PREFIX_OF(port_and_address) \
    port_and_address, MASK_IN(NFT_REG_2, 16, UPPER_HALF)
#define MLD2_LISTENER_REPORT 143 /* MLDv2 report, RFC 3810 section 5.2 */

#define MASQUERADED \
    META(IIFGROUP), META_INTO(NFPROTO, NFT_REG32_01), IN("masqueraded")

#define SERVICE(first, second) \
    META_INTO(L4PROTO, first), PAYLOAD_INTO(TRANSPORT, 2, 2, second)
#define SERVICE_ANY SERVICE(NFT_REG_1, NFT_REG32_01)
#define SERVICE4 DESTINATION4, SERVICE(NFT_REG32_01, NFT_REG32_02)
#define SERVICE6 DESTINATION6, SERVICE(NFT_REG_2, NFT_REG32_05)
/* The maps hold address and port in one for IPv4; for IPv6, the interface and
 * the port, and the address is looked up by the interface. There, nft ends with
 * an abort if it sees that one map's data is another's key; and it refuses a
 * port from a map that has more in its data, or without a match on a protocol.
 * So the map's data overwrites what nft sees, and its rule says "oifname" for the
 * interface, which does nothing here if nft loads it, and "tcp dport". */
#define INTO_GUEST4(map) \
    MAPPED(NFT_REG_1, map, NFT_REG_1), \
    DNAT(NFPROTO_IPV4, NFT_REG_1, NFT_REG32_01)
#define INTO_GUEST6(map) \
    META_INTO(OIFNAME, NFT_REG32_09), \
    PAYLOAD_INTO(TRANSPORT, 2, 2, NFT_REG32_13), \
    MAPPED(NFT_REG_1, map, NFT_REG_3), \
    MAPPED(NFT_REG32_09, "guests6", NFT_REG_1), \
    DNAT(NFPROTO_IPV6, NFT_REG_1, NFT_REG32_13)
#define INTO_DNS \
    LOAD(NFT_REG_1, 2, BE16(DNS_SERVED_PORT)), DNAT(NFPROTO_INET, 0, NFT_REG_1)

static const RuleSpec inet_rules[] = {
    /* tapster-dhcp reads a packet socket, before netfilter; the stack's copy
     * would be answered with "port unreachable". On a shared segment, dnsmasq
     * has an ordinary socket. */
    { "from_port", RULE(IPV4, PROTOCOL(IPPROTO_UDP), TO_PORT(67),
                        META(IIFNAME), NOT_IN("shared"), NOT_TO_ONE, DROP) },
    /* A host whose route_localnet is on would let a guest read its loopback. */
    { "from_port", RULE(IPV4, PAYLOAD(NETWORK, 16, 1), EQUALS(1, { 127 }),
                        DROP) },
    /* A client without an address: RFC 2131 section 4.1. */
    { "from_port", RULE(META(IIFNAME), IN("shared"), IPV4, SOURCE4,
                        EQUALS(4, { 0 }), DESTINATION4,
                        EQUALS(4, { 255, 255, 255, 255 }),
                        PROTOCOL(IPPROTO_UDP), TO_PORT(67), RETURN) },
    /* fib takes 0.0.0.0 to a broadcast address for good (RFC 1122 section
     * 3.2.1.3; Linux net/ipv4/netfilter/nft_fib_ipv4.c). */
    { "from_port", RULE(IPV4, SOURCE4, EQUALS(4, { 0 }), DROP) },
    { "from_port", RULE(ICMP6(ND_ROUTER_ADVERT), DROP) },
    { "from_port", RULE(ICMP6(ND_REDIRECT), DROP) },
    { "from_port", RULE(IPV6, PAYLOAD(NETWORK, 8, 16), EQUALS(16, { 0 }),
                        GOTO("unspecified")) },
    /* A source that is not routed to this very port: a neighbour's, an
     * outsider's, or one of this host's own. */
    { "from_port", RULE(FIB(OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF |
                                     NFTA_FIB_F_PRESENT),
                        EQUALS(4, HOST32(0)), DROP) },
    /* After a loss of the table, what is in use is learnt again, from whatever
     * the guest sends: its probes of neighbours come from fe80::/10 mostly. */
    { "from_port",
      RULE(IPV6,
           PREFIX_OF(PORT_AND_SOURCE6), IN("prefixes6"), PORT_AND_SOURCE6,
           ADD_TO("guests6", NFT_REG_1, NFT_REG_2)) },
    { "from_port", RULE(IPV6, GOTO("acquainted")) },

    /* What a guest may send before it has an address: RFC 4861 sections 4.1 and
     * 4.3, RFC 3590, RFC 3810 section 5.2.13. */
    { "unspecified", RULE(ICMP6(ND_NEIGHBOR_SOLICIT), GOTO("claimed")) },
    { "unspecified", RULE(ICMP6(ND_ROUTER_SOLICIT), RETURN) },
    { "unspecified", RULE(ICMP6(MLD_LISTENER_REPORT), RETURN) },
    { "unspecified", RULE(ICMP6(MLD2_LISTENER_REPORT), RETURN) },
    { "unspecified", RULE(DROP) },

    /* The first two addresses of its /64 are this host's. */
    { "claimed", RULE(PAYLOAD(TRANSPORT, 16, 8), EQUALS(8, { 0 }), RETURN) },
    { "claimed", RULE(PAYLOAD(TRANSPORT, 16, 8),
                      EQUALS(8, { [7] = 1 }), RETURN) },
    { "claimed", RULE(IPV6, PREFIX_OF(PORT_AND_TARGET), NOT_IN("prefixes6"),
                      RETURN) },
    { "claimed", RULE(ENTERED_BY, IN_AT(NFT_REG32_03, "learnt"), RETURN) },
    { "claimed", RULE(ENTERED_BY, ADD_TO("learnt", NFT_REG32_03, 0)) },
    { "claimed", RULE(IPV6, PORT_AND_TARGET,
                      DELETE_FROM("guests6", NFT_REG_1, NFT_REG_2)) },
    { "claimed", RULE(IPV6, PORT_AND_TARGET,
                      ADD_TO("guests6", NFT_REG_1, NFT_REG_2)) },

    /* A guest has a whole /64 to send from, and its neighbours' to send to. */
    { "acquainted", RULE(IPV6, PORT_AND_SOURCE6, IN("neighbours6"),
                         RETURN) },
    { "acquainted", RULE(TOO_MANY_NEIGHBOURS, DROP) },
    { "acquainted", RULE(TOO_MANY_ON_SEGMENT, DROP) },
    { "acquainted", RULE(IPV6, PORT_AND_SOURCE6,
                         ADD_TO("neighbours6", NFT_REG_1, 0)) },
    { "sought", RULE(IPV6, PORT_AND_DESTINATION6, IN("neighbours6"), RETURN) },
    { "sought", RULE(TOO_MANY_NEIGHBOURS, DROP) },
    { "sought", RULE(TOO_MANY_ON_SEGMENT, DROP) },
    { "sought", RULE(IPV6, PORT_AND_DESTINATION6,
                     ADD_TO("neighbours6", NFT_REG_1, 0)) },

    /* br_netfilter shows a frame from port to port of a bridge as a packet that
     * enters and leaves by the bridge: nothing that is forwarded. */
    { "fence", RULE(META(IIFKIND), EQUALS(16, "bridge"), META(IIFNAME),
                    META_INTO(OIFNAME, NFT_REG_2), IN("same"), RETURN) },
    { "fence", RULE(META(NFPROTO), META_INTO(OIFNAME, NFT_REG32_01),
                    IN("fenced"), DROP) },

    /* Not even answers pass between networks, but for those of forwards: what
     * conntrack takes for one may be made up by the guest that sends it (ICMP
     * errors). */
    { "between", RULE(IPV6, JUMP("sought")) },
    { "between", RULE(META(IIFGROUP), META_INTO(OIFGROUP, NFT_REG32_01),
                      IN("peers"), ACCEPT) },
    { "between", RULE(META(IIFGROUP), IN("to_host"), FORWARDED, ACCEPT) },
    { "between", RULE(FORWARD_ANSWERS, ACCEPT) },
    { "between", RULE(DROP) },

    { "leaving", RULE(LEAVES_BY_OURS, GOTO("between")) },
    /* What conntrack does not know is not masqueraded: it would leave with
     * the guest's own address. */
    { "leaving", RULE(MASQUERADED, CT_UNKNOWN, DROP) },
    { "leaving", RULE(META(IIFGROUP), IN("anywhere"), ACCEPT) },
    { "leaving", RULE(META(IIFGROUP), META_INTO(OIFNAME, NFT_REG32_01),
                      IN("exits"), ACCEPT) },
    { "leaving", RULE(FORWARD_ANSWERS, ACCEPT) },
    { "leaving", RULE(DROP) },

    { "arriving", RULE(CT_ANSWERS, ACCEPT) },
    { "arriving", RULE(FORWARDED, ACCEPT) },
    { "arriving", RULE(DROP) },

    /* The port of our DNS servers, whose answers are for the network that asks:
     * for the host, and for who asks where its own network's server is. */
    { "names", RULE(META(IIF), EQUALS(4, HOST32(1 /* lo */)), RETURN) },
    { "names", RULE(IPV4, META(IIFGROUP),
                    PAYLOAD_INTO(NETWORK, 16, 4, NFT_REG32_01), IN("dns4"),
                    RETURN) },
    { "names", RULE(IPV4, DESTINATION4, IN("dns4_here"), DROP) },
    { "names", RULE(IPV6, GROUP_AND_DESTINATION6, IN("dns6"), RETURN) },
    { "names", RULE(IPV6, DESTINATION6, IN("dns6_here"), DROP) },

    { "for_host", RULE(CT_ANSWERS, ACCEPT) },
    { "for_host", RULE(META(IIFGROUP), IN("to_host"), ACCEPT) },
    { "for_host", RULE(IPV4, PROTOCOL(IPPROTO_ICMP), ICMP_TYPE(ICMP_ECHO),
                       ACCEPT) },
    /* 128 to 135: echo, multicast listeners, solicitations; what a router says
     * (134) has died before. */
    { "for_host", RULE(IPV6, PROTOCOL(IPPROTO_ICMPV6), PAYLOAD(TRANSPORT, 0, 1),
                       MASK(1, { 0xf8 }), EQUALS(1, { ICMP6_ECHO_REQUEST }),
                       ACCEPT) },
    { "for_host", RULE(ICMP6(ND_NEIGHBOR_ADVERT), ACCEPT) },
    { "for_host", RULE(ICMP6(MLD2_LISTENER_REPORT), ACCEPT) },
    { "for_host", RULE(PROTOCOL(IPPROTO_UDP), TO_PORT(DNS_PORT), ACCEPT) },
    { "for_host", RULE(PROTOCOL(IPPROTO_TCP), TO_PORT(DNS_PORT), ACCEPT) },
    { "for_host", RULE(META(IIFGROUP), IN("dns"), PROTOCOL(IPPROTO_UDP),
                       TO_PORT(DNS_SERVED_PORT), ACCEPT) },
    { "for_host", RULE(META(IIFGROUP), IN("dns"), PROTOCOL(IPPROTO_TCP),
                       TO_PORT(DNS_SERVED_PORT), ACCEPT) },
    { "for_host", RULE(META(IIFNAME), IN("shared"), IPV4,
                       PROTOCOL(IPPROTO_UDP), TO_PORT(67), ACCEPT) },
    { "for_host", RULE(DROP) },

    { "sources", RULE(NOT_TO_ONE, RETURN) },
    /* Ports below these are for services of this host and for forwards: a guest
     * that asked from one of them would get what others send to it (CVE-2021-3773). */
    { "sources", RULE(MASQUERADED, PROTOCOL(IPPROTO_TCP),
                      MASQUERADE_PORTS(32768, 65535)) },
    { "sources", RULE(MASQUERADED, PROTOCOL(IPPROTO_UDP),
                      MASQUERADE_PORTS(32768, 65535)) },
    { "sources", RULE(MASQUERADED, MASQUERADE) },

    /* A guest cannot answer 127.0.0.1, and a guest that is asked by a neighbour
     * or by itself, through the host, must answer to the host. */
    { "to_port", RULE(IPV4, PAYLOAD(NETWORK, 12, 1), EQUALS(1, { 127 }),
                      MASQUERADE) },
    { "to_port", RULE(ENTERS_BY_OURS, CT_TRANSLATED, MASQUERADE) },

    { "to_dns", RULE(PROTOCOL(IPPROTO_UDP), TO_PORT(DNS_PORT), INTO_DNS) },
    { "to_dns", RULE(PROTOCOL(IPPROTO_TCP), TO_PORT(DNS_PORT), INTO_DNS) },

    { "at_address", RULE(IPV4, SERVICE4, INTO_GUEST4("forwards4_at")) },
    { "at_address", RULE(IPV6, PROTOCOL(IPPROTO_TCP), SERVICE6,
                         INTO_GUEST6("forwards6_at")) },
    { "at_address", RULE(IPV6, PROTOCOL(IPPROTO_UDP), SERVICE6,
                         INTO_GUEST6("forwards6_at")) },

    /* The kernel translates neither ::1 nor link-local addresses to a way
     * elsewhere (Linux net/ipv6/ip6_output.c, ip6_forward()): whoever asks there
     * is to be refused at once. */
    { "at_any", RULE(IPV4, SERVICE_ANY, INTO_GUEST4("forwards4")) },
    { "at_any", RULE(IPV6, DESTINATION6, EQUALS(16, LOOPBACK6), RETURN) },
    { "at_any", RULE(IPV6, DESTINATION6, MASK(16, { 0xff, 0xc0 }),
                     EQUALS(16, { 0xfe, 0x80 }), RETURN) },
    { "at_any", RULE(IPV6, PROTOCOL(IPPROTO_TCP), SERVICE_ANY,
                     INTO_GUEST6("forwards6")) },
    { "at_any", RULE(IPV6, PROTOCOL(IPPROTO_UDP), SERVICE_ANY,
                     INTO_GUEST6("forwards6")) },

    { "of_host", RULE(JUMP("at_address")) },
    { "of_host", RULE(GOTO("at_any")) },

    { "of_guest", RULE(IPV4, META(IIFGROUP),
                       PAYLOAD_INTO(NETWORK, 16, 4, NFT_REG32_01), IN("dns4"),
                       JUMP("to_dns")) },
    { "of_guest", RULE(IPV6, GROUP_AND_DESTINATION6, IN("dns6"),
                       JUMP("to_dns")) },
    { "of_guest", RULE(META(IIFGROUP), IN("to_host"), GOTO("of_host")) },

    { "of_outside", RULE(IPV4, SERVICE4, IN("public4_at"),
                         GOTO("at_address")) },
    { "of_outside", RULE(IPV6, SERVICE6, IN("public6_at"),
                         GOTO("at_address")) },
    { "of_outside", RULE(SERVICE_ANY, IN("public"), GOTO("at_any")) },

    { "prerouting", RULE(ENTERS_BY_OURS, JUMP("from_port")) },

    { "services", RULE(NOT_TO_HOST, RETURN) },
    { "services", RULE(ENTERS_BY_OURS, GOTO("of_guest")) },
    { "services", RULE(GOTO("of_outside")) },

    { "output", RULE(NOT_TO_HOST, RETURN) },
    { "output", RULE(IPV4, DESTINATION4, IN("dns4_here"), JUMP("to_dns")) },
    { "output", RULE(IPV6, DESTINATION6, IN("dns6_here"), JUMP("to_dns")) },
    { "output", RULE(GOTO("of_host")) },

    { "forward", RULE(META(NFPROTO), META_INTO(IIFNAME, NFT_REG32_01),
                      IN("fenced"), JUMP("fence")) },
    { "forward", RULE(ENTERS_BY_OURS, GOTO("leaving")) },
    { "forward", RULE(LEAVES_BY_OURS, GOTO("arriving")) },

    { "input", RULE(PROTOCOL(IPPROTO_UDP), TO_PORT(DNS_SERVED_PORT),
                    JUMP("names")) },
    { "input", RULE(PROTOCOL(IPPROTO_TCP), TO_PORT(DNS_SERVED_PORT),
                    JUMP("names")) },
    { "input", RULE(ENTERS_BY_OURS, GOTO("for_host")) },

    /* What the host itself sends has no interface that it entered by, so no
     * match on one: a rule must ask for ours, never for "not ours". */
    { "postrouting", RULE(LEAVES_BY_OURS, GOTO("to_port")) },
    { "postrouting", RULE(ENTERS_BY_OURS, GOTO("sources")) },
};

const TableSpec tables_inet = TABLE(inet, NFPROTO_INET, "inet tapster");
