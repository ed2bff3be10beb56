/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_routes.h"

#include "base/fd.h"
#include "dhcp/dhcp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/*
 * Which routes count is pool/subnet.c's and subnet6.c's to say, who look at
 * everything; here it is told from one message, and in doubt it counts. An address
 * comes with routes of its own, so those need no looking at.
 */

/* As there: what is wider says nothing. */
#define WIDEST_LENGTH  8
#define WIDEST_LENGTH6 16

#define MESSAGE_MAX 32768 /* of a dump: Linux include/linux/netlink.h */
#define BURST       64    /* messages read before others have their turn */

typedef struct {
    guint8 family;
    guint8 type;
    Prefix4 destination;
    Prefix6 destination6;
    int out_ifindex; /* 0 where it has none, or several */
} Route;

static bool open_events(int *ret_fd, GError **error)
{
    /* Every port has routes of ours, and some that no unicast packet goes by (the
     * types in between are broadcast, anycast and multicast). */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 0, 6),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
                 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SEGMENT_ROUTE_PROTOCOL, 4, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
                 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_type)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, RTN_BROADCAST, 0, 1),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, RTN_MULTICAST, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };

    return dhcp_listen(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, code,
                       G_N_ELEMENTS(code), "routes", ret_fd, error);
}

/* Of every family that there is. */
static bool open_dump(int *ret_fd)
{
    const struct {
        struct nlmsghdr header;
        struct rtmsg route;
    } request = {
        .header = {
            .nlmsg_len = sizeof(request),
            .nlmsg_type = RTM_GETROUTE,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
        },
        .route = {.rtm_family = AF_UNSPEC},
    };
    autofd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       NETLINK_ROUTE);

    if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0) {
        return false;
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

bool dhcp_routes_open(DhcpRoutes *ret_routes, GError **error)
{
    autofd events_fd = -1;
    autofd dump_fd = -1;
    int saved_errno;

    /* In this order, so that none is missed. */
    if (!open_events(&events_fd, error)) {
        return false;
    }
    if (!open_dump(&dump_fd)) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "ask for the routes");
    }
    *ret_routes = (DhcpRoutes){fd_steal(&events_fd), fd_steal(&dump_fd)};
    return true;
}

static void read_attribute(const struct rtattr *attribute, Route *route)
{
    const void *data = (const char *)attribute + RTA_LENGTH(0);
    gsize size = RTA_PAYLOAD(attribute);
    guint32 address;

    if (attribute->rta_type == RTA_OIF && size == sizeof(route->out_ifindex)) {
        memcpy(&route->out_ifindex, data, size);
    } else if (attribute->rta_type == RTA_DST && size == sizeof(address) &&
               route->family == AF_INET) {
        memcpy(&address, data, size);
        route->destination.address = ntohl(address);
    } else if (attribute->rta_type == RTA_DST && size == sizeof(Address6) &&
               route->family == AF_INET6) {
        memcpy(&route->destination6.address, data, size);
    }
}

/* Returns: false for one that cannot count. */
static bool parse(const struct nlmsghdr *header, Route *ret_route)
{
    const struct rtmsg *message =
        (const void *)((const char *)header + NLMSG_HDRLEN);
    gsize at = NLMSG_LENGTH(sizeof(*message));
    Route route = {0};

    if (header->nlmsg_type != RTM_NEWROUTE ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) ||
        message->rtm_protocol == SEGMENT_ROUTE_PROTOCOL ||
        message->rtm_type == RTN_BROADCAST || message->rtm_type == RTN_ANYCAST ||
        message->rtm_type == RTN_MULTICAST ||
        (message->rtm_flags & RTM_F_CLONED) != 0 ||
        message->rtm_dst_len <
            (message->rtm_family == AF_INET ? WIDEST_LENGTH : WIDEST_LENGTH6)) {
        return false;
    }
    route.family = message->rtm_family;
    route.type = message->rtm_type;
    route.destination.length = message->rtm_dst_len;
    route.destination6.length = message->rtm_dst_len;
    while (at + sizeof(struct rtattr) <= header->nlmsg_len) {
        const struct rtattr *attribute =
            (const void *)((const char *)header + at);

        if (attribute->rta_len < sizeof(*attribute) ||
            attribute->rta_len > header->nlmsg_len - at) {
            break;
        }
        read_attribute(attribute, &route);
        at += RTA_ALIGN(attribute->rta_len);
    }
    *ret_route = route;
    return route.family == AF_INET || route.family == AF_INET6;
}

/* By a tap of ours or a bridge of ours; or by a link that has gone, with which its
 * routes have. */
static bool is_own(const Route *route, int socket_fd)
{
    struct ifreq request = {.ifr_ifindex = route->out_ifindex};

    if (route->out_ifindex <= 0) {
        return false;
    }
    return ioctl(socket_fd, SIOCGIFNAME, &request) < 0 ||
           strncmp(request.ifr_name, "ts", 2) == 0 ||
           strncmp(request.ifr_name, "tb", 2) == 0;
}

static bool overlaps_segment(const Route *route, const Segment *segment)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};
    Prefix6 subnet6 = {segment->subnet6_address,
                       (guint8)segment->subnet6_length};

    if (segment->mode != MODE_MASQUERADED) {
        return false;
    }
    if (route->family == AF_INET) {
        return subnet.length > 0 && prefix4_overlaps(subnet, route->destination);
    }
    /* A router marks a prefix delegated to it by a route to nowhere. */
    return subnet6.length > 0 &&
           prefix6_overlaps(&subnet6, &route->destination6) &&
           (route->destination6.length > subnet6.length ||
            (route->type != RTN_UNREACHABLE && route->type != RTN_BLACKHOLE &&
             route->type != RTN_PROHIBIT));
}

/* @networks is loaded when it is needed: most routes are by taps of ours. */
static bool overlaps(const Route *route, const DhcpNames *names,
                     GArray **networks)
{
    if (is_own(route, names->socket_fd)) {
        return false;
    }
    if (!*networks) {
        *networks = registry_load_all(names->networks_fd, NULL);
    }
    for (guint i = 0; i < (*networks)->len; i++) {
        if (overlaps_segment(
                route,
                &g_array_index(*networks, RegistryNetwork, i).segment)) {
            return true;
        }
    }
    return false;
}

/* Returns: false if there is nothing more for now. */
static bool read_message(int fd, const DhcpNames *names, GArray **networks,
                         bool *found, bool *done)
{
    char bytes[MESSAGE_MAX]
        __attribute__((aligned(__alignof__(struct nlmsghdr))));
    ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    const struct nlmsghdr *header;

    if (size < 0) {
        /* Some were lost. */
        *found = *found || errno == ENOBUFS;
        return errno == ENOBUFS || errno == EINTR;
    }
    /* NLMSG_OK() compares lengths with and without sign. */
    for (gsize at = 0; at + sizeof(*header) <= (gsize)size;
         at += NLMSG_ALIGN(header->nlmsg_len)) {
        Route route;

        header = (const struct nlmsghdr *)(const void *)(bytes + at);
        if (header->nlmsg_len < sizeof(*header) ||
            header->nlmsg_len > (gsize)size - at) {
            break;
        }
        *done = *done || header->nlmsg_type == NLMSG_DONE ||
                header->nlmsg_type == NLMSG_ERROR;
        *found = *found || (parse(header, &route) &&
                            overlaps(&route, names, networks));
    }
    return true;
}

bool dhcp_routes_drain(DhcpRoutes *routes, const DhcpNames *names)
{
    g_autoptr(GArray) networks = NULL;
    bool found = false;
    bool done = false;

    for (guint i = 0; i < BURST; i++) {
        if (!read_message(routes->events_fd, names, &networks, &found, &done)) {
            break;
        }
    }
    done = false;
    for (guint i = 0; i < BURST && routes->dump_fd >= 0 && !done; i++) {
        if (!read_message(routes->dump_fd, names, &networks, &found, &done)) {
            break;
        }
    }
    if (done) {
        fd_cleanup(&routes->dump_fd);
        routes->dump_fd = -1;
    }
    return found;
}
