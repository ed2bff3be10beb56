/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel/forwarding6.h"
#include "pool/segment.h"

/*
 * Small texts that tapster writes: the subnets that "auto" chose for a network (in
 * the state directory, one file a network), and lists of interfaces whose
 * settings tapster changed or kept from being changed (in the run directory).
 * All are read with suspicion and replaced atomically.
 */

/* The subnets of a network; of those that there are none of, or that make no
 * sense, the length is 0. */
void remember_load_subnets(int state_fd, const char *network,
                           Prefix4 *ret_subnet, Prefix6 *ret_subnet6);

/* What the network has none of now stays remembered. A subnet that cannot be
 * remembered is chosen anew, the IPv4 one most likely the same. */
void remember_save_subnets(int state_fd, const Segment *segment);

/* Lists of interfaces. That one is there says that tapster switched forwarding
 * on here. */
typedef enum {
    REMEMBER_FENCE,  /* did not forward IPv4 before */
    REMEMBER_FENCE6, /* did not forward IPv6 before */
} RememberList;

/* Returns: (transfer full) (nullable) (element-type Ifname): NULL if there is no
 * such list. */
GArray *remember_load_list(int run_fd, RememberList which);

/* Errors: SYSTEM: without the list what it is for must not be done. */
bool remember_save_list(int run_fd, RememberList which, const GArray *links,
                        GError **error) must_use;

void remember_drop_list(int run_fd, RememberList which);

/* The same for what switching IPv6 forwarding on changes of each interface.
 * (element-type Forwarding6Link) */
GArray *remember_load_forwarding6(int run_fd);
bool remember_save_forwarding6(int run_fd, const GArray *links,
                               GError **error) must_use;
void remember_drop_forwarding6(int run_fd);

/**
 * remember_replace:
 * @directory_fd: of ours
 * @name: of a file in it
 * @bytes: its new contents
 *
 * Writes beside and renames, so that a reader finds the old or the new.
 *
 * Privilege: uid 0
 * Returns: true on success; on failure *ret_errno is set
 */
bool remember_replace(int directory_fd, const char *name, const void *bytes,
                      gsize size, int *ret_errno) must_use;
