/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"

/**
 * subnet_find_conflict:
 * @prefix: a subnet that a network wants
 * @facts: this host's addresses and routes
 * @own_group: links of this device group, and routes of our own, do not count
 * @others: (nullable) (element-type Prefix4): subnets of other networks
 * @ret_with: who has it: "route 10.0.0.0/8 of table 220", "address 10.0.2.15/24
 *   on eth0", "Docker's network web (172.18.0.0/16)" (transfer full)
 *
 * Overlap, not equality: a subnet inside or around another is in conflict too.
 * The default route is not, nor is any that is wider than a private range. What
 * other programs have in their configuration counts as if it were up.
 *
 * Privilege: none
 * Returns: true if there is a conflict
 */
bool subnet_find_conflict(Prefix4 prefix, const FactsHost *facts,
                          guint32 own_group, const GArray *others,
                          char **ret_with);

/**
 * subnet_find_other:
 *
 * The same among other networks only: for a bridged network's subnet, where
 * this host's own address in it is as it should be.
 */
bool subnet_find_other(Prefix4 prefix, const GArray *others, char **ret_with);

/**
 * subnet_choose:
 * @name: the network's; it decides where the search begins, so that two hosts
 *   with the same networks mostly choose alike
 * @length: 16..30
 *
 * The first private subnet of that length that overlaps nothing: in
 * 192.168.0.0/16 from .100 on (below it sit most homes' routers, 192.168.122
 * is libvirt's), then 172.16.0.0/12, then 10.0.0.0/8. Quick with thousands of
 * routes too.
 *
 * Privilege: none
 * Errors: EXHAUSTED if all private ranges are taken
 * Source: RFC 1918 section 3
 * Returns: true on success
 */
bool subnet_choose(const char *name, guint8 length, const FactsHost *facts,
                   guint32 own_group, const GArray *others, Prefix4 *ret_subnet,
                   GError **error) must_use;

/**
 * subnet6_find_conflict:
 * @others: (nullable) (element-type Prefix6): prefixes of other networks
 *
 * As subnet_find_conflict(), for IPv6: no route or address of this host but the
 * default route and what is wider than a /16 may overlap; and a route around
 * @prefix that leads nowhere: so a router marks a prefix delegated to it.
 *
 * Privilege: none
 * Returns: true if there is a conflict
 */
bool subnet6_find_conflict(const Prefix6 *prefix, const FactsHost *facts,
                           guint32 own_group, const GArray *others,
                           char **ret_with);

/**
 * subnet6_choose:
 * @random: forty random bits, in the lower bits: the Global ID
 *
 * A /48 of fd00::/8 that overlaps nothing: the one of @random, else the next.
 *
 * Privilege: none
 * Errors: EXHAUSTED
 * Source: RFC 4193 section 3.2
 * Returns: true on success
 */
bool subnet6_choose(guint64 random, const FactsHost *facts, guint32 own_group,
                    const GArray *others, Prefix6 *ret_prefix,
                    GError **error) must_use;
