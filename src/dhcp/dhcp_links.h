/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * Hearing that links go. What has to be done then is found out anew from what is
 * there, so that a message that was lost, or came twice, does no harm.
 */

/**
 * dhcp_links_open:
 * @ret_fd: a netlink socket that hears of links that are deleted, of nothing else
 *
 * Privilege: none
 * Errors: KERNEL
 * Source: rtnetlink(7)
 * Returns: true on success
 */
bool dhcp_links_open(int *ret_fd, GError **error) must_use;

/* Reads all that has come in. Does not wait. Privilege: none
 * Returns: true if a tap of ours may have gone */
bool dhcp_links_drain(int fd) must_use;
