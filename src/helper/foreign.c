/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/foreign.h"

#include "base/trusted.h"
#include "config/json_value.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/*
 * Subnets that others on this host have plans for. A network of theirs that is up
 * shows as an address; one that is not shows only here, and would collide when it
 * comes up.
 *
 * None of these formats is ours, so nothing is concluded from what is missing.
 * Docker's own networks are in a database that only it can read; but its bridges
 * keep their addresses while they are down.
 */

#define FILE_SIZE_MAX  (64u << 10)
#define FILES_MAX      256 /* of a directory */
#define SUBNETS_MAX    1024
#define ATTRIBUTE_MAX  64  /* bytes of a value in XML */
#define DEFAULT_LENGTH 24  /* libvirt's without netmask and prefix: class C */

typedef void (*Scan)(const char *text, gsize size, const char *owner,
                     GArray *ret_foreign);

static const struct {
    const char *directory;
    const char *suffix;
    const char *owner;
    Scan scan;
} sources[] = {
    {"/etc/docker", "daemon.json", "Docker's", foreign_scan_json},
    {"/etc/containers/networks", ".json", "podman's", foreign_scan_json},
    {"/etc/cni/net.d", ".conflist", "CNI's", foreign_scan_json},
    {"/etc/libvirt/qemu/networks", ".xml", "libvirt's", foreign_scan_libvirt},
};

static void add_subnet(guint32 address, guint length, const char *owner,
                       GArray *foreign)
{
    FactsForeign found = {.subnet = {.length = (guint8)length}};

    /* What is wider says nothing; what is a single address is no subnet. */
    if (length < 8 || length > 30 || foreign->len >= SUBNETS_MAX) {
        return;
    }
    found.subnet.address = address & prefix4_mask((guint8)length);
    g_strlcpy(found.owner, owner, sizeof(found.owner));
    g_array_append_val(foreign, found);
}

/* "172.30.0.1/16", host bits and all. */
static void add_text(const char *text, const char *owner, GArray *foreign)
{
    const char *slash = strchr(text, '/');
    guint32 address;
    char *end = NULL;
    guint64 length;

    if (!slash || slash - text >= ADDRESS_TEXT_SIZE || !g_ascii_isdigit(slash[1])) {
        return;
    }
    g_autofree char *host = g_strndup(text, (gsize)(slash - text));

    length = g_ascii_strtoull(slash + 1, &end, 10);
    if (*end == '\0' && length <= 32 && address_parse_ipv4(host, &address, NULL)) {
        add_subnet(address, (guint)length, owner, foreign);
    }
}

/* The scanner bounds the depth. */
static void walk(const JsonValue *value, const char *owner, GArray *foreign)
{
    static const char *const keys[] = {"subnet", "base", "bip"};
    const char *key = json_value_place(value)->key;
    const char *text;

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (key && strcmp(key, keys[i]) == 0 &&
            json_value_get_string(value, &text)) {
            add_text(text, owner, foreign);
        }
    }
    if (json_value_kind(value) == JSON_ARRAY ||
        json_value_kind(value) == JSON_OBJECT) {
        for (const JsonValue *child = json_value_first(value); child;
             child = json_value_next(child)) {
            walk(child, owner, foreign);
        }
    }
}

void foreign_scan_json(const char *text, gsize size, const char *owner,
                       GArray *ret_foreign)
{
    g_autoptr(Faults) faults = faults_new(owner);
    g_autoptr(JsonDocument) document = json_document_parse(text, size, faults);

    if (document) {
        walk(json_document_root(document), owner, ret_foreign);
    }
}

/* The value of " NAME='" within an element's text, or NULL. */
static bool find_attribute(const char *element, const char *name,
                           char ret_value[ATTRIBUTE_MAX])
{
    gsize size = strlen(name);

    for (const char *at = strstr(element, name); at; at = strstr(at + 1, name)) {
        const char *value = at + size;
        const char *end;

        if (at == element || !g_ascii_isspace(at[-1]) || *value++ != '=' ||
            (*value != '\'' && *value != '"')) {
            continue;
        }
        end = strchr(value + 1, *value);
        if (!end || end - value > ATTRIBUTE_MAX) {
            return false;
        }
        g_strlcpy(ret_value, value + 1, (gsize)(end - value));
        return true;
    }
    return false;
}

/* The length that a mask means, 0 for one with holes. */
static guint mask_length(guint32 mask)
{
    for (guint length = 1; length <= 32; length++) {
        if (prefix4_mask((guint8)length) == mask) {
            return length;
        }
    }
    return 0;
}

static void scan_ip(const char *element, const char *owner, GArray *foreign)
{
    char value[ATTRIBUTE_MAX];
    guint length = DEFAULT_LENGTH;
    guint32 address;
    guint32 mask;

    if (!find_attribute(element, "address", value) ||
        !address_parse_ipv4(value, &address, NULL)) {
        return;
    }
    if (find_attribute(element, "netmask", value)) {
        length = address_parse_ipv4(value, &mask, NULL) ? mask_length(mask) : 0;
    } else if (find_attribute(element, "prefix", value)) {
        length = (guint)g_ascii_strtoull(value, NULL, 10);
    }
    add_subnet(address, length, owner, foreign);
}

void foreign_scan_libvirt(const char *text, gsize size, const char *owner,
                          GArray *ret_foreign)
{
    g_autofree char *copy = g_strndup(text, size);
    char *at = copy;

    while ((at = strchr(at, '<'))) {
        bool comment = g_str_has_prefix(at, "<!--");
        char *end = strstr(at, comment ? "-->" : ">");

        if (!end) {
            return;
        }
        if (!comment && g_str_has_prefix(at, "<ip") && g_ascii_isspace(at[3])) {
            *end = '\0';
            scan_ip(at, owner, ret_foreign);
        }
        at = end + 1;
    }
}

static void load_file(const char *directory, const char *name, guint source,
                      GArray *foreign)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *owner = g_strdup_printf("%s '%s'", sources[source].owner,
                                             name);
    g_autoptr(GBytes) contents = NULL;
    FileIdentity identity;
    const char *text;
    gsize size;

    if (trusted_read(path, FILE_SIZE_MAX, &contents, &identity, NULL, NULL) &&
        contents) {
        text = g_bytes_get_data(contents, &size);
        sources[source].scan(text ? text : "", size, owner, foreign);
    }
}

void foreign_load(FactsHost *facts)
{
    if (!facts->foreign) {
        facts->foreign = g_array_new(FALSE, TRUE, sizeof(FactsForeign));
    }
    for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
        DIR *directory = opendir(sources[i].directory);
        struct dirent *entry;

        for (guint n = 0; directory && n < FILES_MAX &&
                          (entry = readdir(directory)); n++) {
            if (g_str_has_suffix(entry->d_name, sources[i].suffix)) {
                load_file(sources[i].directory, entry->d_name, i, facts->foreign);
            }
        }
        if (directory) {
            closedir(directory);
        }
    }
}
