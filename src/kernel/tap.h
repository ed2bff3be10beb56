/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ifname.h"

#include <sys/types.h>

typedef enum {
    TAP_CLAIMED,
    TAP_TAKEN, /* the name exists: somebody holds the slot */
} TapResult;

/**
 * tap_open:
 * @ret_fd: /dev/net/tun, close-on-exec, not yet a tap
 *
 * Privilege: uid 0 where the node is 0600
 * Errors: UNSUPPORTED without tun (says: modprobe tun), SYSTEM
 * Returns: true on success
 */
bool tap_open(int *ret_fd, GError **error) must_use;

/**
 * tap_claim:
 * @fd: from tap_open(), not yet a tap
 * @name: the tap to make
 * @vnet_hdr: IFF_VNET_HDR, if and only if the hypervisor said --use-vnet
 * @owner: the caller, who alone may attach to it afterwards
 * @ret_result: whether the slot is ours now. Where it is TAP_TAKEN, @fd can be
 *   used for another try
 *
 * IFF_TAP|IFF_NO_PI|IFF_TUN_EXCL: the kernel makes the tap or says EBUSY, so
 * the tap's name is the claim. The tap is down, and goes when @fd closes.
 *
 * Privilege: CAP_NET_ADMIN
 * Errors: KERNEL
 * Source: Linux drivers/net/tun.c, tun_set_iff()
 * Returns: true if the kernel answered one or the other
 */
bool tap_claim(int fd, const Ifname *name, bool vnet_hdr, uid_t owner,
               TapResult *ret_result, GError **error) must_use;

/* True if an interface of that name exists; asks without taking any lock
 * (SIOCGIFINDEX on @socket_fd, any AF_INET socket). *ret_ifindex may be NULL. */
bool tap_exists(int socket_fd, const Ifname *name, int *ret_ifindex);
