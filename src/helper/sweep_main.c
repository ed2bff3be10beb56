/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "helper/environment.h"
#include "helper/site.h"
#include "helper/sweep.h"

#include <stdio.h>
#include <unistd.h>

/*
 * tapster-sweep: sweeps up after VMs that have ended. Started by udev for each tap
 * that goes, by a timer of systemd's, and by root; never setuid, and of no use to
 * anybody else.
 */

static bool sweep(const SweepRequest *request, GError **error)
{
    if (getuid() != 0 || geteuid() != 0) {
        return error_set(error, TAPSTER_ERROR_DENIED, "this is for root alone");
    }
    return environment_reset(STDERR_FILENO, error) && sweep_run(request, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    SweepRequest request = {0};
    bool parsed = sweep_request_parse(argc, argv, &request, &error);

    if (parsed && request.help) {
        (void)fputs(sweep_request_usage, stdout);
    } else if (parsed && request.version) {
        (void)puts("tapster-sweep " TAPSTER_VERSION);
    } else if (parsed && (!request.one_tap || site_names_tap(&request.tap))) {
        (void)!sweep(&request, &error);
    }
    if (error) {
        (void)fprintf(stderr, "tapster-sweep: %s\n", error->message);
    }
    return error_exit_status(error);
}
