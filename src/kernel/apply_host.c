/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/apply_private.h"
#include "kernel/forwarding6.h"
#include "kernel/sysctl.h"

#include <string.h>

/*
 * Operations of the host that need an answer on the way: what is there decides
 * what is done, and what was done goes to the journal at once.
 */

static bool switch_forwarding_on(Apply *apply, GError **error)
{
    Undo undo = { .type = UNDO_FORWARDING };
    bool on;

    if (!sysctl_get_forwarding(&on, error)) {
        return false;
    }
    if (on) {
        return true;
    }
    /* What catches stray packets is queued before this. */
    if (!apply_flush(apply, error) || !sysctl_set_forwarding(true, error)) {
        return false;
    }
    g_array_append_val(apply->journal, undo);
    return true;
}

static bool switch_forwarding6_on(Apply *apply, GError **error)
{
    Undo undo = { .type = UNDO_FORWARDING6 };
    bool on;

    if (!sysctl_get_forwarding6(&on, error)) {
        return false;
    }
    if (on) {
        return true;
    }
    if (!apply_flush(apply, error)) {
        return false;
    }
    /* Before it is done: a part of it may be, and is taken back like the
     * whole. */
    g_array_append_val(apply->journal, undo);
    return forwarding6_on(apply->route, apply->forwarding6, error);
}

static void know_bridge(Apply *apply, const Ifname *name, int ifindex)
{
    apply->bridge = *name;
    apply->bridge_ifindex = ifindex;
}

static bool make_bridge(Apply *apply, const PlanOperation *operation,
                        GError **error)
{
    Undo undo = { .type = UNDO_BRIDGE };
    bool made;

    if (!bridge_ensure(apply->route, operation, &undo.ifindex, &made, error)) {
        return false;
    }
    know_bridge(apply, &operation->name, undo.ifindex);
    if (made) {
        g_array_append_val(apply->journal, undo);
    }
    return true;
}

bool apply_find_bridge(Apply *apply, const Ifname *name, int *ret_ifindex,
                       GError **error)
{
    if (memcmp(&apply->bridge, name, sizeof(*name)) != 0) {
        int ifindex;

        if (!bridge_find(apply->route, name, &ifindex, error)) {
            return false;
        }
        know_bridge(apply, name, ifindex);
    }
    *ret_ifindex = apply->bridge_ifindex;
    return true;
}

static bool add_uplink(Apply *apply, const PlanOperation *operation,
                       GError **error)
{
    Undo undo = { .type = UNDO_UPLINK };
    int bridge_ifindex;

    if (!apply_find_bridge(apply, &operation->name, &bridge_ifindex, error)) {
        return false;
    }

    bool ok = bridge_enslave(apply->route, bridge_ifindex, &operation->name,
                             &operation->link, &undo.uplink, error);

    if (undo.uplink.enslaved || undo.uplink.set_up) {
        g_array_append_val(apply->journal, undo);
    }
    return ok;
}

bool apply_host(Apply *apply, const PlanOperation *operation, GError **error)
{
    switch (operation->type) {
    case PLAN_BRIDGE_MAKE:
        return make_bridge(apply, operation, error);
    case PLAN_BRIDGE_UPLINK:
        return add_uplink(apply, operation, error);
    case PLAN_FORWARDING_ON:
        return switch_forwarding_on(apply, error);
    default:
        return switch_forwarding6_on(apply, error);
    }
}
