/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * Hearing that IPv6 forwarding was switched for the whole host. While it is off the
 * host tells guests' neighbour probes that it is no router, and they forget their
 * way out (RFC 4861 section 7.2.5) until a router advertises again.
 */

/**
 * dhcp_forwarding_open:
 * @ret_fd: a netlink socket that hears of that, and of nothing else
 *
 * Privilege: none
 * Errors: KERNEL
 * Source: rtnetlink(7), RTM_NEWNETCONF
 * Returns: true on success
 */
bool dhcp_forwarding_open(int *ret_fd, GError **error) must_use;

/* Reads all that has come in. Does not wait. Privilege: none
 * Returns: true if there was any */
bool dhcp_forwarding_drain(int fd) must_use;
