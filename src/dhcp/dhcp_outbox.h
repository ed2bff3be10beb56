/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "dhcp/dhcp_frame.h"

/*
 * Answers that wait a moment. udhcpc renews by a socket that is connected to
 * the server and that it closes right after sending: an answer that is quicker
 * than this close goes to that socket and is lost with it, and we are that
 * quick. So what came in by unicast is answered after 10 ms. (Broadcasts, which
 * it sends by a packet socket, are answered at once.)
 *
 * All wait equally long, so the oldest is the next. There is room for a few;
 * one that finds none is sent at once, so a flood costs the flooded nothing
 * more than this courtesy. Pure: the caller has the clock and the socket.
 */

#define DHCP_OUTBOX_DELAY_US 10000
#define DHCP_OUTBOX_SIZE     32

typedef struct {
    gint64 due_us; /* monotonic clock */
    int ifindex;
    Mac mac;
    gsize size;
    guint8 frame[DHCP_FRAME_MAX];
} DhcpOutboxFrame;

typedef struct {
    DhcpOutboxFrame frames[DHCP_OUTBOX_SIZE];
    guint first;
    guint count;
} DhcpOutbox;

/* Room for the next frame, to be filled but for due_us; NULL if there is none.
 * Privilege: none */
DhcpOutboxFrame *dhcp_outbox_add(DhcpOutbox *outbox, gint64 now_us);

/* The oldest frame if its time has come, else NULL; valid until the next call.
 * Privilege: none */
const DhcpOutboxFrame *dhcp_outbox_take(DhcpOutbox *outbox, gint64 now_us);

/* When the oldest frame is due; G_MAXINT64 if there is none. Privilege: none */
gint64 dhcp_outbox_due(const DhcpOutbox *outbox);
