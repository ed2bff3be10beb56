/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/store_private.h"

#include "base/checksum.h"
#include "base/error.h"

#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * The two files as bytes (store.h says what they are for). On the layout:
 *
 * The slots' file begins with a header; then record N is slot N's. All zeros
 * is "never used", and so is a record whose checksum does not fit: nobody is
 * held to what cannot be read. "next_never" says where to look for a slot that
 * nobody had, so that this costs the same in a pool of ten and of sixty
 * thousand.
 *
 * The user's file is records only. If one of them does not fit its checksum,
 * all are found again in the slots' file: the quota is counted from them, so
 * they must not be lost silently.
 *
 * "recount" is the mark that a live tap may be missing. Whoever finds it has
 * all live taps adopted; and because a tap of another user's may be among
 * them, whose file does not know it, "generation" changes: it goes into the
 * checksums of all users' records, which do not fit any more. Nor can the file
 * be "vouched" for then: the tap that it does not tell of may be gone already,
 * and nobody knows which slot it had.
 *
 * The mark is written by starts that do not hold the lock, so it is left out
 * when the rest of the header is written, and taken away only if it is the one
 * that was found.
 */

#define STORE_MAGIC   0x72747370 /* "pstr" */
#define STORE_VERSION 1

typedef struct {
    guint32 magic;
    guint32 version;
    guint32 n_slots;
    guint32 next_never;
    guint32 generation;
    guint32 recount; /* 0: the files tell of every live tap */
    guint32 vouched; /* 1: slots from next_never on never had a holder */
    guint32 reserved[9];
} Header;

G_STATIC_ASSERT(sizeof(Header) == 64);

static guint32 check_slot(const SlotRecord *record)
{
    return checksum_fnv1a(record, offsetof(SlotRecord, check));
}

static guint32 check_name(const Store *store, const NameRecord *record)
{
    return checksum_fnv1a(record, offsetof(NameRecord, check)) ^
           store->generation;
}

static bool sound_slot(const SlotRecord *record)
{
    return record->used_s != 0 && record->check == check_slot(record);
}

bool store_record_sound(const Store *store, const NameRecord *record)
{
    return record->check == check_name(store, record) &&
           record->slot < store->n_slots &&
           record->name[sizeof(record->name) - 1] == '\0';
}

static off_t slot_offset(guint32 slot)
{
    return (off_t)(sizeof(Header) + slot * sizeof(SlotRecord));
}

SlotRecord store_read_slot(const Store *store, guint32 slot)
{
    SlotRecord record;

    if (slot < STORE_HEAD_SLOTS) {
        return store->head[slot];
    }
    ssize_t size = pread(store->slots_fd, &record, sizeof(record),
                         slot_offset(slot));

    if (size != (ssize_t)sizeof(record) || !sound_slot(&record)) {
        return (SlotRecord){0};
    }
    return record;
}

SlotRecord *store_read_all_slots(const Store *store)
{
    gsize size = store->n_slots * sizeof(SlotRecord);
    SlotRecord *records = g_malloc0(size);
    ssize_t got = pread(store->slots_fd, records, size, slot_offset(0));
    gsize n_read = got > 0 ? (gsize)got / sizeof(SlotRecord) : 0;

    for (gsize i = 0; i < store->n_slots; i++) {
        if (i >= n_read || !sound_slot(&records[i])) {
            records[i] = (SlotRecord){0};
        }
    }
    return records;
}

/* The mark lies in a block that exists, so that a full disk takes it; where
 * even that fails, a file without a header says the same. */
void store_mark_incomplete(Store *store)
{
    guint32 seed[] = {store->now_s, (guint32)getpid()};
    guint32 mark = checksum_fnv1a(seed, sizeof(seed));

    store->writable = false;
    if (pwrite(store->slots_fd, &mark, sizeof(mark),
               offsetof(Header, recount)) != (ssize_t)sizeof(mark) &&
        ftruncate(store->slots_fd, 0) < 0) {
        /* There is no file, or a file system that takes nothing at all. */
        return;
    }
}

/* Memory is a convenience: a full disk must not keep a VM from starting. */
static void write_at(Store *store, int fd, const void *bytes, gsize size,
                     off_t offset)
{
    if (store->writable && pwrite(fd, bytes, size, offset) != (ssize_t)size) {
        store_mark_incomplete(store);
    }
}

void store_write_slot(Store *store, guint32 slot, guint32 uid,
                       guint32 name_hash, guint32 used_s)
{
    SlotRecord record = {uid, name_hash, used_s, 0};

    record.check = check_slot(&record);
    write_at(store, store->slots_fd, &record, sizeof(record),
             slot_offset(slot));
    /* What could not be written is not known to the next start either. */
    if (slot < STORE_HEAD_SLOTS && store->writable) {
        store->head[slot] = record;
    }
}

void store_write_entry(Store *store, guint index)
{
    NameRecord *record = &g_array_index(store->entries, Entry, index).record;

    record->check = check_name(store, record);
    write_at(store, store->user_fd, record, sizeof(*record),
             (off_t)(index * sizeof(*record)));
}

/* Writes the header up to @size bytes of it. */
static void write_header(Store *store, gsize size)
{
    Header header = {
        .magic = STORE_MAGIC,
        .version = STORE_VERSION,
        .n_slots = store->n_slots,
        .next_never = store->next_never,
        .generation = store->generation,
        .recount = store->recount,
    };

    store->written_next_never = store->next_never;
    write_at(store, store->slots_fd, &header, size, 0);
}

static void write_vouched(Store *store, guint32 vouched)
{
    write_at(store, store->slots_fd, &vouched, sizeof(vouched),
             offsetof(Header, vouched));
}

/* A file of another shape gives slots other addresses: what was remembered is
 * not true any more. */
static void begin_file(Store *store)
{
    if (getrandom(&store->generation, sizeof(store->generation),
                  GRND_NONBLOCK) != (ssize_t)sizeof(store->generation)) {
        store->generation = store->now_s;
    }
    store->next_never = 0;
    store->recount = 1;
    memset(store->head, 0, sizeof(store->head));
    if (store->writable && ftruncate(store->slots_fd, 0) < 0) {
        store->writable = false;
    }
    write_header(store, sizeof(Header));
}

/* Of the records that were read with the header, @size bytes. */
static void keep_sound(Store *store, ssize_t size)
{
    for (gsize i = 0; i < STORE_HEAD_SLOTS; i++) {
        if ((ssize_t)((i + 1) * sizeof(SlotRecord)) > size ||
            !sound_slot(&store->head[i])) {
            store->head[i] = (SlotRecord){0};
        }
    }
}

bool store_load_header(Store *store, GError **error)
{
    Header header = {0};
    struct iovec parts[] = {{&header, sizeof(header)},
                            {store->head, sizeof(store->head)}};
    ssize_t size = preadv(store->slots_fd, parts, G_N_ELEMENTS(parts), 0);
    bool ours =
        size >= (ssize_t)sizeof(header) && header.magic == STORE_MAGIC;

    keep_sound(store, size - (ssize_t)sizeof(header));

    if (ours && header.version > STORE_VERSION) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "the leases of network '%s' were written by a newer "
                         "tapster: use that one", store->segment.name);
    }
    if (!ours || header.version != STORE_VERSION ||
        header.n_slots != store->n_slots) {
        begin_file(store);
        return true;
    }
    store->next_never = MIN(header.next_never, store->n_slots);
    store->written_next_never = store->next_never;
    store->generation = header.generation;
    store->recount = header.recount;
    store->vouched = header.vouched == 1 && !store->recount;
    if (store->recount && store->writable) {
        store->generation++;
        write_header(store, offsetof(Header, recount));
        write_vouched(store, 0);
    }
    return true;
}

void store_vouch(Store *store)
{
    store->vouched = true;
    write_vouched(store, 1);
}

/* What the files say is complete, if nobody left another mark meanwhile. */
static void clear_mark(Store *store)
{
    guint32 mark = 0;
    guint32 none = 0;

    if (pread(store->slots_fd, &mark, sizeof(mark),
              offsetof(Header, recount)) == (ssize_t)sizeof(mark) &&
        mark == store->recount) {
        write_at(store, store->slots_fd, &none, sizeof(none),
                 offsetof(Header, recount));
    }
    store->recount = 0;
}

void store_save_header(Store *store)
{
    if (store->next_never != store->written_next_never) {
        write_header(store, offsetof(Header, recount));
    }
    if (store->writable && store->recount) {
        clear_mark(store);
    }
}
