/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/former.h"

#include "kernel/conntrack.h"
#include "kernel/tap.h"
#include "pool/slots.h"

/*
 * A connection that outlives its guest keeps a client, which goes on sending from the
 * same port, away from whoever has the forwarded port next: what is established is
 * never looked up again. The next holder of the slot has it forgotten anyway, when
 * its port is made; this is for those who take the port of the host.
 */

bool former_forget(const Site *site, const Segment *segment, guint32 slot,
                   GError **error)
{
    Ifname tap = slots_tap_name(segment, slot);
    Prefix6 prefix6 = slots_prefix6(segment, slot);
    /* The /64 of a shared segment is everybody's. */
    bool own6 = segment->kind == SEGMENT_ROUTED && prefix6.length > 0;

    return segment->mode != MODE_MASQUERADED ||
           tap_exists(netlink_fd(site->sockets.route), &tap, NULL) ||
           conntrack_forget(site->sockets.netfilter,
                            slots_address(segment, slot), own6 ? &prefix6 : NULL,
                            error);
}

bool former_forget_tap(const Site *site, const Ifname *tap, GError **error)
{
    RegistryNetwork network;
    guint32 slot;

    return !registry_find_tap(site->places.registry_fd, &site->place, tap->name,
                              &network, &slot) ||
           former_forget(site, &network.segment, slot, error);
}
