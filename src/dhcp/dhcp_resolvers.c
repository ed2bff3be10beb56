/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_resolvers.h"

#include "base/address.h"
#include "base/fd.h"

#include <fcntl.h>
#include <string.h>

#define SIZE_MAX_READ 16384
#define WHITE_SPACE   " \t\r"

static const char *const paths[] = {
    "/etc/resolv.conf",
    /* systemd-resolved.service(8): the uplinks' servers */
    "/run/systemd/resolve/resolv.conf",
};

G_STATIC_ASSERT(G_N_ELEMENTS(paths) ==
                G_N_ELEMENTS(((const DhcpResolvers *)NULL)->files));

/* Not 0/8, which resolv.conf(5) takes for this host, nor 127/8, nor multicast
 * and what is above it. */
static bool is_of_use(guint32 address)
{
    guint32 first = address >> 24;

    return first != 0 && first != 127 && first < 224;
}

static bool parse_line(char *line, guint32 *ret_address)
{
    char *rest = line;
    const char *keyword = strsep(&rest, WHITE_SPACE);

    if (strcmp(keyword, "nameserver") != 0 || rest == NULL) {
        return false;
    }
    rest += strspn(rest, WHITE_SPACE);
    rest[strcspn(rest, WHITE_SPACE)] = '\0';
    return address_parse_ipv4(rest, ret_address, NULL) && is_of_use(*ret_address);
}

guint32 dhcp_resolvers_parse(const char *text, gsize size,
                             guint32 dns[NETWORK_DNS_MAX])
{
    g_autofree char *copy = g_strndup(text, size);
    char *rest = copy;
    char *line;
    guint32 count = 0;

    while (count < NETWORK_DNS_MAX && (line = strsep(&rest, "\n")) != NULL) {
        guint32 address;

        if (parse_line(line, &address)) {
            dns[count++] = address;
        }
    }
    return count;
}

static FileIdentity identify(const char *path)
{
    FileIdentity identity = {0};
    struct stat status;

    if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        identity.device = status.st_dev;
        identity.inode = status.st_ino;
        identity.size = (guint64)status.st_size;
        identity.modified_ns =
            status.st_mtim.tv_sec * (gint64)1000000000 + status.st_mtim.tv_nsec;
        identity.changed_ns =
            status.st_ctim.tv_sec * (gint64)1000000000 + status.st_ctim.tv_nsec;
    }
    return identity;
}

static void load(const char *path, DhcpResolvers *resolvers)
{
    g_autofree char *text = g_malloc(SIZE_MAX_READ);
    autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, SIZE_MAX_READ);

    resolvers->n_dns =
        size > 0 ? dhcp_resolvers_parse(text, (gsize)size, resolvers->dns) : 0;
}

void dhcp_resolvers_refresh(DhcpResolvers *resolvers)
{
    bool changed = false;

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        FileIdentity now = identify(paths[i]);

        if (!file_identity_equal(&now, &resolvers->files[i])) {
            resolvers->files[i] = now;
            changed = true;
        }
    }
    if (!changed) {
        return;
    }
    resolvers->n_dns = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(paths) && resolvers->n_dns == 0; i++) {
        load(paths[i], resolvers);
    }
}
