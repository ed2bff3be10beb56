/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/dns_launch.h"

#include "base/capability.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLVERS   "/etc/resolv.conf"

guint64 dns_launch_capabilities(const DnsPlace *place)
{
    guint64 names = CAPABILITY_BIT(CAP_NET_BIND_SERVICE);
    char path[sizeof(place->path) + sizeof("/conf")];
    g_autofree char *text = NULL;

    (void)snprintf(path, sizeof(path), "%s/conf", place->path);
    /* Without it dnsmasq will say what is missing. */
    return g_file_get_contents(path, &text, NULL, NULL) &&
                   strstr(text, "\ndhcp-range=") != NULL
               ? names | CAPABILITY_BIT(CAP_NET_RAW) |
                     CAPABILITY_BIT(CAP_NET_ADMIN)
               : names;
}

/* dnsmasq ends at once if the directory that its resolv.conf is in, links
 * followed, is not there, as before systemd-resolved's first start. Then guests
 * have at least each other's names. */
static bool can_watch_resolvers(void)
{
    char target[PATH_MAX];
    ssize_t length = readlink(RESOLVERS, target, sizeof(target) - 1);
    char path[PATH_MAX + sizeof("/etc/")];

    if (length < 0) {
        return true; /* no link; /etc is there */
    }
    target[length] = '\0';
    (void)snprintf(path, sizeof(path), "%s%s", target[0] == '/' ? "" : "/etc/",
                   target);
    return access(dirname(path), X_OK) == 0;
}

static bool set_standard(int lock_fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 &&
           dup2(null_fd, STDOUT_FILENO) >= 0 &&
           dup2(lock_fd, STDERR_FILENO) >= 0;
}

bool dns_launch(const DnsPlace *place, const DnsFiles *files, GError **error)
{
    char name[] = "dnsmasq";
    char foreground[] = "--keep-in-foreground";
    char conf[sizeof(place->path) + 32];
    char no_resolvers[] = "--no-resolv";
    char *arguments[] = {name, foreground, conf, NULL, NULL};
    char *const environment[] = {NULL};
    int saved_errno;

    (void)snprintf(conf, sizeof(conf), "--conf-file=%s/conf", place->path);
    if (!can_watch_resolvers()) {
        arguments[3] = no_resolvers;
    }
    /* A group of its own, by which it is ended with its children; EPERM if it
     * leads one. A SIGHUP that comes before its handler is there ends it not. */
    (void)setpgid(0, 0);
    (void)signal(SIGHUP, SIG_IGN);
    (void)umask(077);
    if (set_standard(files->lock_fd)) {
        execve(TAPSTER_DNSMASQ_PATH, arguments, environment);
    }
    saved_errno = errno;
    return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           TAPSTER_DNSMASQ_PATH);
}
