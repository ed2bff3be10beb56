/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/resolve.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

/*
 * Names to numbers. The first question to the name service costs more than the
 * rest of a warm start's decisions together, so this is done when a network is
 * made and the numbers are kept in the registry.
 */

/* Groups with thousands of members have long entries. */
#define BUFFER_FIRST 4096
#define BUFFER_MAX   (4u << 20)

typedef int (*Ask)(const char *name, char *buffer, gsize size, guint32 *ret_id);

static int ask_user(const char *name, char *buffer, gsize size, guint32 *ret_id)
{
    struct passwd entry;
    struct passwd *found = NULL;
    int result = getpwnam_r(name, &entry, buffer, size, &found);

    if (found) {
        *ret_id = found->pw_uid;
        return 0;
    }
    return result ? result : ENOENT;
}

static int ask_group(const char *name, char *buffer, gsize size, guint32 *ret_id)
{
    struct group entry;
    struct group *found = NULL;
    int result = getgrnam_r(name, &entry, buffer, size, &found);

    if (found) {
        *ret_id = found->gr_gid;
        return 0;
    }
    return result ? result : ENOENT;
}

static bool find_id(Ask ask, const char *name, guint32 *ret_id)
{
    for (gsize size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 4) {
        g_autofree char *buffer = g_malloc(size);
        int result = ask(name, buffer, size, ret_id);

        if (result != ERANGE) {
            return result == 0;
        }
    }
    return false;
}

bool resolve_find_user(const char *name, guint32 *ret_uid)
{
    return find_id(ask_user, name, ret_uid);
}

static AllowId resolve_entry(const NetworkAllow *allow, NetworkGrants *grants)
{
    AllowId entry = {ALLOW_NOBODY, 0, allow->max_ports};

    switch (allow->kind) {
    case NETWORK_ALLOW_USER:
        if (find_id(ask_user, allow->name, &entry.id)) {
            entry.kind = ALLOW_UID;
        }
        break;
    case NETWORK_ALLOW_GROUP:
        if (find_id(ask_group, allow->name, &entry.id)) {
            entry.kind = ALLOW_GID;
        }
        break;
    case NETWORK_ALLOW_EVERYONE:
        entry.kind = ALLOW_EVERYONE;
        break;
    case NETWORK_ALLOW_CAN_OPEN:
        /* config has checked that number and lengths fit */
        if (grants->n_can_open < NETWORK_OPEN_MAX) {
            entry.kind = ALLOW_CAN_OPEN;
            entry.id = grants->n_can_open++;
            g_strlcpy(grants->can_open[entry.id], allow->name, NETWORK_OPEN_SIZE);
        }
        break;
    }
    return entry;
}

void resolve_grants(const Network *network, NetworkGrants *ret_grants)
{
    NetworkGrants grants = {
        .mode = network->mode,
        .has_subnet = network->has_subnet,
        .address = network->grant_address,
        .mac = network->grant_mac,
        .forwards = network->grant_forwards,
        .forwards_first = network->grant_first,
        .forwards_last = network->grant_last,
        .n_reservations = network->reservations->len,
    };

    for (guint i = 0; i < MIN(network->allow->len, NETWORK_ALLOW_MAX); i++) {
        grants.allow[grants.n_allow++] =
            resolve_entry(network->allow->pdata[i], &grants);
    }
    *ret_grants = grants;
}

guint64 resolve_can_open(const NetworkGrants *grants)
{
    guint64 opened = 0;

    for (guint i = 0; i < grants->n_can_open; i++) {
        /* access() asks for the real ids, which is what it was made for, and
         * does not open a device that would notice. */
        if (access(grants->can_open[i], R_OK | W_OK) == 0) {
            opened |= 1ull << i;
        }
    }
    return opened;
}

char *resolve_user_name(uid_t uid)
{
    char buffer[BUFFER_FIRST];
    struct passwd entry;
    struct passwd *found = NULL;

    return getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found
               ? g_strdup(found->pw_name)
               : g_strdup_printf("uid %u", uid);
}

char *resolve_describe_user(uid_t uid)
{
    g_autofree char *name = resolve_user_name(uid);

    return g_str_has_prefix(name, "uid ")
               ? g_steal_pointer(&name)
               : g_strdup_printf("%s (uid %u)", name, uid);
}
