/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/ports.h"
#include "config/profile_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * Forwards of a profile. What they mean on this host (does it have that address,
 * is the port free?) is found out when they are made.
 *
 * Invariant: in what is passed, one port of one protocol stands once for each
 * address of the host, and all of them together are within the bounds.
 */

/* No host has an address in these that guests could answer through. */
static const Prefix4 unusable4[] = {
    { 0x00000000, 8 }, /* RFC 6890 section 2.2.2 */
    { 0xe0000000, 3 }, /* multicast, reserved and broadcast */
};

static const struct {
    Prefix6 prefix;
    const char *reason;
} unusable6[] = {
    { { { { [15] = 1 } }, 128 },
      "the kernel cannot translate [::1]; say 127.0.0.1, to which clients of \"localhost\" turn "
      "next" },
    { { { { 0 } }, 8 }, "no host has an address in ::/8" },
    { { { { 0xfe, 0x80 } }, 10 }, "packets for link-local addresses are not forwarded" },
    { { { { 0xff } }, 8 }, "this is a multicast address" },
};

static const char *parse_host_address(const char *text, ProfileForward *forward)
{
    if (address_parse_ipv4(text, &forward->host4, NULL)) {
        forward->has_host4 = true;
        for (gsize i = 0; i < G_N_ELEMENTS(unusable4); i++) {
            if (prefix4_contains(unusable4[i], forward->host4)) {
                return "no host has this address; for every address, leave it out";
            }
        }
        return NULL;
    }
    if (!address_parse_ipv6(text, &forward->host6, NULL)) {
        return "";
    }
    forward->has_host6 = true;
    for (gsize i = 0; i < G_N_ELEMENTS(unusable6); i++) {
        if (prefix6_contains(&unusable6[i].prefix, &forward->host6)) {
            return unusable6[i].reason;
        }
    }
    return NULL;
}

static void read_host_address(const JsonValue *entry, ProfileForward *forward, Faults *faults)
{
    const JsonValue *value = json_value_member(entry, "host_address");
    const char *text;

    if (value && json_value_get_string(value, &text)) {
        const char *fault = parse_host_address(text, forward);

        if (fault) {
            shape_refuse(value, KEY_FILE_PROFILE, *fault ? fault : NULL, faults);
        }
    }
}

static void read_protocol(const JsonValue *entry, ProfileForward *forward, Faults *faults)
{
    const JsonValue *value = json_value_member(entry, "protocol");
    const char *text = "tcp";

    if (value && !json_value_get_string(value, &text)) {
        return;
    }
    forward->tcp = strcmp(text, "tcp") == 0 || strcmp(text, "both") == 0;
    forward->udp = strcmp(text, "udp") == 0 || strcmp(text, "both") == 0;
    if (!forward->tcp && !forward->udp) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
}

/* A port or a range of them. Returns: false if there is none; shape_check() or
 * this has added a fault then, unless @value is NULL */
static bool read_ports(const JsonValue *value, guint16 *ret_first, guint16 *ret_last,
                       Faults *faults)
{
    JsonKind kind = value ? json_value_kind(value) : JSON_NULL;
    const char *text;
    gint64 port;

    if (kind == JSON_NUMBER && json_value_get_integer(value, 1, G_MAXUINT16, &port)) {
        *ret_first = *ret_last = (guint16)port;
        return true;
    }
    if (kind == JSON_STRING && json_value_get_string(value, &text) &&
        ports_parse(text, ret_first, ret_last)) {
        return true;
    }
    if (kind == JSON_STRING || (kind == JSON_NUMBER && json_value_place(value)->integral)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
    return false;
}

/* Once forward->host_port and n_ports are known. */
static void read_guest_port(const JsonValue *entry, ProfileForward *forward, Faults *faults)
{
    const JsonValue *value = json_value_member(entry, "guest_port");
    guint16 first, last;

    forward->guest_port = forward->host_port;
    if (!read_ports(value, &first, &last, faults)) {
        return;
    }
    if (first != last && last - first + 1 != forward->n_ports) {
        g_autofree char *expected =
            forward->n_ports == 1
                ? g_strdup("one port, as \"host_port\" is one")
                : g_strdup_printf("a range of %u ports, as \"host_port\" is, or the first of them",
                                  forward->n_ports);

        shape_refuse_instead(value, expected, faults);
    } else if (first > G_MAXUINT16 + 1 - forward->n_ports) {
        g_autofree char *expected = g_strdup_printf("at most %u, the first of %u ports",
                                                    G_MAXUINT16 + 1 - forward->n_ports,
                                                    forward->n_ports);

        shape_refuse_instead(value, expected, faults);
    } else {
        forward->guest_port = first;
    }
}

/* Returns: whether some port of the host would lead to both */
static bool claims_same(const ProfileForward *a, const ProfileForward *b)
{
    guint32 a_last = a->host_port + a->n_ports - 1u;
    guint32 b_last = b->host_port + b->n_ports - 1u;

    if (!(a->tcp && b->tcp) && !(a->udp && b->udp)) {
        return false;
    }
    if (a->host_port > b_last || b->host_port > a_last) {
        return false;
    }
    if (a->has_host4 && b->has_host4) {
        return a->host4 == b->host4;
    }
    if (a->has_host6 && b->has_host6) {
        return memcmp(&a->host6, &b->host6, sizeof(a->host6)) == 0;
    }
    return !(a->has_host4 && b->has_host6) && !(a->has_host6 && b->has_host4);
}

static void check_twins(const JsonValue *entry, const GArray *forwards,
                        const ProfileForward *forward, Faults *faults)
{
    for (guint i = 0; i < forwards->len; i++) {
        const ProfileForward *before = &g_array_index(forwards, ProfileForward, i);

        if (before->n_ports > 0 && claims_same(before, forward)) {
            guint port = MAX(before->host_port, forward->host_port);

            json_value_fault(entry, faults, TAPSTER_ERROR_CONFIG,
                             "found %s port %u of this host, which $.forwards[%u] takes as well, "
                             "expected each port once for an address",
                             before->tcp && forward->tcp ? "tcp" : "udp", port, i);
            return;
        }
    }
}

/* A forward without ports is what stands in the list for one with a fault. */
static void read_entry(const JsonValue *entry, GArray *forwards, Faults *faults)
{
    guint before = faults_count(faults);
    ProfileForward forward = { 0 };
    guint16 last;

    read_protocol(entry, &forward, faults);
    read_host_address(entry, &forward, faults);
    if (read_ports(json_value_member(entry, "host_port"), &forward.host_port, &last, faults)) {
        forward.n_ports = (guint16)(last - forward.host_port + 1);
        read_guest_port(entry, &forward, faults);
    }
    if (faults_count(faults) == before && forward.n_ports > 0) {
        check_twins(entry, forwards, &forward, faults);
    } else {
        forward.n_ports = 0;
    }
    g_array_append_val(forwards, forward);
}

static void check_count(const JsonValue *list, const GArray *forwards, guint n, Faults *faults)
{
    guint tcp = 0, udp = 0;

    for (guint i = 0; i < forwards->len; i++) {
        const ProfileForward *forward = &g_array_index(forwards, ProfileForward, i);

        tcp += forward->tcp ? forward->n_ports : 0;
        udp += forward->udp ? forward->n_ports : 0;
    }
    if (n > PROFILE_FORWARDS_MAX) {
        g_autofree char *reason = g_strdup_printf("it has %u", n);

        shape_refuse(list, KEY_FILE_PROFILE, reason, faults);
    } else if (MAX(tcp, udp) > PROFILE_FORWARD_PORTS_MAX) {
        json_value_fault(list, faults, TAPSTER_ERROR_CONFIG,
                         "found %u %s ports, expected at most %d of a protocol", MAX(tcp, udp),
                         tcp >= udp ? "tcp" : "udp", PROFILE_FORWARD_PORTS_MAX);
    }
}

void profile_read_forwards(const JsonValue *root, Profile *profile, Faults *faults)
{
    const JsonValue *list = json_value_member(root, "forwards");
    guint n = 0;

    profile->forwards = g_array_new(FALSE, FALSE, sizeof(ProfileForward));
    if (!list || json_value_kind(list) != JSON_ARRAY) {
        return;
    }
    if (profile->mode == MODE_BRIDGED && json_value_first(list)) {
        json_value_fault(list, faults, TAPSTER_ERROR_CONFIG,
                         "found forwards in a profile of mode \"bridged\", expected none: the "
                         "guest has an address of its own on the LAN");
        return;
    }
    for (const JsonValue *entry = json_value_first(list); entry;
         entry = json_value_next(entry), n++) {
        if (json_value_kind(entry) == JSON_OBJECT && n < PROFILE_FORWARDS_MAX) {
            read_entry(entry, profile->forwards, faults);
        }
    }
    check_count(list, profile->forwards, n, faults);
}
