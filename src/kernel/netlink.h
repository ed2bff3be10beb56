/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <netlink/msg.h>

/*
 * One netlink socket, and the only place that sends on it or receives from it.
 * Messages are built with libnl-3's nlmsg_ and nla_ functions. Each request is
 * numbered and waits for its own answer; errnos come from the kernel's
 * NLMSG_ERROR, never from libnl's codes.
 */

typedef struct Netlink Netlink;

/**
 * netlink_open:
 * @protocol: NETLINK_ROUTE, NETLINK_NETFILTER or NETLINK_SOCK_DIAG
 * @ret_netlink: (transfer full)
 *
 * Privilege: none (what is asked over it decides)
 * Errors: KERNEL
 * Returns: true on success
 */
bool netlink_open(int protocol, Netlink **ret_netlink, GError **error) must_use;
void netlink_free(Netlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Netlink, netlink_free)

/* The socket, for ioctls and socket options that any socket answers (tap_exists()).
 * (transfer none) */
int netlink_fd(const Netlink *netlink);

/* Several requests that go to the kernel in one system call, in order. */
typedef struct NetlinkBatch NetlinkBatch;

NetlinkBatch *netlink_batch_new(void);
void netlink_batch_free(NetlinkBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetlinkBatch, netlink_batch_free)
guint netlink_batch_length(const NetlinkBatch *batch);

/**
 * netlink_batch_add:
 * @message: (transfer none): copied; NLM_F_REQUEST is added
 * @acknowledged: ask for an answer (NLM_F_ACK). nf_tables batches ask for
 *   one at the last message only: errors come unasked
 * @tolerated_errno: an errno that counts as success (EEXIST), 0 for none
 * @what: (nullable): static text for an error: "route to the guest"
 */
void netlink_batch_add(NetlinkBatch *batch, struct nl_msg *message,
                       bool acknowledged, int tolerated_errno,
                       const char *what);

/* One more errno that counts as success of the request added last. */
void netlink_batch_tolerate(NetlinkBatch *batch, int tolerated_errno);

/**
 * netlink_transact:
 * @ret_errno: (nullable): the kernel's errno if a request was refused, else 0
 * @ret_tolerated: (nullable): bit N is set if request N (of the first 64)
 *   was answered by its tolerated errno; all are where the answers could not
 *   be read, so that nobody undoes what may be another's
 *
 * Sends the batch and reads all its answers. For requests of NETLINK_ROUTE a
 * failed one does not stop those after it. The batch is empty afterwards.
 * Requests that ask for no answer have succeeded if none came: the kernel is done
 * with them when they are sent.
 *
 * Privilege: that of the requests
 * Errors: KERNEL, "WHAT: STRERROR" of the first refused
 * Returns: true if none was refused
 */
bool netlink_transact(Netlink *netlink, NetlinkBatch *batch, int *ret_errno,
                      guint64 *ret_tolerated, GError **error) must_use;

/* Called for each message of an answer. Returns false to skip the rest. */
typedef bool (*NetlinkReceive)(const struct nlmsghdr *message, gpointer data);

/**
 * netlink_query:
 * @message: a request; with NLM_F_DUMP, an answer of many messages
 * @receive: called for each message of the answer
 * @ret_errno: (nullable): as above
 *
 * An interrupted dump (NLM_F_DUMP_INTR) is an error with ret_errno EINTR: the
 * caller starts again with an empty result.
 *
 * Privilege: that of the request
 * Errors: KERNEL
 * Returns: true on success
 */
bool netlink_query(Netlink *netlink, struct nl_msg *message,
                   NetlinkReceive receive, gpointer data, int *ret_errno,
                   GError **error) must_use;
