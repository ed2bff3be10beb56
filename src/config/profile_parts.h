/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/json_value.h"
#include "config/profile.h"

/*
 * The parts of a profile file, for profile.c alone, as network_parts.h has them
 * for network files.
 */

/* forwards; profile->mode must be known. */
void profile_read_forwards(const JsonValue *root, Profile *profile, Faults *faults);
