/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * ports_parse:
 * @text: "8080" or "8000-8010", both ends included
 * @ret_first: 1 to 65535
 * @ret_last: at least the first
 *
 * Privilege: none
 * Returns: true on success
 */
bool ports_parse(const char *text, guint16 *ret_first, guint16 *ret_last);
