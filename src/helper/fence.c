/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/fence.h"

#include "helper/remember.h"
#include "kernel/observe.h"

#include <net/if.h>
#include <string.h>

/*
 * The forwarding fence: the interfaces that existed and did not forward when
 * tapster switched forwarding on. Between any two of them nothing is forwarded
 * afterwards either. Its names are kept in the run directory, and it stands for
 * as long as forwarding is on, whatever becomes of the network that it was
 * switched on for. The rules that make it are the firewall's.
 */

static bool is_fenced(const GArray *fenced, const Ifname *name)
{
    for (guint i = 0; i < fenced->len; i++) {
        if (strcmp(g_array_index(fenced, Ifname, i).name, name->name) == 0) {
            return true;
        }
    }
    return false;
}

bool fence_ensure(const Places *places, const Segment *segment,
                  const FactsHost *facts, GArray **ret_fenced, GError **error)
{
    g_autoptr(GArray) fenced = remember_load_fence(places->run_fd);

    if (segment->mode == MODE_MASQUERADED && facts && !facts->forwarding) {
        if (!fenced) {
            fenced = g_array_new(FALSE, TRUE, sizeof(Ifname));
        }
        for (guint i = 0; i < facts->links->len; i++) {
            const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

            if (!(link->flags & IFF_LOOPBACK) && !link->forwards &&
                (link->group & SEGMENT_GROUP_MASK) != SEGMENT_GROUP_BASE &&
                !is_fenced(fenced, &link->name)) {
                g_array_append_val(fenced, link->name);
            }
        }
        if (!remember_save_fence(places->run_fd, fenced, error)) {
            return false;
        }
    }
    *ret_fenced = fenced ? g_steal_pointer(&fenced)
                         : g_array_new(FALSE, TRUE, sizeof(Ifname));
    return true;
}

GArray *fence_still_needed(const Places *places)
{
    GArray *fenced = NULL;
    bool forwards = true;

    if (!observe_forwarding(&forwards, NULL) || forwards) {
        fenced = remember_load_fence(places->run_fd);
    } else {
        remember_drop_fence(places->run_fd);
    }
    return fenced ? fenced : g_array_new(FALSE, TRUE, sizeof(Ifname));
}
