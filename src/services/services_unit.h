/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "services/services.h"

/*
 * Residents as units of systemd: what a user's start began is then out of their
 * session and cgroup for sure, is restarted when it dies, and its end is seen.
 */

typedef enum {
    SERVICES_UNIT_START,
    SERVICES_UNIT_RESTART,
    SERVICES_UNIT_STOP,
} ServicesUnitVerb;

/* "tapster-dns@COOKIE-NETWORK.service" */
typedef struct {
    char name[96];
} ServicesUnitName;

ServicesUnitName services_unit_name(const ServicePlace *place, ServiceKind kind,
                                    const char *network);

/**
 * services_unit_is_manager:
 *
 * Privilege: none
 * Returns: true if systemd runs this host, its process 1 is in this network
 *   namespace (a unit would run in that one), and it knows our units
 */
bool services_unit_is_manager(const ServicePlace *place);

/**
 * services_unit_call:
 *
 * Replaces this process by "systemctl VERB --no-block UNIT", without any capability
 * beyond what the owner of systemd's socket has.
 *
 * Privilege: uid 0
 * Returns: only if that failed
 */
void services_unit_call(ServicesUnitVerb verb, const ServicesUnitName *unit);

/* As services_stop(), by a child that is waited for: systemctl queues a job and
 * ends. */
bool services_unit_stop(const ServicePlace *place, ServiceKind kind,
                        const char *network, GError **error) must_use;
