/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_place.h"

#include "base/fd.h"
#include "services/services_dns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *const services_place_parts[SERVICES_DNS_PARTS] = {
    "hosts", "hosts6", "dhcp", "leases",
};

ServicesRunPath services_place_run(guint64 netns_cookie)
{
    ServicesRunPath run;

    (void)snprintf(run.path, sizeof(run.path),
                   TAPSTER_RUNSTATEDIR "/%" G_GINT64_MODIFIER "x", netns_cookie);
    return run;
}

ServicesDnsPath services_place_dns(const char *network, const char *part,
                                   const char *name)
{
    ServicesDnsPath dns;

    (void)snprintf(dns.path, sizeof(dns.path),
                   SERVICES_DNS_DIRECTORY "/%.*s%s%s%s%.63s", NETWORK_NAME_MAX,
                   network, part ? "/" : "", part ? part : "", name ? "/" : "",
                   name ? name : "");
    return dns;
}

/* openat2(2) would do this in one call; systemd has it fail with ENOSYS where
 * RestrictSUIDSGID= is set (its filter cannot see the mode), which is so for our
 * units and for all that udev runs. */
int services_place_open(int directory_fd, const char *path, int flags, int mode)
{
    const char *slash = strchr(path, '/');
    gsize length = slash ? (gsize)(slash - path) : strlen(path);
    char part[NAME_MAX + 1];
    autofd fd = -1;

    if (length == 0 || length > NAME_MAX) {
        errno = ENOENT;
        return -1;
    }
    memcpy(part, path, length);
    part[length] = '\0';
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
        errno = EXDEV; /* as RESOLVE_BENEATH has it */
        return -1;
    }
    if (!slash) {
        return openat(directory_fd, part, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    fd = openat(directory_fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -1 : services_place_open(fd, slash + 1, flags, mode);
}
