/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/**
 * handover_check:
 * @fd: what the command line called the hypervisor's socket
 *
 * Privilege: none
 * Errors: USAGE if it is not an open AF_UNIX stream socket; SYSTEM if nobody is at
 *   its other end, or its buffer is full
 * Returns: true on success
 */
bool handover_check(int fd, GError **error) must_use;

/**
 * handover_send:
 * @fd: the hypervisor's socket
 * @tap_fd: the tap, up and final
 *
 * One byte (0) and one SCM_RIGHTS message with one descriptor: QEMU loses the
 * descriptor if there is no byte, and drops a second one. Does not wait
 * for a peer that never reads.
 *
 * Privilege: none; the real uid is the caller's, as a peer with SO_PASSCRED
 *   sees
 * Errors: SYSTEM
 * Source: QEMU net/tap.c, recv_fd(); unix(7), cmsg(3)
 * Returns: true if the descriptor was sent
 */
bool handover_send(int fd, int tap_fd, GError **error) must_use;
