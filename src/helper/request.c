/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/request.h"

#include "base/number.h"
#include "base/quote.h"

#include <string.h>

/*
 * The command line. Hypervisors send it, so there are few forms of it: every
 * option is one word with '='. getopt and GOption would take abbreviations and
 * separated values, which nobody sends and somebody would come to rely on.
 */

const char request_usage[] =
    "usage: tapster-helper [--use-vnet] --fd=N [--br=NAME]\n"
    "                      [--profile=NAME|FILE] [--network=NAME]\n"
    "       tapster-helper --version | --help\n"
    "\n"
    "Hands a tap of a network to the hypervisor at the other end of socket N.\n"
    "QEMU calls it: -nic bridge,br=nat,helper=THIS-FILE\n"
    "\n"
    "See tapster-helper(8), tapster-network(5), tapster-profile(5).\n";

/* The value if @argument is "NAME=VALUE" with a value that is not empty. */
static const char *value_of(const char *argument, const char *name)
{
    gsize size = strlen(name);

    return strncmp(argument, name, size) == 0 && argument[size] == '=' &&
                   argument[size + 1] != '\0'
               ? argument + size + 1
               : NULL;
}

/* An option that is given twice was written by two people who do not know of
 * each other; guessing which one is meant would hide that. */
static bool take(const char **place, const char *value, const char *option,
                 GError **error)
{
    if (*place) {
        return error_set(error, TAPSTER_ERROR_USAGE, "%s is given twice", option);
    }
    *place = value;
    return true;
}

static bool parse_argument(const char *argument, Request *request,
                           const char **fd, GError **error)
{
    const char *value;

    if (strcmp(argument, "--use-vnet") == 0) {
        request->use_vnet = true;
        return true;
    }
    if (strcmp(argument, "--version") == 0) {
        request->version = true;
        return true;
    }
    if (strcmp(argument, "--help") == 0) {
        request->help = true;
        return true;
    }
    if ((value = value_of(argument, "--fd"))) {
        return take(fd, value, "--fd", error);
    }
    if ((value = value_of(argument, "--br"))) {
        return take(&request->bridge, value, "--br", error);
    }
    if ((value = value_of(argument, "--profile"))) {
        return take(&request->profile, value, "--profile", error);
    }
    if ((value = value_of(argument, "--network"))) {
        return take(&request->network, value, "--network", error);
    }

    g_autofree char *quoted = quote_text(argument);
    return error_set(error, TAPSTER_ERROR_USAGE,
                     "unknown argument %s; try --help", quoted);
}

bool request_parse(int argc, char **argv, Request *ret_request, GError **error)
{
    Request request = {.fd = -1};
    const char *fd = NULL;
    guint64 number = 0;

    for (int i = 1; i < argc; i++) {
        if (!parse_argument(argv[i], &request, &fd, error)) {
            return false;
        }
    }
    if (request.help || request.version) {
        if (fd) {
            return error_set(error, TAPSTER_ERROR_USAGE,
                             "--help and --version go without --fd");
        }
        *ret_request = request;
        return true;
    }
    if (!fd) {
        return error_set(
            error, TAPSTER_ERROR_USAGE,
            "--fd=N is missing: hypervisors start this program, "
            "people use it by -nic bridge,br=nat,helper=THIS-FILE; "
            "try --help");
    }
    if (!number_parse(fd, 3, G_MAXINT, &number, error)) {
        g_prefix_error(error, "--fd: ");
        return false;
    }
    if (!request.bridge && !request.profile && !request.network) {
        return error_set(error, TAPSTER_ERROR_USAGE,
                         "none of --br=NAME, --profile=NAME and "
                         "--network=NAME is given");
    }
    request.fd = (int)number;
    *ret_request = request;
    return true;
}
