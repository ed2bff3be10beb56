/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/terms.h"
#include "config/faults.h"

/* A forward: ports of this host that lead to the guest. */
typedef struct {
    bool tcp;
    bool udp;
    bool has_host4;     /* only this address of the host, IPv4 */
    bool has_host6;     /* only this one, IPv6; at most one of the two */
    guint32 host4;      /* host byte order */
    Address6 host6;
    guint16 host_port;  /* the first one */
    guint16 guest_port; /* the first one */
    guint16 n_ports;    /* 1 but for a range; guest ports run along */
} ProfileForward;

#define PROFILE_FORWARDS_MAX 1024 /* entries of "forwards" */

/* Host ports that one profile may forward, each protocol counted by itself. */
#define PROFILE_FORWARD_PORTS_MAX 4096

/* A profile file as a struct (tapster-profile(5)): one VM's wish. */
typedef struct {
    char *file;     /* where it was read from, printable */
    char *name;     /* "name", else the file's name without .json */
    char *hostname; /* default: name */
    Mode mode;      /* MODE_NONE if not said */
    char *network;  /* NULL if not said */
    bool has_address;
    guint32 address; /* host byte order */
    bool has_mac;
    Mac mac;
    GArray *forwards; /* ProfileForward; never NULL, empty without any. One host
                       * port of one protocol and address stands once */
} Profile;

void profile_free(Profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)

/**
 * profile_parse:
 * @file: for messages, and for the name where the profile gives none
 * @text: @size bytes, not NUL-terminated
 * @faults: all faults are added to it
 *
 * A profile says its mode, its network, or both.
 *
 * Privilege: none
 * Returns: (transfer full): the profile, NULL if there is any fault
 */
Profile *profile_parse(const char *file, const char *text, gsize size,
                       Faults *faults);
