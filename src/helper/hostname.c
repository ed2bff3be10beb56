/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/hostname.h"

#include "base/fd.h"
#include "pool/slots.h"
#include "services/services_names.h"

#include <string.h>

/*
 * The name under which others find a VM. Its lease is one thing, kept over its
 * end; the host name another, which the first live VM that wants it has. So the
 * lease's name says what is wanted ("web", "web-2" for a copy), and what is free
 * decides. A VM whose name cannot be had runs without one: it has an address.
 *
 * On a shared segment a guest without a known MAC has whatever address dnsmasq
 * gave it, and its name by what it says to dnsmasq; nothing is claimed for it.
 */

static bool is_served(const Segment *segment, const Profile *profile)
{
    return segment->dns_served &&
           (segment->kind == SEGMENT_ROUTED || profile->has_mac);
}

static char *describe_other(const Profile *profile, const char *hostname)
{
    return g_strdup_printf("another VM has the host name '%s' now; this one "
                           "is '%s'", profile->hostname, hostname);
}

bool hostname_claim(const Site *site, const RegistryNetwork *record,
                    const Profile *profile, Claim *claim, char **ret_warning,
                    GError **error)
{
    const Segment *segment = &record->segment;
    autofd ports_fd = -1;

    *ret_warning = NULL;
    /* Without a name there is nothing to say, and what a former holder's
     * record says is not about this interface. */
    if (!profile || !claim->hostname[0]) {
        return true;
    }
    if (is_served(segment, profile)) {
        const ServiceName wish = {
            .hostname = claim->hostname,
            .address = slots_address(segment, claim->slot),
            .tap = claim->tap.name,
            .ifindex = claim->tap_ifindex,
            .has_mac = profile->has_mac,
            .mac = profile->mac,
        };
        g_autoptr(GError) refused = NULL;
        char got[SERVICES_HOSTNAME_MAX + 1];
        Site asked = *site;

        if (!services_claim_hostname(site->places.run_fd, segment, &wish,
                                     site_name_lives, &asked, got, &refused)) {
            *ret_warning = g_strdup_printf("this VM has no host name: %s",
                                           refused->message);
            return true;
        }
        g_free(claim->hostname);
        claim->hostname = g_strdup(got);
        if (strcmp(got, profile->hostname) != 0) {
            *ret_warning = describe_other(profile, got);
        }
    }
    if (!segment->dhcp) {
        return true;
    }
    ports_fd = places_open_file(site->places.run_fd, PLACES_PORTS);
    return registry_put_port(ports_fd, record->ports_base + claim->slot,
                             claim->tap_ifindex, claim->hostname, error);
}

void hostname_release(const Site *site, const Segment *segment,
                      const Claim *claim)
{
    if (segment->dns_served && claim->hostname && claim->hostname[0]) {
        services_release_hostname(site->places.run_fd, segment->name,
                                  claim->hostname, claim->tap.name,
                                  claim->tap_ifindex);
    }
}
