/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_answer.h"

#include <string.h>

/*
 * A server without memory. RFC 2131 has servers keep bindings because a segment
 * has many clients and the server must tell them apart; here a segment is one
 * cable with one machine at its end, so the binding is the cable. From that
 * follows what differs from a usual server:
 *
 * - MAC and client id decide nothing: the next system on this port, with
 *   another of either, has the same address at once.
 * - DECLINE (the address is in use by another) cannot be true and blocks
 *   nothing; RELEASE frees nothing.
 * - We are the authority for this cable: "the server has no record of this
 *   client" (RFC 2131 section 4.3.2, silence) never holds, so a wrong address
 * is always answered by NAK.
 */

DhcpOptions dhcp_answer_options(const Segment *segment, const char *hostname,
                                const guint32 *dns, guint32 n_dns)
{
    guint32 mask = prefix4_mask((guint8)segment->subnet_length);
    DhcpOptions options = {
        .server = segment->gateway,
        .subnet_length = (guint8)segment->subnet_length,
        .broadcast_address = segment->subnet_address | ~mask,
        /* Guests of a host-only network reach each other and the host through
         * the mask and proxy ARP; a router would promise them a way out, and
         * take the default route of a guest with a second card. */
        .router = segment->uplink == UPLINK_NONE ? 0 : segment->gateway,
        .mtu = (guint16)MIN(segment->mtu, G_MAXUINT16),
        .lease_time_s = segment->lease_time_s,
    };

    if (segment->dns_served) {
        dns = &segment->gateway;
        n_dns = 1;
    } else if (segment->n_dns > 0) {
        dns = segment->dns;
        n_dns = segment->n_dns;
    }
    options.n_dns = MIN(n_dns, NETWORK_DNS_MAX);
    for (guint32 i = 0; i < options.n_dns; i++) {
        options.dns[i] = dns[i];
    }
    g_strlcpy(options.domain, segment->domain, sizeof(options.domain));
    g_strlcpy(options.hostname, hostname, sizeof(options.hostname));
    return options;
}

/* The four states of table 4, RFC 2131 section 4.3.2. Returns: false for a
 * request that is none of our business, or that names no address. */
static bool answer_request(const DhcpMessage *request, guint32 address,
                           guint32 server, DhcpType *ret_type)
{
    guint32 wanted;

    if (request->has_server_id && request->server_id != server) {
        return false; /* SELECTING, and another was chosen */
    }
    /* RENEWING and REBINDING say the address in ciaddr, SELECTING and
     * INIT-REBOOT in the option. */
    wanted = request->ciaddr != 0 ? request->ciaddr : request->requested_address;
    if (wanted == 0) {
        return false;
    }
    *ret_type = wanted == address ? DHCP_ACK : DHCP_NAK;
    return true;
}

static bool choose_type(const DhcpMessage *request, guint32 address,
                        guint32 server, DhcpType *ret_type)
{
    switch (request->type) {
    case DHCP_DISCOVER:
        *ret_type = DHCP_OFFER;
        return true;
    case DHCP_REQUEST:
        return answer_request(request, address, server, ret_type);
    case DHCP_INFORM:
        /* RFC 2131 section 4.3.5: answered to ciaddr, so there must be one. */
        *ret_type = DHCP_ACK;
        return request->ciaddr != 0;
    default:
        return false;
    }
}

static DhcpDestination choose_destination(const DhcpMessage *request,
                                          const DhcpReply *reply)
{
    static const Mac zero = {{0}};
    DhcpDestination everybody = {G_MAXUINT32,
                                 {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    DhcpDestination client = {.mac = request->chaddr};

    if (reply->type == DHCP_NAK ||
        memcmp(&request->chaddr, &zero, sizeof(zero)) == 0) {
        return everybody;
    }
    if (request->ciaddr != 0) {
        client.address = request->ciaddr;
        return client;
    }
    if (request->broadcast) {
        return everybody;
    }
    client.address = reply->yiaddr;
    return client;
}

bool dhcp_answer(const DhcpMessage *request, guint32 address,
                 const DhcpOptions *options, DhcpReply *ret_reply,
                 DhcpDestination *ret_destination)
{
    DhcpReply reply = {.options = *options};

    /* No relay has a place on the cable between a host and its guest; a
     * giaddr would make us send to wherever the guest says. */
    if (request->giaddr != 0 || request->hops != 0 || address == 0 ||
        !choose_type(request, address, options->server, &reply.type)) {
        return false;
    }
    if (reply.type == DHCP_OFFER) {
        reply.yiaddr = address;
    } else if (reply.type == DHCP_ACK) {
        reply.ciaddr = request->ciaddr;
        if (request->type == DHCP_INFORM) {
            reply.options.lease_time_s = 0;
        } else {
            reply.yiaddr = address;
        }
    }
    *ret_destination = choose_destination(request, &reply);
    *ret_reply = reply;
    return true;
}
