/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_unit.h"

#include "base/capability.h"
#include "config.h"
#include "services/services_child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_CHILD 127

static const char *const verbs[] = {
    [SERVICES_UNIT_START] = "start",
    [SERVICES_UNIT_RESTART] = "restart",
    [SERVICES_UNIT_STOP] = "stop",
};

ServicesUnitName services_unit_name(const ServicePlace *place, ServiceKind kind,
                                    const char *network)
{
    ServicesUnitName unit;

    if (kind == SERVICE_DHCP) {
        (void)snprintf(unit.name, sizeof(unit.name),
                       "tapster-dhcp@%" G_GINT64_MODIFIER "x.service",
                       place->netns_cookie);
    } else {
        (void)snprintf(unit.name, sizeof(unit.name),
                       "tapster-dns@%" G_GINT64_MODIFIER "x-%s.service",
                       place->netns_cookie, network);
    }
    return unit;
}

/* /proc/1/ns/net would take CAP_SYS_PTRACE to look at; files of /proc/PID/net are
 * each network namespace's own (Linux fs/proc/proc_net.c). */
static bool is_namespace_of_init(void)
{
    struct stat its;
    struct stat ours;

    return stat("/proc/1/net/dev", &its) == 0 &&
           stat("/proc/self/net/dev", &ours) == 0 &&
           its.st_ino == ours.st_ino && its.st_dev == ours.st_dev;
}

bool services_unit_is_manager(const ServicePlace *place)
{
    struct stat status;

    /* sd_booted(3), less its library. TAPSTER_UNIT_DIR is empty where systemd
     * would not look for our units. */
    return place->netns_cookie != 0 && TAPSTER_UNIT_DIR[0] == '/' &&
           lstat("/run/systemd/system", &status) == 0 &&
           S_ISDIR(status.st_mode) && is_namespace_of_init() &&
           access(TAPSTER_UNIT_DIR "/tapster-dhcp@.service", R_OK) == 0 &&
           access(TAPSTER_SYSTEMCTL_PATH, X_OK) == 0;
}

void services_unit_call(ServicesUnitVerb verb, const ServicesUnitName *unit)
{
    const CapabilitySets none = {0};
    char name[] = "systemctl";
    char no_block[] = "--no-block";
    char quiet[] = "--quiet";
    char verb_text[16];
    ServicesUnitName unit_text = *unit;
    char *const arguments[] = {name,      no_block,       quiet,
                               verb_text, unit_text.name, NULL};
    char *const environment[] = {NULL};

    (void)g_strlcpy(verb_text, verbs[verb], sizeof(verb_text));
    /* systemd grants by uid: sd_bus_query_sender_privilege(3). */
    if (capability_limit(0, NULL) && capability_set_ambient(0, NULL) &&
        capability_disarm_root(NULL) && capability_set(&none, NULL)) {
        execve(TAPSTER_SYSTEMCTL_PATH, arguments, environment);
    }
}

bool services_unit_stop(const ServicePlace *place, ServiceKind kind,
                        const char *network, GError **error)
{
    ServicesUnitName unit = services_unit_name(place, kind, network);
    pid_t child = fork();
    int saved_errno = errno;

    if (child < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "stop %s", unit.name);
    }
    if (child == 0) {
        if (services_child_detach(-1)) {
            services_unit_call(SERVICES_UNIT_STOP, &unit);
        }
        _exit(EXIT_CHILD);
    }
    return services_child_wait(child) ||
           error_set(error, TAPSTER_ERROR_SYSTEM, "systemctl cannot stop %s",
                     unit.name);
}
