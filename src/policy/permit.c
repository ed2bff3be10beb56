/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/permit.h"

/*
 * Permission. A network's "allow" list is the whole authority: no entry that
 * matches, no port. What a profile fixes beyond the choice of a network
 * (an address, a MAC, forwards) needs a grant of that network, unless the
 * administrator wrote the profile.
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

ForwardsFrom permit_forwards_from(const NetworkGrants *grants, bool trusted)
{
    ForwardsFrom granted = (ForwardsFrom)grants->forwards;

    return granted == FORWARDS_NONE && trusted ? FORWARDS_FROM_HOST : granted;
}

/* The first host port that is outside @first..@last; 0 if none is. */
static guint32 find_ungranted(const Profile *profile, guint32 first, guint32 last)
{
    for (guint i = 0; i < profile->forwards->len; i++) {
        const ProfileForward *forward = &g_array_index(profile->forwards, ProfileForward, i);
        guint32 end = forward->host_port + (guint32)forward->n_ports - 1;

        if (forward->host_port < first || forward->host_port > last) {
            return forward->host_port;
        }
        if (end > last) {
            return last + 1;
        }
    }
    return 0;
}

/* What "grants" would have to say, so that all host ports of the profile are in
 * it as well as @first..@last. (transfer full) */
static char *describe_grant(const Profile *profile, guint32 first, guint32 last)
{
    for (guint i = 0; i < profile->forwards->len; i++) {
        const ProfileForward *forward = &g_array_index(profile->forwards, ProfileForward, i);

        first = MIN(first, forward->host_port);
        last = MAX(last, forward->host_port + (guint32)forward->n_ports - 1);
    }
    g_autofree char *end = first == last ? g_strdup("") : g_strdup_printf("-%u", last);
    return g_strdup_printf("\"grants\": { \"forwards\": { \"ports\": \"%u%s\" } }", first, end);
}

static bool permit_forwards(const NetworkGrants *grants, const char *name, const char *file,
                            const Profile *profile, bool trusted, GError **error)
{
    guint32 first = grants->forwards_first, last = grants->forwards_last;

    if (profile->forwards->len == 0) {
        return true;
    }
    if (grants->mode != MODE_MASQUERADED) {
        return error_set(error, TAPSTER_ERROR_CONFIG,
                         "profile '%s' has forwards, and network '%s' is %s: leave \"forwards\" "
                         "out, the guest has an address of its own on the LAN",
                         profile->file, name, mode_name((Mode)grants->mode));
    }
    if (trusted) {
        return true;
    }
    if (grants->forwards == FORWARDS_NONE) {
        g_autofree char *grant = describe_grant(profile, G_MAXUINT16, 1);

        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' has forwards, which network '%s' does not grant: leave "
                         "\"forwards\" out, or ask for %s in '%s'",
                         profile->file, name, grant, file);
    }
    guint32 ungranted = find_ungranted(profile, first, last);
    if (ungranted != 0) {
        g_autofree char *grant = describe_grant(profile, first, last);

        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' forwards port %u of this host, and network '%s' grants %u "
                         "to %u: choose another \"host_port\", or ask for %s in '%s'",
                         profile->file, ungranted, name, first, last, grant, file);
    }
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
    return permit_forwards(grants, name, file, profile, trusted, error);
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
