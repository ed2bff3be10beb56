/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netlink.h"
#include "base/fd.h"
#include "kernel/netlink_private.h"
#include "kernel/verdict.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/*
 * One netlink socket. libnl-3 builds the messages; sending and receiving is
 * done here, because nl_connect() binds, sizes and queries the socket with seven
 * system calls where one start needs three, and because libnl turns errnos into
 * codes of its own that do not map back.
 *
 * Invariant: a request has a sequence number that this socket never used before,
 * and only datagrams from port 0, which is the kernel's, with the number of a
 * request under way are believed. The kernel handles what it is sent inside
 * sendmsg() (Linux net/netlink/af_netlink.c, netlink_unicast_kernel()), so the
 * answers are there when it returns; waiting is the exception, and bounded.
 *
 * What is asked, and what an answer means, is none of this module's business.
 * Several requests at once are netlink_batch.c's.
 */

/* A dump's datagram has at most 32 KiB (Linux net/netlink/af_netlink.c,
 * netlink_recvmsg(): max_recvmsg_len). */
#define BUFFER_SIZE 32768

/* How long an answer may take that was not there at once. */
#define ANSWER_TIMEOUT_MS 5000

bool netlink_open(int protocol, Netlink **ret_netlink, GError **error)
{
    static const int on = 1;
    autofd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

    if (fd < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "netlink socket of family %d", protocol);
    }
    /* All three came before Linux 5.10, and without them errors are merely
     * terser and dumps longer: their failure is not one of ours. */
    (void)!setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)!setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    if (protocol == NETLINK_ROUTE) {
        (void)!setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
                          sizeof(on));
    }

    Netlink *netlink = g_new0(Netlink, 1);

    netlink->fd = fd_steal(&fd);
    netlink->buffer = g_malloc(BUFFER_SIZE);
    *ret_netlink = netlink;
    return true;
}

void netlink_free(Netlink *netlink)
{
    if (!netlink) {
        return;
    }
    close(netlink->fd);
    g_free(netlink->buffer);
    g_free(netlink);
}

int netlink_fd(const Netlink *netlink)
{
    return netlink->fd;
}

bool netlink_send(Netlink *netlink, guint8 *bytes, guint length,
                       guint32 *ret_first, GError **error)
{
    guint32 sequence = netlink->sequence;
    bool enlarged = false;
    ssize_t sent;

    for (guint at = 0; at < length;) {
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)(bytes + at);

        header->nlmsg_seq = ++sequence;
        at += NLMSG_ALIGN(header->nlmsg_len);
    }
    do {
        /* No address: an unconnected netlink socket sends to the kernel. */
        sent = send(netlink->fd, bytes, length, 0);
        int saved_errno = sent < 0 ? errno : 0;

        if (saved_errno == EINTR) {
            continue;
        }
        if (saved_errno == EMSGSIZE && !enlarged) {
            /* Longer than net.core.wmem_default: only firewall batches are.
             * Each refused message comes back, so the other way as well. */
            int size = (int)MIN(length, (guint)G_MAXINT / 4) + 4096;

            enlarged = true;
            (void)!setsockopt(netlink->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
                              sizeof(size));
            (void)!setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
                              sizeof(size));
            continue;
        }
        if (sent < 0) {
            return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                                   "sending %u bytes to netlink", length);
        }
    } while (sent < 0);
    *ret_first = netlink->sequence + 1;
    netlink->sequence = sequence;
    return true;
}

bool netlink_receive(Netlink *netlink, bool may_be_none,
                             guint *foreign_left, int *ret_length,
                             GError **error)
{
    gint64 deadline_us = 0;

    for (;;) {
        struct sockaddr_nl sender = { 0 };
        socklen_t sender_size = sizeof(sender);
        ssize_t length = recvfrom(netlink->fd, netlink->buffer, BUFFER_SIZE,
                                  MSG_DONTWAIT | MSG_TRUNC,
                                  (struct sockaddr *)&sender, &sender_size);
        int saved_errno = length < 0 ? errno : 0;

        if (length >= 0) {
            if (sender_size != sizeof(sender) || sender.nl_pid != 0) {
                if ((*foreign_left)-- == 0) {
                    return error_set(error, TAPSTER_ERROR_KERNEL,
                                     "netlink: flooded by another process");
                }
                continue;
            }
            if (length > BUFFER_SIZE) {
                return error_set(error, TAPSTER_ERROR_KERNEL,
                                 "netlink: an answer of %zd bytes is too long",
                                 length);
            }
            *ret_length = (int)length;
            return true;
        }
        if (saved_errno == EINTR) {
            continue;
        }
        if (saved_errno != EAGAIN) {
            return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                                   "netlink: receiving an answer");
        }
        if (may_be_none) {
            *ret_length = 0;
            return true;
        }

        gint64 now_us = g_get_monotonic_time();

        deadline_us = deadline_us ? deadline_us
                                  : now_us + ANSWER_TIMEOUT_MS * 1000;
        if (now_us >= deadline_us) {
            return error_set(error, TAPSTER_ERROR_KERNEL,
                             "netlink: the kernel did not answer");
        }

        struct pollfd wait = { .fd = netlink->fd, .events = POLLIN };

        (void)!poll(&wait, 1, (int)((deadline_us - now_us) / 1000) + 1);
    }
}

/* One datagram's part of an answer. Returns: true when it was the last. */
static bool take_messages(guint8 *bytes, int left, guint32 sequence,
                          bool is_dump, NetlinkReceive *receive,
                          gpointer data, bool *interrupted, Verdict *verdict)
{
    for (struct nlmsghdr *header = (void *)bytes; nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
        if (header->nlmsg_seq != sequence) {
            continue;
        }
        if (header->nlmsg_flags & NLM_F_DUMP_INTR) {
            *interrupted = true;
        }
        if (header->nlmsg_type == NLMSG_ERROR ||
            header->nlmsg_type == NLMSG_DONE) {
            verdict_read(header, verdict);
            return true;
        }
        if (header->nlmsg_type < NLMSG_MIN_TYPE) {
            continue;
        }
        if (*receive && !(*receive)(header, data)) {
            *receive = NULL;
        }
        /* Not by NLM_F_MULTI: conntrack sets it on answers that stand alone
         * (Linux net/netfilter/nf_conntrack_netlink.c). */
        if (!is_dump) {
            return true;
        }
    }
    return false;
}

bool netlink_query(Netlink *netlink, struct nl_msg *message,
                   NetlinkReceive receive, gpointer data, int *ret_errno,
                   GError **error)
{
    struct nlmsghdr *header = nlmsg_hdr(message);
    bool is_dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    guint foreign_left = NETLINK_FOREIGN_MAX;
    Verdict verdict = { 0 };
    bool interrupted = false, done = false;
    guint32 sequence;

    if (ret_errno) {
        *ret_errno = 0;
    }
    header->nlmsg_flags |= NLM_F_REQUEST;
    header->nlmsg_pid = 0;
    if (!netlink_send(netlink, (guint8 *)header, header->nlmsg_len, &sequence,
                    error)) {
        return false;
    }
    while (!done) {
        int length;

        if (!netlink_receive(netlink, false, &foreign_left, &length, error)) {
            return false;
        }
        done = take_messages(netlink->buffer, length, sequence, is_dump,
                             &receive, data, &interrupted, &verdict);
    }
    if (verdict.errnum == 0 && interrupted) {
        verdict.errnum = EINTR;
    }
    if (verdict.errnum == 0) {
        return true;
    }
    if (ret_errno) {
        *ret_errno = verdict.errnum;
    }
    return verdict_set_error(error, NULL, &verdict);
}
