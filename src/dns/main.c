/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * tapster-dns: becomes the dnsmasq of one network. tapster-helper starts it with
 * the first port, or systemd does. It reads nothing that a user wrote; what it
 * takes from its command line names files of root's.
 */

#include "base/error.h"
#include "dns/dns_files.h"
#include "dns/dns_launch.h"
#include "services/resident.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPTION_DIRECTORY "--directory="
#define OPTION_NETWORK   "--network="
#define OPTION_INSTANCE  "--instance="

typedef struct {
    const char *directory;
    const char *network;
    const char *instance;
} Arguments;

static bool take_option(const char *argument, const char *option,
                        const char **value)
{
    if (!g_str_has_prefix(argument, option)) {
        return false;
    }
    *value = argument + strlen(option);
    return true;
}

static bool read_arguments(int argc, char **argv, DnsPlace *ret_place,
                           GError **error)
{
    Arguments arguments = {0};
    bool known = true;

    for (int i = 1; i < argc && known; i++) {
        known = take_option(argv[i], OPTION_DIRECTORY, &arguments.directory) ||
                take_option(argv[i], OPTION_NETWORK, &arguments.network) ||
                take_option(argv[i], OPTION_INSTANCE, &arguments.instance);
    }
    if (known && arguments.instance && !arguments.directory &&
        !arguments.network) {
        return dns_place_parse_instance(arguments.instance, ret_place, error);
    }
    if (known && !arguments.instance && arguments.directory && arguments.network) {
        return dns_place_make(arguments.directory, arguments.network, ret_place,
                              error);
    }
    return error_set(
        error, TAPSTER_ERROR_USAGE,
        "tapster-helper starts this program, with " OPTION_DIRECTORY
        "PATH " OPTION_NETWORK "NAME or " OPTION_INSTANCE "NAMESPACE-NAME");
}

static bool run(const DnsPlace *place, GError **error)
{
    ResidentUser user;
    DnsFiles files;
    bool is_first = false;

    if (geteuid() != 0) {
        return error_set(error, TAPSTER_ERROR_SYSTEM,
                         "must be started by root: tapster-helper does, or "
                         "systemctl start tapster-dns@NAMESPACE-NAME");
    }
    user = resident_find_user();
    if (!dns_files_open(place, &user, &files, error) ||
        !resident_confine(&user, dns_launch_capabilities(place), error) ||
        !dns_files_lock(&files, &is_first, error)) {
        return false;
    }
    return !is_first || dns_launch(place, &files, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    DnsPlace place;

    if (!read_arguments(argc, argv, &place, &error) || !run(&place, &error)) {
        fprintf(stderr, "tapster-dns: %s\n", error->message);
    }
    return error_exit_status(error);
}
