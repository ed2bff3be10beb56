/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"
#include "pool/slots.h"
#include "services/dnsmasq_conf.h"
#include "services/services_lock.h"
#include "services/services_names.h"
#include "services/services_owner.h"
#include "services/services_place.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#define TAP "tsabcdef3"

static Segment make_segment(void)
{
    Segment segment = {
        .mode = MODE_MASQUERADED,
        .kind = SEGMENT_ROUTED,
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
    };

    slots_identify("nat", &segment);
    memcpy(segment.tap_prefix, "tsabcdef", 8);
    return segment;
}

static void check_conf(const Segment *segment, const char *expected)
{
    g_autofree char *text = dnsmasq_conf(segment, "/run/tapster/1/dns/nat");

    g_assert_cmpstr(text, ==, expected);
}

static void test_routed(void)
{
    Segment segment = make_segment();

    check_conf(&segment, "port=54\n"
                         "bind-dynamic\n"
                         "listen-address=192.168.77.1\n"
                         "listen-address=fd12:3456:789a::1\n"
                         "pid-file=\n"
                         "log-facility=-\n"
                         "quiet-ra\n"
                         "quiet-dhcp\n"
                         "no-hosts\n"
                         "hostsdir=/run/tapster/1/dns/nat/hosts\n"
                         "hostsdir=/run/tapster/1/dns/nat/hosts6\n"
                         "cache-size=1000\n"
                         "domain-needed\n"
                         "domain=nat.internal\n"
                         "local=/nat.internal/\n"
                         "local=/77.168.192.in-addr.arpa/\n"
                         "local=/a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa/\n"
                         "leasefile-ro\n");
}

static void test_shared(void)
{
    Segment segment = make_segment();

    segment.kind = SEGMENT_SHARED;
    strcpy(segment.bridge.name, "tbabcdef");
    segment.domain[0] = '\0';
    segment.subnet6_address = (Address6){{0x20, 0x01, 0x0d, 0xb8}};
    segment.subnet6_length = 64;
    segment.mtu = 1400;
    segment.n_dns = 2;
    segment.dns[0] = 0x09090909;
    segment.dns[1] = 0x01010101;
    segment.uplink = UPLINK_NONE;
    segment.n_exclude = 1;
    segment.exclude[0] = (SlotRange){20, 29};
    check_conf(&segment,
               "port=54\n"
               "bind-dynamic\n"
               "interface=tbabcdef\n"
               "except-interface=lo\n"
               "pid-file=\n"
               "log-facility=-\n"
               "quiet-ra\n"
               "quiet-dhcp\n"
               "no-hosts\n"
               "hostsdir=/run/tapster/1/dns/nat/hosts\n"
               "hostsdir=/run/tapster/1/dns/nat/hosts6\n"
               "cache-size=1000\n"
               "domain-needed\n"
               "local=/77.168.192.in-addr.arpa/\n"
               "local=/0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa/\n"
               "no-resolv\n"
               "server=9.9.9.9\n"
               "server=1.1.1.1\n"
               "enable-ra\n"
               "dhcp-range=::,constructor:tbabcdef,ra-names,64\n"
               "dhcp-option=option6:dns-server,[::]\n"
               "ra-param=tbabcdef,600,0\n"
               "dhcp-authoritative\n"
               "dhcp-name-match=set:unasked,isatap\n"
               "dhcp-name-match=set:unasked,isatap.*\n"
               "dhcp-name-match=set:unasked,localhost\n"
               "dhcp-name-match=set:unasked,localhost.*\n"
               "dhcp-name-match=set:unasked,wpad\n"
               "dhcp-name-match=set:unasked,wpad.*\n"
               "dhcp-ignore-names=tag:unasked\n"
               "no-ping\n"
               "dhcp-leasefile=/run/tapster/1/dns/nat/leases/leases\n"
               "dhcp-lease-max=240\n"
               "dhcp-hostsdir=/run/tapster/1/dns/nat/dhcp\n"
               "dhcp-option=option:dns-server,192.168.77.1\n"
               "dhcp-option=option:mtu,1400\n"
               "dhcp-option=option:router\n"
               "dhcp-range=192.168.77.10,192.168.77.19,255.255.255.0,3600\n"
               "dhcp-range=192.168.77.30,192.168.77.249,255.255.255.0,3600\n");
}

/* Lines of @text that begin with @start, joined by blanks. */
static char *lines_of(const Segment *segment, const char *start)
{
    g_autofree char *text = dnsmasq_conf(segment, "/run");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *found = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, start)) {
            g_string_append_printf(found, "%s%s", found->len ? " " : "",
                                   *line + strlen(start));
        }
    }
    return g_string_free(found, FALSE);
}

/* The reverse zones are the subnet's, and no address more. */
static void test_reverse(void)
{
    static const struct {
        guint32 address;
        guint32 length;
        const char *zones;
    } subnets[] = {
        {0xac140000, 16, "20.172.in-addr.arpa/"},
        {0xc0a84c00, 22,
         "76.168.192.in-addr.arpa/ 77.168.192.in-addr.arpa/ "
         "78.168.192.in-addr.arpa/ 79.168.192.in-addr.arpa/"},
        {0xc0a84d04, 30,
         "4.77.168.192.in-addr.arpa/ 5.77.168.192.in-addr.arpa/ "
         "6.77.168.192.in-addr.arpa/ 7.77.168.192.in-addr.arpa/"},
    };
    Segment segment = make_segment();

    segment.domain[0] = '\0';
    segment.subnet6_length = 0;
    for (guint i = 0; i < G_N_ELEMENTS(subnets); i++) {
        g_autofree char *zones = NULL;

        segment.subnet_address = subnets[i].address;
        segment.subnet_length = subnets[i].length;
        zones = lines_of(&segment, "local=/");
        g_assert_cmpstr(zones, ==, subnets[i].zones);
    }
    segment = make_segment();
    segment.domain[0] = '\0';
    segment.subnet6_address = (Address6){{0x20, 0x01, 0x0d, 0xb8, 0x40}};
    segment.subnet6_length = 38;
    {
        g_autofree char *zones = lines_of(&segment, "local=/");

        g_assert_cmpstr(
            zones, ==,
            "77.168.192.in-addr.arpa/ "
            "0.4.8.b.d.0.1.0.0.2.ip6.arpa/ 1.4.8.b.d.0.1.0.0.2.ip6.arpa/ "
            "2.4.8.b.d.0.1.0.0.2.ip6.arpa/ 3.4.8.b.d.0.1.0.0.2.ip6.arpa/");
    }
}

static void test_owners(void)
{
    static const char *const unsound[] = {
        "",
        "# tsabcdef3 5\n",
        "192.168.77.13 web\n",
        "192.168.77.13 web\n# tsabcdef3\n",
        "192.168.77.13 web\n# tsabcdef3 x\n",
        "192.168.77.13 web\n# tsabcdef3 0\n",
        "192.168.77.13 web\n# ts/bcdef3 5\n",
    };
    ServicesOwner owner;

    g_assert_true(
        services_owner_parse("192.168.77.13 web\n# tsabcdef3 5\n", &owner));
    g_assert_cmpstr(owner.tap.name, ==, TAP);
    g_assert_cmpint(owner.ifindex, ==, 5);
    g_assert_false(owner.has_word);
    g_assert_true(
        services_owner_parse("fd12::1 web\n# tsabcdef3 5 mac\n", &owner));
    g_assert_true(owner.has_word);
    for (gsize i = 0; i < G_N_ELEMENTS(unsound); i++) {
        g_assert_false(services_owner_parse(unsound[i], &owner));
    }
}

/* A run directory; the taps with indexes up to @live live. */
typedef struct {
    char *path;
    int fd;
    int live;
} Run;

static void make_part(const Run *run, const char *part)
{
    g_autofree char *path = g_build_filename(run->path, "dns", "nat", part, NULL);

    g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
}

static Run make_run(void)
{
    Run run = {.path = g_dir_make_tmp("tapster-dns-XXXXXX", NULL)};

    make_part(&run, "hosts");
    make_part(&run, "hosts6");
    make_part(&run, "dhcp");
    run.fd = open(run.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(run.fd, >=, 0);
    return run;
}

static void clear_run(Run *run)
{
    static const char *const parts[] = {"hosts", "hosts6", "dhcp", ""};

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path =
            g_build_filename(run->path, "dns", "nat", parts[i], NULL);
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        const char *name;

        while (folder && (name = g_dir_read_name(folder)) != NULL) {
            g_autofree char *file = g_build_filename(path, name, NULL);

            (void)g_unlink(file);
        }
        (void)g_rmdir(path);
    }
    g_autofree char *dns = g_build_filename(run->path, "dns", NULL);

    (void)g_rmdir(dns);
    (void)g_rmdir(run->path);
    (void)close(run->fd);
    g_free(run->path);
}

static bool is_live(const char *tap, int ifindex, gpointer data)
{
    return ifindex <= ((const Run *)data)->live && tap[0] == 't';
}

/* The file's text, or "-". */
static char *content(const Run *run, const char *part, const char *name)
{
    g_autofree char *path =
        g_build_filename(run->path, "dns", "nat", part, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("-");
}

static void check_content(const Run *run, const char *part, const char *name,
                          const char *expected)
{
    g_autofree char *text = content(run, part, name);

    g_assert_cmpstr(text, ==, expected);
}

static void claim(Run *run, const char *wanted, int ifindex, const char *expected)
{
    Segment segment = make_segment();
    ServiceName wish = {
        .hostname = wanted,
        .address = 0xc0a84d0a + (guint32)ifindex,
        .tap = TAP,
        .ifindex = ifindex,
    };
    char got[SERVICES_HOSTNAME_MAX + 1];
    g_autoptr(GError) error = NULL;

    g_assert_true(services_claim_hostname(run->fd, &segment, &wish, is_live,
                                          run, got, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(got, ==, expected);
}

static void test_claims(void)
{
    static const char long_name[] =
        "a23456789b23456789c23456789d23456789e23456789f23456789g23456789";
    g_autofree char *second = g_strdup_printf("%.61s-2", long_name);
    Run run = make_run();
    guint removed = 0;

    run.live = 100;
    claim(&run, "web", 5, "web");
    check_content(&run, "hosts", "web",
                  "192.168.77.15 web.nat.internal web\n# " TAP " 5\n");
    claim(&run, "WEB", 6, "WEB-2");
    check_content(&run, "hosts", "web-2",
                  "192.168.77.16 WEB-2.nat.internal WEB-2\n# " TAP " 6\n");
    claim(&run, "web", 7, "web-3");
    claim(&run, "web", 5, "web"); /* its own, once more */
    claim(&run, long_name, 8, long_name);
    claim(&run, long_name, 9, second);
    claim(&run, "", 10, "");

    /* Released is only what is one's own. */
    services_release_hostname(run.fd, "nat", "web-3", TAP, 8);
    check_content(&run, "hosts", "web-3",
                  "192.168.77.17 web-3.nat.internal web-3\n# " TAP " 7\n");
    services_release_hostname(run.fd, "nat", "web-3", TAP, 7);
    check_content(&run, "hosts", "web-3", "-");

    /* What is dead is taken over, or swept. */
    run.live = 5;
    claim(&run, "web-2", 4, "web-2");
    g_assert_true(
        services_sweep_names(run.fd, "nat", is_live, &run, &removed, NULL));
    g_assert_cmpuint(removed, ==, 2);
    check_content(&run, "hosts", "web-2",
                  "192.168.77.14 web-2.nat.internal web-2\n# " TAP " 4\n");
    check_content(&run, "hosts", long_name, "-");
    g_assert_true(
        services_sweep_names(run.fd, "lab", is_live, &run, &removed, NULL));
    g_assert_cmpuint(removed, ==, 0);
    clear_run(&run);
}

static void test_macs(void)
{
    Segment segment = make_segment();
    ServiceName wish = {
        .hostname = "web",
        .address = 0xc0a84d0d,
        .tap = TAP,
        .ifindex = 5,
        .has_mac = true,
        .mac = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}},
    };
    char got[SERVICES_HOSTNAME_MAX + 1];
    Run run = make_run();
    guint removed = 0;

    run.live = 5;
    /* On a cable any MAC will do. */
    g_assert_true(services_claim_hostname(run.fd, &segment, &wish, is_live,
                                          &run, got, NULL));
    check_content(&run, "dhcp", TAP, "-");
    segment.kind = SEGMENT_SHARED;
    g_assert_true(services_claim_hostname(run.fd, &segment, &wish, is_live,
                                          &run, got, NULL));
    check_content(&run, "dhcp", TAP,
                  "52:54:00:12:34:56,192.168.77.13,web\n# " TAP " 5\n");
    wish.hostname = "";
    wish.mac.bytes[5] = 0x57;
    g_assert_true(services_claim_hostname(run.fd, &segment, &wish, is_live,
                                          &run, got, NULL));
    check_content(&run, "dhcp", TAP,
                  "52:54:00:12:34:57,192.168.77.13\n# " TAP " 5\n");
    run.live = 4;
    g_assert_true(
        services_sweep_names(run.fd, "nat", is_live, &run, &removed, NULL));
    g_assert_cmpuint(removed, ==, 2);
    clear_run(&run);
}

static void test_addresses6(void)
{
    Segment segment = make_segment();
    ServiceAddress6 address = {
        .hostname = "web",
        .address = {{0xfd, 0x12, [15] = 1}},
        .tap = TAP,
        .ifindex = 5,
    };
    g_autofree char *path = NULL;
    const struct timeval old[2] = {{1000000, 0}, {1000000, 0}};
    Run run = make_run();

    g_assert_true(services_note_address6(run.fd, &segment, &address));
    check_content(&run, "hosts6", "web",
                  "fd12::1 web.nat.internal web\n# " TAP " 5\n");
    /* The first stays, but for one of its MAC, and that for good. */
    address.address.bytes[15] = 2;
    g_assert_false(services_note_address6(run.fd, &segment, &address));
    address.from_mac = true;
    g_assert_true(services_note_address6(run.fd, &segment, &address));
    check_content(&run, "hosts6", "web",
                  "fd12::2 web.nat.internal web\n# " TAP " 5 mac\n");
    address.address.bytes[15] = 3;
    g_assert_false(services_note_address6(run.fd, &segment, &address));
    /* Another tap has the name by now. */
    address.ifindex = 6;
    g_assert_true(services_note_address6(run.fd, &segment, &address));
    /* Not forgotten a moment after. */
    g_assert_false(services_forget_address6(run.fd, "nat", "web"));
    path = g_build_filename(run.path, "dns", "nat", "hosts6", "web", NULL);
    g_assert_cmpint(utimes(path, old), ==, 0);
    g_assert_true(services_forget_address6(run.fd, "nat", "web"));
    g_assert_false(services_forget_address6(run.fd, "nat", "web"));
    clear_run(&run);
}

/* Residents own directories: a link of theirs leads nowhere. */
static void test_links(void)
{
    Segment segment = make_segment();
    ServiceName wish = {
        .hostname = "web",
        .tap = TAP,
        .ifindex = 5,
    };
    char got[SERVICES_HOSTNAME_MAX + 1];
    g_autoptr(GError) error = NULL;
    Run run = make_run();
    g_autofree char *hosts =
        g_build_filename(run.path, "dns", "nat", "hosts", NULL);
    g_autofree char *away = g_build_filename(run.path, "away", NULL);

    g_assert_cmpint(g_rmdir(hosts), ==, 0);
    g_assert_cmpint(g_mkdir(away, 0700), ==, 0);
    g_assert_cmpint(symlink(away, hosts), ==, 0);
    g_assert_false(services_claim_hostname(run.fd, &segment, &wish, is_live,
                                           &run, got, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_SYSTEM);
    g_assert_cmpint(g_rmdir(away), ==, 0);
    g_assert_cmpint(g_unlink(hosts), ==, 0);
    clear_run(&run);
}

static void test_locks(void)
{
    Run run = make_run();
    const struct timeval old[2] = {{1000000, 0}, {1000000, 0}};
    g_autofree char *path =
        g_build_filename(run.path, "dns", "nat", "lock", NULL);
    autofd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    autofd other_fd = open(path, O_RDWR | O_CLOEXEC);
    bool answer = true;

    g_assert_cmpstr(services_lock_dns("nat").name, ==, "dns/nat/lock");
    g_assert_cmpint(services_lock_holder(fd), ==, 0);
    g_assert_true(services_lock_is_held(other_fd, &answer));
    g_assert_false(answer);
    g_assert_true(services_lock_take(fd, &answer));
    g_assert_true(answer);
    g_assert_true(services_lock_sign(fd));
    g_assert_cmpint(services_lock_holder(other_fd), ==, getpid());
    g_assert_true(services_lock_is_held(other_fd, &answer));
    g_assert_true(answer);
    g_assert_true(services_lock_take(other_fd, &answer));
    g_assert_false(answer);
    g_assert_false(services_lock_is_stale(other_fd));
    g_assert_cmpint(utimes(path, old), ==, 0);
    g_assert_true(services_lock_is_stale(other_fd));
    g_assert_true(services_lock_sign(fd));
    g_assert_false(services_lock_is_stale(other_fd));
    g_assert_true(services_lock_drop(fd));
    /* Nobody holds it: nobody is signalled, though a number is there. */
    g_assert_true(services_lock_end(other_fd, 15));
    clear_run(&run);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dnsmasq/routed", test_routed);
    g_test_add_func("/dnsmasq/shared", test_shared);
    g_test_add_func("/dnsmasq/reverse", test_reverse);
    g_test_add_func("/dnsmasq/owners", test_owners);
    g_test_add_func("/dnsmasq/claims", test_claims);
    g_test_add_func("/dnsmasq/macs", test_macs);
    g_test_add_func("/dnsmasq/addresses6", test_addresses6);
    g_test_add_func("/dnsmasq/links", test_links);
    g_test_add_func("/dnsmasq/locks", test_locks);
    return g_test_run();
}
