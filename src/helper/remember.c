/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/remember.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One line each, in the words that people would use. A line that cannot be read
 * is passed over.
 */

#define SUBNETS_DIRECTORY "subnets"
#define TEXT_MAX          (64u << 10)

static const char *const list_files[] = {
    [REMEMBER_FENCE] = "fence",
    [REMEMBER_FENCE6] = "fence6",
};

/* "eth0 listened", "default listened forwarded" */
#define FORWARDING6_FILE "forwarding6"
#define LISTENED         "listened"
#define FORWARDED        "forwarded"

/* Reads a small text. Returns: (transfer full) (nullable): its lines */
static char **load_lines(int directory_fd, const char *name)
{
    autofd fd = openat(directory_fd, name,
                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *text = g_malloc(TEXT_MAX + 1);
    ssize_t size = fd < 0 ? -1 : read(fd, text, TEXT_MAX);

    if (size < 0) {
        return NULL;
    }
    text[size] = '\0';
    return g_strsplit(text, "\n", -1);
}

bool remember_replace(int directory_fd, const char *name, const void *bytes,
                      gsize size, int *ret_errno)
{
    g_autofree char *beside = g_strdup_printf("%s.%d", name, (int)getpid());
    /* One that is there was left by one of this number that was killed. */
    autofd fd =
        openat(directory_fd, beside,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t written = -1;

    *ret_errno = errno;
    if (fd >= 0) {
        written = write(fd, bytes, size);
        *ret_errno = written < 0 ? errno : EIO;
    }
    if (written == (ssize_t)size) {
        if (renameat(directory_fd, beside, directory_fd, name) == 0) {
            return true;
        }
        *ret_errno = errno;
    }
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

void remember_load_subnets(int state_fd, const char *network,
                           Prefix4 *ret_subnet, Prefix6 *ret_subnet6)
{
    autofd directory = open_subnets(state_fd);
    g_auto(GStrv) lines = directory < 0 ? NULL : load_lines(directory, network);

    *ret_subnet = (Prefix4){0};
    *ret_subnet6 = (Prefix6){0};
    for (char **line = lines; line && *line; line++) {
        /* What fails leaves what was there. */
        if (!address_parse_prefix4(*line, ret_subnet, NULL) &&
            !address_parse_prefix6(*line, ret_subnet6, NULL)) {
            continue;
        }
    }
}

void remember_save_subnets(int state_fd, const Segment *segment)
{
    Prefix4 subnet = {segment->subnet_address, (guint8)segment->subnet_length};
    Prefix6 subnet6 = {segment->subnet6_address,
                       (guint8)segment->subnet6_length};
    Prefix4 before;
    Prefix6 before6;
    autofd directory = open_subnets(state_fd);
    g_autoptr(GString) text = g_string_new(NULL);
    int ignored_errno;

    remember_load_subnets(state_fd, segment->name, &before, &before6);
    subnet = subnet.length ? subnet : before;
    subnet6 = subnet6.length ? subnet6 : before6;
    if (directory < 0 ||
        (before.address == subnet.address && before.length == subnet.length &&
         before6.length == subnet6.length &&
         memcmp(&before6.address, &subnet6.address, sizeof(Address6)) == 0)) {
        return;
    }
    if (subnet.length) {
        g_string_append_printf(text, "%s\n", address_format_prefix4(subnet).text);
    }
    if (subnet6.length) {
        g_string_append_printf(text, "%s\n",
                               address_format_prefix6(&subnet6).text);
    }
    if (!remember_replace(directory, segment->name, text->str, text->len,
                          &ignored_errno)) {
        return;
    }
}

GArray *remember_load_list(int run_fd, RememberList which)
{
    g_auto(GStrv) lines = load_lines(run_fd, list_files[which]);

    if (!lines) {
        return NULL;
    }
    GArray *links = g_array_new(FALSE, TRUE, sizeof(Ifname));

    for (char **line = lines; *line; line++) {
        Ifname name;

        if (**line && ifname_parse(*line, &name, NULL)) {
            g_array_append_val(links, name);
        }
    }
    return links;
}

bool remember_save_list(int run_fd, RememberList which, const GArray *links,
                        GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int saved_errno = 0;

    for (guint i = 0; i < links->len; i++) {
        g_string_append_printf(text, "%s\n",
                               g_array_index(links, Ifname, i).name);
    }
    if (!remember_replace(run_fd, list_files[which], text->str, text->len,
                          &saved_errno)) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "write down '%s', the interfaces of the "
                               "forwarding fence", list_files[which]);
    }
    return true;
}

GArray *remember_load_forwarding6(int run_fd)
{
    g_auto(GStrv) lines = load_lines(run_fd, FORWARDING6_FILE);

    if (!lines) {
        return NULL;
    }
    GArray *links = g_array_new(FALSE, TRUE, sizeof(Forwarding6Link));

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", -1);
        Forwarding6Link link = {0};

        if (words[0] && ifname_parse(words[0], &link.name, NULL)) {
            link.listened = g_strv_contains((const char *const *)words, LISTENED);
            link.forwarded =
                g_strv_contains((const char *const *)words, FORWARDED);
            g_array_append_val(links, link);
        }
    }
    return links;
}

bool remember_save_forwarding6(int run_fd, const GArray *links, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int saved_errno = 0;

    for (guint i = 0; i < links->len; i++) {
        const Forwarding6Link *link = &g_array_index(links, Forwarding6Link, i);

        g_string_append_printf(text, "%s%s%s\n", link->name.name,
                               link->listened ? " " LISTENED : "",
                               link->forwarded ? " " FORWARDED : "");
    }
    return remember_replace(run_fd, FORWARDING6_FILE, text->str, text->len,
                            &saved_errno) ||
           error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "write down which interfaces listen to routers");
}

void remember_drop_forwarding6(int run_fd)
{
    (void)unlinkat(run_fd, FORWARDING6_FILE, 0);
}

void remember_drop_list(int run_fd, RememberList which)
{
    (void)unlinkat(run_fd, list_files[which], 0);
}
