/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/permit.h"

#include <string.h>

static gid_t alices_groups[] = {1000, 108, 27};

static const Caller alice = {
    .uid = 1000,
    .gid = 1000,
    .groups = alices_groups,
    .n_groups = G_N_ELEMENTS(alices_groups),
    .can_open = 1u << 2,
};

static const NetworkGrants no_grants;

/* 0 where it is refused. */
static guint32 ports_of(const Caller *caller, AllowId entry)
{
    NetworkGrants grants = {.n_allow = 1, .allow = {entry}};
    guint32 max_ports = 77;
    bool may = permit_network(caller, &grants, &max_ports);

    g_assert_true(may || max_ports == 77);
    return may ? max_ports : 0;
}

static void test_entries(void)
{
    Caller lonely = {.uid = 1000, .gid = 50};

    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_UID, 1000, 3}), ==, 3);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_UID, 1001, 3}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_UID, 108, 3}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_GID, 108, 4}), ==, 4);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_GID, 27, 4}), ==, 4);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_GID, 0, 4}), ==, 0);
    g_assert_cmpuint(ports_of(&lonely, (AllowId){ALLOW_GID, 50, 4}), ==, 4);
    g_assert_cmpuint(ports_of(&lonely, (AllowId){ALLOW_GID, 1000, 4}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_EVERYONE, 0, 5}), ==, 5);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_CAN_OPEN, 2, 6}), ==, 6);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_CAN_OPEN, 1, 6}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_CAN_OPEN, 66, 6}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_CAN_OPEN, G_MAXUINT32,
                                                6}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_NOBODY, 1000, 7}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){99, 1000, 7}), ==, 0);
    g_assert_cmpuint(ports_of(&alice, (AllowId){ALLOW_UID, 1000, 0}), ==, 0);
}

static void test_largest_counts(void)
{
    static const NetworkGrants grants = {
        .n_allow = 5,
        .allow = {
            {ALLOW_EVERYONE, 0, 2},
            {ALLOW_GID, 108, 16},
            {ALLOW_UID, 1000, 8},
            {ALLOW_UID, 1001, 99},
            {ALLOW_NOBODY, 0, 100},
            {ALLOW_UID, 1000, 200}, /* behind the last */
        },
    };
    guint32 max_ports = 0;

    g_assert_true(permit_network(&alice, &grants, &max_ports));
    g_assert_cmpuint(max_ports, ==, 16);
    g_assert_false(permit_network(&alice, &no_grants, &max_ports));
    g_assert_cmpuint(max_ports, ==, 16);
}

static void test_root(void)
{
    Caller root = {.uid = 0, .gid = 0};
    Caller roots_group = {.uid = 5, .gid = 0};
    guint32 max_ports = 0;

    g_assert_true(permit_network(&root, &no_grants, &max_ports));
    g_assert_cmpuint(max_ports, ==, PERMIT_UNLIMITED);
    g_assert_false(permit_network(&roots_group, &no_grants, &max_ports));
}

/* "" where it is permitted. */
static char *refusal(const NetworkGrants *grants, Profile profile,
                     bool trusted, TapsterErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(ProfileForward));
    char file[] = "/home/a/web.json";

    profile.file = file;
    profile.forwards = profile.forwards ? profile.forwards : none;
    if (permit_profile(grants, "nat", "/etc/tapster/networks/nat.json",
                       &profile, trusted, &error)) {
        g_assert_no_error(error);
        return g_strdup("");
    }
    g_assert_error(error, TAPSTER_ERROR, (int)code);
    return g_strdup(error->message);
}

#define assert_verdict(network, profile, trusted, code, expected) \
    G_STMT_START { \
        g_autofree char *line_ = refusal(network, profile, trusted, code); \
        g_assert_cmpstr(line_, ==, expected); \
    } G_STMT_END

static const NetworkGrants nat = {.mode = MODE_MASQUERADED, .has_subnet = 1};
static const NetworkGrants lan = {.mode = MODE_BRIDGED};
static const NetworkGrants granting = {
    .mode = MODE_MASQUERADED, .has_subnet = 1, .address = 1, .mac = 1};
static const NetworkGrants address_only = {
    .mode = MODE_MASQUERADED, .has_subnet = 1, .address = 1};

static void test_modes(void)
{
    Profile none = {.mode = MODE_NONE};
    Profile bridged = {.mode = MODE_BRIDGED};
    Profile masqueraded = {.mode = MODE_MASQUERADED};

    assert_verdict(&nat, none, false, 0, "");
    assert_verdict(&nat, masqueraded, false, 0, "");
    assert_verdict(&lan, bridged, false, 0, "");
    assert_verdict(&nat, bridged, true, TAPSTER_ERROR_CONFIG,
                   "profile '/home/a/web.json' wants mode 'bridged', network "
                   "'nat' is masqueraded: name another network, or leave "
                   "\"mode\" out");
    assert_verdict(&lan, masqueraded, false, TAPSTER_ERROR_CONFIG,
                   "profile '/home/a/web.json' wants mode 'masqueraded', "
                   "network 'nat' is bridged: name another network, or leave "
                   "\"mode\" out");
}

static void test_address(void)
{
    Profile profile = {.has_address = true, .address = 0x0a000014};

    assert_verdict(&granting, profile, false, 0, "");
    assert_verdict(&address_only, profile, false, 0, "");
    assert_verdict(&nat, profile, true, 0, "");
    assert_verdict(&nat, profile, false, TAPSTER_ERROR_DENIED,
                   "profile '/home/a/web.json' fixes an address, which network "
                   "'nat' does not grant: leave \"address\" out, or ask for "
                   "\"grants\": { \"address\": true } in "
                   "'/etc/tapster/networks/nat.json'");
    assert_verdict(&lan, profile, true, TAPSTER_ERROR_CONFIG,
                   "profile '/home/a/web.json' fixes an address, and network "
                   "'nat' has no subnet: leave \"address\" out");
}

static void test_mac(void)
{
    Profile profile = {.has_mac = true};

    assert_verdict(&granting, profile, false, 0, "");
    assert_verdict(&nat, profile, true, 0, "");
    assert_verdict(&address_only, profile, false, TAPSTER_ERROR_DENIED,
                   "profile '/home/a/web.json' fixes a MAC, which network "
                   "'nat' does not grant: leave \"mac\" out, or ask for "
                   "\"grants\": { \"mac\": true } in "
                   "'/etc/tapster/networks/nat.json'");
    profile.has_address = true;
    assert_verdict(&granting, profile, false, 0, "");
}

static const NetworkGrants to_host = {
    .mode = MODE_MASQUERADED, .has_subnet = 1, .forwards = FORWARDS_FROM_HOST,
    .forwards_first = 1024, .forwards_last = 9000};
static const NetworkGrants to_any = {
    .mode = MODE_MASQUERADED, .has_subnet = 1, .forwards = FORWARDS_FROM_ANY,
    .forwards_first = 8080, .forwards_last = 8080};

#define REFUSED "profile '/home/a/web.json' "
#define NOT_GRANTED(ports) \
    REFUSED "has forwards, which network 'nat' does not grant: leave \"forwards\" out, or " \
    "ask for \"grants\": { \"forwards\": { \"ports\": \"" ports "\" } } in " \
    "'/etc/tapster/networks/nat.json'"
#define OUTSIDE(port, granted, ports) \
    REFUSED "forwards port " port " of this host, and network 'nat' grants " granted \
    ": choose another \"host_port\", or ask for \"grants\": { \"forwards\": " \
    "{ \"ports\": \"" ports "\" } } in '/etc/tapster/networks/nat.json'"
#define ON_LAN \
    REFUSED "has forwards, and network 'nat' is bridged: leave \"forwards\" out, the guest " \
    "has an address of its own on the LAN"

static void test_forwards(void)
{
    static const struct {
        const NetworkGrants *grants;
        bool trusted;
        TapsterErrorCode code;
        ProfileForward forwards[2];
        const char *expected;
    } cases[] = {
        {&nat, false, 0, {{0}}, ""},
        {&lan, false, 0, {{0}}, ""},
        {&nat, true, 0, {{.host_port = 80, .n_ports = 1}}, ""},
        {&to_host, true, 0, {{.host_port = 1, .n_ports = 65535}}, ""},
        {&to_host, false, 0, {{.host_port = 1024, .n_ports = 7977}}, ""},
        {&to_any, false, 0, {{.host_port = 8080, .n_ports = 1}}, ""},
        {&lan, false, TAPSTER_ERROR_CONFIG, {{.host_port = 8080, .n_ports = 1}}, ON_LAN},
        {&lan, true, TAPSTER_ERROR_CONFIG, {{.host_port = 8080, .n_ports = 1}}, ON_LAN},
        {&nat, false, TAPSTER_ERROR_DENIED, {{.host_port = 8080, .n_ports = 1}},
         NOT_GRANTED("8080")},
        {&granting, false, TAPSTER_ERROR_DENIED,
         {{.host_port = 8080, .n_ports = 2}, {.host_port = 80, .n_ports = 1}},
         NOT_GRANTED("80-8081")},
        {&to_host, false, TAPSTER_ERROR_DENIED,
         {{.host_port = 8080, .n_ports = 1}, {.host_port = 1023, .n_ports = 1}},
         OUTSIDE("1023", "1024 to 9000", "1023-9000")},
        {&to_host, false, TAPSTER_ERROR_DENIED, {{.host_port = 8999, .n_ports = 3}},
         OUTSIDE("9001", "1024 to 9000", "1024-9001")},
        {&to_host, false, TAPSTER_ERROR_DENIED, {{.host_port = 65535, .n_ports = 1}},
         OUTSIDE("65535", "1024 to 9000", "1024-65535")},
        {&to_any, false, TAPSTER_ERROR_DENIED, {{.host_port = 1, .n_ports = 65535}},
         OUTSIDE("1", "8080 to 8080", "1-65535")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GArray) forwards = g_array_new(FALSE, FALSE, sizeof(ProfileForward));
        Profile profile = {.forwards = forwards};

        for (guint f = 0; f < 2 && cases[i].forwards[f].n_ports > 0; f++) {
            g_array_append_val(forwards, cases[i].forwards[f]);
        }
        assert_verdict(cases[i].grants, profile, cases[i].trusted, cases[i].code,
                       cases[i].expected);
    }
}

static void test_forwards_from(void)
{
    g_assert_cmpint(permit_forwards_from(&nat, false), ==, FORWARDS_NONE);
    g_assert_cmpint(permit_forwards_from(&nat, true), ==, FORWARDS_FROM_HOST);
    g_assert_cmpint(permit_forwards_from(&to_host, false), ==, FORWARDS_FROM_HOST);
    g_assert_cmpint(permit_forwards_from(&to_host, true), ==, FORWARDS_FROM_HOST);
    g_assert_cmpint(permit_forwards_from(&to_any, false), ==, FORWARDS_FROM_ANY);
    g_assert_cmpint(permit_forwards_from(&to_any, true), ==, FORWARDS_FROM_ANY);
}

static Network *make_network(const char *text)
{
    g_autoptr(Faults) faults = faults_new("/etc/tapster/networks/nat.json");
    Network *network = network_parse("nat", "/etc/tapster/networks/nat.json",
                                     text, strlen(text), faults);

    g_assert_nonnull(network);
    return network;
}

#define assert_described(network, expected) \
    G_STMT_START { \
        g_autoptr(Network) network_ = make_network(network); \
        g_autofree char *text_ = permit_describe(network_); \
        g_assert_cmpstr(text_, ==, expected); \
    } G_STMT_END

static void test_describe(void)
{
    assert_described("{ \"mode\": \"masqueraded\" }", "nobody but root");
    assert_described("{ \"mode\": \"masqueraded\", \"allow\": ["
                     "  { \"everyone\": true } ] }", "everyone");
    assert_described("{ \"mode\": \"masqueraded\", \"allow\": ["
                     "  { \"user\": \"alice\" }, { \"group\": \"kvm\" },"
                     "  { \"can_open\": \"/dev/kvm\" },"
                     "  { \"everyone\": true } ] }",
                     "user alice, group kvm, whoever can open /dev/kvm, "
                     "everyone");
}

static void test_caller_free(void)
{
    g_autoptr(Caller) caller = g_new0(Caller, 1);

    caller->groups = g_new0(gid_t, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/permit/entries", test_entries);
    g_test_add_func("/permit/largest-counts", test_largest_counts);
    g_test_add_func("/permit/root", test_root);
    g_test_add_func("/permit/modes", test_modes);
    g_test_add_func("/permit/address", test_address);
    g_test_add_func("/permit/mac", test_mac);
    g_test_add_func("/permit/forwards", test_forwards);
    g_test_add_func("/permit/forwards-from", test_forwards_from);
    g_test_add_func("/permit/describe", test_describe);
    g_test_add_func("/permit/caller-free", test_caller_free);
    return g_test_run();
}
