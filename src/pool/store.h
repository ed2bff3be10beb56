/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

#include <sys/types.h>

/*
 * The store: which slot a name had. Two kinds of files a network, both of
 * fixed-size records that are read and written in place:
 *
 *   NETWORK      a record a slot: whose it was, under which name, and when
 *   NETWORK.UID  a record a slot of this user's, at most twice their quota
 *
 * The price of a start depends on the second, small one, and not on how many
 * names are remembered in all. Where the two disagree the slot's record is
 * right; a file that is torn, stale or noise loses memory and nothing else.
 * The kernel is the truth: a slot is taken if its tap exists.
 *
 * A user's ports are counted by probing the slots of their file. So a tap that
 * could not be written down (the disk is full, the lock was not to be had)
 * leaves a mark, and the next start that can write counts from the kernel.
 *
 * The descriptors are opened, and the lock on the slots' file is taken, by the
 * caller of this module. In which order slots are tried: pool/choice.h.
 */

typedef struct Store Store;

/**
 * store_new:
 * @slots_fd: the network's file, open for reading and writing, or -1
 * @user_fd: the user's file, likewise
 * @uid: the caller
 * @max_entries: how many slots of theirs are remembered at most
 * @now_s: seconds since the epoch
 * @writable: the lock is held; else the store is read, and nothing but the
 *   mark is written
 * @ret_lost: (nullable): the files do not tell of all live taps (absent,
 *   damaged, of another shape, marked): store_adopt() each
 *
 * Privilege: none
 * Errors: UNSUPPORTED if a newer tapster wrote the files
 * Returns: true on success; a file that cannot be read or written is no
 *   error, it only is not remembered
 */
bool store_new(const Segment *segment, int slots_fd, int user_fd, uid_t uid,
               guint max_entries, gint64 now_s, bool writable,
               Store **ret_store, bool *ret_lost, GError **error) must_use;
void store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* @slot has a live tap of @uid's; what is known of it already stays. */
void store_adopt(Store *store, guint32 slot, uid_t uid);

/* Slots that were the caller's, each once, in no order: what to probe for their
 * quota. (transfer full) (element-type guint32) */
GArray *store_own_slots(const Store *store);

/* The caller's @slot has a tap: it is not given away, nor its entry forgotten. */
void store_mark_live(Store *store, guint32 slot);

/* Nobody looked whether the caller's @slot has a tap: its entry is not forgotten,
 * but the slot may be tried. */
void store_spare(Store *store, guint32 slot);

/* Returns: true and the slot that the caller's @name had. */
bool store_find_name(const Store *store, const char *name,
                     guint32 *ret_slot) must_use;

/**
 * store_vouch:
 *
 * For a store that began with the network itself, in this boot: slots that it
 * has not offered yet never had a holder. Without it, or once a mark was left,
 * nobody knows who had a slot that nothing is known of.
 */
void store_vouch(Store *store);

/* False if @slot never had a holder, or the last one is known to be the caller
 * under @name. A start without a profile ("") never is the same one as before. */
bool store_is_new_holder(const Store *store, guint32 slot, const char *name);

/**
 * store_remember:
 * @name: "" for a start without a profile
 *
 * The caller's @name has @slot from now on. A slot that the name had before
 * stays the caller's, without a name. Where the user's file is full, what they
 * used longest ago and is not live is forgotten, and anybody may have its slot.
 * Where nothing can be written, the mark is left.
 */
void store_remember(Store *store, guint32 slot, const char *name);
