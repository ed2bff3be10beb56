/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/name.h"
#include "config/network_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * Addresses that a network keeps for one user's one name. Names of users stay
 * names here, as in "allow".
 *
 * Invariant: what is passed is in the pool and not excluded, or no port could
 * ever have it; each address is kept once, and each name of a user has one.
 */

static void reservation_free(gpointer data)
{
    NetworkReservation *reservation = data;

    g_free(reservation->user);
    g_free(reservation->name);
    g_free(reservation);
}

/* The member @key of @entry if it is a string that @valid passes. */
static char *read_name(const JsonValue *entry, const char *key, bool (*valid)(const char *text),
                       Faults *faults)
{
    const JsonValue *value = json_value_member(entry, key);
    const char *text;

    if (!value || !json_value_get_string(value, &text)) {
        return NULL;
    }
    if (!valid(text)) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
        return NULL;
    }
    return g_strdup(text);
}

/* Refuses what no port can have. */
static bool check_host(const JsonValue *value, const Network *network, guint32 host,
                       Faults *faults)
{
    guint32 last = network->pool_offset + network->pool_size - 1;
    const char *fault = NULL;

    if (host < network->pool_offset || host > last) {
        fault = "expected one of the pool";
    } else if (network_excludes(network, host)) {
        fault = "expected one that \"pool.exclude\" leaves";
    }
    if (fault) {
        g_autofree char *found = json_value_describe(value);

        json_value_fault(value, faults, TAPSTER_ERROR_CONFIG,
                         "found %s, %s, host numbers %u to %u of a /%u", found, fault,
                         network->pool_offset, last, network->subnet.length);
    }
    return !fault;
}

static bool read_address(const JsonValue *value, const Network *network,
                         NetworkReservation *reservation, Faults *faults)
{
    const char *text;
    guint32 address;

    if (!json_value_get_string(value, &text)) {
        return false;
    }
    if (!address_parse_ipv4(text, &address, NULL)) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
        return false;
    }
    if (network->subnet_auto) {
        shape_refuse_instead(value, "\"host\" with a host number instead, or a \"subnet\" that "
                             "is not \"auto\"", faults);
        return false;
    }
    if (!prefix4_contains(network->subnet, address)) {
        g_autofree char *expected =
            g_strdup_printf("an address in %s", address_format_prefix4(network->subnet).text);

        shape_refuse_instead(value, expected, faults);
        return false;
    }
    reservation->address = address;
    reservation->host = address - network->subnet.address;
    return check_host(value, network, reservation->host, faults);
}

static bool read_host(const JsonValue *value, const Network *network,
                      NetworkReservation *reservation, Faults *faults)
{
    gint64 host;

    if (json_value_get_integer(value, 0, G_MAXUINT16, &host)) {
        reservation->host = (guint32)host;
        return check_host(value, network, reservation->host, faults);
    }
    if (json_value_kind(value) == JSON_NUMBER && json_value_place(value)->integral) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    }
    return false;
}

/* Adds a fault if one of the reservations before @entry has the same. */
static void check_twins(const JsonValue *entry, const Network *network,
                        const NetworkReservation *reservation, Faults *faults)
{
    for (guint i = 0; i < network->reservations->len; i++) {
        const NetworkReservation *before = network->reservations->pdata[i];

        if (reservation->host != 0 && before->host == reservation->host) {
            json_value_fault(entry, faults, TAPSTER_ERROR_CONFIG,
                             "found a reservation of host number %u, which $.reservations[%u] has "
                             "as well, expected each address once", reservation->host, i);
            return;
        }
        if (reservation->user && reservation->name && before->user && before->name &&
            strcmp(before->user, reservation->user) == 0 &&
            strcmp(before->name, reservation->name) == 0) {
            json_value_fault(entry, faults, TAPSTER_ERROR_CONFIG,
                             "found a reservation for user '%s' and name '%s', which "
                             "$.reservations[%u] has as well, expected one for each name",
                             reservation->user, reservation->name, i);
            return;
        }
    }
}

static void read_entry(const JsonValue *entry, Network *network, Faults *faults)
{
    NetworkReservation *reservation = g_new0(NetworkReservation, 1);
    const JsonValue *address = json_value_member(entry, "address");
    const JsonValue *host = json_value_member(entry, "host");
    bool sound = false;

    reservation->user = read_name(entry, "user", name_valid_account, faults);
    reservation->name = read_name(entry, "name", network_name_valid, faults);
    if (!address == !host) {
        json_value_fault(entry, faults, TAPSTER_ERROR_CONFIG,
                         "found %s \"address\" and \"host\", expected exactly one",
                         address ? "both" : "neither of");
    } else if (address) {
        sound = read_address(address, network, reservation, faults);
    } else {
        sound = read_host(host, network, reservation, faults);
    }
    reservation->host = sound ? reservation->host : 0;
    check_twins(entry, network, reservation, faults);
    g_ptr_array_add(network->reservations, reservation);
}

void network_read_reservations(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *list = json_value_member(root, "reservations");
    guint n = 0;

    network->reservations = g_ptr_array_new_with_free_func(reservation_free);
    if (!list || json_value_kind(list) != JSON_ARRAY) {
        return;
    }
    if (!network->has_subnet) {
        if (json_value_first(list) && !json_value_member(root, "subnet")) {
            json_value_fault(list, faults, TAPSTER_ERROR_CONFIG,
                             "found reservations without a subnet, expected \"subnet\" as well");
        }
        return;
    }
    for (const JsonValue *entry = json_value_first(list); entry;
         entry = json_value_next(entry), n++) {
        if (json_value_kind(entry) == JSON_OBJECT && n < NETWORK_RESERVATIONS_MAX) {
            read_entry(entry, network, faults);
        }
    }
    if (n > NETWORK_RESERVATIONS_MAX) {
        g_autofree char *reason = g_strdup_printf("it has %u", n);

        shape_refuse(list, KEY_FILE_NETWORK, reason, faults);
    }
}
