/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * tapster-dhcp: gives the guests of this network namespace their addresses. It
 * is started by tapster-helper with the first port and ends by itself after the
 * last one. Everything that takes a right happens before dhcp_confine(), no
 * byte of a guest's is read before it.
 */

#include "base/number.h"
#include "dhcp/dhcp_confine.h"
#include "dhcp/dhcp_resident.h"

#include <stdio.h>
#include <string.h>

#define OPTION_DIRECTORY "--directory-fd="
#define OPTION_IDLE      "--idle-seconds="
#define IDLE_S           600
#define IDLE_MAX_S       (24 * 60 * 60)
#define FD_MAX           1024

typedef struct {
    guint64 directory_fd;
    guint64 idle_s;
} Arguments;

static bool read_arguments(int argc, char **argv, Arguments *arguments,
                           GError **error)
{
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];

        if (g_str_has_prefix(text, OPTION_DIRECTORY)) {
            if (!number_parse(text + strlen(OPTION_DIRECTORY), 3, FD_MAX,
                              &arguments->directory_fd, error)) {
                return false;
            }
        } else if (g_str_has_prefix(text, OPTION_IDLE)) {
            if (!number_parse(text + strlen(OPTION_IDLE), 1, IDLE_MAX_S,
                              &arguments->idle_s, error)) {
                return false;
            }
        } else {
            arguments->directory_fd = 0;
            break;
        }
    }
    if (arguments->directory_fd == 0) {
        return error_set(
            error, TAPSTER_ERROR_USAGE,
            "tapster-helper starts this program, with " OPTION_DIRECTORY
            "N [" OPTION_IDLE "N]");
    }
    return true;
}

static bool run(const Arguments *arguments, GError **error)
{
    DhcpResident resident;
    bool is_first;

    if (!dhcp_resident_open((int)arguments->directory_fd, (guint)arguments->idle_s,
                            &resident, &is_first, error)) {
        return false;
    }
    if (!is_first) {
        return true;
    }
    return dhcp_confine(error) && dhcp_resident_run(&resident, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Arguments arguments = {.idle_s = IDLE_S};

    if (!read_arguments(argc, argv, &arguments, &error) ||
        !run(&arguments, &error)) {
        fprintf(stderr, "tapster-dhcp: %s\n", error->message);
    }
    return error_exit_status(error);
}
