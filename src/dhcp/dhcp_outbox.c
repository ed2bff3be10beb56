/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_outbox.h"

DhcpOutboxFrame *dhcp_outbox_add(DhcpOutbox *outbox, gint64 now_us)
{
    DhcpOutboxFrame *frame;

    if (outbox->count == DHCP_OUTBOX_SIZE) {
        return NULL;
    }
    frame = &outbox->frames[(outbox->first + outbox->count) % DHCP_OUTBOX_SIZE];
    frame->due_us = now_us + DHCP_OUTBOX_DELAY_US;
    outbox->count++;
    return frame;
}

const DhcpOutboxFrame *dhcp_outbox_take(DhcpOutbox *outbox, gint64 now_us)
{
    const DhcpOutboxFrame *frame = &outbox->frames[outbox->first];

    if (dhcp_outbox_due(outbox) > now_us) {
        return NULL;
    }
    outbox->first = (outbox->first + 1) % DHCP_OUTBOX_SIZE;
    outbox->count--;
    return frame;
}

gint64 dhcp_outbox_due(const DhcpOutbox *outbox)
{
    return outbox->count > 0 ? outbox->frames[outbox->first].due_us : G_MAXINT64;
}
