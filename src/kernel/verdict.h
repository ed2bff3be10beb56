/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <netlink/msg.h>

#define KERNEL_TEXT_MAX 160 /* bytes of an extended acknowledgement kept */

/* What became of a request, from its NLMSG_ERROR or NLMSG_DONE. */
typedef struct {
    int errnum; /* 0 for success */
    char text[KERNEL_TEXT_MAX]; /* the kernel's own words, or "" */
} Verdict;

/**
 * verdict_read:
 * @header: an NLMSG_ERROR or NLMSG_DONE
 * @ret_verdict: EBADMSG where the message makes no sense
 *
 * Pure.
 *
 * Privilege: none
 */
void verdict_read(const struct nlmsghdr *header, Verdict *ret_verdict);

/* "WHAT: STRERROR (kernel's words)"; @what may be NULL. Returns: false */
bool verdict_set_error(GError **error, const char *what,
                       const Verdict *verdict);
