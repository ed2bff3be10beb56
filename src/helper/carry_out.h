/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/firewall.h"
#include "helper/site.h"
#include "kernel/apply.h"

/*
 * Carrying out a plan: each operation goes to its station, in order.
 */

/* What the stations need beyond the operation. */
typedef struct {
    const Site *site;
    const Segment *segment; /* the network that the plan is for */
    Apply *apply;
    int tap_ifindex; /* 0 while no tap is claimed */
    Ifname tap;
    const FirewallWish *wish; /* PLAN_FIREWALL */
    guint32 generation;    /* last found in order; moved on by the firewall */
    bool firewall_changed; /* PLAN_FIREWALL had something to do */
} Stations;

/**
 * carry_out:
 * @plan: from plan_network(), plan_resident() or plan_port()
 *
 * Stops at the first operation that fails; the caller undoes.
 *
 * Privilege: CAP_NET_ADMIN; for PLAN_DHCP and PLAN_DNS that of services_start(),
 *   for PLAN_DNS_FILES CAP_KILL
 * Errors: those of the stations
 * Returns: true if all are done
 */
bool carry_out(const Plan *plan, Stations *stations, GError **error) must_use;
