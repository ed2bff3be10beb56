/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/**
 * number_parse:
 * @text: decimal digits and nothing else; no sign, no space, no leading zero
 * @min: smallest value allowed
 * @max: largest value allowed
 * @ret_value: the number
 *
 * Privilege: none
 * Errors: USAGE, naming the text and the range
 * Returns: true on success
 */
bool number_parse(const char *text, guint64 min, guint64 max,
                  guint64 *ret_value, GError **error) must_use;
