/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/network.h"
#include "facts/facts.h"
#include "pool/segment.h"

/* What a network's making needs to know beyond its file and the host. */
typedef struct {
    Prefix4 subnet;  /* that "auto" chose before; length 0 for none */
    Prefix6 subnet6; /* likewise */
    guint64 random;  /* for a new /48: subnet6_choose() */
    bool has_dnsmasq;
    const GArray *others;  /* Prefix4: subnets of other networks */
    const GArray *others6; /* Prefix6 */
} SegmentHints;

/**
 * segment_make:
 * @network: what the file says
 * @facts: the host
 * @hints: see above
 * @ret_segment: every "auto" decided
 * @ret_warning: (transfer full): a line for the caller if the network has another
 *   subnet than before, because the old one has come to collide; else NULL
 *
 * Keeps a remembered subnet that still overlaps nothing, or that live taps of
 * the network use; else chooses. A subnet that the file names is checked
 * likewise, but for a bridged network's: that is the LAN's own.
 *
 * "auto" gives IPv6 only where this kernel has it and, on a shared segment, dnsmasq
 * is there to advertise routers; a named prefix is for guests that are configured
 * by hand as well.
 *
 * Privilege: none
 * Errors: CONFLICT if a named subnet is taken on this host, saying by what;
 *   CONFIG if a reservation or the pool does not fit the subnet, or its ports
 *   the IPv6 prefix; EXHAUSTED if none is free; UNSUPPORTED if a named IPv6 prefix
 *   or a shared segment's DHCP cannot be had here
 * Returns: true on success
 */
bool segment_make(const Network *network, const FactsHost *facts,
                  const SegmentHints *hints, Segment *ret_segment,
                  char **ret_warning, GError **error) must_use;

/* The host number that @reservation means in @segment's subnet: what Reservation
 * keeps. segment_make() has made sure that it is a slot's. */
guint32 segment_reserved_host(const Segment *segment,
                              const NetworkReservation *reservation);
