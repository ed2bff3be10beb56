/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/network.h"
#include "config/profile.h"

#include <sys/types.h>

/*
 * May this caller have this? Numbers are compared with numbers: names were
 * resolved before (helper/resolve.c), and what only the caller's own rights can
 * tell (can they open a device?) was found out as the caller.
 */

typedef struct {
    uid_t uid;     /* real */
    gid_t gid;     /* real */
    gid_t *groups; /* supplementary */
    guint n_groups;
    guint64 can_open; /* bit N: they can open path N of the network's grants */
} Caller;

void caller_free(Caller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Caller, caller_free)

#define PERMIT_UNLIMITED G_MAXUINT32

/**
 * permit_network:
 * @grants: the network's
 * @ret_max_ports: how many ports they may have at once, the largest of the
 *   entries that match; PERMIT_UNLIMITED for uid 0
 *
 * Privilege: none
 * Returns: true if the caller may use the network; false is no error yet
 */
bool permit_network(const Caller *caller, const NetworkGrants *grants,
                    guint32 *ret_max_ports);

/**
 * permit_profile:
 * @grants: of the network that it is to be used on
 * @name: of that network
 * @file: of that network, for messages
 * @profile: the wish
 * @trusted: the profile is the administrator's own: what it fixes needs no
 *   grant
 *
 * Privilege: none
 * Errors: DENIED, naming the key, and what the network's file would have to say;
 *   CONFIG if network and profile do not fit (modes differ, an address without
 *   a subnet, forwards on a bridged network)
 * Returns: true if the network grants all that the profile asks for
 */
bool permit_profile(const NetworkGrants *grants, const char *name,
                    const char *file, const Profile *profile, bool trusted,
                    GError **error) must_use;

/**
 * permit_forwards_from:
 * @grants: of the network
 * @trusted: the profile is the administrator's own
 *
 * From where a profile's forwards are reached: as the network grants; a trusted
 * profile's from this host at least.
 *
 * Privilege: none
 * Returns: FORWARDS_NONE where permit_profile() refuses a forward
 */
ForwardsFrom permit_forwards_from(const NetworkGrants *grants, bool trusted);

/* "user alice, group kvm, whoever can open /dev/kvm", "nobody but root": for a
 * refusal. (transfer full) */
char *permit_describe(const Network *network);
