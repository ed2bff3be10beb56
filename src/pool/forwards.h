/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "pool/segment.h"

#include <sys/types.h>

/*
 * The forwards of this network namespace's live ports: which ports of this host
 * lead to which guest. One file of fixed-size records, "forwards" in the run
 * directory, written under its lock, and the desired state of the firewall's
 * maps: whatever somebody does to the ruleset, it can be made anew from here.
 *
 * A record counts for as long as the tap that it names lives; what is dead is
 * swept by whoever comes by. Functions here are pure over a list of records, but
 * for forwards_load() and forwards_save(), which do positioned I/O on a
 * descriptor that somebody else opened.
 */

#define FORWARDS_VERSION 1

/* Enough for every port of both protocols; a damaged file cannot ask for more. */
#define FORWARDS_MAX 65536

typedef struct {
    guint32 group; /* of the network */
    guint32 slot;
    gint32 ifindex; /* of the tap */
    guint32 uid;    /* whose VM */
    Ifname tap;
    guint32 guest4;      /* host byte order */
    Prefix6 prefix6;     /* of the port; length 0: no IPv6 */
    guint8 protocol;     /* IPPROTO_TCP or IPPROTO_UDP */
    guint8 from_any;     /* bool; else from this host and its guests only */
    guint8 host_family;  /* 0: every address of this host; AF_INET, AF_INET6 */
    guint8 padding[2];
    guint16 host_port;   /* the first one */
    guint16 guest_port;  /* the first one */
    guint16 n_ports;
    guint32 host4;       /* host byte order, if host_family is AF_INET */
    Address6 host6;      /* if host_family is AF_INET6 */
    char name[NETWORK_NAME_MAX + 4]; /* of the VM, for messages; NUL-padded */
} Forward;

/* Tells whether the tap of that name is still the link of that index. */
typedef bool (*ForwardsIsLive)(const Ifname *tap, int ifindex, gpointer data);

/**
 * forwards_load:
 * @fd: the file, or -1
 *
 * Privilege: none
 * Returns: (transfer full): a GArray of Forward, in no order; empty where there is
 *   nothing sound
 */
GArray *forwards_load(int fd);

/* True if there is nothing in the file: one system call, for a start without
 * forwards. */
bool forwards_is_empty(int fd);

/**
 * forwards_save:
 * @fd: the file, its lock held
 *
 * Privilege: none
 * Errors: SYSTEM, EXHAUSTED if there are more than FORWARDS_MAX
 * Returns: true on success
 */
bool forwards_save(int fd, const GArray *forwards, GError **error) must_use;

/**
 * forwards_split:
 * @forwards: (inout): those of live taps stay
 * @ret_stale: (transfer full): a GArray of Forward: the others
 */
void forwards_split(GArray *forwards, ForwardsIsLive is_live, gpointer data,
                    GArray **ret_stale);

/* The first of @forwards that wants a host port that @wanted wants, on an
 * address that it wants (every address and a certain one do); NULL if none. */
const Forward *forwards_find_conflict(const GArray *forwards,
                                      const Forward *wanted);
