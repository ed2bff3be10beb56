/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/carry_out.h"

#include "firewall/firewall.h"
#include "services/services_dhcp.h"

/*
 * The kernel's operations are queued and go out together; what another station
 * does must find them done, so the queue is emptied before it.
 */

static bool by_firewall(const PlanOperation *operation, Stations *stations,
                        GError **error)
{
    if (operation->type == PLAN_FIREWALL) {
        return firewall_ensure(stations->netfilter, stations->segments,
                               stations->fenced, &stations->generation,
                               &stations->firewall_changed, error);
    }
    return firewall_apply_port(stations->netfilter, operation,
                               stations->tap_ifindex, &stations->tap,
                               &stations->generation, error);
}

static bool by_services(const Stations *stations, GError **error)
{
    bool running = false;

    return services_find_dhcp(stations->run_fd, &running, error) &&
           (running || services_start_dhcp(stations->run_fd, error));
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
                                       : by_services(stations, error);
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
