/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/process.h"

#include "base/fd.h"
#include "base/quote.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Whose a socket is. A process may have gone, or be another by the same number,
 * before the message is read: nothing is done with the answer but to print it.
 */

/* Takes @descriptors_fd over. */
static bool has_socket(int descriptors_fd, const char *wanted)
{
    DIR *directory = fdopendir(descriptors_fd);
    struct dirent *entry;
    bool found = false;

    if (!directory) {
        close(descriptors_fd);
        return false;
    }
    while (!found && (entry = readdir(directory))) {
        char target[64];
        ssize_t size = readlinkat(descriptors_fd, entry->d_name, target,
                                  sizeof(target) - 1);

        if (size > 0) {
            target[size] = '\0';
            found = strcmp(target, wanted) == 0;
        }
    }
    closedir(directory);
    return found;
}

/* (transfer full): "nginx (process 4711)" */
static char *describe(int process_fd, const char *pid)
{
    autofd fd = openat(process_fd, "comm", O_RDONLY | O_CLOEXEC);
    char name[64] = "";
    ssize_t size = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

    name[MAX(size, 0)] = '\0';
    g_strchomp(name);

    g_autofree char *quoted = quote_text(name);

    return g_strdup_printf("%s (process %s)", quoted, pid);
}

char *process_find_socket(guint32 inode)
{
    g_autofree char *wanted = g_strdup_printf("socket:[%u]", inode);
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    char *found = NULL;

    while (processes && !found && (entry = readdir(processes))) {
        if (!g_ascii_isdigit(entry->d_name[0])) {
            continue;
        }
        autofd process_fd = openat(dirfd(processes), entry->d_name,
                                   O_PATH | O_DIRECTORY | O_CLOEXEC);
        int descriptors_fd = openat(process_fd, "fd",
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (descriptors_fd >= 0 && has_socket(descriptors_fd, wanted)) {
            found = describe(process_fd, entry->d_name);
        }
    }
    if (processes) {
        closedir(processes);
    }
    return found;
}
