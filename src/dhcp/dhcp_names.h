/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "pool/registry.h"

/*
 * Names of guests, as dnsmasq reads them (services_names.h), kept right while
 * ports come and go: what lapsed is removed, and what only the guest knows, its
 * IPv6 address, is added.
 */

typedef struct {
    int run_fd;      /* the run directory, for searching */
    int networks_fd; /* the registry */
    int ports_fd;    /* hostnames */
    int socket_fd;   /* any socket: what to ask for links by */
} DhcpNames;

/**
 * dhcp_names_sweep:
 *
 * Removes the names of taps that have gone, of all networks, and tells each
 * dnsmasq of which it was: before 2.88 it does not see that a file has gone, and
 * for DHCP entries no version does.
 *
 * Privilege: none
 */
void dhcp_names_sweep(const DhcpNames *names);

/**
 * dhcp_names_learn:
 * @ifindex: where it was heard
 * @mac: who sent it
 * @target: the address that a guest is about to use
 *
 * Only an address of the port's own /64 can get there, so no guest can name
 * another's. One made of the MAC is preferred, since it stays; else the first
 * since the guest began: before that it detects duplicates of its link-local
 * address.
 *
 * Privilege: none
 */
void dhcp_names_learn(const DhcpNames *names, int ifindex, const Mac *mac,
                      const Address6 *target);
