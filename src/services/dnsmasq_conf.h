/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

/* dnsmasq listens beside port 53, which is another's on many hosts; the firewall
 * leads there what guests, and the host, send to port 53 of the gateway. */
#define DNSMASQ_PORT 54

/**
 * dnsmasq_conf:
 * @segment: a masqueraded network
 * @directory: absolute, of the network's files (services_dns.h); no white space
 *
 * Privilege: none
 * Source: dnsmasq(8), as of 2.85
 * Returns: (transfer full): the text of its configuration file
 */
char *dnsmasq_conf(const Segment *segment, const char *directory);
