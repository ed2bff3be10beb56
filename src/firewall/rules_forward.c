/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewall/rules.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/*
 * From a forward to elements of the maps of table inet, one for each of its host
 * ports. Pure.
 *
 * Which map depends on the forward alone, so that what a start adds, what a check
 * expects and what a sweep removes are the same bytes.
 */

/* As a concatenation has it: each part fills whole 32-bit registers. */
static void put_port(guint8 *bytes, guint16 port)
{
    bytes[0] = (guint8)(port >> 8);
    bytes[1] = (guint8)port;
}

static void put_service(guint8 *bytes, const Forward *forward, guint port)
{
    bytes[0] = forward->protocol;
    put_port(bytes + 4, (guint16)port);
}

/* An element of the one of two sets that keys of this forward belong to: those
 * with the host's address, or those for all addresses. */
static void add_row(GByteArray *const *sets, guint any, guint at,
                    const guint8 *address, guint address_length,
                    const guint8 service[8], const guint8 *data,
                    guint data_length)
{
    GByteArray *rows = sets[address_length == 0 ? any : at];

    g_byte_array_append(rows, address, address_length);
    g_byte_array_append(rows, service, 8);
    g_byte_array_append(rows, data, data_length);
}

static void add_port4(const Forward *forward, guint offset,
                      GByteArray *const *sets)
{
    guint8 service[8] = { 0 }, data[8] = { 0 };
    guint32 guest_be = htonl(forward->guest4);
    guint32 host_be = htonl(forward->host4);
    guint length = forward->host_family == AF_INET ? sizeof(host_be) : 0;

    put_service(service, forward, forward->host_port + offset);
    memcpy(data, &guest_be, sizeof(guest_be));
    put_port(data + 4, (guint16)(forward->guest_port + offset));
    add_row(sets, INET_FORWARDS4, INET_FORWARDS4_AT, (guint8 *)&host_be,
            length, service, data, sizeof(data));
    if (forward->from_any) {
        add_row(sets, INET_PUBLIC, INET_PUBLIC4_AT, (guint8 *)&host_be, length,
                service, NULL, 0);
    }
}

static void add_port6(const Forward *forward, guint offset,
                      GByteArray *const *sets)
{
    guint8 service[8] = { 0 }, data[4 + IFNAMSIZ + 4] = { 0 };
    const guint8 *host = forward->host6.bytes;
    guint length = forward->host_family == AF_INET6 ? sizeof(forward->host6)
                                                    : 0;

    put_service(service, forward, forward->host_port + offset);
    data[0] = forward->protocol;
    memcpy(data + 4, forward->tap.name, sizeof(forward->tap.name));
    put_port(data + 4 + IFNAMSIZ, (guint16)(forward->guest_port + offset));
    add_row(sets, INET_FORWARDS6, INET_FORWARDS6_AT, host, length, service,
            data, sizeof(data));
    if (forward->from_any) {
        add_row(sets, INET_PUBLIC, INET_PUBLIC6_AT, host, length, service,
                NULL, 0);
    }
}

/* The ports that there are: a record may be of another's making. */
static guint count_ports(const Forward *forward)
{
    guint room = 65536 - MAX(forward->host_port, forward->guest_port);

    return MIN(forward->n_ports, room);
}

void rules_add_forward(const Forward *forward, GByteArray *const *sets)
{
    bool with4 = forward->guest4 != 0 && forward->host_family != AF_INET6;
    bool with6 = forward->prefix6.length == 64 &&
                 forward->host_family != AF_INET;
    guint n = count_ports(forward);

    for (guint i = 0; i < n; i++) {
        if (with4) {
            add_port4(forward, i, sets);
        }
        if (with6) {
            add_port6(forward, i, sets);
        }
    }
    if (with6) {
        GByteArray *prefixes = sets[INET_PREFIXES6];

        g_byte_array_append(prefixes, (const guint8 *)forward->tap.name,
                            sizeof(forward->tap.name));
        g_byte_array_append(prefixes, forward->prefix6.address.bytes,
                            sizeof(forward->prefix6.address.bytes));
    }
}

bool rules_explains_guest6(const GByteArray *prefixes, const guint8 *row)
{
    static const guint8 hosts[2][8] = { { 0 }, { 0, 0, 0, 0, 0, 0, 0, 1 } };
    const TableSpec *spec = rules_table_spec(TABLE_INET);
    const guint8 *interface_id = row + RULES_GUEST6_KEY_SIZE + 8;
    guint8 key[RULES_GUEST6_ROW_SIZE] = { 0 };

    if (memcmp(interface_id, hosts[0], 8) == 0 ||
        memcmp(interface_id, hosts[1], 8) == 0) {
        return false;
    }
    memcpy(key, row, RULES_GUEST6_KEY_SIZE + 8);
    return rules_find(prefixes, &spec->sets[INET_PREFIXES6], key) != NULL;
}
