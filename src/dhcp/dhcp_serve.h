/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_outbox.h"
#include "dhcp/dhcp_resolvers.h"

/* Answering DHCP: one request after the other, in the order of arrival, with the
 * same small amount of work for each and nothing that waits. */

typedef struct {
    int networks_fd; /* the registry, for reading */
    int ports_fd;    /* hostnames, for reading */
    int packet_fd;
    DhcpResolvers resolvers;
    DhcpOutbox outbox;
} DhcpServer;

/**
 * dhcp_serve_packet:
 * @ifindex: where it came in
 * @bytes: from the IP header on, from anybody
 *
 * Answers it if it is a request from a routed port, at once or, for what came by
 * unicast, by dhcp_serve_send_due().
 *
 * Privilege: none
 */
void dhcp_serve_packet(DhcpServer *server, int ifindex, const guint8 *bytes,
                       gsize size);

/* Sends the answers whose time has come. Privilege: none */
void dhcp_serve_send_due(DhcpServer *server);
