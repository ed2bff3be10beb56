/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/forwarding.h"

#include "base/fd.h"
#include "helper/former.h"
#include "helper/forwarding_conflict.h"
#include "plan/forward_make.h"
#include "pool/forwards.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * The list of forwards is what should be; the firewall's maps are made from it.
 * Two rules keep a forward from outliving its port, whoever is killed when:
 *
 *  - a record is written before its elements are put into the firewall, and
 *    taken from the list after they are gone from there: an element without a
 *    record would never be swept;
 *  - both under the list's lock, or by those who hold it while they make the
 *    firewall anew; so nobody acts on a list that has changed. Only the port's
 *    own elements are added without it, its record being there.
 *
 * Whoever holds the lock of the run directory may take this one, and not the
 * other way round.
 */

#define FORWARDS_FILE "forwards"

/* A holder is done in milliseconds, 16 of them if something is stale. */
#define LOCK_WAIT_MS 1000

/* As for a slot (claim.c): a VM that was killed is gone within that. */
#define GOING_AWAY_MS 250

/* Opens it if there is anything in it: most hosts have no forwards, and their
 * starts pay one call for that. */
static int find_list(const Site *site)
{
    int run_fd = site->places.run_fd;
    struct stat status;

    if (fstatat(run_fd, FORWARDS_FILE, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        status.st_size == 0) {
        return -1;
    }
    return openat(run_fd, FORWARDS_FILE,
                  O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

static bool open_list(const Site *site, int *ret_fd, GError **error)
{
    autofd fd = places_open_file(site->places.run_fd, FORWARDS_FILE);
    int saved_errno = errno;

    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open the list of forwards");
    }
    if (!places_lock(fd, LOCK_WAIT_MS)) {
        return error_set(error, TAPSTER_ERROR_BUSY,
                         "another start changes the list of forwards and does "
                         "not get done: see what holds '" FORWARDS_FILE
                         "' in the run directory");
    }
    *ret_fd = fd_steal(&fd);
    return true;
}

static bool is_tap(const Forward *forward, const Ifname *tap)
{
    return strcmp(forward->tap.name, tap->name) == 0;
}

/* Moves to @stale what belonged to @claim's slot before. */
static void take_former(const Claim *claim, GArray *forwards, GArray *stale)
{
    for (guint i = forwards->len; i > 0; i--) {
        const Forward forward = g_array_index(forwards, Forward, i - 1);

        if (is_tap(&forward, &claim->tap) &&
            forward.ifindex != claim->tap_ifindex) {
            g_array_append_val(stale, forward);
            g_array_remove_index_fast(forwards, i - 1);
        }
    }
}

static GArray *make_records(const ForwardingWish *wish)
{
    GArray *records = g_array_new(FALSE, TRUE, sizeof(Forward));
    const ForwardHolder holder = {
        .slot = wish->claim->slot,
        .tap_ifindex = wish->claim->tap_ifindex,
        .uid = wish->caller->uid,
        .name = wish->claim->name,
    };

    for (guint i = 0; wish->profile && i < wish->profile->forwards->len; i++) {
        forward_make(&g_array_index(wish->profile->forwards, ProfileForward, i),
                     wish->segment, &holder, wish->from, records);
    }
    return records;
}

/* Connections by forwards that are gone, once for each tap: they stand together. */
static bool forget_connections(const Site *site, const GArray *stale,
                               GError **error)
{
    const Forward *last = NULL;

    for (guint i = 0; i < stale->len; i++) {
        const Forward *forward = &g_array_index(stale, Forward, i);

        if ((!last || !is_tap(forward, &last->tap)) &&
            !former_forget_tap(site, &forward->tap, error)) {
            return false;
        }
        last = forward;
    }
    return true;
}

/* Takes @stale out of the firewall and then, with what was added, writes the
 * list. */
static bool settle(const Site *site, int fd, const GArray *forwards,
                   const GArray *stale, guint32 *generation, GError **error)
{
    return (stale->len == 0 ||
            (firewall_sweep_forwards(site->sockets.netfilter, stale, generation,
                                     error) &&
             forget_connections(site, stale, error))) &&
           forwards_save(fd, forwards, error);
}

static bool take(const Site *site, const ForwardingWish *wish,
                 const GArray *wanted, guint32 *generation, GError **error)
{
    g_autoptr(GArray) forwards = NULL;
    g_autoptr(GArray) stale = g_array_new(FALSE, TRUE, sizeof(Forward));
    autofd fd = -1;

    if (!open_list(site, &fd, error)) {
        return false;
    }
    forwards = forwards_load(fd);
    take_former(wish->claim, forwards, stale);
    if (!forwarding_clear_way(site, wish, wanted, forwards, stale, error)) {
        return false;
    }
    g_array_append_vals(forwards, wanted->data, wanted->len);
    return settle(site, fd, forwards, stale, generation, error);
}

/* For a start without forwards. One that cannot get the lock leaves the records,
 * which nobody takes for live, but not what the firewall has: nobody else can
 * have anything there that leads to this slot. */
static bool sweep_former(const Site *site, const Claim *claim,
                         guint32 *generation, GError **error)
{
    g_autoptr(GArray) stale = g_array_new(FALSE, TRUE, sizeof(Forward));
    g_autoptr(GArray) forwards = NULL;
    autofd fd = find_list(site);
    bool locked;

    if (forwards_is_empty(fd)) {
        return true;
    }
    forwards = forwards_load(fd);
    take_former(claim, forwards, stale);
    /* A list that could not be read is in the middle of a change. */
    if (stale->len == 0 && forwards->len > 0) {
        return true;
    }
    locked = places_lock(fd, LOCK_WAIT_MS);
    g_array_unref(forwards);
    forwards = forwards_load(fd);
    g_array_set_size(stale, 0);
    take_former(claim, forwards, stale);
    if (stale->len == 0) {
        return true;
    }
    return locked ? settle(site, fd, forwards, stale, generation, error)
                  : firewall_sweep_forwards(site->sockets.netfilter, stale,
                                            generation, error);
}

/* The VM that has the port may be one that was just ended, to make room. */
static bool take_soon(const Site *site, const ForwardingWish *wish,
                      const GArray *wanted, guint32 *generation, GError **error)
{
    const struct timespec pause = {0, 5000000};
    gint64 until_us = g_get_monotonic_time() + GOING_AWAY_MS * 1000;

    for (;;) {
        g_autoptr(GError) refused = NULL;

        if (take(site, wish, wanted, generation, &refused)) {
            return true;
        }
        if (!g_error_matches(refused, TAPSTER_ERROR, TAPSTER_ERROR_BUSY) ||
            g_get_monotonic_time() >= until_us) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
}

bool forwarding_take(const Site *site, const ForwardingWish *wish,
                     guint32 *generation, GArray **ret_forwards,
                     GError **error)
{
    g_autoptr(GArray) wanted = make_records(wish);

    if (!(wanted->len > 0
              ? take_soon(site, wish, wanted, generation, error)
              : sweep_former(site, wish->claim, generation, error))) {
        return false;
    }
    *ret_forwards = g_steal_pointer(&wanted);
    return true;
}

/* Moves to @stale all of @tap's that @dead says are, or of any tap's. */
static void take_dead(const Site *site, const Ifname *tap, GArray *forwards,
                      GArray *stale)
{
    for (guint i = forwards->len; i > 0; i--) {
        const Forward forward = g_array_index(forwards, Forward, i - 1);

        if ((!tap || is_tap(&forward, tap)) &&
            !site_tap_lives(site, forward.tap.name, forward.ifindex)) {
            g_array_append_val(stale, forward);
            g_array_remove_index_fast(forwards, i - 1);
        }
    }
}

void forwarding_give_back(const Site *site, const Claim *claim)
{
    g_autoptr(GArray) own = g_array_new(FALSE, TRUE, sizeof(Forward));
    g_autoptr(GArray) forwards = NULL;
    autofd fd = find_list(site);
    guint32 generation = 0;

    if (forwards_is_empty(fd) || !places_lock(fd, LOCK_WAIT_MS)) {
        return; /* the tap goes, and the next who comes by sweeps them */
    }
    forwards = forwards_load(fd);
    for (guint i = forwards->len; i > 0; i--) {
        const Forward forward = g_array_index(forwards, Forward, i - 1);

        if (is_tap(&forward, &claim->tap) &&
            forward.ifindex == claim->tap_ifindex) {
            g_array_append_val(own, forward);
            g_array_remove_index_fast(forwards, i - 1);
        }
    }
    if (own->len > 0 && !settle(site, fd, forwards, own, &generation, NULL)) {
        return;
    }
}

bool forwarding_hold(const Site *site, FirewallWish *wish, int *ret_lock_fd,
                     GError **error)
{
    autofd fd = places_open_file(site->places.run_fd, FORWARDS_FILE);
    int saved_errno = errno;
    g_autoptr(GArray) stale = NULL;
    Site asked = *site;
    bool locked;

    if (fd < 0) {
        return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                               "open the list of forwards");
    }
    locked = places_lock(fd, LOCK_WAIT_MS);
    wish->forwards = forwards_load(fd);
    forwards_split(wish->forwards, site_forward_lives, &asked, &stale);
    /* Their elements are there for some milliseconds yet. A connection that comes
     * back meanwhile is no reason for the network not to be made. */
    (void)!forget_connections(site, stale, NULL);
    *ret_lock_fd = locked ? fd_steal(&fd) : -1;
    return true;
}

void forwarding_release(const FirewallWish *wish, int *lock_fd)
{
    if (!forwards_is_empty(*lock_fd) &&
        !forwards_save(*lock_fd, wish->forwards, NULL)) {
        /* What is too much in the list is swept by the next who comes by. */
    }
    fd_cleanup(lock_fd);
    *lock_fd = -1;
}

bool forwarding_sweep(const Site *site, const Ifname *tap, guint32 *generation,
                      GError **error)
{
    g_autoptr(GArray) stale = g_array_new(FALSE, TRUE, sizeof(Forward));
    g_autoptr(GArray) forwards = NULL;
    autofd look_fd = find_list(site);
    autofd fd = -1;

    if (forwards_is_empty(look_fd)) {
        return true;
    }
    if (!open_list(site, &fd, error)) {
        return false;
    }
    forwards = forwards_load(fd);
    take_dead(site, tap, forwards, stale);
    return stale->len == 0 ||
           settle(site, fd, forwards, stale, generation, error);
}
