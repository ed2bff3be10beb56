/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A set of numbers that are taken, as intervals: addresses, or the upper halves
 * of IPv6 addresses. For searching a range of millions when thousands of
 * pieces of it are taken.
 */

typedef struct {
    guint64 first;
    guint64 last; /* inclusive */
} TakenInterval;

typedef struct {
    GArray *intervals; /* TakenInterval; once sealed: ascending, disjoint */
} Taken;

Taken taken_new(void);
void taken_clear(Taken *taken);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Taken, taken_clear)

/* Any order, overlapping or not. */
void taken_add(Taken *taken, guint64 first, guint64 last);

/* To be called once, between the last taken_add() and the first search. */
void taken_seal(Taken *taken);

/**
 * taken_find_free:
 * @range: where to search; of a whole number of steps, and begins at one
 * @begin: the first number to try, in @range and at a step
 * @step: a power of two: size and alignment of what is wanted
 * @ret_first: the first number of a free piece
 *
 * Goes up from @begin, and on from the beginning of @range. The price does not
 * grow with the range, and with what is taken like a sort.
 *
 * Returns: false if no piece of that size is free
 */
bool taken_find_free(const Taken *taken, TakenInterval range, guint64 begin,
                     guint64 step, guint64 *ret_first);
