/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/tap.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_tun.h>

/*
 * Making a tap. Its name is the claim on a slot: the kernel makes it or
 * says that it exists, and takes it back when the last descriptor closes.
 *
 * Invariant: a tap made here has an owner before the function returns. Until
 * TUNSETOWNER it has none, which lets anybody attach another queue to a
 * multi-queue tap; this one has a single queue and that queue is taken (Linux
 * drivers/net/tun.c, tun_attach()), so there is no moment to slip in.
 *
 * Choosing the name is the pool's work; addresses and flags are apply.c's.
 */

#define TUN_NODE "/dev/net/tun"

bool tap_open(int *ret_fd, GError **error)
{
    int fd = open(TUN_NODE, O_RDWR | O_CLOEXEC | O_NOCTTY);
    int saved_errno = fd < 0 ? errno : 0;

    if (fd >= 0) {
        *ret_fd = fd;
        return true;
    }
    if (saved_errno == ENOENT || saved_errno == ENODEV ||
        saved_errno == ENXIO) {
        return error_set(error, TAPSTER_ERROR_UNSUPPORTED,
                         TUN_NODE ": %s; load the driver with: modprobe tun",
                         strerror(saved_errno));
    }
    return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "opening " TUN_NODE);
}

bool tap_claim(int fd, const Ifname *name, bool vnet_hdr, uid_t owner,
               TapResult *ret_result, GError **error)
{
    struct ifreq request = { 0 };
    int flags = IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL |
                (vnet_hdr ? IFF_VNET_HDR : 0);

    memcpy(request.ifr_name, name->name, sizeof(request.ifr_name));
    /* IFF_TUN_EXCL is the sign bit of a short. */
    request.ifr_flags = (short)flags;
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int saved_errno = errno;

        /* EEXIST: the name is an alternative name of another link. */
        if (saved_errno == EBUSY || saved_errno == EEXIST) {
            *ret_result = TAP_TAKEN;
            return true;
        }
        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "making tap %s", name->name);
    }
    /* Owner only: with a group as well both would have to match (Linux
     * drivers/net/tun.c, tun_not_capable()). */
    if (ioctl(fd, TUNSETOWNER, (unsigned long)owner) < 0) {
        int saved_errno = errno;

        return error_set_errno(error, TAPSTER_ERROR_KERNEL, saved_errno,
                               "setting the owner of tap %s", name->name);
    }
    *ret_result = TAP_CLAIMED;
    return true;
}

bool tap_exists(int socket_fd, const Ifname *name, int *ret_ifindex)
{
    /* Not SIOCGIFINDEX at once: for a name that does not exist it runs
     * modprobe if the caller has CAP_NET_ADMIN (Linux net/core/dev_ioctl.c,
     * dev_load()), a process for every free slot. Binding a socket looks the
     * name up by RCU and says ENODEV first; what comes after, a binding that
     * nobody uses or EPERM for a second one, is all the same
     * (net/core/sock.c, sock_setbindtodevice()). */
    if (setsockopt(socket_fd, SOL_SOCKET, SO_BINDTODEVICE, name->name,
                   (socklen_t)strlen(name->name)) < 0) {
        int saved_errno = errno;

        if (saved_errno != EPERM) {
            return false;
        }
    }
    if (ret_ifindex) {
        struct ifreq request = { 0 };

        memcpy(request.ifr_name, name->name, sizeof(request.ifr_name));
        if (ioctl(socket_fd, SIOCGIFINDEX, &request) < 0) {
            return false;
        }
        *ret_ifindex = request.ifr_ifindex;
    }
    return true;
}
