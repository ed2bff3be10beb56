/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

/*
 * A lease in the formats of guests that are configured without DHCP. Pure. All
 * texts end with a newline but for the kernel's argument. A network
 * without addresses has no lease: the functions return NULL.
 *
 * The netmask is the whole subnet's on routed ports too: proxy ARP answers for
 * the other guests. The IPv6 address is slots_address6(), and routers' words are
 * not listened to, so that the guest has this one address whether or not anybody
 * advertises; the router is PREFIX::1, our end of the cable or of the segment.
 * A network without an uplink has no default route: IPv6 has one to the network's
 * other cables instead, IPv4 needs none. On bridged networks IPv6 is the LAN's
 * affair, and nothing is said of it.
 */

typedef struct {
    const Segment *segment;
    guint32 slot;
    const char *hostname;   /* "" for none */
    const char *interface;  /* the guest's name for its card, "eth0"; for the
                             * kernel's argument "" is the first one */
    bool has_mac;           /* match the card by MAC and not by name */
    Mac mac;
    const guint32 *dns;     /* what the segment says, or the host's, or the
                             * gateway: host byte order */
    guint n_dns;
} Lease;

/* The Linux kernel's command line argument, "ip=192.168.77.20::192.168.77.1:
 * 255.255.255.0:web:eth0:off:192.168.77.1" in one line: IPv4, and two name
 * servers, is all that it can say. (transfer full)
 * Source: Linux Documentation/admin-guide/nfs/nfsroot.rst */
char *lease_format_kernel(const Lease *lease);

/* cloud-init's network-config, version 2, as a NoCloud seed has it, without a key
 * "network" around it, which old versions refuse. (transfer full) Source: cloud-init's
 * reference, "Networking config Version 2" */
char *lease_format_cloud_init(const Lease *lease);

/* A .network unit of systemd-networkd. (transfer full) Source: systemd.network(5) */
char *lease_format_networkd(const Lease *lease);

/* JSON, the names of data/schema/lease.schema.json. (transfer full) */
char *lease_format_json(const Lease *lease);
