/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/forwarding_conflict.h"

#include "base/fd.h"
#include "base/quote.h"
#include "helper/process.h"
#include "helper/resolve.h"
#include "kernel/listeners.h"
#include "plan/forward_make.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Who has a port of this host already. A packet to it would reach the forward and
 * never the socket, and one of two forwards; so a port that is taken is refused,
 * and nobody takes over another's by being later. That a socket is opened on a
 * port that is forwarded cannot be prevented, and that one gets no packets.
 *
 * A plain user is told that a port is another's, which they could find out
 * by binding it; not whose.
 */

/* "VM 'web' on network 'nat'", as far as it is known. */
static char *describe_vm(const Site *site, const Forward *holder)
{
    g_autoptr(GArray) networks =
        registry_load_all(site->places.registry_fd, &site->place);
    g_autofree char *quoted = quote_text(holder->name);
    g_autofree char *vm = holder->name[0]
                              ? g_strdup_printf("VM %s", quoted)
                              : g_strdup_printf("VM at %s", holder->tap.name);

    for (guint i = 0; i < networks->len; i++) {
        const Segment *segment =
            &g_array_index(networks, RegistryNetwork, i).segment;

        if (segment->group == holder->group) {
            return g_strdup_printf("%s on network '%s'", vm, segment->name);
        }
    }
    return g_steal_pointer(&vm);
}

/* "tcp port 8080 is", "udp ports 5000-5009 (5003) are": the part of a range that
 * lies in @first to @last in brackets. */
static char *describe_taken(const Forward *wanted, guint first, guint last)
{
    g_autofree char *ports = forward_describe(wanted);
    guint begin = MAX(wanted->host_port, first);
    guint end = MIN(wanted->host_port + wanted->n_ports - 1u, last);

    if (wanted->n_ports == 1) {
        return g_strdup_printf("%s is", ports);
    }
    return begin == end ? g_strdup_printf("%s (%u) are", ports, begin)
                        : g_strdup_printf("%s (%u-%u) are", ports, begin, end);
}

static bool refuse_forward(const Site *site, const Caller *caller,
                           const Forward *wanted, const Forward *holder,
                           GError **error)
{
    g_autofree char *taken = describe_taken(
        wanted, holder->host_port, holder->host_port + holder->n_ports - 1u);
    g_autofree char *vm = describe_vm(site, holder);
    g_autofree char *user = resolve_describe_user(holder->uid);

    if (holder->uid == caller->uid) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "%s held by your %s: end that one, or choose another "
                         "\"host_port\"", taken, vm);
    }
    if (caller->uid == 0) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "%s held by %s's %s: end that one, or choose another "
                         "\"host_port\"", taken, user, vm);
    }
    return error_set(error, TAPSTER_ERROR_BUSY,
                     "%s held by another user's VM: choose another "
                     "\"host_port\"", taken);
}

/* "a program of www-data (uid 33), 'nginx' (process 4711)": for root. */
static char *describe_program(const Listener *holder)
{
    g_autofree char *user = resolve_describe_user(holder->uid);
    g_autofree char *process = process_find_socket(holder->inode);

    return g_strdup_printf("a program of %s%s%s", user, process ? ", " : "",
                           process ? process : "");
}

static bool refuse_listener(const Caller *caller, const Forward *wanted,
                            const Listener *holder, GError **error)
{
    g_autofree char *taken = describe_taken(wanted, holder->port, holder->port);
    g_autofree char *program =
        caller->uid == 0             ? describe_program(holder)
        : caller->uid == holder->uid ? g_strdup("a program of yours")
                                     : NULL;

    if (program) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "%s in use by %s: end that one, or choose another "
                         "\"host_port\"", taken, program);
    }
    return error_set(error, TAPSTER_ERROR_BUSY,
                     "%s in use by another user's program: choose another "
                     "\"host_port\"", taken);
}

static bool clear_forwards(const Site *site, const Caller *caller,
                           const Forward *wanted, GArray *forwards,
                           GArray *stale, GError **error)
{
    const Forward *holder;

    while ((holder = forwards_find_conflict(forwards, wanted))) {
        if (site_tap_lives(site, holder->tap.name, holder->ifindex)) {
            return refuse_forward(site, caller, wanted, holder, error);
        }
        g_array_append_val(stale, *holder);
        g_array_remove_index_fast(
            forwards,
            (guint)(holder - &g_array_index(forwards, Forward, 0)));
    }
    return true;
}

static bool check_listeners(const Caller *caller, const Forward *wanted,
                            GError **error)
{
    const ListenersQuery query = {
        .protocol = wanted->protocol,
        .first_port = wanted->host_port,
        .last_port = (guint16)(wanted->host_port + wanted->n_ports - 1),
        .family = wanted->host_family,
        .address4 = wanted->host4,
        .address6 = wanted->host6,
    };
    Listener holder;
    bool found = false;

    return listeners_find(&query, &found, &holder, error) &&
           (!found || refuse_listener(caller, wanted, &holder, error));
}

/* What is sent to an address that is another machine's is none of ours to
 * redirect, and the firewall does not: the forward would never be used. */
static bool check_address(const char *file, const Forward *wanted,
                          GError **error)
{
    bool ipv4 = wanted->host_family == AF_INET;
    const struct sockaddr_in at4 = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(wanted->host4),
    };
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6};
    autofd fd = -1;
    int bound;

    if (wanted->host_family == 0) {
        return true;
    }
    memcpy(&at6.sin6_addr, &wanted->host6, sizeof(at6.sin6_addr));
    fd = socket(wanted->host_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bound = ipv4 ? bind(fd, (const struct sockaddr *)&at4, sizeof(at4))
                 : bind(fd, (const struct sockaddr *)&at6, sizeof(at6));
    return bound == 0 ||
           error_set(error, TAPSTER_ERROR_CONFIG,
                     "profile '%s' forwards from %s, which is no address of "
                     "this host", file,
                     ipv4 ? address_format_ipv4(wanted->host4).text
                          : address_format_ipv6(&wanted->host6).text);
}

bool forwarding_clear_way(const Site *site, const ForwardingWish *wish,
                          const GArray *wanted, GArray *forwards, GArray *stale,
                          GError **error)
{
    for (guint i = 0; i < wanted->len; i++) {
        const Forward *forward = &g_array_index(wanted, Forward, i);

        if (!check_address(wish->profile->file, forward, error) ||
            !clear_forwards(site, wish->caller, forward, forwards, stale,
                            error) ||
            !check_listeners(wish->caller, forward, error)) {
            return false;
        }
    }
    return true;
}
