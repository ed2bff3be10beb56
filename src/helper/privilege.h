/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/permit.h"

/*
 * Who we are, when. A start goes through these stages in this order (and back to
 * the first, by privilege_resume(), once a file was read); each change is read
 * back and a difference is fatal.
 *
 *   begin       as exec left it: real uid the caller's, effective uid 0
 *   as_caller   real, effective and saved uid the caller's, nothing in force:
 *               for reading the caller's files
 *   as_root     real, effective and saved uid 0, so that the caller cannot send
 *               a signal while a lock is held; in force CAP_NET_ADMIN, and until
 *               privilege_settle() what starting a resident, and ending one, takes
 *   settle      CAP_NET_ADMIN and the way back to the caller, nothing else
 *   finish      real, effective and saved uid the caller's, no capability at
 *               all, for good: for handing the descriptor over
 */

/**
 * privilege_begin:
 * @ret_caller: (transfer full): real uid and gid, supplementary groups
 *
 * Checks that there is privilege at all, and cuts the permitted capabilities
 * to those of the table in privilege.c.
 *
 * Errors: SYSTEM; without privilege it says which of the known reasons holds:
 *   no setuid bit, a nosuid mount, no_new_privs
 */
bool privilege_begin(Caller **ret_caller, GError **error) must_use;

bool privilege_as_caller(const Caller *caller, GError **error) must_use;
/* Back from as_caller to where begin ended: real ids the caller's, effective
 * and saved ones 0. */
bool privilege_resume(const Caller *caller, GError **error) must_use;
bool privilege_as_root(GError **error) must_use;
bool privilege_settle(const Caller *caller, GError **error) must_use;
bool privilege_finish(const Caller *caller, GError **error) must_use;

/**
 * privilege_abandon:
 * @caller: (nullable): NULL before privilege_begin()
 *
 * From any stage to "finish", for a start that failed and has only words left.
 * Ends the process, silently, if privilege cannot be given up.
 */
void privilege_abandon(const Caller *caller);
