/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/json_value.h"
#include "config/network.h"

/*
 * The parts of a network file, for network.c alone. Each reads its keys from
 * @root into @network, adds faults about values, and leaves alone what
 * shape_check() has refused already.
 */

/* Has no effect if the key is absent or no boolean. */
void network_read_boolean(const JsonValue *object, const char *key, bool *truth);

/* subnet, pool and gateway; network->mode must be known. */
void network_read_pool(const JsonValue *root, Network *network, Faults *faults);

/* True if pool.exclude has the host number. */
bool network_excludes(const Network *network, guint32 host);

/* subnet6 and masquerade6; mode, segment, pool and mtu must be known. */
void network_read_ipv6(const JsonValue *root, Network *network, Faults *faults);

/* reservations; the pool must be known. */
void network_read_reservations(const JsonValue *root, Network *network, Faults *faults);

/* allow and grants */
void network_read_access(const JsonValue *root, Network *network, Faults *faults);
