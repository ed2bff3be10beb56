/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/store_private.h"

#include "base/checksum.h"
#include "pool/slots.h"

#include <string.h>
#include <unistd.h>

/*
 * What is remembered, and whose it is; store_file.c has the files themselves.
 *
 * Invariants: a slot has one entry at most, and a name has one; an entry of a
 * live slot is never given up; what loses its entry loses its name in the
 * slots' file too, so that nobody keeps more slots from others than the user's
 * file has room for.
 */

/* Whose a forgotten slot is: (uid_t)-1 is nobody's, setresuid(2). */
#define NOBODY_UID G_MAXUINT32

static guint32 hash_name(const char *name)
{
    return name[0] ? checksum_fnv1a(name, strlen(name)) : 0;
}

static void append_entry(Store *store, guint32 slot, guint32 used_s,
                         guint32 name_hash, const char *name)
{
    Entry entry = {.record = {.slot = slot, .used_s = used_s,
                              .name_hash = name_hash}};

    g_strlcpy(entry.record.name, name, sizeof(entry.record.name));
    g_array_append_val(store->entries, entry);
}

/* The user's file is lost: of names, only their hashes are found again. */
static void rebuild_entries(Store *store)
{
    g_autofree SlotRecord *records = store_read_all_slots(store);

    g_array_set_size(store->entries, 0);
    for (guint32 slot = 0; slot < store->n_slots; slot++) {
        const SlotRecord *record = &records[slot];

        if (record->used_s && record->uid == store->uid) {
            append_entry(store, slot, record->used_s, record->name_hash, "");
        }
    }
    if (store->writable && ftruncate(store->user_fd, 0) < 0) {
        store_mark_incomplete(store);
    }
    for (guint i = 0; i < store->entries->len; i++) {
        store_write_entry(store, i);
    }
}

static void load_entries(Store *store)
{
    NameRecord records[64];
    off_t offset = 0;
    ssize_t size;
    bool sound = false;

    while ((size = pread(store->user_fd, records, sizeof(records), offset)) >
           0) {
        sound = size % (ssize_t)sizeof(NameRecord) == 0;
        for (gsize i = 0; sound && i < (gsize)size / sizeof(NameRecord); i++) {
            Entry entry = {.record = records[i]};

            sound = store_record_sound(store, &records[i]);
            g_array_append_val(store->entries, entry);
        }
        if (!sound) {
            break;
        }
        offset += size;
    }
    if (!sound) {
        rebuild_entries(store);
    }
}

bool store_new(const Segment *segment, int slots_fd, int user_fd, uid_t uid,
               guint max_entries, gint64 now_s, bool writable,
               Store **ret_store, bool *ret_lost, GError **error)
{
    g_autoptr(Store) store = g_new0(Store, 1);

    store->segment = *segment;
    store->slots_fd = slots_fd;
    store->user_fd = user_fd;
    store->uid = uid;
    store->now_s = (guint32)CLAMP(now_s, 1, G_MAXUINT32);
    store->max_entries = max_entries;
    store->writable = writable;
    store->n_slots = slots_count(segment);
    store->entries = g_array_new(FALSE, TRUE, sizeof(Entry));
    if (!store_load_header(store, error)) {
        return false;
    }
    load_entries(store);
    if (ret_lost) {
        *ret_lost = store->recount != 0;
    }
    *ret_store = g_steal_pointer(&store);
    return true;
}

void store_free(Store *store)
{
    g_array_unref(store->entries);
    g_free(store);
}

bool store_entry_holds(const Store *store, const Entry *entry)
{
    SlotRecord record = store_read_slot(store, entry->record.slot);

    return !record.used_s || record.uid == store->uid;
}

static Entry *find_entry(const Store *store, guint32 slot, guint *ret_index)
{
    for (guint i = 0; i < store->entries->len; i++) {
        Entry *entry = &g_array_index(store->entries, Entry, i);

        if (entry->record.slot == slot) {
            *ret_index = i;
            return entry;
        }
    }
    return NULL;
}

void store_adopt(Store *store, guint32 slot, uid_t uid)
{
    guint index;

    if (slot >= store->n_slots) {
        return;
    }
    SlotRecord record = store_read_slot(store, slot);

    if (!record.used_s || record.uid != uid) {
        store_write_slot(store, slot, uid, 0, store->now_s);
    }
    if (uid == store->uid && !find_entry(store, slot, &index)) {
        append_entry(store, slot, store->now_s, 0, "");
        store_write_entry(store, store->entries->len - 1);
    }
}

GArray *store_own_slots(const Store *store)
{
    GArray *slots = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; i < store->entries->len; i++) {
        const Entry *entry = &g_array_index(store->entries, Entry, i);

        if (store_entry_holds(store, entry)) {
            g_array_append_val(slots, entry->record.slot);
        }
    }
    return slots;
}

void store_mark_live(Store *store, guint32 slot)
{
    guint index;
    Entry *entry = find_entry(store, slot, &index);

    if (entry) {
        entry->live = true;
    }
}

void store_spare(Store *store, guint32 slot)
{
    guint index;
    Entry *entry = find_entry(store, slot, &index);

    if (entry) {
        entry->spared = true;
    }
}

bool store_is_new_holder(const Store *store, guint32 slot, const char *name)
{
    SlotRecord record = store_read_slot(store, slot);

    if (record.used_s == 0 && slot >= store->written_next_never &&
        store->vouched) {
        return false;
    }
    /* A blank record has no name either. */
    return record.name_hash == 0 || record.uid != store->uid ||
           record.name_hash != hash_name(name);
}

/* True if the user's file says that @entry is @name's. */
static bool is_named(const Entry *entry, const char *name, guint32 hash)
{
    return hash != 0 && entry->record.name_hash == hash &&
           (entry->record.name[0] == '\0' ||
            strcmp(entry->record.name, name) == 0);
}

bool store_find_name(const Store *store, const char *name, guint32 *ret_slot)
{
    guint32 hash = hash_name(name);

    for (guint i = 0; i < store->entries->len; i++) {
        const Entry *entry = &g_array_index(store->entries, Entry, i);

        if (is_named(entry, name, hash) && store_entry_holds(store, entry)) {
            *ret_slot = entry->record.slot;
            return true;
        }
    }
    return false;
}

/* Takes the name from a slot that has another one's from now on, or nobody's:
 * a slot that bears a name is kept from others for a long time. */
static void forget_name(Store *store, guint32 slot, guint32 uid)
{
    SlotRecord record = store_read_slot(store, slot);

    if (record.used_s && record.uid == store->uid) {
        store_write_slot(store, slot, uid, 0, record.used_s);
    }
}

/* @name moves to @slot: what it had before stays its user's, for it may be
 * live, and bears no name. */
static void take_name_elsewhere(Store *store, guint32 slot, const char *name)
{
    guint32 hash = hash_name(name);

    for (guint i = 0; i < store->entries->len; i++) {
        Entry *entry = &g_array_index(store->entries, Entry, i);

        if (entry->record.slot != slot && is_named(entry, name, hash)) {
            forget_name(store, entry->record.slot, store->uid);
            entry->record.name_hash = 0;
            memset(entry->record.name, 0, sizeof(entry->record.name));
            store_write_entry(store, i);
        }
    }
}

/* Where @slot is to be written: over its own entry, behind the last one, or
 * over what is longest unused and for sure not live. */
static guint place_entry(const Store *store, guint32 slot)
{
    guint n_entries = store->entries->len;
    guint oldest = n_entries;
    guint index;

    if (find_entry(store, slot, &index)) {
        return index;
    }
    if (n_entries < store->max_entries) {
        return n_entries;
    }
    for (guint i = 0; i < n_entries; i++) {
        const Entry *entry = &g_array_index(store->entries, Entry, i);

        if (!entry->live && !entry->spared &&
            (oldest == n_entries ||
             entry->record.used_s <
                 g_array_index(store->entries, Entry, oldest).record.used_s)) {
            oldest = i;
        }
    }
    return oldest;
}

void store_remember(Store *store, guint32 slot, const char *name)
{
    if (!store->writable) {
        store_mark_incomplete(store);
    }
    take_name_elsewhere(store, slot, name);

    guint index = place_entry(store, slot);

    if (index == store->entries->len) {
        append_entry(store, slot, store->now_s, hash_name(name), name);
    } else {
        Entry *entry = &g_array_index(store->entries, Entry, index);

        if (entry->record.slot != slot) {
            forget_name(store, entry->record.slot, NOBODY_UID);
        }
        *entry = (Entry){.record = {.slot = slot, .used_s = store->now_s,
                                    .name_hash = hash_name(name)}};
        g_strlcpy(entry->record.name, name, sizeof(entry->record.name));
    }
    store_write_entry(store, index);
    store_write_slot(store, slot, store->uid, hash_name(name), store->now_s);
    if (slot == store->next_never) {
        store->next_never++;
    }
    store_save_header(store);
}
