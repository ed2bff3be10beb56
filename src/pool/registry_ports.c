/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/checksum.h"
#include "pool/file_at.h"
#include "pool/registry_file.h"

#include <string.h>

/*
 * The ports file: a table without a header, one record of 128 bytes a slot. A
 * record counts while the interface lives whose index it names, and the
 * kernel does not give an index out twice before all others were used (Linux
 * net/core/dev.c, dev_index_reserve()).
 */

#define PORT_SIZE 128

typedef union {
    struct {
        guint32 checksum; /* of all below */
        gint32 ifindex;
        guint32 length;
        char hostname[REGISTRY_HOSTNAME_MAX + 1];
    } body;
    guint8 bytes[PORT_SIZE];
} PortRecord;

G_STATIC_ASSERT(sizeof(PortRecord) == PORT_SIZE);

static guint32 port_checksum(const PortRecord *record)
{
    return checksum_fnv1a(record->bytes + sizeof(record->body.checksum),
                          sizeof(*record) - sizeof(record->body.checksum));
}

bool registry_put_port(int ports_fd, guint32 index, int ifindex,
                       const char *hostname, GError **error)
{
    gsize length = strlen(hostname);
    PortRecord record = {0};

    if (ifindex <= 0 || length > REGISTRY_HOSTNAME_MAX) {
        return error_set(error, TAPSTER_ERROR_INTERNAL,
                         "a port's record is not as it should be");
    }
    record.body.ifindex = ifindex;
    record.body.length = (guint32)length;
    memcpy(record.body.hostname, hostname, length);
    record.body.checksum = port_checksum(&record);
    return registry_file_write(ports_fd, &record, sizeof(record),
                               (guint64)index * PORT_SIZE, error);
}

bool registry_find_port(int ports_fd, guint32 index, int ifindex,
                        char ret_hostname[REGISTRY_HOSTNAME_MAX + 1])
{
    PortRecord record;

    if (ifindex <= 0 ||
        file_at_read(ports_fd, &record, sizeof(record),
                           (guint64)index * PORT_SIZE) != sizeof(record) ||
        record.body.ifindex != ifindex ||
        record.body.length > REGISTRY_HOSTNAME_MAX ||
        record.body.checksum != port_checksum(&record)) {
        return false;
    }
    memcpy(ret_hostname, record.body.hostname, record.body.length);
    ret_hostname[record.body.length] = '\0';
    return true;
}
