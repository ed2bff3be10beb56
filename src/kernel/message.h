/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/ifname.h"

#include <netlink/attr.h>
#include <netlink/msg.h>

/*
 * Building small requests. Their sizes are known when they are written, so none
 * of these functions fails: out of memory, or an attribute too many, ends the
 * process as it does everywhere in GLib.
 */

/**
 * message_new:
 * @type: RTM_*, or subsystem and message of nfnetlink
 * @flags: NLM_F_* beyond NLM_F_REQUEST
 * @header: the family's fixed header, of @size bytes
 *
 * Privilege: none
 * Returns: (transfer full): free with nlmsg_free()
 */
struct nl_msg *message_new(int type, int flags, const void *header, int size);

void message_put(struct nl_msg *message, int type, const void *data, int size);
void message_put_u32(struct nl_msg *message, int type, guint32 value);

/* @address in host byte order; the attribute has it in network order. */
void message_put_ipv4(struct nl_msg *message, int type, guint32 address);

void message_put_ipv6(struct nl_msg *message, int type,
                      const Address6 *address);

/* With its NUL. */
void message_put_text(struct nl_msg *message, int type, const char *text);

/* A nested attribute, closed by message_end(). */
struct nlattr *message_begin(struct nl_msg *message, int type);
void message_end(struct nl_msg *message, struct nlattr *nest);

/* The attributes that follow a fixed header of @header_size bytes, each at the
 * index of its type; NULL where there is none. Types above @max are left out;
 * of several of one type the last counts. */
void message_parse(const struct nlmsghdr *message, gsize header_size, int max,
                   const struct nlattr **ret_attributes);
void message_parse_nested(const struct nlattr *nest, int max,
                          const struct nlattr **ret_attributes);

/* The attribute's value, 0 if it is absent or too short. */
guint32 message_get_u32(const struct nlattr *attribute);
guint32 message_get_u32_be(const struct nlattr *attribute);
guint8 message_get_u8(const struct nlattr *attribute);

/* Returns: false, and zeros, if there is no address in it. */
bool message_get_ipv6(const struct nlattr *attribute, Address6 *ret_address);

static inline void message_cleanup(struct nl_msg **message)
{
    if (*message) {
        nlmsg_free(*message);
    }
}

#define auto_message __attribute__((cleanup(message_cleanup))) struct nl_msg *
