/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/site.h"

#include "base/fd.h"
#include "kernel/observe.h"
#include "kernel/tap.h"
#include "pool/slots.h"

#include <string.h>

#define LOCK_FILE "lock"

bool site_open(Site *ret_site, GError **error)
{
    g_auto(Site) site = SITE_NONE;

    if (!netlink_open(NETLINK_ROUTE, &site.sockets.route, error) ||
        !netlink_open(NETLINK_NETFILTER, &site.sockets.netfilter, error) ||
        !observe_namespace(netlink_fd(site.sockets.route),
                           &site.place.netns_cookie, error) ||
        !places_find(&site.place, &site.places, error)) {
        return false;
    }
    *ret_site = site;
    site = SITE_NONE;
    return true;
}

void site_clear(Site *site)
{
    g_clear_pointer(&site->sockets.route, netlink_free);
    g_clear_pointer(&site->sockets.netfilter, netlink_free);
    places_close(&site->places);
}

int site_lock(const Site *site, guint wait_ms)
{
    autofd lock_fd = places_open_file(site->places.run_fd, LOCK_FILE);

    return lock_fd >= 0 && places_lock(lock_fd, wait_ms)
               ? fd_steal(&lock_fd)
               : -1;
}

bool site_names_tap(const Ifname *name)
{
    gsize length = strlen(name->name);

    if (length <= SLOTS_PREFIX_LENGTH || !g_str_has_prefix(name->name, "ts")) {
        return false;
    }
    for (gsize i = 2; i < length; i++) {
        if (!g_ascii_islower(name->name[i]) && !g_ascii_isdigit(name->name[i])) {
            return false;
        }
    }
    return true;
}

bool site_tap_lives(const Site *site, const char *tap, int ifindex)
{
    Ifname name;
    int now = 0;

    return ifname_parse(tap, &name, NULL) &&
           tap_exists(netlink_fd(site->sockets.route), &name, &now) &&
           now == ifindex;
}

bool site_forward_lives(const Ifname *tap, int ifindex, gpointer data)
{
    return site_tap_lives(data, tap->name, ifindex);
}

bool site_name_lives(const char *tap, int ifindex, gpointer data)
{
    return site_tap_lives(data, tap, ifindex);
}

ServicePlace site_services(const Site *site)
{
    return (ServicePlace){
        .run_dir_fd = site->places.run_fd,
        .netns_cookie = site->place.netns_cookie,
    };
}
