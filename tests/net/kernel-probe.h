/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/ifname.h"
#include "kernel/apply.h"

/*
 * What the files of kernel-probe share: the command line, read word by word, and
 * how a result is printed.
 */

#define GROUP        0x74123456u
#define BRIDGE_GROUP 0x75123456u

typedef struct {
    Netlink *route;
    Netlink *netfilter;
    Apply *apply;
    int tap_fd;
    char **words;
} Probe;

/* The next word; ends the program if there is none, or it is no such thing. */
const char *next(Probe *probe);
Ifname next_name(Probe *probe);
guint32 next_address(Probe *probe);
Prefix4 next_prefix(Probe *probe);
Address6 next_address6(Probe *probe);
Prefix6 next_prefix6(Probe *probe); /* "-": none */

/* @error by its address: the call that sets it may stand beside it. */
void check(bool ok, const char *done, GError **error);

/* Words that only ask. Returns: false for any other word */
bool run_question(Probe *probe, const char *word);

/* Of Forwarding6Link. */
void print_changes(const GArray *links);
