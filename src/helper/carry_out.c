/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/carry_out.h"

#include "helper/residents.h"

/*
 * The kernel's operations are queued and go out together; what another station
 * does must find them done, so the queue is emptied before it.
 */

static bool by_firewall(const PlanOperation *operation, Stations *stations,
                        GError **error)
{
    Netlink *netfilter = stations->site->sockets.netfilter;

    if (operation->type == PLAN_FIREWALL) {
        return firewall_ensure(netfilter, stations->wish, &stations->generation,
                               &stations->firewall_changed, error);
    }
    return firewall_apply_port(netfilter, operation, stations->tap_ifindex,
                               &stations->tap, &stations->generation, error);
}

static bool by_services(const PlanOperation *operation, const Stations *stations,
                        GError **error)
{
    if (operation->type == PLAN_DNS_FILES) {
        return residents_write_dns(stations->site, stations->segment, error);
    }
    return residents_ensure(stations->site,
                            operation->type == PLAN_DNS ? SERVICE_DNS
                                                        : SERVICE_DHCP,
                            stations->segment->name, error);
}

static bool by_station(const PlanOperation *operation, Stations *stations,
                       GError **error)
{
    PlanStation station = plan_station(operation->type);

    if (station == PLAN_BY_KERNEL) {
        return apply_kernel(stations->apply, operation, error);
    }
    if (!apply_flush(stations->apply, error)) {
        return false;
    }
    return station == PLAN_BY_FIREWALL ? by_firewall(operation, stations, error)
                                       : by_services(operation, stations, error);
}

bool carry_out(const Plan *plan, Stations *stations, GError **error)
{
    for (guint i = 0; i < plan->n_operations; i++) {
        if (!by_station(&plan->operations[i], stations, error)) {
            return false;
        }
    }
    return apply_flush(stations->apply, error);
}
