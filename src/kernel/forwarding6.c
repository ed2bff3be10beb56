/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/forwarding6.h"
#include "kernel/observe.h"

#include <net/if.h>
#include <string.h>

/*
 * IPv6 forwarding is one switch for the whole host, net.ipv6.conf.all.forwarding,
 * and writing it writes the "forwarding" of every link and of the default too
 * (Linux net/ipv6/addrconf.c, addrconf_fixup_forwarding()). With it on, a link
 * forgets its router and listens to none any more unless its accept_ra is 2; with
 * it off, 1 and 2 are the same (ipv6_accept_ra()). So every link that listens
 * gets 2 first, and the default does, for links that are yet to come: before the
 * others are looked at, or one that came in between would be missed. A link whose
 * own "forwarding" is on does not listen, whatever its accept_ra of 1 says, and
 * stays so. Nothing in the kernel reads conf.all.accept_ra, and nothing here
 * writes it.
 *
 * The way back is exact where nobody else has written any of these since.
 */

static void add(GArray *links, const char *name, int accept_ra, bool forwards)
{
    Forwarding6Link link = {
        .listened = accept_ra == 1 && !forwards,
        .forwarded = forwards,
    };

    if (link.listened || link.forwarded) {
        g_strlcpy(link.name.name, name, sizeof(link.name.name));
        g_array_append_val(links, link);
    }
}

static bool survey_default(GArray *links, GError **error)
{
    int accept_ra, forwards;

    if (!sysctl_get(SYSCTL_IPV6_ACCEPT_RA, SYSCTL_DEFAULT, &accept_ra, NULL,
                    error) ||
        !sysctl_get(SYSCTL_IPV6_FORWARDING, SYSCTL_DEFAULT, &forwards, NULL,
                    error)) {
        return false;
    }
    add(links, SYSCTL_DEFAULT, accept_ra, forwards != 0);
    return true;
}

static bool survey_links(Netlink *route, GArray *links, GError **error)
{
    g_autoptr(GArray) facts = NULL;

    if (!observe_links(route, &facts, error)) {
        return false;
    }
    for (guint i = 0; i < facts->len; i++) {
        const FactsLink *link = &g_array_index(facts, FactsLink, i);

        /* Nobody advertises a router on the loopback. */
        add(links, link->name.name,
            link->flags & IFF_LOOPBACK ? 0 : link->accept_ra,
            link->forwards6);
    }
    return true;
}

bool forwarding6_survey(Netlink *route, GArray **ret_links, GError **error)
{
    g_autoptr(GArray) links = g_array_new(false, true,
                                          sizeof(Forwarding6Link));

    if (!survey_default(links, error) || !survey_links(route, links, error)) {
        return false;
    }
    *ret_links = g_steal_pointer(&links);
    return true;
}

static bool is_default(const Forwarding6Link *link)
{
    return strcmp(link->name.name, SYSCTL_DEFAULT) == 0;
}

static bool set(const Forwarding6Link *link, SysctlLink which, int value,
                GError **error)
{
    return is_default(link)
               ? sysctl_set_default(which, value, error)
               : sysctl_set_link(which, &link->name, value, NULL, error);
}

static bool keep_listening(const GArray *links, guint from, GError **error)
{
    for (guint i = from; i < links->len; i++) {
        const Forwarding6Link *link = &g_array_index(links, Forwarding6Link,
                                                     i);

        if (link->listened && !set(link, SYSCTL_IPV6_ACCEPT_RA, 2, error)) {
            return false;
        }
    }
    return true;
}

bool forwarding6_on(Netlink *route, GArray *changed, GError **error)
{
    guint first = changed->len;

    if (!survey_default(changed, error) ||
        !keep_listening(changed, first, error)) {
        return false;
    }

    guint links = changed->len;

    return survey_links(route, changed, error) &&
           keep_listening(changed, links, error) &&
           sysctl_set_forwarding6(true, error);
}

static bool listen_as_before(const Forwarding6Link *link, GError **error)
{
    const char *name = link->name.name;
    int accept_ra, forwards;

    if (!sysctl_get(SYSCTL_IPV6_ACCEPT_RA, name, &accept_ra, NULL, error) ||
        !sysctl_get(SYSCTL_IPV6_FORWARDING, name, &forwards, NULL, error)) {
        return false;
    }
    return accept_ra != 2 || forwards ||
           set(link, SYSCTL_IPV6_ACCEPT_RA, 1, error);
}

static bool put_back(const Forwarding6Link *link, bool switched_off,
                     GError **error)
{
    if (link->forwarded) {
        return !switched_off || set(link, SYSCTL_IPV6_FORWARDING, 1, error);
    }
    return !link->listened || listen_as_before(link, error);
}

bool forwarding6_off(const GArray *changed, GError **error)
{
    bool on = false;
    /* Each error goes nowhere once there is one. */
    bool ok = sysctl_get_forwarding6(&on, error) &&
              (!on || sysctl_set_forwarding6(false, error));

    for (guint i = 0; i < changed->len; i++) {
        ok = put_back(&g_array_index(changed, Forwarding6Link, i), on,
                      ok ? error : NULL) && ok;
    }
    return ok;
}

bool forwarding6_make_router(Netlink *route, int ifindex, const Ifname *link,
                             GError **error)
{
    bool present, forwards;

    if (!sysctl_set_link(SYSCTL_IPV6_ACCEPT_RA, link, 0, &present, error)) {
        return false;
    }
    /* Asking is cheap, and the answer nearly always yes: a new link has what
     * conf.default has, and that goes with conf.all's. */
    return !present ||
           (observe_link_forwards6(route, ifindex, &forwards, error) &&
            (forwards || sysctl_set_link(SYSCTL_IPV6_FORWARDING, link, 1, NULL,
                                         error)));
}
