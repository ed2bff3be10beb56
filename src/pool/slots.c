/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/slots.h"

#include <string.h>

/*
 * Slot arithmetic. A network's name is hashed once (SHA-256, so that nobody
 * finds two names of one hash by trying a few) and the digest is cut up:
 *
 *   bytes 0..7   modulo 36^6: the six characters after "ts" of a tap's name
 *   bytes 8..10  the low 24 bits of the device group
 *
 * and a slot's MACs are made of the group's low bits and the slot:
 *
 *   fe:54:HH:HH:SS:SS  the host's end       (HHHH << 16) ^ slot, so that slots
 *   52:54:HH:HH:SS:SS  the guest's end      beyond 65535 differ as well
 *
 * IPv6 of routed ports: /64 number slot + 1 of the prefix; number 0 is kept for
 * the shared segment, which may be switched to, and has the resolver.
 *
 * Both MACs are locally administered unicast addresses (bit 1 of the first byte
 * set, bit 0 clear: IEEE 802, section 8.4). The top bit of HHHH is always set:
 * 52:54:00:… is where QEMU's own default addresses lie, and an advised address
 * must not meet one of those.
 *
 * These choices are a contract with everything that is already running: a
 * changed hash would orphan live taps. The unit test holds known values.
 */

#define TAP_PREFIX_TEXT "ts"
#define TAP_HASH_DIGITS 6
#define BASE            36u
#define SLOT_DIGITS_MAX 7 /* UINT32_MAX is 1z141z3 */
#define SHA256_SIZE     32
#define HASH_NOT_QEMU   0x8000u

G_STATIC_ASSERT(SLOTS_PREFIX_LENGTH ==
                sizeof(TAP_PREFIX_TEXT) - 1 + TAP_HASH_DIGITS);
G_STATIC_ASSERT(SLOTS_PREFIX_LENGTH + SLOT_DIGITS_MAX < IFNAMSIZ);
G_STATIC_ASSERT(SLOTS_PREFIX_LENGTH < sizeof(((const Segment *)NULL)->tap_prefix));

/* The bridge of a shared segment: never taken for a tap. */
#define BRIDGE_PREFIX_TEXT "tb"

G_STATIC_ASSERT(sizeof(BRIDGE_PREFIX_TEXT) == sizeof(TAP_PREFIX_TEXT));

#define NETWORK6_BITS 64 /* of an IPv6 address: RFC 4291 section 2.5.4 */

static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void slots_identify(const char *name, Segment *segment)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[SHA256_SIZE];
    gsize size = sizeof(digest);
    guint64 number = 0;
    gsize length = strlen(TAP_PREFIX_TEXT);

    memset(segment->name, 0, sizeof(segment->name));
    memset(segment->tap_prefix, 0, sizeof(segment->tap_prefix));
    g_strlcpy(segment->name, name, sizeof(segment->name));

    g_checksum_update(checksum, (const guchar *)name, -1);
    g_checksum_get_digest(checksum, digest, &size);

    for (gsize i = 0; i < sizeof(number); i++) {
        number = number << 8 | digest[i];
    }
    memcpy(segment->tap_prefix, TAP_PREFIX_TEXT, length);
    for (gsize i = 0; i < TAP_HASH_DIGITS; i++) {
        segment->tap_prefix[length + i] = base36[number % BASE];
        number /= BASE;
    }
    segment->group = SEGMENT_GROUP_BASE | (guint32)digest[8] << 16 |
                     (guint32)digest[9] << 8 | digest[10];
}

guint32 slots_count(const Segment *segment)
{
    return segment->pool_size;
}

static bool has_addresses(const Segment *segment)
{
    return segment->subnet_length > 0 && segment->subnet_length <= 32;
}

static bool is_excluded(const Segment *segment, guint64 host)
{
    for (guint32 i = 0; i < segment->n_exclude && i < NETWORK_EXCLUDE_MAX; i++) {
        if (host >= segment->exclude[i].first &&
            host <= segment->exclude[i].last) {
            return true;
        }
    }
    return false;
}

bool slots_usable(const Segment *segment, guint32 slot)
{
    guint64 host = (guint64)segment->pool_offset + slot;
    guint64 last;

    if (slot >= slots_count(segment)) {
        return false;
    }
    if (!has_addresses(segment)) {
        return true;
    }
    /* Host number 0 is the network, all ones the broadcast address: RFC 1122
     * section 3.2.1.3. */
    last = (G_GUINT64_CONSTANT(1) << (32 - segment->subnet_length)) - 1;
    return host > 0 && host < last && !is_excluded(segment, host) &&
           segment->subnet_address + (guint32)host != segment->gateway;
}

guint32 slots_address(const Segment *segment, guint32 slot)
{
    if (!has_addresses(segment)) {
        return 0;
    }
    return segment->subnet_address + segment->pool_offset + slot;
}

bool slots_find_address(const Segment *segment, guint32 address, guint32 *ret_slot)
{
    guint32 first = slots_address(segment, 0);

    if (!has_addresses(segment) || address < first ||
        !slots_usable(segment, address - first)) {
        return false;
    }
    *ret_slot = address - first;
    return true;
}

Ifname slots_tap_name(const Segment *segment, guint32 slot)
{
    Ifname tap = {{0}};
    char digits[SLOT_DIGITS_MAX];
    gsize n = 0;

    do {
        digits[n++] = base36[slot % BASE];
        slot /= BASE;
    } while (slot > 0);

    memcpy(tap.name, segment->tap_prefix, SLOTS_PREFIX_LENGTH);
    for (gsize i = 0; i < n; i++) {
        tap.name[SLOTS_PREFIX_LENGTH + i] = digits[n - 1 - i];
    }
    return tap;
}

static bool parse_base36(const char *text, guint32 *ret_value)
{
    guint64 value = 0;
    gsize length = strlen(text);

    /* A second spelling of a number would be a second tap of one slot. */
    if (length == 0 || length > SLOT_DIGITS_MAX ||
        (text[0] == '0' && length > 1)) {
        return false;
    }
    for (gsize i = 0; i < length; i++) {
        if (g_ascii_isdigit(text[i])) {
            value = value * BASE + (guint64)(text[i] - '0');
        } else if (g_ascii_islower(text[i])) {
            value = value * BASE + (guint64)(text[i] - 'a') + 10;
        } else {
            return false;
        }
    }
    if (value > G_MAXUINT32) {
        return false;
    }
    *ret_value = (guint32)value;
    return true;
}

bool slots_parse_tap_name(const Segment *segment, const char *name,
                          guint32 *ret_slot)
{
    guint32 slot;

    if (segment->tap_prefix[0] == '\0' ||
        strncmp(name, segment->tap_prefix, SLOTS_PREFIX_LENGTH) != 0 ||
        !parse_base36(name + SLOTS_PREFIX_LENGTH, &slot) ||
        slot >= slots_count(segment)) {
        return false;
    }
    *ret_slot = slot;
    return true;
}

static Mac make_mac(const Segment *segment, guint32 slot, guint8 first)
{
    guint32 hash = (segment->group & 0xffff) | HASH_NOT_QEMU;
    /* The top bit of slot must not undo HASH_NOT_QEMU; a pool of 2^31 slots
     * is more than half of all IPv4 addresses. */
    guint32 low = hash << 16 ^ (slot & G_MAXINT32);
    Mac mac = {{first, 0x54, (guint8)(low >> 24), (guint8)(low >> 16),
                (guint8)(low >> 8), (guint8)low}};

    return mac;
}

Mac slots_host_mac(const Segment *segment, guint32 slot)
{
    return make_mac(segment, slot, 0xfe);
}

Mac slots_guest_mac(const Segment *segment, guint32 slot)
{
    return make_mac(segment, slot, 0x52);
}

Ifname slots_bridge_name(const Segment *segment)
{
    Ifname bridge = {BRIDGE_PREFIX_TEXT};

    memcpy(bridge.name + strlen(BRIDGE_PREFIX_TEXT),
           segment->tap_prefix + strlen(TAP_PREFIX_TEXT), TAP_HASH_DIGITS);
    return bridge;
}

const Address6 slots_router6 = {{0xfe, 0x80, [15] = 1}};

guint32 slots_room6(guint8 length)
{
    guint free_bits = length < NETWORK6_BITS ? NETWORK6_BITS - length : 0;

    /* All but number 0. */
    return free_bits >= 32 ? G_MAXUINT32 : (1u << free_bits) - 1;
}

/* The upper half of an address as a number. */
static guint64 get_network6(const Address6 *address)
{
    guint64 network = 0;

    for (guint i = 0; i < sizeof(network); i++) {
        network = network << 8 | address->bytes[i];
    }
    return network;
}

Prefix6 slots_prefix6(const Segment *segment, guint32 slot)
{
    bool routed = segment->kind == SEGMENT_ROUTED;
    guint64 network = get_network6(&segment->subnet6_address);
    Prefix6 prefix = {.length = NETWORK6_BITS};

    if (segment->subnet6_length == 0 ||
        segment->subnet6_length > NETWORK6_BITS ||
        (routed && slot >= slots_room6((guint8)segment->subnet6_length))) {
        return (Prefix6){0};
    }
    network |= routed ? (guint64)slot + 1 : 0;
    for (guint i = sizeof(network); i > 0; i--) {
        prefix.address.bytes[i - 1] = (guint8)network;
        network >>= 8;
    }
    return prefix;
}

/* The address with that number in the /64. */
static Address6 number6(Prefix6 prefix, guint32 number)
{
    guint32 number_be = GUINT32_TO_BE(number);

    if (prefix.length) {
        memcpy(prefix.address.bytes + 12, &number_be, sizeof(number_be));
    }
    return prefix.address;
}

Address6 slots_gateway6(const Segment *segment, guint32 slot)
{
    return number6(slots_prefix6(segment, slot), 1);
}

Address6 slots_resolver6(const Segment *segment)
{
    Prefix6 prefix = {segment->subnet6_address,
                      (guint8)MIN(segment->subnet6_length, NETWORK6_BITS)};

    return number6(prefix, 1);
}

Address6 slots_address6(const Segment *segment, guint32 slot)
{
    return number6(slots_prefix6(segment, slot),
                   segment->kind == SEGMENT_ROUTED
                       ? 2
                       : segment->pool_offset + slot);
}
