/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <linux/filter.h>

/**
 * dhcp_listen:
 * @groups: a bit for each group of rtnetlink's, RTNLGRP_* less one
 * @code: the only messages to be woken for; numbers of two bytes are in network
 *   byte order for a filter, and in the host's for netlink
 * @length: instructions of @code
 * @what: for the error: "links that go"
 * @ret_fd: a netlink socket that hears of that and of nothing else
 *
 * Privilege: none
 * Errors: KERNEL
 * Source: rtnetlink(7)
 * Returns: true on success
 */
bool dhcp_listen(guint32 groups, struct sock_filter *code, gsize length,
                 const char *what, int *ret_fd, GError **error) must_use;
