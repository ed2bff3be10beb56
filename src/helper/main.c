/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "helper/acquire.h"
#include "helper/environment.h"
#include "helper/handover.h"
#include "helper/privilege.h"

#include "base/fd.h"

#include <malloc.h>
#include <stdio.h>

/*
 * tapster-helper: hands a tap of a network to a hypervisor.
 *
 * Security goal: a user who may run this program gains nothing but taps,
 * addresses and port forwards that a root-owned network file grants to that
 * user; whatever they pass in argv, environment, descriptors, limits, signals
 * or JSON.
 *
 * Standard output may be the hypervisor's own protocol and is written to only
 * for --help and --version, which no hypervisor asks for.
 */

static bool start_vm_port(const Request *request, GPtrArray *warnings,
                          GError **error)
{
    g_autoptr(Caller) caller = NULL;
    autofd tap_fd = -1;

    if (environment_reset(request->fd, error) &&
        handover_check(request->fd, error) && privilege_begin(&caller, error) &&
        acquire_port(request, caller, &tap_fd, warnings, error) &&
        privilege_finish(caller, error) &&
        handover_send(request->fd, tap_fd, error)) {
        return true;
    }
    /* What is printed is printed as the caller: to whatever file they opened,
     * or to a full pipe, where we may wait for ever and they must be able to
     * kill us, and are to be counted among their processes. */
    privilege_abandon(caller);
    return false;
}

static int report(const GPtrArray *warnings, const GError *error)
{
    for (guint i = 0; i < warnings->len; i++) {
        (void)fprintf(stderr, "tapster-helper: warning: %s\n",
                      (const char *)warnings->pdata[i]);
    }
    if (error) {
        (void)fprintf(stderr, "tapster-helper: %s\n", error->message);
    }
    return error_exit_status(error);
}

int main(int argc, char **argv)
{
    /* One system call for the heap of a whole start instead of five. */
    (void)mallopt(M_TOP_PAD, 512 << 10);

    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    Request request;

    if (!request_parse(argc, argv, &request, &error)) {
        privilege_abandon(NULL);
        return report(warnings, error);
    }
    if (request.help || request.version) {
        privilege_abandon(NULL);
    }
    if (request.help) {
        (void)fputs(request_usage, stdout);
        return 0;
    }
    if (request.version) {
        (void)puts("tapster-helper " TAPSTER_VERSION);
        return 0;
    }
    (void)start_vm_port(&request, warnings, &error);
    return report(warnings, error);
}
