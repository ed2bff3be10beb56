/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/registry_file.h"

#include "base/checksum.h"
#include "pool/file_at.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * The header says whose file it is. Where it does not fit (another boot,
 * another namespace, another version, noise) there is nothing in the file.
 * Numbers are in the machine's own order: the file never leaves it.
 */

#define MAGIC      "tapster" /* and its NUL */
#define MAGIC_SIZE 8

/* magic and version stand at the same place in every version there will be. */
typedef struct {
    char magic[MAGIC_SIZE];
    guint32 version;
    guint32 layout; /* sizeof(RegistryNetwork): of this build */
    RegistryPlace place;
    guint32 checksum; /* of all above */
    guint32 generation;
    guint32 generation_inverted; /* ~generation, or neither counts */
} Header;

G_STATIC_ASSERT(sizeof(Header) <= REGISTRY_HEADER_SIZE);

bool registry_file_write(int fd, const void *buffer, gsize size, guint64 offset,
                         GError **error)
{
    return file_at_write(fd, buffer, size, offset,
                         "write the registry of networks", error);
}

static guint32 header_checksum(const Header *header)
{
    return checksum_fnv1a(header, offsetof(Header, checksum));
}

static bool place_equal(const RegistryPlace *a, const RegistryPlace *b)
{
    return memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id)) == 0 &&
           a->netns_cookie == b->netns_cookie;
}

/* True if the file is a registry of this version, and of @place unless that is
 * NULL. */
static bool read_header(int fd, const RegistryPlace *place, Header *ret_header)
{
    Header header;

    if (file_at_read(fd, &header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header.magic, MAGIC, MAGIC_SIZE) != 0 ||
        header.version != REGISTRY_VERSION ||
        header.layout != sizeof(RegistryNetwork) ||
        header.checksum != header_checksum(&header) ||
        (place != NULL && !place_equal(place, &header.place))) {
        return false;
    }
    *ret_header = header;
    return true;
}

bool registry_file_fits(int fd, const RegistryPlace *place)
{
    Header header;

    return read_header(fd, place, &header);
}

bool registry_prepare(int fd, const RegistryPlace *place, GError **error)
{
    Header header;
    gsize size;
    int saved_errno;

    if (read_header(fd, place, &header)) {
        return true;
    }

    memset(&header, 0, sizeof(header));
    size = file_at_read(fd, &header, sizeof(header), 0);
    if (size >= offsetof(Header, layout) &&
        memcmp(header.magic, MAGIC, MAGIC_SIZE) == 0 &&
        header.version > REGISTRY_VERSION) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         "the registry of networks is of version %u, written "
                         "by a newer tapster; this one knows version %u: use "
                         "the newer one, or stop all guests and remove the "
                         "file",
                         header.version, REGISTRY_VERSION);
    }

    /* Emptied in place: tapster-dhcp holds this very file open. */
    if (ftruncate(fd, 0) < 0) {
        saved_errno = errno;
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "empty the registry of networks");
    }
    memset(&header, 0, sizeof(header));
    memcpy(header.magic, MAGIC, MAGIC_SIZE);
    header.version = REGISTRY_VERSION;
    header.layout = sizeof(RegistryNetwork);
    memcpy(header.place.boot_id, place->boot_id, sizeof(place->boot_id));
    header.place.netns_cookie = place->netns_cookie;
    header.checksum = header_checksum(&header);
    header.generation_inverted = ~header.generation;
    return registry_file_write(fd, &header, sizeof(header), 0, error);
}

guint32 registry_generation(int fd, const RegistryPlace *place)
{
    Header header;

    if (!read_header(fd, place, &header) ||
        header.generation_inverted != ~header.generation) {
        return 0;
    }
    return header.generation;
}

bool registry_set_generation(int fd, guint32 generation, GError **error)
{
    guint32 both[2] = {generation, ~generation};

    G_STATIC_ASSERT(offsetof(Header, generation_inverted) ==
                    offsetof(Header, generation) + sizeof(both[0]));
    return registry_file_write(fd, both, sizeof(both),
                               offsetof(Header, generation), error);
}
