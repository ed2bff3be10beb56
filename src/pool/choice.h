/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/store.h"

/* The order in which slots are tried: the name's own
 * old one, never used, the caller's least recently used, those that somebody
 * used without a name, anybody's unused for 30 days. */
typedef struct Choice Choice;

/* @store notes how far the search for a slot that nobody had has come. */
Choice *choice_new(Store *store, const char *name);
void choice_free(Choice *choice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Choice, choice_free)

/* Returns: false when there is none left; each slot comes once at most. */
bool choice_next(Choice *choice, guint32 *ret_slot) must_use;
