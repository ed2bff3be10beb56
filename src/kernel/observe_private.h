/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/observe.h"

/*
 * What observe.c (links) and observe_host.c (everything) share. Nobody else
 * includes this.
 */

typedef struct {
    GArray *array;
    guint32 group; /* links: only of this one; 0 for all */
    int ifindex;   /* addresses: only of this one; 0 for all */
    guint8 family; /* addresses and routes: only of this one */
} ObserveCollection;

/* Sends the same request until its answer was not interrupted; the array is
 * empty before each try. Errors: KERNEL */
bool observe_dump(Netlink *route, struct nl_msg *message,
                  NetlinkReceive receive, ObserveCollection *collection,
                  const char *what, GError **error) must_use;

/* FactsLink of every link of @kind, NULL for all. Errors: KERNEL */
bool observe_dump_links(Netlink *route, ObserveCollection *collection,
                        const char *kind, GError **error) must_use;

/* Tells a wireless link from others: asks sysfs. */
void observe_find_wireless(FactsLink *link);
