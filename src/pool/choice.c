/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/choice.h"

#include "pool/reservations.h"
#include "pool/slots.h"
#include "pool/store_private.h"

/*
 * Candidates, in stages; each stage is worked out when the one before it is at
 * its end, because most starts take the first slot that they are offered. The
 * last stage reads every record: it is for pools that are used up.
 *
 * Which candidate is free is the kernel's to say, so nothing is promised here.
 */

#define FORGOTTEN_AFTER_S (30 * 24 * 3600)

typedef enum {
    STAGE_NAME,  /* the name's own */
    STAGE_NEVER, /* never used */
    STAGE_OWN,   /* the caller's */
    STAGE_ALL,   /* everybody's */
} Stage;

struct Choice {
    Store *store;
    const GArray *reservations;
    char *name;
    Stage stage;
    GArray *queue; /* guint32: what the present stage has found */
    guint at;      /* in the queue */
    guint8 *tried; /* a bit a slot */
};

/* A slot and what it is sorted by. */
typedef struct {
    guint32 slot;
    guint32 rank; /* smaller comes first */
    guint32 used_s;
} Ranked;

static bool is_reserved(const Store *store, const GArray *reservations,
                        const char *name, guint32 slot)
{
    return reservations_forbid(reservations, &store->segment, store->uid, name,
                               slot) != NULL;
}

bool choice_find_own(const Store *store, const GArray *reservations,
                     const char *name, guint32 *ret_slot)
{
    guint32 slot;

    if (reservations_find(reservations, &store->segment, store->uid, name,
                          ret_slot)) {
        return true;
    }
    if (!store_find_name(store, name, &slot) ||
        is_reserved(store, reservations, name, slot)) {
        return false;
    }
    *ret_slot = slot;
    return true;
}

Choice *choice_new(Store *store, const GArray *reservations, const char *name)
{
    Choice *choice = g_new0(Choice, 1);
    guint32 own;

    choice->store = store;
    choice->reservations = reservations;
    choice->name = g_strdup(name);
    choice->queue = g_array_new(FALSE, FALSE, sizeof(guint32));
    choice->tried = g_malloc0(store->n_slots / 8 + 1);
    if (reservations_find(reservations, &store->segment, store->uid, name,
                          &own)) {
        g_array_append_val(choice->queue, own);
    }
    if (store_find_name(store, name, &own)) {
        g_array_append_val(choice->queue, own);
    }
    return choice;
}

void choice_free(Choice *choice)
{
    g_free(choice->name);
    g_array_unref(choice->queue);
    g_free(choice->tried);
    g_free(choice);
}

static gint compare_ranked(gconstpointer a, gconstpointer b)
{
    const Ranked *left = a;
    const Ranked *right = b;

    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    return (left->used_s > right->used_s) - (left->used_s < right->used_s);
}

static void queue_ranked(Choice *choice, GArray *ranked)
{
    g_array_sort(ranked, compare_ranked);
    for (guint i = 0; i < ranked->len; i++) {
        g_array_append_val(choice->queue,
                           g_array_index(ranked, Ranked, i).slot);
    }
}

/* The caller's own, nameless ones first, longest unused first. */
static void queue_own(Choice *choice)
{
    const Store *store = choice->store;
    g_autoptr(GArray) ranked = g_array_new(FALSE, FALSE, sizeof(Ranked));

    for (guint i = 0; i < store->entries->len; i++) {
        const Entry *entry = &g_array_index(store->entries, Entry, i);
        Ranked item = {entry->record.slot, entry->record.name_hash != 0,
                       entry->record.used_s};

        if (!entry->live && store_entry_holds(store, entry)) {
            g_array_append_val(ranked, item);
        }
    }
    queue_ranked(choice, ranked);
}

/* A time that lies ahead was written by a clock that was wrong: far ahead, it
 * says as little as one long ago. */
static bool is_forgotten(const Store *store, const SlotRecord *record)
{
    gint64 age_s = (gint64)store->now_s - record->used_s;

    return ABS(age_s) >= FORGOTTEN_AFTER_S;
}

/* Everybody's: never used, then without a name, then long unused. */
static void queue_all(Choice *choice)
{
    const Store *store = choice->store;
    g_autofree SlotRecord *records = store_read_all_slots(store);
    g_autoptr(GArray) ranked = g_array_new(FALSE, FALSE, sizeof(Ranked));

    for (guint32 slot = 0; slot < store->n_slots; slot++) {
        const SlotRecord *record = &records[slot];
        bool named = record->used_s && record->name_hash;
        Ranked item = {slot, named ? 2 : record->used_s ? 1 : 0,
                       record->used_s};

        if (!named || is_forgotten(store, record)) {
            g_array_append_val(ranked, item);
        }
    }
    queue_ranked(choice, ranked);
}

static bool next_never_used(Store *store, guint32 *ret_slot)
{
    while (store->next_never < store->n_slots) {
        *ret_slot = store->next_never++;
        if (store_read_slot(store, *ret_slot).used_s == 0) {
            return true;
        }
    }
    return false;
}

/* The next slot of the present stage; false when the stage is at its end. */
static bool stage_next(Choice *choice, guint32 *ret_slot)
{
    if (choice->stage == STAGE_NEVER) {
        return next_never_used(choice->store, ret_slot);
    }
    if (choice->at == choice->queue->len) {
        return false;
    }
    *ret_slot = g_array_index(choice->queue, guint32, choice->at++);
    return true;
}

static void stage_begin(Choice *choice, Stage stage)
{
    choice->stage = stage;
    choice->at = 0;
    g_array_set_size(choice->queue, 0);
    if (stage == STAGE_OWN) {
        queue_own(choice);
    } else if (stage == STAGE_ALL) {
        queue_all(choice);
    }
}

/* True if @slot may be offered, once. */
static bool take(Choice *choice, guint32 slot)
{
    guint8 bit = (guint8)(1u << slot % 8);
    bool fresh = !(choice->tried[slot / 8] & bit);

    choice->tried[slot / 8] |= bit;
    return fresh && slots_usable(&choice->store->segment, slot) &&
           !is_reserved(choice->store, choice->reservations, choice->name, slot);
}

bool choice_next(Choice *choice, guint32 *ret_slot)
{
    guint32 slot;

    for (;;) {
        if (stage_next(choice, &slot)) {
            if (take(choice, slot)) {
                *ret_slot = slot;
                return true;
            }
        } else if (choice->stage == STAGE_ALL) {
            return false;
        } else {
            stage_begin(choice, choice->stage + 1);
        }
    }
}

ChoiceCount choice_count(const Store *store, const GArray *reservations,
                         const char *name)
{
    g_autofree SlotRecord *records = store_read_all_slots(store);
    ChoiceCount count = {0};

    for (guint32 slot = 0; slot < store->n_slots; slot++) {
        const SlotRecord *record = &records[slot];

        if (!slots_usable(&store->segment, slot)) {
            continue;
        }
        count.usable++;
        if (is_reserved(store, reservations, name, slot)) {
            count.reserved++;
        } else if (record->used_s && record->name_hash &&
                   record->uid != store->uid && !is_forgotten(store, record)) {
            count.kept++;
        }
    }
    return count;
}
