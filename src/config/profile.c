/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/profile.h"

#include "base/quote.h"
#include "config/name.h"
#include "config/network.h"
#include "config/profile_parts.h"
#include "config/shape.h"

#include <string.h>

/*
 * A profile file as a struct. It is one VM's wish, often written by the caller:
 * nothing in it is an authority, and whether it is granted is policy's business.
 *
 * Invariant: a Profile is only handed out if its file has no fault at all, and
 * then has a name, a host name and a mode or a network.
 */

#define HOSTNAME_MAX 63 /* one label: RFC 1035 section 2.3.4 */
#define SUFFIX ".json"

void profile_free(Profile *profile)
{
    if (profile) {
        g_free(profile->file);
        g_free(profile->name);
        g_free(profile->hostname);
        g_free(profile->network);
        if (profile->forwards) {
            g_array_unref(profile->forwards);
        }
        g_free(profile);
    }
}

/* The member @key if it is a string, which shape_check() has seen to. */
static const JsonValue *find_string(const JsonValue *root, const char *key, const char **ret_text)
{
    const JsonValue *value = json_value_member(root, key);

    return value && json_value_get_string(value, ret_text) ? value : NULL;
}

static void read_mode(const JsonValue *root, Profile *profile, Faults *faults)
{
    const char *text;
    const JsonValue *value = find_string(root, "mode", &text);

    if (!value) {
        return;
    }
    if (strcmp(text, "masqueraded") == 0) {
        profile->mode = MODE_MASQUERADED;
    } else if (strcmp(text, "bridged") == 0) {
        profile->mode = MODE_BRIDGED;
    } else {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
}

static void read_network(const JsonValue *root, Profile *profile, Faults *faults)
{
    const char *text;
    const JsonValue *value = find_string(root, "network", &text);

    if (value && !network_name_valid(text)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    } else if (value) {
        profile->network = g_strdup(text);
    }
    if (!json_value_member(root, "network") && !json_value_member(root, "mode")) {
        json_value_fault(root, faults, TAPSTER_ERROR_CONFIG,
                         "found neither \"mode\" nor \"network\", expected one of them, or both");
    }
}

/* "web" of "/home/alice/web.json"; NULL if that is no name. */
static char *name_of_file(const char *file)
{
    const char *slash = strrchr(file, '/');
    g_autofree char *name = g_strdup(slash ? slash + 1 : file);

    if (g_str_has_suffix(name, SUFFIX)) {
        name[strlen(name) - strlen(SUFFIX)] = '\0';
    }
    return network_name_valid(name) ? g_steal_pointer(&name) : NULL;
}

static void read_name(const JsonValue *root, const char *file, Profile *profile,
                      Faults *faults)
{
    const char *text;
    const JsonValue *value = find_string(root, "name", &text);

    if (value && !network_name_valid(text)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    } else if (value) {
        profile->name = g_strdup(text);
    } else if (!json_value_member(root, "name")) {
        profile->name = name_of_file(file);
        if (!profile->name) {
            g_autofree char *base = g_path_get_basename(file);
            g_autofree char *quoted = quote_text(base);

            json_value_fault(root, faults, TAPSTER_ERROR_CONFIG,
                             "found no \"name\", and none in the file's name %s, expected "
                             "\"name\" with %s", quoted,
                             keys_find(KEY_FILE_PROFILE, "name")->accepts);
        }
    }
}

/* Names that machines look up in their domain without anybody's asking them to: for
 * a proxy (CERT VU#598349), for a tunnel (RFC 5214 section 8.3.2), for themselves.
 * Who had one would be sent what is not for them. dnsmasq_conf.c has the same for
 * names that guests give themselves. */
static bool is_unasked(const char *hostname)
{
    static const char *const names[] = {"isatap", "localhost", "wpad"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(hostname, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void read_hostname(const JsonValue *root, Profile *profile, Faults *faults)
{
    const char *text = NULL;
    const JsonValue *value = find_string(root, "hostname", &text);

    if (value && !name_valid_label(text, HOSTNAME_MAX)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
    profile->hostname = g_strdup(value ? text : profile->name);
    if (profile->hostname && is_unasked(profile->hostname)) {
        json_value_fault(value ? value : root, faults, TAPSTER_ERROR_CONFIG,
                         "found the host name '%s', which other guests look up unasked, "
                         "expected another \"hostname\"", profile->hostname);
    }
}

static void read_address(const JsonValue *root, Profile *profile, Faults *faults)
{
    const char *text;
    const JsonValue *value = find_string(root, "address", &text);

    if (!value) {
        return;
    }
    if (!address_parse_ipv4(text, &profile->address, NULL)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
    profile->has_address = true;
}

static void read_mac(const JsonValue *root, Profile *profile, Faults *faults)
{
    const char *text;
    const JsonValue *value = find_string(root, "mac", &text);

    if (!value) {
        return;
    }
    if (!address_parse_mac(text, &profile->mac, NULL)) {
        shape_refuse(value, KEY_FILE_PROFILE, NULL, faults);
    }
    profile->has_mac = true;
}

Profile *profile_parse(const char *file, const char *text, gsize size, Faults *faults)
{
    guint before = faults_count(faults);
    g_autoptr(JsonDocument) document = json_document_parse(text, size, faults);

    if (!document) {
        return NULL;
    }
    g_autoptr(Profile) profile = g_new0(Profile, 1);
    const JsonValue *root = json_document_root(document);
    profile->file = faults_printable(file);
    shape_check(root, KEY_FILE_PROFILE, MODE_NONE, faults);
    if (json_value_kind(root) == JSON_OBJECT) {
        read_mode(root, profile, faults);
        read_network(root, profile, faults);
        read_name(root, file, profile, faults);
        read_hostname(root, profile, faults);
        read_address(root, profile, faults);
        read_mac(root, profile, faults);
        profile_read_forwards(root, profile, faults);
    }
    return faults_count(faults) == before ? g_steal_pointer(&profile) : NULL;
}
