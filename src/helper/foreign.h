/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts/facts.h"

/**
 * foreign_load:
 * @facts: its foreign gets what Docker, podman, CNI and libvirt have configured
 *
 * For a network whose subnet is "auto". Reads root's own files, with bounds; what
 * cannot be read or understood is passed over: it only makes the choice of a
 * subnet a little worse.
 *
 * Privilege: uid 0, for files that root alone may read
 */
void foreign_load(FactsHost *facts);

/**
 * foreign_scan_json:
 * @text: @size bytes, a configuration in JSON
 * @owner: whose, for messages: "Docker"
 * @ret_foreign: (element-type FactsForeign): added to
 *
 * Every "subnet", "base" and "bip", wherever it stands, that is an IPv4 prefix,
 * with or without host bits.
 *
 * Privilege: none
 */
void foreign_scan_json(const char *text, gsize size, const char *owner,
                       GArray *ret_foreign);

/**
 * foreign_scan_libvirt:
 * @text: @size bytes, a network of libvirt's in XML
 *
 * Every <ip> element that has an IPv4 address and a netmask or prefix. Attributes
 * in either kind of quotes; comments are skipped.
 *
 * Privilege: none
 */
void foreign_scan_libvirt(const char *text, gsize size, const char *owner,
                          GArray *ret_foreign);
