/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/netlink.h"

/*
 * What netlink.c (the socket) and netlink_batch.c (several requests in one
 * datagram) share. Nobody else includes this.
 */

/* Datagrams that are no answer of ours, in one exchange. Only a holder of
 * CAP_NET_ADMIN can send any. */
#define NETLINK_FOREIGN_MAX 256

struct Netlink {
    int fd;
    guint32 sequence; /* of the last request sent */
    guint8 *buffer;   /* BUFFER_SIZE bytes, for what arrives */
};

/* Gives each message in @bytes its number and sends them all; the first has the
 * number *ret_first. Errors: KERNEL */
bool netlink_send(Netlink *netlink, guint8 *bytes, guint length,
                  guint32 *ret_first, GError **error) must_use;

/* One datagram from the kernel into the buffer. *ret_length is 0 where
 * @may_be_none and there was none at once. *foreign_left begins as
 * NETLINK_FOREIGN_MAX. Errors: KERNEL */
bool netlink_receive(Netlink *netlink, bool may_be_none, guint *foreign_left,
                     int *ret_length, GError **error) must_use;
