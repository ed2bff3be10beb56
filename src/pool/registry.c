/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/registry.h"

#include "base/checksum.h"
#include "base/quote.h"
#include "pool/file_at.h"
#include "pool/registry_file.h"
#include "pool/slots.h"

#include <string.h>
#include <sys/stat.h>

/*
 * The file: a header of 1024 bytes, then a hash table of 512 records of 2048
 * bytes, twice as many as there may be networks, so that a look-up is one or
 * two reads. It is sparse: what was never written reads as nothing or as zeros.
 *
 * A record's home is chosen by the network's tap prefix, which is itself a
 * hash of the name. So the same look-up serves those who know the name and
 * those who know a tap, and two networks whose prefixes clash meet in the same
 * chain. A chain ends at a record that was never used; a removed or unsound one
 * does not end it.
 *
 * Numbers are in the machine's own order: the file never leaves it.
 *
 * Readers take no lock. The writer makes a record's sequence odd, writes the
 * body, then makes it even; the checksum catches what that does not (a writer
 * killed, a page torn, a disk's noise). The checksum guards against accidents:
 * the file is root's, nobody else writes it.
 */

#define RECORD_SIZE   2048
#define TABLE_SIZE    (2 * REGISTRY_NETWORKS_MAX)
#define READ_TRIES    16 /* a write takes 2 µs; so long may one be waited for */
#define FILE_SIZE_MAX (REGISTRY_HEADER_SIZE + (gsize)TABLE_SIZE * RECORD_SIZE)

typedef struct {
    guint32 sequence; /* 0: never used; odd: being written */
    guint32 checksum; /* of all below */
    guint32 used;     /* 0: removed */
    RegistryNetwork network;
} Body;

typedef union {
    Body body;
    guint8 bytes[RECORD_SIZE];
} Record;

G_STATIC_ASSERT(sizeof(Record) == RECORD_SIZE);
/* The layout is what REGISTRY_VERSION stands for: if this fails, raise it and
 * then mend the number. */
G_STATIC_ASSERT(REGISTRY_VERSION == 2 && sizeof(Segment) == 368 &&
                sizeof(NetworkGrants) == 1064);

static guint32 record_checksum(const Record *record)
{
    return checksum_fnv1a(record->bytes + offsetof(Body, used),
                          sizeof(Body) - offsetof(Body, used));
}

static guint64 record_offset(guint32 index)
{
    return REGISTRY_HEADER_SIZE + (guint64)index * RECORD_SIZE;
}

typedef enum {
    RECORD_NEVER_USED,
    RECORD_REMOVED,
    RECORD_UNSOUND,
    RECORD_SOUND,
} RecordState;

static bool text_ends(const char *text, gsize size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool grants_are_sane(const NetworkGrants *grants)
{
    bool sane = grants->n_allow <= NETWORK_ALLOW_MAX &&
                grants->n_can_open <= NETWORK_OPEN_MAX &&
                grants->n_reservations <= NETWORK_RESERVATIONS_MAX;

    for (guint i = 0; sane && i < grants->n_can_open; i++) {
        sane = text_ends(grants->can_open[i], NETWORK_OPEN_SIZE);
    }
    return sane;
}

/* Numbers that others use as lengths, and texts that they use as strings. */
static bool network_is_sane(const RegistryNetwork *network)
{
    const Segment *segment = &network->segment;

    return text_ends(segment->name, sizeof(segment->name)) &&
           text_ends(segment->tap_prefix, sizeof(segment->tap_prefix)) &&
           text_ends(segment->domain, sizeof(segment->domain)) &&
           text_ends(segment->uplink_name.name, IFNAMSIZ) &&
           text_ends(segment->bridge.name, IFNAMSIZ) &&
           segment->n_exclude <= NETWORK_EXCLUDE_MAX &&
           segment->n_dns <= NETWORK_DNS_MAX && segment->subnet_length <= 32 &&
           segment->subnet6_length <= 64 &&
           grants_are_sane(&network->grants);
}

static RecordState judge_record(const Record *record)
{
    const Body *body = &record->body;

    if (body->sequence == 0) {
        return RECORD_NEVER_USED;
    }
    if (body->sequence % 2 != 0 || body->checksum != record_checksum(record) ||
        (body->used && !network_is_sane(&body->network))) {
        return RECORD_UNSOUND;
    }
    return body->used ? RECORD_SOUND : RECORD_REMOVED;
}

static RecordState read_record(int fd, guint32 index, Record *record)
{
    RecordState state = RECORD_UNSOUND;

    for (guint i = 0; i < READ_TRIES && state == RECORD_UNSOUND; i++) {
        memset(record, 0, sizeof(*record));
        if (file_at_read(fd, record, sizeof(*record),
                               record_offset(index)) == 0) {
            return RECORD_NEVER_USED;
        }
        state = judge_record(record);
    }
    return state;
}

static guint32 home_of(const char *tap_prefix)
{
    return checksum_fnv1a(tap_prefix, strlen(tap_prefix)) % TABLE_SIZE;
}

/* Finds the sound record of that prefix, and of @name unless that is NULL. */
static bool find_record(int fd, const char *tap_prefix, const char *name,
                        Record *ret_record, guint32 *ret_index)
{
    guint32 home = home_of(tap_prefix);

    for (guint32 i = 0; i < TABLE_SIZE; i++) {
        guint32 index = (home + i) % TABLE_SIZE;
        const Segment *segment = &ret_record->body.network.segment;
        RecordState state = read_record(fd, index, ret_record);

        if (state == RECORD_NEVER_USED) {
            return false;
        }
        if (state == RECORD_SOUND &&
            strcmp(segment->tap_prefix, tap_prefix) == 0 &&
            (name == NULL || strcmp(segment->name, name) == 0)) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

bool registry_find(int fd, const RegistryPlace *place, const char *name,
                   RegistryNetwork *ret_network)
{
    Segment segment;
    Record record;
    guint32 index;

    slots_identify(name, &segment);
    if (!registry_file_fits(fd, place) ||
        !find_record(fd, segment.tap_prefix, name, &record, &index)) {
        return false;
    }
    *ret_network = record.body.network;
    return true;
}

bool registry_find_tap(int fd, const RegistryPlace *place, const char *tap,
                       RegistryNetwork *ret_network, guint32 *ret_slot)
{
    char tap_prefix[SLOTS_PREFIX_LENGTH + 1] = {0};
    Record record;
    guint32 index;
    guint32 slot;

    /* Most names asked for are of interfaces that are not ours. */
    if (strnlen(tap, IFNAMSIZ) <= SLOTS_PREFIX_LENGTH) {
        return false;
    }
    memcpy(tap_prefix, tap, SLOTS_PREFIX_LENGTH);
    if (!registry_file_fits(fd, place) ||
        !find_record(fd, tap_prefix, NULL, &record, &index) ||
        !slots_parse_tap_name(&record.body.network.segment, tap, &slot)) {
        return false;
    }
    *ret_network = record.body.network;
    *ret_slot = slot;
    return true;
}

GArray *registry_load_all(int fd, const RegistryPlace *place)
{
    GArray *networks = g_array_new(FALSE, FALSE, sizeof(RegistryNetwork));
    g_autofree guint8 *bytes = NULL;
    struct stat status;
    gsize size;

    if (!registry_file_fits(fd, place) || fstat(fd, &status) < 0) {
        return networks;
    }
    /* One record more, so that a last one cut short still is in bounds. */
    size = MIN((gsize)MAX(status.st_size, 0), FILE_SIZE_MAX);
    bytes = g_malloc0(size + RECORD_SIZE);
    size = file_at_read(fd, bytes, size, 0);

    for (gsize offset = REGISTRY_HEADER_SIZE; offset < size;
         offset += RECORD_SIZE) {
        Record record;
        RecordState state;

        memcpy(&record, bytes + offset, sizeof(record));
        state = judge_record(&record);
        if (state == RECORD_UNSOUND) {
            /* Perhaps it was being written just then. */
            state = read_record(
                fd, (guint32)((offset - REGISTRY_HEADER_SIZE) / RECORD_SIZE),
                &record);
        }
        if (state == RECORD_SOUND) {
            g_array_append_val(networks, record.body.network);
        }
    }
    return networks;
}

static bool write_record(int fd, guint32 index, Record *record, GError **error)
{
    guint32 odd = record->body.sequence | 1;

    record->body.sequence = odd + 1;
    if (record->body.sequence == 0) { /* wrapped around: 0 means never used */
        record->body.sequence = 2;
    }
    record->body.checksum = record_checksum(record);

    return registry_file_write(fd, &odd, sizeof(odd), record_offset(index),
                               error) &&
           registry_file_write(fd, record->bytes + sizeof(odd),
                               sizeof(*record) - sizeof(odd),
                               record_offset(index) + sizeof(odd), error) &&
           registry_file_write(fd, &record->body.sequence, sizeof(odd),
                               record_offset(index), error);
}

/* The first record of the prefix's chain that a new network may have. */
static bool find_place(int fd, const char *tap_prefix, Record *ret_record,
                       guint32 *ret_index)
{
    guint32 home = home_of(tap_prefix);

    for (guint32 i = 0; i < TABLE_SIZE; i++) {
        guint32 index = (home + i) % TABLE_SIZE;

        if (read_record(fd, index, ret_record) != RECORD_SOUND) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

static bool clashes(const Segment *a, const Segment *b)
{
    return strcmp(a->name, b->name) != 0 &&
           (strcmp(a->tap_prefix, b->tap_prefix) == 0 || a->group == b->group);
}

/* Refuses a clash, and tells where the ports of all other networks end. */
static bool survey(GArray *networks, const Segment *segment,
                   guint64 *ret_ports_end, GError **error)
{
    guint64 ports_end = 0;
    guint n_others = 0;

    for (guint i = 0; i < networks->len; i++) {
        const RegistryNetwork *other =
            &g_array_index(networks, RegistryNetwork, i);

        if (clashes(&other->segment, segment)) {
            g_autofree char *ours = quote_text(segment->name);
            g_autofree char *theirs = quote_text(other->segment.name);

            return error_set(error, TAPSTER_ERROR_CONFLICT,
                             "network %s would have the same interface names "
                             "or group as network %s, which is in use: rename "
                             "one of the two",
                             ours, theirs);
        }
        n_others += strcmp(other->segment.name, segment->name) != 0;
        ports_end = MAX(ports_end, (guint64)other->ports_base +
                                       slots_count(&other->segment));
    }
    if (n_others >= REGISTRY_NETWORKS_MAX) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "%u networks are in use here already: take one down",
                         n_others);
    }
    *ret_ports_end = ports_end;
    return true;
}

bool registry_put(int fd, RegistryNetwork *network, GError **error)
{
    g_autoptr(GArray) networks = registry_load_all(fd, NULL);
    const Segment *segment = &network->segment;
    guint32 ports_base = 0;
    guint64 ports_end = 0;
    Record record;
    guint32 index;
    bool found;

    if (!network_is_sane(network)) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "a network's record is not as it should be");
    }
    if (!survey(networks, segment, &ports_end, error)) {
        return false;
    }

    found = find_record(fd, segment->tap_prefix, segment->name, &record, &index);
    if (found &&
        slots_count(&record.body.network.segment) >= slots_count(segment)) {
        ports_base = record.body.network.ports_base;
    } else if (ports_end + slots_count(segment) > G_MAXUINT32) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "the pools of all networks together are too large");
    } else {
        ports_base = (guint32)ports_end;
    }
    if (!found && !find_place(fd, segment->tap_prefix, &record, &index)) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "no room in the registry of networks");
    }

    network->ports_base = ports_base;
    record.body.used = 1;
    record.body.network = *network;
    return write_record(fd, index, &record, error);
}

bool registry_remove(int fd, const char *name, GError **error)
{
    Segment segment;
    Record record;
    guint32 index;

    slots_identify(name, &segment);
    if (!registry_file_fits(fd, NULL) ||
        !find_record(fd, segment.tap_prefix, name, &record, &index)) {
        return true;
    }
    record.body.used = 0;
    memset(&record.body.network, 0, sizeof(record.body.network));
    return write_record(fd, index, &record, error);
}
