/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/lookup.h"

#include "base/fd.h"
#include "base/quote.h"
#include "config.h"
#include "config/locate.h"
#include "helper/privilege.h"
#include "helper/resolve.h"

#include <dirent.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/*
 * What a name means is decided here and nowhere else. Two kinds of file are
 * kept apart: those of the administrator, which grant, and those of the
 * caller, which wish. The second are read in stage "as_caller", after all of
 * the first that can be known by then, and with nothing of root's in force.
 */

#define CONFIG_SIZE_MAX (64u << 10)

static const char *const network_directories[] = {TAPSTER_SYSCONFDIR,
                                                  TAPSTER_DATADIR};

static void clear_network(Lookup *lookup)
{
    g_clear_pointer(&lookup->name, g_free);
    g_clear_pointer(&lookup->file, g_free);
    fd_cleanup(&lookup->fd);
    lookup->fd = -1;
    g_clear_pointer(&lookup->network, network_free);
}

void lookup_clear(Lookup *lookup)
{
    clear_network(lookup);
    g_clear_pointer(&lookup->profile, profile_free);
}

/* @lookup->fd is -1 if there is none of that name. */
static bool read_network(const char *name, Lookup *lookup, GError **error)
{
    clear_network(lookup);
    for (guint i = 0; i < G_N_ELEMENTS(network_directories); i++) {
        g_autofree char *path = locate_network(network_directories[i], name);
        bool masked = false;

        if (!path) {
            return true;
        }
        if (!trusted_open(path, &lookup->fd, &lookup->network_file, &masked,
                          error)) {
            return false;
        }
        if (lookup->fd >= 0) {
            lookup->name = g_strdup(name);
            lookup->file = g_steal_pointer(&path);
        }
        if (lookup->fd >= 0 || masked) {
            return true;
        }
    }
    return true;
}

bool lookup_parse(Lookup *lookup, GError **error)
{
    g_autoptr(GBytes) contents = NULL;
    g_autoptr(Faults) faults = NULL;
    const char *text;
    gsize size;

    if (lookup->network) {
        return true;
    }
    if (!trusted_load(lookup->fd, lookup->file, CONFIG_SIZE_MAX, &contents,
                      error)) {
        return false;
    }
    faults = faults_new(lookup->file);
    text = g_bytes_get_data(contents, &size);
    lookup->network =
        network_parse(lookup->name, lookup->file, text, size, faults);
    return faults_to_error(faults, error);
}

static bool parse_profile(const char *path, GBytes *contents,
                          Profile **ret_profile, GError **error)
{
    g_autoptr(Faults) faults = faults_new(path);
    gsize size;
    const char *text = g_bytes_get_data(contents, &size);

    *ret_profile = profile_parse(path, text ? text : "", size, faults);
    return faults_to_error(faults, error);
}

/* *ret_profile is NULL if there is none of that name. */
static bool load_admin_profile(const char *name, Profile **ret_profile,
                               GError **error)
{
    g_autofree char *path = locate_profile(TAPSTER_SYSCONFDIR, name);
    g_autoptr(GBytes) contents = NULL;
    FileIdentity identity;

    *ret_profile = NULL;
    if (!path) {
        return true;
    }
    if (!trusted_read(path, CONFIG_SIZE_MAX, &contents, &identity, NULL, error)) {
        return false;
    }
    return !contents || parse_profile(path, contents, ret_profile, error);
}

/* In stage "as_caller", and so are those who call it. */
static bool load_caller_file(const char *path, const Caller *caller,
                             Profile **ret_profile, GError **error)
{
    g_autoptr(GBytes) contents = NULL;

    *ret_profile = NULL;
    if (!privilege_as_caller(caller, error) ||
        !caller_read(path, CONFIG_SIZE_MAX, &contents, error)) {
        return false;
    }
    return !contents || parse_profile(path, contents, ret_profile, error);
}

static bool load_caller_profile(const char *name, const Caller *caller,
                                Profile **ret_profile, GError **error)
{
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    *ret_profile = NULL;
    /* The environment's HOME is the caller's to choose; the user database is
     * not. */
    if (getpwuid_r(caller->uid, &entry, buffer, sizeof(buffer), &found) != 0 ||
        !found) {
        return true;
    }
    g_autofree char *path = locate_caller_profile(found->pw_dir, name);
    return !path || load_caller_file(path, caller, ret_profile, error);
}

static bool usable(const char *name, const Caller *caller, Mode mode)
{
    g_auto(Lookup) lookup = LOOKUP_NONE;
    g_autoptr(GError) ignored = NULL;
    NetworkGrants grants;
    Caller asking = *caller;
    guint32 max_ports;

    if (!read_network(name, &lookup, &ignored) || lookup.fd < 0 ||
        !lookup_parse(&lookup, &ignored) ||
        (mode != MODE_NONE && lookup.network->mode != mode)) {
        return false;
    }
    resolve_grants(lookup.network, &grants);
    asking.can_open = resolve_can_open(&grants);
    return permit_network(&asking, &grants, &max_ports);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool contains(const GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++) {
        if (strcmp(names->pdata[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of all networks, each once, in no order; some may be masked. */
static GPtrArray *list_networks(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < G_N_ELEMENTS(network_directories); i++) {
        g_autofree char *path =
            g_build_filename(network_directories[i], "networks", NULL);
        DIR *directory = opendir(path);
        struct dirent *entry;

        while (directory && (entry = readdir(directory))) {
            if (!g_str_has_suffix(entry->d_name, ".json")) {
                continue;
            }
            g_autofree char *name =
                g_strndup(entry->d_name, strlen(entry->d_name) - 5);

            if (!contains(names, name)) {
                g_ptr_array_add(names, g_steal_pointer(&name));
            }
        }
        if (directory) {
            closedir(directory);
        }
    }
    return names;
}

char **lookup_usable(const Caller *caller, Mode mode)
{
    g_autoptr(GPtrArray) all = list_networks();
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        if (usable(all->pdata[i], caller, mode)) {
            g_ptr_array_add(names, g_strdup(all->pdata[i]));
        }
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void lookup_other_subnets(const char *except, GArray *ret_named,
                          GPtrArray *ret_auto)
{
    g_autoptr(GPtrArray) all = list_networks();

    for (guint i = 0; i < all->len; i++) {
        const char *name = all->pdata[i];
        g_auto(Lookup) lookup = LOOKUP_NONE;

        if (strcmp(name, except) == 0 || !read_network(name, &lookup, NULL) ||
            lookup.fd < 0 || !lookup_parse(&lookup, NULL) ||
            lookup.network->mode != MODE_MASQUERADED) {
            continue;
        }
        if (lookup.network->subnet_auto) {
            g_ptr_array_add(ret_auto, g_strdup(name));
        } else {
            g_array_append_val(ret_named, lookup.network->subnet);
        }
    }
}

static bool refuse_name(const char *what, const char *name,
                        const Caller *caller, GError **error)
{
    g_auto(GStrv) names = lookup_usable(caller, MODE_NONE);
    g_autofree char *list = g_strjoinv(", ", names);
    g_autofree char *quoted = quote_text(name);
    g_autofree char *user = resolve_describe_user(caller->uid);

    return error_set(error, TAPSTER_ERROR_DENIED,
                     "there is no %s %s; networks that %s may use: %s", what,
                     quoted, user, names[0] ? list : "none");
}

/* A profile names its network, or there is one of its mode for this caller. */
static bool find_profile_network(const Caller *caller, Lookup *lookup,
                                 GError **error)
{
    const Profile *profile = lookup->profile;

    if (profile->network) {
        if (!read_network(profile->network, lookup, error)) {
            return false;
        }
        return lookup->fd >= 0 ||
               refuse_name("network", profile->network, caller, error);
    }

    g_auto(GStrv) names = lookup_usable(caller, profile->mode);
    g_autofree char *list = g_strjoinv(", ", names);

    if (!names[0]) {
        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' wants a %s network, and there is none "
                         "that you may use",
                         profile->file, mode_name(profile->mode));
    }
    if (names[1]) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "profile '%s' wants a %s network, and you may use "
                         "several (%s): name one with \"network\"",
                         profile->file, mode_name(profile->mode), list);
    }
    if (!read_network(names[0], lookup, error)) {
        return false;
    }
    /* It may have been removed since the list was made. */
    return lookup->fd >= 0 || refuse_name("network", names[0], caller, error);
}

static bool find_own_profile(const char *name, const Caller *caller,
                             Lookup *lookup, GError **error)
{
    return (locate_is_path(name)
                ? load_caller_file(name, caller, &lookup->profile, error)
                : load_caller_profile(name, caller, &lookup->profile, error)) &&
           privilege_resume(caller, error);
}

static bool find_profile(const char *name, const Caller *caller, Lookup *lookup,
                         GError **error)
{
    if (!locate_is_path(name)) {
        if (!load_admin_profile(name, &lookup->profile, error)) {
            return false;
        }
        lookup->profile_trusted = lookup->profile != NULL;
    }
    if (!lookup->profile && !find_own_profile(name, caller, lookup, error)) {
        return false;
    }
    return lookup->profile ? find_profile_network(caller, lookup, error)
                           : refuse_name("profile", name, caller, error);
}

static bool find_network(const char *name, const Caller *caller, Lookup *lookup,
                         GError **error)
{
    if (!read_network(name, lookup, error)) {
        return false;
    }
    return lookup->fd >= 0 || refuse_name("network", name, caller, error);
}

static bool find_bridge(const char *name, const Caller *caller, Lookup *lookup,
                        GError **error)
{
    if (!load_admin_profile(name, &lookup->profile, error)) {
        return false;
    }
    if (lookup->profile) {
        lookup->profile_trusted = true;
        return find_profile_network(caller, lookup, error);
    }
    if (!read_network(name, lookup, error)) {
        return false;
    }
    if (lookup->fd >= 0) {
        return true;
    }
    if (network_name_valid(name) &&
        !find_own_profile(name, caller, lookup, error)) {
        return false;
    }
    return lookup->profile
               ? find_profile_network(caller, lookup, error)
               : refuse_name("profile or network", name, caller, error);
}

bool lookup_find(const Request *request, const Caller *caller,
                 Lookup *ret_lookup, GError **error)
{
    g_auto(Lookup) lookup = LOOKUP_NONE;
    bool found = request->profile
                     ? find_profile(request->profile, caller, &lookup, error)
                 : request->network
                     ? find_network(request->network, caller, &lookup, error)
                     : find_bridge(request->bridge, caller, &lookup, error);

    if (!found) {
        return false;
    }
    *ret_lookup = lookup;
    lookup = LOOKUP_NONE;
    return true;
}
