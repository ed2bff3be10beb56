/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* IPv4 addresses are guint32 in host byte order wherever the name does not end
 * in _be. */

typedef struct {
    guint8 bytes[6]; /* in the order of transmission */
} Mac;

typedef struct {
    guint32 address; /* host byte order; bits below the mask are 0 */
    guint8 length;   /* 0..32 */
} Prefix4;

/* IPv6 addresses are sixteen bytes in the order of transmission. */
typedef struct {
    guint8 bytes[16];
} Address6;

typedef struct {
    Address6 address; /* bits below the length are 0 */
    guint8 length;    /* 0..128 */
} Prefix6;

#define ADDRESS_TEXT_SIZE 20 /* "255.255.255.255/32" or a MAC, and NUL */
#define ADDRESS6_TEXT_SIZE 52 /* INET6_ADDRSTRLEN and "/128" */

typedef struct {
    char text[ADDRESS_TEXT_SIZE];
} AddressText;

typedef struct {
    char text[ADDRESS6_TEXT_SIZE];
} Address6Text;

/**
 * address_parse_ipv4:
 * @text: four decimal numbers 0..255 without leading zeros, joined by dots
 * @ret_address: host byte order
 *
 * Privilege: none
 * Errors: CONFIG
 * Source: RFC 6943 section 3.1.1 (the strict form only)
 * Returns: true on success
 */
bool address_parse_ipv4(const char *text, guint32 *ret_address,
                        GError **error) must_use;

/**
 * address_parse_prefix4:
 * @text: ADDRESS/LENGTH; host bits must be 0
 *
 * Privilege: none
 * Errors: CONFIG; one with host bits says which prefix was probably meant
 * Returns: true on success
 */
bool address_parse_prefix4(const char *text, Prefix4 *ret_prefix,
                           GError **error) must_use;

/**
 * address_parse_mac:
 * @text: six pairs of hexadecimal digits joined by colons
 *
 * Accepts only an address that a network card may have: unicast, not zero.
 *
 * Privilege: none
 * Errors: CONFIG
 * Returns: true on success
 */
bool address_parse_mac(const char *text, Mac *ret_mac, GError **error) must_use;

/* "192.168.77.1"; "192.168.77.0/24"; "52:54:00:12:34:56". By value, so that a
 * call can stand in a printf argument: address_format_ipv4(a).text */
AddressText address_format_ipv4(guint32 address);
AddressText address_format_prefix4(Prefix4 prefix);
AddressText address_format_mac(const Mac *mac);

/* The netmask, host byte order; 0 for length 0. */
guint32 prefix4_mask(guint8 length);

/* True if @address lies in @prefix. */
bool prefix4_contains(Prefix4 prefix, guint32 address);

/* True if the two share an address: equal, inside or around. */
bool prefix4_overlaps(Prefix4 a, Prefix4 b);

/**
 * address_parse_ipv6:
 * @text: as RFC 4291 section 2.2 has it; no zone, no embedded IPv4 address
 *
 * Privilege: none
 * Errors: CONFIG
 * Returns: true on success
 */
bool address_parse_ipv6(const char *text, Address6 *ret_address,
                        GError **error) must_use;

/**
 * address_parse_prefix6:
 * @text: ADDRESS/LENGTH; host bits must be 0
 *
 * Privilege: none
 * Errors: CONFIG; one with host bits says which prefix was probably meant
 * Returns: true on success
 */
bool address_parse_prefix6(const char *text, Prefix6 *ret_prefix,
                           GError **error) must_use;

/* "fd12:3456::1", in the form of RFC 5952; "fd12:3456::/48". By value, as above. */
Address6Text address_format_ipv6(const Address6 *address);
Address6Text address_format_prefix6(const Prefix6 *prefix);

bool prefix6_contains(const Prefix6 *prefix, const Address6 *address);

/* True if the two share an address: equal, inside or around. */
bool prefix6_overlaps(const Prefix6 *a, const Prefix6 *b);
