/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/request.h"
#include "helper/sweep_request.h"

#include <string.h>

#define PROGRAM "/usr/libexec/tapster-helper"

static bool parse(const char *line, Request *ret_request, char ***ret_argv,
                  GError **error)
{
    g_autofree char *all = g_strconcat(PROGRAM, line[0] ? "|" : "", line, NULL);

    /* '|' and not a space: arguments may have spaces. */
    *ret_argv = g_strsplit(all, "|", -1);
    return request_parse((int)g_strv_length(*ret_argv), *ret_argv, ret_request,
                         error);
}

typedef struct {
    const char *line;
    bool vnet;
    int fd;
    const char *bridge;
    const char *profile;
    const char *network;
} Form;

/* What QEMU's net/tap.c and libvirt's virnetdevtap.c send, and every order. */
static void test_forms(void)
{
    static const Form forms[] = {
        {"--use-vnet|--fd=9|--br=nat", true, 9, "nat", NULL, NULL},
        {"--use-vnet|--fd=9|--br=br0", true, 9, "br0", NULL, NULL},
        {"--use-vnet|--br=nat|--fd=27", true, 27, "nat", NULL, NULL},
        {"--br=nat|--fd=27", false, 27, "nat", NULL, NULL},
        {"--fd=27|--br=nat", false, 27, "nat", NULL, NULL},
        {"--fd=27|--br=nat|--use-vnet", true, 27, "nat", NULL, NULL},
        {"--br=nat|--use-vnet|--fd=3", true, 3, "nat", NULL, NULL},
        {"--profile=web|--use-vnet|--fd=9|--br=br0", true, 9, "br0", "web",
         NULL},
        {"--network=lab|--use-vnet|--fd=9|--br=br0", true, 9, "br0", NULL,
         "lab"},
        {"--br=nat|--use-vnet|--fd=9", true, 9, "nat", NULL, NULL},
        {"--profile=/home/a b/web.json|--fd=9", false, 9, NULL,
         "/home/a b/web.json", NULL},
        {"--network=lab|--fd=2147483647", false, G_MAXINT, NULL, NULL, "lab"},
        {"--use-vnet|--use-vnet|--fd=9|--br=a", true, 9, "a", NULL, NULL},
        {"--fd=9|--br==", false, 9, "=", NULL, NULL},
        {"--fd=9|--br=--fd=9", false, 9, "--fd=9", NULL, NULL},
        {"--fd=9|--profile=p|--network=n|--br=b", false, 9, "b", "p", "n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        const Form *form = &forms[i];
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) argv = NULL;
        Request request;

        g_assert_true(parse(form->line, &request, &argv, &error));
        g_assert_no_error(error);
        g_assert_cmpint(request.use_vnet, ==, form->vnet);
        g_assert_cmpint(request.fd, ==, form->fd);
        g_assert_cmpstr(request.bridge, ==, form->bridge);
        g_assert_cmpstr(request.profile, ==, form->profile);
        g_assert_cmpstr(request.network, ==, form->network);
        g_assert_false(request.help);
        g_assert_false(request.version);
    }
}

/* QEMU puts no limit on a bridge's name. */
static void test_long_value(void)
{
    g_autofree char *name = g_strnfill(100000, 'b');
    g_autofree char *line = g_strconcat("--fd=9|--br=", name, NULL);
    g_auto(GStrv) argv = NULL;
    Request request;

    g_assert_true(parse(line, &request, &argv, NULL));
    g_assert_cmpstr(request.bridge, ==, name);
}

static void test_questions(void)
{
    static const char *const lines[] = {"--help", "--help|--br=nat",
                                        "--version", "--version|--use-vnet"};

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(GStrv) argv = NULL;
        Request request;

        g_assert_true(parse(lines[i], &request, &argv, NULL));
        g_assert_cmpint(request.help, ==, i < 2);
        g_assert_cmpint(request.version, ==, i >= 2);
        g_assert_cmpint(request.fd, ==, -1);
    }
    g_assert_true(g_str_has_prefix(request_usage, "usage: tapster-helper "));
    g_assert_true(g_str_has_suffix(request_usage, "\n"));
}

#define FD_MISSING \
    "--fd=N is missing: hypervisors start this program, people use it by " \
    "-nic bridge,br=nat,helper=THIS-FILE; try --help"
#define FD_RANGE "is not a number from 3 to 2147483647"
#define NOTHING_ASKED \
    "none of --br=NAME, --profile=NAME and --network=NAME is given"

static void test_refusals(void)
{
    static const struct {
        const char *line;
        const char *message;
    } cases[] = {
        {"", FD_MISSING},
        {"--br=nat", FD_MISSING},
        {"--use-vnet|--br=nat", FD_MISSING},
        {"--fd=9", NOTHING_ASKED},
        {"--fd=9|--use-vnet", NOTHING_ASKED},
        {"--fd=2|--br=nat", "--fd: '2' " FD_RANGE},
        {"--fd=-1|--br=nat", "--fd: '-1' " FD_RANGE},
        {"--fd=2147483648|--br=nat", "--fd: '2147483648' " FD_RANGE},
        {"--fd=4294967299|--br=nat", "--fd: '4294967299' " FD_RANGE},
        {"--fd=9x|--br=nat", "--fd: '9x' " FD_RANGE},
        {"--fd=0x9|--br=nat", "--fd: '0x9' " FD_RANGE},
        {"--fd= 9|--br=nat", "--fd: ' 9' " FD_RANGE},
        {"--fd=09|--br=nat", "--fd: '09' " FD_RANGE},
        {"--fd=9|--fd=9|--br=nat", "--fd is given twice"},
        {"--br=a|--br=b|--fd=9", "--br is given twice"},
        {"--profile=a|--profile=a|--fd=9", "--profile is given twice"},
        {"--network=a|--network=b|--fd=9", "--network is given twice"},
        {"--fd=|--br=nat", "unknown argument '--fd='; try --help"},
        {"--fd|9|--br=nat", "unknown argument '--fd'; try --help"},
        {"--fd=9|--br=", "unknown argument '--br='; try --help"},
        {"--fd=9|--profile", "unknown argument '--profile'; try --help"},
        {"--fd=9|--network=", "unknown argument '--network='; try --help"},
        {"--fd=9|--bridge=nat", "unknown argument '--bridge=nat'; try --help"},
        {"--fd=9|--use-vnet=on", "unknown argument '--use-vnet=on'; try --help"},
        {"--fd=9|nat", "unknown argument 'nat'; try --help"},
        {"--fd=9|-br=nat", "unknown argument '-br=nat'; try --help"},
        {"--fd=9|--|--br=nat", "unknown argument '--'; try --help"},
        {"--fd=9||--br=nat", "unknown argument ''; try --help"},
        {"--fd=9|a\nb\033[1m", "unknown argument 'a\\x0ab\\x1b[1m'; try --help"},
        {"--help|--fd=9", "--help and --version go without --fd"},
        {"--version|--fd=9|--br=nat", "--help and --version go without --fd"},
        {"--help|--nonsense", "unknown argument '--nonsense'; try --help"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) argv = NULL;
        Request request = {.fd = 77};

        g_assert_false(parse(cases[i].line, &request, &argv, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_USAGE);
        g_assert_cmpstr(error->message, ==, cases[i].message);
        g_assert_cmpint(request.fd, ==, 77);
    }
}

/* execve(2) allows an argv without even a program's name. */
static void test_no_argv(void)
{
    g_autoptr(GError) error = NULL;
    char *argv[] = {NULL};
    Request request;

    g_assert_false(request_parse(0, argv, &request, &error));
    g_assert_cmpstr(error->message, ==, FD_MISSING);
}

static bool parse_sweep(const char *line, SweepRequest *ret_request,
                        GError **error)
{
    g_autofree char *all =
        g_strconcat("tapster-sweep", line[0] ? "|" : "", line, NULL);
    g_auto(GStrv) argv = g_strsplit(all, "|", -1);

    return sweep_request_parse((int)g_strv_length(argv), argv, ret_request,
                               error);
}

static void test_sweep(void)
{
    SweepRequest request;

    g_assert_true(parse_sweep("", &request, NULL));
    g_assert_false(request.one_tap || request.take_down || request.help ||
                   request.version);
    g_assert_true(parse_sweep("--tap=tsabcdef0", &request, NULL));
    g_assert_true(request.one_tap);
    g_assert_cmpstr(request.tap.name, ==, "tsabcdef0");
    g_assert_true(parse_sweep("--idle-seconds=600", &request, NULL));
    g_assert_true(request.take_down);
    g_assert_cmpuint(request.idle_s, ==, 600);
    g_assert_true(parse_sweep("--idle-seconds=0", &request, NULL));
    g_assert_true(request.take_down);
    g_assert_cmpuint(request.idle_s, ==, 0);
    g_assert_true(parse_sweep("--help", &request, NULL));
    g_assert_true(request.help);
    g_assert_true(parse_sweep("--version", &request, NULL));
    g_assert_true(request.version);
}

static void test_sweep_refusals(void)
{
    static const char *const lines[] = {
        "--tap", "--tap=", "--tap=a b", "--tap=0123456789abcdef", "--tap=..",
        "--idle-seconds", "--idle-seconds=", "--idle-seconds=-1",
        "--idle-seconds=1m", "--idle-seconds=+1", "--idle-seconds=31536001",
        "--idle-seconds=18446744073709551616", "tsabcdef0", "",
        "--tap=tsabcdef0|--idle-seconds=1",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strconcat(lines[i], lines[i][0] ? "" : "|", NULL);
        g_autoptr(GError) error = NULL;
        SweepRequest request = {.idle_s = 77};

        g_assert_false(parse_sweep(line, &request, &error));
        g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_USAGE);
        g_assert_cmpuint(request.idle_s, ==, 77);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/request/forms", test_forms);
    g_test_add_func("/request/long-value", test_long_value);
    g_test_add_func("/request/questions", test_questions);
    g_test_add_func("/request/refusals", test_refusals);
    g_test_add_func("/request/no-argv", test_no_argv);
    g_test_add_func("/request/sweep", test_sweep);
    g_test_add_func("/request/sweep-refusals", test_sweep_refusals);
    return g_test_run();
}
