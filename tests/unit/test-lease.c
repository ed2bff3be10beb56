/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/json_value.h"
#include "plan/lease.h"
#include "pool/slots.h"

#include <string.h>

/*
 * What guests without DHCP are given: whole texts, and for JSON that it is what
 * data/schema/lease.schema.json says, and that this says no more than there is.
 */

static const guint32 dns[] = {0xc0a84d01, 0x09090909, 0x01010101};

static Segment make_segment(void)
{
    Segment segment = {.mode = MODE_MASQUERADED, .domain = "nat.internal"};

    slots_identify("nat", &segment);
    segment.subnet_address = 0xc0a84d00;
    segment.subnet_length = 24;
    segment.gateway = 0xc0a84d01;
    segment.pool_offset = 10;
    segment.pool_size = 240;
    segment.mtu = 1420;
    segment.subnet6_address = (Address6){{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    segment.subnet6_length = 48;
    return segment;
}

static Segment make_bridged(void)
{
    Segment segment = {.mode = MODE_BRIDGED, .kind = SEGMENT_SHARED};

    slots_identify("lan", &segment);
    segment.uplink = UPLINK_NONE;
    segment.subnet_address = 0xc0a80100;
    segment.subnet_length = 26;
    segment.gateway = 0xc0a8013e;
    segment.pool_offset = 20;
    segment.pool_size = 20;
    return segment;
}

static Lease make_lease(const Segment *segment)
{
    return (Lease){.segment = segment, .slot = 10, .hostname = "web",
                   .interface = "eth0", .dns = dns, .n_dns = 1};
}

#define assert_text(format, lease, expected) \
    G_STMT_START { \
        g_autofree char *text_ = lease_format_##format(lease); \
        g_assert_cmpstr(text_, ==, expected); \
    } G_STMT_END

static void test_kernel(void)
{
    Segment segment = make_segment();
    Segment bridged = make_bridged();
    Lease lease = make_lease(&segment);

    assert_text(kernel, &lease,
                "ip=192.168.77.20::192.168.77.1:255.255.255.0:web:eth0:off:"
                "192.168.77.1");
    lease.n_dns = 3; /* it takes two */
    assert_text(kernel, &lease,
                "ip=192.168.77.20::192.168.77.1:255.255.255.0:web:eth0:off:"
                "192.168.77.1:9.9.9.9");
    lease.n_dns = 0;
    lease.hostname = "";
    lease.interface = "";
    assert_text(kernel, &lease,
                "ip=192.168.77.20::192.168.77.1:255.255.255.0:::off");
    segment.uplink = UPLINK_NONE;
    assert_text(kernel, &lease, "ip=192.168.77.20:::255.255.255.0:::off");

    lease = make_lease(&bridged);
    assert_text(kernel, &lease,
                "ip=192.168.1.30::192.168.1.62:255.255.255.192:web:eth0:off:"
                "192.168.77.1");
    bridged.gateway = 0; /* the file names none */
    assert_text(kernel, &lease,
                "ip=192.168.1.30:::255.255.255.192:web:eth0:off:192.168.77.1");
}

static void test_cloud_init(void)
{
    Segment segment = make_segment();
    Lease lease = make_lease(&segment);

    lease.n_dns = 2;
    assert_text(cloud_init, &lease,
                "version: 2\n"
                "ethernets:\n"
                "  \"eth0\":\n"
                "    mtu: 1420\n"
                "    dhcp4: false\n"
                "    dhcp6: false\n"
                "    accept-ra: false\n"
                "    addresses:\n"
                "      - \"192.168.77.20/24\"\n"
                "      - \"fd12:3456:789a:b::2/64\"\n"
                "    routes:\n"
                "      - to: \"0.0.0.0/0\"\n"
                "        via: \"192.168.77.1\"\n"
                "      - to: \"::/0\"\n"
                "        via: \"fd12:3456:789a:b::1\"\n"
                "    nameservers:\n"
                "      addresses: [\"192.168.77.1\", \"9.9.9.9\"]\n"
                "      search: [\"nat.internal\"]\n");
}

static void test_cloud_init_least(void)
{
    Segment segment = make_bridged();
    Lease lease = make_lease(&segment);

    segment.gateway = 0;
    lease.n_dns = 0;
    lease.has_mac = true;
    lease.mac = (Mac){{0x52, 0x54, 0, 0x12, 0x34, 0x56}};
    assert_text(cloud_init, &lease,
                "version: 2\n"
                "ethernets:\n"
                "  \"eth0\":\n"
                "    match:\n"
                "      macaddress: \"52:54:00:12:34:56\"\n"
                "    set-name: \"eth0\"\n"
                "    dhcp4: false\n"
                "    dhcp6: false\n"
                "    addresses:\n"
                "      - \"192.168.1.30/26\"\n");
}

static void test_networkd(void)
{
    Segment segment = make_segment();
    Lease lease = make_lease(&segment);

    lease.n_dns = 2;
    assert_text(networkd, &lease,
                "[Match]\n"
                "Name=eth0\n"
                "\n"
                "[Link]\n"
                "MTUBytes=1420\n"
                "\n"
                "[Network]\n"
                "DHCP=no\n"
                "IPv6AcceptRA=no\n"
                "Address=192.168.77.20/24\n"
                "Address=fd12:3456:789a:b::2/64\n"
                "DNS=192.168.77.1\n"
                "DNS=9.9.9.9\n"
                "Domains=nat.internal\n"
                "\n"
                "[Route]\n"
                "Gateway=192.168.77.1\n"
                "\n"
                "[Route]\n"
                "Destination=::/0\n"
                "Gateway=fd12:3456:789a:b::1\n");
}

static void test_networkd_least(void)
{
    Segment segment = make_bridged();
    Lease lease = make_lease(&segment);

    segment.gateway = 0;
    lease.n_dns = 0;
    lease.has_mac = true;
    lease.mac = (Mac){{0x52, 0x54, 0, 0x12, 0x34, 0x56}};
    assert_text(networkd, &lease,
                "[Match]\n"
                "MACAddress=52:54:00:12:34:56\n"
                "\n"
                "[Network]\n"
                "DHCP=no\n"
                "Address=192.168.1.30/26\n");
}

/* Without an uplink a guest still finds the other ports; on a shared segment
 * they are on its link. */
static void test_host_only(void)
{
    Segment segment = make_segment();
    Lease lease = make_lease(&segment);

    segment.uplink = UPLINK_NONE;
    segment.mtu = 0;
    lease.n_dns = 0;
    segment.domain[0] = '\0';
    assert_text(networkd, &lease,
                "[Match]\n"
                "Name=eth0\n"
                "\n"
                "[Network]\n"
                "DHCP=no\n"
                "IPv6AcceptRA=no\n"
                "Address=192.168.77.20/24\n"
                "Address=fd12:3456:789a:b::2/64\n"
                "\n"
                "[Route]\n"
                "Destination=fd12:3456:789a::/48\n"
                "Gateway=fd12:3456:789a:b::1\n");
    segment.kind = SEGMENT_SHARED;
    assert_text(networkd, &lease,
                "[Match]\n"
                "Name=eth0\n"
                "\n"
                "[Network]\n"
                "DHCP=no\n"
                "IPv6AcceptRA=no\n"
                "Address=192.168.77.20/24\n"
                "Address=fd12:3456:789a::14/64\n");
}

static void test_json(void)
{
    Segment segment = make_segment();
    Lease lease = make_lease(&segment);

    lease.n_dns = 2;
    lease.has_mac = true;
    lease.mac = (Mac){{0x52, 0x54, 0, 0x12, 0x34, 0x56}};
    assert_text(json, &lease,
                "{\n"
                "  \"network\": \"nat\",\n"
                "  \"mode\": \"masqueraded\",\n"
                "  \"interface\": \"eth0\",\n"
                "  \"hostname\": \"web\",\n"
                "  \"mac\": \"52:54:00:12:34:56\",\n"
                "  \"mtu\": 1420,\n"
                "  \"ipv4\": {\n"
                "    \"address\": \"192.168.77.20\",\n"
                "    \"prefix_length\": 24,\n"
                "    \"gateway\": \"192.168.77.1\",\n"
                "    \"destination\": \"0.0.0.0/0\"\n"
                "  },\n"
                "  \"ipv6\": {\n"
                "    \"address\": \"fd12:3456:789a:b::2\",\n"
                "    \"prefix_length\": 64,\n"
                "    \"gateway\": \"fd12:3456:789a:b::1\",\n"
                "    \"destination\": \"::/0\"\n"
                "  },\n"
                "  \"dns\": {\n"
                "    \"domain\": \"nat.internal\",\n"
                "    \"servers\": [\"192.168.77.1\", \"9.9.9.9\"]\n"
                "  }\n"
                "}\n");
}

/* A lease needs an address. */
static void test_no_addresses(void)
{
    Segment segment = {.mode = MODE_BRIDGED, .kind = SEGMENT_SHARED};
    Lease lease = make_lease(&segment);

    slots_identify("lan", &segment);
    segment.pool_size = SEGMENT_BRIDGED_SLOTS;
    assert_text(kernel, &lease, NULL);
    assert_text(cloud_init, &lease, NULL);
    assert_text(networkd, &lease, NULL);
    assert_text(json, &lease, NULL);
}

static JsonDocument *parse(const char *what, const char *text)
{
    g_autoptr(Faults) faults = faults_new(what);
    g_autoptr(GError) error = NULL;
    JsonDocument *document = json_document_parse(text, strlen(text), faults);

    faults_to_error(faults, &error);
    g_assert_no_error(error);
    return document;
}

static JsonDocument *load_schema(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "..", "data", "schema",
                              "lease.schema.json", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return parse(path, text);
}

static const char *text_of(const JsonValue *value)
{
    const char *text;

    g_assert_true(json_value_get_string(value, &text));
    return text;
}

static const char *type_of(const JsonValue *value)
{
    switch (json_value_kind(value)) {
    case JSON_STRING: return "string";
    case JSON_NUMBER: return "integer";
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    default: return "none that is expected";
    }
}

static gint64 number_of(const JsonValue *value, gint64 fallback)
{
    if (value) {
        g_assert_true(json_value_get_integer(value, G_MININT64, G_MAXINT64,
                                             &fallback));
    }
    return fallback;
}

static void check_text(const char *text, const JsonValue *schema)
{
    const JsonValue *pattern = json_value_member(schema, "pattern");
    const JsonValue *format = json_value_member(schema, "format");
    guint32 address;
    Address6 address6;

    g_assert_cmpint((gint64)strlen(text), <=,
                    number_of(json_value_member(schema, "maxLength"), 1000));
    g_assert_true(!pattern || g_regex_match_simple(text_of(pattern), text, 0, 0));
    if (format && strcmp(text_of(format), "ipv4") == 0) {
        g_assert_true(address_parse_ipv4(text, &address, NULL));
    } else if (format) {
        g_assert_cmpstr(text_of(format), ==, "ipv6");
        g_assert_true(address_parse_ipv6(text, &address6, NULL));
    }
}

static void check_enum(const JsonValue *value, const JsonValue *schema)
{
    const JsonValue *allowed = json_value_member(schema, "enum");
    g_autofree char *found = json_value_describe(value);
    bool known = !allowed;

    for (const JsonValue *item = allowed ? json_value_first(allowed) : NULL;
         item; item = json_value_next(item)) {
        g_autofree char *other = json_value_describe(item);

        known = known || strcmp(found, other) == 0;
    }
    g_assert_true(known);
}

static void check(const JsonValue *value, const JsonValue *schema,
                  GHashTable *seen);

static void check_object(const JsonValue *value, const JsonValue *schema,
                         GHashTable *seen)
{
    const JsonValue *properties = json_value_member(schema, "properties");
    const JsonValue *required = json_value_member(schema, "required");
    const JsonValue *dependent = json_value_member(schema, "dependentRequired");
    bool more = true;

    g_assert_true(json_value_get_boolean(
        json_value_member(schema, "additionalProperties"), &more));
    g_assert_false(more);
    for (const JsonValue *item = json_value_first(value); item;
         item = json_value_next(item)) {
        g_autofree char *path = json_value_path(item);
        const char *key = strrchr(path, '.') + 1;
        const JsonValue *property = json_value_member(properties, key);
        const JsonValue *needs = json_value_member(dependent, key);

        g_assert_nonnull(property);
        check(item, property, seen);
        for (const JsonValue *name = needs ? json_value_first(needs) : NULL; name;
             name = json_value_next(name)) {
            g_assert_nonnull(json_value_member(value, text_of(name)));
        }
    }
    for (const JsonValue *name = required ? json_value_first(required) : NULL;
         name; name = json_value_next(name)) {
        g_assert_nonnull(json_value_member(value, text_of(name)));
    }
}

/* That @value is as @schema says, for the words that this schema uses. */
static void check(const JsonValue *value, const JsonValue *schema,
                  GHashTable *seen)
{
    g_hash_table_add(seen, json_value_path(schema));
    g_assert_cmpstr(text_of(json_value_member(schema, "type")), ==,
                    type_of(value));
    g_assert_nonnull(json_value_member(schema, json_value_parent(schema)
                                                   ? "description"
                                                   : "title"));
    check_enum(value, schema);
    if (json_value_kind(value) == JSON_OBJECT) {
        check_object(value, schema, seen);
    } else if (json_value_kind(value) == JSON_STRING) {
        check_text(text_of(value), schema);
    } else if (json_value_kind(value) == JSON_NUMBER) {
        gint64 number = number_of(value, 0);

        g_assert_cmpint(number, >=,
                        number_of(json_value_member(schema, "minimum"), 0));
        g_assert_cmpint(number, <=,
                        number_of(json_value_member(schema, "maximum"), 128));
    } else {
        for (const JsonValue *item = json_value_first(value); item;
             item = json_value_next(item)) {
            check(item, json_value_member(schema, "items"), seen);
        }
    }
}

/* Every property that the schema has, at any depth, is in @seen. */
static void check_seen(const JsonValue *schema, GHashTable *seen)
{
    const JsonValue *properties = json_value_member(schema, "properties");

    for (const JsonValue *item = properties ? json_value_first(properties) : NULL;
         item; item = json_value_next(item)) {
        g_autofree char *path = json_value_path(item);

        if (!g_hash_table_contains(seen, path)) {
            g_error("no lease has %s", path);
        }
        check_seen(item, seen);
    }
}

static void test_schema(void)
{
    g_autoptr(JsonDocument) schema = load_schema();
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint bits = 0; bits < 128; bits++) {
        Segment segment = bits & 1 ? make_segment() : make_bridged();
        Lease lease = make_lease(&segment);

        if (bits & 1) {
            segment.kind = bits & 2 ? SEGMENT_SHARED : SEGMENT_ROUTED;
            segment.uplink = bits & 4 ? UPLINK_NONE : UPLINK_AUTO;
            segment.subnet6_length = bits & 8 ? 48 : 0;
        } else if (bits & 2) {
            segment.gateway = 0;
        }
        lease.has_mac = bits & 16;
        lease.hostname = bits & 32 ? "" : "web";
        lease.n_dns = bits & 64 ? 3 : 0;
        g_autofree char *text = lease_format_json(&lease);
        g_autoptr(JsonDocument) document = parse(text, text);

        check(json_document_root(document), json_document_root(schema), seen);
    }
    check_seen(json_document_root(schema), seen);
}

/* What is not a checked label after all stays within its string. */
static void test_escapes(void)
{
    Segment segment = make_segment();
    Lease lease = make_lease(&segment);

    lease.hostname = "a\"b\\c\nd\x7f";
    g_autofree char *text = lease_format_json(&lease);
    g_assert_nonnull(
        strstr(text, "\"hostname\": \"a\\\"b\\\\c\\u000ad\\u007f\","));
    g_autoptr(JsonDocument) document = parse("lease", text);
    g_assert_cmpstr(text_of(json_value_member(json_document_root(document),
                                              "hostname")), ==,
                    lease.hostname);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lease/kernel", test_kernel);
    g_test_add_func("/lease/cloud-init", test_cloud_init);
    g_test_add_func("/lease/cloud-init-least", test_cloud_init_least);
    g_test_add_func("/lease/networkd", test_networkd);
    g_test_add_func("/lease/networkd-least", test_networkd_least);
    g_test_add_func("/lease/host-only", test_host_only);
    g_test_add_func("/lease/json", test_json);
    g_test_add_func("/lease/no-addresses", test_no_addresses);
    g_test_add_func("/lease/schema", test_schema);
    g_test_add_func("/lease/escapes", test_escapes);
    return g_test_run();
}
