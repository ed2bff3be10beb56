/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "firewall/firewall.h"
#include "helper/lookup.h"
#include "helper/site.h"
#include "kernel/apply.h"

/*
 * The parts of making a network and of taking it back, all under the lock of the
 * run directory: network_up.c and take_down.c say when.
 */

/* Where the run directory outlives the boot: forgets what was written down in
 * another one. To be called before registry_prepare(). Privilege: uid 0 */
void network_make_begin(const Site *site);

/* The networks made here besides the one that is worked on. */
typedef struct {
    GArray *segments; /* Segment */
    GArray *subnets;  /* Prefix4 */
    GArray *subnets6; /* Prefix6 */
} Others;

/* Privilege: uid 0 */
void network_make_gather(const Site *site, const char *name, Others *ret_others);
void others_clear(Others *others);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Others, others_clear)

/**
 * network_make_decide:
 * @lookup: the network's file; parsed here
 * @grants: what it came to
 * @facts: the host; gets others' configured subnets if they matter
 * @ret_record: every "auto" decided
 * @ret_warning: (transfer full): a line for the caller, or NULL
 *
 * Writes down the network's reservations, too: before the registry has it.
 *
 * Privilege: uid 0
 * Errors: those of lookup_parse() and segment_make(); SYSTEM
 * Returns: true on success
 */
bool network_make_decide(Lookup *lookup, const NetworkGrants *grants,
                         const Site *site, FactsHost *facts,
                         const Others *others, RegistryNetwork *ret_record,
                         char **ret_warning, GError **error) must_use;

/* A network that is made anew otherwise leaves what it had before. */
bool network_make_retire(const Site *site, const Segment *before,
                         const Segment *after, GError **error) must_use;

/* Writes down that a known network is not in order until network_make_install() is
 * done with it: the generation says so of all networks only until another one is
 * made. Errors: SYSTEM. Returns: true on success */
bool network_make_unfinish(const Site *site, RegistryNetwork *record,
                           GError **error) must_use;

/**
 * network_make_install:
 * @wish: with fenced and fenced6; the rest is set here
 * @made: (inout): notes what is changed of the host
 * @record: put into the registry before the kernel is touched: the resident
 *   reads it
 * @ret_generation: of the ruleset, with all in order
 *
 * Privilege: stage "as_root", before privilege_settle()
 * Errors: those of the stations
 * Returns: true on success; else what was changed is still there, in @made
 */
bool network_make_install(const Site *site, const Others *others,
                          FirewallWish *wish, Apply *made,
                          RegistryNetwork *record, guint32 *ret_generation,
                          GError **error) must_use;

/* Takes back what a start made for a network. What fails here is mended by
 * the next start; there is nobody to tell. */
void network_make_withdraw(const Site *site, const Others *others, Apply *made,
                           const Segment *segment);

/* The firewall without @segment, and the registry. */
void network_make_forget(const Site *site, const Others *others,
                         const Segment *segment);

void firewall_wish_clear(FirewallWish *wish);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FirewallWish, firewall_wish_clear)
