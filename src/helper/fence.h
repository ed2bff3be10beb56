/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "helper/places.h"

/**
 * fence_ensure:
 * @segment: a network about to be made or mended
 * @facts: the host before that; NULL where forwarding is on
 * @ret_fenced: (transfer full) (element-type Ifname): between which nothing is
 *   to be forwarded; may be empty
 *
 * Before forwarding goes on, for the first time or after somebody switched it
 * off, what does not forward now is added to what did not then, and written
 * down.
 *
 * Privilege: uid 0; the lock of the run directory is held
 * Errors: SYSTEM: without the fence forwarding must not go on
 * Returns: true on success
 */
bool fence_ensure(const Places *places, const Segment *segment,
                  const FactsHost *facts, GArray **ret_fenced,
                  GError **error) must_use;

/**
 * fence_still_needed:
 *
 * Forgets the fence if forwarding is off.
 *
 * Privilege: uid 0; the lock of the run directory is held
 * Returns: (transfer full) (element-type Ifname): what is still fenced
 */
GArray *fence_still_needed(const Places *places) must_use;
