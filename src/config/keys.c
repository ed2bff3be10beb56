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
      .fallback = "\"auto\"; \"none\" where mtu is less than 1280",
      .accepts = "\"auto\", \"none\" or a prefix such as \"2001:db8:1::/48\" (/16 to /64)",
      .means = "IPv6 prefix of the guests; auto chooses a random /48 of fd00::/8, and "
               "remembers it; none: the guests have no IPv6", .since = "0.1" },
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
    { .path = "gateway", .kinds = KEY_STRING, .modes = BRIDGED, .fallback = "none",
      .accepts = "the IPv4 address of the LAN's router, in the subnet and not in the pool",
      .means = "the LAN's router, as guests that are configured statically are told; needs "
               "a subnet", .since = "0.1" },
    { .path = "reservations", .kinds = KEY_ARRAY, .modes = BOTH, .fallback = "[]",
      .accepts = "an array of at most 64 entries such as { \"user\": \"alice\", "
                 "\"name\": \"web\", \"host\": 20 }",
      .means = "addresses of the pool that are kept for one name of one user each; needs "
               "a subnet", .since = "0.1" },
    { .path = "reservations[]", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "none",
      .accepts = "an object with \"user\", \"name\" and one of \"address\" and \"host\"",
      .means = "one reservation", .since = "0.1" },
    { .path = "reservations[].user", .kinds = KEY_STRING, .modes = BOTH, .required = true,
      .accepts = "the name of a user (not a number)",
      .means = "the user that it is kept for; for an unknown name it is kept from "
               "everybody", .since = "0.1" },
    { .path = "reservations[].name", .kinds = KEY_STRING, .modes = BOTH, .required = true,
      .accepts = "the name of a profile: 1 to 32 of a-z, 0-9 and, inside, '-'",
      .means = "the name of that user's profile that gets it", .since = "0.1" },
    { .path = "reservations[].address", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "none",
      .accepts = "an IPv4 address of the pool, as \"192.168.77.20\"",
      .means = "the address; needs a subnet that is not \"auto\"", .since = "0.1" },
    { .path = "reservations[].host", .kinds = KEY_INTEGER, .modes = BOTH,
      .fallback = "none", .accepts = "a host number of the pool",
      .means = "the address's host number, whatever the subnet", .since = "0.1" },

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
      .fallback = "\"routed\"", .accepts = "\"routed\" or \"shared\"",
      .means = "routed: each guest has a cable of its own to the host; shared: guests and "
               "host are on one bridge, which tapster makes",
      .since = "0.1" },
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
      .fallback = "true; false where subnet6 is a prefix outside fc00::/7",
      .accepts = "true or false",
      .means = "the same for IPv6", .since = "0.1" },
    { .path = "dhcp", .kinds = KEY_BOOLEAN, .modes = MASQUERADED,
      .fallback = "true", .accepts = "true or false",
      .means = "answer guests' DHCP requests", .since = "0.1" },
    { .path = "lease_time", .kinds = KEY_INTEGER, .modes = MASQUERADED,
      .fallback = "3600", .accepts = "10 to 604800 (seconds)",
      .means = "lease time that DHCP tells guests, in seconds", .since = "0.1" },
    { .path = "dns", .kinds = KEY_OBJECT, .modes = MASQUERADED, .fallback = "{}",
      .accepts = "an object with \"domain\" and \"servers\"",
      .means = "the guests' names, and who answers for all others", .since = "0.1" },
    { .path = "dns.domain", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "NAME.internal",
      .accepts = "a DNS domain of at most 63 characters, as \"lab.internal\", whose last "
                 "label is no number",
      .means = "domain of the guests: while one runs, HOSTNAME in it is its name", .since = "0.1" },
    { .path = "dns.servers", .kinds = KEY_STRING | KEY_ARRAY, .modes = MASQUERADED,
      .fallback = "\"host\"", .accepts = "\"host\" or an array of 1 to 4 IPv4 addresses",
      .means = "name servers for all names but the guests' own; host: those that this host uses",
      .since = "0.1" },
    { .path = "dns.servers[]", .kinds = KEY_STRING, .modes = MASQUERADED,
      .fallback = "none", .accepts = "the IPv4 address of a name server, as \"9.9.9.9\"",
      .means = "one name server", .since = "0.1" },
    { .path = "guest_to_guest", .kinds = KEY_BOOLEAN, .modes = BOTH,
      .fallback = "true", .accepts = "true or false",
      .means = "guests of this network may talk to each other", .since = "0.1",
      .later = "isolated ports on a bridge",
      .later_values = "false (bridged, or a shared segment)" },
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
      .means = "a profile may forward ports of this host to its guest", .since = "0.1" },
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
      .means = "host name of the guest, as DHCP tells it and name servers know it",
      .since = "0.1" },
    { .path = "address", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "a stable one is given",
      .accepts = "an IPv4 address, as \"192.168.77.20\"",
      .means = "the guest's address; the network has to grant it", .since = "0.1" },
    { .path = "mac", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "bridged: none is enforced; masqueraded: any works",
      .accepts = "a unicast MAC address, as \"52:54:00:12:34:56\"",
      .means = "the guest's MAC address; the network has to grant it", .since = "0.1" },
    { .path = "forwards", .kinds = KEY_ARRAY, .modes = BOTH, .fallback = "[]",
      .accepts = "an array of at most 1024 entries such as { \"host_port\": 8080, "
                 "\"guest_port\": 80 }",
      .means = "ports of the host that lead to the guest, on a masqueraded network; the "
               "network has to grant them", .since = "0.1" },
    { .path = "forwards[]", .kinds = KEY_OBJECT, .modes = BOTH, .fallback = "none",
      .accepts = "an object with \"host_port\" and perhaps \"protocol\", \"guest_port\" "
                 "and \"host_address\"",
      .means = "one forward", .since = "0.1" },
    { .path = "forwards[].protocol", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "\"tcp\"", .accepts = "\"tcp\", \"udp\" or \"both\"",
      .means = "protocol of the forward", .since = "0.1" },
    { .path = "forwards[].host_port", .kinds = KEY_INTEGER | KEY_STRING, .modes = BOTH,
      .required = true,
      .accepts = "a port (8080) or a range of ports (\"8000-8010\")",
      .means = "port of the host, or a range with both ends", .since = "0.1" },
    { .path = "forwards[].guest_port", .kinds = KEY_INTEGER | KEY_STRING, .modes = BOTH,
      .fallback = "the same as host_port",
      .accepts = "a port (80) or, for a range, the first or as long a range "
                 "(\"9000-9010\")",
      .means = "port of the guest; of a range, the first one, or all of them",
      .since = "0.1" },
    { .path = "forwards[].host_address", .kinds = KEY_STRING, .modes = BOTH,
      .fallback = "every address of the host, IPv4 and IPv6",
      .accepts = "an IPv4 or IPv6 address of the host",
      .means = "the one address of the host on which the port is forwarded",
      .since = "0.1" },
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

const char *keys_name_in(const Key *key, const char *parent)
{
    gsize length = strlen(parent);
    const char *name = key->path;

    if (length > 0) {
        if (strncmp(name, parent, length) != 0 || name[length] != '.') {
            return NULL;
        }
        name += length + 1;
    }
    return strpbrk(name, ".[") ? NULL : name;
}

char *keys_names(KeyFile file, const char *parent)
{
    guint n;
    const Key *keys = keys_of(file, &n);
    GString *names = g_string_new(NULL);
    const char *last = NULL;

    for (guint i = 0; i < n; i++) {
        const char *name = keys_name_in(&keys[i], parent);

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
