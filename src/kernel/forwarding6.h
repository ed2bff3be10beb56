/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"
#include "kernel/sysctl.h"

/*
 * Switching IPv6 forwarding on and off again. Plain data of fixed size, so that
 * whoever switches it on can write down what has to be put back some day.
 */

/* A link that is not the same afterwards as every other is. */
typedef struct {
    Ifname name;      /* SYSCTL_DEFAULT: the links that are yet to come */
    guint8 listened;  /* bool: its accept_ra was 1, and is 2 now */
    guint8 forwarded; /* bool: its forwarding was 1 before all others' */
    guint8 padding[2];
} Forwarding6Link;

/**
 * forwarding6_survey:
 * @route: a NETLINK_ROUTE socket
 * @ret_links: (transfer full): a GArray of Forwarding6Link
 *
 * What forwarding6_on() would change now: to be written down before it does.
 * Dumps the links.
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true on success
 */
bool forwarding6_survey(Netlink *route, GArray **ret_links,
                        GError **error) must_use;

/**
 * forwarding6_on:
 * @changed: (inout): a GArray of Forwarding6Link: what is changed is added, on
 *   failure as well
 *
 * net.ipv6.conf.all.forwarding=1, and accept_ra=2 before that wherever a router
 * is listened to.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool forwarding6_on(Netlink *route, GArray *changed, GError **error) must_use;

/**
 * forwarding6_off:
 * @changed: of forwarding6_on()
 *
 * Forwarding off unless it is off by now, then accept_ra of each link from 2 back
 * to 1. A value that somebody else has changed since stays, and so does what a
 * link that forwards by itself needs. Goes on over failures. That nobody else
 * forwards by now, the caller has made sure.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL: of the first failure
 * Returns: true if nothing failed
 */
bool forwarding6_off(const GArray *changed, GError **error) must_use;

/**
 * forwarding6_make_router:
 * @link: with guests at its other end; down
 *
 * Makes the host's end of @link a router's: nothing is learnt there (accept_ra=0;
 * and who forwards ignores redirects), and it forwards, which is what tells
 * guests that their router is one. Without IPv6 there is nothing to do.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Source: Linux net/ipv6/ndisc.c, ndisc_send_na(); net/ipv6/route.c,
 *   rt6_do_redirect()
 * Returns: true on success
 */
bool forwarding6_make_router(Netlink *route, int ifindex, const Ifname *link,
                             GError **error) must_use;
