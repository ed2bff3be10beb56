/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_names.h"

#include "base/fd.h"
#include "dhcp/dhcp_nd.h"
#include "dhcp/dhcp_release.h"
#include "pool/slots.h"
#include "services/services_lock.h"
#include "services/services_names.h"
#include "services/services_owner.h"
#include "services/services_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_live(const char *tap, int ifindex, gpointer data)
{
    const DhcpNames *names = data;
    struct ifreq request = {0};

    (void)g_strlcpy(request.ifr_name, tap, sizeof(request.ifr_name));
    return ioctl(names->socket_fd, SIOCGIFINDEX, &request) == 0 &&
           request.ifr_ifindex == ifindex;
}

static void tell_dnsmasq(const DhcpNames *names, const char *network)
{
    autofd fd = openat(names->run_fd, services_lock_dns(network).name,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0) {
        (void)services_lock_end(fd, SIGHUP);
    }
}

/* Ends the lease of an address that was kept for a tap that has gone. */
static void release_one(const DhcpNames *names, const Segment *segment,
                        int entries_fd, const char *name)
{
    ServicesDnsPath path = services_place_dns(segment->name, "leases", "leases");
    autofd fd =
        openat(entries_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[SERVICES_OWNER_FILE_MAX];
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    DhcpNames data = *names;
    ServicesOwner owner;
    guint32 address;

    text[MAX(size, 0)] = '\0';
    if (size > 0 && services_owner_parse(text, &owner) &&
        !is_live(owner.tap.name, owner.ifindex, &data) &&
        dhcp_release_find_address(text, &address)) {
        autofd leases_fd =
            services_place_open(names->run_fd, path.path, O_RDONLY, 0);

        dhcp_release_send(leases_fd, segment, address);
    }
}

static void release_dead(const DhcpNames *names, const Segment *segment)
{
    ServicesDnsPath path = services_place_dns(segment->name, "dhcp", NULL);
    int fd =
        services_place_open(names->run_fd, path.path, O_RDONLY | O_DIRECTORY, 0);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (directory == NULL) {
        fd_cleanup(&fd);
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            release_one(names, segment, fd, entry->d_name);
        }
    }
    (void)closedir(directory);
}

void dhcp_names_sweep(const DhcpNames *names)
{
    g_autoptr(GArray) networks = registry_load_all(names->networks_fd, NULL);
    DhcpNames data = *names;

    for (guint i = 0; i < networks->len; i++) {
        const RegistryNetwork *network =
            &g_array_index(networks, RegistryNetwork, i);
        guint removed = 0;

        if (network->segment.kind == SEGMENT_SHARED) {
            release_dead(names, &network->segment);
        }
        if (network->segment.dns_served &&
            services_sweep_names(names->run_fd, network->segment.name, is_live,
                                 &data, &removed, NULL) &&
            removed > 0) {
            tell_dnsmasq(names, network->segment.name);
        }
    }
}

void dhcp_names_learn(const DhcpNames *names, int ifindex, const Mac *mac,
                      const Address6 *target)
{
    struct ifreq request = {.ifr_ifindex = ifindex};
    char hostname[REGISTRY_HOSTNAME_MAX + 1];
    RegistryNetwork network;
    ServiceAddress6 address;
    Prefix6 prefix;
    guint32 slot;

    if (ioctl(names->socket_fd, SIOCGIFNAME, &request) < 0 ||
        !registry_find_tap(names->networks_fd, NULL, request.ifr_name, &network,
                           &slot) ||
        !network.segment.dns_served ||
        !registry_find_port(names->ports_fd, network.ports_base + slot, ifindex,
                            hostname) ||
        hostname[0] == '\0') {
        return;
    }
    if (dhcp_nd_is_link_local(target)) {
        if (services_forget_address6(names->run_fd, network.segment.name,
                                     hostname)) {
            tell_dnsmasq(names, network.segment.name);
        }
        return;
    }
    prefix = slots_prefix6(&network.segment, slot);
    address = (ServiceAddress6){
        .hostname = hostname,
        .address = *target,
        .from_mac = dhcp_nd_is_from_mac(target, mac),
        .tap = request.ifr_name,
        .ifindex = ifindex,
    };
    if (prefix.length > 0 && prefix6_contains(&prefix, target)) {
        (void)services_note_address6(names->run_fd, &network.segment, &address);
    }
}
