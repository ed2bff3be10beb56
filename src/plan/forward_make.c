/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/forward_make.h"

#include "pool/slots.h"

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * From a profile's wish to records. What may be wished for is policy's to say, and
 * whether a port is free the helper's.
 */

static void append(const ProfileForward *wish, guint8 protocol,
                   const Forward *common, GArray *forwards)
{
    Forward forward = *common;

    forward.protocol = protocol;
    forward.host_port = wish->host_port;
    forward.guest_port = wish->guest_port;
    forward.n_ports = wish->n_ports;
    if (wish->has_host4) {
        forward.host_family = AF_INET;
        forward.host4 = wish->host4;
    } else if (wish->has_host6) {
        forward.host_family = AF_INET6;
        forward.host6 = wish->host6;
    }
    g_array_append_val(forwards, forward);
}

bool forward_check(const Profile *profile, const Segment *segment, GError **error)
{
    bool has_ipv6 = segment->subnet6_length > 0;

    /* Its guest has whatever address dnsmasq gives it, and the slot's may be
     * another's. */
    if (profile->forwards->len > 0 && segment->kind == SEGMENT_SHARED &&
        !profile->has_mac) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "profile '%s' has forwards and fixes no MAC, and on a "
                         "shared segment nobody knows a guest's address "
                         "otherwise: add \"mac\"", profile->file);
    }
    for (guint i = 0; i < profile->forwards->len; i++) {
        const ProfileForward *wish =
            &g_array_index(profile->forwards, ProfileForward, i);

        if (wish->has_host6 && (!has_ipv6 || segment->kind != SEGMENT_ROUTED)) {
            return error_set(error, TAPSTER_ERROR_CONFIG,
                             "profile '%s' forwards port %u of %s, and %s: leave "
                             "that forward out, or give it an IPv4 "
                             "\"host_address\"",
                             profile->file, wish->host_port,
                             address_format_ipv6(&wish->host6).text,
                             has_ipv6 ? "on a shared segment forwards are for IPv4 "
                                        "alone"
                                      : "this network has no IPv6");
        }
    }
    return true;
}

void forward_make(const ProfileForward *wish, const Segment *segment,
                  const ForwardHolder *holder, ForwardsFrom from,
                  GArray *ret_forwards)
{
    Forward common = {
        .group = segment->group,
        .slot = holder->slot,
        .ifindex = holder->tap_ifindex,
        .uid = holder->uid,
        .tap = slots_tap_name(segment, holder->slot),
        .guest4 = slots_address(segment, holder->slot),
        .from_any = from == FORWARDS_FROM_ANY,
    };

    if (from == FORWARDS_NONE) {
        return;
    }
    /* On a shared segment nobody can tell whose an IPv6 address is. */
    if (segment->kind == SEGMENT_ROUTED) {
        common.prefix6 = slots_prefix6(segment, holder->slot);
    }
    g_strlcpy(common.name, holder->name, sizeof(common.name));
    if (wish->tcp) {
        append(wish, IPPROTO_TCP, &common, ret_forwards);
    }
    if (wish->udp) {
        append(wish, IPPROTO_UDP, &common, ret_forwards);
    }
}

/* " of 192.0.2.1", or nothing. (transfer full) */
static char *describe_host(const Forward *forward)
{
    switch (forward->host_family) {
    case AF_INET:
        return g_strdup_printf(" of %s", address_format_ipv4(forward->host4).text);
    case AF_INET6:
        return g_strdup_printf(" of %s",
                               address_format_ipv6(&forward->host6).text);
    default:
        return g_strdup("");
    }
}

char *forward_describe(const Forward *forward)
{
    const char *protocol = forward->protocol == IPPROTO_UDP ? "udp" : "tcp";
    g_autofree char *host = describe_host(forward);

    if (forward->n_ports == 1) {
        return g_strdup_printf("%s port %u%s", protocol, forward->host_port,
                               host);
    }
    guint last = forward->host_port + (guint)forward->n_ports - 1;

    return g_strdup_printf("%s ports %u-%u%s", protocol, forward->host_port,
                           last, host);
}
