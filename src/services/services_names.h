/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

/*
 * Host names of live VMs. A name is claimed by making RUNDIR/dns/NETWORK/hosts/NAME,
 * which only one can; it belongs to the tap that the file names by name and
 * interface index, and lapses with it.
 */

/* With room for "-2" and the like within a DNS label. */
#define SERVICES_HOSTNAME_MAX 63

typedef struct {
    const char *hostname; /* wanted: one DNS label; "" for none */
    guint32 address;      /* the guest's, host byte order */
    const char *tap;
    int ifindex;
    bool has_mac; /* shared segments: dnsmasq gives this MAC this address */
    Mac mac;
} ServiceName;

/* Whether a tap of that name with that interface index is there. */
typedef bool (*ServiceNameLive)(const char *tap, int ifindex, gpointer data);

/**
 * services_claim_hostname:
 * @run_dir_fd: the run directory
 * @segment: a network with dns_served
 * @wish: whose name it shall be
 * @is_live: asked about the holder of a name that is taken
 * @data: for @is_live
 * @ret_hostname: what it got: the name wanted, or where a live VM has it
 *   "NAME-2" to "NAME-99"
 *
 * For a free name: three opens, write, fchmod, close; with a MAC, on a shared
 * segment, the same again.
 * A name whose holder is not live, or that is @wish's own already, is taken over.
 *
 * Privilege: uid 0, gid 0
 * Errors: EXHAUSTED if all are taken; SYSTEM
 * Returns: true on success
 */
bool services_claim_hostname(int run_dir_fd, const Segment *segment,
                             const ServiceName *wish, ServiceNameLive is_live,
                             gpointer data,
                             char ret_hostname[SERVICES_HOSTNAME_MAX + 1],
                             GError **error) must_use;

/**
 * services_release_hostname:
 * @network: its name
 * @hostname: as it was claimed
 * @tap: whose it is
 * @ifindex: likewise; a name that is another's by now is left alone
 *
 * For a start that failed; else tapster-dhcp does it when the tap goes. What
 * is not there is fine.
 *
 * Privilege: uid 0, gid 0
 */
void services_release_hostname(int run_dir_fd, const char *network,
                               const char *hostname, const char *tap,
                               int ifindex);

/**
 * services_sweep_names:
 * @network: its name
 * @is_live: asked about the holder of each name
 * @data: for @is_live
 * @ret_removed: files removed: if there were any, dnsmasq wants a SIGHUP
 *
 * Removes the names, and DHCP entries, of taps that are gone: what tapster-dhcp
 * does while it lives. Reads the directories.
 *
 * Privilege: uid 0, gid 0; or a resident's
 * Errors: SYSTEM
 * Returns: true on success, also where there is nothing of that network
 */
bool services_sweep_names(int run_dir_fd, const char *network,
                          ServiceNameLive is_live, gpointer data,
                          guint *ret_removed, GError **error) must_use;

/* An IPv6 address that a guest was seen to take. */
typedef struct {
    const char *hostname; /* as it was claimed */
    Address6 address;
    bool from_mac; /* made of the MAC (RFC 4291 appendix A): preferred */
    const char *tap;
    int ifindex;
} ServiceAddress6;

/**
 * services_note_address6:
 *
 * Lets dnsmasq answer with this address, unless another of the same tap's is
 * known that is as good.
 *
 * Privilege: a resident's
 * Returns: true if it is answered from now on
 */
bool services_note_address6(int run_dir_fd, const Segment *segment,
                            const ServiceAddress6 *address);

/* What a guest had before it began anew is its address no more, unless it was
 * noted only just now: a guest cannot keep dnsmasq busy. Privilege: a resident's.
 * Returns: true if something was forgotten */
bool services_forget_address6(int run_dir_fd, const char *network,
                              const char *hostname);
