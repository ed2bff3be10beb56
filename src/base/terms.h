/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Words that configuration, pool and plan share. */

#define NETWORK_NAME_MAX    32 /* one DNS label, bytes */
#define NETWORK_DNS_MAX     4  /* name servers that a network may name */
#define NETWORK_ALLOW_MAX   64 /* entries of "allow" */
#define NETWORK_OPEN_MAX    4  /* of which by "can_open" */
#define NETWORK_OPEN_SIZE   64 /* bytes of a path in "can_open", NUL and all */
#define NETWORK_EXCLUDE_MAX 16 /* ranges kept out of a pool */
#define NETWORK_DOMAIN_MAX  63 /* bytes of a network's domain */

/* What a network does with its guests' packets. */
typedef enum {
    MODE_NONE, /* not said */
    MODE_BRIDGED,
    MODE_MASQUERADED,
} Mode;

/* "bridged", "masqueraded", or "none". */
static inline const char *mode_name(Mode mode)
{
    return mode == MODE_BRIDGED       ? "bridged"
           : mode == MODE_MASQUERADED ? "masqueraded"
                                      : "none";
}

/* By which interfaces guests may leave, or which one joins the bridge. */
typedef enum {
    UPLINK_AUTO, /* every interface that is not ours */
    UPLINK_NAME, /* one, by name */
    UPLINK_NONE, /* host only */
} UplinkKind;

/* Inclusive range of host numbers, counted from a subnet's base address. */
typedef struct {
    guint32 first;
    guint32 last;
} SlotRange;

/* What an "allow" entry of the network's file came to when it was resolved. */
typedef enum {
    ALLOW_NOBODY, /* a name that the user database does not know */
    ALLOW_UID,
    ALLOW_GID,
    ALLOW_EVERYONE,
    ALLOW_CAN_OPEN, /* id: of the path in can_open */
} AllowKind;

typedef struct {
    guint32 kind; /* AllowKind */
    guint32 id;   /* uid or gid */
    guint32 max_ports;
} AllowId;

/* What a network's file grants, with every name resolved. Plain data of fixed
 * size: the registry keeps it, so that a warm start need not parse the file nor
 * ask a name service. */
typedef struct {
    guint32 mode; /* Mode */
    guint32 has_subnet; /* bool, as those below */
    guint32 address;    /* a profile may fix an address */
    guint32 mac;        /* a profile may fix a MAC */
    guint32 n_allow;
    guint32 n_can_open;
    AllowId allow[NETWORK_ALLOW_MAX];
    char can_open[NETWORK_OPEN_MAX][NETWORK_OPEN_SIZE]; /* NUL-padded */
} NetworkGrants;
