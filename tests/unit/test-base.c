/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"
#include "base/checksum.h"
#include "base/error.h"
#include "base/ifname.h"
#include "base/number.h"
#include "base/quote.h"

#include <errno.h>
#include <string.h>

static void test_exit_statuses(void)
{
    static const int expected[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

    g_assert_cmpint(error_exit_status(NULL), ==, 0);
    for (int code = 0; code < (int)G_N_ELEMENTS(expected); code++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(error_set(&error, (TapsterErrorCode)code, "%d", code));
        g_assert_cmpint(error_exit_status(error), ==, expected[code]);
    }
    for (int code = -1; code < 30; code++) {
        g_autoptr(GError) foreign =
            g_error_new_literal(g_quark_from_static_string("x"), code, "x");
        g_autoptr(GError) unknown =
            g_error_new_literal(TAPSTER_ERROR, code < 0 ? code : code + 10,
                                "x");

        g_assert_cmpint(error_exit_status(foreign), ==, 11);
        g_assert_cmpint(error_exit_status(unknown), ==, 11);
    }
}

static void test_error_text(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(error_set_errno(&error, TAPSTER_ERROR_KERNEL, EPERM,
                                   "route %s", "10.0.0.0/8"));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_KERNEL);
    g_assert_cmpstr(error->message, ==,
                    "route 10.0.0.0/8: Operation not permitted");
    g_assert_false(error_set_errno(NULL, TAPSTER_ERROR_KERNEL, EPERM, "x"));
    g_assert_false(error_set(NULL, TAPSTER_ERROR_KERNEL, "x"));
}

static void test_quote(void)
{
    static const struct {
        const char *text;
        const char *quoted;
    } cases[] = {
        {NULL, "(null)"},
        {"", "''"},
        {"web", "'web'"},
        {"a b%s", "'a b%s'"},
        {"it's", "'it\\x27s'"},
        {"a\\b", "'a\\x5cb'"},
        {"two\nlines\r\t", "'two\\x0alines\\x0d\\x09'"},
        {"\033[31mred", "'\\x1b[31mred'"},
        {"\x7f", "'\\x7f'"},
        {"z\xc3\xbcrich", "'z\xc3\xbcrich'"},
        {"\xc3", "'\\xc3'"},               /* cut off */
        {"\xff\xfe", "'\\xff\\xfe'"},      /* no UTF-8 at all */
        {"\xc0\xaf", "'\\xc0\\xaf'"},      /* overlong '/' */
        {"\xed\xa0\x80", "'\\xed\\xa0\\x80'"}, /* surrogate */
        {"\xc2\x9b" "1m", "'\\xc2\\x9b1m'"},   /* U+009B, a terminal's CSI */
        {"\xe2\x80\xae" "x", "'\\xe2\\x80\\xaex'"}, /* U+202E */
        {"\xe2\x80\xa8", "'\\xe2\\x80\\xa8'"}, /* line separator */
        {"\xf3\xa0\x80\x81", "'\\xf3\\xa0\\x80\\x81'"}, /* a tag */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *quoted = quote_text(cases[i].text);

        g_assert_cmpstr(quoted, ==, cases[i].quoted);
    }
}

static void test_quote_long(void)
{
    g_autofree char *fits = g_strnfill(64, 'a');
    g_autofree char *long_text = g_strnfill(65, 'a');
    g_autofree char *before = g_strnfill(63, 'a');
    g_autofree char *split = g_strconcat(before, "\xc3\xbc", NULL);
    g_autofree char *quoted_fits = quote_text(fits);
    g_autofree char *quoted_long = quote_text(long_text);
    g_autofree char *quoted_split = quote_text(split);
    g_autofree char *expected_fits = g_strconcat("'", fits, "'", NULL);
    g_autofree char *expected_long = g_strconcat("'", fits, "'...", NULL);
    g_autofree char *expected_split = g_strconcat("'", before, "'...", NULL);

    g_assert_cmpstr(quoted_fits, ==, expected_fits);
    g_assert_cmpstr(quoted_long, ==, expected_long);
    g_assert_cmpstr(quoted_split, ==, expected_split);
}

/* Whatever bytes come in: one line, printable, valid UTF-8. */
static void test_quote_noise(void)
{
    for (guint i = 0; i < 20000; i++) {
        char text[80];
        gsize size = (gsize)g_test_rand_int_range(0, sizeof(text));

        for (gsize at = 0; at < size; at++) {
            text[at] = (char)g_test_rand_int_range(1, 256);
        }
        text[size] = '\0';
        g_autofree char *quoted = quote_text(text);

        g_assert_true(g_utf8_validate(quoted, -1, NULL));
        g_autofree gunichar *characters = g_utf8_to_ucs4_fast(quoted, -1, NULL);

        for (gsize at = 0; characters[at]; at++) {
            g_assert_true(g_unichar_isprint(characters[at]));
        }
        g_assert_cmpuint(strlen(quoted), <=, 4 * 64 + 5);
    }
}

static void test_number(void)
{
    static const char *const bad[] = {
        "", " ", "-", "+1", "-1", " 1", "1 ", "1\n", "01", "00", "0x1", "1e1",
        "1.0", "1,0", "12x", "x12", "\xd9\xa1", "18446744073709551616",
        "18446744073709551617", "99999999999999999999999999", "/", ":",
    };
    guint64 value = 77;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(number_parse(bad[i], 0, G_MAXUINT64, &value, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_USAGE);
        g_assert_cmpuint(value, ==, 77);
    }
    g_assert_true(number_parse("0", 0, 0, &value, NULL));
    g_assert_cmpuint(value, ==, 0);
    g_assert_true(number_parse("18446744073709551615", 0, G_MAXUINT64, &value,
                               NULL));
    g_assert_cmpuint(value, ==, G_MAXUINT64);
    g_assert_true(number_parse("1844674407370955161", 0, G_MAXUINT64, &value,
                               NULL));
    g_assert_cmpuint(value, ==, G_GUINT64_CONSTANT(1844674407370955161));
}

static void test_number_range(void)
{
    g_autoptr(GError) error = NULL;
    guint64 value = 77;

    g_assert_true(number_parse("3", 3, 9, &value, NULL));
    g_assert_true(number_parse("9", 3, 9, &value, NULL));
    g_assert_false(number_parse("10", 3, 9, &value, NULL));
    g_assert_false(number_parse("2", 3, 9, &value, &error));
    g_assert_cmpstr(error->message, ==, "'2' is not a number from 3 to 9");
    g_assert_cmpuint(value, ==, 9);
}

static void test_ipv4(void)
{
    static const char *const bad[] = {
        "", ".", "1", "1.2", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3.4",
        "1..2.3", "1.2.3.4.5", "256.1.1.1", "1.1.1.256", "1.1.1.1000",
        "01.1.1.1", "1.1.1.00", "0x1.1.1.1", "1.1.1.1 ", " 1.1.1.1",
        "1.1.1.-1", "+1.1.1.1", "1.1.1.1\n", "1.1.1.1/32", "::1", "1,1,1,1",
    };
    guint32 address = 77;
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(address_parse_ipv4(bad[i], &address, NULL));
    }
    g_assert_cmpuint(address, ==, 77);
    g_assert_false(address_parse_ipv4("10.0.0.0.1", &address, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "'10.0.0.0.1' is not an IPv4 address such as "
                    "192.168.77.20");
    g_assert_true(address_parse_ipv4("192.168.77.1", &address, NULL));
    g_assert_cmphex(address, ==, 0xc0a84d01);
    g_assert_true(address_parse_ipv4("0.0.0.0", &address, NULL));
    g_assert_cmphex(address, ==, 0);
    g_assert_true(address_parse_ipv4("255.255.255.255", &address, NULL));
    g_assert_cmphex(address, ==, 0xffffffff);
    g_assert_cmpstr(address_format_ipv4(address).text, ==, "255.255.255.255");
}

static void test_prefix4(void)
{
    static const char *const bad[] = {
        "", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
        "10.0.0.0/8 ", "10.0.0.0/-8", "10.0.0.0//8", "10/8", "10.0.0.0/8/8",
        "/8", "10.0.0.0/100",
    };
    Prefix4 prefix = {77, 7};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) host_bits = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(address_parse_prefix4(bad[i], &prefix, NULL));
    }
    g_assert_false(address_parse_prefix4("nat", &prefix, &error));
    g_assert_cmpstr(error->message, ==,
                    "'nat' is not an IPv4 prefix such as 192.168.77.0/24");
    g_assert_false(address_parse_prefix4("192.168.77.9/22", &prefix,
                                         &host_bits));
    g_assert_cmpstr(host_bits->message, ==,
                    "'192.168.77.9/22' is an address within a subnet; the "
                    "subnet itself is 192.168.76.0/22");
    g_assert_cmpuint(prefix.address, ==, 77);
    g_assert_true(address_parse_prefix4("0.0.0.0/0", &prefix, NULL));
    g_assert_cmpstr(address_format_prefix4(prefix).text, ==, "0.0.0.0/0");
    g_assert_true(address_parse_prefix4("255.255.255.255/32", &prefix, NULL));
    g_assert_cmpstr(address_format_prefix4(prefix).text, ==,
                    "255.255.255.255/32");
}

static void test_prefix4_relations(void)
{
    Prefix4 all = {0, 0};
    Prefix4 ten = {0x0a000000, 8};
    Prefix4 inside = {0x0a010200, 24};
    Prefix4 beside = {0x0a010300, 24};
    Prefix4 host = {0x0a0102ff, 32};

    g_assert_cmphex(prefix4_mask(0), ==, 0);
    g_assert_cmphex(prefix4_mask(1), ==, 0x80000000);
    g_assert_cmphex(prefix4_mask(32), ==, 0xffffffff);
    g_assert_true(prefix4_contains(all, 0xffffffff));
    g_assert_true(prefix4_contains(ten, 0x0affffff));
    g_assert_false(prefix4_contains(ten, 0x0b000000));
    g_assert_true(prefix4_contains(host, 0x0a0102ff));
    g_assert_false(prefix4_contains(host, 0x0a0102fe));
    g_assert_true(prefix4_overlaps(ten, inside));
    g_assert_true(prefix4_overlaps(inside, ten));
    g_assert_true(prefix4_overlaps(inside, inside));
    g_assert_true(prefix4_overlaps(inside, host));
    g_assert_false(prefix4_overlaps(beside, host));
    g_assert_false(prefix4_overlaps(inside, beside));
    g_assert_true(prefix4_overlaps(all, host));
}

static void test_ipv6(void)
{
    static const char *const bad[] = {
        "", ":", ":::", "1", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "12345::", "00001::", "g::",
        "::1%lo", "fe80::1%eth0", "::1%", "::ffff:10.0.0.1", "::10.0.0.1", "1::/64", "[::1]",
        " ::1", "::1 ", "::1\n", "0x1::", "-1::", "10.0.0.1", "::.", "fd00::1/128",
    };
    static const struct {
        const char *text, *printed; /* RFC 5952 sections 4 and 5 */
    } good[] = {
        { "::", "::" }, { "::1", "::1" }, { "1::", "1::" }, { "0:0:0:0:0:0:0:0", "::" },
        { "2001:DB8::00aB", "2001:db8::ab" }, { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" }, { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "0:0:1:2:3:4:5:6", "::1:2:3:4:5:6" }, { "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" }, { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "::ffff:a00:1", "::ffff:a00:1" }, { "::1:0", "::1:0" }, { "::a00:1", "::a00:1" },
        { "fd12:3456:789a:ffff:ffff:ffff:ffff:ffff", "fd12:3456:789a:ffff:ffff:ffff:ffff:ffff" },
    };
    Address6 address = {{7}};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(address_parse_ipv6(bad[i], &address, NULL));
        g_assert_cmpuint(address.bytes[0], ==, 7);
    }
    g_assert_false(address_parse_ipv6("::1%lo", &address, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "'::1%lo' is not an IPv6 address such as fd12:3456:789a::1");
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(address_parse_ipv6(good[i].text, &address, NULL));
        g_assert_cmpstr(address_format_ipv6(&address).text, ==, good[i].printed);
    }
    g_assert_true(address_parse_ipv6("2001:db8::ab", &address, NULL));
    g_assert_cmpmem(address.bytes, 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\xab", 16);
}

/* Whatever is printed is read again as the same. */
static void test_ipv6_round_trip(void)
{
    for (guint i = 0; i < 20000; i++) {
        Prefix6 prefix = { .length = (guint8)g_test_rand_int_range(0, 129) }, read;

        for (guint bit = 0; bit < prefix.length; bit++) {
            /* many zeros */
            if (g_test_rand_int_range(0, 100) < (int)(i % 64)) {
                prefix.address.bytes[bit / 8] |= (guint8)(0x80 >> bit % 8);
            }
        }
        Address6Text text = address_format_prefix6(&prefix);

        g_assert_true(address_parse_prefix6(text.text, &read, NULL));
        g_assert_cmpmem(&read, sizeof(read), &prefix, sizeof(prefix));
        g_assert_cmpuint(strlen(text.text), <, ADDRESS6_TEXT_SIZE);
    }
}

static void test_prefix6(void)
{
    static const char *const bad[] = {
        "", "/", "/64", "fd00::", "fd00::/", "fd00::/129", "fd00::/064", "fd00::/64 ",
        "fd00::/-1", "fd00::/64/64", "fd00::%1/64", "::10.0.0.0/104", "10.0.0.0/8", "fd00:/16",
    };
    static const struct {
        const char *text, *meant;
    } with_host_bits[] = {
        { "fd00::1/64", "fd00::/64" }, { "fd00:0:0:1::/63", "fd00::/63" }, { "::1/127", "::/127" },
        { "8000::/0", "::/0" }, { "fd12:3456:789a:bcde::/57", "fd12:3456:789a:bc80::/57" },
    };
    Prefix6 prefix = {{{77}}, 7};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(address_parse_prefix6(bad[i], &prefix, NULL));
    }
    g_assert_false(address_parse_prefix6("nat", &prefix, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==, "'nat' is not an IPv6 prefix such as fd12:3456:789a::/48");
    for (gsize i = 0; i < G_N_ELEMENTS(with_host_bits); i++) {
        g_autoptr(GError) host_bits = NULL;
        g_autofree char *expected =
            g_strdup_printf("'%s' is an address within a subnet; the subnet itself is %s",
                            with_host_bits[i].text, with_host_bits[i].meant);

        g_assert_false(address_parse_prefix6(with_host_bits[i].text, &prefix, &host_bits));
        g_assert_error(host_bits, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
        g_assert_cmpstr(host_bits->message, ==, expected);
    }
    g_assert_cmpuint(prefix.address.bytes[0], ==, 77);
    g_assert_cmpuint(prefix.length, ==, 7);
    g_assert_true(address_parse_prefix6("::/0", &prefix, NULL));
    g_assert_cmpstr(address_format_prefix6(&prefix).text, ==, "::/0");
    g_assert_true(address_parse_prefix6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", &prefix,
                                        NULL));
    g_assert_cmpstr(address_format_prefix6(&prefix).text, ==,
                    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static Prefix6 prefix6(const char *text)
{
    Prefix6 prefix;

    g_assert_true(address_parse_prefix6(text, &prefix, NULL));
    return prefix;
}

static void test_prefix6_relations(void)
{
    static const struct {
        const char *a, *b;
        bool overlap, contains; /* the first address of b is in a */
    } cases[] = {
        { "::/0", "ff00::/8", true, true },
        { "ff00::/8", "::/0", true, false },
        { "fd00::/48", "fd00::/48", true, true },
        { "fd00::/48", "fd00:0:0:7::/64", true, true },
        { "fd00:0:0:7::/64", "fd00::/48", true, false },
        { "fd00::/48", "fd00:0:1::/48", false, false },
        { "fd00:0:0:2::/63", "fd00:0:0:3::/64", true, true },
        { "fd00:0:0:2::/63", "fd00:0:0:4::/63", false, false },
        { "::1/128", "::2/128", false, false },
        { "::2/127", "::3/128", true, true },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Prefix6 a = prefix6(cases[i].a), b = prefix6(cases[i].b);

        g_assert_true(prefix6_overlaps(&a, &b) == cases[i].overlap);
        g_assert_true(prefix6_overlaps(&b, &a) == cases[i].overlap);
        g_assert_true(prefix6_contains(&a, &b.address) == cases[i].contains);
    }
}

static void test_mac(void)
{
    static const char *const bad[] = {
        "", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:56:78",
        "52-54-00-12-34-56", "525400123456", "5g:54:00:12:34:56",
        "52:54:00:12:34:56 ", " 2:54:00:12:34:56", "52:54:00:12:34:5x",
        "00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff",
        "33:33:00:00:00:01", "52:54:00:12:345:6", "0x:54:00:12:34:56",
    };
    Mac mac = {{7}};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(address_parse_mac(bad[i], &mac, NULL));
    }
    g_assert_cmpuint(mac.bytes[0], ==, 7);
    g_assert_false(address_parse_mac("x", &mac, &error));
    g_assert_cmpstr(error->message, ==,
                    "'x' is not a network card's address such as "
                    "52:54:00:12:34:56");
    g_assert_true(address_parse_mac("52:54:0A:bC:34:56", &mac, NULL));
    g_assert_cmpstr(address_format_mac(&mac).text, ==, "52:54:0a:bc:34:56");
}

static void test_ifname(void)
{
    static const char *const bad[] = {
        "", ".", "..", "a b", "a/b", "a:1", "tap%d", "a\tb", "a\n", "\x7f",
        "z\xc3\xbc", "sixteen-letters-", "br0 ", " br0",
        "br0\xff", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    Ifname name = {"old"};
    Ifname zeros = {{0}};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(ifname_parse(bad[i], &name, NULL));
        g_assert_cmpstr(name.name, ==, "old");
    }
    g_assert_false(ifname_parse("sixteen-letters-", &name, &error));
    g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==,
                    "'sixteen-letters-' is not an interface name (1 to 15 "
                    "characters, no space, '/', ':' or '%')");
    g_assert_true(ifname_parse("fifteen-letters", &name, NULL));
    g_assert_cmpstr(name.name, ==, "fifteen-letters");
    g_assert_true(ifname_parse("b", &name, NULL));
    g_assert_cmpmem(name.name + 1, sizeof(name.name) - 1, zeros.name,
                    sizeof(zeros.name) - 1);
    g_assert_true(ifname_parse("...", &name, NULL));
    g_assert_true(ifname_parse("eth0.7@x", &name, NULL));
}

/* Known values: files on disk bear these. draft-eastlake-fnv, appendix C. */
static void test_checksum(void)
{
    static const guint8 zero_hash[] = {0xcc, 0x24, 0x31, 0xc4};

    g_assert_cmphex(checksum_fnv1a("", 0), ==, 0x811c9dc5);
    g_assert_cmphex(checksum_fnv1a("a", 1), ==, 0xe40c292c);
    g_assert_cmphex(checksum_fnv1a("foobar", 6), ==, 0xbf9cf968);
    g_assert_cmphex(checksum_fnv1a("foobar", 7), ==, 0x0c1c9eb8);
    /* hashes to 0, which means "none" here */
    g_assert_cmphex(checksum_fnv1a(zero_hash, sizeof(zero_hash)), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/exit-statuses", test_exit_statuses);
    g_test_add_func("/error/text", test_error_text);
    g_test_add_func("/quote/cases", test_quote);
    g_test_add_func("/quote/long", test_quote_long);
    g_test_add_func("/quote/noise", test_quote_noise);
    g_test_add_func("/number/strict", test_number);
    g_test_add_func("/number/range", test_number_range);
    g_test_add_func("/address/ipv4", test_ipv4);
    g_test_add_func("/address/prefix4", test_prefix4);
    g_test_add_func("/address/relations", test_prefix4_relations);
    g_test_add_func("/address/ipv6", test_ipv6);
    g_test_add_func("/address/ipv6-round-trip", test_ipv6_round_trip);
    g_test_add_func("/address/prefix6", test_prefix6);
    g_test_add_func("/address/relations6", test_prefix6_relations);
    g_test_add_func("/address/mac", test_mac);
    g_test_add_func("/ifname/strict", test_ifname);
    g_test_add_func("/checksum/known-values", test_checksum);
    return g_test_run();
}
