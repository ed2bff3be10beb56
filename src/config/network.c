/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/network.h"

#include "config/name.h"
#include "config/network_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * A network file as a struct. shape_check() has held it against the table of
 * keys before; here and in network_*.c values get their
 * meaning. Nothing is looked up, nothing is opened.
 *
 * Invariant: a Network is only handed out if its file has no fault at all.
 */

#define MTU_MIN 576   /* what every IPv4 host must be able to take: RFC 791 3.1 */
#define MTU_MAX 65521 /* ETH_MAX_MTU 65535 less an Ethernet header: Linux drivers/net/tun.c */

#define LEASE_TIME_MIN_S     10
#define LEASE_TIME_MAX_S     604800
#define LEASE_TIME_DEFAULT_S 3600

bool network_name_valid(const char *name)
{
    return name_valid_label(name, NETWORK_NAME_MAX) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

void network_free(Network *network)
{
    if (!network) {
        return;
    }
    g_free(network->name);
    g_free(network->file);
    g_free(network->dns_domain);
    if (network->exclude) {
        g_array_unref(network->exclude);
    }
    if (network->reservations) {
        g_ptr_array_unref(network->reservations);
    }
    if (network->allow) {
        g_ptr_array_unref(network->allow);
    }
    g_free(network);
}

void network_read_boolean(const JsonValue *object, const char *key, bool *truth)
{
    const JsonValue *value = json_value_member(object, key);
    bool found;

    if (value && json_value_get_boolean(value, &found)) {
        *truth = found;
    }
}

static Mode read_mode(const JsonValue *root, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "mode");
    const char *text;

    if (!value || !json_value_get_string(value, &text)) {
        return MODE_NONE;
    }
    if (strcmp(text, "masqueraded") == 0) {
        return MODE_MASQUERADED;
    }
    if (strcmp(text, "bridged") == 0) {
        return MODE_BRIDGED;
    }
    shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    return MODE_NONE;
}

static void read_bridge(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "bridge");
    const char *text;

    if (value && json_value_get_string(value, &text) &&
        !ifname_parse(text, &network->bridge, NULL)) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    }
}

static void read_uplink(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "uplink");
    bool bridged = network->mode == MODE_BRIDGED;
    const char *text;

    network->uplink = bridged ? UPLINK_NONE : UPLINK_AUTO;
    if (!value || !json_value_get_string(value, &text)) {
        return;
    }
    if (strcmp(text, "none") == 0) {
        network->uplink = UPLINK_NONE;
    } else if (strcmp(text, "auto") == 0) {
        if (bridged) {
            shape_refuse_instead(value, "\"none\" or the name of the interface that joins the "
                                 "bridge", faults);
        }
    } else if (!ifname_parse(text, &network->uplink_name, NULL)) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    } else if (bridged && strcmp(text, network->bridge.name) == 0) {
        shape_refuse_instead(value, "\"none\" or an interface that is not the bridge itself",
                             faults);
    } else {
        network->uplink = UPLINK_NAME;
    }
}

static void read_mtu(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "mtu");
    const char *text;
    gint64 number;

    if (!value) {
        return;
    }
    if (json_value_get_integer(value, MTU_MIN, MTU_MAX, &number)) {
        network->mtu = (guint32)number;
    } else if (json_value_get_string(value, &text) ? strcmp(text, "auto") != 0
                                                   : json_value_place(value)->integral) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    }
}

static void read_lease_time(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "lease_time");
    gint64 number;

    network->lease_time_s = LEASE_TIME_DEFAULT_S;
    if (!value) {
        return;
    }
    if (json_value_get_integer(value, LEASE_TIME_MIN_S, LEASE_TIME_MAX_S, &number)) {
        network->lease_time_s = (guint32)number;
    } else if (json_value_place(value)->integral) {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    }
}

/* A guest can send to it: neither "this network", its own loopback, multicast
 * nor reserved. RFC 6890 section 2.2.2. */
static bool reachable_from_guest(guint32 address)
{
    return address >> 24 != 0 && address >> 24 != 127 && address >> 29 != 7;
}

static void read_servers(const JsonValue *value, Network *network, Faults *faults)
{
    const char *text;
    guint n = 0;

    if (json_value_get_string(value, &text)) {
        if (strcmp(text, "host") != 0) {
            shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
        }
        return;
    }
    if (json_value_kind(value) != JSON_ARRAY) {
        return;
    }
    for (const JsonValue *server = json_value_first(value); server;
         server = json_value_next(server), n++) {
        guint32 address;

        if (!json_value_get_string(server, &text)) {
            continue;
        }
        if (!address_parse_ipv4(text, &address, NULL)) {
            shape_refuse(server, KEY_FILE_NETWORK, NULL, faults);
        } else if (!reachable_from_guest(address)) {
            shape_refuse(server, KEY_FILE_NETWORK, "guests cannot reach this one", faults);
        } else if (n < NETWORK_DNS_MAX) {
            network->dns[network->n_dns++] = address;
        }
    }
    if (n < 1 || n > NETWORK_DNS_MAX) {
        g_autofree char *reason = g_strdup_printf("it has %u", n);

        shape_refuse(value, KEY_FILE_NETWORK, reason, faults);
    }
}

static void read_dns(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *dns = json_value_member(root, "dns");
    const JsonValue *domain = json_value_member(dns, "domain");
    const JsonValue *servers = json_value_member(dns, "servers");
    const char *text;

    if (domain && json_value_get_string(domain, &text)) {
        if (!name_valid_domain(text, NETWORK_DOMAIN_MAX)) {
            shape_refuse(domain, KEY_FILE_NETWORK, NULL, faults);
        }
        g_free(network->dns_domain);
        network->dns_domain = g_strdup(text);
    }
    if (servers) {
        read_servers(servers, network, faults);
    }
}

static void read_segment(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *value = json_value_member(root, "segment");
    const char *text;

    if (!value || !json_value_get_string(value, &text) || strcmp(text, "routed") == 0) {
        return;
    }
    if (strcmp(text, "shared") == 0) {
        network->segment = SEGMENT_SHARED;
    } else {
        shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
    }
}

/* @later: this version cannot do without what @key switches off */
static void read_fence(const JsonValue *root, const char *key, bool later, bool *truth,
                       Faults *faults)
{
    network_read_boolean(root, key, truth);
    if (later && !*truth) {
        shape_refuse_later(json_value_member(root, key), KEY_FILE_NETWORK, faults);
    }
}

static void read_network(const JsonValue *root, Network *network, Faults *faults)
{
    bool bridged = network->mode == MODE_BRIDGED;

    network_read_pool(root, network, faults);
    if (bridged) {
        read_bridge(root, network, faults);
    }
    read_uplink(root, network, faults);
    read_mtu(root, network, faults);
    if (!bridged) {
        network_read_boolean(root, "masquerade", &network->masquerade);
        network_read_boolean(root, "dhcp", &network->dhcp);
        read_lease_time(root, network, faults);
        read_dns(root, network, faults);
        read_segment(root, network, faults);
        network_read_ipv6(root, network, faults);
    }
    read_fence(root, "guest_to_guest", bridged || network->segment == SEGMENT_SHARED,
               &network->guest_to_guest, faults);
    read_fence(root, "guest_to_host", bridged, &network->guest_to_host, faults);
    network_read_reservations(root, network, faults);
    network_read_access(root, network, faults);
}

Network *network_parse(const char *name, const char *file, const char *text, gsize size,
                       Faults *faults)
{
    guint before = faults_count(faults);
    g_autoptr(JsonDocument) document = json_document_parse(text, size, faults);

    if (!document) {
        return NULL;
    }
    g_autoptr(Network) network = g_new0(Network, 1);
    const JsonValue *root = json_document_root(document);
    network->name = g_strdup(name);
    network->file = g_strdup(file);
    network->exclude = g_array_new(FALSE, FALSE, sizeof(SlotRange));
    network->mode = read_mode(root, faults);
    network->masquerade = network->dhcp = network->mode != MODE_BRIDGED;
    network->guest_to_guest = network->guest_to_host = true;
    network->dns_domain = g_strdup_printf("%s.internal", name);
    shape_check(root, KEY_FILE_NETWORK, network->mode, faults);
    read_network(root, network, faults);
    return faults_count(faults) == before ? g_steal_pointer(&network) : NULL;
}
