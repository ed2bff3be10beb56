/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/trusted.h"
#include "config/network.h"
#include "config/profile.h"
#include "helper/request.h"
#include "policy/permit.h"

/*
 * From a request to files: which network, which profile.
 */
typedef struct {
    char *name; /* of the network */
    char *file; /* the network's */
    FileIdentity network_file;
    int fd;               /* the network's file, -1 if there is none */
    Network *network;     /* NULL until lookup_parse() */
    Profile *profile;     /* NULL without one */
    bool profile_trusted; /* the administrator's, not the caller's */
} Lookup;

#define LOOKUP_NONE ((Lookup){.fd = -1})

void lookup_clear(Lookup *lookup);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lookup, lookup_clear)

/**
 * lookup_find:
 * @request: --profile before --network before --br; the losers are not looked up
 * @caller: whose own profiles may be meant
 * @ret_lookup: clear with lookup_clear()
 *
 * --br=X is an administrator's profile, else a network, else the caller's own
 * profile. The caller's files are read with the caller's ids and nothing in
 * force (privilege_as_caller()), network files and the administrator's profiles
 * as root.
 *
 * Privilege: stage "begin", and ends in it unless it fails
 * Errors: CONFIG, DENIED (nothing of that name, with what there is), SYSTEM
 * Returns: true on success
 */
bool lookup_find(const Request *request, const Caller *caller,
                 Lookup *ret_lookup, GError **error) must_use;

/**
 * lookup_parse:
 * @lookup: @lookup->network is set, if it is not already
 *
 * Reads and parses the network's file. A start whose registry has what this very
 * file came to does not need it.
 *
 * Privilege: none
 * Errors: CONFIG, UNSUPPORTED, with file, line and path
 * Returns: true on success
 */
bool lookup_parse(Lookup *lookup, GError **error) must_use;

/**
 * lookup_usable:
 * @mode: MODE_NONE for any
 *
 * Names of the networks that the caller may use, sorted: for a refusal, and
 * for a profile that names a mode and no network. Files with faults are left
 * out.
 *
 * Privilege: stage "begin"
 * Returns: (transfer full): a NULL-terminated array
 */
char **lookup_usable(const Caller *caller, Mode mode);

/**
 * lookup_other_subnets:
 * @except: a network's name
 * @ret_named: (element-type Prefix4): the subnets that the files of all other
 *   masqueraded networks name are added, whether they are made or not
 * @ret_auto: (element-type utf8): the names of those whose subnet is "auto" are
 *   added
 *
 * For a network whose own is "auto". Files with faults are left out.
 *
 * Privilege: uid 0
 */
void lookup_other_subnets(const char *except, GArray *ret_named,
                          GPtrArray *ret_auto);
