/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/keys.h"

#include <string.h>

/*
 * The table of keys, and look-ups in it. It owns what a file may say: names,
 * kinds, defaults and the words for what is accepted. It does not own the
 * checks of values, which are in network.c and profile.c and quote these words
 * when they refuse.
 *
 * Invariant: a parent stands before its children, and a path stands once.
 */

#define BRIDGED KEY_IN_BRIDGED
#define MASQUERADED KEY_IN_MASQUERADED
#define BOTH KEY_IN_BOTH

static const Key network_keys[] = {
    { .path = "mode", .kinds = KEY_STRING, .modes = BOTH, .required = true,
      .accepts = "\"masqueraded\" or \"bridged\"",
      .means = "what happens to guests' packets: behind this host's NAT, or on the LAN",
      .since = "0.1" },

    /* addresses */
    { .path = "subnet", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "\"auto\" (masqueraded), none (bridged)",
      .accepts = "\"auto\", \"auto/LENGTH\" (16 to 30) or \"A.B.C.D/LENGTH\" (/16 to /30)",
      .means = "IPv4 subnet of the guests; auto chooses a /24, or one of the length "
               "given, that overlaps nothing, and remembers it; bridged: the LAN's, for "
               "guests that are configured statically",
      .since = "0.1" },
    { .path = "subnet6", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "\"none\"", .accepts = "\"none\"",
      .means = "IPv6 prefix of the guests", .since = "0.1",
      .later = "IPv6 for guests", .later_values = "\"auto\" or a prefix" },
    { .path = "pool", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "{}",
      .accepts = "an object with \"offset\", \"size\" and \"exclude\"",
      .means = "which addresses of the subnet guests may get; needs a subnet",
      .since = "0.1" },
    { .path = "pool.offset", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "10; 2 where the subnet is smaller than a /27",
      .accepts = "a host number of the subnet, from 2 (1 is the gateway)",
      .means = "host number of the first address in the pool", .since = "0.1" },
    { .path = "pool.size", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "all from offset to the end of the subnet",
      .accepts = "a number of addresses that the subnet has room for, from 1",
      .means = "how many addresses the pool has", .since = "0.1" },
    { .path = "pool.exclude", .kinds = KEY_ARRAY, .modes = BOTH, .fallback = "[]",
      .accepts = "an array of at most 16 host numbers and ranges of them",
      .means = "host numbers that are never given out", .since = "0.1" },
    { .path = "pool.exclude[]", .kinds = KEY_INTEGER | KEY_STRING, .modes = BOTH,
      .fallback = "none",
      .accepts = "a host number of the subnet (20) or a range of them (\"20-29\")",
      .means = "one host number, or a range with both ends", .since = "0.1" },
    { .path = "reservations", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "{}",
      .accepts = "an object of names and addresses",
      .means = "addresses that are kept for one name each", .since = "0.1",
      .later = "reservations" },

    /* links */
    { .path = "bridge", .kinds = KEY_STRING, .modes = BRIDGED, .required = true,
      .accepts = "an interface name: 1 to 15 characters, no space, '/', ':' or '%'",
      .means = "the bridge that guests join; made if it does not exist", .since = "0.1" },
    { .path = "uplink", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "\"auto\" (masqueraded), \"none\" (bridged)",
      .accepts = "\"auto\" (masqueraded only), \"none\" or an interface name",
      .means = "masqueraded: by which interface guests leave; auto: by every one that "
               "is not tapster's; none: not at all; bridged: the interface that becomes "
               "a port of the bridge; none: take the bridge as it is",
      .since = "0.1" },
    { .path = "segment", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "\"routed\"", .accepts = "\"routed\"",
      .means = "routed: each guest has a cable of its own to the host; shared: guests "
               "share a layer-2 segment",
      .since = "0.1", .later = "shared segments", .later_values = "\"shared\"" },
    { .path = "attach", .kinds = KEY_STRING, .modes = BRIDGED,
      .fallback = "a tap that is a port of the bridge",
      .accepts = "\"macvtap\"",
      .means = "another way to join the LAN than by a bridge", .since = "0.1",
      .later = "macvtap" },
    { .path = "mtu", .kinds = KEY_STRING | KEY_INTEGER, .modes = BOTH,
      .fallback = "\"auto\"", .accepts = "\"auto\" or 576 to 65521 (bytes)",
      .means = "MTU of the taps; auto: the default route's link's, at most 1500, or the "
               "bridge's", .since = "0.1" },

    /* what the host does for guests */
    { .path = "masquerade", .kinds = KEY_BOOLEAN, .modes = MASQUERADED,
      .fallback = "true", .accepts = "true or false",
      .means = "translate guests' addresses to the host's on their way out; false: "
               "somebody routes the subnet to this host",
      .since = "0.1" },
    { .path = "masquerade6", .kinds = KEY_BOOLEAN, .modes = MASQUERADED,
      .fallback = "false", .accepts = "false",
      .means = "the same for IPv6", .since = "0.1",
      .later = "IPv6 for guests", .later_values = "true" },
    { .path = "dhcp", .kinds = KEY_BOOLEAN, .modes = MASQUERADED,
      .fallback = "true", .accepts = "true or false",
      .means = "answer guests' DHCP requests", .since = "0.1" },
    { .path = "lease_time", .kinds = KEY_INTEGER, .modes = MASQUERADED,
      .fallback = "3600", .accepts = "10 to 604800 (seconds)",
      .means = "lease time that DHCP tells guests, in seconds", .since = "0.1" },
    { .path = "dns", .kinds = KEY_OBJECT, .modes = MASQUERADED, .fallback = "{}",
      .accepts = "an object with \"domain\" and \"servers\"",
      .means = "what DHCP tells guests about names", .since = "0.1" },
    { .path = "dns.domain", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "NAME.internal",
      .accepts = "a DNS domain of at most 63 characters, as \"lab.internal\", whose last "
                 "label is no number",
      .means = "domain of the guests", .since = "0.1" },
    { .path = "dns.servers", .kinds = KEY_STRING | KEY_ARRAY, .modes = MASQUERADED,
      .fallback = "\"host\"", .accepts = "\"host\" or an array of 1 to 4 IPv4 addresses",
      .means = "name servers of the guests; host: those that this host uses",
      .since = "0.1" },
    { .path = "dns.servers[]", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "none", .accepts = "the IPv4 address of a name server, as \"9.9.9.9\"",
      .means = "one name server", .since = "0.1" },
    { .path = "guest_to_guest", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "true", .accepts = "true or false",
      .means = "guests of this network may talk to each other", .since = "0.1",
      .later = "isolated ports on a bridge", .later_values = "false (bridged)" },
    { .path = "guest_to_host", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "true", .accepts = "true or false",
      .means = "guests may talk to this host, beyond DHCP, ping and DNS", .since = "0.1",
      .later = "fence between a bridge's guests and the host",
      .later_values = "false (bridged)" },
    { .path = "firewall", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "private tables only", .accepts = "\"cooperate\"",
      .means = "use the hooks that other firewalls of this host offer", .since = "0.1",
      .later = "cooperation with other firewalls" },
    { .path = "limits", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "{}",
      .accepts = "an object of rates",
      .means = "packets and bits per second that a port may send and get",
      .since = "0.1", .later = "limits" },

    /* who may use it, and for what */
    { .path = "allow", .kinds = KEY_ARRAY, .modes = BOTH, .fallback = "[]",
      .accepts = "an array of at most 64 entries such as { \"group\": \"kvm\" }",
      .means = "who may use the network, besides root; of several entries that match, the "
               "largest max_ports counts",
      .since = "0.1" },
    { .path = "allow[]", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "none",
      .accepts = "an object with one of \"user\", \"group\", \"everyone\" and "
                 "\"can_open\", and perhaps \"max_ports\"",
      .means = "one entry", .since = "0.1" },
    { .path = "allow[].user", .kinds = KEY_STRING, .modes = BOTH, .fallback = "none",
      .accepts = "the name of a user (not a number)",
      .means = "this user; an unknown name matches nobody", .since = "0.1" },
    { .path = "allow[].group", .kinds = KEY_STRING, .modes = BOTH, .fallback = "none",
      .accepts = "the name of a group (not a number)",
      .means = "members of this group; an unknown name matches nobody", .since = "0.1" },
    { .path = "allow[].everyone", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "none", .accepts = "true",
      .means = "every user of this host", .since = "0.1" },
    { .path = "allow[].can_open", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "none",
      .accepts = "an absolute path of at most 63 bytes without \".\" and \"..\" in it, as "
                 "\"/dev/kvm\"",
      .means = "whoever may open this file for reading and writing", .since = "0.1" },
    { .path = "allow[].max_ports", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "16", .accepts = "1 to 4096 (ports)",
      .means = "how many ports one such user may have at a time", .since = "0.1" },
    { .path = "grants", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "{}",
      .accepts = "an object with \"address\", \"mac\" and \"forwards\"",
      .means = "what users may ask for in their profiles", .since = "0.1" },
    { .path = "grants.address", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "false", .accepts = "true or false",
      .means = "a profile may choose its address", .since = "0.1" },
    { .path = "grants.mac", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "false", .accepts = "true or false",
      .means = "a profile may choose its MAC address", .since = "0.1" },
    { .path = "grants.forwards", .kinds = KEY_OBJECT, .modes = MASQUERADED,
      .fallback = "none: no forwards",
      .accepts = "an object with \"from\" and \"ports\"",
      .means = "a profile may forward ports of this host to its guest (no profile "
               "can ask for one yet)",
      .since = "0.1" },
    { .path = "grants.forwards.from", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "\"host\"", .accepts = "\"host\" or \"any\"",
      .means = "from where forwards are reached: host: from this host and its guests; "
               "any: from other machines too",
      .since = "0.1" },
    { .path = "grants.forwards.ports", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "\"1024-65535\"",
      .accepts = "a port (\"8080\") or a range of ports (\"1024-65535\")",
      .means = "host ports that forwards may take", .since = "0.1" },
};

static const Key profile_keys[] = {
    { .path = "mode", .kinds = KEY_STRING, .modes = BOTH, .fallback = "the network's",
      .accepts = "\"masqueraded\" or \"bridged\"",
      .means = "the kind of network; enough alone where one network of that mode may be "
               "used; a profile says its mode, its network, or both",
      .since = "0.1" },
    { .path = "network", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "the one network of that mode",
      .accepts = "the name of a network: 1 to 32 of a-z, 0-9 and, inside, '-'",
      .means = "the network", .since = "0.1" },
    { .path = "name", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "the file's name without .json",
      .accepts = "a name: 1 to 32 of a-z, 0-9 and, inside, '-'",
      .means = "name of the VM; its address is remembered under it", .since = "0.1" },
    { .path = "hostname", .kinds = KEY_STRING, .modes = BOTH, .fallback = "name",
      .accepts = "one DNS label: 1 to 63 letters, digits and, inside, '-'",
      .means = "the host name that DHCP tells the guest", .since = "0.1" },
    { .path = "address", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "a stable one is given",
      .accepts = "an IPv4 address, as \"192.168.77.20\"",
      .means = "the guest's address; the network has to grant it", .since = "0.1" },
    { .path = "mac", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "bridged: none is enforced; masqueraded: any works",
      .accepts = "a unicast MAC address, as \"52:54:00:12:34:56\"",
      .means = "the guest's MAC address; the network has to grant it", .since = "0.1" },
    { .path = "forwards", .kinds = KEY_ARRAY, .modes = BOTH, .fallback = "[]",
      .accepts = "an array of forwards",
      .means = "ports of the host that lead to the guest", .since = "0.1",
      .later = "port forwards" },
    { .path = "forwards[]", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "none",
      .accepts = "an object with \"protocol\", \"host_port\" and \"guest_port\"",
      .means = "one forward", .since = "0.1", .later = "port forwards" },
    { .path = "forwards[].protocol", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "none", .accepts = "\"tcp\" or \"udp\"",
      .means = "protocol of the forward", .since = "0.1", .later = "port forwards" },
    { .path = "forwards[].host_port", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "none", .accepts = "1 to 65535",
      .means = "port of the host", .since = "0.1", .later = "port forwards" },
    { .path = "forwards[].guest_port", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "none", .accepts = "1 to 65535",
      .means = "port of the guest", .since = "0.1", .later = "port forwards" },
    { .path = "limits", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "{}",
      .accepts = "an object of rates",
      .means = "packets and bits per second that the port may send and get",
      .since = "0.1", .later = "limits" },
};

const Key *keys_of(KeyFile file, guint *ret_n)
{
    if (file == KEY_FILE_NETWORK) {
        *ret_n = G_N_ELEMENTS(network_keys);
        return network_keys;
    }
    *ret_n = G_N_ELEMENTS(profile_keys);
    return profile_keys;
}

const Key *keys_find(KeyFile file, const char *path)
{
    guint n;
    const Key *keys = keys_of(file, &n);

    for (guint i = 0; i < n; i++) {
        if (strcmp(keys[i].path, path) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

/* The name of @path if it is directly in @parent, else NULL. */
static const char *name_in(const char *path, const char *parent)
{
    gsize length = strlen(parent);
    const char *name = path;

    if (length > 0) {
        if (strncmp(path, parent, length) != 0 || path[length] != '.') {
            return NULL;
        }
        name = path + length + 1;
    }
    return strpbrk(name, ".[") ? NULL : name;
}

/* Names longer than this are no misspelling of ours. */
#define NAME_COMPARED_MAX 24

/* How many letters have to be put in, left out, changed or swapped with their
 * neighbour to make @b of @a (optimal string alignment). */
static guint edit_distance(const char *a, const char *b)
{
    guint cost[NAME_COMPARED_MAX + 1][NAME_COMPARED_MAX + 1];
    gsize n = strlen(a), m = strlen(b);

    if (n > NAME_COMPARED_MAX || m > NAME_COMPARED_MAX) {
        return G_MAXUINT;
    }
    for (guint i = 0; i <= n; i++) {
        for (guint j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = MIN(MIN(cost[i - 1][j], cost[i][j - 1]) + 1,
                             cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[n][m];
}

/* The name as people vary it: "MaxPorts", "max-ports" are "max_ports". */
static char *fold_name(const char *name)
{
    GString *folded = g_string_new(NULL);

    for (const char *at = name; *at; at++) {
        if (g_ascii_isupper(*at) && at > name && g_ascii_islower(at[-1])) {
            g_string_append_c(folded, '_');
        }
        g_string_append_c(folded, *at == '-' ? '_' : g_ascii_tolower(*at));
    }
    return g_string_free(folded, FALSE);
}

char *keys_nearest(KeyFile file, const char *parent, const char *name)
{
    guint n;
    const Key *keys = keys_of(file, &n);
    const char *best = NULL;
    guint best_distance = G_MAXUINT;

    if (strlen(name) > NAME_COMPARED_MAX) {
        return NULL;
    }
    g_autofree char *folded = fold_name(name);
    for (guint i = 0; i < n; i++) {
        const char *known = name_in(keys[i].path, parent);
        guint distance = known ? edit_distance(folded, known) : G_MAXUINT;

        if (distance < best_distance) {
            best = known;
            best_distance = distance;
        }
    }
    /* One slip in three letters, or it is another word. */
    if (best && best_distance <= MAX(strlen(best) / 3, 1)) {
        return g_strdup(best);
    }
    for (guint i = 0; i < n; i++) {
        const char *dot = strrchr(keys[i].path, '.');

        if (strcmp(dot ? dot + 1 : keys[i].path, folded) == 0) {
            return g_strdup(keys[i].path);
        }
    }
    return NULL;
}

char *keys_names(KeyFile file, const char *parent)
{
    guint n;
    const Key *keys = keys_of(file, &n);
    GString *names = g_string_new(NULL);
    const char *last = NULL;

    for (guint i = 0; i < n; i++) {
        const char *name = name_in(keys[i].path, parent);

        if (!name || (keys[i].later && !keys[i].later_values)) {
            continue;
        }
        if (last) {
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", last);
        }
        last = name;
    }
    if (last) {
        g_string_append_printf(names, "%s%s", names->len > 0 ? " and " : "", last);
    }
    return g_string_free(names, FALSE);
}
