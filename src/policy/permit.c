/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/permit.h"

/*
 * Permission. A network's "allow" list is the whole authority: no entry that
 * matches, no port. What a profile fixes beyond the choice of a network
 * (an address, a MAC) needs a grant of that network, unless the administrator
 * wrote the profile.
 */

void caller_free(Caller *caller)
{
    g_free(caller->groups);
    g_free(caller);
}

static bool has_group(const Caller *caller, guint32 gid)
{
    for (guint i = 0; i < caller->n_groups; i++) {
        if (caller->groups[i] == gid) {
            return true;
        }
    }
    return caller->gid == gid;
}

static bool matches(const Caller *caller, const AllowId *entry)
{
    switch ((AllowKind)entry->kind) {
    case ALLOW_UID:
        return caller->uid == entry->id;
    case ALLOW_GID:
        return has_group(caller, entry->id);
    case ALLOW_EVERYONE:
        return true;
    case ALLOW_CAN_OPEN:
        return entry->id < 64 && (caller->can_open >> entry->id & 1);
    case ALLOW_NOBODY:
        return false;
    }
    return false;
}

bool permit_network(const Caller *caller, const NetworkGrants *grants,
                    guint32 *ret_max_ports)
{
    guint32 max_ports = 0;

    if (caller->uid == 0) {
        *ret_max_ports = PERMIT_UNLIMITED;
        return true;
    }
    for (guint i = 0; i < grants->n_allow; i++) {
        if (matches(caller, &grants->allow[i])) {
            max_ports = MAX(max_ports, grants->allow[i].max_ports);
        }
    }
    if (max_ports == 0) {
        return false;
    }
    *ret_max_ports = max_ports;
    return true;
}

bool permit_profile(const NetworkGrants *grants, const char *name,
                    const char *file, const Profile *profile, bool trusted,
                    GError **error)
{
    if (profile->mode != MODE_NONE && (guint32)profile->mode != grants->mode) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "profile '%s' wants mode '%s', network '%s' is %s: "
                         "name another network, or leave \"mode\" out",
                         profile->file, mode_name(profile->mode), name,
                         mode_name((Mode)grants->mode));
    }
    if (profile->has_address && !grants->has_subnet) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "profile '%s' fixes an address, and network '%s' "
                         "has no subnet: leave \"address\" out",
                         profile->file, name);
    }
    if (profile->has_address && !trusted && !grants->address) {
        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' fixes an address, which network '%s' "
                         "does not grant: leave \"address\" out, or ask for "
                         "\"grants\": { \"address\": true } in '%s'",
                         profile->file, name, file);
    }
    if (profile->has_mac && !trusted && !grants->mac) {
        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' fixes a MAC, which network '%s' does "
                         "not grant: leave \"mac\" out, or ask for "
                         "\"grants\": { \"mac\": true } in '%s'",
                         profile->file, name, file);
    }
    return true;
}

static char *describe_entry(const NetworkAllow *allow)
{
    switch (allow->kind) {
    case NETWORK_ALLOW_USER:
        return g_strdup_printf("user %s", allow->name);
    case NETWORK_ALLOW_GROUP:
        return g_strdup_printf("group %s", allow->name);
    case NETWORK_ALLOW_CAN_OPEN:
        return g_strdup_printf("whoever can open %s", allow->name);
    case NETWORK_ALLOW_EVERYONE:
        return g_strdup("everyone");
    }
    return g_strdup("nobody");
}

char *permit_describe(const Network *network)
{
    GString *text = g_string_new(network->allow->len ? "" : "nobody but root");

    for (guint i = 0; i < network->allow->len; i++) {
        g_autofree char *entry = describe_entry(network->allow->pdata[i]);

        g_string_append_printf(text, "%s%s", i ? ", " : "", entry);
    }
    return g_string_free(text, FALSE);
}
