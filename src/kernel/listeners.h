/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/error.h"

#include <sys/types.h>

/* A socket of this host that takes packets to a port. */
typedef struct {
    guint16 port;
    guint8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
    uid_t uid;       /* whose */
    guint32 inode;   /* of the socket: /proc/PID/fd tells whose process it is */
} Listener;

/* What is asked for. */
typedef struct {
    guint8 protocol;
    guint16 first_port;
    guint16 last_port;
    guint8 family;    /* 0: any address of this host, either family */
    guint32 address4; /* host byte order, if family is AF_INET */
    Address6 address6;
} ListenersQuery;

/**
 * listeners_find:
 * @query: first_port to last_port, inclusive
 * @ret_found: whether there is one; only then is @ret_listener filled
 *
 * A TCP socket that listens, or a UDP socket that is bound and not connected, on
 * one of these ports and on an address that overlaps the one asked for: the same,
 * or one of the two is every address. 127.0.0.0/8 and ::1 are addresses of this
 * host like others, and so it is with a socket that is bound to an interface.
 * Sockets of this network namespace only. Some 35 us a call.
 *
 * Privilege: none
 * Errors: KERNEL, UNSUPPORTED without tcp_diag or udp_diag
 * Source: sock_diag(7)
 * Returns: true if the kernel answered
 */
bool listeners_find(const ListenersQuery *query, bool *ret_found,
                    Listener *ret_listener, GError **error) must_use;
