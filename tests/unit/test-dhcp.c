/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dhcp/dhcp_answer.h"
#include "dhcp/dhcp_frame.h"
#include "dhcp/dhcp_nd.h"
#include "dhcp/dhcp_outbox.h"
#include "dhcp/dhcp_packet.h"
#include "dhcp/dhcp_probe.h"
#include "dhcp/dhcp_ra.h"
#include "dhcp/dhcp_release.h"
#include "dhcp/dhcp_resolvers.h"

#include <string.h>

#define GATEWAY 0xc0a84d01u /* 192.168.77.1 */
#define ADDRESS 0xc0a84d0au /* 192.168.77.10 */
#define OTHER   0xc0a84d0bu

/* A request, put together from an option text in hexadecimal. */
typedef struct {
    guint8 bytes[2048];
    gsize size;
} Request;

static gsize decode(const char *hex, guint8 *bytes)
{
    gsize size = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            bytes[size++] = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 |
                                     g_ascii_xdigit_value(hex[1]));
            hex++;
        }
    }
    return size;
}

static char *encode(const guint8 *bytes, gsize size)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < size; i++) {
        g_string_append_printf(text, "%02x", bytes[i]);
    }
    return g_string_free(text, FALSE);
}

static Request make_request(const char *ciaddr, const char *options)
{
    Request request = {.bytes = {1, 1, 6, 0, 0x39, 0x03, 0xf3, 0x26}};

    decode(ciaddr, request.bytes + 12);
    decode("525400123456", request.bytes + 28);
    decode("63825363", request.bytes + 236);
    request.size = 240 + decode(options, request.bytes + 240);
    return request;
}

static bool parse(const Request *request, DhcpMessage *message)
{
    /* A copy of just that size: an access beyond it is seen. */
    g_autofree guint8 *copy = g_memdup2(request->bytes, request->size);

    return dhcp_parse(copy, request->size, message);
}

static Segment make_segment(void)
{
    Segment segment = {
        .mode = MODE_MASQUERADED,
        .mtu = 1450,
        .subnet_address = 0xc0a84d00,
        .subnet_length = 24,
        .gateway = GATEWAY,
        .lease_time_s = 3600,
        .n_dns = 2,
        .dns = {0x09090909, 0x01010101},
        .domain = "nat.internal",
    };

    return segment;
}

/* "type IP-destination link-destination: fields after the head", or "none". */
static char *answer(const char *ciaddr, const char *options)
{
    Request request = make_request(ciaddr, options);
    Segment segment = make_segment();
    DhcpOptions terms = dhcp_answer_options(&segment, "web", NULL, 0);
    guint8 payload[DHCP_SIZE_MAX];
    DhcpDestination destination;
    g_autofree char *text = NULL;
    DhcpMessage message;
    DhcpReply reply;
    gsize size;
    gsize end;

    g_assert_true(parse(&request, &message));
    if (!dhcp_answer(&message, ADDRESS, &terms, &reply, &destination)) {
        return g_strdup("none");
    }
    size = dhcp_build(&message, &reply, payload);
    g_assert_cmpuint(size, >=, 300);
    g_assert_cmpuint(size, <=, 548);
    for (end = size; payload[end - 1] == 0; end--) {
    }
    text = encode(payload + 240, end - 240);
    /* The head: op 2, Ethernet, 6, no hops, the xid; names and giaddr empty. */
    g_assert_cmpmem(payload, 8, "\2\1\6\0\x39\3\xf3\x26", 8);
    g_assert_cmpmem(payload + 28, 16,
                    "\x52\x54\0\x12\x34\x56\0\0\0\0\0\0\0\0\0", 16);
    for (gsize i = 20; i < 236; i++) {
        g_assert_true((i >= 28 && i < 34) || payload[i] == 0);
    }
    return g_strdup_printf("%s %s ci %s yi %s: %s",
                           address_format_ipv4(destination.address).text,
                           address_format_mac(&destination.mac).text,
                           address_format_ipv4(reply.ciaddr).text,
                           address_format_ipv4(reply.yiaddr).text, text);
}

#define NOTHING  "00000000"
#define CI_OURS  "c0a84d0a"
#define CI_OTHER "c0a84d0b"
#define LIST     "3706 01 03 06 0f 1a 1c"
#define LEASE                                                                  \
    "3604c0a84d01"                                                             \
    "330400000e10"                                                             \
    "3a0400000708"                                                             \
    "3b0400000c4e"
#define MASK      "0104ffffff00"
#define ROUTER    "0304c0a84d01"
#define DNS       "06080909090901010101"
#define DOMAIN    "0f0c6e61742e696e7465726e616c"
#define MTU       "1a0205aa"
#define BROADCAST "1c04c0a84dff"
#define HOSTNAME  "0c03776562"
#define ASKED     MASK ROUTER DNS DOMAIN MTU BROADCAST "ff"
#define TO_CLIENT "192.168.77.10 52:54:00:12:34:56 "
#define TO_ALL    "255.255.255.255 ff:ff:ff:ff:ff:ff "
#define CI_0      "ci 0.0.0.0 "
#define CI_10     "ci 192.168.77.10 "
#define YI_0      "yi 0.0.0.0: "
#define YI_10     "yi 192.168.77.10: "
#define NAK                                                                    \
    TO_ALL CI_0 YI_0 "350106"                                                  \
                     "3604c0a84d01"                                            \
                     "ff"
#define ACK "350105" LEASE ASKED

/* RFC 2131 section 4.3.2, table 4, and what is around it. */
static void test_golden(void)
{
    static const struct {
        const char *what;
        const char *ciaddr;
        const char *options;
        const char *expected;
    } cases[] = {
        {"discover", NOTHING, "350101" LIST "ff",
         TO_CLIENT CI_0 YI_10 "350102" LEASE ASKED},
        {"discover, wants another", NOTHING, "350101 3204c0a84d0b" LIST "ff",
         TO_CLIENT CI_0 YI_10 "350102" LEASE ASKED},
        {"discover without a list", NOTHING, "350101 ff",
         TO_CLIENT CI_0 YI_10
         "350102" LEASE MASK ROUTER DNS MTU BROADCAST DOMAIN HOSTNAME "ff"},
        {"discover without an end", NOTHING, "350101" LIST,
         TO_CLIENT CI_0 YI_10 "350102" LEASE ASKED},
        {"selecting", NOTHING, "350103 3604c0a84d01 3204c0a84d0a" LIST "ff",
         TO_CLIENT CI_0 YI_10 ACK},
        {"selecting, another server", NOTHING,
         "350103 3604c0a84d02 3204c0a84d0a" LIST "ff", "none"},
        {"selecting, another address", NOTHING,
         "350103 3604c0a84d01 3204c0a84d0b" LIST "ff", NAK},
        {"selecting, no address", NOTHING, "350103 3604c0a84d01" LIST "ff",
         "none"},
        {"init-reboot", NOTHING, "350103 3204c0a84d0a" LIST "ff",
         TO_CLIENT CI_0 YI_10 ACK},
        {"init-reboot, another address", NOTHING,
         "350103 3204c0a84d0b" LIST "ff", NAK},
        {"init-reboot, another net", NOTHING, "350103 32040a000005 ff", NAK},
        {"renewing, rebinding", CI_OURS, "350103" LIST "ff",
         TO_CLIENT CI_10 YI_10 ACK},
        {"renewing, another address", CI_OTHER, "350103" LIST "ff", NAK},
        {"inform", CI_OURS, "350108" LIST "ff",
         TO_CLIENT CI_10 YI_0 "350105 3604c0a84d01" ASKED},
        {"inform from another address", CI_OTHER, "350108" LIST "ff",
         "192.168.77.11 52:54:00:12:34:56 ci 192.168.77.11 " YI_0
         "350105 3604c0a84d01" ASKED},
        {"inform without address", NOTHING, "350108 ff", "none"},
        {"decline", NOTHING, "350104 3604c0a84d01 3204c0a84d0a ff", "none"},
        {"release", CI_OURS, "350107 3604c0a84d01 ff", "none"},
        {"offer of a rogue server", NOTHING, "350102 ff", "none"},
        {"bootp", NOTHING, "ff", "none"},
        {"type 99", NOTHING, "350163 ff", "none"},
        {"client id", NOTHING, "350103 3d04ff000102 3204c0a84d0a 370101 ff",
         TO_CLIENT CI_0 YI_10 "350105 3604c0a84d01 3d04ff000102 330400000e10"
                              "3a0400000708 3b0400000c4e" MASK "ff"},
        {"client id in a nak", NOTHING, "350103 3d04ff000102 3204c0a84d0b ff",
         TO_ALL CI_0 YI_0 "350106 3604c0a84d01 3d04ff000102 ff"},
        {"classless routes", NOTHING, "350101 3703 79 03 0c ff",
         TO_CLIENT CI_0 YI_10 "350102" LEASE MASK "790500c0a84d01" HOSTNAME
                              "ff"},
        {"asked for twice, and what is not there", NOTHING,
         "350101 3705 03 03 fc 2a 00 ff",
         TO_CLIENT CI_0 YI_10 "350102" LEASE MASK ROUTER "ff"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = answer(cases[i].ciaddr, cases[i].options);
        g_auto(GStrv) head = g_strsplit(cases[i].expected, ": ", 2);
        g_autofree char *expected = NULL;

        if (head[0] != NULL && head[1] != NULL) {
            g_auto(GStrv) parts = g_strsplit(head[1], " ", -1);
            g_autofree char *joined = g_strjoinv("", parts);

            expected = g_strdup_printf("%s: %s", head[0], joined);
        } else {
            expected = g_strdup(cases[i].expected);
        }
        g_test_message("%s", cases[i].what);
        g_assert_cmpstr(got, ==, expected);
    }
}

static void test_destinations(void)
{
    Request request = make_request(NOTHING, "350101 ff");
    Segment segment = make_segment();
    DhcpOptions terms = dhcp_answer_options(&segment, "", NULL, 0);
    guint8 payload[DHCP_SIZE_MAX];
    DhcpDestination destination;
    DhcpMessage message;
    DhcpReply reply;

    request.bytes[10] = 0x80; /* cannot take unicast */
    g_assert_true(parse(&request, &message));
    g_assert_true(dhcp_answer(&message, ADDRESS, &terms, &reply, &destination));
    g_assert_cmphex(destination.address, ==, G_MAXUINT32);
    g_assert_cmphex(destination.mac.bytes[0], ==, 0xff);
    dhcp_build(&message, &reply, payload);
    g_assert_cmphex(payload[10], ==, 0x80);

    request.bytes[10] = 0;
    memset(request.bytes + 28, 0,
           6); /* a client without an address of any kind */
    g_assert_true(parse(&request, &message));
    g_assert_true(dhcp_answer(&message, ADDRESS, &terms, &reply, &destination));
    g_assert_cmphex(destination.address, ==, G_MAXUINT32);
}

static void test_relays_refused(void)
{
    Request request = make_request(NOTHING, "350101 ff");
    Segment segment = make_segment();
    DhcpOptions terms = dhcp_answer_options(&segment, "", NULL, 0);
    DhcpDestination destination;
    DhcpMessage message;
    DhcpReply reply;

    request.bytes[24] = 10;
    g_assert_true(parse(&request, &message));
    g_assert_false(dhcp_answer(&message, ADDRESS, &terms, &reply, &destination));
    request.bytes[24] = 0;
    request.bytes[3] = 1;
    g_assert_true(parse(&request, &message));
    g_assert_false(dhcp_answer(&message, ADDRESS, &terms, &reply, &destination));
    request.bytes[3] = 0;
    g_assert_true(parse(&request, &message));
    g_assert_true(dhcp_answer(&message, ADDRESS, &terms, &reply, &destination));
    g_assert_false(dhcp_answer(&message, 0, &terms, &reply, &destination));
}

static void test_terms(void)
{
    static const guint32 host[] = {0x0a000035};
    Segment segment = make_segment();
    DhcpOptions terms;

    segment.uplink = UPLINK_NONE;
    segment.n_dns = 0;
    terms = dhcp_answer_options(&segment, "web", host, 1);
    g_assert_cmphex(terms.router, ==, 0);
    g_assert_cmpuint(terms.n_dns, ==, 1);
    g_assert_cmphex(terms.dns[0], ==, 0x0a000035);
    g_assert_cmphex(terms.broadcast_address, ==, 0xc0a84dff);
    g_assert_cmpstr(terms.hostname, ==, "web");
    segment.uplink = UPLINK_AUTO;
    segment.n_dns = 1;
    terms = dhcp_answer_options(&segment, "", host, 1);
    g_assert_cmphex(terms.router, ==, GATEWAY);
    g_assert_cmphex(terms.dns[0], ==, 0x09090909);
    segment.dns_served = 1;
    terms = dhcp_answer_options(&segment, "", host, 1);
    g_assert_cmpuint(terms.n_dns, ==, 1);
    g_assert_cmphex(terms.dns[0], ==, GATEWAY);
}

static void test_malformed(void)
{
    static const char *const options[] = {
        "35",                   /* no length */
        "3501",                 /* no value */
        "350201",               /* longer than the field */
        "350101 37ff01",        /* the same, later */
        "350201 01 ff",         /* message type of two bytes */
        "3500 ff",              /* and of none */
        "350101 3203c0a84d ff", /* address of three */
        "350101 3605c0a84d0101 ff",
        "350101 390102 ff",
        "350101 340104 ff", /* overload: no such value */
        "350101 340100 ff",
        "350101 3400 ff",
        "350101 34020101 ff",
        "350101 350101 ff", /* given twice: joined to two bytes */
    };
    static const struct {
        gsize at;
        guint8 value;
    } heads[] = {{0, 2}, {0, 0}, {1, 6}, {2, 5}, {2, 255}, {236, 0}, {239, 0}};
    DhcpMessage message = {.xid = 77};

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
        Request request = make_request(NOTHING, options[i]);

        g_test_message("%s", options[i]);
        g_assert_false(parse(&request, &message));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        Request request = make_request(NOTHING, "350101 ff");

        request.bytes[heads[i].at] = heads[i].value;
        g_assert_false(parse(&request, &message));
    }
    for (gsize size = 0; size < 240; size++) {
        Request request = make_request(NOTHING, "");

        request.size = size;
        g_assert_false(parse(&request, &message));
    }
    g_assert_cmpuint(message.xid, ==, 77);
}

static void test_overload(void)
{
    Request request = make_request(NOTHING, "350103 340103 3702 01 03 ff 99");
    DhcpMessage message;

    decode("00 3702 06 0f 3604c0a84d01 ff 35", request.bytes + 108);
    decode("3701 1a 3204c0a84d0a ff", request.bytes + 44);
    g_assert_true(parse(&request, &message));
    g_assert_cmpuint(message.type, ==, DHCP_REQUEST);
    g_assert_cmphex(message.server_id, ==, GATEWAY);
    g_assert_cmphex(message.requested_address, ==, ADDRESS);
    /* Joined in the order of RFC 3396: options, file, sname. */
    g_assert_cmpmem(message.parameters, message.n_parameters,
                    "\x01\x03\x06\x0f\x1a", 5);

    request.bytes[245] = 2; /* only sname */
    g_assert_true(parse(&request, &message));
    g_assert_false(message.has_server_id);
    g_assert_cmpuint(message.n_parameters, ==, 3);

    /* One that runs out of its field does not go on in the next. */
    memset(request.bytes + 44, 0, 64);
    decode("37", request.bytes + 107);
    g_assert_false(parse(&request, &message));
    decode("3701", request.bytes + 106);
    g_assert_false(parse(&request, &message));
}

static void test_long_options(void)
{
    Request request = make_request(NOTHING, "350101");
    DhcpMessage message;

    /* 255 bytes of client id in two parts are one; 256 are refused. */
    for (guint extra = 0; extra < 2; extra++) {
        guint8 *at = request.bytes + 243;

        memset(at, 7, 300);
        at[0] = 61;
        at[1] = 200;
        at[202] = 61;
        at[203] = (guint8)(55 + extra);
        at[204 + 55 + extra] = 255;
        request.size = 243 + 204 + 55 + extra + 1;
        g_assert_cmpint(parse(&request, &message), ==, extra == 0);
    }
    g_assert_cmpuint(message.client_id_length, ==, 255);
}

/* What does not fit is left out from the end, never cut; what a lease needs is
 * there. */
static void test_sizes(void)
{
    guint8 payload[DHCP_SIZE_MAX];
    DhcpMessage request = {.type = DHCP_DISCOVER, .has_client_id = true};
    DhcpReply reply = {.type = DHCP_OFFER, .yiaddr = ADDRESS};
    Segment segment = make_segment();
    gsize previous = 0;

    memset(segment.domain, 'd', sizeof(segment.domain) - 1);
    reply.options = dhcp_answer_options(
        &segment,
        "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", NULL,
        0);
    request.client_id_length = 255;
    memset(request.client_id, 'c', 255);
    for (guint max_size = 0; max_size <= G_MAXUINT16; max_size += 7) {
        gsize limit = MIN(MAX(max_size, 576), 1500) - 28;
        gsize size;

        request.max_size = (guint16)max_size;
        size = dhcp_build(&request, &reply, payload);
        g_assert_cmpuint(size, <=, limit);
        g_assert_cmpuint(size, >=, previous);
        g_assert_cmpmem(payload + 240, 5, "\x35\1\2\x36\4", 5);
        g_assert_cmphex(payload[size - 1], ==, 255);
        previous = size;
    }
    g_assert_cmpuint(previous, >, 576);
}

static guint32 sum_words(const guint8 *bytes, gsize size)
{
    guint32 sum = 0;

    for (gsize i = 0; i < size; i++) {
        sum += (guint32)bytes[i] << (i % 2 == 0 ? 8 : 0);
    }
    return sum;
}

static guint16 folded(guint32 sum)
{
    while (sum > 0xffff) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return (guint16)sum;
}

static void test_frames(void)
{
    guint8 payload[DHCP_SIZE_MAX] = {0};
    guint8 frame[DHCP_FRAME_MAX];
    DhcpDatagram datagram;

    for (gsize size = 300; size <= DHCP_SIZE_MAX; size += 293) {
        gsize length;
        guint32 sum;

        payload[0] = (guint8)size;
        length = dhcp_frame_build(GATEWAY, ADDRESS, payload, size, frame);
        g_assert_cmpuint(length, ==, size + 28);
        /* A sum over all, its checksum included, is all ones: RFC 1071. */
        g_assert_cmphex(folded(sum_words(frame, 20)), ==, 0xffff);
        sum = sum_words(frame + 12, length - 12) + 17 + (guint32)size + 8;
        g_assert_cmphex(folded(sum), ==, 0xffff);
        g_assert_cmphex(frame[23], ==, 68);

        g_assert_false(dhcp_frame_parse(frame, length, &datagram));
        frame[23] = 67;
        g_assert_true(dhcp_frame_parse(frame, length, &datagram));
        g_assert_cmphex(datagram.destination, ==, ADDRESS);
        g_assert_cmpmem(datagram.payload, datagram.payload_size, payload, size);
        for (gsize cut = 0; cut < length; cut++) {
            g_autofree guint8 *copy = g_memdup2(frame, cut);

            g_assert_false(dhcp_frame_parse(copy, cut, &datagram));
        }
    }
    frame[6] = 0x20; /* more fragments */
    g_assert_false(dhcp_frame_parse(frame, sizeof(frame), &datagram));
}

static void test_outbox(void)
{
    g_autofree DhcpOutbox *outbox = g_new0(DhcpOutbox, 1);
    gint64 now_us = 5000000;

    g_assert_cmpint(dhcp_outbox_due(outbox), ==, G_MAXINT64);
    g_assert_null(dhcp_outbox_take(outbox, G_MAXINT64 - 1));
    for (int round = 0; round < 3; round++, now_us += DHCP_OUTBOX_DELAY_US) {
        for (int i = 0; i < DHCP_OUTBOX_SIZE; i++) {
            DhcpOutboxFrame *frame = dhcp_outbox_add(outbox, now_us + i);

            g_assert_nonnull(frame);
            frame->ifindex = i;
        }
        g_assert_null(dhcp_outbox_add(outbox, now_us));
        for (int i = 0; i < DHCP_OUTBOX_SIZE - round; i++) {
            gint64 due_us = now_us + i + DHCP_OUTBOX_DELAY_US;

            g_assert_cmpint(dhcp_outbox_due(outbox), ==, due_us);
            g_assert_null(dhcp_outbox_take(outbox, due_us - 1));
            g_assert_cmpint(dhcp_outbox_take(outbox, due_us)->ifindex, ==, i);
        }
        while (dhcp_outbox_take(outbox, G_MAXINT64 - 1) != NULL) {
        }
    }
}

static void test_resolvers(void)
{
    static const struct {
        const char *text;
        guint32 count;
        guint32 first;
    } cases[] = {
        {"", 0, 0},
        {"nameserver 10.0.0.53", 1, 0x0a000035},
        {"# nameserver 10.0.0.1\n;nameserver 10.0.0.2\nsearch a\n"
         "nameserver\t 10.0.0.53 # own\noptions edns0\n",
         1, 0x0a000035},
        {"nameserver 127.0.0.53\nnameserver 127.1.2.3\n", 0, 0},
        {"nameserver 0.0.0.0\nnameserver 224.0.0.1\nnameserver ::1\n", 0, 0},
        {"nameserver 127.0.0.1\nnameserver 9.9.9.9\r\n", 1, 0x09090909},
        {"nameserver\nnameserver \nnameserver 1.2.3\nnameserverx 1.2.3.4\n"
         " nameserver 1.2.3.4\n",
         0, 0},
        {"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n"
         "nameserver 4.4.4.4\nnameserver 5.5.5.5\n",
         4, 0x01010101},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint32 dns[NETWORK_DNS_MAX] = {0};

        g_assert_cmpuint(
            dhcp_resolvers_parse(cases[i].text, strlen(cases[i].text), dns), ==,
            cases[i].count);
        g_assert_cmphex(dns[0], ==, cases[i].first);
    }
}

/* Noise in a sound request, whole frames of noise: nothing but an answer or
 * none may come of it. The sanitizers look on. */
static void test_fuzz(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);
    Segment segment = make_segment();
    DhcpOptions terms = dhcp_answer_options(&segment, "web", NULL, 0);
    guint n_answers = 0;

    for (guint round = 0; round < 200000; round++) {
        Request request = make_request(
            NOTHING, "350103 340103 3d07010203040506ff 3204c0a84d0a"
                     "3604c0a84d01 39020400 3705010379060c ff");
        guint8 payload[DHCP_SIZE_MAX];
        guint8 frame[DHCP_FRAME_MAX];
        DhcpDestination destination;
        DhcpDatagram datagram;
        DhcpMessage message;
        DhcpReply reply;
        gsize size;

        for (gint i = g_rand_int_range(rand, 0, 12); i > 0; i--) {
            request.bytes[g_rand_int_range(rand, round % 2 ? 240 : 0, 320)] =
                (guint8)g_rand_int(rand);
        }
        if (round % 3 == 0) {
            for (gsize i = 44; i < 236; i++) {
                request.bytes[i] = (guint8)g_rand_int(rand);
            }
        }
        request.size = (gsize)g_rand_int_range(rand, 200, 400);
        size = dhcp_frame_build(ADDRESS, GATEWAY, request.bytes, request.size,
                                frame);
        frame[23] = 67;
        frame[g_rand_int_range(rand, 0, 28)] ^=
            (guint8)(g_rand_int(rand) & g_rand_int(rand) & g_rand_int(rand));
        if (dhcp_frame_parse(frame, size, &datagram)) {
            g_assert_cmpuint(datagram.payload_size, <=, request.size);
        }
        if (parse(&request, &message) &&
            dhcp_answer(&message, ADDRESS, &terms, &reply, &destination)) {
            size = dhcp_build(&message, &reply, payload);
            g_assert_cmpuint(size, >=, 300);
            g_assert_cmpuint(size, <=, DHCP_SIZE_MAX);
            n_answers++;
        }
    }
    g_assert_cmpuint(n_answers, >, 1000);
}

/* A solicitation for fd12::5054:ff:fe12:3456 from the unspecified address, of 24
 * bytes, without options. */
#define SOLICITATION                                                           \
    "6000000000183aff 00000000000000000000000000000000"                        \
    "ff0200000000000000000001ff123456"                                         \
    "8700000000000000 fd12000000000000505400fffe123456"

static bool parse_nd(const char *hex, Address6 *ret_target)
{
    guint8 bytes[128];
    gsize size = decode(hex, bytes);
    g_autofree guint8 *copy = g_memdup2(bytes, size);

    return dhcp_nd_parse(copy, size, ret_target);
}

#define RA_WHOLE  \
    "6000000000703aff" \
    "fe800000000000000000000000000001ff020000000000000000000000000001" \
    "8600b177400007080000000000000000" \
    "0101fe54800000040501000000000578030440c0ffffffffffffffff00000000" \
    "fd123456789a000500000000000000001903000000000708fd123456789a0000" \
    "00000000000000011f03000000000708036e617408696e7465726e616c000000"
#define RA_LEAST  \
    "6000000000383aff" \
    "fe800000000000000000000000000001ff020000000000000000000000000001" \
    "8600cedf400000000000000000000000" \
    "0101fe5480000004030440c0ffffffffffffffff00000000fd123456789a0005" \
    "0000000000000000"

static void test_nd(void)
{
    static const char *const refused[] = {
        "",
        "60",
        /* one byte short; a length that says more than there is */
        "6000000000173aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe1234",
        "6000000000193aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe123456",
        /* version 4; UDP; hop limit 254; a source; an advertisement; code 1; a
         * target of multicast */
        "4000000000183aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe123456",
        "60000000001811ff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe123456",
        "6000000000183afe 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe123456",
        "6000000000183aff fe800000000000000000000000000001"
        "ff0200000000000000000001ff123456"
        "8700000000000000 fd12000000000000505400fffe123456",
        "6000000000183aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8800000000000000 fd12000000000000505400fffe123456",
        "6000000000183aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8701000000000000 fd12000000000000505400fffe123456",
        "6000000000183aff 00000000000000000000000000000000"
        "ff0200000000000000000001ff123456"
        "8700000000000000 ff12000000000000505400fffe123456",
    };
    const Mac mac = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}};
    const Mac other = {{0x52, 0x54, 0, 0x12, 0x34, 0x57}};
    Address6 target;

    g_assert_true(parse_nd(SOLICITATION, &target));
    g_assert_cmpstr(address_format_ipv6(&target).text, ==,
                    "fd12::5054:ff:fe12:3456");
    /* Ethernet pads what is shorter than 60 bytes. */
    g_assert_true(parse_nd(SOLICITATION "000000000000", &target));
    g_assert_true(dhcp_nd_is_from_mac(&target, &mac));
    g_assert_false(dhcp_nd_is_from_mac(&target, &other));
    g_assert_false(dhcp_nd_is_link_local(&target));
    target.bytes[0] = 0xfe;
    target.bytes[1] = 0xbf;
    g_assert_true(dhcp_nd_is_link_local(&target));
    target.bytes[1] = 0xc0;
    g_assert_false(dhcp_nd_is_link_local(&target));
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(parse_nd(refused[i], &target));
    }
}

static void test_probe(void)
{
    guint8 bytes[DHCP_PROBE_SIZE_MAX];
    gsize size = dhcp_probe_build(GATEWAY, 0xabcd, bytes);
    g_autofree char *text = encode(bytes, size);

    g_assert_cmpstr(text, ==,
                    "abcd00000001000000000000"
                    "0131" "023737" "03313638" "03313932"
                    "07696e2d61646472" "0461727061" "00" "000c0001");
    g_assert_cmpuint(dhcp_probe_build(G_MAXUINT32, 0, bytes), <=, sizeof(bytes));
}

static void test_release(void)
{
    static const char *const refused[] = {
        "",
        "duid 00:01:00:01",
        "1 06-52:54:00:12:34:56 192.168.77.10 web *",
        "1 52:54:00:12:34:56 192.168.77.256 web *",
        "1 52:54:00:12:34:56 192.168.77.10 web",
        "1 52:54:00:12:34:56 192.168.77.10 web 0",
        "1 52:54:00:12:34:56 192.168.77.10 web 01-02",
    };
    Request request = {0};
    DhcpMessage message;
    DhcpLease lease;
    guint32 address = 0;

    g_assert_true(dhcp_release_parse(
        "1795371303 52:54:00:12:34:56 192.168.77.10 * ff:00:0a\n", &lease));
    request.size = dhcp_release_build(&lease, GATEWAY, request.bytes);
    g_assert_true(parse(&request, &message));
    g_assert_cmpint(message.type, ==, DHCP_RELEASE);
    g_assert_cmphex(message.ciaddr, ==, ADDRESS);
    g_assert_cmphex(message.server_id, ==, GATEWAY);
    g_assert_cmpmem(message.chaddr.bytes, 6, "\x52\x54\0\x12\x34\x56", 6);
    g_assert_cmpmem(message.client_id, message.client_id_length, "\xff\0\x0a", 3);
    g_assert_true(dhcp_release_parse(
        "0 52:54:00:12:34:56 192.168.77.10 web *\n", &lease));
    request.size = dhcp_release_build(&lease, GATEWAY, request.bytes);
    g_assert_true(parse(&request, &message));
    g_assert_false(message.has_client_id);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(dhcp_release_parse(refused[i], &lease));
    }
    g_assert_true(dhcp_release_find_address(
        "52:54:00:12:34:56,192.168.77.10,web\n# tsabcdef3 5\n", &address));
    g_assert_cmphex(address, ==, ADDRESS);
    g_assert_true(dhcp_release_find_address("52:54:00:12:34:56,192.168.77.11\n",
                                            &address));
    g_assert_cmphex(address, ==, OTHER);
    g_assert_false(dhcp_release_find_address("52:54:00:12:34:56\n", &address));
}

/* The checksum is the one that tests/lib/packets.py computes. */
static void test_ra(void)
{
    Segment segment = make_segment();
    guint8 bytes[DHCP_RA_SIZE_MAX];
    g_autofree char *whole = NULL;
    g_autofree char *closed = NULL;
    g_autofree char *least = NULL;

    segment.subnet6_address = (Address6){{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    segment.subnet6_length = 48;
    segment.dns_served = 1;
    whole = encode(bytes, dhcp_ra_build(&segment, 4, 1400, bytes));
    g_assert_cmpstr(whole, ==, RA_WHOLE);
    /* without a default route, the name server is on the link as well */
    segment.uplink = UPLINK_NONE;
    closed = encode(bytes, dhcp_ra_build(&segment, 4, 1400, bytes));
    g_assert_nonnull(strstr(closed, "03048080ffffffffffffffff00000000"
                                    "fd123456789a00000000000000000001"));
    segment.dns_served = 0;
    least = encode(bytes, dhcp_ra_build(&segment, 4, 0, bytes));
    g_assert_cmpstr(least, ==, RA_LEAST);
}

static bool parse_rs(const char *hex)
{
    guint8 bytes[128];
    gsize size = decode(hex, bytes);
    g_autofree guint8 *copy = g_memdup2(bytes, size);

    return dhcp_ra_is_solicitation(copy, size);
}

static void test_rs(void)
{
#define ADDRESSES                                                              \
    "00000000000000000000000000000000" "ff020000000000000000000000000002"
    g_assert_true(parse_rs("6000000000083aff" ADDRESSES "8500000000000000"));
    g_assert_false(parse_rs("6000000000083aff" ADDRESSES "85000000000000"));
    g_assert_false(parse_rs("6000000000093aff" ADDRESSES "8500000000000000"));
    g_assert_false(parse_rs("6000000000083afe" ADDRESSES "8500000000000000"));
    g_assert_false(parse_rs("6000000000083aff" ADDRESSES "8600000000000000"));
    g_assert_false(parse_rs("6000000000083aff" ADDRESSES "8501000000000000"));
    g_assert_false(parse_rs("60000000000811ff" ADDRESSES "8500000000000000"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp/golden", test_golden);
    g_test_add_func("/dhcp/destinations", test_destinations);
    g_test_add_func("/dhcp/relays-refused", test_relays_refused);
    g_test_add_func("/dhcp/terms", test_terms);
    g_test_add_func("/dhcp/malformed", test_malformed);
    g_test_add_func("/dhcp/overload", test_overload);
    g_test_add_func("/dhcp/long-options", test_long_options);
    g_test_add_func("/dhcp/sizes", test_sizes);
    g_test_add_func("/dhcp/frames", test_frames);
    g_test_add_func("/dhcp/outbox", test_outbox);
    g_test_add_func("/dhcp/resolvers", test_resolvers);
    g_test_add_func("/dhcp/fuzz", test_fuzz);
    g_test_add_func("/dhcp/neighbours", test_nd);
    g_test_add_func("/dhcp/probe", test_probe);
    g_test_add_func("/dhcp/release", test_release);
    g_test_add_func("/dhcp/router-advertisement", test_ra);
    g_test_add_func("/dhcp/router-solicitation", test_rs);
    return g_test_run();
}
