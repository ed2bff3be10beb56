/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <net/if.h>

/*
 * The name of a network interface. Made by ifname_parse() only, which rejects
 * and never truncates: CVE-2019-13164 was a name cut after the check.
 */
typedef struct {
    char name[IFNAMSIZ]; /* NUL-terminated, 1..15 bytes; all bytes after it 0 */
} Ifname;

/**
 * ifname_parse:
 * @text: 1 to 15 bytes, no '/', white space, ':', control or non-ASCII
 *   character or '%', and neither "." nor ".."
 *
 * Privilege: none
 * Errors: CONFIG
 * Source: Linux net/core/dev.c, dev_valid_name(); stricter in '%' and non-ASCII
 * Returns: true on success
 */
bool ifname_parse(const char *text, Ifname *ret_name, GError **error) must_use;
