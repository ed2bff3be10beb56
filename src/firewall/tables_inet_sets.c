/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/expressions.h"

/*
 * The sets and maps of table inet: what their keys and data are. Its rules, in
 * tables_inet.c, read them; elements come from rules.c and rules_forward.c, but
 * for those that packets put in.
 */

/* No more than one address a second is learnt from a port: an element that is
 * replaced takes up room until the kernel has cleared it away. By index, since the
 * next port of that name has not been heard yet.
 *
 * No set that packets put elements in has a size: the kernel gives it one of
 * 65535 (Linux net/netfilter/nft_dynset.c, nft_dynset_init()), and what is asked
 * for when it is made it also makes room for at once, a megabyte for each. */
#define LEARN_INTERVAL_MS 1000

/* How long a port's neighbour is not counted again. */
#define NEIGHBOUR_KNOWN_MS 20000

#define GROUP_SET(text) \
    { .name = (text), .key_type = TYPE_DEVGROUP, .key_length = 4, \
      .key_order = ORDER_HOST }
#define NAME_SET(text) \
    { .name = (text), .key_type = TYPE_IFNAME, .key_length = IFNAMSIZ, \
      .key_order = ORDER_HOST }
#define PAIR_SET(text, first, second, length) \
    { .name = (text), .key_type = CONCATENATION(first, second), \
      .key_length = (length) }
#define SERVICE_KEY \
    .key_type = CONCATENATION(TYPE_PROTOCOL, TYPE_PORT), .key_length = 8
#define SERVICE4_KEY \
    .key_type = CONCATENATION3(TYPE_IPV4, TYPE_PROTOCOL, TYPE_PORT), \
    .key_length = 12
#define SERVICE6_KEY \
    .key_type = CONCATENATION3(TYPE_IPV6, TYPE_PROTOCOL, TYPE_PORT), \
    .key_length = 24
#define TO_GUEST4 \
    .data_type = CONCATENATION(TYPE_IPV4, TYPE_PORT), .data_length = 8
/* The protocol is there for nft's sake: see INTO_GUEST6 in tables_inet.c. */
#define TO_GUEST6 \
    .data_type = CONCATENATION3(TYPE_PROTOCOL, TYPE_IFNAME, TYPE_PORT), \
    .data_length = 24

const SetSpec inet_sets[SETS_MAX] = {
    [INET_ANYWHERE] = GROUP_SET("anywhere"),
    [INET_EXITS] = PAIR_SET("exits", TYPE_DEVGROUP, TYPE_IFNAME, 20),
    [INET_PEERS] = PAIR_SET("peers", TYPE_DEVGROUP, TYPE_DEVGROUP, 8),
    [INET_TO_HOST] = GROUP_SET("to_host"),
    [INET_MASQUERADED] = PAIR_SET("masqueraded", TYPE_DEVGROUP, TYPE_NFPROTO,
                                  8),
    [INET_FENCED] = PAIR_SET("fenced", TYPE_NFPROTO, TYPE_IFNAME, 20),
    [INET_SAME] = PAIR_SET("same", TYPE_IFNAME, TYPE_IFNAME, 32),
    [INET_SHARED] = NAME_SET("shared"),
    [INET_DNS] = GROUP_SET("dns"),
    [INET_DNS4] = PAIR_SET("dns4", TYPE_DEVGROUP, TYPE_IPV4, 8),
    [INET_DNS4_HERE] = { .name = "dns4_here", .key_type = TYPE_IPV4,
                         .key_length = 4, .key_order = ORDER_NETWORK },
    [INET_DNS6] = PAIR_SET("dns6", TYPE_DEVGROUP, TYPE_IPV6, 20),
    [INET_DNS6_HERE] = { .name = "dns6_here", .key_type = TYPE_IPV6,
                         .key_length = 16, .key_order = ORDER_NETWORK },
    [INET_FORWARDS4] = { .name = "forwards4", SERVICE_KEY, TO_GUEST4 },
    [INET_FORWARDS4_AT] = { .name = "forwards4_at", SERVICE4_KEY, TO_GUEST4 },
    [INET_FORWARDS6] = { .name = "forwards6", SERVICE_KEY, TO_GUEST6 },
    [INET_FORWARDS6_AT] = { .name = "forwards6_at", SERVICE6_KEY, TO_GUEST6 },
    [INET_PUBLIC] = { .name = "public", SERVICE_KEY },
    [INET_PUBLIC4_AT] = { .name = "public4_at", SERVICE4_KEY },
    [INET_PUBLIC6_AT] = { .name = "public6_at", SERVICE6_KEY },
    [INET_PREFIXES6] = PAIR_SET("prefixes6", TYPE_IFNAME, TYPE_IPV6, 32),
    [INET_GUESTS6] = { .name = "guests6", .key_type = TYPE_IFNAME,
                       .key_length = RULES_GUEST6_KEY_SIZE,
                       .key_order = ORDER_HOST,
                       .data_type = TYPE_IPV6, .data_length = 16,
                       .data_order = ORDER_NETWORK, .learnt = true },
    [INET_LEARNT] = { .name = "learnt", .key_type = TYPE_MARK,
                      .key_length = 4, .key_order = ORDER_HOST,
                      .learnt = true, .timeout_ms = LEARN_INTERVAL_MS },
    [INET_NEIGHBOURS6] = { .name = "neighbours6", .key_length = 32,
                           .key_type = CONCATENATION(TYPE_IFNAME, TYPE_IPV6),
                           .learnt = true, .timeout_ms = NEIGHBOUR_KNOWN_MS },
    [INET_NEWCOMERS] = { .name = "newcomers", .key_type = TYPE_IFNAME,
                         .key_length = IFNAMSIZ, .key_order = ORDER_HOST,
                         .learnt = true, .timeout_ms = NEIGHBOUR_KNOWN_MS },
};
