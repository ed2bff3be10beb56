/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/network.h"
#include "policy/permit.h"

/**
 * resolve_grants:
 * @network: its file
 * @ret_grants: what it grants, by numbers
 *
 * Asks the user database for each name. An unknown one becomes ALLOW_NOBODY;
 * it never matches, and the rest of the list stands.
 *
 * Privilege: none
 */
void resolve_grants(const Network *network, NetworkGrants *ret_grants);

/* Returns: true and the uid of @name, if the user database knows it. */
bool resolve_find_user(const char *name, guint32 *ret_uid);

/**
 * resolve_can_open:
 *
 * Which of the paths in @grants->can_open the real user and group may open
 * for reading and writing.
 *
 * Privilege: none; must run while the real ids are the caller's
 * Returns: bit N for path N
 */
guint64 resolve_can_open(const NetworkGrants *grants);

/* "alice (uid 1000)", or "uid 1000" for one that the user database does not
 * know: for messages. (transfer full) */
char *resolve_describe_user(uid_t uid);

/* "alice", or "uid 1000". (transfer full) */
char *resolve_user_name(uid_t uid);
