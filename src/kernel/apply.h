/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/forwarding6.h"
#include "kernel/netlink.h"
#include "plan/plan.h"

/*
 * Carries out the kernel's operations of a plan, and takes back what was
 * made if a later one fails. The port itself needs no undoing: it goes when the
 * tap's descriptor closes.
 */

typedef struct Apply Apply;

/**
 * apply_new:
 * @route: (transfer none): a NETLINK_ROUTE socket
 * @netfilter: (transfer none): a NETLINK_NETFILTER socket, for conntrack
 * @tap_ifindex: of the claimed tap, 0 if there is none yet
 * @tap: its name
 */
Apply *apply_new(Netlink *route, Netlink *netfilter, int tap_ifindex,
                 const Ifname *tap);
void apply_free(Apply *apply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Apply, apply_free)

/**
 * apply_kernel:
 * @operation: one of PLAN_BY_KERNEL
 *
 * Carries it out, or queues it: consecutive netlink operations go to the
 * kernel in one system call, so an error may come from apply_flush().
 * What was changed of the host (not of the port) is remembered for
 * apply_undo().
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL, CONFLICT (a name that is not a bridge, an uplink that
 *   belongs to another), UNSUPPORTED
 * Returns: true on success
 */
bool apply_kernel(Apply *apply, const PlanOperation *operation,
                  GError **error) must_use;
bool apply_flush(Apply *apply, GError **error) must_use;

/* Takes back, last first, what this Apply changed of the host: a bridge that
 * it made, an uplink that it enslaved, routes, rules and sysctls that it added.
 * Goes on over failures. Privilege: CAP_NET_ADMIN */
void apply_undo(Apply *apply);

/**
 * apply_keep:
 * @type: PLAN_FORWARDING_ON, PLAN_FORWARDING6_ON, PLAN_BRIDGE_MAKE or
 *   PLAN_BRIDGE_UPLINK
 *
 * What was changed by operations of that type is somebody else's concern by
 * now: apply_undo() leaves it.
 *
 * Privilege: none
 */
void apply_keep(Apply *apply, PlanType type);

/* (element-type Forwarding6Link) (transfer none): what PLAN_FORWARDING6_ON changed
 * beside the switch itself and has not been undone: for forwarding6_off(), weeks
 * later. Empty where it was on already. */
const GArray *apply_forwarding6(const Apply *apply);

/* True if anything of the host (not of the port) was changed. */
bool apply_changed_host(const Apply *apply);
