/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/*
 * libnl-3's message functions with one way to fail, and readers that trust no
 * length. What the messages mean is for those who build and read them.
 */

/* Several times the largest of ours. libnl's default is a page, which it clears
 * anew for each message. */
#define MESSAGE_SIZE_MAX 1024

static void require(bool fits)
{
    if (!fits) {
        abort();
    }
}

struct nl_msg *message_new(int type, int flags, const void *header, int size)
{
    struct nl_msg *message = nlmsg_alloc_size(MESSAGE_SIZE_MAX);

    require(message != NULL &&
            nlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags));

    void *room = nlmsg_reserve(message, (gsize)size, NLMSG_ALIGNTO);

    require(room != NULL);
    memcpy(room, header, (gsize)size);
    return message;
}

void message_put(struct nl_msg *message, int type, const void *data, int size)
{
    require(nla_put(message, type, size, data) == 0);
}

void message_put_u32(struct nl_msg *message, int type, guint32 value)
{
    message_put(message, type, &value, sizeof(value));
}

void message_put_ipv4(struct nl_msg *message, int type, guint32 address)
{
    message_put_u32(message, type, htonl(address));
}

void message_put_ipv6(struct nl_msg *message, int type,
                      const Address6 *address)
{
    message_put(message, type, address->bytes, sizeof(address->bytes));
}

void message_put_text(struct nl_msg *message, int type, const char *text)
{
    message_put(message, type, text, (int)strlen(text) + 1);
}

struct nlattr *message_begin(struct nl_msg *message, int type)
{
    struct nlattr *nest = nla_nest_start(message, type);

    require(nest != NULL);
    return nest;
}

void message_end(struct nl_msg *message, struct nlattr *nest)
{
    require(nla_nest_end(message, nest) == 0);
}

static void parse(const struct nlattr *first, int length, int max,
                  const struct nlattr **ret_attributes)
{
    const struct nlattr *attribute;
    int left;

    memset(ret_attributes, 0, sizeof(*ret_attributes) * ((gsize)max + 1));
    nla_for_each_attr(attribute, first, length, left) {
        if (nla_type(attribute) <= max) {
            ret_attributes[nla_type(attribute)] = attribute;
        }
    }
}

void message_parse(const struct nlmsghdr *message, gsize header_size, int max,
                   const struct nlattr **ret_attributes)
{
    int length = nlmsg_datalen(message) - (int)NLMSG_ALIGN(header_size);

    parse(nlmsg_attrdata(message, (int)header_size), MAX(length, 0), max,
          ret_attributes);
}

void message_parse_nested(const struct nlattr *nest, int max,
                          const struct nlattr **ret_attributes)
{
    parse(nest ? nla_data(nest) : NULL, nest ? nla_len(nest) : 0, max,
          ret_attributes);
}

guint32 message_get_u32(const struct nlattr *attribute)
{
    guint32 value = 0;

    if (attribute && nla_len(attribute) >= (int)sizeof(value)) {
        memcpy(&value, nla_data(attribute), sizeof(value));
    }
    return value;
}

guint32 message_get_u32_be(const struct nlattr *attribute)
{
    return ntohl(message_get_u32(attribute));
}

guint8 message_get_u8(const struct nlattr *attribute)
{
    guint8 value = 0;

    if (attribute && nla_len(attribute) >= 1) {
        memcpy(&value, nla_data(attribute), 1);
    }
    return value;
}

bool message_get_ipv6(const struct nlattr *attribute, Address6 *ret_address)
{
    bool present = attribute &&
                   nla_len(attribute) >= (int)sizeof(ret_address->bytes);

    *ret_address = (Address6){ { 0 } };
    if (present) {
        memcpy(ret_address->bytes, nla_data(attribute),
               sizeof(ret_address->bytes));
    }
    return present;
}
