/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_packet.h"

#include <string.h>

/*
 * The BOOTP frame and its options (RFC 2131 figure 1). Every byte of a request
 * is a stranger's: nothing is read before its place was compared with the
 * field's end, and every number that is a length is compared before it is used.
 */

#define OFFSET_HTYPE   1
#define OFFSET_HLEN    2
#define OFFSET_HOPS    3
#define OFFSET_XID     4
#define OFFSET_FLAGS   10
#define OFFSET_CIADDR  12
#define OFFSET_YIADDR  16
#define OFFSET_GIADDR  24
#define OFFSET_CHADDR  28
#define OFFSET_SNAME   44
#define SIZE_SNAME     64
#define OFFSET_FILE    108
#define SIZE_FILE      128
#define OFFSET_COOKIE  236
#define OFFSET_OPTIONS 240

#define OP_REQUEST     1
#define OP_REPLY       2
#define HTYPE_ETHERNET 1
#define FLAG_BROADCAST 0x8000
#define HEADERS_SIZE   28  /* IP and UDP */
#define BOOTP_SIZE     300 /* RFC 951 section 3: 236 and 64; some drop less */

static const guint8 magic_cookie[] = {99, 130, 83, 99}; /* RFC 2131 section 3 */

/* RFC 2132, but for the last one: RFC 3442. */
enum {
    OPTION_PAD = 0,
    OPTION_SUBNET_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_HOSTNAME = 12,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_BROADCAST = 28,
    OPTION_REQUESTED_ADDRESS = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER_ID = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_T1 = 58,
    OPTION_T2 = 59,
    OPTION_CLIENT_ID = 61,
    OPTION_CLASSLESS_ROUTES = 121,
    OPTION_END = 255,
};

static guint16 read16(const guint8 *bytes)
{
    return (guint16)(bytes[0] << 8 | bytes[1]);
}

static guint32 read32(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 |
           (guint32)bytes[2] << 8 | bytes[3];
}

static void write16(guint8 *bytes, guint16 value)
{
    bytes[0] = (guint8)(value >> 8);
    bytes[1] = (guint8)value;
}

static void write32(guint8 *bytes, guint32 value)
{
    write16(bytes, (guint16)(value >> 16));
    write16(bytes + 2, (guint16)value);
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

/* Appends options to a buffer and leaves out what does not fit, always with
 * room for the end option. */
typedef struct {
    guint8 *bytes;
    gsize size;
    gsize limit;
    guint8 written[DHCP_OPTION_MAX + 1]; /* bool, by code */
} Writer;

static void put(Writer *writer, guint8 code, const void *value, gsize length)
{
    if (length == 0 || length > DHCP_OPTION_MAX || writer->written[code] ||
        writer->size + 2 + length + 1 > writer->limit) {
        return;
    }
    writer->bytes[writer->size++] = code;
    writer->bytes[writer->size++] = (guint8)length;
    memcpy(writer->bytes + writer->size, value, length);
    writer->size += length;
    writer->written[code] = 1;
}

static void put_address(Writer *writer, guint8 code, guint32 address)
{
    guint8 value[4];

    write32(value, address);
    if (address != 0) {
        put(writer, code, value, sizeof(value));
    }
}

static void put_mtu(Writer *writer, guint16 mtu)
{
    guint8 value[2];

    write16(value, mtu);
    if (mtu != 0) {
        put(writer, OPTION_MTU, value, sizeof(value));
    }
}

static void put_dns(Writer *writer, const DhcpOptions *options)
{
    guint8 value[4 * NETWORK_DNS_MAX];
    guint32 count = MIN(options->n_dns, NETWORK_DNS_MAX);

    for (guint32 i = 0; i < count; i++) {
        write32(value + 4 * i, options->dns[i]);
    }
    put(writer, OPTION_DNS, value, 4 * (gsize)count);
}

/* One route, to everywhere: a prefix length of 0, no bytes of the prefix, the
 * router. A client that takes this option ignores the router option, so the
 * default route must be in here: RFC 3442, "DHCP Client Behavior". */
static void put_classless_routes(Writer *writer, guint32 router)
{
    guint8 value[1 + 4] = {0};

    write32(value + 1, router);
    if (router != 0) {
        put(writer, OPTION_CLASSLESS_ROUTES, value, sizeof(value));
    }
}

static bool is_asked_for(const DhcpMessage *request, guint8 code)
{
    return memchr(request->parameters, code, request->n_parameters) != NULL;
}

static void put_parameter(Writer *writer, guint8 code,
                          const DhcpMessage *request, const DhcpOptions *options)
{
    switch (code) {
    case OPTION_ROUTER:
        /* RFC 3442, "DHCP Server Administrator Responsibilities": who asks
         * for both SHOULD NOT be sent this one. */
        if (!is_asked_for(request, OPTION_CLASSLESS_ROUTES)) {
            put_address(writer, code, options->router);
        }
        return;
    case OPTION_CLASSLESS_ROUTES:
        put_classless_routes(writer, options->router);
        return;
    case OPTION_DNS:
        put_dns(writer, options);
        return;
    case OPTION_HOSTNAME:
        put(writer, code, options->hostname, strlen(options->hostname));
        return;
    case OPTION_DOMAIN:
        put(writer, code, options->domain, strlen(options->domain));
        return;
    case OPTION_MTU:
        put_mtu(writer, options->mtu);
        return;
    case OPTION_BROADCAST:
        put_address(writer, code, options->broadcast_address);
        return;
    default:
        return;
    }
}

/* T1 and T2 are those of RFC 2131 section 4.4.5, said so that no client has
 * its own idea. */
static void put_lease(Writer *writer, guint32 lease_time_s)
{
    put_address(writer, OPTION_LEASE_TIME, lease_time_s);
    put_address(writer, OPTION_T1, lease_time_s / 2);
    put_address(writer, OPTION_T2, (guint32)((guint64)lease_time_s * 7 / 8));
}

static void put_options(Writer *writer, const DhcpMessage *request,
                        const DhcpReply *reply)
{
    static const guint8 usual[] = {
        OPTION_ROUTER,    OPTION_DNS,    OPTION_MTU,
        OPTION_BROADCAST, OPTION_DOMAIN, OPTION_HOSTNAME,
    };
    const DhcpOptions *options = &reply->options;
    guint8 type = (guint8)reply->type;

    put(writer, OPTION_TYPE, &type, sizeof(type));
    put_address(writer, OPTION_SERVER_ID, options->server);
    if (request->has_client_id) {
        /* RFC 6842 section 3: unaltered, in a NAK too. */
        put(writer, OPTION_CLIENT_ID, request->client_id,
            request->client_id_length);
    }
    if (reply->type == DHCP_NAK) {
        return;
    }
    put_lease(writer, options->lease_time_s);
    /* RFC 2132 section 3.3: before the router. */
    put_address(writer, OPTION_SUBNET_MASK, prefix4_mask(options->subnet_length));
    if (!request->has_parameters) {
        for (gsize i = 0; i < sizeof(usual); i++) {
            put_parameter(writer, usual[i], request, options);
        }
    }
    /* RFC 2132 section 9.8: MUST try to keep the client's order. */
    for (gsize i = 0; i < request->n_parameters; i++) {
        put_parameter(writer, request->parameters[i], request, options);
    }
}

gsize dhcp_build(const DhcpMessage *request, const DhcpReply *reply,
                 guint8 buffer[DHCP_SIZE_MAX])
{
    guint max_size = MAX(request->max_size, DHCP_SIZE_LEAST);
    Writer writer = {
        .bytes = buffer,
        .size = OFFSET_OPTIONS,
        .limit = MIN(max_size - HEADERS_SIZE, DHCP_SIZE_MAX),
    };

    memset(buffer, 0, DHCP_SIZE_MAX);
    buffer[0] = OP_REPLY;
    buffer[OFFSET_HTYPE] = HTYPE_ETHERNET;
    buffer[OFFSET_HLEN] = sizeof(request->chaddr.bytes);
    write32(buffer + OFFSET_XID, request->xid);
    write16(buffer + OFFSET_FLAGS, request->broadcast ? FLAG_BROADCAST : 0);
    write32(buffer + OFFSET_CIADDR, reply->ciaddr);
    write32(buffer + OFFSET_YIADDR, reply->yiaddr);
    write32(buffer + OFFSET_GIADDR, request->giaddr);
    memcpy(buffer + OFFSET_CHADDR, request->chaddr.bytes,
           sizeof(request->chaddr.bytes));
    memcpy(buffer + OFFSET_COOKIE, magic_cookie, sizeof(magic_cookie));

    put_options(&writer, request, reply);
    buffer[writer.size++] = OPTION_END;
    return MAX(writer.size, BOOTP_SIZE);
}
