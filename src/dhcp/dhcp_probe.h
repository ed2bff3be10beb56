/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "pool/segment.h"

/*
 * Asking each dnsmasq now and then whether it answers. One that did and does not
 * any more is killed, which is all that is done here: the next start finds its
 * lock free and starts another, or systemd does.
 *
 * One that never answered is left alone: then it is rather a firewall of the
 * host's that stands between us and it.
 */

#define DHCP_PROBE_SIZE_MAX 64
#define DHCP_PROBES_LOST    2  /* after which it is taken for deaf */
#define DHCP_PROBES_SPARED  15 /* for which one is spared that is busy */

typedef struct {
    int socket_fd;
    GArray *networks; /* what is known of each: dhcp_probe.c */
} DhcpProbe;

/**
 * dhcp_probe_open:
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true on success
 */
bool dhcp_probe_open(DhcpProbe *ret_probe, GError **error) must_use;

/**
 * dhcp_probe_send:
 * @run_fd: the run directory, for searching
 * @segment: of a network whose names are served and that has a port
 *
 * Asks its dnsmasq again, or ends it if it lost too many questions.
 *
 * Privilege: the residents' user
 */
void dhcp_probe_send(DhcpProbe *probe, int run_fd, const Segment *segment);

/* Takes the answers that have come in. Does not wait. Privilege: none */
void dhcp_probe_receive(DhcpProbe *probe);

/**
 * dhcp_probe_build:
 * @gateway: host byte order
 * @id: to know the answer by
 * @bytes: a query for the gateway's own name, which dnsmasq answers from what
 *   it has
 *
 * Privilege: none
 * Source: RFC 1035 sections 3.5, 4.1
 * Returns: the query's size
 */
gsize dhcp_probe_build(guint32 gateway, guint16 id,
                       guint8 bytes[DHCP_PROBE_SIZE_MAX]);
