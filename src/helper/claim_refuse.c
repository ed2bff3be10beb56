/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/claim_refuse.h"

#include "helper/resolve.h"
#include "kernel/observe.h"
#include "pool/slots.h"

/*
 * A pool that is used up costs a dump and a read of every record, and nothing
 * is quick about it; but who reads the message wants to know what to end.
 */

typedef struct {
    uid_t uid;
    guint ports;
} User;

static gint compare_users(gconstpointer a, gconstpointer b)
{
    return ((const User *)a)->ports > ((const User *)b)->ports ? -1 : 1;
}

static void count_user(GArray *users, uid_t uid)
{
    const User user = {uid, 1};

    for (guint i = 0; i < users->len; i++) {
        if (g_array_index(users, User, i).uid == uid) {
            g_array_index(users, User, i).ports++;
            return;
        }
    }
    g_array_append_val(users, user);
}

/* "alice 12, bob 3" */
static char *describe_users(GArray *users)
{
    GString *text = g_string_new(NULL);

    g_array_sort(users, compare_users);
    for (guint i = 0; i < users->len; i++) {
        const User *user = &g_array_index(users, User, i);
        g_autofree char *name = resolve_user_name(user->uid);

        g_string_append_printf(text, "%s%s %u", i ? ", " : "", name,
                               user->ports);
    }
    return g_string_free(text, FALSE);
}

/* " (237 ports are live: alice 200, bob 37; 2 are reserved ...)" */
static char *describe_taken(const Quota *quota, const ChoiceCount *count,
                            guint live, GArray *users)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, " (%u %s live", live,
                           live == 1 ? "port is" : "ports are");
    if (quota->uid == 0 && live > 0) {
        g_autofree char *whose = describe_users(users);

        g_string_append_printf(text, ": %s", whose);
    }
    if (count->reserved) {
        g_string_append_printf(text, "; %u reserved for certain VMs",
                               count->reserved);
    }
    if (count->kept) {
        g_string_append_printf(text, "; %u kept for other users' names, live or "
                                     "not", count->kept);
    }
    g_string_append_c(text, ')');
    return g_string_free(text, FALSE);
}

bool claim_refuse_exhausted(const Quota *quota, const GArray *reservations,
                            const char *name, GError **error)
{
    ChoiceCount count = choice_count(quota->store, reservations, name);
    g_autoptr(GArray) users = g_array_new(FALSE, TRUE, sizeof(User));
    g_autoptr(GArray) taps = NULL;
    g_autofree char *taken = NULL;
    guint live = 0;

    if (!observe_taps(quota->route, 0, &taps, error)) {
        return false;
    }
    for (guint i = 0; i < taps->len; i++) {
        const FactsLink *tap = &g_array_index(taps, FactsLink, i);
        guint32 slot;
        uid_t uid;

        if (slots_parse_tap_name(quota->segment, tap->name.name, &slot)) {
            live++;
            if (quota_find_owner(quota, slot, tap, &uid)) {
                count_user(users, uid);
            }
        }
    }
    taken = describe_taken(quota, &count, live, users);
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "no slot of its %u is free%s: end a VM, or give it a larger "
                     "\"subnet\" and \"pool\"", count.usable, taken);
}

bool claim_refuse_reserved(const Quota *quota, const Profile *profile,
                           const Reservation *reservation, GError **error)
{
    AddressText address = address_format_ipv4(profile->address);
    g_autofree char *user = reservation->kind == ALLOW_UID
                                ? resolve_user_name(reservation->uid)
                                : g_strdup("a user who is not known here");

    if (quota->uid == 0) {
        return error_set(error, TAPSTER_ERROR_DENIED,
                         "profile '%s' fixes %s, which its \"reservations\" "
                         "keep for '%s' of %s: leave \"address\" out, or "
                         "change the reservation", profile->file, address.text,
                         reservation->name, user);
    }
    return error_set(error, TAPSTER_ERROR_DENIED,
                     "profile '%s' fixes %s, which is reserved for another VM: "
                     "leave \"address\" out, or ask for a reservation of your "
                     "own", profile->file, address.text);
}

bool claim_refuse_outside(const Segment *segment, const Profile *profile,
                          GError **error)
{
    guint32 first = slots_address(segment, 0);
    guint32 last = slots_address(segment, slots_count(segment) - 1);

    return error_set(error, TAPSTER_ERROR_CONFIG,
                     "profile '%s' fixes %s, which is not in its pool, "
                     "%s to %s",
                     profile->file, address_format_ipv4(profile->address).text,
                     address_format_ipv4(first).text,
                     address_format_ipv4(last).text);
}

bool claim_refuse_copy(const Profile *profile, GError **error)
{
    const char *fixed = profile->has_address ? "an address"
                        : profile->has_mac   ? "a MAC"
                                             : "forwards";
    const char *key = profile->has_address ? "address"
                      : profile->has_mac   ? "mac"
                                           : "forwards";

    return error_set(error, TAPSTER_ERROR_BUSY,
                     "a VM of profile '%s' is running, and it fixes %s: end "
                     "that one, or leave \"%s\" out",
                     profile->file, fixed, key);
}
