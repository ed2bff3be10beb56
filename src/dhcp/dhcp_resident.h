/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_outbox.h"
#include "dhcp/dhcp_resolvers.h"

/* What tapster-dhcp holds while it lives: descriptors that it opened while it
 * had the right to, and nothing that it would have to remember. */
typedef struct {
    int lock_fd;     /* "dhcp.pid", locked: there is no other of us here */
    int networks_fd; /* the registry, for reading */
    int ports_fd;    /* hostnames, for reading */
    int packet_fd;
    DhcpResolvers resolvers;
    DhcpOutbox outbox;
    guint idle_s; /* time without a tap of ours after which it ends */
} DhcpResident;

/**
 * dhcp_resident_open:
 * @directory_fd: the run directory of this network namespace
 * @idle_s: as above
 * @ret_resident: ready for dhcp_resident_run()
 * @ret_is_first: false if another resident lives here; then @ret_resident is
 *   untouched
 *
 * Privilege: CAP_NET_RAW; to open root's 0600 files
 * Errors: SYSTEM, KERNEL
 * Returns: true on success
 */
bool dhcp_resident_open(int directory_fd, guint idle_s,
                        DhcpResident *ret_resident, bool *ret_is_first,
                        GError **error) must_use;

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
