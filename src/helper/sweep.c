/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/sweep.h"

#include "helper/former.h"
#include "helper/forwarding.h"
#include "helper/idle.h"
#include "helper/network_up.h"
#include "helper/residents.h"
#include "helper/take_down.h"

/*
 * What is left when a VM ends: the kernel takes the tap with its address and
 * route, and what else names the tap lapses with it. Swept it is all the same, so
 * that a program of the host's gets its port back at once, and a name resolves to
 * nobody's address no longer than need be.
 *
 * Nothing depends on its being run: every start sweeps what is in its way.
 */

/* Keeps the first of several errors. */
static bool note(bool done, GError **first, GError **failure)
{
    if (*failure && first && !*first) {
        g_propagate_error(first, g_steal_pointer(failure));
    }
    g_clear_error(failure);
    return done;
}

static bool sweep_forwards(const Site *site, const Ifname *tap, GError **error)
{
    guint32 verified =
        registry_generation(site->places.registry_fd, &site->place);
    guint32 generation = verified;

    return forwarding_sweep(site, tap, &generation, error) &&
           network_note_generation(site, verified, generation, error);
}

/* tapster-dhcp sees by itself when a tap goes. */
static bool sweep_names(const Site *site, const Segment *segment, GError **error)
{
    bool running = false;

    return services_find(site->places.run_fd, SERVICE_DHCP, "", &running,
                         error) &&
           (running || residents_sweep_names(site, segment, error));
}

static bool sweep_tap(const Site *site, const Ifname *tap, GError **error)
{
    RegistryNetwork network;
    GError *failure = NULL;
    guint32 slot;
    bool done = note(sweep_forwards(site, tap, &failure), error, &failure);

    if (!registry_find_tap(site->places.registry_fd, &site->place, tap->name,
                           &network, &slot)) {
        return done;
    }
    done &= note(former_forget(site, &network.segment, slot, &failure),
                 error, &failure);
    done &= note(sweep_names(site, &network.segment, &failure), error, &failure);
    done &= note(idle_look(site, &network.segment, &failure), error, &failure);
    return done;
}

static bool sweep_network(const Site *site, const Segment *segment,
                          const SweepRequest *request, GError **error)
{
    GError *failure = NULL;
    bool idle = false;
    bool done = note(sweep_names(site, segment, &failure), error, &failure);

    if (!request->take_down) {
        return done;
    }
    done &= note(idle_is_over(site, segment, request->idle_s, &idle, &failure),
                 error, &failure);
    if (idle) {
        bool down;

        done &= note(network_take_down(site, segment->name, &down, &failure),
                     error, &failure);
    }
    return done;
}

static bool sweep_all(const Site *site, const SweepRequest *request,
                      GError **error)
{
    g_autoptr(GArray) networks =
        registry_load_all(site->places.registry_fd, &site->place);
    GError *failure = NULL;
    bool done = note(sweep_forwards(site, NULL, &failure), error, &failure);

    for (guint i = 0; i < networks->len; i++) {
        const Segment *segment =
            &g_array_index(networks, RegistryNetwork, i).segment;

        if (!sweep_network(site, segment, request, &failure)) {
            g_prefix_error(&failure, "network '%s': ", segment->name);
            done = note(false, error, &failure);
        }
    }
    return done;
}

bool sweep_run(const SweepRequest *request, GError **error)
{
    g_auto(Site) site = SITE_NONE;

    if (!site_open(&site, error)) {
        return false;
    }
    /* Nothing was ever made here. */
    if (site.places.run_fd < 0 || site.places.registry_fd < 0) {
        return true;
    }
    return request->one_tap ? sweep_tap(&site, &request->tap, error)
                            : sweep_all(&site, request, error);
}
