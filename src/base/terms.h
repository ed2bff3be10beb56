/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Words that configuration, pool and plan share. */

#define NETWORK_NAME_MAX    32 /* one DNS label, bytes */
#define NETWORK_DNS_MAX     4  /* name servers that a network may name */
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
    ALLOW_CAN_OPEN, /* whoever can open a device; id: the entry's index */
} AllowKind;

typedef struct {
    guint32 kind; /* AllowKind */
    guint32 id;   /* uid or gid */
    guint32 max_ports;
} AllowId;
