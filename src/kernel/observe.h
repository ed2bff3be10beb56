/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"
#include "kernel/netlink.h"

/**
 * observe_host:
 * @route: a NETLINK_ROUTE socket
 * @ret_facts: (transfer full): all links, addresses and routes; "foreign" is
 *   empty
 *
 * Dumps. For making a network and for commands, never for a warm start.
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true on success
 */
bool observe_host(Netlink *route, FactsHost **ret_facts,
                  GError **error) must_use;

/**
 * observe_link:
 * @name: an interface
 * @ret_exists: whether there is one; only then is @ret_link filled
 *
 * One RTM_GETLINK, whatever the number of links.
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true if the kernel answered
 */
bool observe_link(Netlink *route, const Ifname *name, bool *ret_exists,
                  FactsLink *ret_link, GError **error) must_use;

/**
 * observe_parse_link:
 * @message: an RTM_NEWLINK
 * @ret_link: the link; untouched on failure
 *
 * Pure. Does not tell wireless links from others.
 *
 * Privilege: none
 * Returns: true if it describes a link
 */
bool observe_parse_link(const struct nlmsghdr *message,
                        FactsLink *ret_link) must_use;

/* FactsLink of every link, without a look at which are wireless. Dumps.
 * Privilege: none. Errors: KERNEL */
bool observe_links(Netlink *route, GArray **ret_links,
                   GError **error) must_use;

/**
 * observe_taps:
 * @group: of a network
 * @ret_links: (transfer full): FactsLink of every tun or tap of that group
 *
 * Dumps the links of that kind. For counting and reaping after the store was
 * lost, and for commands.
 *
 * Privilege: none
 * Errors: KERNEL
 * Returns: true on success
 */
bool observe_taps(Netlink *route, guint32 group, GArray **ret_links,
                  GError **error) must_use;

/* True if the link carries an IPv4 or IPv6 address other than link-local
 * (asks for that link's addresses only). */
bool observe_link_has_address(Netlink *route, int ifindex,
                              bool *ret_has_address, GError **error) must_use;

/* net.ipv4.ip_forward; net.ipv6.conf.all.forwarding, which is off where there is
 * no IPv6. */
bool observe_forwarding(bool *ret_forwards, GError **error) must_use;
bool observe_forwarding6(bool *ret_forwards, GError **error) must_use;

/* net.ipv6.conf.NAME.forwarding of one link, by one request; false for one
 * without IPv6. */
bool observe_link_forwards6(Netlink *route, int ifindex, bool *ret_forwards,
                            GError **error) must_use;

/* The network namespace of @socket_fd, any socket, told from all others of this
 * boot (SO_NETNS_COOKIE; before Linux 5.14 the inode of /proc/self/ns/net). */
bool observe_namespace(int socket_fd, guint64 *ret_cookie,
                       GError **error) must_use;

/* This boot, told from all others (/proc/sys/kernel/random/boot_id). */
bool observe_boot(guint8 ret_boot_id[16], GError **error) must_use;
