/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/fence.h"

#include "helper/remember.h"
#include "kernel/observe.h"
#include "kernel/sysctl.h"

#include <net/if.h>
#include <string.h>

/*
 * The forwarding fence: the interfaces that existed and did not forward when
 * tapster switched forwarding on. Between any two of them nothing is forwarded
 * afterwards either. Its names are kept in the run directory, one list for each
 * family, and it stands for as long as forwarding is on, whatever becomes of the
 * network that it was switched on for. The rules that make it are the firewall's.
 *
 * That a list is there says that it was tapster who switched forwarding on. It is
 * switched off again, when the last network goes, only if every interface that
 * forwards is on the list or ours: another one was made since, and its maker
 * (Docker, a VPN) found forwarding on and may rely on it.
 *
 * A router does not listen to routers unless it is told to, and what told each
 * interface so before is on a third list (kernel/forwarding6.h).
 */

static bool is_listed(const GArray *links, const Ifname *name)
{
    for (guint i = 0; i < links->len; i++) {
        if (strcmp(g_array_index(links, Ifname, i).name, name->name) == 0) {
            return true;
        }
    }
    return false;
}

/* A tap that is being made has no group yet. */
static bool is_port(const FactsLink *link)
{
    return (link->group & SEGMENT_GROUP_MASK) == SEGMENT_GROUP_BASE ||
           (link->kind == LINK_TAP && site_names_tap(&link->name));
}

static bool is_ours(const FactsLink *link)
{
    return is_port(link) ||
           (link->group & SEGMENT_GROUP_MASK) == SEGMENT_BRIDGE_GROUP_BASE;
}

static bool forwards(const FactsLink *link, RememberList which)
{
    return which == REMEMBER_FENCE ? link->forwards : link->forwards6;
}

static GArray *load_or_new(int run_fd, RememberList which)
{
    GArray *links = remember_load_list(run_fd, which);

    return links ? links : g_array_new(FALSE, TRUE, sizeof(Ifname));
}

/* Adds to a list what does not forward now, and writes it down. */
static bool extend(int run_fd, RememberList which, const FactsHost *facts,
                   GArray **ret_links, GError **error)
{
    g_autoptr(GArray) links = load_or_new(run_fd, which);

    for (guint i = 0; i < facts->links->len; i++) {
        const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (!(link->flags & IFF_LOOPBACK) && !forwards(link, which) &&
            !is_port(link) && !is_listed(links, &link->name)) {
            g_array_append_val(links, link->name);
        }
    }
    if (!remember_save_list(run_fd, which, links, error)) {
        return false;
    }
    *ret_links = g_steal_pointer(&links);
    return true;
}

/* What is written down already was as it was before the first time. */
static bool note_listening(const Site *site, GError **error)
{
    int run_fd = site->places.run_fd;
    g_autoptr(GArray) noted = remember_load_forwarding6(run_fd);
    g_autoptr(GArray) now = NULL;

    if (!forwarding6_survey(site->sockets.route, &now, error)) {
        return false;
    }
    for (guint i = 0; noted && i < now->len; i++) {
        const Forwarding6Link *link = &g_array_index(now, Forwarding6Link, i);
        bool known = false;

        for (guint j = 0; j < noted->len && !known; j++) {
            known = strcmp(g_array_index(noted, Forwarding6Link, j).name.name,
                           link->name.name) == 0;
        }
        if (!known) {
            g_array_append_val(noted, *link);
        }
    }
    return remember_save_forwarding6(run_fd, noted ? noted : now, error);
}

bool fence_ensure(const Site *site, const Segment *segment,
                  const FactsHost *facts, FirewallWish *wish, GError **error)
{
    int run_fd = site->places.run_fd;
    bool ipv4 = segment->mode == MODE_MASQUERADED;
    bool ipv6 = ipv4 && segment->subnet6_length > 0;
    g_autoptr(GArray) fenced = NULL;
    g_autoptr(GArray) fenced6 = NULL;

    if (ipv4 && facts && !facts->forwarding &&
        !extend(run_fd, REMEMBER_FENCE, facts, &fenced, error)) {
        return false;
    }
    if (ipv6 && facts && !facts->forwarding6 &&
        (!note_listening(site, error) ||
         !extend(run_fd, REMEMBER_FENCE6, facts, &fenced6, error))) {
        return false;
    }
    wish->fenced = fenced ? g_steal_pointer(&fenced)
                          : load_or_new(run_fd, REMEMBER_FENCE);
    wish->fenced6 = fenced6 ? g_steal_pointer(&fenced6)
                            : load_or_new(run_fd, REMEMBER_FENCE6);
    return true;
}

/* Forwarding is off, or about to be: each interface listens as it did. */
static void forward6_no_more(int run_fd)
{
    g_autoptr(GArray) changed = remember_load_forwarding6(run_fd);

    if (changed) {
        (void)!forwarding6_off(changed, NULL);
    }
}

void fence_still_needed(const Site *site, FirewallWish *wish)
{
    int run_fd = site->places.run_fd;
    bool on = true;
    bool on6 = true;

    if (observe_forwarding(&on, NULL) && !on) {
        remember_drop_list(run_fd, REMEMBER_FENCE);
    }
    if (observe_forwarding6(&on6, NULL) && !on6) {
        forward6_no_more(run_fd);
        remember_drop_forwarding6(run_fd);
        remember_drop_list(run_fd, REMEMBER_FENCE6);
    }
    wish->fenced = load_or_new(run_fd, REMEMBER_FENCE);
    wish->fenced6 = load_or_new(run_fd, REMEMBER_FENCE6);
}

/* True if something forwards that is neither ours nor was there before. */
static bool others_forward(const FactsHost *facts, RememberList which,
                           const GArray *listed)
{
    for (guint i = 0; i < facts->links->len; i++) {
        const FactsLink *link = &g_array_index(facts->links, FactsLink, i);

        if (!(link->flags & IFF_LOOPBACK) && forwards(link, which) &&
            !is_ours(link) && !is_listed(listed, &link->name)) {
            return true;
        }
    }
    return false;
}

void fence_lift(const Site *site, const FactsHost *facts, bool ipv4, bool ipv6)
{
    int run_fd = site->places.run_fd;
    g_autoptr(GArray) fenced = remember_load_list(run_fd, REMEMBER_FENCE);
    g_autoptr(GArray) fenced6 = remember_load_list(run_fd, REMEMBER_FENCE6);

    if (ipv4 && fenced && facts->forwarding &&
        !others_forward(facts, REMEMBER_FENCE, fenced)) {
        (void)!sysctl_set_forwarding(false, NULL);
    }
    if (ipv6 && fenced6 && facts->forwarding6 &&
        !others_forward(facts, REMEMBER_FENCE6, fenced6)) {
        forward6_no_more(run_fd);
    }
}
