/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/segment.h"

/*
 * Everything about a port is a pure function of its network and its slot.
 * Slots are numbered 0 to slots_count() - 1. Nothing here remembers anything.
 */

/* Bytes of Segment.tap_prefix: "ts" and six characters. */
#define SLOTS_PREFIX_LENGTH 8

/**
 * slots_identify:
 * @name: a network's name
 * @segment: its name, tap_prefix and group are set
 *
 * Privilege: none
 */
void slots_identify(const char *name, Segment *segment);

/* Number of slots, excluded ones included (slots_usable() tells those). */
guint32 slots_count(const Segment *segment);

/* True if a port may hold @slot: in range, not excluded, and its address is
 * neither the network, the broadcast nor the gateway address. */
bool slots_usable(const Segment *segment, guint32 slot);

/* The slot's IPv4 address, host byte order; 0 where the network has none. */
guint32 slots_address(const Segment *segment, guint32 slot);

/**
 * slots_find_address:
 * @address: host byte order
 * @ret_slot: the slot that has it
 *
 * Returns: false if no slot of the network has this address
 */
bool slots_find_address(const Segment *segment, guint32 address,
                        guint32 *ret_slot) must_use;

/* The tap's name: tap_prefix and the slot in base 36, at most 15 bytes. */
Ifname slots_tap_name(const Segment *segment, guint32 slot);

/**
 * slots_parse_tap_name:
 * @name: any interface's name
 * @ret_slot: the slot if it is a tap of this network
 *
 * The inverse of slots_tap_name(); no other spelling of a slot is accepted.
 *
 * Returns: false if the name is not one of this network's taps
 */
bool slots_parse_tap_name(const Segment *segment, const char *name,
                          guint32 *ret_slot) must_use;

/* fe:…, the host's end of the cable; never the lowest on any bridge. */
Mac slots_host_mac(const Segment *segment, guint32 slot);

/* 52:54:…, what a guest is advised to use. */
Mac slots_guest_mac(const Segment *segment, guint32 slot);

/* The /64 of the slot's cable, or of the shared segment, whatever the slot;
 * length 0 where the network has no IPv6. */
Prefix6 slots_prefix6(const Segment *segment, guint32 slot);

/* The host's end of it: the first address of slots_prefix6(), PREFIX::1. All
 * zeros where the network has no IPv6. */
Address6 slots_gateway6(const Segment *segment, guint32 slot);

/* Where a network's DNS server answers IPv6: the first address of /64 number 0, one
 * for all guests as the gateway is for IPv4. On a shared segment it is the
 * gateway's. All zeros where the network has no IPv6. */
Address6 slots_resolver6(const Segment *segment);

/* fe80::1, the host's end of every cable: what guests see as their router. */
extern const Address6 slots_router6;

/* An address for a guest that is configured by hand: second of its cable's /64;
 * on a shared segment that of its IPv4 host number, "::14" for 192.168.77.20. All
 * zeros where the network has no IPv6. */
Address6 slots_address6(const Segment *segment, guint32 slot);

/* How many slots have a /64 in a prefix of @length for routed ports. */
guint32 slots_room6(guint8 length);

/* "tb" and the six characters of tap_prefix: a shared segment's bridge. */
Ifname slots_bridge_name(const Segment *segment);
