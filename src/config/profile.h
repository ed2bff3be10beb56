/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/address.h"
#include "base/terms.h"
#include "config/faults.h"

/* A profile file as a struct (tapster-profile(5)): one VM's wish. */
typedef struct {
    char *file;     /* where it was read from, printable */
    char *name;     /* "name", else the file's name without .json */
    char *hostname; /* default: name */
    Mode mode;      /* MODE_NONE if not said */
    char *network;  /* NULL if not said */
    bool has_address;
    guint32 address; /* host byte order */
    bool has_mac;
    Mac mac;
} Profile;

void profile_free(Profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)

/**
 * profile_parse:
 * @file: for messages, and for the name where the profile gives none
 * @text: @size bytes, not NUL-terminated
 * @faults: all faults are added to it
 *
 * A profile says its mode, its network, or both.
 *
 * Privilege: none
 * Returns: (transfer full): the profile, NULL if there is any fault
 */
Profile *profile_parse(const char *file, const char *text, gsize size,
                       Faults *faults);
