/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

/*
 * Router advertisements for routed ports, as packets from the IPv6 header on. A
 * cable has a /64 of its own, and nobody on it but a guest, so all that is said
 * is a function of network and slot. Pure.
 */

#define DHCP_RA_SIZE_MAX 256

/* Between two that nobody asked for; guests believe one for thrice as long (RFC
 * 4861 section 6.2.1). */
#define DHCP_RA_INTERVAL_S 600

/**
 * dhcp_ra_is_solicitation:
 * @bytes: from the IPv6 header on, from anybody
 *
 * Privilege: none
 * Source: RFC 4861 sections 4.1, 6.1.1
 * Returns: true for a router solicitation
 */
bool dhcp_ra_is_solicitation(const guint8 *bytes, gsize size) must_use;

/**
 * dhcp_ra_build:
 * @segment: a network with IPv6
 * @slot: of the port
 * @mtu: the tap's; 0: not said
 * @bytes: DHCP_RA_SIZE_MAX bytes
 *
 * To all nodes: from fe80::1, the port's prefix for autoconfiguration, and
 * where names are served the name server and the domain.
 *
 * Privilege: none
 * Source: RFC 4861 section 4.2, RFC 8106 section 5
 * Returns: the packet's size
 */
gsize dhcp_ra_build(const Segment *segment, guint32 slot, guint32 mtu,
                    guint8 bytes[DHCP_RA_SIZE_MAX]);

/* 33:33:00:00:00:01, the link layer's all nodes (RFC 2464 section 7). */
extern const Mac dhcp_ra_all_nodes;
