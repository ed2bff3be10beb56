/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/name.h"
#include "config/network_parts.h"
#include "config/ports.h"
#include "config/shape.h"

#include <string.h>

/*
 * Who may use a network, and what they may ask for. Names stay names here; who
 * is meant by them is found out when the network is made.
 *
 * Invariant: an entry that is passed names exactly one kind of people. What is
 * left out grants nothing.
 */

#define MAX_PORTS_DEFAULT 16
#define MAX_PORTS_MAX     4096

/* The first port that any user of a host may take: ip_unprivileged_port_start in
 * Linux Documentation/networking/ip-sysctl.rst. */
#define FORWARDS_FIRST_DEFAULT 1024

static const struct {
    const char *key;
    NetworkAllowKind kind;
    bool (*valid)(const char *text); /* NULL: the boolean true */
} subjects[] = {
    { "user", NETWORK_ALLOW_USER, name_valid_account },
    { "group", NETWORK_ALLOW_GROUP, name_valid_account },
    { "everyone", NETWORK_ALLOW_EVERYONE, NULL },
    { "can_open", NETWORK_ALLOW_CAN_OPEN, name_valid_path },
};

static void allow_free(gpointer data)
{
    NetworkAllow *allow = data;

    g_free(allow->name);
    g_free(allow);
}

/* Whom @value, of the key subjects[i], means. */
static void read_subject(const JsonValue *value, gsize i, NetworkAllow *allow, Faults *faults)
{
    const char *text;
    bool truth;

    allow->kind = subjects[i].kind;
    if (!subjects[i].valid) {
        if (json_value_get_boolean(value, &truth) && !truth) {
            shape_refuse(value, KEY_FILE_NETWORK, "leave the entry out", faults);
        }
        return;
    }
    if (json_value_get_string(value, &text)) {
        if (!subjects[i].valid(text)) {
            shape_refuse(value, KEY_FILE_NETWORK, NULL, faults);
        }
        g_free(allow->name);
        allow->name = g_strdup(text);
    }
}

static void read_entry(const JsonValue *entry, Network *network, Faults *faults)
{
    NetworkAllow *allow = g_new0(NetworkAllow, 1);
    const JsonValue *ports = json_value_member(entry, "max_ports");
    gint64 max_ports = MAX_PORTS_DEFAULT;
    guint n = 0;

    g_ptr_array_add(network->allow, allow);
    for (gsize i = 0; i < G_N_ELEMENTS(subjects); i++) {
        const JsonValue *value = json_value_member(entry, subjects[i].key);

        if (value) {
            read_subject(value, i, allow, faults);
            n++;
        }
    }
    if (n != 1) {
        json_value_fault(entry, faults, TAPSTER_ERROR_CONFIG,
                         "found %s of \"user\", \"group\", \"everyone\" and \"can_open\", "
                         "expected exactly one%s", n == 0 ? "none" : "more than one",
                         n == 0 ? "" : "; make an entry of each");
    }
    if (ports && !json_value_get_integer(ports, 1, MAX_PORTS_MAX, &max_ports) &&
        json_value_kind(ports) == JSON_NUMBER && json_value_place(ports)->integral) {
        shape_refuse(ports, KEY_FILE_NETWORK, NULL, faults);
    }
    allow->max_ports = (guint32)max_ports;
}

static guint count_can_open(const Network *network)
{
    guint count = 0;

    for (guint i = 0; i < network->allow->len; i++) {
        const NetworkAllow *allow = network->allow->pdata[i];

        count += allow->kind == NETWORK_ALLOW_CAN_OPEN;
    }
    return count;
}

static void read_allow(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *list = json_value_member(root, "allow");
    guint n = 0;

    if (!list || json_value_kind(list) != JSON_ARRAY) {
        return;
    }
    for (const JsonValue *entry = json_value_first(list); entry;
         entry = json_value_next(entry), n++) {
        if (json_value_kind(entry) == JSON_OBJECT) {
            read_entry(entry, network, faults);
        }
    }
    if (n > NETWORK_ALLOW_MAX) {
        g_autofree char *reason = g_strdup_printf("it has %u", n);

        shape_refuse(list, KEY_FILE_NETWORK, reason, faults);
    }
    if (count_can_open(network) > NETWORK_OPEN_MAX) {
        json_value_fault(list, faults, TAPSTER_ERROR_CONFIG,
                         "found more than %d entries of \"can_open\"; make a group for the "
                         "others", NETWORK_OPEN_MAX);
    }
}

static void read_forwards(const JsonValue *forwards, Network *network, Faults *faults)
{
    const JsonValue *from = json_value_member(forwards, "from");
    const JsonValue *ports = json_value_member(forwards, "ports");
    const char *text;

    network->grant_forwards = forwards ? FORWARDS_FROM_HOST : FORWARDS_NONE;
    if (from && json_value_get_string(from, &text)) {
        if (strcmp(text, "any") == 0) {
            network->grant_forwards = FORWARDS_FROM_ANY;
        } else if (strcmp(text, "host") != 0) {
            shape_refuse(from, KEY_FILE_NETWORK, NULL, faults);
        }
    }
    if (ports && json_value_get_string(ports, &text) &&
        !ports_parse(text, &network->grant_first, &network->grant_last)) {
        shape_refuse(ports, KEY_FILE_NETWORK, NULL, faults);
    }
}

void network_read_access(const JsonValue *root, Network *network, Faults *faults)
{
    const JsonValue *grants = json_value_member(root, "grants");

    network->allow = g_ptr_array_new_with_free_func(allow_free);
    read_allow(root, network, faults);
    network_read_boolean(grants, "address", &network->grant_address);
    network_read_boolean(grants, "mac", &network->grant_mac);
    network->grant_first = FORWARDS_FIRST_DEFAULT;
    network->grant_last = G_MAXUINT16;
    if (network->mode != MODE_BRIDGED) {
        read_forwards(json_value_member(grants, "forwards"), network, faults);
    }
}
