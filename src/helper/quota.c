/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/quota.h"

#include "helper/owners.h"
#include "kernel/observe.h"
#include "kernel/tap.h"
#include "policy/permit.h"
#include "pool/slots.h"

/*
 * Counting a caller's ports, from the kernel: only taps that exist count, and
 * every one does. Files say where to look: the store which slots are the
 * caller's, the owners' file whose a tap is, because the kernel's word for that
 * can be changed by whoever holds the tap.
 */

bool quota_find_owner(const Quota *quota, guint32 slot, const FactsLink *tap,
                      uid_t *ret_uid)
{
    if (owners_find(quota->owners_fd, slot, tap->ifindex, ret_uid)) {
        return true;
    }
    *ret_uid = tap->owner;
    return tap->has_owner;
}

/* Every live tap of the network, for a store that was lost or cannot be used.
 * By name: a tap that is being made has no group yet. */
static bool adopt_live(const Quota *quota, bool adopt, guint *ret_own,
                       GError **error)
{
    g_autoptr(GArray) taps = NULL;

    if (!observe_taps(quota->route, 0, &taps, error)) {
        return false;
    }
    *ret_own = 0;
    for (guint i = 0; i < taps->len; i++) {
        const FactsLink *tap = &g_array_index(taps, FactsLink, i);
        guint32 slot;
        uid_t uid;

        if (!slots_parse_tap_name(quota->segment, tap->name.name, &slot) ||
            !quota_find_owner(quota, slot, tap, &uid)) {
            continue;
        }
        if (adopt) {
            store_adopt(quota->store, slot, uid);
        }
        *ret_own += uid == quota->uid;
    }
    return true;
}

/* Counts the caller's live ports here by asking for each slot that the store
 * says is theirs: the price depends on their quota, not on the host's links.
 * As soon as those that are left cannot fill the quota, asking ends; a slot that
 * was not asked for may be live, so that it is not forgotten. */
static guint count_own(const Quota *quota)
{
    g_autoptr(GArray) slots = store_own_slots(quota->store);
    guint count = 0;

    for (guint i = 0; i < slots->len; i++) {
        guint32 slot = g_array_index(slots, guint32, i);
        Ifname tap = slots_tap_name(quota->segment, slot);

        if (count + slots->len - i < quota->max_ports) {
            store_spare(quota->store, slot);
        } else if (tap_exists(netlink_fd(quota->route), &tap, NULL)) {
            store_mark_live(quota->store, slot);
            count++;
        }
    }
    return count;
}

static bool refuse_quota(guint count, GError **error)
{
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "you have %u ports, which is all that it grants you "
                     "(\"max_ports\"): end a VM first",
                     count);
}

bool quota_check(const Quota *quota, bool memory, bool lost, GError **error)
{
    guint count = 0;

    if ((!memory || lost) && !adopt_live(quota, memory, &count, error)) {
        return false;
    }
    if (quota->max_ports == PERMIT_UNLIMITED) {
        return true;
    }
    count = memory ? count_own(quota) : count;
    return count < quota->max_ports || refuse_quota(count, error);
}

bool quota_check_again(const Quota *quota, GError **error)
{
    guint count = 0;

    return quota->max_ports == PERMIT_UNLIMITED ||
           (adopt_live(quota, false, &count, error) &&
            (count <= quota->max_ports || refuse_quota(count - 1, error)));
}
