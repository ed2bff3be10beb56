/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_keeper.h"
#include "dhcp/dhcp_routes.h"
#include "dhcp/dhcp_serve.h"

/* What tapster-dhcp holds while it lives: descriptors that it opened while it
 * had the right to, and nothing that it would have to remember. */
typedef struct {
    int lock_fd; /* "dhcp.pid": there is no other of us here */
    bool locked; /* else it is a deaf one's */
    int nd_fd;   /* packet socket for IPv6 neighbour discovery; -1: no IPv6 */
    int links_fd;
    int forwarding_fd; /* netlink: IPv6 forwarding was switched */
    DhcpRoutes routes;
    DhcpServer server;
    DhcpKeeper keeper;
    guint idle_s; /* time without a tap of ours after which it ends */
    guint tick_s; /* between two signs of life */
} DhcpResident;

/**
 * dhcp_resident_open:
 * @directory_fd: the run directory of this network namespace
 * @idle_s: as above
 * @tick_s: as above
 * @ret_resident: ready for dhcp_resident_take_over()
 * @ret_is_needed: false if another resident lives here; then @ret_resident is
 *   untouched
 *
 * Privilege: CAP_NET_RAW; to open root's 0600 files
 * Errors: SYSTEM, KERNEL
 * Returns: true on success
 */
bool dhcp_resident_open(int directory_fd, guint idle_s, guint tick_s,
                        DhcpResident *ret_resident, bool *ret_is_needed,
                        GError **error) must_use;

/**
 * dhcp_resident_take_over:
 *
 * Ends one that holds the lock and has given no sign of life for long.
 *
 * Privilege: the residents' user
 * Errors: BUSY
 * Returns: true if the lock is ours
 */
bool dhcp_resident_take_over(DhcpResident *resident, GError **error) must_use;

/**
 * dhcp_resident_run:
 *
 * Answers until there was no tap of ours for a while, or until another has
 * taken its place. SIGTERM ends it as it ends any process.
 *
 * Privilege: none
 * Errors: KERNEL if the packet socket fails and goes on failing
 * Returns: true when its work is done
 */
bool dhcp_resident_run(DhcpResident *resident, GError **error) must_use;
