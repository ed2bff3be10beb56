/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"

/**
 * subnet_find_conflict:
 * @prefix: a subnet that a network wants
 * @facts: this host's addresses and routes
 * @own_group: links of this device group, and routes of our own, do not count
 * @others: (nullable) (element-type Prefix4): subnets of other networks
 * @ret_with: who has it: "route 10.0.0.0/8", "address 10.0.2.15/24 on eth0"
 *   (transfer full)
 *
 * Overlap, not equality: a subnet inside or around another is in conflict too.
 * The default route is not, nor is any that is wider than a private range.
 *
 * Privilege: none
 * Returns: true if there is a conflict
 */
bool subnet_find_conflict(Prefix4 prefix, const FactsHost *facts,
                          guint32 own_group, const GArray *others,
                          char **ret_with);

/**
 * subnet_choose:
 * @name: the network's; it decides where the search begins, so that two hosts
 *   with the same networks mostly choose alike
 * @length: 16..30
 *
 * The first private subnet of that length that overlaps nothing: in
 * 192.168.0.0/16 from .100 on (below it sit most homes' routers, 192.168.122
 * is libvirt's), then 172.16.0.0/12, then 10.0.0.0/8.
 *
 * Privilege: none
 * Errors: EXHAUSTED if all private ranges are taken
 * Source: RFC 1918 section 3
 * Returns: true on success
 */
bool subnet_choose(const char *name, guint8 length, const FactsHost *facts,
                   guint32 own_group, const GArray *others, Prefix4 *ret_subnet,
                   GError **error) must_use;
