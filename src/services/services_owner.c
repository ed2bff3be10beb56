/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_owner.h"

#include "base/fd.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* In the making no longer than that. */
#define YOUNG_S 10

bool services_owner_parse(const char *text, ServicesOwner *ret_owner)
{
    const char *line = strstr(text, "\n# ");
    ServicesOwner owner = {0};
    char tap[IFNAMSIZ];
    char number[12];
    char word[16];
    guint64 ifindex;
    int found;

    if (line == NULL) {
        return false;
    }
    found = sscanf(line, "\n# %15s %11s %15s", tap, number, word);
    if (found < 2 || !number_parse(number, 1, G_MAXINT, &ifindex, NULL) ||
        !ifname_parse(tap, &owner.tap, NULL)) {
        return false;
    }
    owner.ifindex = (int)ifindex;
    owner.has_word = found == 3;
    *ret_owner = owner;
    return true;
}

static bool read_file(int directory_fd, const char *name,
                      ServicesOwner *ret_owner, time_t *ret_modified)
{
    autofd fd = openat(directory_fd, name,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[SERVICES_OWNER_FILE_MAX];
    struct stat status;
    ssize_t size;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return false;
    }
    *ret_modified = status.st_mtim.tv_sec;
    size = S_ISREG(status.st_mode) ? pread(fd, text, sizeof(text) - 1, 0) : 0;
    if (size < 0) {
        return false;
    }
    text[size] = '\0';
    errno = EBADMSG;
    return services_owner_parse(text, ret_owner);
}

bool services_owner_read(int directory_fd, const char *name,
                         ServicesOwner *ret_owner)
{
    time_t modified;

    return read_file(directory_fd, name, ret_owner, &modified);
}

/* False also for what is not there. */
static bool is_dead(int directory_fd, const char *name, ServiceNameLive is_live,
                    gpointer data)
{
    time_t modified = 0;
    ServicesOwner owner;
    struct timespec now;

    if (read_file(directory_fd, name, &owner, &modified)) {
        return !is_live(owner.tap.name, owner.ifindex, data);
    }
    return errno == EBADMSG && clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
           now.tv_sec - modified > YOUNG_S;
}

bool services_owner_remove(int directory_fd, const char *name,
                           ServiceNameLive is_live, gpointer data)
{
    /* dnsmasq passes over names that begin with a dot. */
    char aside[32];

    (void)snprintf(aside, sizeof(aside), ".aside-%d", (int)getpid());
    if (!is_dead(directory_fd, name, is_live, data)) {
        return faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
               errno == ENOENT;
    }
    if (renameat(directory_fd, name, directory_fd, aside) < 0) {
        return errno == ENOENT;
    }
    if (!is_dead(directory_fd, aside, is_live, data)) {
        (void)renameat2(directory_fd, aside, directory_fd, name,
                        RENAME_NOREPLACE);
        (void)unlinkat(directory_fd, aside, 0);
        return false;
    }
    return unlinkat(directory_fd, aside, 0) == 0;
}
