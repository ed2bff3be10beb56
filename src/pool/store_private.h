/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "pool/store.h"

/*
 * What store.c (whose is what), store_file.c (the files) and choice.c (the order)
 * share. Nobody else includes this.
 */

/* What the slots' file says of a slot. */
typedef struct {
    guint32 uid;
    guint32 name_hash; /* 0: without a name */
    guint32 used_s;    /* since the epoch, good until 2106; 0: never */
    guint32 check;     /* of the bytes before it */
} SlotRecord;

/* What the user's file says of one of their slots. */
typedef struct {
    guint32 slot;
    guint32 used_s;
    guint32 name_hash;               /* 0: without a name */
    char name[NETWORK_NAME_MAX + 4]; /* NUL-padded; room for "-2"; "" too where
                                      * only the hash was found again */
    guint32 check; /* of the bytes before it and the generation */
} NameRecord;

G_STATIC_ASSERT(sizeof(SlotRecord) == 16);
G_STATIC_ASSERT(sizeof(NameRecord) == 52);

typedef struct {
    NameRecord record;
    bool live;   /* has a tap */
    bool spared; /* may have one: nobody looked */
} Entry;

/* The first records are read together with the header: a start looks at as
 * many as the caller has names, and a system call costs more than a page. */
#define STORE_HEAD_SLOTS 256

struct Store {
    Segment segment;
    int slots_fd;
    int user_fd;
    guint32 uid;
    guint32 now_s;
    guint max_entries;
    bool writable;
    guint32 n_slots;
    guint32 next_never; /* the slots before it were all offered once */
    guint32 written_next_never;
    guint32 generation; /* of the slots' file */
    guint32 recount;    /* the mark as it was found; 0: none */
    bool vouched;       /* a slot that was never offered never had a holder */
    SlotRecord head[STORE_HEAD_SLOTS]; /* sound ones, zeros for others */
    GArray *entries; /* Entry, at the place of its record; one a slot at most */
};

/* Reads the header, or begins the file anew where there is none that fits.
 * Errors: UNSUPPORTED if a newer tapster wrote it */
bool store_load_header(Store *store, GError **error) must_use;

/* Writes how far the search for a slot that nobody had has come, and takes the
 * mark away: what the files say is complete. */
void store_save_header(Store *store);

/* Leaves the mark that a live tap may be missing; nothing else is written by
 * this @store from now on. */
void store_mark_incomplete(Store *store);

/* What is known of @slot; all 0, "never used", where nothing can be read. */
SlotRecord store_read_slot(const Store *store, guint32 slot);

/* The same of all slots, at once. (transfer full) */
SlotRecord *store_read_all_slots(const Store *store);

void store_write_slot(Store *store, guint32 slot, guint32 uid,
                      guint32 name_hash, guint32 used_s);

/* True if @record, read from the user's file, is what was written there. */
bool store_record_sound(const Store *store, const NameRecord *record);

/* Writes the entry at @index into its place of the user's file. */
void store_write_entry(Store *store, guint index);

/* True unless the slots' file says that @entry's slot became somebody else's. */
bool store_entry_holds(const Store *store, const Entry *entry);
