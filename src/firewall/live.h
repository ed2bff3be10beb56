/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * live_choose:
 * @keys: of a set of table bridge: each begins with an interface's index
 * @key_length: bytes of each
 * @existing: choose those whose interface is there, or those whose is not
 * @chosen: they are appended here
 *
 * Privilege: none
 */
void live_choose(const GByteArray *keys, guint key_length, bool existing,
                 GByteArray *chosen);
