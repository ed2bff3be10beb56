/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* What the command line says. Strings belong to argv. */
typedef struct {
    bool help;
    bool version;
    bool use_vnet;
    int fd;              /* the hypervisor's socket; -1 with help or version */
    const char *bridge;  /* --br, NULL if not given */
    const char *profile; /* --profile */
    const char *network; /* --network */
} Request;

/**
 * request_parse:
 * @argc: may be 0: exec allows it
 * @argv: as QEMU and libvirt send it, in any order: [--use-vnet] --fd=N
 *   [--br=NAME], and --profile=NAME, --network=NAME
 *
 * Privilege: none
 * Errors: USAGE
 * Returns: true on success
 */
bool request_parse(int argc, char **argv, Request *ret_request,
                   GError **error) must_use;

/* What --help prints. */
extern const char request_usage[];
