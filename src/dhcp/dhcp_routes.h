/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_names.h"

/*
 * Hearing of routes that come, because a host moves: to a LAN, or into a VPN, that
 * has the subnet of one of our networks. Starts do not look for that, they would
 * have to read all routes; so somebody has to tell them (services_mark.h). What is
 * said here is a reason to look and no more.
 */

typedef struct {
    int events_fd;
    int dump_fd; /* -1 once what was there before us is read */
} DhcpRoutes;

/**
 * dhcp_routes_open:
 * @ret_routes: hears of routes of either family, in any table; and asks for those
 *   that are there
 *
 * Privilege: none
 * Errors: KERNEL
 * Source: rtnetlink(7)
 * Returns: true on success
 */
bool dhcp_routes_open(DhcpRoutes *ret_routes, GError **error) must_use;

/**
 * dhcp_routes_drain:
 * @names: where the networks in force are; its socket
 *
 * Reads what has come in. Does not wait.
 *
 * Privilege: none
 * Returns: true if one overlaps a network's subnet, or if there is no telling
 */
bool dhcp_routes_drain(DhcpRoutes *routes, const DhcpNames *names) must_use;
