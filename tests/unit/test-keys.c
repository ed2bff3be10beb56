/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_value.h"
#include "config/keys.h"
#include "config/network.h"
#include "config/profile.h"

#include <string.h>

/*
 * Holds together what says which keys there are: the table (config/keys.c), the
 * schemas (data/schema) and the parsers.
 */

typedef struct {
    KeyFile file;
    const char *schema;
} Kind;

static const Kind network_kind = { KEY_FILE_NETWORK, "network" };
static const Kind profile_kind = { KEY_FILE_PROFILE, "profile" };

/* A value of each key, and what it stands in. '@' in @frame is the object's
 * place; NULL: the file of masqueraded mode itself. */
static const struct {
    KeyFile file;
    const char *path, *value, *frame;
} samples[] = {
#define N KEY_FILE_NETWORK
#define P KEY_FILE_PROFILE
#define POOL "{\"mode\":\"masqueraded\",\"pool\":{@}}"
#define EXCLUDE "{\"mode\":\"masqueraded\",\"pool\":{\"exclude\":[@]}}"
#define BRIDGED "{\"mode\":\"bridged\",\"bridge\":\"br0\",@}"
#define DNS "{\"mode\":\"masqueraded\",\"dns\":{@}}"
#define ALLOW "{\"mode\":\"masqueraded\",\"allow\":[{@}]}"
#define GRANTS "{\"mode\":\"masqueraded\",\"grants\":{@}}"
#define FORWARDS "{\"mode\":\"masqueraded\",\"grants\":{\"forwards\":{@}}}"
#define RESERVED(rest) \
    "{\"mode\":\"masqueraded\",\"subnet\":\"10.0.0.0/24\",\"reservations\":[{" rest "@}]}"
#define FORWARD "{\"mode\":\"masqueraded\",\"forwards\":[{\"host_port\":8080,@}]}"
    { N, "mode", "\"masqueraded\"", "{@}" },
    { N, "subnet", "\"auto/22\"", NULL },
    { N, "subnet6", "\"fd00:1:2::/48\"", NULL },
    { N, "pool", "{}", NULL },
    { N, "pool.offset", "10", POOL },
    { N, "pool.size", "240", POOL },
    { N, "pool.exclude", "[20, \"30-39\"]", POOL },
    { N, "pool.exclude[]", "20", EXCLUDE },
    { N, "gateway", "\"10.0.0.1\"",
      "{\"mode\":\"bridged\",\"bridge\":\"br0\",\"subnet\":\"10.0.0.0/24\",@}" },
    { N, "reservations", "[]", NULL },
    { N, "reservations[]", "{\"user\":\"alice\",\"name\":\"web\",\"host\":20}",
      "{\"mode\":\"masqueraded\",\"reservations\":[@]}" },
    { N, "reservations[].user", "\"alice\"", RESERVED("\"name\":\"web\",\"host\":20,") },
    { N, "reservations[].name", "\"web\"", RESERVED("\"user\":\"alice\",\"host\":20,") },
    { N, "reservations[].address", "\"10.0.0.20\"",
      RESERVED("\"user\":\"alice\",\"name\":\"web\",") },
    { N, "reservations[].host", "20", RESERVED("\"user\":\"alice\",\"name\":\"web\",") },
    { N, "bridge", "\"br0\"", "{\"mode\":\"bridged\",@}" },
    { N, "uplink", "\"eth0\"", NULL },
    { N, "segment", "\"shared\"", NULL },
    { N, "attach", "\"macvtap\"", BRIDGED },
    { N, "mtu", "1500", NULL },
    { N, "masquerade", "true", NULL },
    { N, "masquerade6", "true", NULL },
    { N, "dhcp", "true", NULL },
    { N, "lease_time", "600", NULL },
    { N, "dns", "{}", NULL },
    { N, "dns.domain", "\"lab.internal\"", DNS },
    { N, "dns.servers", "[\"9.9.9.9\"]", DNS },
    { N, "dns.servers[]", "\"9.9.9.9\"", "{\"mode\":\"masqueraded\",\"dns\":{\"servers\":[@]}}" },
    { N, "guest_to_guest", "false", NULL },
    { N, "guest_to_host", "false", NULL },
    { N, "firewall", "\"cooperate\"", NULL },
    { N, "limits", "{}", NULL },
    { N, "allow", "[]", NULL },
    { N, "allow[]", "{\"user\":\"alice\"}", "{\"mode\":\"masqueraded\",\"allow\":[@]}" },
    { N, "allow[].user", "\"alice\"", ALLOW },
    { N, "allow[].group", "\"kvm\"", ALLOW },
    { N, "allow[].everyone", "true", ALLOW },
    { N, "allow[].can_open", "\"/dev/kvm\"", ALLOW },
    { N, "allow[].max_ports", "4", "{\"mode\":\"masqueraded\",\"allow\":[{\"user\":\"a\",@}]}" },
    { N, "grants", "{}", NULL },
    { N, "grants.address", "true", GRANTS },
    { N, "grants.mac", "true", GRANTS },
    { N, "grants.forwards", "{}", GRANTS },
    { N, "grants.forwards.from", "\"host\"", FORWARDS },
    { N, "grants.forwards.ports", "\"1024-65535\"", FORWARDS },
    { P, "mode", "\"bridged\"", "{@}" },
    { P, "network", "\"nat\"", "{@}" },
    { P, "name", "\"web\"", NULL },
    { P, "hostname", "\"web\"", NULL },
    { P, "address", "\"192.168.77.20\"", NULL },
    { P, "mac", "\"52:54:00:12:34:56\"", NULL },
    { P, "forwards", "[]", NULL },
    { P, "forwards[]", "{\"host_port\":80}", "{\"mode\":\"masqueraded\",\"forwards\":[@]}" },
    { P, "forwards[].protocol", "\"both\"", FORWARD },
    { P, "forwards[].host_port", "\"8080-8089\"",
      "{\"mode\":\"masqueraded\",\"forwards\":[{@}]}" },
    { P, "forwards[].guest_port", "80", FORWARD },
    { P, "forwards[].host_address", "\"2001:db8::1\"", FORWARD },
    { P, "limits", "{}", NULL },
};

/* Values of every kind; those that a key does not take are refused. */
static const struct {
    const char *text;
    KeyKinds kind; /* 0: none takes it */
} kinds[] = {
    { "null", 0 },  { "1.0", 0 }, { "1e2", 0 },        { "\"\\u0001\"", KEY_STRING },
    { "7", KEY_INTEGER }, { "true", KEY_BOOLEAN }, { "[]", KEY_ARRAY }, { "{}", KEY_OBJECT },
};

static char *replace_at(const char *frame, const char *member)
{
    g_auto(GStrv) halves = g_strsplit(frame, "@", 2);

    return g_strconcat(halves[0], member, halves[1], NULL);
}

/* The file in which the key of sample @i has the value @text. */
static char *document_of(gsize i, const char *text)
{
    const char *path = samples[i].path;
    const char *frame = samples[i].frame ? samples[i].frame : "{\"mode\":\"masqueraded\",@}";

    if (g_str_has_suffix(path, "[]")) {
        return replace_at(frame, text);
    }
    const char *dot = strrchr(path, '.');
    g_autofree char *member = g_strdup_printf("\"%s\":%s", dot ? dot + 1 : path, text);
    return replace_at(frame, member);
}

static bool parses(KeyFile file, const char *text, Faults *faults)
{
    if (file == KEY_FILE_NETWORK) {
        g_autoptr(Network) network = network_parse("nat", "f", text, strlen(text), faults);
        return network != NULL;
    }
    g_autoptr(Profile) profile = profile_parse("web.json", text, strlen(text), faults);
    return profile != NULL;
}

static bool is_later(const Key *key)
{
    return key->later && !key->later_values;
}

static gssize find_sample(KeyFile file, const char *path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        if (samples[i].file == file && strcmp(samples[i].path, path) == 0) {
            return (gssize)i;
        }
    }
    g_error("no sample of %s", path);
}

/* Each key's sample is accepted, or refused as a function of later. */
static void test_samples(gconstpointer data)
{
    const Kind *kind = data;
    guint n;
    const Key *keys = keys_of(kind->file, &n);

    for (guint k = 0; k < n; k++) {
        gsize i = (gsize)find_sample(kind->file, keys[k].path);
        g_autofree char *text = document_of(i, samples[i].value);
        g_autoptr(Faults) faults = faults_new("f");
        g_autoptr(GError) error = NULL;

        g_assert_true(parses(kind->file, text, faults) == !is_later(&keys[k]));
        if (is_later(&keys[k])) {
            g_assert_cmpuint(faults_count(faults), ==, 1);
            g_assert_false(faults_to_error(faults, &error));
            g_assert_error(error, TAPSTER_ERROR, TAPSTER_ERROR_UNSUPPORTED);
            g_assert_nonnull(strstr(error->message, keys[k].later));
        } else {
            g_assert_cmpuint(faults_count(faults), ==, 0);
        }
    }
}

/* A value of a kind that the key does not take is refused, once, in the
 * table's words; a kind that it takes is never refused for its kind. */
static void test_kinds(gconstpointer data)
{
    const Kind *kind = data;
    guint n;
    const Key *keys = keys_of(kind->file, &n);

    for (guint k = 0; k < n; k++) {
        gsize i = (gsize)find_sample(kind->file, keys[k].path);

        for (gsize v = 0; v < G_N_ELEMENTS(kinds) && !is_later(&keys[k]); v++) {
            g_autofree char *text = document_of(i, kinds[v].text);
            g_autoptr(Faults) faults = faults_new("f");

            if (keys[k].kinds & kinds[v].kind) {
                continue;
            }
            g_assert_false(parses(kind->file, text, faults));
            bool told = false;
            for (guint f = 0; f < faults_count(faults); f++) {
                g_autofree char *line = faults_line(faults, f);
                told = told || strstr(line, keys[k].accepts);
            }
            g_assert_true(told);
        }
    }
}

/* Parents stand before children, nothing stands twice, every field is there. */
static void test_table(gconstpointer data)
{
    const Kind *kind = data;
    guint n;
    const Key *keys = keys_of(kind->file, &n);

    for (guint k = 0; k < n; k++) {
        g_assert_true(keys_find(kind->file, keys[k].path) == &keys[k]);
        g_assert_true(keys[k].kinds != 0 && keys[k].modes != 0);
        g_assert_true(keys[k].required == (keys[k].fallback == NULL));
        g_assert_true(keys[k].accepts && keys[k].means && keys[k].since);
        g_assert_true(keys[k].later || !keys[k].later_values);

        g_autofree char *parent = g_strdup(keys[k].path);
        char *dot = strrchr(parent, '.');
        if (g_str_has_suffix(parent, "[]")) {
            parent[strlen(parent) - 2] = '\0';
        } else if (dot) {
            *dot = '\0';
        } else {
            continue;
        }
        const Key *above = keys_find(kind->file, parent);
        g_assert_true(above && above < &keys[k]);
        g_assert_true((above->modes & keys[k].modes) == keys[k].modes);
    }
    g_assert_null(keys_find(kind->file, ""));
    g_assert_null(keys_find(kind->file, "nothing"));
}

static JsonDocument *load_schema(const Kind *kind)
{
    g_autofree char *base = g_strconcat(kind->schema, ".schema.json", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "data", "schema", base,
                                                  NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Faults) faults = faults_new(path);
    gsize size;

    g_file_get_contents(path, &text, &size, &error);
    g_assert_no_error(error);
    JsonDocument *document = json_document_parse(text, size, faults);
    faults_to_error(faults, &error);
    g_assert_no_error(error);
    return document;
}

/* The schema of the key at @path: "allow[].user" is
 * properties.allow.items.properties.user. */
static const JsonValue *find_in_schema(const JsonValue *schema, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);

    for (guint i = 0; names[i] && schema; i++) {
        char *bracket = strstr(names[i], "[]");

        if (bracket) {
            *bracket = '\0';
        }
        schema = json_value_member(json_value_member(schema, "properties"), names[i]);
        if (bracket) {
            schema = json_value_member(schema, "items");
        }
    }
    return schema;
}

static KeyKinds kind_of_word(const JsonValue *value)
{
    static const struct {
        const char *word;
        KeyKinds kind;
    } words[] = {
        { "string", KEY_STRING }, { "integer", KEY_INTEGER }, { "boolean", KEY_BOOLEAN },
        { "array", KEY_ARRAY }, { "object", KEY_OBJECT },
    };
    const char *text = NULL;

    g_assert_true(json_value_get_string(value, &text));
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].word, text) == 0) {
            return words[i].kind;
        }
    }
    g_error("no such type: %s", text);
}

static KeyKinds kinds_of_schema(const JsonValue *schema)
{
    const JsonValue *type = json_value_member(schema, "type");
    KeyKinds found = 0;

    g_assert_nonnull(type);
    if (json_value_kind(type) == JSON_STRING) {
        return kind_of_word(type);
    }
    for (const JsonValue *word = json_value_first(type); word; word = json_value_next(word)) {
        found |= kind_of_word(word);
    }
    return found;
}

static void check_default(const Key *key, const JsonValue *schema)
{
    const JsonValue *in_schema = json_value_member(schema, "default");
    g_autoptr(Faults) faults = faults_new("f");
    const char *fallback = key->fallback ? key->fallback : "in words";
    g_autoptr(JsonDocument) document = json_document_parse(fallback, strlen(fallback), faults);

    g_assert_true((document != NULL) == (in_schema != NULL));
    if (document) {
        g_autofree char *ours = json_value_describe(json_document_root(document));
        g_autofree char *theirs = json_value_describe(in_schema);
        g_assert_cmpstr(theirs, ==, ours);
    }
}

/* The schema has each key of the table, with its kinds, default and words. */
static void test_schema_has_keys(gconstpointer data)
{
    const Kind *kind = data;
    g_autoptr(JsonDocument) document = load_schema(kind);
    const JsonValue *root = json_document_root(document);
    guint n;
    const Key *keys = keys_of(kind->file, &n);

    for (guint k = 0; k < n; k++) {
        const JsonValue *schema = find_in_schema(root, keys[k].path);
        const char *description = NULL;

        if (!schema) {
            g_error("the schema has no %s", keys[k].path);
        }
        g_assert_cmpuint(kinds_of_schema(schema), ==, keys[k].kinds);
        g_assert_true(json_value_get_string(json_value_member(schema, "description"),
                                            &description));
        g_assert_true(g_str_has_prefix(description, keys[k].means));
        check_default(&keys[k], schema);
        bool nested = strchr(keys[k].path, '[') || strchr(keys[k].path, '.');
        const JsonValue *never = json_value_member(schema, "not");
        if (!nested) {
            g_assert_true((never && !json_value_first(never)) == is_later(&keys[k]));
        }
    }
}

/* Returns: how many keys the schema has; each of them is in the table. */
static guint count_keys(const JsonValue *schema, KeyFile file, const char *path)
{
    const JsonValue *properties = json_value_member(schema, "properties");
    const JsonValue *items = json_value_member(schema, "items");
    guint n = 0;

    if (*path && !keys_find(file, path)) {
        g_error("the table has no %s", path);
    }
    if (kinds_of_schema(schema) & KEY_OBJECT) {
        bool additional = true;

        g_assert_true(json_value_get_boolean(json_value_member(schema, "additionalProperties"),
                                             &additional));
        g_assert_false(additional);
    }
    for (const JsonValue *inner = properties ? json_value_first(properties) : NULL; inner;
         inner = json_value_next(inner)) {
        g_autofree char *name = g_strconcat(path, *path ? "." : "", json_value_place(inner)->key,
                                            NULL);
        n += 1 + count_keys(inner, file, name);
    }
    if (items) {
        g_autofree char *name = g_strconcat(path, "[]", NULL);
        n += 1 + count_keys(items, file, name);
    }
    return n;
}

static void test_table_has_schema(gconstpointer data)
{
    const Kind *kind = data;
    g_autoptr(JsonDocument) document = load_schema(kind);
    guint n;

    (void)keys_of(kind->file, &n);
    g_assert_cmpuint(count_keys(json_document_root(document), kind->file, ""), ==, n);
}

/* What the schema forbids in a mode is what the table keeps for the other. */
static void test_schema_modes(void)
{
    g_autoptr(JsonDocument) document = load_schema(&network_kind);
    const JsonValue *cases = json_value_member(json_document_root(document), "allOf");
    const JsonValue *bridged = json_value_first(cases);
    const JsonValue *masqueraded = json_value_next(bridged);
    guint n;
    const Key *keys = keys_of(KEY_FILE_NETWORK, &n);

    for (guint k = 0; k < n; k++) {
        if (strchr(keys[k].path, '.') || strchr(keys[k].path, '[')) {
            continue;
        }
        const JsonValue *in_bridged = find_in_schema(json_value_member(bridged, "then"),
                                                     keys[k].path);
        const JsonValue *in_masqueraded = find_in_schema(json_value_member(masqueraded, "then"),
                                                         keys[k].path);
        bool allowed = true;

        g_assert_true((in_bridged && json_value_get_boolean(in_bridged, &allowed) && !allowed) ==
                      (keys[k].modes == KEY_IN_MASQUERADED));
        allowed = true;
        g_assert_true((in_masqueraded && json_value_get_boolean(in_masqueraded, &allowed) &&
                       !allowed) == (keys[k].modes == KEY_IN_BRIDGED));
    }
}

static void test_nearest(void)
{
    static const struct {
        KeyFile file;
        const char *parent, *name, *nearest;
    } cases[] = {
        { N, "", "modes", "mode" }, { N, "", "subnett", "subnet" }, { N, "", "sbunet", "subnet" },
        { N, "", "Uplink", "uplink" }, { N, "", "leaseTime", "lease_time" },
        { N, "", "lease-time", "lease_time" }, { N, "", "masquarade", "masquerade" },
        { N, "", "masquerade4", "masquerade" }, { N, "allow[]", "usr", "user" },
        { N, "allow[]", "maxPorts", "max_ports" }, { N, "", "domain", "dns.domain" },
        { N, "", "exclude", "pool.exclude" }, { N, "dns", "offset", "pool.offset" },
        { N, "", "network", NULL }, { N, "", "x", NULL }, { N, "", "", NULL },
        { N, "", "a_name_that_is_much_too_long_to_be_compared", NULL },
        { P, "", "hostName", "hostname" }, { P, "", "Mac", "mac" },
        { P, "", "host_port", "forwards[].host_port" }, { P, "", "bridge", NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *nearest = keys_nearest(cases[i].file, cases[i].parent, cases[i].name);

        g_assert_cmpstr(nearest, ==, cases[i].nearest);
    }
    g_autofree char *grants = keys_names(KEY_FILE_NETWORK, "grants");
    g_autofree char *nothing = keys_names(KEY_FILE_NETWORK, "grants.mac");
    g_assert_cmpstr(grants, ==, "address, mac and forwards");
    g_assert_cmpstr(nothing, ==, "");
}

int main(int argc, char **argv)
{
    const Kind *const both[] = { &network_kind, &profile_kind };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        static const struct {
            const char *name;
            GTestDataFunc function;
        } tests[] = {
            { "table", test_table },
            { "samples", test_samples },
            { "kinds", test_kinds },
            { "schema-has-keys", test_schema_has_keys },
            { "table-has-schema", test_table_has_schema },
        };

        for (gsize t = 0; t < G_N_ELEMENTS(tests); t++) {
            g_autofree char *path = g_strdup_printf("/keys/%s/%s", both[i]->schema, tests[t].name);
            g_test_add_data_func(path, both[i], tests[t].function);
        }
    }
    g_test_add_func("/keys/schema-modes", test_schema_modes);
    g_test_add_func("/keys/nearest", test_nearest);
    return g_test_run();
}
