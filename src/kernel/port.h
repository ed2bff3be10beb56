/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/plan.h"

#include <netlink/msg.h>

/*
 * The requests that make a tap a port, and a subnet a network's: pure builders,
 * one function an operation. Each returns (transfer full) a message to be freed
 * with nlmsg_free(). Privilege: none.
 */

/* A metric that nobody else has ("taps" in ASCII): a route of that metric for
 * the same prefix is ours. Any other route to the prefix is preferred, and any to
 * a part of it anyway. Both families refuse a second one of that metric. */
#define PORT_UNREACHABLE_METRIC 0x74617073u

/* Rules before those of VPNs, which put theirs at 220 (strongSwan), 5210 to 5270
 * (Tailscale) or 32764 (wg-quick), and after 100, where Cilium moves the table
 * "local". */
#define PORT_RULE_PREFERENCE 150u

/* @master_ifindex: of the bridge, 0 for none */
struct nl_msg *port_settings(const PlanOperation *operation, int tap_ifindex,
                             int master_ifindex);
struct nl_msg *port_up(int tap_ifindex);
struct nl_msg *port_neighbours(int tap_ifindex);
struct nl_msg *port_address(const PlanOperation *operation, int tap_ifindex);
struct nl_msg *port_address6(const Address6 *address, guint8 length,
                             int ifindex);
struct nl_msg *port_route(const PlanOperation *operation, int tap_ifindex);

/* The gateway's address on a shared segment's bridge, with the subnet's route. */
struct nl_msg *port_bridge_address(const PlanOperation *operation,
                                   int bridge_ifindex);

/* 127.0.0.1 has a forward that leaves by this link. */
struct nl_msg *port_localhost(int ifindex);

/* IFLA_AF_SPEC for a link that the host is a gateway on: net.ipv4.conf, with
 * proxy ARP on a port and without on a bridge; and where IPv6 is wanted, no
 * link-local address of the kernel's. */
void port_put_gateway(struct nl_msg *message, const PlanOperation *operation);

/* To add (NLM_F_CREATE | NLM_F_EXCL) or to delete. */
struct nl_msg *port_subnet_unreachable(Prefix4 prefix, bool add);
struct nl_msg *port_subnet_rule(Prefix4 prefix, bool add);
struct nl_msg *port_subnet6_unreachable(const Prefix6 *prefix, bool add);
struct nl_msg *port_subnet6_rule(const Prefix6 *prefix, bool add);
