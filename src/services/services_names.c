/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_names.h"

#include "base/fd.h"
#include "services/services_owner.h"
#include "services/services_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Who makes the file of a name has the name: O_EXCL lets one of many win. A file
 * outlives its tap until tapster-dhcp removes it, or until somebody else wants
 * the name; its content says which of the two it is.
 *
 * dnsmasq sees each file when it is closed or moved into place, whole.
 */

#define HOSTS  "hosts"
#define HOSTS6 "hosts6"
#define DHCP   "dhcp"

#define STEADY_S  10 /* an address is kept, however often a guest begins anew */
#define TRIES_MAX 4  /* at one name, while others take it and let it go */

typedef struct {
    char text[SERVICES_OWNER_FILE_MAX];
} Content;

/* The name's number @number: "web", "web-2" ... within a label's length. */
static void make_name(const char *wanted, guint number,
                      char ret_name[SERVICES_HOSTNAME_MAX + 1])
{
    char suffix[8] = "";

    if (number > 1) {
        (void)snprintf(suffix, sizeof(suffix), "-%u", number);
    }
    (void)snprintf(ret_name, SERVICES_HOSTNAME_MAX + 1, "%.*s%s",
                   (int)(SERVICES_HOSTNAME_MAX - strlen(suffix)), wanted, suffix);
}

typedef struct {
    char name[SERVICES_HOSTNAME_MAX + 1];
} FileName;

/* Names that differ by case only are one (RFC 4343), and so are their files. */
static FileName file_name(const char *hostname)
{
    FileName file;

    (void)g_strlcpy(file.name, hostname, sizeof(file.name));
    for (char *c = file.name; *c; c++) {
        *c = g_ascii_tolower(*c);
    }
    return file;
}

static Content host_line(const Segment *segment, const char *address,
                         const char *name, const char *tap, int ifindex,
                         const char *word)
{
    const char *dot = segment->domain[0] ? "." : "";
    const char *space = segment->domain[0] ? " " : "";
    Content content;

    (void)snprintf(content.text, sizeof(content.text),
                   "%s %s%s%s%s%s\n# %s %d%s\n", address, name, dot,
                   segment->domain, space, segment->domain[0] ? name : "", tap,
                   ifindex, word);
    return content;
}

/* Returns: false with errno set; EEXIST if there is one. */
static bool make_file(int directory_fd, const char *path, const Content *content)
{
    gsize size = strlen(content->text);
    autofd fd = services_place_open(
        directory_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, 0644);
    int saved_errno;

    if (fd < 0) {
        return false;
    }
    /* Residents read it as others: the directory is closed to all else. */
    if (write(fd, content->text, size) == (ssize_t)size && fchmod(fd, 0644) == 0) {
        return true;
    }
    saved_errno = errno;
    (void)unlinkat(directory_fd, path, 0);
    errno = saved_errno;
    return false;
}

static int open_part(int run_dir_fd, const char *network, const char *part)
{
    ServicesDnsPath path = services_place_dns(network, part, NULL);

    return services_place_open(run_dir_fd, path.path, O_RDONLY | O_DIRECTORY, 0);
}

/* Makes room for a name whose holder is dead or the wisher itself. Returns: true
 * if it was, and the name may be tried again. */
static bool evict(int run_dir_fd, const char *network, const char *name,
                  const ServiceName *wish, ServiceNameLive is_live, gpointer data)
{
    autofd fd = open_part(run_dir_fd, network, HOSTS);
    FileName file = file_name(name);
    ServicesOwner owner;

    if (fd < 0) {
        return false;
    }
    if (services_owner_read(fd, file.name, &owner) &&
        owner.ifindex == wish->ifindex && strcmp(owner.tap.name, wish->tap) == 0) {
        return unlinkat(fd, file.name, 0) == 0;
    }
    return services_owner_remove(fd, file.name, is_live, data);
}

/* Returns: true if it is the wisher's now; false with errno EEXIST if it is
 * another's. */
static bool claim_one(int run_dir_fd, const Segment *segment, const char *name,
                      const ServiceName *wish, ServiceNameLive is_live,
                      gpointer data)
{
    ServicesDnsPath path =
        services_place_dns(segment->name, HOSTS, file_name(name).name);
    AddressText address = address_format_ipv4(wish->address);
    Content content =
        host_line(segment, address.text, name, wish->tap, wish->ifindex, "");

    for (guint i = 0; i < TRIES_MAX; i++) {
        if (make_file(run_dir_fd, path.path, &content)) {
            return true;
        }
        if (errno != EEXIST) {
            return false;
        }
        if (!evict(run_dir_fd, segment->name, name, wish, is_live, data)) {
            break;
        }
    }
    errno = EEXIST;
    return false;
}

static bool claim_any(int run_dir_fd, const Segment *segment,
                      const ServiceName *wish, ServiceNameLive is_live,
                      gpointer data, char ret_hostname[SERVICES_HOSTNAME_MAX + 1],
                      GError **error)
{
    for (guint number = 1; number < 100; number++) {
        int saved_errno;

        make_name(wish->hostname, number, ret_hostname);
        if (claim_one(run_dir_fd, segment, ret_hostname, wish, is_live, data)) {
            return true;
        }
        saved_errno = errno;
        if (saved_errno != EEXIST) {
            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "note the host name '%s'", ret_hostname);
        }
    }
    return error_set(error, TAPSTER_ERROR_EXHAUSTED,
                     "99 VMs have the host name '%s' already", wish->hostname);
}

/* In the place of a name dnsmasq would take these for orders and times:
 * dnsmasq(8), --dhcp-host. It knows such a name from the other file. */
static bool is_order(const char *hostname)
{
    const char *end = hostname + strspn(hostname, "0123456789");

    return strcmp(hostname, "ignore") == 0 ||
           strcmp(hostname, "infinite") == 0 || *end == '\0' ||
           (end > hostname && strchr("wdhmsWDHMS", *end) && end[1] == '\0');
}

/* The tap is ours, and so is an entry of its name. */
static bool note_mac(int run_dir_fd, const Segment *segment,
                     const ServiceName *wish, const char *hostname,
                     GError **error)
{
    ServicesDnsPath path = services_place_dns(segment->name, DHCP, wish->tap);
    AddressText address = address_format_ipv4(wish->address);
    AddressText mac = address_format_mac(&wish->mac);
    int saved_errno;
    Content content;

    hostname = is_order(hostname) ? "" : hostname;
    (void)snprintf(content.text, sizeof(content.text), "%s,%s%s%s\n# %s %d\n",
                   mac.text, address.text, hostname[0] ? "," : "", hostname,
                   wish->tap, wish->ifindex);
    if (make_file(run_dir_fd, path.path, &content) ||
        (errno == EEXIST && unlinkat(run_dir_fd, path.path, 0) == 0 &&
         make_file(run_dir_fd, path.path, &content))) {
        return true;
    }
    saved_errno = errno;
    return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                           "note the MAC of %s", wish->tap);
}

bool services_claim_hostname(int run_dir_fd, const Segment *segment,
                             const ServiceName *wish, ServiceNameLive is_live,
                             gpointer data,
                             char ret_hostname[SERVICES_HOSTNAME_MAX + 1],
                             GError **error)
{
    char hostname[SERVICES_HOSTNAME_MAX + 1] = "";

    if (wish->hostname[0] &&
        !claim_any(run_dir_fd, segment, wish, is_live, data, hostname, error)) {
        return false;
    }
    if (wish->has_mac && segment->kind == SEGMENT_SHARED &&
        !note_mac(run_dir_fd, segment, wish, hostname, error)) {
        services_release_hostname(run_dir_fd, segment->name, hostname,
                                  wish->tap, wish->ifindex);
        return false;
    }
    memcpy(ret_hostname, hostname, sizeof(hostname));
    return true;
}

void services_release_hostname(int run_dir_fd, const char *network,
                               const char *hostname, const char *tap, int ifindex)
{
    const char *const parts[] = {HOSTS, HOSTS6, DHCP};
    FileName file = file_name(hostname);
    const char *const names[] = {file.name, file.name, tap};

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        autofd fd = names[i][0] ? open_part(run_dir_fd, network, parts[i]) : -1;
        ServicesOwner owner;

        if (fd >= 0 && services_owner_read(fd, names[i], &owner) &&
            owner.ifindex == ifindex && strcmp(owner.tap.name, tap) == 0) {
            (void)unlinkat(fd, names[i], 0);
        }
    }
}

static bool sweep_part(int run_dir_fd, const char *network, const char *part,
                       ServiceNameLive is_live, gpointer data, guint *removed)
{
    int fd = open_part(run_dir_fd, network, part);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (directory == NULL) {
        int saved_errno = errno;

        fd_cleanup(&fd);
        errno = saved_errno;
        return false;
    }
    for (guint i = 0; i < SERVICES_FILES_MAX && (entry = readdir(directory)); i++) {
        if (entry->d_name[0] != '.' &&
            services_owner_remove(fd, entry->d_name, is_live, data)) {
            (*removed)++;
        }
    }
    (void)closedir(directory);
    return true;
}

bool services_sweep_names(int run_dir_fd, const char *network,
                          ServiceNameLive is_live, gpointer data,
                          guint *ret_removed, GError **error)
{
    const char *const parts[] = {HOSTS, HOSTS6, DHCP};
    guint removed = 0;

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!sweep_part(run_dir_fd, network, parts[i], is_live, data, &removed) &&
            errno != ENOENT) {
            int saved_errno = errno;

            return error_set_errno(error, TAPSTER_ERROR_SYSTEM, saved_errno,
                                   "sweep the names of network '%s'", network);
        }
    }
    *ret_removed = removed;
    return true;
}

/* True if the file there is this tap's, and as good. */
static bool is_known(int directory_fd, const char *name,
                     const ServiceAddress6 *address)
{
    ServicesOwner owner;

    return services_owner_read(directory_fd, name, &owner) &&
           owner.ifindex == address->ifindex &&
           strcmp(owner.tap.name, address->tap) == 0 &&
           (owner.has_word || !address->from_mac);
}

bool services_note_address6(int run_dir_fd, const Segment *segment,
                            const ServiceAddress6 *address)
{
    static const char aside[] = ".new";
    autofd fd = open_part(run_dir_fd, segment->name, HOSTS6);
    Address6Text text = address_format_ipv6(&address->address);
    Content content =
        host_line(segment, text.text, address->hostname, address->tap,
                  address->ifindex, address->from_mac ? " mac" : "");

    FileName file = file_name(address->hostname);

    if (fd < 0 || is_known(fd, file.name, address)) {
        return false;
    }
    (void)unlinkat(fd, aside, 0);
    return make_file(fd, aside, &content) &&
           renameat(fd, aside, fd, file.name) == 0;
}

bool services_forget_address6(int run_dir_fd, const char *network,
                              const char *hostname)
{
    ServicesDnsPath path =
        services_place_dns(network, HOSTS6, file_name(hostname).name);
    struct timespec now;
    struct stat status;

    return fstatat(run_dir_fd, path.path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
           (now.tv_sec < status.st_mtim.tv_sec ||
            now.tv_sec - status.st_mtim.tv_sec > STEADY_S) &&
           unlinkat(run_dir_fd, path.path, 0) == 0;
}
