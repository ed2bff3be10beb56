/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_layout.h"
#include "dhcp/dhcp_packet.h"

#include <string.h>

/*
 * Writing replies: the fixed fields, then the options that the client asked for
 * or must have, as many as fit into what it can take.
 */

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
