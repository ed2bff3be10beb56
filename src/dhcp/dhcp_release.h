/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_packet.h"
#include "pool/segment.h"

/*
 * Telling dnsmasq, on a shared segment, that a guest has gone which could not say
 * so itself. Else its address would be the former MAC's until the lease ends,
 * whoever has the slot by then, and its name would go on being answered.
 */

/* A line of dnsmasq's leases. */
typedef struct {
    guint32 address; /* host byte order */
    Mac mac;
    guint8 client_id_length; /* 0: none */
    guint8 client_id[DHCP_OPTION_MAX];
} DhcpLease;

/**
 * dhcp_release_parse:
 * @line: "EXPIRY MAC ADDRESS NAME CLIENT-ID", NUL-terminated
 *
 * Privilege: none
 * Source: dnsmasq's lease file, which its man page does not describe
 * Returns: true if it is a lease of an Ethernet client
 */
bool dhcp_release_parse(const char *line, DhcpLease *ret_lease) must_use;

/**
 * dhcp_release_find_address:
 * @text: "MAC,ADDRESS[,NAME]", a DHCP entry of a tap (services_names.h)
 *
 * Privilege: none
 * Returns: true if there is one
 */
bool dhcp_release_find_address(const char *text, guint32 *ret_address) must_use;

/**
 * dhcp_release_build:
 * @server: the gateway, host byte order
 * @bytes: DHCP_SIZE_MAX bytes
 *
 * Privilege: none
 * Source: RFC 2131 section 4.4.6, RFC 2132 sections 9.6, 9.7, 9.14
 * Returns: the size of a DHCPRELEASE
 */
gsize dhcp_release_build(const DhcpLease *lease, guint32 server,
                         guint8 bytes[DHCP_SIZE_MAX]);

/**
 * dhcp_release_send:
 * @leases_fd: dnsmasq's lease file
 * @address: whose lease shall end
 *
 * The release goes to the gateway's address by a socket that is bound to the
 * bridge: the kernel hands it to dnsmasq as if it had come in there.
 *
 * Privilege: none (SO_BINDTODEVICE takes none for a first time since Linux 5.7)
 */
void dhcp_release_send(int leases_fd, const Segment *segment, guint32 address);
