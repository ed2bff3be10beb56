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
#define NETWORK_RESERVATIONS_MAX 64 /* entries of "reservations" */

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

/* How the guests of a masqueraded network are connected. */
typedef enum {
    SEGMENT_ROUTED, /* each by a cable of its own to the host */
    SEGMENT_SHARED, /* all on one bridge, with the host */
} SegmentKind;

/* From where a forward is reached. */
typedef enum {
    FORWARDS_NONE,      /* no forward is granted */
    FORWARDS_FROM_HOST, /* this host and its guests */
    FORWARDS_FROM_ANY,  /* other machines too */
} ForwardsFrom;

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

/* An address that is kept for one user's one name. */
typedef struct {
    guint32 kind; /* ALLOW_UID, or ALLOW_NOBODY for a user that is not known */
    guint32 uid;
    guint32 host; /* host number: the address less the subnet's base address */
    char name[NETWORK_NAME_MAX + 4]; /* NUL-padded */
} Reservation;

/* What a network's file grants, with every name resolved. Plain data of fixed
 * size: the registry keeps it, so that a warm start need not parse the file nor
 * ask a name service. */
typedef struct {
    guint32 mode; /* Mode */
    guint32 has_subnet; /* bool, as those below */
    guint32 address;    /* a profile may fix an address */
    guint32 mac;        /* a profile may fix a MAC */
    guint32 forwards;   /* ForwardsFrom */
    guint32 forwards_first; /* host ports that they may take, inclusive */
    guint32 forwards_last;
    guint32 n_reservations; /* they are in a file of their own */
    guint32 n_allow;
    guint32 n_can_open;
    AllowId allow[NETWORK_ALLOW_MAX];
    char can_open[NETWORK_OPEN_MAX][NETWORK_OPEN_SIZE]; /* NUL-padded */
} NetworkGrants;
