/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <linux/capability.h>

/*
 * A thread's capabilities, by the system calls themselves: libcap would be one
 * more library that runs with privilege, for a handful of calls. Every change
 * is read back, and one that did not take is an error.
 */

#define CAPABILITY_BIT(capability) (1ull << (capability))

typedef struct {
    guint64 effective;
    guint64 permitted;
    guint64 inheritable;
} CapabilitySets;

/* Privilege: none. Errors: SYSTEM */
bool capability_get(CapabilitySets *ret_sets, GError **error) must_use;

/**
 * capability_set:
 * @sets: what shall be, no more than is permitted now
 *
 * Privilege: none for less
 * Errors: SYSTEM, INTERNAL if the kernel did something else
 * Source: capabilities(7)
 * Returns: true on success
 */
bool capability_set(const CapabilitySets *sets, GError **error) must_use;

/**
 * capability_limit:
 * @keep: what may stay in the bounding set; all else goes for good
 *
 * Privilege: CAP_SETPCAP, unless nothing has to go
 * Errors: SYSTEM, INTERNAL
 * Source: PR_CAPBSET_DROP(2const)
 * Returns: true on success
 */
bool capability_limit(guint64 keep, GError **error) must_use;

/**
 * capability_set_ambient:
 * @ambient: what an exec keeps, permitted and inheritable already
 *
 * Privilege: none
 * Errors: SYSTEM, INTERNAL
 * Source: PR_CAP_AMBIENT(2const)
 * Returns: true on success
 */
bool capability_set_ambient(guint64 ambient, GError **error) must_use;

/**
 * capability_disarm_root:
 *
 * From now on uid 0 means nothing to exec, and no ambient capability can be
 * added, in this process and all its children, for good.
 *
 * Privilege: CAP_SETPCAP
 * Errors: SYSTEM, INTERNAL
 * Source: PR_SET_SECUREBITS(2const)
 * Returns: true on success
 */
bool capability_disarm_root(GError **error) must_use;
