/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "base/ifname.h"

/* What tapster-sweep's command line says. */
typedef struct {
    bool help;
    bool version;
    bool one_tap; /* only what was of tap */
    Ifname tap;
    bool take_down; /* networks that have been idle for idle_s */
    guint32 idle_s;
} SweepRequest;

/**
 * sweep_request_parse:
 * @argc: may be 0
 * @argv: [--tap=NAME] [--idle-seconds=N]
 *
 * Privilege: none
 * Errors: USAGE
 * Returns: true on success
 */
bool sweep_request_parse(int argc, char **argv, SweepRequest *ret_request,
                         GError **error) must_use;

/* What --help prints. */
extern const char sweep_request_usage[];
