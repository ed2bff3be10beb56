/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/terms.h"

/*
 * DHCP messages as structs: bytes to DhcpMessage, DhcpReply to bytes. Pure.
 * Addresses are in host byte order.
 */

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

/* RFC 2132 section 9.10: no client takes less, IP and UDP headers included. */
#define DHCP_SIZE_LEAST 576
/* Largest payload that we build: an Ethernet frame's. */
#define DHCP_SIZE_MAX   (1500 - 28)
#define DHCP_OPTION_MAX 255

/* RFC 2132 section 9.6. */
typedef enum {
    DHCP_NO_TYPE, /* a BOOTP request */
    DHCP_DISCOVER = 1,
    DHCP_OFFER = 2,
    DHCP_REQUEST = 3,
    DHCP_DECLINE = 4,
    DHCP_ACK = 5,
    DHCP_NAK = 6,
    DHCP_RELEASE = 7,
    DHCP_INFORM = 8,
} DhcpType;

/* What a client sent. An option that it did not send is 0, or empty. */
typedef struct {
    guint8 type; /* DhcpType, or another number */
    guint8 hops;
    guint32 xid;
    bool broadcast; /* the flag: it cannot take unicast yet */
    guint32 ciaddr;
    guint32 giaddr;
    Mac chaddr;

    guint32 requested_address;
    bool has_server_id;
    guint32 server_id;
    guint16 max_size; /* IP and UDP headers included; 0: not said */
    bool has_client_id;
    guint8 client_id_length;
    guint8 client_id[DHCP_OPTION_MAX];
    bool has_parameters; /* a parameter request list */
    guint8 n_parameters;
    guint8 parameters[DHCP_OPTION_MAX];
} DhcpMessage;

/* What a reply tells beside its type; an option that is 0 or empty is not sent. */
typedef struct {
    guint32 server; /* server identifier */
    guint8 subnet_length;
    guint32 broadcast_address;
    guint32 router;
    guint32 n_dns;
    guint32 dns[NETWORK_DNS_MAX];
    char domain[NETWORK_DOMAIN_MAX + 1];
    char hostname[64];
    guint16 mtu;
    guint32 lease_time_s;
} DhcpOptions;

typedef struct {
    DhcpType type; /* OFFER, ACK or NAK */
    guint32 yiaddr;
    guint32 ciaddr;
    DhcpOptions options;
} DhcpReply;

/**
 * dhcp_parse:
 * @bytes: a UDP payload, from anybody
 * @size: its size
 * @ret_message: the request
 *
 * Options in an overloaded "file" and "sname" are found, split ones joined (RFC
 * 3396). Refused is what no Ethernet client sends: another operation, hardware
 * type or address length, no magic cookie, an option that runs out of its
 * field, a fixed-size option of another size.
 *
 * Privilege: none
 * Source: RFC 2131 section 2, RFC 2132 sections 2 and 9
 * Returns: true if it is a request
 */
bool dhcp_parse(const guint8 *bytes, gsize size,
                DhcpMessage *ret_message) must_use;

/**
 * dhcp_build:
 * @request: what is answered: its identifiers and its parameter request list
 * @reply: the answer
 * @buffer: DHCP_SIZE_MAX bytes
 *
 * Options that a lease needs come first, then those that the client asked for
 * in its own order; what then does not fit into the size that it takes is left
 * out. A client without a list gets all but the classless routes.
 *
 * Privilege: none
 * Source: RFC 2131 section 4.3.1 table 3, RFC 2132, RFC 3442, RFC 6842
 * Returns: the payload's size
 */
gsize dhcp_build(const DhcpMessage *request, const DhcpReply *reply,
                 guint8 buffer[DHCP_SIZE_MAX]);
