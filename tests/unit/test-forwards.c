/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"
#include "plan/forward_make.h"
#include "pool/slots.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALICE 1000

static int new_file(void)
{
    int fd = memfd_create("forwards", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static Forward make_forward(const char *tap, int ifindex, guint16 port)
{
    Forward forward = {.group = 0x74000001, .slot = 3, .ifindex = ifindex,
                       .uid = ALICE, .guest4 = 0xc0a84d14,
                       .protocol = IPPROTO_TCP, .host_port = port,
                       .guest_port = 80, .n_ports = 1, .name = "web"};

    g_strlcpy(forward.tap.name, tap, sizeof(forward.tap.name));
    return forward;
}

static GArray *new_list(void)
{
    return g_array_new(FALSE, TRUE, sizeof(Forward));
}

static void append(GArray *list, Forward forward)
{
    g_array_append_val(list, forward);
}

static void save(int fd, const GArray *list)
{
    g_autoptr(GError) error = NULL;
    bool saved = forwards_save(fd, list, &error);

    g_assert_no_error(error);
    g_assert_true(saved);
}

static void assert_loaded(int fd, const GArray *expected)
{
    g_autoptr(GArray) found = forwards_load(fd);

    g_assert_cmpuint(found->len, ==, expected->len);
    g_assert_cmpmem(found->data, found->len * sizeof(Forward), expected->data,
                    expected->len * sizeof(Forward));
}

static void test_save_and_load(void)
{
    autofd fd = new_file();
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);
    g_autoptr(GArray) list = new_list();

    g_assert_true(forwards_is_empty(-1));
    g_assert_true(forwards_is_empty(fd));
    assert_loaded(fd, list);
    assert_loaded(-1, list);
    for (guint round = 0; round < 500; round++) {
        gint n = g_rand_int_range(rand, 0, 40);

        g_array_set_size(list, 0);
        for (gint i = 0; i < n; i++) {
            append(list, make_forward("tsup3efz3", (int)round + 1,
                                      (guint16)(1024 + i)));
        }
        save(fd, list);
        g_assert_cmpint(forwards_is_empty(fd), ==, n == 0);
        assert_loaded(fd, list);
        /* does not grow without end */
        g_assert_cmpint(lseek(fd, 0, SEEK_END), <=,
                        64 + 3 * 40 * (gssize)sizeof(Forward));
    }
}

static void test_limit(void)
{
    autofd fd = new_file();
    g_autoptr(GArray) list = new_list();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < FORWARDS_MAX; i++) {
        append(list, make_forward("tsup3efz3", 7, (guint16)MAX(1, i)));
    }
    save(fd, list);
    assert_loaded(fd, list);
    append(list, make_forward("tsup3efz3", 7, 1));
    g_assert_false(forwards_save(fd, list, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_EXHAUSTED);
    g_array_set_size(list, FORWARDS_MAX);
    assert_loaded(fd, list);
}

static void test_cannot_write(void)
{
    autofd fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    g_autoptr(GArray) list = new_list();
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(fd, >=, 0);
    g_assert_false(forwards_save(fd, list, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_SYSTEM);
    g_clear_error(&error);
    append(list, make_forward("tsup3efz3", 7, 8080));
    g_assert_false(forwards_save(fd, list, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_SYSTEM);
}

/* A writer killed at any byte leaves the old list or the new one. */
static void test_torn(void)
{
    autofd fd = new_file();
    g_autoptr(GArray) before = new_list();
    g_autoptr(GArray) after = new_list();
    g_autofree guint8 *old_bytes = NULL;
    g_autofree guint8 *new_bytes = NULL;
    gsize old_size;
    gsize new_size;

    append(before, make_forward("tsup3efz3", 7, 8080));
    append(before, make_forward("tsup3efz3", 7, 8081));
    append(after, make_forward("tsup3efz4", 8, 9090));
    append(after, make_forward("tsup3efz4", 8, 9091));
    append(after, make_forward("tsup3efz4", 8, 9092));
    save(fd, before);
    old_size = (gsize)lseek(fd, 0, SEEK_END);
    old_bytes = g_malloc0(4096);
    g_assert_cmpint(pread(fd, old_bytes, 4096, 0), ==, (gssize)old_size);
    save(fd, after);
    new_size = (gsize)lseek(fd, 0, SEEK_END);
    new_bytes = g_malloc0(4096);
    g_assert_cmpint(pread(fd, new_bytes, 4096, 0), ==, (gssize)new_size);

    /* the records are written first, then the header: 32 bytes at once */
    for (gsize cut = old_size; cut <= new_size; cut++) {
        g_assert_cmpint(ftruncate(fd, 0), ==, 0);
        g_assert_cmpint(pwrite(fd, new_bytes, cut, 0), ==, (gssize)cut);
        g_assert_cmpint(pwrite(fd, old_bytes, 64, 0), ==, 64);
        assert_loaded(fd, before);
        g_assert_cmpint(pwrite(fd, new_bytes, 32, 0), ==, 32);
        if (cut == new_size) {
            assert_loaded(fd, after);
        }
    }
}

/* Whatever byte is another one, the list is as it was or empty. */
static void test_noise(void)
{
    autofd fd = new_file();
    g_autoptr(GArray) list = new_list();
    g_autoptr(GArray) none = new_list();
    g_autofree guint8 *bytes = g_malloc(4096);
    gssize size;

    append(list, make_forward("tsup3efz3", 7, 8080));
    append(list, make_forward("tsup3efz3", 7, 8081));
    save(fd, list);
    size = pread(fd, bytes, 4096, 0);
    for (gssize i = 0; i < size; i++) {
        guint8 byte = (guint8)(bytes[i] ^ 0x41);

        g_assert_cmpint(pwrite(fd, &byte, 1, i), ==, 1);
        assert_loaded(fd, i >= 32 && i < 64 ? list : none);
        g_assert_cmpint(pwrite(fd, &bytes[i], 1, i), ==, 1);
    }
    for (gssize cut = size - 1; cut >= 0; cut--) {
        g_assert_cmpint(ftruncate(fd, cut), ==, 0);
        assert_loaded(fd, none);
    }
    /* and the next writer does not mind */
    g_assert_cmpint(pwrite(fd, bytes + 7, 600, 0), ==, 600);
    save(fd, list);
    assert_loaded(fd, list);
}

/* Well kept, and still not what anybody should work with. */
static void test_insane(void)
{
    for (guint fault = 0; fault < 10; fault++) {
        autofd fd = new_file();
        g_autoptr(GArray) list = new_list();
        g_autoptr(GArray) none = new_list();
        Forward forward = make_forward("tsup3efz3", 7, 8080);

        switch (fault) {
        case 0: memset(&forward.tap, 'x', sizeof(forward.tap)); break;
        case 1: memset(forward.name, 'x', sizeof(forward.name)); break;
        case 2: forward.protocol = IPPROTO_ICMP; break;
        case 3: forward.host_family = AF_UNIX; break;
        case 4: forward.prefix6.length = 63; break;
        case 5: forward.n_ports = 0; break;
        case 6: forward.host_port = 0; break;
        case 7: forward.guest_port = 0; break;
        case 8: forward.host_port = 65535; forward.n_ports = 2; break;
        default: forward.guest_port = 65535; forward.n_ports = 2; break;
        }
        append(list, forward);
        save(fd, list);
        assert_loaded(fd, none);
    }
}

/* A file of another version, or of another kind. */
static void test_foreign_version(void)
{
    for (gsize at = 0; at < 12; at += 4) {
        autofd fd = new_file();
        g_autoptr(GArray) list = new_list();
        g_autoptr(GArray) none = new_list();
        guint32 other = 2;

        append(list, make_forward("tsup3efz3", 7, 8080));
        save(fd, list);
        g_assert_cmpint(pwrite(fd, &other, 4, (off_t)at), ==, 4);
        assert_loaded(fd, none);
        g_assert_false(forwards_is_empty(fd));
        save(fd, list);
        assert_loaded(fd, list);
    }
}

/* Odd indexes are dead; counts how often it is asked. */
static bool is_even(const Ifname *tap, int ifindex, gpointer data)
{
    guint *n_asked = data;

    g_assert_cmpint(strncmp(tap->name, "tsup3efz", 8), ==, 0);
    (*n_asked)++;
    return ifindex % 2 == 0;
}

static void test_split(void)
{
    g_autoptr(GArray) list = new_list();
    g_autoptr(GArray) stale = NULL;
    g_autoptr(GArray) none = NULL;
    guint n_asked = 0;

    for (guint i = 0; i < 100; i++) {
        append(list, make_forward("tsup3efz3", 7, (guint16)(8000 + i)));
    }
    for (guint i = 0; i < 100; i++) {
        append(list, make_forward("tsup3efz4", 8, (guint16)(9000 + i)));
    }
    append(list, make_forward("tsup3efz5", 9, 8080));
    append(list, make_forward("tsup3efz6", 8, 8081)); /* of another name */
    append(list, make_forward("tsup3efz3", 7, 8082));
    forwards_split(list, is_even, &n_asked, &stale);
    g_assert_cmpuint(list->len, ==, 101);
    g_assert_cmpuint(stale->len, ==, 102);
    g_assert_cmpuint(n_asked, ==, 5);
    for (guint i = 0; i < list->len; i++) {
        g_assert_cmpint(g_array_index(list, Forward, i).ifindex, ==, 8);
    }
    g_assert_cmpuint(g_array_index(list, Forward, 99).host_port, ==, 9099);
    g_assert_cmpuint(g_array_index(stale, Forward, 100).ifindex, ==, 9);

    g_array_set_size(list, 0);
    forwards_split(list, is_even, &n_asked, &none);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpuint(n_asked, ==, 5);
}

/* "tcp 8080+10 192.0.2.1": protocol, first port, how many, address */
static Forward parse(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 3);
    g_auto(GStrv) ports = g_strsplit(words[1], "+", 2);
    Forward forward = make_forward("tsup3efz3", 7, 1);

    forward.protocol =
        strcmp(words[0], "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
    forward.host_port = (guint16)g_ascii_strtoull(ports[0], NULL, 10);
    forward.n_ports =
        ports[1] ? (guint16)g_ascii_strtoull(ports[1], NULL, 10) : 1;
    if (words[2] && strchr(words[2], ':')) {
        forward.host_family = AF_INET6;
        g_assert_true(address_parse_ipv6(words[2], &forward.host6, NULL));
    } else if (words[2]) {
        forward.host_family = AF_INET;
        g_assert_true(address_parse_ipv4(words[2], &forward.host4, NULL));
    }
    return forward;
}

static void test_conflicts(void)
{
    static const struct {
        const char *held;
        const char *wanted;
        bool conflict;
    } cases[] = {
        {"tcp 8080", "tcp 8080", true},
        {"tcp 8080", "udp 8080", false},
        {"tcp 8080", "tcp 8081", false},
        {"tcp 8080+10", "tcp 8089", true},
        {"tcp 8080+10", "tcp 8090", false},
        {"tcp 8080+10", "tcp 8079", false},
        {"tcp 8080+10", "tcp 8070+10", false},
        {"tcp 8080+10", "tcp 8070+11", true},
        {"tcp 8080+10", "tcp 8085+2", true},
        {"tcp 8085", "tcp 8080+10", true},
        {"tcp 65535", "tcp 65530+6", true},
        {"tcp 8080", "tcp 8080 192.0.2.1", true},
        {"tcp 8080 192.0.2.1", "tcp 8080", true},
        {"tcp 8080 192.0.2.1", "tcp 8080 192.0.2.1", true},
        {"tcp 8080 192.0.2.1", "tcp 8080 192.0.2.2", false},
        {"tcp 8080", "tcp 8080 2001:db8::1", true},
        {"tcp 8080 2001:db8::1", "tcp 8080 2001:db8::1", true},
        {"tcp 8080 2001:db8::1", "tcp 8080 2001:db8::2", false},
        {"tcp 8080 2001:db8::1", "tcp 8080 192.0.2.1", false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) list = new_list();
        Forward wanted = parse(cases[i].wanted);

        g_assert_null(forwards_find_conflict(list, &wanted));
        append(list, parse("tcp 22"));
        append(list, parse(cases[i].held));
        append(list, parse(cases[i].held));
        const Forward *found = forwards_find_conflict(list, &wanted);
        g_assert_true(found == (cases[i].conflict
                                    ? &g_array_index(list, Forward, 1)
                                    : NULL));
    }
}

static void test_describe(void)
{
    static const struct {
        const char *forward;
        const char *expected;
    } cases[] = {
        {"tcp 8080", "tcp port 8080"},
        {"udp 5000+10", "udp ports 5000-5009"},
        {"tcp 8080 192.0.2.1", "tcp port 8080 of 192.0.2.1"},
        {"udp 65534+2 2001:db8::1", "udp ports 65534-65535 of 2001:db8::1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Forward forward = parse(cases[i].forward);
        g_autofree char *text = forward_describe(&forward);

        g_assert_cmpstr(text, ==, cases[i].expected);
    }
}

static Segment make_segment(SegmentKind kind)
{
    Segment segment = {.mode = MODE_MASQUERADED, .kind = kind};

    slots_identify("nat", &segment);
    segment.subnet_address = 0xc0a84d00;
    segment.subnet_length = 24;
    segment.pool_offset = 10;
    segment.pool_size = 240;
    segment.subnet6_address = (Address6){{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    segment.subnet6_length = 48;
    return segment;
}

static void test_make(void)
{
    Segment segment = make_segment(SEGMENT_ROUTED);
    ForwardHolder holder = {.slot = 10, .tap_ifindex = 7, .uid = ALICE,
                            .name = "web"};
    ProfileForward wish = {.tcp = true, .udp = true, .host_port = 8080,
                           .guest_port = 80, .n_ports = 3};
    g_autoptr(GArray) list = new_list();
    Prefix6 prefix = slots_prefix6(&segment, 10);

    forward_make(&wish, &segment, &holder, FORWARDS_NONE, list);
    g_assert_cmpuint(list->len, ==, 0);
    forward_make(&wish, &segment, &holder, FORWARDS_FROM_ANY, list);
    g_assert_cmpuint(list->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        const Forward *forward = &g_array_index(list, Forward, i);

        g_assert_cmphex(forward->group, ==, segment.group);
        g_assert_cmpuint(forward->slot, ==, 10);
        g_assert_cmpint(forward->ifindex, ==, 7);
        g_assert_cmpuint(forward->uid, ==, ALICE);
        g_assert_cmpstr(forward->tap.name, ==, "tsup3efza");
        g_assert_cmphex(forward->guest4, ==, 0xc0a84d14);
        g_assert_cmpmem(&forward->prefix6, sizeof(prefix), &prefix,
                        sizeof(prefix));
        g_assert_cmpuint(forward->protocol, ==,
                         i == 0 ? IPPROTO_TCP : IPPROTO_UDP);
        g_assert_cmpuint(forward->from_any, ==, 1);
        g_assert_cmpuint(forward->host_family, ==, 0);
        g_assert_cmpuint(forward->host_port, ==, 8080);
        g_assert_cmpuint(forward->guest_port, ==, 80);
        g_assert_cmpuint(forward->n_ports, ==, 3);
        g_assert_cmpstr(forward->name, ==, "web");
    }
}

static void test_make_with_address(void)
{
    Segment routed = make_segment(SEGMENT_ROUTED);
    Segment shared = make_segment(SEGMENT_SHARED);
    ForwardHolder holder = {.slot = 0, .tap_ifindex = 7, .name = ""};
    ProfileForward wish = {.udp = true, .has_host4 = true, .host4 = 0xc0000201,
                           .host_port = 53, .guest_port = 53, .n_ports = 1};
    g_autoptr(GArray) list = new_list();

    forward_make(&wish, &routed, &holder, FORWARDS_FROM_HOST, list);
    wish.has_host4 = false;
    wish.has_host6 = true;
    wish.host6 = slots_router6;
    forward_make(&wish, &shared, &holder, FORWARDS_FROM_HOST, list);
    g_assert_cmpuint(list->len, ==, 2);
    const Forward *first = &g_array_index(list, Forward, 0);
    const Forward *second = &g_array_index(list, Forward, 1);

    g_assert_cmpuint(first->protocol, ==, IPPROTO_UDP);
    g_assert_cmpuint(first->from_any, ==, 0);
    g_assert_cmpuint(first->host_family, ==, AF_INET);
    g_assert_cmphex(first->host4, ==, 0xc0000201);
    g_assert_cmpstr(first->name, ==, "");
    g_assert_cmpuint(second->host_family, ==, AF_INET6);
    g_assert_cmpmem(&second->host6, 16, &slots_router6, 16);
    /* nobody vouches for whose an address of a shared segment is */
    g_assert_cmpuint(second->prefix6.length, ==, 0);
}

static void test_check(void)
{
    Segment routed = make_segment(SEGMENT_ROUTED);
    Segment shared = make_segment(SEGMENT_SHARED);
    Segment alone = routed;
    ProfileForward wish = {.tcp = true, .host_port = 8080, .guest_port = 80,
                           .n_ports = 1};
    g_autoptr(GArray) forwards = g_array_new(FALSE, TRUE, sizeof(wish));
    char file[] = "web.json";
    Profile profile = {.file = file, .has_mac = true, .forwards = forwards};
    g_autoptr(GError) unknown = NULL;
    g_autoptr(GError) on_shared = NULL;
    g_autoptr(GError) without = NULL;

    alone.subnet6_length = 0;
    g_array_append_val(forwards, wish);
    g_assert_true(forward_check(&profile, &routed, NULL));
    g_assert_true(forward_check(&profile, &shared, NULL));
    g_assert_true(forward_check(&profile, &alone, NULL));
    profile.has_mac = false;
    g_assert_true(forward_check(&profile, &routed, NULL));
    g_assert_false(forward_check(&profile, &shared, &unknown));
    g_assert_error(unknown, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    profile.has_mac = true;
    wish.has_host6 = true;
    wish.host6 = slots_router6;
    g_array_append_val(forwards, wish);
    g_assert_true(forward_check(&profile, &routed, NULL));
    g_assert_false(forward_check(&profile, &shared, &on_shared));
    g_assert_error(on_shared, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(on_shared->message, ==,
                    "profile 'web.json' forwards port 8080 of fe80::1, and on a "
                    "shared segment forwards are for IPv4 alone: leave that "
                    "forward out, or give it an IPv4 \"host_address\"");
    g_assert_false(forward_check(&profile, &alone, &without));
    g_assert_error(without, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_nonnull(strstr(without->message, "this network has no IPv6"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/forwards/save-and-load", test_save_and_load);
    g_test_add_func("/forwards/limit", test_limit);
    g_test_add_func("/forwards/cannot-write", test_cannot_write);
    g_test_add_func("/forwards/torn", test_torn);
    g_test_add_func("/forwards/noise", test_noise);
    g_test_add_func("/forwards/insane", test_insane);
    g_test_add_func("/forwards/foreign-version", test_foreign_version);
    g_test_add_func("/forwards/split", test_split);
    g_test_add_func("/forwards/conflicts", test_conflicts);
    g_test_add_func("/forwards/describe", test_describe);
    g_test_add_func("/forwards/make", test_make);
    g_test_add_func("/forwards/make-with-address", test_make_with_address);
    g_test_add_func("/forwards/check", test_check);
    return g_test_run();
}
