/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/trusted.h"
#include "base/terms.h"

/*
 * The host's own name servers, for networks that name none: what guests can use
 * of /etc/resolv.conf, and where that names only loopback addresses, of the file
 * in which systemd-resolved keeps those that it asks itself. A guest's
 * loopback is another than the host's, so such addresses are never told.
 */

typedef struct {
    FileIdentity files[2]; /* as they were read; all 0: not there */
    guint32 n_dns;
    guint32 dns[NETWORK_DNS_MAX]; /* host byte order */
} DhcpResolvers;

/**
 * dhcp_resolvers_parse:
 * @text: of a resolv.conf, @size bytes
 * @dns: the first IPv4 name servers that are of use to a guest
 *
 * Privilege: none
 * Source: resolv.conf(5)
 * Returns: how many there are
 */
guint32 dhcp_resolvers_parse(const char *text, gsize size,
                             guint32 dns[NETWORK_DNS_MAX]);

/* Brings @resolvers up to date, which starts as all 0: two stat(2) where
 * nothing changed. Privilege: none */
void dhcp_resolvers_refresh(DhcpResolvers *resolvers);
