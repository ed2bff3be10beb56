/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/places.h"
#include "kernel/netlink.h"
#include "services/services.h"

/*
 * Where a start, or a sweep, does its work: one network namespace, with the
 * sockets that talk to its kernel and the directories that belong to it.
 */

/* The sockets that a start talks to the kernel with. */
typedef struct {
    Netlink *route;
    Netlink *netfilter;
} Sockets;

typedef struct {
    Sockets sockets;
    RegistryPlace place;
    Places places;
} Site;

#define SITE_NONE ((Site){.places = PLACES_NONE})

/**
 * site_open:
 * @ret_site: clear with site_clear()
 *
 * Opens sockets, tells the namespace, and finds what is there of its
 * directories (places_find()); makes nothing.
 *
 * Privilege: uid 0, effective
 * Errors: KERNEL, SYSTEM
 * Returns: true on success
 */
bool site_open(Site *ret_site, GError **error) must_use;
void site_clear(Site *site);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Site, site_clear)

/* Takes the lock under which networks are made and taken down, until the
 * descriptor closes. Returns: -1 if it cannot be had within @wait_ms */
int site_lock(const Site *site, guint wait_ms) must_use;

/* True if a tap of ours can have that name: "ts", six characters, a slot in base
 * 36. Privilege: none */
bool site_names_tap(const Ifname *name);

/* True if the tap of that name is still the link of that index: a question to
 * the kernel that takes no lock. */
bool site_tap_lives(const Site *site, const char *tap, int ifindex);

/* The same for lists of forwards and names, with the Site as @data. */
bool site_forward_lives(const Ifname *tap, int ifindex, gpointer data);
bool site_name_lives(const char *tap, int ifindex, gpointer data);

ServicePlace site_services(const Site *site);
