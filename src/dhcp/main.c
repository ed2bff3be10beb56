/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * tapster-dhcp: gives the guests of this network namespace their addresses. It
 * is started by tapster-helper with the first port and ends by itself after the
 * last one. Everything that takes a right happens before resident_confine(), no
 * byte of a guest's is read before it.
 */

#include "base/number.h"
#include "dhcp/dhcp_resident.h"
#include "services/resident.h"
#include "services/services_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OPTION_DIRECTORY    "--directory="
#define OPTION_DIRECTORY_FD "--directory-fd="
#define OPTION_IDLE         "--idle-seconds="
#define OPTION_TICK         "--tick-seconds="
#define IDLE_S              600
#define IDLE_MAX_S          (24 * 60 * 60)
#define FD_MAX              1024

typedef struct {
    const char *directory;
    guint64 directory_fd;
    guint64 idle_s;
    guint64 tick_s;
} Arguments;

/* Takes an argument if it is this option's. Returns: false if its value is none. */
static bool take_number(const char *text, const char *option, guint64 least,
                        guint64 most, guint64 *value, bool *known, GError **error)
{
    if (*known || !g_str_has_prefix(text, option)) {
        return true;
    }
    *known = true;
    return number_parse(text + strlen(option), least, most, value, error);
}

static bool read_arguments(int argc, char **argv, Arguments *arguments,
                           GError **error)
{
    bool known = true;

    for (int i = 1; i < argc && known; i++) {
        const char *text = argv[i];

        known = g_str_has_prefix(text, OPTION_DIRECTORY);
        if (known) {
            arguments->directory = text + strlen(OPTION_DIRECTORY);
        }
        if (!take_number(text, OPTION_DIRECTORY_FD, 3, FD_MAX,
                         &arguments->directory_fd, &known, error) ||
            !take_number(text, OPTION_IDLE, 1, IDLE_MAX_S, &arguments->idle_s,
                         &known, error) ||
            !take_number(text, OPTION_TICK, 1, SERVICES_HEARTBEAT_S,
                         &arguments->tick_s, &known, error)) {
            return false;
        }
    }
    if (!known ||
        (arguments->directory_fd == 0) == (arguments->directory == NULL)) {
        return error_set(
            error, TAPSTER_ERROR_USAGE,
            "tapster-helper starts this program, with " OPTION_DIRECTORY
            "PATH or " OPTION_DIRECTORY_FD "N [" OPTION_IDLE "N]");
    }
    return true;
}

static bool open_directory(const Arguments *arguments, int *ret_fd, GError **error)
{
    int saved_errno;

    *ret_fd = (int)arguments->directory_fd;
    if (arguments->directory == NULL) {
        return true;
    }
    *ret_fd = open(arguments->directory,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    saved_errno = errno;
    return *ret_fd >= 0 ||
           error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "open '%s' (tapster-helper makes it)",
                           arguments->directory);
}

static bool run(const Arguments *arguments, GError **error)
{
    /* It ends within a few signs of life after its time. */
    guint64 tick_s = MIN(arguments->tick_s, MAX(arguments->idle_s / 10, 1));
    DhcpResident resident;
    ResidentUser user;
    bool is_needed;
    int directory_fd;

    if (!open_directory(arguments, &directory_fd, error) ||
        !dhcp_resident_open(directory_fd, (guint)arguments->idle_s,
                            (guint)tick_s, &resident, &is_needed, error)) {
        return false;
    }
    if (!is_needed) {
        return true;
    }
    user = resident_find_user();
    return resident_confine(&user, 0, error) &&
           dhcp_resident_take_over(&resident, error) &&
           dhcp_resident_run(&resident, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Arguments arguments = {.idle_s = IDLE_S, .tick_s = SERVICES_HEARTBEAT_S};

    if (!read_arguments(argc, argv, &arguments, &error) ||
        !run(&arguments, &error)) {
        fprintf(stderr, "tapster-dhcp: %s\n", error->message);
    }
    return error_exit_status(error);
}
