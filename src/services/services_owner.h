/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ifname.h"
#include "services/services_names.h"

/*
 * Files that belong to a tap for as long as it lives: one line for dnsmasq, then
 * "# TAP IFINDEX", and a word that depends.
 */

typedef struct {
    Ifname tap;
    int ifindex;
    bool has_word;
} ServicesOwner;

/* Room for a line of two names of 63 and 127 bytes, an address, and the rest. */
#define SERVICES_OWNER_FILE_MAX 512

/**
 * services_owner_parse:
 * @text: a file's, NUL-terminated
 *
 * Privilege: none
 * Returns: false if it does not say whose it is
 */
bool services_owner_parse(const char *text, ServicesOwner *ret_owner) must_use;

/**
 * services_owner_read:
 * @directory_fd: of files that residents can write to
 *
 * Privilege: to read them
 * Returns: false with errno set; EBADMSG if it does not say whose it is
 */
bool services_owner_read(int directory_fd, const char *name,
                         ServicesOwner *ret_owner) must_use;

/**
 * services_owner_remove:
 * @is_live: asked about the owner
 *
 * Removes a file whose owner has gone. It is moved aside first and looked at
 * again: another may have replaced it since it was last looked at. A file that
 * does not say whose it is may be in the making, and is left for some seconds.
 *
 * Privilege: to write to the directory
 * Returns: true if it is not there any more
 */
bool services_owner_remove(int directory_fd, const char *name,
                           ServiceNameLive is_live, gpointer data) must_use;
