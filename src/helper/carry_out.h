/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/apply.h"

/*
 * Carrying out a plan: each operation goes to its station, in order.
 */

/* What the stations need beyond the operation. */
typedef struct {
    Netlink *netfilter;
    Apply *apply;
    int run_fd;      /* of this network namespace */
    int tap_ifindex; /* 0 while no tap is claimed */
    Ifname tap;
    GArray *segments;      /* Segment: all networks made here (PLAN_FIREWALL) */
    GArray *fenced;        /* Ifname (PLAN_FIREWALL) */
    guint32 generation;    /* last found in order; moved on by the firewall */
    bool firewall_changed; /* PLAN_FIREWALL had something to do */
} Stations;

/**
 * carry_out:
 * @plan: from plan_network(), plan_resident() or plan_port()
 *
 * Stops at the first operation that fails; the caller undoes.
 *
 * Privilege: CAP_NET_ADMIN; for PLAN_DHCP that of services_start_dhcp()
 * Errors: those of the stations
 * Returns: true if all are done
 */
bool carry_out(const Plan *plan, Stations *stations, GError **error) must_use;
