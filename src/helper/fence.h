/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "firewall/firewall.h"
#include "helper/site.h"

/**
 * fence_ensure:
 * @segment: a network about to be made or mended
 * @facts: the host before that; NULL where all the forwarding that the network
 *   needs is on
 * @wish: its fenced and fenced6 are set: between these nothing is to be
 *   forwarded; may be empty
 *
 * Before forwarding goes on, for the first time or after somebody switched it
 * off, what does not forward now is added to what did not then, and written
 * down; before IPv6's, also which interfaces listen to their routers, because
 * they are about to be told to go on with that.
 *
 * Privilege: uid 0; the lock of the run directory is held
 * Errors: SYSTEM: without the fence forwarding must not go on
 * Returns: true on success
 */
bool fence_ensure(const Site *site, const Segment *segment,
                  const FactsHost *facts, FirewallWish *wish,
                  GError **error) must_use;

/**
 * fence_still_needed:
 * @wish: its fenced and fenced6 are set to what is still fenced
 *
 * Forgets the fence of a family that does not forward.
 *
 * Privilege: uid 0; the lock of the run directory is held
 */
void fence_still_needed(const Site *site, FirewallWish *wish);

/**
 * fence_lift:
 * @facts: the host, without the networks that were taken down
 * @ipv4: no network needs IPv4 forwarding any more
 * @ipv6: likewise
 *
 * Switches forwarding off again, where tapster switched it on and nobody else
 * forwards by now, and lets interfaces listen to their routers as they did. What
 * fails is as if it was not to be done: forwarding stays on, behind the fence.
 *
 * Privilege: CAP_NET_ADMIN; the lock of the run directory is held
 */
void fence_lift(const Site *site, const FactsHost *facts, bool ipv4,
                bool ipv6);
