/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls src/services as tapster-helper does, for tests that need no port:
 *
 *   make NETWORK routed|shared [DNS...]  registry, ports, dnsmasq's configuration
 *   forget NETWORK                       out of the registry
 *   remove NETWORK                       dnsmasq's files
 *   name NETWORK SLOT HOSTNAME [MAC]     of the tap that is there; prints it
 *   find|start|stop dhcp|dns NETWORK
 *
 * 192.168.77.0/24, fd12:3456:789a::/48, nat.internal. Output: what was found.
 */

#include "base/address.h"
#include "config.h"
#include "pool/registry.h"
#include "pool/slots.h"
#include "services/services.h"
#include "services/services_dns.h"
#include "services/services_names.h"
#include "services/services_place.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

typedef struct {
    ServicePlace place;
    int networks_fd;
    int ports_fd;
} Probe;

static int open_file(int directory_fd, const char *name)
{
    return openat(directory_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static bool open_probe(Probe *probe, GError **error)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(probe->place.netns_cookie);
    RegistryPlace place = {{0}, 0};
    ServicesRunPath run;

    if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &probe->place.netns_cookie,
                   &size) < 0) {
        return error_set(error, TAPSTER_ERROR_SYSTEM, "no namespace cookie");
    }
    run = services_place_run(probe->place.netns_cookie);
    (void)umask(077);
    (void)g_mkdir_with_parents(run.path, 0711);
    (void)chmod(run.path, 0711);
    (void)chmod(TAPSTER_RUNSTATEDIR, 0711);
    probe->place.run_dir_fd = open(run.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    probe->networks_fd = open_file(probe->place.run_dir_fd, "networks");
    probe->ports_fd = open_file(probe->place.run_dir_fd, "ports");
    place.netns_cookie = probe->place.netns_cookie;
    return registry_prepare(probe->networks_fd, &place, error);
}

static RegistryNetwork make_network(const char *name, bool shared)
{
    RegistryNetwork network = {
        .segment =
            {
                .mode = MODE_MASQUERADED,
                .kind = shared ? SEGMENT_SHARED : SEGMENT_ROUTED,
                .subnet_address = 0xc0a84d00,
                .subnet_length = 24,
                .gateway = 0xc0a84d01,
                .pool_offset = 10,
                .pool_size = 240,
                .subnet6_address = {{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}},
                .subnet6_length = 48,
                .dhcp = 1,
                .dns_served = 1,
                .lease_time_s = 3600,
                .domain = "nat.internal",
            },
    };

    slots_identify(name, &network.segment);
    if (shared) {
        (void)snprintf(network.segment.bridge.name,
                       sizeof(network.segment.bridge.name), "tb%.6s",
                       network.segment.tap_prefix + 2);
    }
    return network;
}

static bool make(Probe *probe, int argc, char **argv, GError **error)
{
    RegistryNetwork network =
        make_network(argv[0], strcmp(argv[1], "shared") == 0);
    Segment *segment = &network.segment;
    bool changed = false;

    for (int i = 2; i < argc && i < 2 + NETWORK_DNS_MAX; i++) {
        if (!address_parse_ipv4(argv[i], &segment->dns[segment->n_dns++], error)) {
            return false;
        }
    }
    if (!registry_put(probe->networks_fd, &network, error) ||
        !services_write_dns(&probe->place, segment, &changed, error)) {
        return false;
    }
    printf("directory=%s\nprefix=%s\nbridge=%s\nchanged=%d\n",
           services_place_run(probe->place.netns_cookie).path,
           segment->tap_prefix, segment->bridge.name, changed);
    return true;
}

static bool is_live(const char *tap, int ifindex, gpointer data)
{
    return (int)if_nametoindex(tap) == ifindex;
}

static bool name(Probe *probe, int argc, char **argv, GError **error)
{
    char got[SERVICES_HOSTNAME_MAX + 1];
    RegistryNetwork network;
    ServiceName wish = {.hostname = argv[2], .has_mac = argc > 3};
    guint32 slot = (guint32)strtoul(argv[1], NULL, 10);
    Ifname tap;

    if (!registry_find(probe->networks_fd, NULL, argv[0], &network) ||
        (wish.has_mac && !address_parse_mac(argv[3], &wish.mac, error))) {
        return error_set(error, TAPSTER_ERROR_USAGE, "no such network or MAC");
    }
    tap = slots_tap_name(&network.segment, slot);
    wish.tap = tap.name;
    wish.ifindex = (int)if_nametoindex(tap.name);
    wish.address = slots_address(&network.segment, slot);
    if (!services_claim_hostname(probe->place.run_dir_fd, &network.segment,
                                 &wish, is_live, NULL, got, error) ||
        !registry_put_port(probe->ports_fd, network.ports_base + slot,
                           wish.ifindex, got, error)) {
        return false;
    }
    printf("hostname=%s\n", got);
    return true;
}

static bool control(Probe *probe, const char *verb, int argc, char **argv,
                    GError **error)
{
    ServiceKind kind = strcmp(argv[0], "dhcp") == 0 ? SERVICE_DHCP : SERVICE_DNS;
    bool running = false;

    if (strcmp(verb, "start") == 0) {
        return services_start(&probe->place, kind, argv[1], error);
    }
    if (strcmp(verb, "stop") == 0) {
        return services_stop(&probe->place, kind, argv[1], error);
    }
    if (!services_find(probe->place.run_dir_fd, kind, argv[1], &running, error)) {
        return false;
    }
    printf("running=%d\n", running);
    return true;
}

static bool run(Probe *probe, int argc, char **argv, GError **error)
{
    const char *verb = argv[1];

    if (strcmp(verb, "forget") == 0) {
        return registry_remove(probe->networks_fd, argv[2], error);
    }
    if (strcmp(verb, "remove") == 0) {
        return services_remove_dns(probe->place.run_dir_fd, argv[2], error);
    }
    if (argc < 4) {
        return error_set(error, TAPSTER_ERROR_USAGE, "see services-probe.c");
    }
    if (strcmp(verb, "make") == 0) {
        return make(probe, argc - 2, argv + 2, error);
    }
    if (strcmp(verb, "name") == 0) {
        return name(probe, argc - 2, argv + 2, error);
    }
    return control(probe, verb, argc - 2, argv + 2, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Probe probe;

    if (argc < 3 || !open_probe(&probe, &error) ||
        !run(&probe, argc, argv, &error)) {
        fprintf(stderr, "services-probe: %s\n",
                error ? error->message : "see services-probe.c");
        return 1;
    }
    return 0;
}
