/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/store.h"

/* The order in which slots are tried: what the network file reserves for the
 * name, the name's own old one, never used, the caller's least recently used,
 * those that somebody used without a name, anybody's unused for 30 days. */
typedef struct Choice Choice;

/**
 * choice_find_own:
 * @reservations: (nullable) (element-type Reservation): of the network
 * @name: "" for a start without a profile
 * @ret_slot: reserved for the caller's @name, else that it had; never one that is
 *   reserved for another by now
 *
 * Privilege: none
 * Returns: true if there is one
 */
bool choice_find_own(const Store *store, const GArray *reservations,
                     const char *name, guint32 *ret_slot) must_use;

/* @store notes how far the search for a slot that nobody had has come; it and
 * @reservations (nullable) outlive the choice. */
Choice *choice_new(Store *store, const GArray *reservations, const char *name);
void choice_free(Choice *choice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Choice, choice_free)

/* Returns: false when there is none left; each slot comes once at most. What is
 * reserved for another never comes. */
bool choice_next(Choice *choice, guint32 *ret_slot) must_use;

/* Why a choice came to its end. */
typedef struct {
    guint usable;   /* slots that a port may hold */
    guint reserved; /* of these: by the network file for others than @name */
    guint kept;     /* for a name of another user's, who used it less than 30
                     * days ago; live or not */
} ChoiceCount;

/* Reads every record: for the message of an exhausted pool. How many ports are
 * live is the kernel's to say. */
ChoiceCount choice_count(const Store *store, const GArray *reservations,
                         const char *name);
