/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper/site.h"

/**
 * former_forget:
 * @segment: a network
 * @slot: one of its slots
 *
 * Deletes what conntrack remembers of the slot's former holder, unless the slot has a
 * tap. A start that takes the slot at this moment loses nothing: its guest has not
 * spoken yet.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Returns: true on success
 */
bool former_forget(const Site *site, const Segment *segment, guint32 slot,
                   GError **error) must_use;

/* The same by the name that the tap had; nothing if that is no network's here. */
bool former_forget_tap(const Site *site, const Ifname *tap,
                       GError **error) must_use;
