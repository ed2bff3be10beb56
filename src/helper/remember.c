/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/remember.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBNETS_DIRECTORY "subnets"
#define FENCE_FILE        "fence"
#define TEXT_MAX          (64u << 10)

/* Reads a small text. Returns: (transfer full) (nullable) */
static char *load_text(int directory_fd, const char *name)
{
    autofd fd = openat(directory_fd, name,
                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *text = g_malloc(TEXT_MAX + 1);
    ssize_t size = fd < 0 ? -1 : read(fd, text, TEXT_MAX);

    if (size < 0) {
        return NULL;
    }
    text[size] = '\0';
    return g_steal_pointer(&text);
}

/* Writes beside and renames, so that a reader finds the old or the new. */
static bool save_text(int directory_fd, const char *name, const char *text,
                      int *ret_errno)
{
    g_autofree char *beside = g_strdup_printf("%s.%d", name, (int)getpid());
    autofd fd =
        openat(directory_fd, beside,
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t size = (ssize_t)strlen(text);

    if (fd >= 0 && write(fd, text, (gsize)size) == size &&
        renameat(directory_fd, beside, directory_fd, name) == 0) {
        return true;
    }
    *ret_errno = errno;
    (void)unlinkat(directory_fd, beside, 0);
    return false;
}

static int open_subnets(int state_fd)
{
    if (state_fd < 0) {
        return -1;
    }
    if (mkdirat(state_fd, SUBNETS_DIRECTORY, 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    return openat(state_fd, SUBNETS_DIRECTORY,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

Prefix4 remember_load_subnet(int state_fd, const char *network)
{
    autofd directory = open_subnets(state_fd);
    g_autofree char *text = directory < 0 ? NULL : load_text(directory, network);
    Prefix4 subnet = {0};

    if (text) {
        g_strchomp(text);
        if (!address_parse_prefix4(text, &subnet, NULL)) {
            return (Prefix4){0};
        }
    }
    return subnet;
}

void remember_save_subnet(int state_fd, const Segment *segment)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};
    Prefix4 before = remember_load_subnet(state_fd, segment->name);
    autofd directory = open_subnets(state_fd);
    int ignored_errno;

    if (directory < 0 || subnet.length == 0 ||
        (before.address == subnet.address && before.length == subnet.length)) {
        return;
    }
    g_autofree char *text =
        g_strdup_printf("%s\n", address_format_prefix4(subnet).text);
    (void)save_text(directory, segment->name, text, &ignored_errno);
}

GArray *remember_load_fence(int run_fd)
{
    g_autofree char *text = load_text(run_fd, FENCE_FILE);

    if (!text) {
        return NULL;
    }
    GArray *fenced = g_array_new(FALSE, TRUE, sizeof(Ifname));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        Ifname name;

        if (**line && ifname_parse(*line, &name, NULL)) {
            g_array_append_val(fenced, name);
        }
    }
    return fenced;
}

bool remember_save_fence(int run_fd, GArray *fenced, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int saved_errno = 0;

    for (guint i = 0; i < fenced->len; i++) {
        g_string_append_printf(text, "%s\n",
                               g_array_index(fenced, Ifname, i).name);
    }
    if (!save_text(run_fd, FENCE_FILE, text->str, &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "write down the forwarding fence");
    }
    return true;
}

void remember_drop_fence(int run_fd)
{
    (void)unlinkat(run_fd, FENCE_FILE, 0);
}
