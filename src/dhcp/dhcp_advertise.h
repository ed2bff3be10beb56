/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_names.h"

/**
 * dhcp_advertise:
 * @names: where to look
 * @packet_fd: any packet socket of ours
 * @ifindex: a link
 *
 * Sends a router advertisement if it is a routed port of a network with IPv6.
 *
 * Privilege: none
 */
void dhcp_advertise(const DhcpNames *names, int packet_fd, int ifindex);
