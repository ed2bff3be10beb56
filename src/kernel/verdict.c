/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/verdict.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

/*
 * What the kernel says about a request: an errno, and with extended
 * acknowledgements a few words of its own. Lengths in the message are checked,
 * its text is made printable; nothing is sent or received here.
 */

/* The text of an extended acknowledgement, from its first attribute on.
 * Source: <linux/netlink.h>, enum nlmsgerr_attrs. */
static void read_kernel_text(const guint8 *at, int left, Verdict *verdict)
{
    const struct nlattr *attribute;
    int rest;

    nla_for_each_attr(attribute, (const struct nlattr *)(const void *)at, left,
                      rest) {
        if (nla_type(attribute) == NLMSGERR_ATTR_MSG) {
            gsize size = MIN((gsize)nla_len(attribute),
                             sizeof(verdict->text) - 1);

            memcpy(verdict->text, nla_data(attribute), size);
            verdict->text[size] = '\0';
        }
    }
    for (char *c = verdict->text; *c; c++) {
        *c = g_ascii_isprint(*c) ? *c : '?';
    }
}

/* NLMSG_ERROR: struct nlmsgerr, the request's payload unless NLM_F_CAPPED,
 * and attributes if NLM_F_ACK_TLVS. NLMSG_DONE: an int and attributes. */
void verdict_read(const struct nlmsghdr *header, Verdict *ret_verdict)
{
    bool is_error = header->nlmsg_type == NLMSG_ERROR;
    int left = nlmsg_datalen(header);
    const guint8 *at = nlmsg_data(header);
    int value = 0;

    ret_verdict->errnum = EBADMSG;
    ret_verdict->text[0] = '\0';
    if (left < (int)sizeof(value)) {
        ret_verdict->errnum = is_error ? EBADMSG : 0;
        return;
    }
    memcpy(&value, at, sizeof(value));
    if (value > 0 || value < -4095) { /* MAX_ERRNO of <linux/err.h> */
        return;
    }
    ret_verdict->errnum = -value;

    int skip = sizeof(value);

    if (is_error) {
        struct nlmsgerr answer;

        if (left < (int)sizeof(answer)) {
            return;
        }
        memcpy(&answer, at, sizeof(answer));
        skip = sizeof(answer);
        if (!(header->nlmsg_flags & NLM_F_CAPPED) &&
            answer.msg.nlmsg_len >= NLMSG_HDRLEN &&
            answer.msg.nlmsg_len <= (guint32)left) {
            skip += NLMSG_ALIGN(answer.msg.nlmsg_len) - NLMSG_HDRLEN;
        }
    }
    if (value != 0 && (header->nlmsg_flags & NLM_F_ACK_TLVS) && left > skip) {
        read_kernel_text(at + skip, left - skip, ret_verdict);
    }
}

bool verdict_set_error(GError **error, const char *what,
                       const Verdict *verdict)
{
    what = what ? what : "netlink request";
    if (!verdict->text[0]) {
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, verdict->errnum,
                               "%s", what);
    }
    return error_set(error, TAPSTER_ERROR_KERNEL, "%s: %s (%s)", what,
                     g_strerror(verdict->errnum), verdict->text);
}
