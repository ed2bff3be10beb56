/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netlink_private.h"
#include "kernel/verdict.h"

#include <string.h>

/*
 * Several requests in one datagram: a start's dozen of changes cost one system
 * call, and one more for the answers. The kernel handles them in order and goes
 * on after one that it refuses; whose refusal it was is told by the sequence
 * number.
 */

typedef struct {
    const char *what;
    int tolerated_errno;
    int also_tolerated; /* errno, 0 for none */
    bool acknowledged;
} Request;

struct NetlinkBatch {
    GByteArray *bytes;
    GArray *requests; /* Request, in the order of bytes */
};

NetlinkBatch *netlink_batch_new(void)
{
    NetlinkBatch *batch = g_new0(NetlinkBatch, 1);

    batch->bytes = g_byte_array_new();
    batch->requests = g_array_new(false, false, sizeof(Request));
    return batch;
}

void netlink_batch_free(NetlinkBatch *batch)
{
    if (!batch) {
        return;
    }
    g_byte_array_unref(batch->bytes);
    g_array_unref(batch->requests);
    g_free(batch);
}

guint netlink_batch_length(const NetlinkBatch *batch)
{
    return batch->requests->len;
}

void netlink_batch_add(NetlinkBatch *batch, struct nl_msg *message,
                       bool acknowledged, int tolerated_errno,
                       const char *what)
{
    static const guint8 padding[NLMSG_ALIGNTO] = { 0 };
    const struct nlmsghdr *header = nlmsg_hdr(message);
    guint start = batch->bytes->len;
    Request request = {
        .what = what,
        .tolerated_errno = tolerated_errno,
        .acknowledged = acknowledged,
    };

    g_byte_array_append(batch->bytes, (const guint8 *)header,
                        header->nlmsg_len);
    g_byte_array_append(batch->bytes, padding,
                        NLMSG_ALIGN(header->nlmsg_len) - header->nlmsg_len);

    struct nlmsghdr *copy = (struct nlmsghdr *)(void *)(batch->bytes->data +
                                                        start);

    copy->nlmsg_flags |= NLM_F_REQUEST | (acknowledged ? NLM_F_ACK : 0);
    copy->nlmsg_pid = 0;
    g_array_append_val(batch->requests, request);
}

void netlink_batch_tolerate(NetlinkBatch *batch, int tolerated_errno)
{
    Request *last = &g_array_index(batch->requests, Request,
                                   batch->requests->len - 1);

    last->also_tolerated = tolerated_errno;
}

/* A batch under way. */
typedef struct {
    NetlinkBatch *batch;
    guint32 first;   /* sequence number of its first request */
    guint unanswered; /* requests that asked for an answer and have none */
    guint64 tolerated;
    bool refused;
    guint refused_index;
    Verdict verdict; /* of the first refused */
} Transaction;

static void take_answer(Transaction *transaction,
                        const struct nlmsghdr *header)
{
    guint32 index = header->nlmsg_seq - transaction->first;
    Verdict verdict;

    if (header->nlmsg_type != NLMSG_ERROR ||
        index >= transaction->batch->requests->len) {
        return;
    }

    Request *request = &g_array_index(transaction->batch->requests, Request,
                                      index);

    verdict_read(header, &verdict);
    if (request->acknowledged) {
        request->acknowledged = false;
        transaction->unanswered--;
    }
    if (verdict.errnum == 0) {
        return;
    }
    if (verdict.errnum == request->tolerated_errno ||
        verdict.errnum == request->also_tolerated) {
        transaction->tolerated |= index < 64 ? G_GUINT64_CONSTANT(1) << index
                                             : 0;
    } else if (!transaction->refused) {
        transaction->refused = true;
        transaction->refused_index = index;
        transaction->verdict = verdict;
    }
}

static bool read_answers(Netlink *netlink, Transaction *transaction,
                         GError **error)
{
    guint foreign_left = NETLINK_FOREIGN_MAX;
    bool asked = transaction->unanswered > 0;

    for (;;) {
        int left;
        /* nf_tables answers the first message of a batch that it cannot even
         * begin, and then none of the others: after a refusal, what is not
         * there is not coming. */
        bool may_be_none = transaction->refused || !transaction->unanswered;

        if (!netlink_receive(netlink, may_be_none, &foreign_left, &left,
                              error)) {
            return false;
        }
        if (left == 0 && may_be_none) {
            return true;
        }
        for (struct nlmsghdr *header = (void *)netlink->buffer;
             nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
            take_answer(transaction, header);
        }
        /* Answers come in the order of the requests: once all that were asked
         * for are there, looking for more would cost a system call. Refusals
         * that nobody asked about are read until there are no more. */
        if (asked && !transaction->unanswered && !transaction->refused) {
            return true;
        }
    }
}

bool netlink_transact(Netlink *netlink, NetlinkBatch *batch, int *ret_errno,
                      guint64 *ret_tolerated, GError **error)
{
    Transaction transaction = { .batch = batch };
    bool ok = true;

    if (ret_errno) {
        *ret_errno = 0;
    }
    if (ret_tolerated) {
        *ret_tolerated = G_MAXUINT64;
    }
    if (batch->requests->len == 0) {
        return true;
    }
    for (guint i = 0; i < batch->requests->len; i++) {
        const Request *request = &g_array_index(batch->requests, Request, i);

        transaction.unanswered += request->acknowledged ? 1 : 0;
    }
    ok = netlink_send(netlink, batch->bytes->data, batch->bytes->len,
                    &transaction.first, error) &&
         read_answers(netlink, &transaction, error);
    if (ok && ret_tolerated) {
        *ret_tolerated = transaction.tolerated;
    }
    if (ok && transaction.refused) {
        const Request *request = &g_array_index(batch->requests, Request,
                                                transaction.refused_index);

        if (ret_errno) {
            *ret_errno = transaction.verdict.errnum;
        }
        ok = verdict_set_error(error, request->what, &transaction.verdict);
    }
    g_byte_array_set_size(batch->bytes, 0);
    g_array_set_size(batch->requests, 0);
    return ok;
}
