/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * process_find_socket:
 * @inode: of a socket
 *
 * Looks through the descriptors of all processes: slow, and for a message only.
 *
 * Privilege: CAP_SYS_PTRACE, for other users' processes
 * Source: proc(5)
 * Returns: (transfer full): "nginx (process 4711)", NULL if it is not found
 */
char *process_find_socket(guint32 inode);
