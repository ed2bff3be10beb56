/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"
#include "pool/forwards.h"

/*
 * The part of firewall_apply_port() and firewall_forget_port() that is about
 * forwards: @forwards (element-type Forward) are all of one port.
 */

/* Privilege: CAP_NET_ADMIN. Errors and @generation as firewall_apply_port(). */
bool translate_put(Netlink *netfilter, const GArray *forwards,
                   guint32 *generation, GError **error) must_use;
void translate_take_back(Netlink *netfilter, const GArray *forwards);
