/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/profile.h"
#include "pool/forwards.h"

/* Whose port a forward leads to. */
typedef struct {
    guint32 slot;
    int tap_ifindex;
    uid_t uid;
    const char *name; /* of the VM, "" for none */
} ForwardHolder;

/**
 * forward_make:
 * @wish: from the profile
 * @segment: the network in force
 * @from: from where it may be reached: the network's word
 * @ret_forwards: (element-type Forward): one is added for each protocol
 *
 * Privilege: none
 */
void forward_make(const ProfileForward *wish, const Segment *segment,
                  const ForwardHolder *holder, ForwardsFrom from,
                  GArray *ret_forwards);

/**
 * forward_check:
 * @profile: the wish
 * @segment: the network in force
 *
 * A forward takes a guest whose address is known: on a shared segment that is one
 * with a MAC of the profile's, and IPv4. One of an IPv6 address of the host takes
 * IPv6 to the guest.
 *
 * Privilege: none
 * Errors: CONFIG
 * Returns: true if each of the profile's forwards can come to be
 */
bool forward_check(const Profile *profile, const Segment *segment,
                   GError **error) must_use;

/* "tcp port 8080 of 192.0.2.1", "udp ports 5000-5009": for messages. (transfer
 * full) */
char *forward_describe(const Forward *forward);
