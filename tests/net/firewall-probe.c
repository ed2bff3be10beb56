/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/number.h"
#include "firewall/firewall.h"
#include "pool/slots.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Calls src/firewall from a command line, in the network namespace that it is
 * started in, for the net tests. Prints one line of name=value pairs.
 *
 *   firewall-probe slot NETWORK SLOT
 *   firewall-probe ensure [fence=IFNAME…] [fence6=IFNAME…] [FORWARD…] NETWORK…
 *   firewall-probe withdraw [fence=IFNAME…] [fence6=IFNAME…] NETWORK…
 *   firewall-probe admit NETWORK SLOT GENERATION
 *   firewall-probe guard IFNAME MAC GENERATION
 *   firewall-probe forget IFNAME MAC
 *   firewall-probe forward GENERATION FORWARD…
 *   firewall-probe retract FORWARD…
 *   firewall-probe sweep GENERATION FORWARD…
 *   firewall-probe bench ROUNDS NETWORK…
 *   firewall-probe bench-forward ROUNDS FORWARD… NETWORK…
 *
 * NETWORK is NAME[,KEY=VALUE…]: mode, subnet, subnet6, offset, size, uplink (auto,
 * none or a name), bridge (of a shared segment), masquerade, masquerade6, guests, host
 * and dns (0 or 1). FORWARD is forward=TAP[,KEY=VALUE…]: protocol (tcp or udp),
 * port, to (the guest's), n, guest (its address), prefix, host, host6 and any (0
 * or 1).
 */

static void must(bool ok, GError **error)
{
    if (!ok) {
        fprintf(stderr, "%s\n", (*error)->message);
        exit(error_exit_status(*error));
    }
}

static guint32 parse_number(const char *text)
{
    GError *error = NULL;
    guint64 value = 0;

    must(number_parse(text, 0, G_MAXUINT32, &value, &error), &error);
    return (guint32)value;
}

static Ifname parse_ifname(const char *text)
{
    GError *error = NULL;
    Ifname name = { "" };

    must(ifname_parse(text, &name, &error), &error);
    return name;
}

static void set_key(Segment *segment, const char *key, const char *value)
{
    GError *error = NULL;

    if (g_str_equal(key, "mode")) {
        segment->mode = g_str_equal(value, "bridged") ? MODE_BRIDGED
                                                      : MODE_MASQUERADED;
    } else if (g_str_equal(key, "subnet")) {
        Prefix4 prefix = { 0 };

        must(address_parse_prefix4(value, &prefix, &error), &error);
        segment->subnet_address = prefix.address;
        segment->subnet_length = prefix.length;
        segment->gateway = prefix.address + 1;
    } else if (g_str_equal(key, "offset")) {
        segment->pool_offset = parse_number(value);
    } else if (g_str_equal(key, "size")) {
        segment->pool_size = parse_number(value);
    } else if (g_str_equal(key, "uplink")) {
        segment->uplink = g_str_equal(value, "auto")   ? UPLINK_AUTO
                          : g_str_equal(value, "none") ? UPLINK_NONE
                                                       : UPLINK_NAME;
        if (segment->uplink == UPLINK_NAME) {
            segment->uplink_name = parse_ifname(value);
        }
    } else if (g_str_equal(key, "bridge")) {
        segment->kind = SEGMENT_SHARED;
        segment->bridge = parse_ifname(value);
    } else if (g_str_equal(key, "dns")) {
        segment->dns_served = (guint8)parse_number(value);
    } else if (g_str_equal(key, "subnet6")) {
        Prefix6 prefix;

        must(address_parse_prefix6(value, &prefix, &error), &error);
        segment->subnet6_address = prefix.address;
        segment->subnet6_length = prefix.length;
    } else if (g_str_equal(key, "masquerade6")) {
        segment->masquerade6 = (guint8)parse_number(value);
    } else if (g_str_equal(key, "masquerade")) {
        segment->masquerade = (guint8)parse_number(value);
    } else if (g_str_equal(key, "guests")) {
        segment->guest_to_guest = (guint8)parse_number(value);
    } else if (g_str_equal(key, "host")) {
        segment->guest_to_host = (guint8)parse_number(value);
    } else {
        fprintf(stderr, "unknown key %s\n", key);
        exit(EXIT_FAILURE);
    }
}

/* Calls @set for each KEY=VALUE behind the first word. */
#define SET_KEYS(set, what, words) \
    for (guint i = 1; (words)[i]; i++) { \
        char *equals = strchr((words)[i], '='); \
\
        if (!equals) { \
            fprintf(stderr, "no value in %s\n", (words)[i]); \
            exit(EXIT_FAILURE); \
        } \
        *equals = '\0'; \
        set(what, (words)[i], equals + 1); \
    }

static Segment parse_segment(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    Segment segment = {
        .mode = MODE_MASQUERADED,
        .subnet_address = 192u << 24 | 168u << 16 | 77u << 8,
        .subnet_length = 24,
        .gateway = 192u << 24 | 168u << 16 | 77u << 8 | 1,
        .pool_offset = 10,
        .pool_size = 240,
        .uplink = UPLINK_AUTO,
        .masquerade = true,
        .guest_to_guest = true,
        .guest_to_host = true,
        .dhcp = true,
    };

    g_strlcpy(segment.name, words[0], sizeof(segment.name));
    slots_identify(words[0], &segment);
    SET_KEYS(set_key, &segment, words);
    return segment;
}

static void set_forward_key(Forward *forward, const char *key,
                            const char *value)
{
    GError *error = NULL;

    if (g_str_equal(key, "protocol")) {
        forward->protocol = g_str_equal(value, "udp") ? IPPROTO_UDP
                                                      : IPPROTO_TCP;
    } else if (g_str_equal(key, "port")) {
        forward->host_port = (guint16)parse_number(value);
    } else if (g_str_equal(key, "to")) {
        forward->guest_port = (guint16)parse_number(value);
    } else if (g_str_equal(key, "n")) {
        forward->n_ports = (guint16)parse_number(value);
    } else if (g_str_equal(key, "any")) {
        forward->from_any = (guint8)parse_number(value);
    } else if (g_str_equal(key, "guest")) {
        must(address_parse_ipv4(value, &forward->guest4, &error), &error);
    } else if (g_str_equal(key, "prefix")) {
        must(address_parse_prefix6(value, &forward->prefix6, &error), &error);
    } else if (g_str_equal(key, "host")) {
        forward->host_family = AF_INET;
        must(address_parse_ipv4(value, &forward->host4, &error), &error);
    } else if (g_str_equal(key, "host6")) {
        forward->host_family = AF_INET6;
        must(address_parse_ipv6(value, &forward->host6, &error), &error);
    } else {
        fprintf(stderr, "unknown key %s\n", key);
        exit(EXIT_FAILURE);
    }
}

static Forward parse_forward(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    Forward forward = {
        .tap = parse_ifname(words[0]),
        .protocol = IPPROTO_TCP,
        .host_port = 8080,
        .guest_port = 80,
        .n_ports = 1,
    };

    SET_KEYS(set_forward_key, &forward, words);
    return forward;
}

static FirewallWish wish_new(void)
{
    return (FirewallWish){
        .segments = g_array_new(false, true, sizeof(Segment)),
        .fenced = g_array_new(false, true, sizeof(Ifname)),
        .fenced6 = g_array_new(false, true, sizeof(Ifname)),
        .forwards = g_array_new(false, true, sizeof(Forward)),
    };
}

static FirewallWish parse_wish(char **words)
{
    FirewallWish wish = wish_new();

    for (; *words; words++) {
        const char *value = strchr(*words, '=');

        if (g_str_has_prefix(*words, "fence=") ||
            g_str_has_prefix(*words, "fence6=")) {
            Ifname name = parse_ifname(value + 1);

            g_array_append_val(value[-1] == '6' ? wish.fenced6 : wish.fenced,
                               name);
        } else if (g_str_has_prefix(*words, "forward=")) {
            Forward forward = parse_forward(value + 1);

            g_array_append_val(wish.forwards, forward);
        } else {
            Segment segment = parse_segment(*words);

            g_array_append_val(wish.segments, segment);
        }
    }
    return wish;
}

static void print_slot(const char *network, const char *number)
{
    Segment segment = parse_segment(network);
    guint32 slot = parse_number(number);
    Mac mac = slots_host_mac(&segment, slot);

    printf("tap=%s address=%s group=%u mac=%s\n",
           slots_tap_name(&segment, slot).name,
           address_format_ipv4(slots_address(&segment, slot)).text,
           segment.group, address_format_mac(&mac).text);
}

static void apply(Netlink *netfilter, const PlanOperation *operation,
                  int ifindex, const Ifname *tap, guint32 generation)
{
    GError *error = NULL;

    must(firewall_apply_port(netfilter, operation, ifindex, tap, &generation,
                             &error), &error);
    printf("generation=%u\n", generation);
}

static PlanOperation guard_of(const char *mac)
{
    PlanOperation operation = { .type = PLAN_GUARD_MAC, .has_mac = true };
    GError *error = NULL;

    must(address_parse_mac(mac, &operation.mac, &error), &error);
    return operation;
}

/* Cold, verified and generation, each the median of @rounds. */
static int compare_times(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return x < y ? -1 : x > y;
}

static double median_us(gint64 *times, guint n)
{
    qsort(times, n, sizeof(*times), compare_times);
    return (double)times[n / 2];
}

static void bench(Netlink *netfilter, guint rounds, const FirewallWish *wish)
{
    enum { COLD, VERIFY, GENERATION, KINDS_N };
    static const char *const kinds[] = { "cold", "verify", "generation" };
    FirewallWish none = wish_new();
    GError *error = NULL;
    gint64 *times[KINDS_N];

    for (guint k = 0; k < KINDS_N; k++) {
        times[k] = g_new0(gint64, rounds);
    }
    for (guint i = 0; i < rounds; i++) {
        guint32 generation = 0;
        bool changed = false;

        must(firewall_withdraw(netfilter, &none, &error), &error);
        for (guint k = 0; k < KINDS_N; k++) {
            gint64 start = g_get_monotonic_time();
            guint repeats = k == GENERATION ? 100 : 1;

            for (guint r = 0; r < repeats; r++) {
                must(k == GENERATION
                         ? firewall_generation(netfilter, &generation, &error)
                         : firewall_ensure(netfilter, wish, &generation,
                                           &changed, &error), &error);
            }
            times[k][i] = g_get_monotonic_time() - start;
        }
    }
    printf("%s_us=%.0f %s_us=%.0f %s_us=%.2f\n", kinds[COLD],
           median_us(times[COLD], rounds), kinds[VERIFY],
           median_us(times[VERIFY], rounds), kinds[GENERATION],
           median_us(times[GENERATION], rounds) / 100);
}

static PlanOperation operation_of(const GArray *forwards)
{
    return (PlanOperation){ .type = PLAN_FORWARDS, .forwards = forwards };
}

/* One port's forwards put and taken back, each the median of @rounds. */
static void bench_forward(Netlink *netfilter, guint rounds, FirewallWish *wish)
{
    GArray *forwards = wish->forwards;
    PlanOperation operation = operation_of(forwards);
    gint64 *put = g_new0(gint64, rounds), *swept = g_new0(gint64, rounds);
    GError *error = NULL;
    guint32 generation = 0;
    bool changed = false;

    wish->forwards = g_array_new(false, true, sizeof(Forward));
    must(firewall_ensure(netfilter, wish, &generation, &changed, &error),
         &error);
    for (guint i = 0; i < rounds; i++) {
        gint64 start = g_get_monotonic_time(), middle;

        must(firewall_apply_port(netfilter, &operation, 0,
                                 &g_array_index(forwards, Forward, 0).tap,
                                 &generation, &error), &error);
        middle = g_get_monotonic_time();
        must(firewall_sweep_forwards(netfilter, forwards, &generation, &error),
             &error);
        swept[i] = g_get_monotonic_time() - middle;
        put[i] = middle - start;
    }
    printf("put_us=%.0f swept_us=%.0f\n", median_us(put, rounds),
           median_us(swept, rounds));
}

static void run(Netlink *netfilter, int argc, char **argv)
{
    const char *verb = argv[1];
    GError *error = NULL;

    if (g_str_equal(verb, "ensure")) {
        FirewallWish wish = parse_wish(argv + 2);
        guint32 generation = 0;
        bool changed = false;

        must(firewall_ensure(netfilter, &wish, &generation, &changed, &error),
             &error);
        printf("generation=%u changed=%d\n", generation, changed);
    } else if (g_str_equal(verb, "withdraw")) {
        FirewallWish wish = parse_wish(argv + 2);

        must(firewall_withdraw(netfilter, &wish, &error), &error);
    } else if (g_str_equal(verb, "bench") && argc > 3) {
        FirewallWish wish = parse_wish(argv + 3);

        bench(netfilter, parse_number(argv[2]), &wish);
    } else if (g_str_equal(verb, "bench-forward") && argc > 3) {
        FirewallWish wish = parse_wish(argv + 3);

        bench_forward(netfilter, parse_number(argv[2]), &wish);
    } else if (g_str_equal(verb, "forward") && argc > 3) {
        FirewallWish wish = parse_wish(argv + 3);
        const Forward *first = &g_array_index(wish.forwards, Forward, 0);
        PlanOperation operation = operation_of(wish.forwards);

        apply(netfilter, &operation, 0, &first->tap, parse_number(argv[2]));
    } else if (g_str_equal(verb, "retract") && argc > 2) {
        FirewallWish wish = parse_wish(argv + 2);
        PlanOperation operation = operation_of(wish.forwards);

        firewall_forget_port(netfilter, &operation, 0);
    } else if (g_str_equal(verb, "sweep") && argc > 3) {
        FirewallWish wish = parse_wish(argv + 3);
        guint32 generation = parse_number(argv[2]);

        must(firewall_sweep_forwards(netfilter, wish.forwards, &generation,
                                     &error), &error);
        printf("generation=%u\n", generation);
    } else if (g_str_equal(verb, "admit") && argc == 5) {
        Segment segment = parse_segment(argv[2]);
        guint32 slot = parse_number(argv[3]);
        Ifname tap = slots_tap_name(&segment, slot);
        PlanOperation operation = {
            .type = PLAN_ADMIT_SENDER,
            .address = slots_address(&segment, slot),
        };

        apply(netfilter, &operation, 0, &tap, parse_number(argv[4]));
    } else if (g_str_equal(verb, "guard") && argc == 5) {
        Ifname tap = parse_ifname(argv[2]);
        PlanOperation operation = guard_of(argv[3]);

        apply(netfilter, &operation, (int)if_nametoindex(argv[2]), &tap,
              parse_number(argv[4]));
    } else if (g_str_equal(verb, "forget") && argc == 4) {
        PlanOperation operation = guard_of(argv[3]);

        firewall_forget_port(netfilter, &operation,
                             (int)if_nametoindex(argv[2]));
    } else {
        fprintf(stderr, "usage: see the comment in firewall-probe.c\n");
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(Netlink) netfilter = NULL;
    GError *error = NULL;

    if (argc == 4 && g_str_equal(argv[1], "slot")) {
        print_slot(argv[2], argv[3]);
        return 0;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: see the comment in firewall-probe.c\n");
        return EXIT_FAILURE;
    }
    must(netlink_open(NETLINK_NETFILTER, &netfilter, &error), &error);
    run(netfilter, argc, argv);
    return 0;
}
