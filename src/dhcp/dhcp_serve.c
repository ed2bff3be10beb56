/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_serve.h"

#include "dhcp/dhcp_answer.h"
#include "dhcp/dhcp_frame.h"
#include "dhcp/dhcp_socket.h"
#include "pool/registry.h"
#include "pool/slots.h"

#include <net/if.h>
#include <sys/ioctl.h>

/*
 * For each request everything is asked anew: the interface's name from the
 * kernel, its network from the registry (three system calls, 2 µs). So there is
 * no cache that could be wrong about a network made, changed or taken down since,
 * or about an interface that was renamed.
 */

/* Finds the network and the slot of a port that we answer. */
static bool find_port(const DhcpServer *server, int ifindex,
                      RegistryNetwork *ret_network, guint32 *ret_slot)
{
    struct ifreq request = {.ifr_ifindex = ifindex};
    const Segment *segment = &ret_network->segment;

    return ioctl(server->packet_fd, SIOCGIFNAME, &request) == 0 &&
           registry_find_tap(server->networks_fd, NULL, request.ifr_name,
                             ret_network, ret_slot) &&
           segment->mode == MODE_MASQUERADED && segment->dhcp &&
           segment->kind == SEGMENT_ROUTED && slots_usable(segment, *ret_slot);
}

/* A guest may send to another's port 67 through us; that is its traffic. */
static bool is_for_us(const Segment *segment, guint32 destination)
{
    return destination == G_MAXUINT32 || destination == segment->gateway ||
           destination == (segment->subnet_address |
                           ~prefix4_mask((guint8)segment->subnet_length));
}

static DhcpOptions collect_options(DhcpServer *server,
                                   const RegistryNetwork *network, guint32 slot,
                                   int ifindex)
{
    char hostname[REGISTRY_HOSTNAME_MAX + 1];

    if (!registry_find_port(server->ports_fd, network->ports_base + slot,
                            ifindex, hostname)) {
        hostname[0] = '\0';
    }
    if (network->segment.n_dns == 0 && !network->segment.dns_served) {
        dhcp_resolvers_refresh(&server->resolvers);
    }
    return dhcp_answer_options(&network->segment, hostname,
                               server->resolvers.dns, server->resolvers.n_dns);
}

static void send_reply(DhcpServer *server, int ifindex, bool waits,
                       const DhcpDestination *destination, guint32 source,
                       const guint8 *payload, gsize payload_size)
{
    DhcpOutboxFrame now;
    DhcpOutboxFrame *frame = NULL;

    if (waits) {
        frame = dhcp_outbox_add(&server->outbox, g_get_monotonic_time());
    }
    if (frame == NULL) {
        waits = false;
        frame = &now;
    }
    frame->ifindex = ifindex;
    frame->mac = destination->mac;
    frame->size = dhcp_frame_build(source, destination->address, payload,
                                   payload_size, frame->frame);
    if (!waits) {
        dhcp_socket_send(server->packet_fd, ifindex, &frame->mac, frame->frame,
                         frame->size);
    }
}

void dhcp_serve_send_due(DhcpServer *server)
{
    gint64 now_us = g_get_monotonic_time();
    const DhcpOutboxFrame *frame;

    while ((frame = dhcp_outbox_take(&server->outbox, now_us)) != NULL) {
        dhcp_socket_send(server->packet_fd, frame->ifindex, &frame->mac,
                         frame->frame, frame->size);
    }
}

void dhcp_serve_packet(DhcpServer *server, int ifindex, const guint8 *bytes,
                       gsize size)
{
    guint8 payload[DHCP_SIZE_MAX];
    DhcpDestination destination;
    DhcpDatagram datagram;
    DhcpMessage message;
    DhcpOptions options;
    RegistryNetwork network;
    DhcpReply reply;
    guint32 slot;
    gsize length;

    if (!find_port(server, ifindex, &network, &slot) ||
        !dhcp_frame_parse(bytes, size, &datagram) ||
        !is_for_us(&network.segment, datagram.destination) ||
        !dhcp_parse(datagram.payload, datagram.payload_size, &message)) {
        return;
    }
    options = collect_options(server, &network, slot, ifindex);
    if (!dhcp_answer(&message, slots_address(&network.segment, slot), &options,
                     &reply, &destination)) {
        return;
    }
    length = dhcp_build(&message, &reply, payload);
    send_reply(server, ifindex, datagram.destination != G_MAXUINT32,
               &destination, options.server, payload, length);
}
