/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/forwards.h"

#include "base/checksum.h"
#include "pool/file_at.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The file: a header, and somewhere behind it the records that it leads to; no
 * forwards is no bytes. A new list is written beside the old one and counts from
 * the moment when the header leads to it, so that a writer that is killed leaves
 * the old list. Readers need no lock: what a writer changed under them does not
 * fit its checksum, and is read again. Numbers are in the machine's own order: the
 * file never leaves it.
 */

#define MAGIC        0x77667470 /* "ptfw" */
#define HEADER_SIZE  64
#define READ_TRIES   4
#define PREFIX6_BITS 64

/* The layout is what FORWARDS_VERSION stands for: if this fails, raise it and
 * then mend the number. */
G_STATIC_ASSERT(FORWARDS_VERSION == 1 && sizeof(Forward) == 120);

typedef struct {
    guint32 magic;
    guint32 version;
    guint32 record_size;
    guint32 n_records;
    guint64 offset;
    guint32 records_checksum;
    guint32 checksum; /* of all above */
} Header;

G_STATIC_ASSERT(sizeof(Header) == 32);

#define WRITE_WHAT "write the list of forwards"

static gsize records_size(const Header *header)
{
    return (gsize)header->n_records * sizeof(Forward);
}

static guint32 header_checksum(const Header *header)
{
    return checksum_fnv1a(header, offsetof(Header, checksum));
}

static bool read_header(int fd, Header *ret_header)
{
    Header header;
    guint64 most = (guint64)FORWARDS_MAX * sizeof(Forward);

    if (file_at_read(fd, &header, sizeof(header), 0) != sizeof(header) ||
        header.magic != MAGIC || header.version != FORWARDS_VERSION ||
        header.record_size != sizeof(Forward) ||
        header.n_records > FORWARDS_MAX || header.offset < HEADER_SIZE ||
        header.offset > HEADER_SIZE + 2 * most ||
        header.checksum != header_checksum(&header)) {
        return false;
    }
    *ret_header = header;
    return true;
}

static bool ports_fit(guint16 first, guint16 n_ports)
{
    return first > 0 && n_ports > 0 && first + n_ports - 1 <= G_MAXUINT16;
}

/* Numbers that others use as lengths and texts that they use as strings. */
static bool forward_is_sane(const Forward *forward)
{
    return memchr(forward->tap.name, '\0', sizeof(forward->tap.name)) &&
           memchr(forward->name, '\0', sizeof(forward->name)) &&
           (forward->protocol == IPPROTO_TCP ||
            forward->protocol == IPPROTO_UDP) &&
           (forward->host_family == 0 || forward->host_family == AF_INET ||
            forward->host_family == AF_INET6) &&
           (forward->prefix6.length == 0 ||
            forward->prefix6.length == PREFIX6_BITS) &&
           ports_fit(forward->host_port, forward->n_ports) &&
           ports_fit(forward->guest_port, forward->n_ports);
}

static bool read_records(int fd, const Header *header, GArray *forwards)
{
    gsize size = records_size(header);

    g_array_set_size(forwards, header->n_records);
    if (size > 0 &&
        (file_at_read(fd, forwards->data, size, header->offset) != size ||
         checksum_fnv1a(forwards->data, size) != header->records_checksum)) {
        return false;
    }
    for (guint i = 0; i < forwards->len; i++) {
        if (!forward_is_sane(&g_array_index(forwards, Forward, i))) {
            return false;
        }
    }
    return true;
}

GArray *forwards_load(int fd)
{
    GArray *forwards = g_array_new(FALSE, TRUE, sizeof(Forward));
    Header header;

    for (guint i = 0; i < READ_TRIES && !forwards_is_empty(fd); i++) {
        if (read_header(fd, &header) && read_records(fd, &header, forwards)) {
            return forwards;
        }
    }
    g_array_set_size(forwards, 0);
    return forwards;
}

bool forwards_is_empty(int fd)
{
    struct stat status;

    return fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0;
}

/* Where @size bytes do not touch what the header leads to now. */
static guint64 find_room(int fd, gsize size)
{
    Header before;

    if (!read_header(fd, &before) || HEADER_SIZE + size <= before.offset) {
        return HEADER_SIZE;
    }
    return before.offset + records_size(&before);
}

static bool empty_file(int fd, GError **error)
{
    int result = ftruncate(fd, 0);
    int saved_errno = errno;

    return result == 0 || error_set_errno(error, TAPSTER_ERROR_SYSTEM,
                                          saved_errno, WRITE_WHAT);
}

bool forwards_save(int fd, const GArray *forwards, GError **error)
{
    Header header = {
        .magic = MAGIC,
        .version = FORWARDS_VERSION,
        .record_size = sizeof(Forward),
        .n_records = forwards->len,
    };
    gsize size = records_size(&header);

    if (forwards->len > FORWARDS_MAX) {
        return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                         "%u forwards are in force here already: end a VM that "
                         "has many", FORWARDS_MAX);
    }
    if (forwards->len == 0) {
        return empty_file(fd, error);
    }
    header.offset = find_room(fd, size);
    header.records_checksum = checksum_fnv1a(forwards->data, size);
    header.checksum = header_checksum(&header);
    return file_at_write(fd, forwards->data, size, header.offset, WRITE_WHAT,
                         error) &&
           file_at_write(fd, &header, sizeof(header), 0, WRITE_WHAT, error);
}

void forwards_split(GArray *forwards, ForwardsIsLive is_live, gpointer data,
                    GArray **ret_stale)
{
    GArray *stale = g_array_new(FALSE, TRUE, sizeof(Forward));
    Forward last = {0};
    bool live = false;
    guint n_live = 0;

    for (guint i = 0; i < forwards->len; i++) {
        Forward forward = g_array_index(forwards, Forward, i);

        /* A port's forwards stand side by side, and asking is a system call. */
        if (i == 0 || forward.ifindex != last.ifindex ||
            strcmp(forward.tap.name, last.tap.name) != 0) {
            live = is_live(&forward.tap, forward.ifindex, data);
        }
        last = forward;
        if (live) {
            g_array_index(forwards, Forward, n_live++) = forward;
        } else {
            g_array_append_val(stale, forward);
        }
    }
    g_array_set_size(forwards, n_live);
    *ret_stale = stale;
}

static bool ports_overlap(const Forward *a, const Forward *b)
{
    return a->host_port < b->host_port + b->n_ports &&
           b->host_port < a->host_port + a->n_ports;
}

static bool addresses_overlap(const Forward *a, const Forward *b)
{
    if (a->host_family == 0 || b->host_family == 0) {
        return true;
    }
    if (a->host_family != b->host_family) {
        return false;
    }
    return a->host_family == AF_INET
               ? a->host4 == b->host4
               : memcmp(&a->host6, &b->host6, sizeof(a->host6)) == 0;
}

const Forward *forwards_find_conflict(const GArray *forwards,
                                      const Forward *wanted)
{
    for (guint i = 0; i < forwards->len; i++) {
        const Forward *forward = &g_array_index(forwards, Forward, i);

        if (forward->protocol == wanted->protocol &&
            ports_overlap(forward, wanted) &&
            addresses_overlap(forward, wanted)) {
            return forward;
        }
    }
    return NULL;
}
