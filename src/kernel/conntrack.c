/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/conntrack.h"
#include "base/fd.h"
#include "kernel/message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/*
 * Forgetting a slot's former holder. A connection that outlives its guest would
 * hand the next holder of the address the other side's packets, past the rule
 * that lets nothing new in. An address is a guest's where it is the source of
 * a connection's original or of its reply direction; nothing else leads to it.
 *
 * The kernel has no index by address: the table's buckets, shared by all
 * namespaces, are walked, and there are 262144 of them on a host with more than
 * 4 GiB. A deletion with CTA_FILTER (Linux 6.11) skips the empty ones in well
 * under a millisecond. Before that one has to dump, which takes a lock for every
 * bucket, and delete one by one: ten milliseconds and more.
 *
 * A filter names one address, and a guest of IPv6 has as many as it likes of its
 * prefix. To look whether there is anything of it at all, /proc walks the table
 * without a lock, in half a millisecond: only who finds something has to dump.
 */

#define CONNECTIONS_PATH "/proc/net/nf_conntrack"

/* The kernel's names for the bits of CTA_FILTER_ORIG_FLAGS and _REPLY_FLAGS are
 * its own (Linux net/netfilter/nf_internals.h); the numbers are ABI. */
#define CTA_FILTER_IP_SRC 1u

static int message_type(int message)
{
    return NFNL_SUBSYS_CTNETLINK << 8 | message;
}

static struct nl_msg *request_new(int message, int flags, guint8 family)
{
    struct nfgenmsg header = {
        .nfgen_family = family,
        .version = NFNETLINK_V0,
    };

    return message_new(message_type(message), flags, &header, sizeof(header));
}

static bool take_count(const struct nlmsghdr *message, gpointer data)
{
    const struct nlattr *attributes[CTA_STATS_GLOBAL_MAX + 1];

    message_parse(message, sizeof(struct nfgenmsg), CTA_STATS_GLOBAL_MAX,
                  attributes);
    *(guint32 *)data =
        message_get_u32_be(attributes[CTA_STATS_GLOBAL_ENTRIES]);
    return true;
}

static bool count_connections(Netlink *netfilter, guint32 *ret_count,
                              GError **error)
{
    auto_message message = request_new(IPCTNL_MSG_CT_GET_STATS, 0,
                                       AF_INET);
    g_autoptr(GError) refused = NULL;
    int kernel_errno;

    *ret_count = 0;
    if (netlink_query(netfilter, message, take_count, ret_count, &kernel_errno,
                      &refused)) {
        return true;
    }
    /* Linux net/netfilter/nfnetlink.c: no such subsystem. */
    if (kernel_errno == EINVAL || kernel_errno == EOPNOTSUPP) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "this kernel has no nf_conntrack_netlink, without "
                         "which an address cannot go to another guest");
    }
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

typedef struct {
    guint32 address;        /* 0: none */
    const Prefix6 *prefix6; /* (nullable) */
    NetlinkBatch *deletions;
} Search;

static bool tuple_is_sought(const struct nlattr *tuple, const Search *search)
{
    const struct nlattr *parts[CTA_TUPLE_MAX + 1];
    const struct nlattr *ip[CTA_IP_MAX + 1];
    Address6 source6;

    message_parse_nested(tuple, CTA_TUPLE_MAX, parts);
    message_parse_nested(parts[CTA_TUPLE_IP], CTA_IP_MAX, ip);
    if (message_get_ipv6(ip[CTA_IP_V6_SRC], &source6)) {
        return search->prefix6 && prefix6_contains(search->prefix6, &source6);
    }
    return search->address &&
           message_get_u32_be(ip[CTA_IP_V4_SRC]) == search->address;
}

static bool take_connection(const struct nlmsghdr *message, gpointer data)
{
    static const int named_by[] = { CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID };
    const Search *search = data;
    const struct nlattr *attributes[CTA_MAX + 1];
    const struct nfgenmsg *header = nlmsg_data(message);

    if (nlmsg_datalen(message) < (int)sizeof(*header)) {
        return true;
    }
    message_parse(message, sizeof(*header), CTA_MAX, attributes);
    if (!attributes[CTA_TUPLE_ORIG] ||
        (!tuple_is_sought(attributes[CTA_TUPLE_ORIG], search) &&
         !tuple_is_sought(attributes[CTA_TUPLE_REPLY], search))) {
        return true;
    }

    auto_message deletion = request_new(IPCTNL_MSG_CT_DELETE, 0,
                                        header->nfgen_family);

    for (guint i = 0; i < G_N_ELEMENTS(named_by); i++) {
        const struct nlattr *attribute = attributes[named_by[i]];

        if (attribute) {
            /* nla_type with its NLA_F_NESTED, which the kernel looks for. */
            message_put(deletion, attribute->nla_type, nla_data(attribute),
                        nla_len(attribute));
        }
    }
    netlink_batch_add(search->deletions, deletion, false, ENOENT,
                      "forgetting a connection");
    return true;
}

/* Deletes what has @address as the source of one direction. */
static void add_filtered_deletion(NetlinkBatch *batch, guint32 address,
                                  bool reply)
{
    /* Version 1: the family counts (Linux nf_conntrack_netlink.c,
     * ctnetlink_del_conntrack()). */
    struct nfgenmsg header = { .nfgen_family = AF_INET, .version = 1 };
    auto_message message = message_new(message_type(IPCTNL_MSG_CT_DELETE), 0,
                                       &header, sizeof(header));
    struct nlattr *tuple = message_begin(
        message, NLA_F_NESTED | (reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG));
    struct nlattr *ip = message_begin(message, NLA_F_NESTED | CTA_TUPLE_IP);

    message_put_ipv4(message, CTA_IP_V4_SRC, address);
    message_end(message, ip);
    message_end(message, tuple);

    struct nlattr *filter = message_begin(message, NLA_F_NESTED | CTA_FILTER);

    message_put_u32(message, CTA_FILTER_ORIG_FLAGS,
                    reply ? 0 : CTA_FILTER_IP_SRC);
    message_put_u32(message, CTA_FILTER_REPLY_FLAGS,
                    reply ? CTA_FILTER_IP_SRC : 0);
    message_end(message, filter);
    netlink_batch_add(batch, message, true, 0, "forgetting connections");
}

/* One walk for each direction. An older kernel takes the request for one that
 * names a single connection and finds its tuple incomplete (EINVAL). */
static bool forget_filtered(Netlink *netfilter, guint32 address,
                            bool *ret_possible, GError **error)
{
    g_autoptr(NetlinkBatch) batch = netlink_batch_new();
    g_autoptr(GError) refused = NULL;
    int kernel_errno;

    add_filtered_deletion(batch, address, false);
    add_filtered_deletion(batch, address, true);
    *ret_possible = true;
    if (netlink_transact(netfilter, batch, &kernel_errno, NULL, &refused)) {
        return true;
    }
    if (kernel_errno == EINVAL || kernel_errno == EOPNOTSUPP) {
        *ret_possible = false;
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

/* One connection a line, with the source of each direction in it (Linux
 * net/netfilter/nf_conntrack_standalone.c, ct_seq_show()). */
static bool line_is_sought(const char *line, const Prefix6 *prefix6)
{
    static const char source[] = " src=";
    const char *at = line;

    while ((at = strstr(at, source)) != NULL) {
        char text[INET6_ADDRSTRLEN];
        Address6 address;

        at += strlen(source);
        g_strlcpy(text, at, MIN(sizeof(text), strcspn(at, " \n") + 1));
        if (inet_pton(AF_INET6, text, address.bytes) == 1 &&
            prefix6_contains(prefix6, &address)) {
            return true;
        }
    }
    return false;
}

/* Whether there may be a connection of the prefix at all: true too where nobody
 * can tell, because a kernel need not have the file, nor root own it. */
static bool may_have_connections(const Prefix6 *prefix6)
{
    autofd fd = open(CONNECTIONS_PATH, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    bool found = false;
    char *line = NULL;
    gsize size = 0;

    if (!file) {
        return true;
    }
    (void)fd_steal(&fd);
    while (!found && getline(&line, &size, file) > 0) {
        found = line_is_sought(line, prefix6);
    }
    found = found || ferror(file);
    free(line);
    (void)fclose(file);
    return found;
}

bool conntrack_forget_by_dump(Netlink *netfilter, guint32 address,
                              const Prefix6 *prefix6, GError **error)
{
    g_autoptr(NetlinkBatch) deletions = netlink_batch_new();
    Search search = {
        .address = address,
        .prefix6 = prefix6,
        .deletions = deletions,
    };
    guint8 family = !prefix6 ? AF_INET : !address ? AF_INET6 : AF_UNSPEC;
    auto_message dump = request_new(IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);

    return netlink_query(netfilter, dump, take_connection, &search, NULL,
                         error) &&
           netlink_transact(netfilter, deletions, NULL, NULL, error);
}

bool conntrack_forget(Netlink *netfilter, guint32 address,
                      const Prefix6 *prefix6, GError **error)
{
    guint32 count;
    bool done4 = address == 0;
    bool ok = count_connections(netfilter, &count, error);

    if (ok && count > 0 && !done4) {
        ok = forget_filtered(netfilter, address, &done4, error);
    }
    /* A dump that has to be looks at both at once. */
    if (ok && count > 0 && done4 && prefix6 &&
        !may_have_connections(prefix6)) {
        prefix6 = NULL;
    }
    if (ok && count > 0 && (!done4 || prefix6)) {
        ok = conntrack_forget_by_dump(netfilter, done4 ? 0 : address, prefix6,
                                      error);
    }
    if (!ok) {
        g_prefix_error(error, "connections of a former guest: ");
    }
    return ok;
}
