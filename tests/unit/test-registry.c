/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"
#include "pool/registry.h"
#include "pool/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define RECORD_SIZE 2048

static const RegistryPlace here = {{1, 2, 3}, 4};

static int make_file(void)
{
    int fd = memfd_create("registry", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static int make_registry(void)
{
    g_autoptr(GError) error = NULL;
    int fd = make_file();

    g_assert_true(registry_prepare(fd, &here, &error));
    g_assert_no_error(error);
    return fd;
}

static RegistryNetwork make_network(const char *name, guint32 pool_size)
{
    RegistryNetwork network;

    memset(&network, 0, sizeof(network));
    slots_identify(name, &network.segment);
    network.segment.mode = MODE_MASQUERADED;
    network.segment.subnet_address = 0xc0a84d00;
    network.segment.subnet_length = 24;
    network.segment.pool_size = pool_size;
    network.segment.subnet6_address =
        (Address6){{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    network.segment.subnet6_length = 48;
    network.grants.n_allow = 1;
    network.grants.allow[0] = (AllowId){ALLOW_UID, 1000, 16};
    return network;
}

static void put(int fd, RegistryNetwork *network)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(registry_put(fd, network, &error));
    g_assert_no_error(error);
}

static gsize file_size(int fd)
{
    return (gsize)lseek(fd, 0, SEEK_END);
}

static void read_file(int fd, guint8 *bytes, gsize size)
{
    g_assert_cmpint(pread(fd, bytes, size, 0), ==, (gssize)size);
}

static void write_file(int fd, const guint8 *bytes, gsize size)
{
    g_assert_cmpint(ftruncate(fd, 0), ==, 0);
    g_assert_cmpint(pwrite(fd, bytes, size, 0), ==, (gssize)size);
}

static guint count_all(int fd)
{
    g_autoptr(GArray) all = registry_load_all(fd, &here);

    return all->len;
}

static void test_put_and_find(void)
{
    autofd fd = make_registry();
    RegistryNetwork nat = make_network("nat", 240);
    RegistryNetwork lab = make_network("lab", 1000);
    RegistryNetwork found;
    guint32 slot;

    g_assert_false(registry_find(fd, &here, "nat", &found));
    put(fd, &nat);
    put(fd, &lab);
    g_assert_cmpuint(nat.ports_base, ==, 0);
    g_assert_cmpuint(lab.ports_base, ==, 240);
    g_assert_true(registry_find(fd, &here, "lab", &found));
    g_assert_cmpmem(&found, sizeof(found), &lab, sizeof(lab));
    g_assert_true(registry_find(fd, NULL, "nat", &found));
    g_assert_cmpmem(&found, sizeof(found), &nat, sizeof(nat));
    g_assert_false(registry_find(fd, &here, "na", &found));
    g_assert_cmpuint(count_all(fd), ==, 2);

    g_assert_true(registry_find_tap(
        fd, &here, slots_tap_name(&lab.segment, 999).name, &found, &slot));
    g_assert_cmpstr(found.segment.name, ==, "lab");
    g_assert_cmpuint(slot, ==, 999);
    g_assert_false(registry_find_tap(
        fd, &here, slots_tap_name(&lab.segment, 1000).name, &found, &slot));
    g_assert_false(registry_find_tap(fd, &here, "eth0", &found, &slot));
    g_assert_false(registry_find_tap(fd, &here, "tsaaaaaa0", &found, &slot));
    g_assert_false(registry_find_tap(fd, &here, "", &found, &slot));
}

static void test_replace_and_remove(void)
{
    autofd fd = make_registry();
    g_autoptr(GError) error = NULL;
    RegistryNetwork nat = make_network("nat", 240);
    RegistryNetwork lab = make_network("lab", 100);
    RegistryNetwork found;

    put(fd, &nat);
    put(fd, &lab);
    nat.segment.mtu = 1400;
    nat.segment.pool_size = 200;
    put(fd, &nat);
    g_assert_cmpuint(nat.ports_base, ==, 0);
    nat.segment.pool_size = 241; /* has grown: new records for its ports */
    put(fd, &nat);
    g_assert_cmpuint(nat.ports_base, ==, 340);
    g_assert_true(registry_find(fd, &here, "nat", &found));
    g_assert_cmpuint(found.segment.mtu, ==, 1400);
    g_assert_cmpuint(count_all(fd), ==, 2);

    g_assert_true(registry_remove(fd, "nat", &error));
    g_assert_true(registry_remove(fd, "nat", &error));
    g_assert_true(registry_remove(fd, "unknown", &error));
    g_assert_false(registry_find(fd, &here, "nat", &found));
    g_assert_true(registry_find(fd, &here, "lab", &found));
    put(fd, &nat);
    g_assert_cmpuint(count_all(fd), ==, 2);
}

/* Numbers that others use as lengths: such a record is written by nobody, and
 * believed by nobody. */
static void test_insane(void)
{
    autofd fd = make_registry();
    RegistryNetwork network;

    for (guint fault = 0; fault < 7; fault++) {
        g_autoptr(GError) error = NULL;

        network = make_network("nat", 8);
        switch (fault) {
        case 0: network.segment.subnet_length = 33; break;
        case 1: network.segment.subnet6_length = 65; break;
        case 2: network.segment.n_exclude = NETWORK_EXCLUDE_MAX + 1; break;
        case 3: network.segment.n_dns = NETWORK_DNS_MAX + 1; break;
        case 4: network.grants.n_allow = NETWORK_ALLOW_MAX + 1; break;
        case 5: network.grants.n_can_open = NETWORK_OPEN_MAX + 1; break;
        default:
            network.grants.n_reservations = NETWORK_RESERVATIONS_MAX + 1;
            break;
        }
        g_assert_false(registry_put(fd, &network, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_INTERNAL);
        g_assert_cmpuint(count_all(fd), ==, 0);
    }
}

static void test_full(void)
{
    autofd fd = make_registry();
    g_autoptr(GError) error = NULL;
    RegistryNetwork network;
    RegistryNetwork found;

    /* Every second one is removed and made again: chains stay whole. */
    for (guint round = 0; round < 2; round++) {
        for (guint i = round; i < REGISTRY_NETWORKS_MAX; i += 1 + round) {
            g_autofree char *name = g_strdup_printf("net-%u", i);

            network = make_network(name, 8);
            put(fd, &network);
        }
        for (guint i = 1; round == 0 && i < REGISTRY_NETWORKS_MAX; i += 2) {
            g_autofree char *name = g_strdup_printf("net-%u", i);

            g_assert_true(registry_remove(fd, name, &error));
        }
    }
    g_assert_cmpuint(count_all(fd), ==, REGISTRY_NETWORKS_MAX);
    for (guint i = 0; i < REGISTRY_NETWORKS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("net-%u", i);

        g_assert_true(registry_find(fd, &here, name, &found));
        g_assert_cmpstr(found.segment.name, ==, name);
    }
    network = make_network("one-more", 8);
    g_assert_false(registry_put(fd, &network, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_EXHAUSTED);
}

static void test_clash(void)
{
    autofd fd = make_registry();
    RegistryNetwork nat = make_network("nat", 8);
    RegistryNetwork lab = make_network("lab", 8);
    RegistryNetwork found;

    put(fd, &nat);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        RegistryNetwork clashing = lab;

        if (i == 0) {
            clashing.segment.group = nat.segment.group;
        } else {
            memcpy(clashing.segment.tap_prefix, nat.segment.tap_prefix,
                   sizeof(nat.segment.tap_prefix));
        }
        g_assert_false(registry_put(fd, &clashing, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFLICT);
        g_assert_nonnull(strstr(error->message, "'lab'"));
        g_assert_nonnull(strstr(error->message, "'nat'"));
        g_assert_false(registry_find(fd, &here, "lab", &found));
    }
}

/* A writer killed, a page lost: at whatever byte the record ends to be right,
 * a reader finds it whole or not at all. */
static void test_torn_records(void)
{
    autofd fd = make_registry();
    RegistryNetwork first = make_network("nat", 8);
    RegistryNetwork second = make_network("nat", 8);
    RegistryNetwork found;
    g_autofree guint8 *before = NULL;
    g_autofree guint8 *after = NULL;
    gsize size;
    guint whole = 0;

    memset(&second.grants.allow, 0x55, sizeof(second.grants.allow));
    second.segment.mtu = 9000;
    put(fd, &first);
    size = file_size(fd);
    before = g_malloc(size);
    after = g_malloc(size);
    read_file(fd, before, size);
    put(fd, &second);
    read_file(fd, after, size);

    for (gsize cut = size - RECORD_SIZE; cut <= size; cut++) {
        g_autofree guint8 *torn = g_memdup2(after, size);

        memcpy(torn + cut, before + cut, size - cut);
        write_file(fd, torn, size);
        if (registry_find(fd, &here, "nat", &found)) {
            whole++;
            g_assert_true(memcmp(&found, &first, sizeof(found)) == 0 ||
                          memcmp(&found, &second, sizeof(found)) == 0);
        }
        g_assert_cmpuint(count_all(fd), <=, 1);
    }
    g_assert_cmpuint(whole, >, 0);
}

static void test_truncated(void)
{
    autofd fd = make_registry();
    RegistryNetwork nat = make_network("nat", 8);
    RegistryNetwork found;
    g_autofree guint8 *bytes = NULL;
    gsize size;

    put(fd, &nat);
    size = file_size(fd);
    bytes = g_malloc(size);
    read_file(fd, bytes, size);
    for (gsize cut = 0; cut < size; cut += cut < 2048 ? 1 : 97) {
        g_autoptr(GError) error = NULL;

        write_file(fd, bytes, cut);
        if (cut + RECORD_SIZE < size) {
            g_assert_false(registry_find(fd, &here, "nat", &found));
            g_assert_cmpuint(count_all(fd), ==, 0);
        }
        (void)registry_generation(fd, &here);
        if (cut % 64 == 0) {
            g_assert_true(registry_prepare(fd, &here, &error));
            put(fd, &nat);
            g_assert_true(registry_find(fd, &here, "nat", &found));
        }
    }
}

static void test_noise(void)
{
    autofd fd = make_registry();
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);
    RegistryNetwork nat = make_network("nat", 8);
    RegistryNetwork found;
    g_autofree guint8 *bytes = NULL;
    gsize size;

    put(fd, &nat);
    size = file_size(fd);
    bytes = g_malloc(size);
    read_file(fd, bytes, size);
    for (guint round = 0; round < 3000; round++) {
        g_autofree guint8 *noisy = g_memdup2(bytes, size);
        gsize at = round % 2 == 0 ? size - RECORD_SIZE : 0;

        for (guint i = 0; i < 4; i++) {
            noisy[at + (gsize)g_rand_int_range(rand, 0, 840)] ^=
                (guint8)g_rand_int_range(rand, 1, 256);
        }
        write_file(fd, noisy, size);
        if (registry_find(fd, &here, "nat", &found)) {
            g_assert_cmpmem(&found, sizeof(found), &nat, sizeof(nat));
        }
        g_assert_cmpuint(count_all(fd), <=, 1);
    }
    for (gsize i = 0; i < size; i++) {
        bytes[i] = (guint8)g_rand_int(rand);
    }
    write_file(fd, bytes, size);
    g_assert_cmpuint(count_all(fd), ==, 0);
}

static void test_places_and_versions(void)
{
    static const RegistryPlace other_boot = {{9}, 4};
    static const RegistryPlace other_netns = {{1, 2, 3}, 5};
    autofd fd = make_registry();
    g_autoptr(GError) error = NULL;
    RegistryNetwork nat = make_network("nat", 8);
    RegistryNetwork found;
    guint32 version = REGISTRY_VERSION + 1;

    put(fd, &nat);
    g_assert_true(registry_set_generation(fd, 42, &error));
    g_assert_true(registry_prepare(fd, &here, &error));
    g_assert_true(registry_find(fd, &here, "nat", &found));
    g_assert_cmpuint(registry_generation(fd, &here), ==, 42);
    g_assert_false(registry_find(fd, &other_boot, "nat", &found));
    g_assert_false(registry_find(fd, &other_netns, "nat", &found));
    g_assert_cmpuint(registry_generation(fd, &other_netns), ==, 0);

    g_assert_cmpint(pwrite(fd, &version, sizeof(version), 8), ==, 4);
    g_assert_false(registry_find(fd, NULL, "nat", &found));
    g_assert_cmpuint(registry_generation(fd, NULL), ==, 0);
    g_assert_cmpuint(count_all(fd), ==, 0);
    g_assert_false(registry_prepare(fd, &here, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
    g_clear_error(&error);

    version = REGISTRY_VERSION - 1;
    g_assert_cmpint(pwrite(fd, &version, sizeof(version), 8), ==, 4);
    g_assert_true(registry_prepare(fd, &here, &error));
    g_assert_false(registry_find(fd, &here, "nat", &found));
    put(fd, &nat);
    g_assert_true(registry_prepare(fd, &other_netns, &error));
    g_assert_false(registry_find(fd, &other_netns, "nat", &found));
}

static void test_ports(void)
{
    autofd fd = make_file();
    g_autoptr(GError) error = NULL;
    g_autofree char *longest = g_strnfill(REGISTRY_HOSTNAME_MAX, 'x');
    g_autofree char *too_long = g_strnfill(REGISTRY_HOSTNAME_MAX + 1, 'x');
    char hostname[REGISTRY_HOSTNAME_MAX + 1] = "untouched";

    g_assert_false(registry_find_port(fd, 3, 7, hostname));
    g_assert_true(registry_put_port(fd, 3, 7, "web", &error));
    g_assert_true(registry_put_port(fd, 70000, 8, longest, &error));
    g_assert_false(registry_find_port(fd, 3, 8, hostname));
    g_assert_false(registry_find_port(fd, 2, 7, hostname));
    g_assert_false(registry_find_port(fd, 2, 0, hostname));
    g_assert_cmpstr(hostname, ==, "untouched");
    g_assert_true(registry_find_port(fd, 3, 7, hostname));
    g_assert_cmpstr(hostname, ==, "web");
    g_assert_true(registry_find_port(fd, 70000, 8, hostname));
    g_assert_cmpstr(hostname, ==, longest);
    g_assert_true(registry_put_port(fd, 3, 9, "", &error));
    g_assert_false(registry_find_port(fd, 3, 7, hostname));
    g_assert_true(registry_find_port(fd, 3, 9, hostname));
    g_assert_cmpstr(hostname, ==, "");
    g_assert_false(registry_put_port(fd, 3, 9, too_long, &error));
    g_assert_cmpint(ftruncate(fd, 3 * 128 + 127), ==, 0);
    g_assert_false(registry_find_port(fd, 3, 9, hostname));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry/put-and-find", test_put_and_find);
    g_test_add_func("/registry/replace-and-remove", test_replace_and_remove);
    g_test_add_func("/registry/insane", test_insane);
    g_test_add_func("/registry/full", test_full);
    g_test_add_func("/registry/clash", test_clash);
    g_test_add_func("/registry/torn", test_torn_records);
    g_test_add_func("/registry/truncated", test_truncated);
    g_test_add_func("/registry/noise", test_noise);
    g_test_add_func("/registry/places-and-versions", test_places_and_versions);
    g_test_add_func("/registry/ports", test_ports);
    return g_test_run();
}
