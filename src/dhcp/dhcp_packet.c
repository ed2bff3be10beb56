/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_layout.h"
#include "dhcp/dhcp_packet.h"

#include <string.h>

/*
 * Reading requests; replies are dhcp_build.c's. Every byte of a request is a
 * stranger's: nothing is read before its place was compared with the
 * field's end, and every number that is a length is compared before it is used.
 */

static guint16 read16(const guint8 *bytes)
{
    return (guint16)(bytes[0] << 8 | bytes[1]);
}

static guint32 read32(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 |
           (guint32)bytes[2] << 8 | bytes[3];
}

/* An option's value, joined from all its parts. */
typedef struct {
    bool present;
    guint8 length;
    guint8 value[DHCP_OPTION_MAX];
} Option;

/* The options that we read; the others are stepped over. */
typedef struct {
    Option overload;
    Option type;
    Option requested_address;
    Option server_id;
    Option max_size;
    Option client_id;
    Option parameters;
} Options;

static Option *find_option(Options *options, guint8 code)
{
    switch (code) {
    case OPTION_OVERLOAD:
        return &options->overload;
    case OPTION_TYPE:
        return &options->type;
    case OPTION_REQUESTED_ADDRESS:
        return &options->requested_address;
    case OPTION_SERVER_ID:
        return &options->server_id;
    case OPTION_MAX_SIZE:
        return &options->max_size;
    case OPTION_CLIENT_ID:
        return &options->client_id;
    case OPTION_PARAMETERS:
        return &options->parameters;
    default:
        return NULL;
    }
}

/* Collects the options of one field. Returns: false if one runs out of it, or
 * its parts are longer together than anything that we have a use for. A field
 * without an end option ends where it ends: clients exist that forget it. */
static bool parse_field(const guint8 *bytes, gsize size, Options *options)
{
    gsize at = 0;

    while (at < size && bytes[at] != OPTION_END) {
        guint8 code = bytes[at++];
        Option *option = find_option(options, code);
        gsize length;

        if (code == OPTION_PAD) {
            continue;
        }
        if (at >= size) {
            return false;
        }
        length = bytes[at++];
        if (length > size - at) {
            return false;
        }
        if (option != NULL) {
            /* RFC 3396 section 7: parts of one option are one value. */
            if (length > (gsize)(DHCP_OPTION_MAX - option->length)) {
                return false;
            }
            memcpy(option->value + option->length, bytes + at, length);
            option->length = (guint8)(option->length + length);
            option->present = true;
        }
        at += length;
    }
    return true;
}

static bool parse_options(const guint8 *bytes, gsize size, Options *options)
{
    guint8 overload;

    if (!parse_field(bytes + OFFSET_OPTIONS, size - OFFSET_OPTIONS, options)) {
        return false;
    }
    if (!options->overload.present) {
        return true;
    }
    /* RFC 2132 section 9.3: 1 is "file", 2 is "sname", 3 is both. RFC 3396
     * section 5: in this order. Only the option outside of them counts. */
    overload = options->overload.value[0];
    if (options->overload.length != 1 || overload < 1 || overload > 3) {
        return false;
    }
    return (!(overload & 1) ||
            parse_field(bytes + OFFSET_FILE, SIZE_FILE, options)) &&
           (!(overload & 2) ||
            parse_field(bytes + OFFSET_SNAME, SIZE_SNAME, options));
}

static bool has_size(const Option *option, guint8 length)
{
    return !option->present || option->length == length;
}

static bool read_options(const Options *options, DhcpMessage *message)
{
    if (!has_size(&options->type, 1) ||
        !has_size(&options->requested_address, 4) ||
        !has_size(&options->server_id, 4) || !has_size(&options->max_size, 2)) {
        return false;
    }
    message->type = options->type.value[0];
    message->requested_address = read32(options->requested_address.value);
    message->has_server_id = options->server_id.present;
    message->server_id = read32(options->server_id.value);
    message->max_size = read16(options->max_size.value);
    message->has_client_id = options->client_id.present;
    message->client_id_length = options->client_id.length;
    memcpy(message->client_id, options->client_id.value, DHCP_OPTION_MAX);
    message->has_parameters = options->parameters.present;
    message->n_parameters = options->parameters.length;
    memcpy(message->parameters, options->parameters.value, DHCP_OPTION_MAX);
    return true;
}

bool dhcp_parse(const guint8 *bytes, gsize size, DhcpMessage *ret_message)
{
    DhcpMessage message = {0};
    Options options = {0};

    if (size < OFFSET_OPTIONS || bytes[0] != OP_REQUEST ||
        bytes[OFFSET_HTYPE] != HTYPE_ETHERNET ||
        bytes[OFFSET_HLEN] != sizeof(message.chaddr.bytes) ||
        memcmp(bytes + OFFSET_COOKIE, magic_cookie, sizeof(magic_cookie)) != 0 ||
        !parse_options(bytes, size, &options) ||
        !read_options(&options, &message)) {
        return false;
    }
    message.hops = bytes[OFFSET_HOPS];
    message.xid = read32(bytes + OFFSET_XID);
    message.broadcast = read16(bytes + OFFSET_FLAGS) & FLAG_BROADCAST;
    message.ciaddr = read32(bytes + OFFSET_CIADDR);
    message.giaddr = read32(bytes + OFFSET_GIADDR);
    memcpy(message.chaddr.bytes, bytes + OFFSET_CHADDR,
           sizeof(message.chaddr.bytes));
    *ret_message = message;
    return true;
}
