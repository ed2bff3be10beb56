/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/claim.h"

#include "base/fd.h"
#include "helper/claim_refuse.h"
#include "helper/owners.h"
#include "helper/quota.h"
#include "helper/reserve.h"
#include "kernel/link.h"
#include "kernel/observe.h"
#include "kernel/tap.h"
#include "pool/choice.h"
#include "pool/reservations.h"
#include "pool/slots.h"
#include "pool/store.h"
#include "services/services_leases.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * A slot is taken if its tap exists; so making the tap, which the kernel
 * grants to one process only, takes the slot. Everything that files say is a
 * hint about where to try first.
 *
 * Taps outlive their VM in two ways. A process that was killed is still on
 * its way out: that is waited for, briefly, where the name has this one slot
 * and no other. And whoever holds a tap's descriptor may have made it
 * persistent: without a carrier nobody is attached to it, and it is reaped by
 * the index that the same look at it gave, when its slot is wanted.
 */

/* The kernel frees a closed tap's name within 16 ms (an RCU grace period); a
 * killed QEMU takes some more to unmap its guest's memory. */
#define GOING_AWAY_MS 250

/* A holder is done within a millisecond, unless somebody froze it. */
#define LOCK_WAIT_MS 500

/* A second start of a running profile is NAME-2, then NAME-3 ... */
#define COPIES_MAX 99

#define LEASES_DIRECTORY "leases"

/* Names of a uid without a quota that are remembered. */
#define UNLIMITED_ENTRIES 512

void claim_clear(Claim *claim)
{
    if (claim->tap_fd > 0) {
        close(claim->tap_fd);
    }
    g_free(claim->name);
    g_free(claim->hostname);
    *claim = (Claim){0};
}

/* What the loop works with. */
typedef struct {
    const Segment *segment;
    const GArray *reservations; /* Reservation; NULL without any */
    const GByteArray *leased;   /* by slot: another guest has its address, by
                                 * DHCP; NULL without any */
    bool is_new;
    const Site *site;
    const ClaimWish *wish;
    Quota quota; /* its store is the one that slots are chosen from */
    int tun_fd; /* /dev/net/tun, becomes the tap */
    bool may_wait;   /* for a slot that has to be this one */
    bool going_away; /* an attempt gave up without an error, to wait for it */
} Claimer;

/* Opens the network's leases and the caller's; -1 where that cannot be. */
static void open_leases(const Places *places, const Segment *segment, uid_t uid,
                        int *ret_slots_fd, int *ret_user_fd)
{
    g_autofree char *slots =
        g_strdup_printf(LEASES_DIRECTORY "/%s", segment->name);
    g_autofree char *user =
        g_strdup_printf(LEASES_DIRECTORY "/%s.%u", segment->name, uid);

    *ret_slots_fd = places_open_file(places->state_fd, slots);
    /* EEXIST: another start was quicker. */
    if (*ret_slots_fd < 0 && errno == ENOENT &&
        (mkdirat(places->state_fd, LEASES_DIRECTORY, 0700) == 0 ||
         errno == EEXIST)) {
        *ret_slots_fd = places_open_file(places->state_fd, slots);
    }
    *ret_user_fd =
        *ret_slots_fd < 0 ? -1 : places_open_file(places->state_fd, user);
}

static bool claim_tap(const Claimer *claimer, const Ifname *tap,
                      TapResult *ret_result, GError **error)
{
    return tap_claim(claimer->tun_fd, tap, claimer->wish->vnet_hdr,
                     claimer->wish->caller->uid, ret_result, error);
}

static bool is_leased(const Claimer *claimer, guint32 slot)
{
    return claimer->leased && claimer->leased->data[slot];
}

/* Tries one slot. A persistent tap that nobody is attached to does not keep
 * it. */
static bool try_slot(const Claimer *claimer, guint32 slot, bool *ret_claimed,
                     GError **error)
{
    Ifname tap = slots_tap_name(claimer->segment, slot);
    TapResult result;
    FactsLink link;
    bool exists = false;

    if (is_leased(claimer, slot)) {
        *ret_claimed = false;
        return true;
    }
    if (!claim_tap(claimer, &tap, &result, error)) {
        return false;
    }
    if (result == TAP_TAKEN) {
        if (!observe_link(claimer->site->sockets.route, &tap, &exists, &link,
                          error)) {
            return false;
        }
        /* The group is set before a tap is handed over, and only by us: what has
         * another one was made by somebody else who likes our names. */
        if (exists && link.persistent && !link.carrier &&
            link.kind == LINK_TAP && link.group == claimer->segment->group &&
            (!link_delete(claimer->site->sockets.route, link.ifindex, error) ||
             !claim_tap(claimer, &tap, &result, error))) {
            return false;
        }
    }
    *ret_claimed = result == TAP_CLAIMED;
    return true;
}

/* Tries a slot that has to be this one. False without an error: to be waited
 * for, by claim_slot(), which lets go of the lock meanwhile. */
static bool insist_on_slot(Claimer *claimer, guint32 slot, bool *ret_claimed,
                           GError **error)
{
    if (!try_slot(claimer, slot, ret_claimed, error)) {
        return false;
    }
    claimer->going_away = !*ret_claimed && claimer->may_wait;
    return !claimer->going_away;
}

/* True if the profile's VM runs, on another slot than @fixed: as it was before its
 * address was fixed. */
static bool runs_elsewhere(const Claimer *claimer, guint32 fixed)
{
    guint32 slot;

    if (!store_find_name(claimer->quota.store, claimer->wish->profile->name,
                         &slot) ||
        slot == fixed) {
        return false;
    }
    Ifname tap = slots_tap_name(claimer->segment, slot);

    return tap_exists(netlink_fd(claimer->site->sockets.route), &tap, NULL);
}

static bool claim_fixed(Claimer *claimer, guint32 *ret_slot, GError **error)
{
    const Profile *profile = claimer->wish->profile;
    const Reservation *reservation;
    bool claimed = false;

    if (!slots_find_address(claimer->segment, profile->address, ret_slot) ||
        !slots_usable(claimer->segment, *ret_slot)) {
        return claim_refuse_outside(claimer->segment, profile, error);
    }
    reservation = reservations_forbid(claimer->reservations, claimer->segment,
                                      claimer->wish->caller->uid, profile->name,
                                      *ret_slot);
    if (reservation) {
        return claim_refuse_reserved(&claimer->quota, profile, reservation,
                                     error);
    }
    if (runs_elsewhere(claimer, *ret_slot)) {
        claimer->going_away = claimer->may_wait;
        return !claimer->going_away && claim_refuse_copy(profile, error);
    }
    if (!insist_on_slot(claimer, *ret_slot, &claimed, error)) {
        return false;
    }
    return claimed ||
           error_set(error, TAPSTER_ERROR_BUSY,
                     "address %s, which profile '%s' fixes, is in use by a "
                     "running VM: end that one, or leave \"address\" out",
                     address_format_ipv4(profile->address).text, profile->file);
}

/* Any slot, in the order that the pool gives. */
static bool claim_any(const Claimer *claimer, const char *name,
                      guint32 *ret_slot, GError **error)
{
    g_autoptr(Choice) choice =
        choice_new(claimer->quota.store, claimer->reservations, name);
    bool claimed = false;
    guint32 slot;

    while (choice_next(choice, &slot)) {
        if (!try_slot(claimer, slot, &claimed, error)) {
            return false;
        }
        if (claimed) {
            *ret_slot = slot;
            return true;
        }
    }
    return claim_refuse_exhausted(&claimer->quota, claimer->reservations, name,
                                  error);
}

/* The name's own slot; while a VM of that name runs, the next copy's. */
static bool claim_named(Claimer *claimer, guint32 *ret_slot, char **ret_name,
                        GError **error)
{
    const Profile *profile = claimer->wish->profile;

    for (guint copy = 1; copy <= COPIES_MAX; copy++) {
        g_autofree char *name =
            copy == 1 ? g_strdup(profile->name)
                      : g_strdup_printf("%s-%u", profile->name, copy);
        bool claimed = false;

        if (!choice_find_own(claimer->quota.store, claimer->reservations, name,
                             ret_slot) ||
            is_leased(claimer, *ret_slot)) {
            *ret_name = g_steal_pointer(&name);
            return claim_any(claimer, *ret_name, ret_slot, error);
        }
        if (!insist_on_slot(claimer, *ret_slot, &claimed, error)) {
            return false;
        }
        if (claimed) {
            *ret_name = g_steal_pointer(&name);
            return true;
        }
        if (profile->has_mac || profile->forwards->len > 0) {
            return claim_refuse_copy(profile, error);
        }
    }
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "%u VMs of profile '%s' are running", COPIES_MAX,
                     profile->file);
}

static bool choose(Claimer *claimer, guint32 *ret_slot, char **ret_name,
                   GError **error)
{
    const Profile *profile = claimer->wish->profile;

    if (profile && profile->has_address) {
        *ret_name = g_strdup(profile->name);
        return claim_fixed(claimer, ret_slot, error);
    }
    if (profile) {
        return claim_named(claimer, ret_slot, ret_name, error);
    }
    *ret_name = g_strdup("");
    return claim_any(claimer, "", ret_slot, error);
}

/* "web" for the first, "web-2" for the copy, on the profile's own host name, cut
 * if it is as long as one may be. */
static char *make_hostname(const Profile *profile, const char *name)
{
    if (!profile) {
        return g_strdup("");
    }
    const char *suffix = name + strlen(profile->name);
    int room = REGISTRY_HOSTNAME_MAX - (int)strlen(suffix);

    return g_strdup_printf("%.*s%s", room, profile->hostname, suffix);
}

static bool run(Claimer *claimer, bool memory, bool lost, Claim *ret_claim,
                GError **error)
{
    g_auto(Claim) claim = {0};

    if (!quota_check(&claimer->quota, memory, lost, error) ||
        !choose(claimer, &claim.slot, &claim.name, error)) {
        return false;
    }
    claim.tap = slots_tap_name(claimer->segment, claim.slot);
    if (!tap_exists(netlink_fd(claimer->site->sockets.route), &claim.tap,
                    &claim.tap_ifindex)) {
        return error_set(error, TAPSTER_ERROR_KERNEL,
                         "tap %s was taken away while it was set up",
                         claim.tap.name);
    }
    if (!owners_put(claimer->quota.owners_fd, claim.slot, claim.tap_ifindex,
                    claimer->quota.uid, error) ||
        (!memory && !quota_check_again(&claimer->quota, error))) {
        return false;
    }
    claim.hostname = make_hostname(claimer->wish->profile, claim.name);
    claim.new_holder =
        !memory || store_is_new_holder(claimer->quota.store, claim.slot, claim.name);
    store_remember(claimer->quota.store, claim.slot, claim.name);
    claim.tap_fd = fd_steal(&claimer->tun_fd);
    *ret_claim = claim;
    claim = (Claim){0};
    return true;
}

/* All that the lock of the leases is held for. */
static bool attempt(Claimer *claimer, Claim *ret_claim, GError **error)
{
    const ClaimWish *wish = claimer->wish;
    autofd slots_fd = -1;
    autofd user_fd = -1;
    g_autoptr(Store) store = NULL;
    guint max_entries = wish->max_ports == PERMIT_UNLIMITED
                            ? UNLIMITED_ENTRIES
                            : 2 * wish->max_ports;
    bool lost = false;

    open_leases(&claimer->site->places, claimer->segment, wish->caller->uid, &slots_fd, &user_fd);

    bool memory =
        slots_fd >= 0 && user_fd >= 0 && places_lock(slots_fd, LOCK_WAIT_MS);

    if (!store_new(claimer->segment, slots_fd, user_fd, wish->caller->uid,
                   max_entries, g_get_real_time() / G_USEC_PER_SEC, memory,
                   &store, &lost, error)) {
        return false;
    }
    if (lost && claimer->is_new) {
        store_vouch(store);
    }
    claimer->quota.store = store;
    return run(claimer, memory, lost, ret_claim, error);
}

bool claim_slot(const RegistryNetwork *record, bool is_new, int *tun_fd,
                const Site *site, const ClaimWish *wish, Claim *ret_claim,
                GError **error)
{
    const struct timespec pause = {0, 2000000};
    gint64 until_us = g_get_monotonic_time() + GOING_AWAY_MS * 1000;
    const Segment *segment = &record->segment;
    autofd owners_fd = owners_open(site->places.run_fd, segment);
    g_autoptr(GArray) reservations = NULL;
    g_autoptr(GByteArray) leased = NULL;
    Claimer claimer = {
        .segment = segment,
        .is_new = is_new,
        .site = site,
        .wish = wish,
        .tun_fd = *tun_fd,
        .quota = {
            .segment = segment,
            .route = site->sockets.route,
            .owners_fd = owners_fd,
            .uid = wish->caller->uid,
            .max_ports = wish->max_ports,
        },
    };
    bool done;

    if (!reserve_load(site->places.run_fd, segment->name,
                      record->grants.n_reservations, &reservations, error)) {
        return false;
    }
    claimer.reservations = reservations;
    if (segment->kind == SEGMENT_SHARED && wish->profile && wish->profile->has_mac) {
        leased = services_leases_load(site->places.run_fd, segment, &wish->profile->mac);
        claimer.leased = leased;
    }
    for (;;) {
        claimer.may_wait = g_get_monotonic_time() < until_us;
        claimer.going_away = false;
        done = attempt(&claimer, ret_claim, error);
        if (!claimer.going_away) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    *tun_fd = claimer.tun_fd;
    return done;
}
