/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/trusted.h"
#include "pool/segment.h"

/*
 * The registry: which networks were made in this network namespace, as they
 * are in force. One file of fixed-size records in RUNSTATEDIR/tapster/NAMESPACE,
 * written in place by tapster-helper under a lock, read by later starts (to
 * start without parsing or asking a name service) and by tapster-dhcp (through a
 * descriptor that it opened before it gave its rights away).
 *
 * It is a hint. A reader checks magic, version, boot id and namespace cookie and
 * finds an empty registry where they do not fit; a record carries a sequence
 * that is odd while it is being written, and a checksum, so that a writer
 * killed half way leaves a record that nobody believes.
 *
 * Functions here do positioned reads and writes on a descriptor that somebody
 * else opened; that is all the I/O that they do.
 */

#define REGISTRY_VERSION      2
#define REGISTRY_NETWORKS_MAX 256
#define REGISTRY_HOSTNAME_MAX 63

typedef struct {
    guint8 boot_id[16];
    guint64 netns_cookie;
} RegistryPlace;

typedef struct {
    Segment segment;
    FileIdentity file; /* of the network file that it was made from */
    NetworkGrants grants;
    guint32 ports_base; /* index of slot 0 in the ports file */
    guint32 unfinished; /* bool: being made or taken down, or whoever did was
                         * killed: not in order, whatever the generation */
} RegistryNetwork;

/**
 * registry_prepare:
 * @fd: the registry, open for reading and writing, the writer's lock held
 * @place: this boot, this network namespace
 *
 * Makes an absent, foreign, older or damaged registry an empty one; leaves
 * a good one as it is.
 *
 * Privilege: none
 * Errors: SYSTEM; UNSUPPORTED if a newer tapster wrote it
 * Returns: true on success
 */
bool registry_prepare(int fd, const RegistryPlace *place,
                      GError **error) must_use;

/**
 * registry_find:
 * @fd: the registry
 * @place: as above; NULL to accept any (tapster-dhcp, which lives in one)
 * @name: of a network
 * @ret_network: its record; untouched if there is none
 *
 * Privilege: none
 * Returns: true if there is a sound record of that name
 */
bool registry_find(int fd, const RegistryPlace *place, const char *name,
                   RegistryNetwork *ret_network) must_use;

/**
 * registry_find_tap:
 * @fd: the registry
 * @place: as above, or NULL
 * @tap: any interface's name
 * @ret_network: the record of the network whose tap it is
 * @ret_slot: its slot
 *
 * As cheap as registry_find(): records are placed by the tap prefix.
 *
 * Privilege: none
 * Returns: false if it is not a tap of any network here
 */
bool registry_find_tap(int fd, const RegistryPlace *place, const char *tap,
                       RegistryNetwork *ret_network,
                       guint32 *ret_slot) must_use;

/**
 * registry_load_all:
 * @fd: the registry
 * @place: as above, or NULL
 *
 * Privilege: none
 * Returns: (transfer full): a GArray of RegistryNetwork, unsound records left
 *   out
 */
GArray *registry_load_all(int fd, const RegistryPlace *place);

/**
 * registry_put:
 * @fd: the registry, prepared, the writer's lock held
 * @network: replaces the record of its name; ports_base is chosen here when
 *   the network is new or has grown
 *
 * Privilege: none
 * Errors: CONFLICT if another network's tap prefix or group is the same (two
 *   names whose hashes clash); EXHAUSTED if full; SYSTEM
 * Returns: true on success
 */
bool registry_put(int fd, RegistryNetwork *network, GError **error) must_use;

/* Removes the record of that name, if any. */
bool registry_remove(int fd, const char *name, GError **error) must_use;

/* The ruleset generation that was last found in order; 0 for none. */
guint32 registry_generation(int fd, const RegistryPlace *place);
bool registry_set_generation(int fd, guint32 generation,
                             GError **error) must_use;

/* The ports file: one record a slot, what DHCP needs to know beyond the slot.
 * A record counts only for the interface whose index it names, so nobody has to
 * clear it. */
bool registry_put_port(int ports_fd, guint32 index, int ifindex,
                       const char *hostname, GError **error) must_use;

/* Returns: true and the hostname ("" if none) if the record is @ifindex's. */
bool registry_find_port(int ports_fd, guint32 index, int ifindex,
                        char ret_hostname[REGISTRY_HOSTNAME_MAX + 1]) must_use;
