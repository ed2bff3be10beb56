/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"
#include "plan/plan.h"

/*
 * The firewall: three private tables named "tapster" (inet and arp for every
 * network, bridge for bridged ones) that hold a fixed set of rules. What
 * differs between networks is an element of a set, filled in when the network
 * is made; what differs between ports is nothing, but for a port whose MAC is
 * fixed and for pools too large to be filled.
 */

/* Pools of more slots than this have their ARP senders admitted one by one. */
#define FIREWALL_FILLED_SLOTS_MAX PLAN_FILLED_SLOTS_MAX

/* What the tables are made from. All may be empty, none NULL. */
typedef struct {
    GArray *segments; /* Segment: all networks made here, the one that is
                       * starting among them */
    GArray *fenced;   /* Ifname: interfaces between which no IPv4 may be
                       * forwarded, because none was before tapster switched
                       * forwarding on. The fence stands for as long as this is
                       * not empty, without networks too */
    GArray *fenced6;  /* Ifname: the same for IPv6 */
    GArray *forwards; /* Forward: of live ports */
} FirewallWish;

/**
 * firewall_generation:
 * @netfilter: a NETLINK_NETFILTER socket
 * @ret_generation: of the ruleset of this network namespace, never 0
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, UNSUPPORTED without nf_tables
 */
bool firewall_generation(Netlink *netfilter, guint32 *ret_generation,
                         GError **error) must_use;

/**
 * firewall_ensure:
 * @wish: what should be in force
 * @ret_generation: a generation in which all was found in order
 * @ret_changed: whether anything had to be installed or mended
 *
 * Compares what the kernel has with what it should have; installs the tables if
 * they are absent, replaces them in one transaction if they differ. A table of
 * our name that we cannot have made is replaced too: the names are ours.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, UNSUPPORTED, BUSY if the ruleset does not come to rest
 * Returns: true on success
 */
bool firewall_ensure(Netlink *netfilter, const FirewallWish *wish,
                     guint32 *ret_generation, bool *ret_changed,
                     GError **error) must_use;

/**
 * firewall_apply_port:
 * @operation: PLAN_ADMIT_SENDER, PLAN_GUARD_MAC or PLAN_FORWARDS
 * @tap_ifindex: of the claimed tap
 * @tap: its name
 * @generation: (inout): the generation last verified; moved on if the only
 *   change since then is ours, else left as it is
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, BUSY if the tables are gone since, EXHAUSTED if 4096 live
 *   bridged ports have a fixed MAC
 * Returns: true on success
 */
bool firewall_apply_port(Netlink *netfilter, const PlanOperation *operation,
                         int tap_ifindex, const Ifname *tap,
                         guint32 *generation, GError **error) must_use;

/**
 * firewall_sweep_forwards:
 * @stale: (element-type Forward): their taps are gone
 * @generation: (inout): as above
 *
 * Removes their elements, those that are still there; what another forward has
 * put there since stays. Costs 16 ms when a netfilter socket closes next: for
 * what is really stale only.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true if none of them leads anywhere
 */
bool firewall_sweep_forwards(Netlink *netfilter, const GArray *stale,
                             guint32 *generation, GError **error) must_use;

/* Takes back PLAN_GUARD_MAC or PLAN_FORWARDS for a start that failed after it. */
void firewall_forget_port(Netlink *netfilter, const PlanOperation *operation,
                          int tap_ifindex);

/* Removes tables of ours; @wish has the networks that remain (may be none). For
 * a start that made a network and then failed, and for down. */
bool firewall_withdraw(Netlink *netfilter, const FirewallWish *wish,
                       GError **error) must_use;
