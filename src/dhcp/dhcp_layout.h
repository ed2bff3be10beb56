/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The BOOTP frame and its options (RFC 2131 figure 1), as dhcp_packet.c reads
 * and dhcp_build.c writes them.
 */

#define OFFSET_HTYPE   1
#define OFFSET_HLEN    2
#define OFFSET_HOPS    3
#define OFFSET_XID     4
#define OFFSET_FLAGS   10
#define OFFSET_CIADDR  12
#define OFFSET_YIADDR  16
#define OFFSET_GIADDR  24
#define OFFSET_CHADDR  28
#define OFFSET_SNAME   44
#define SIZE_SNAME     64
#define OFFSET_FILE    108
#define SIZE_FILE      128
#define OFFSET_COOKIE  236
#define OFFSET_OPTIONS 240

#define OP_REQUEST     1
#define OP_REPLY       2
#define HTYPE_ETHERNET 1
#define FLAG_BROADCAST 0x8000
#define HEADERS_SIZE   28  /* IP and UDP */
#define BOOTP_SIZE     300 /* RFC 951 section 3: 236 and 64; some drop less */

static const guint8 magic_cookie[] = {99, 130, 83, 99}; /* RFC 2131 section 3 */

/* RFC 2132, but for the last one: RFC 3442. */
enum {
    OPTION_PAD = 0,
    OPTION_SUBNET_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_HOSTNAME = 12,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_BROADCAST = 28,
    OPTION_REQUESTED_ADDRESS = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER_ID = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_T1 = 58,
    OPTION_T2 = 59,
    OPTION_CLIENT_ID = 61,
    OPTION_CLASSLESS_ROUTES = 121,
    OPTION_END = 255,
};
