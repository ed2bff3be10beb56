/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/sweep_request.h"

#include "base/number.h"
#include "base/quote.h"

#include <string.h>

/*
 * The command line of tapster-sweep: as of tapster-helper's, options are one word.
 */

#define SECONDS_MAX (365u * 24 * 3600)

const char sweep_request_usage[] =
    "usage: tapster-sweep [--tap=NAME] [--idle-seconds=N]\n"
    "       tapster-sweep --version | --help\n"
    "\n"
    "Removes what VMs that have ended left behind on this host: forwards, names,\n"
    "connections. With --idle-seconds, also takes networks down that have had no\n"
    "VM for so long. As root, in the network namespace that is meant.\n"
    "\n"
    "See tapster-sweep(8).\n";

static bool parse_tap(const char *name, SweepRequest *request, GError **error)
{
    g_autoptr(GError) fault = NULL;

    if (!ifname_parse(name, &request->tap, &fault)) {
        return error_set(error, TAPSTER_ERROR_USAGE, "--tap: %s", fault->message);
    }
    request->one_tap = true;
    return true;
}

static bool parse_idle(const char *text, SweepRequest *request, GError **error)
{
    g_autoptr(GError) fault = NULL;
    guint64 seconds = 0;

    if (!number_parse(text, 0, SECONDS_MAX, &seconds, &fault)) {
        return error_set(error, TAPSTER_ERROR_USAGE, "--idle-seconds: %s",
                         fault->message);
    }
    request->idle_s = (guint32)seconds;
    request->take_down = true;
    return true;
}

bool sweep_request_parse(int argc, char **argv, SweepRequest *ret_request,
                         GError **error)
{
    SweepRequest request = {0};

    for (int i = 1; i < argc; i++) {
        bool sound = true;

        if (strcmp(argv[i], "--help") == 0) {
            request.help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            request.version = true;
        } else if (g_str_has_prefix(argv[i], "--tap=")) {
            sound = parse_tap(argv[i] + strlen("--tap="), &request, error);
        } else if (g_str_has_prefix(argv[i], "--idle-seconds=")) {
            sound = parse_idle(argv[i] + strlen("--idle-seconds="), &request,
                               error);
        } else {
            g_autofree char *quoted = quote_text(argv[i]);

            return error_set(error, TAPSTER_ERROR_USAGE,
                             "unknown argument %s; try --help", quoted);
        }
        if (!sound) {
            return false;
        }
    }
    if (request.one_tap && request.take_down) {
        return error_set(error, TAPSTER_ERROR_USAGE,
                         "--tap and --idle-seconds do not go together");
    }
    *ret_request = request;
    return true;
}
