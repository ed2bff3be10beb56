/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services/services_leases.h"

#include "base/fd.h"
#include "pool/slots.h"
#include "services/services_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * A resident writes this file, so whatever is in it at worst keeps a slot from
 * being chosen.
 */

/* dnsmasq's end at a name and a client identifier of 255 bytes each. */
#define LINE_MAX_SIZE 1200

/* "EXPIRY MAC ADDRESS NAME CLIENT-ID"; 0 never expires. */
static bool parse(const char *line, time_t now, const Mac *mac,
                  guint32 *ret_address)
{
    unsigned long long expiry;
    char owner_text[18];
    char address[16];
    Mac owner;

    return sscanf(line, "%20llu %17s %15s", &expiry, owner_text, address) == 3 &&
           (expiry == 0 || expiry > (unsigned long long)now) &&
           address_parse_ipv4(address, ret_address, NULL) &&
           !(address_parse_mac(owner_text, &owner, NULL) &&
             memcmp(owner.bytes, mac->bytes, sizeof(mac->bytes)) == 0);
}

static FILE *open_leases(int run_dir_fd, const char *network)
{
    ServicesDnsPath path = services_place_dns(network, "leases", "leases");
    autofd fd = services_place_open(run_dir_fd, path.path,
                                    O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
               ? fdopen(fd_steal(&fd), "r")
               : NULL;
}

GByteArray *services_leases_load(int run_dir_fd, const Segment *segment,
                                 const Mac *mac)
{
    FILE *file = open_leases(run_dir_fd, segment->name);
    GByteArray *slots = NULL;
    time_t now = time(NULL);
    char line[LINE_MAX_SIZE];
    guint32 address;
    guint32 slot;

    for (guint i = 0; file && i < SERVICES_FILES_MAX &&
                      fgets(line, sizeof(line), file) != NULL; i++) {
        if (!parse(line, now, mac, &address) ||
            !slots_find_address(segment, address, &slot)) {
            continue;
        }
        if (!slots) {
            slots = g_byte_array_new();
            g_byte_array_set_size(slots, slots_count(segment));
            memset(slots->data, 0, slots->len);
        }
        slots->data[slot] = 1;
    }
    if (file) {
        (void)fclose(file);
    }
    return slots;
}
