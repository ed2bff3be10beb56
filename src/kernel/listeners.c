/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/listeners.h"
#include "kernel/message.h"
#include "kernel/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

/*
 * Which socket of this host takes packets to a port: sock_diag's answer for this
 * network namespace, with the ports compared by the kernel.
 *
 * A socket counts if a packet for it would be taken from it by a translation in
 * prerouting or output. So it counts wherever it is bound, to an interface too:
 * translation comes before the interface's socket is looked for. It does not if
 * its address is a multicast group, for which nothing is translated; nor if it
 * has a peer, because translation leaves connections alone that exist. An IPv6
 * socket on :: takes IPv4 too unless it was told not to (IPV6_V6ONLY), and one on
 * ::ffff:A.B.C.D takes nothing but that.
 */

/* States of a socket. Source: Linux include/net/tcp_states.h; inet_diag's
 * idiag_states has a bit for each. UDP has the two that are named here. */
#define STATE_ESTABLISHED 1 /* UDP: connected */
#define STATE_CLOSE       7 /* UDP: bound, without a peer */
#define STATE_LISTEN      10

/* A condition of the filter: the operation, then the port in another one's "no".
 * Source: <linux/inet_diag.h>; Linux net/ipv4/inet_diag.c,
 * inet_diag_bc_run(), valid_port_comparison(). */
typedef struct {
    struct inet_diag_bc_op op;
    struct inet_diag_bc_op port;
} PortCondition;

typedef struct {
    const ListenersQuery *query;
    bool found;
    Listener listener;
} Search;

/* Goes on to the next condition, or out of the filter's end by four bytes, which
 * means no. @left: conditions to the filter's end, this one among them. */
static PortCondition condition(guint8 code, guint16 port, guint left)
{
    return (PortCondition){
        .op = {
            .code = code,
            .yes = sizeof(PortCondition),
            .no = (guint16)(left * sizeof(PortCondition) +
                            sizeof(struct inet_diag_bc_op)),
        },
        .port = { .no = port },
    };
}

static struct nl_msg *request_new(const ListenersQuery *query, guint8 family)
{
    struct inet_diag_req_v2 header = {
        .sdiag_family = family,
        .sdiag_protocol = query->protocol,
        .idiag_states = 1u << (query->protocol == IPPROTO_TCP ? STATE_LISTEN
                                                              : STATE_CLOSE),
    };
    struct nl_msg *message = message_new(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP,
                                         &header, sizeof(header));
    PortCondition filter[2] = {
        condition(INET_DIAG_BC_S_GE, query->first_port, 2),
        condition(INET_DIAG_BC_S_LE, query->last_port, 1),
    };

    message_put(message, INET_DIAG_REQ_BYTECODE, filter, sizeof(filter));
    return message;
}

static bool is_mapped(const Address6 *address)
{
    static const guint8 prefix[12] = { [10] = 0xff, [11] = 0xff };

    return memcmp(address->bytes, prefix, sizeof(prefix)) == 0;
}

static bool is_any(const Address6 *address)
{
    static const Address6 any = { { 0 } };

    return memcmp(address, &any, sizeof(any)) == 0;
}

static bool overlaps4(const ListenersQuery *query, guint32 address)
{
    if (IN_MULTICAST(address)) {
        return false;
    }
    return query->family == AF_UNSPEC ||
           (query->family == AF_INET &&
            (address == INADDR_ANY || address == query->address4));
}

static bool overlaps6(const ListenersQuery *query, const Address6 *address,
                      bool only_v6)
{
    guint32 last;

    if (is_mapped(address)) {
        memcpy(&last, address->bytes + 12, sizeof(last));
        return overlaps4(query, ntohl(last));
    }
    if (address->bytes[0] == 0xff) {
        return false;
    }
    if (query->family == AF_INET) {
        return is_any(address) && !only_v6;
    }
    return query->family == AF_UNSPEC || is_any(address) ||
           memcmp(address, &query->address6, sizeof(*address)) == 0;
}

static bool overlaps(const ListenersQuery *query,
                     const struct inet_diag_msg *socket,
                     const struct nlattr *only_v6)
{
    Address6 address;

    if (socket->idiag_family == AF_INET) {
        return overlaps4(query, ntohl(socket->id.idiag_src[0]));
    }
    if (socket->idiag_family != AF_INET6) {
        return false;
    }
    memcpy(&address, socket->id.idiag_src, sizeof(address));
    return overlaps6(query, &address, message_get_u8(only_v6) != 0);
}

static bool take_socket(const struct nlmsghdr *message, gpointer data)
{
    const struct nlattr *attributes[INET_DIAG_SKV6ONLY + 1];
    const struct inet_diag_msg *socket = nlmsg_data(message);
    Search *search = data;

    if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        nlmsg_datalen(message) < (int)sizeof(*socket)) {
        return true;
    }
    message_parse(message, sizeof(*socket), INET_DIAG_SKV6ONLY, attributes);

    guint16 port = ntohs(socket->id.idiag_sport);

    if (port < search->query->first_port || port > search->query->last_port ||
        !overlaps(search->query, socket, attributes[INET_DIAG_SKV6ONLY])) {
        return true;
    }
    search->found = true;
    search->listener = (Listener){
        .port = port,
        .protocol = search->query->protocol,
        .uid = socket->idiag_uid,
        .inode = socket->idiag_inode,
    };
    return false;
}

static bool search_family(Netlink *diag, guint8 family, Search *search,
                          GError **error)
{
    auto_message message = request_new(search->query, family);
    g_autoptr(GError) refused = NULL;
    const char *name = search->query->protocol == IPPROTO_TCP ? "tcp" : "udp";
    int kernel_errno;

    if (netlink_query(diag, message, take_socket, search, &kernel_errno,
                      &refused) ||
        kernel_errno == EINTR) {
        /* Sockets come and go: an answer that was true a moment ago is as good
         * as any. */
        return true;
    }
    /* The kernel loads these by itself where it can. */
    if (kernel_errno == ENOENT) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "this kernel cannot tell who listens on a port; load "
                         "the module with: modprobe %s_diag", name);
    }
    g_propagate_prefixed_error(error, g_steal_pointer(&refused),
                               "sockets of %s: ", name);
    return false;
}

bool listeners_find(const ListenersQuery *query, bool *ret_found,
                    Listener *ret_listener, GError **error)
{
    g_autoptr(Netlink) diag = NULL;
    Search search = { .query = query };

    /* IPv6 sockets may take IPv4, never the other way about. */
    if (!netlink_open(NETLINK_SOCK_DIAG, &diag, error) ||
        !search_family(diag, AF_INET6, &search, error) ||
        (!search.found && query->family != AF_INET6 &&
         !search_family(diag, AF_INET, &search, error))) {
        return false;
    }
    *ret_found = search.found;
    if (search.found) {
        *ret_listener = search.listener;
    }
    return true;
}
