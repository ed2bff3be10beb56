/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_packet.h"
#include "pool/segment.h"

/*
 * What a request is answered with. The slot says the address, and a port holds
 * one machine: there is nothing to allocate, remember, release or mistrust.
 */

/* Where an answer goes (RFC 2131 section 4.1). */
typedef struct {
    guint32 address; /* IP destination, host byte order */
    Mac mac;         /* link destination */
} DhcpDestination;

/**
 * dhcp_answer_options:
 * @segment: the port's network
 * @hostname: the guest's, "" for none
 * @dns: resolvers of the host, for a network that names none of its own
 *
 * Privilege: none
 * Returns: what guests of this network are told
 */
DhcpOptions dhcp_answer_options(const Segment *segment, const char *hostname,
                                const guint32 *dns, guint32 n_dns);

/**
 * dhcp_answer:
 * @request: from the port
 * @address: the slot's
 * @options: from dhcp_answer_options()
 * @ret_reply: the answer
 * @ret_destination: where it goes
 *
 * Privilege: none
 * Source: RFC 2131 sections 4.1, 4.3.1 to 4.3.5
 * Returns: false if the request is not to be answered
 */
bool dhcp_answer(const DhcpMessage *request, guint32 address,
                 const DhcpOptions *options, DhcpReply *ret_reply,
                 DhcpDestination *ret_destination) must_use;
