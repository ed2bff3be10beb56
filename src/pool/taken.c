/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/taken.h"

/*
 * Intervals are sorted and merged once. A candidate that meets one is followed by
 * the first behind its end, so that each interval is met once at most, twice
 * where the search begins within it.
 */

Taken taken_new(void)
{
    return (Taken){g_array_new(FALSE, FALSE, sizeof(TakenInterval))};
}

void taken_clear(Taken *taken)
{
    g_clear_pointer(&taken->intervals, g_array_unref);
}

void taken_add(Taken *taken, guint64 first, guint64 last)
{
    TakenInterval interval = {first, last};

    g_array_append_val(taken->intervals, interval);
}

static gint compare_first(gconstpointer a, gconstpointer b)
{
    const TakenInterval *left = a;
    const TakenInterval *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

void taken_seal(Taken *taken)
{
    GArray *intervals = taken->intervals;
    guint n = 0;

    g_array_sort(intervals, compare_first);
    for (guint i = 0; i < intervals->len; i++) {
        TakenInterval next = g_array_index(intervals, TakenInterval, i);
        TakenInterval *last =
            n ? &g_array_index(intervals, TakenInterval, n - 1) : NULL;

        if (last && next.first <= last->last) {
            last->last = MAX(last->last, next.last);
        } else {
            g_array_index(intervals, TakenInterval, n++) = next;
        }
    }
    g_array_set_size(intervals, n);
}

/* The one that shares a number with @piece; NULL if it is free. */
static const TakenInterval *find_overlap(const Taken *taken, TakenInterval piece)
{
    guint low = 0;
    guint high = taken->intervals->len;

    /* The first that does not end before @piece begins. */
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const TakenInterval *interval =
            &g_array_index(taken->intervals, TakenInterval, middle);

        if (interval->last < piece.first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == taken->intervals->len) {
        return NULL;
    }
    const TakenInterval *found =
        &g_array_index(taken->intervals, TakenInterval, low);

    return found->first <= piece.last ? found : NULL;
}

/* From @first on, before @end (both at a step). */
static bool search(const Taken *taken, guint64 first, guint64 end, guint64 step,
                   guint64 *ret_first)
{
    while (first < end) {
        const TakenInterval *overlap =
            find_overlap(taken, (TakenInterval){first, first + (step - 1)});

        if (!overlap) {
            *ret_first = first;
            return true;
        }
        if (overlap->last >= end - 1) {
            return false;
        }
        first = (overlap->last | (step - 1)) + 1;
    }
    return false;
}

bool taken_find_free(const Taken *taken, TakenInterval range, guint64 begin,
                     guint64 step, guint64 *ret_first)
{
    return search(taken, begin, range.last + 1, step, ret_first) ||
           search(taken, range.first, begin, step, ret_first);
}
