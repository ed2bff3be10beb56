/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_keeper.h"

#include "base/fd.h"
#include "services/services_dns.h"
#include "services/services_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer than the first line and what dnsmasq says when it starts; some thousand
 * starts of VMs. */
#define LOG_MAX (256 * 1024)

typedef void (*TapFunc)(const RegistryNetwork *network, gpointer data);

/* Calls @each for each tap of ours. Returns: false if there is no telling. */
static bool for_each_tap(const DhcpNames *names, TapFunc each, gpointer data)
{
    struct if_nameindex *links = if_nameindex();

    if (links == NULL) {
        return false;
    }
    for (gsize i = 0; links[i].if_index != 0; i++) {
        RegistryNetwork network;
        guint32 slot;

        if (strncmp(links[i].if_name, "ts", 2) == 0 &&
            registry_find_tap(names->networks_fd, NULL, links[i].if_name,
                              &network, &slot)) {
            each(&network, data);
        }
    }
    if_freenameindex(links);
    return true;
}

static void note_tap(const RegistryNetwork *network, gpointer data)
{
    bool *found = data;

    *found = true;
}

bool dhcp_keeper_has_taps(const DhcpNames *names)
{
    bool found = false;

    return !for_each_tap(names, note_tap, &found) || found;
}

static void note_name(const RegistryNetwork *network, gpointer data)
{
    g_hash_table_add(data, g_strdup(network->segment.name));
}

static bool is_known(const GArray *networks, const char *name)
{
    for (guint i = 0; i < networks->len; i++) {
        if (strcmp(g_array_index(networks, RegistryNetwork, i).segment.name,
                   name) == 0) {
            return true;
        }
    }
    return false;
}

/* Cuts the log to its first line, which is the process id. */
static void shorten_log(int fd)
{
    struct stat status;
    char line[16];
    ssize_t size;
    const char *end;

    if (fstat(fd, &status) < 0 || status.st_size <= LOG_MAX) {
        return;
    }
    size = pread(fd, line, sizeof(line), 0);
    end = size > 0 ? memchr(line, '\n', (gsize)size) : NULL;
    if (end != NULL) {
        (void)!ftruncate(fd, end + 1 - line);
    }
}

/* A record is not to be seen while it is written: gone is what two looks in a
 * row did not find. */
static void see_to_one(const DhcpKeeper *keeper, const GArray *networks,
                       const char *name, GHashTable *strangers)
{
    autofd fd = openat(keeper->names.run_fd, services_lock_dns(name).name,
                       O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return;
    }
    if (is_known(networks, name)) {
        shorten_log(fd);
        return;
    }
    g_hash_table_add(strangers, g_strdup(name));
    if (keeper->strangers && g_hash_table_contains(keeper->strangers, name)) {
        (void)services_lock_end(fd, SIGTERM);
    }
}

static void see_to_all(DhcpKeeper *keeper, const GArray *networks)
{
    GHashTable *strangers =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int fd = openat(keeper->names.run_fd, SERVICES_DNS_DIRECTORY,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && strlen(entry->d_name) <= NETWORK_NAME_MAX) {
            see_to_one(keeper, networks, entry->d_name, strangers);
        }
    }
    if (directory) {
        (void)closedir(directory);
    } else {
        fd_cleanup(&fd);
    }
    g_clear_pointer(&keeper->strangers, g_hash_table_unref);
    keeper->strangers = strangers;
}

void dhcp_keeper_tick(DhcpKeeper *keeper)
{
    g_autoptr(GArray) networks =
        registry_load_all(keeper->names.networks_fd, NULL);
    g_autoptr(GHashTable) live =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    (void)for_each_tap(&keeper->names, note_name, live);
    for (guint i = 0; i < networks->len; i++) {
        const Segment *segment =
            &g_array_index(networks, RegistryNetwork, i).segment;

        if (segment->dns_served && g_hash_table_contains(live, segment->name)) {
            dhcp_probe_send(&keeper->probe, keeper->names.run_fd, segment);
        }
    }
    see_to_all(keeper, networks);
}
