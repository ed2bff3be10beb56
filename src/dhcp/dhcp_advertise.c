/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_advertise.h"

#include "dhcp/dhcp_ra.h"
#include "dhcp/dhcp_socket.h"
#include "pool/slots.h"

#include <net/if.h>
#include <sys/ioctl.h>

void dhcp_advertise(const DhcpNames *names, int packet_fd, int ifindex)
{
    struct ifreq request = {.ifr_ifindex = ifindex};
    guint8 bytes[DHCP_RA_SIZE_MAX];
    RegistryNetwork network;
    const Segment *segment = &network.segment;
    guint32 mtu = 0;
    guint32 slot;
    gsize size;

    if (ioctl(names->socket_fd, SIOCGIFNAME, &request) < 0 ||
        !registry_find_tap(names->networks_fd, NULL, request.ifr_name, &network,
                           &slot) ||
        segment->mode != MODE_MASQUERADED || segment->kind != SEGMENT_ROUTED ||
        slots_prefix6(segment, slot).length == 0) {
        return;
    }
    if (ioctl(names->socket_fd, SIOCGIFMTU, &request) == 0) {
        mtu = (guint32)request.ifr_mtu;
    }
    size = dhcp_ra_build(segment, slot, mtu, bytes);
    dhcp_socket_send(packet_fd, ifindex, &dhcp_ra_all_nodes, bytes, size);
}
