# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/firewall alone, without the helper: what nft says of its tables, and what
they do to packets. Ports are cables (veth) with a tap's name, group and address.
"""

import json
import os
import re
import subprocess
import time

import packets
from firewall import (GOLDEN, HOST_ADDRESS, LAN, NAT, PROBE, QUIET, Guest, host, listing, mac_of,
                      outside, probe, seen)
from packets import BROADCAST, ETH_ARP, ETH_IP, ETH_IPV6
from testing import check, check_equal, check_in, eventually, never, test
from world import OUTSIDE, Capture, Inside, Netns, Page, cable, run, sysctl

# --- what nft says

FORWARD = "forward=gone0,guest=192.168.77.10,prefix=fd00:1:2:3::/64"
# an element in every set but those of ports that live and of what packets put in
EVERYTHING = (
    "fence=eth0", "fence=wlan0", "fence6=eth0", "nat,offset=10,size=4,masquerade6=1,subnet6=fd12::/48,dns=1",
    "cage,subnet=10.9.0.0/24,size=1,uplink=eth7,guests=0,host=0,masquerade=0", LAN,
    "flat,subnet=10.8.0.0/24,bridge=tbflat", FORWARD + ",port=8000,n=2,any=1",
    FORWARD + ",port=9000,protocol=udp,host=192.0.2.2,any=1",
    FORWARD + ",port=9000,host6=2001:db8:1::2,any=1")
TABLES = ("inet tapster", "arp tapster", "bridge tapster")


def golden():
    with open(GOLDEN + "/firewall-nft.txt") as file:
        return file.read()


@test("net-firewall-listing")
def listing_is_golden():
    """nft prints every table as the golden file has it."""
    probe("ensure", *EVERYTHING)
    check_equal(listing(), golden(), "nft list ruleset")


@test("net-firewall-listing-loads")
def listing_loads():
    """A saved listing is loaded by nft at the next boot, when the interfaces of the
    time are gone; the next start mends what it means, and nothing else."""
    where = host()
    where.ip("link add gone0 type veth peer name gone1")
    run("nft", "add table ip other; add chain ip other c; add rule ip other c iif lo accept")
    probe("ensure", *EVERYTHING)
    probe("guard", "gone1", "52:54:00:00:00:01", "0")
    for learnt in ('guests6 { "gone0" : fd00:1:2:3::9 }', 'learnt { 0x4d timeout 1h }',
                   'neighbours6 { "gone0" . fd00:1:2:3::9 }',
                   'newcomers { "gone0" limit rate over 10/second burst 64 packets }'):
        run("nft", "add element inet tapster " + learnt)
    saved = run("nft", "list", "ruleset")
    for block in re.findall(r"\t(?:set|map) .*?\n\t\}", saved, re.DOTALL):
        check_in("elements = ", block, "no set is without an element")
    where.ip("link del gone0")
    run("nft", "flush ruleset")
    run("nft", "-f", "-", input=saved)
    other = run("nft", "-a", "list", "table", "ip", "other")
    check_equal(probe("ensure", *EVERYTHING)["changed"], "1", "changed")
    kept = '\n\t\telements = { "gone0" : fd00:1:2:3::9 }'
    check_equal("".join(listing(table) for table in TABLES).replace(kept, ""), golden(), "mended")
    check_equal(run("nft", "-a", "list", "table", "ip", "other"), other, "another's table")
    check_equal(probe("ensure", *EVERYTHING)["changed"], "0", "changed again")


@test("net-firewall-drift")
def drift():
    """Whatever differs is mended, nobody else's table is touched, and what is
    in order is left alone."""
    run("nft", "add table inet other; add chain inet other c { type filter hook forward "
        "priority 0; policy drop; }")
    first = probe("ensure", NAT, LAN)
    check_equal(first["changed"], "1", "changed by the first")
    good = listing()
    check_in("table inet other", good)
    again = probe("ensure", NAT, LAN)
    check_equal(again, {"generation": first["generation"], "changed": "0"}, "second")

    def handle(table, chain, text):
        for line in run("nft", "-a", "list", "chain", *table.split(), chain).splitlines():
            if text in line:
                return line.rpartition("handle ")[2]
        raise AssertionError(text)

    fib = handle("inet tapster", "from_port", "fib saddr")
    accept = handle("inet tapster", "leaving", "@anywhere accept")
    for change in (
            f"delete rule inet tapster from_port handle {fib}",
            f"replace rule inet tapster leaving handle {accept} iifgroup @anywhere drop",
            "add rule inet tapster for_host accept",
            "insert rule inet tapster for_host accept",
            "insert rule bridge tapster guard accept",
            "flush chain inet tapster between",
            "add chain inet tapster more",
            "add set inet tapster more { type ifname; }",
            "add chain inet tapster forward { policy drop; }",
            "add table inet tapster { flags dormant; }",
            "flush set inet tapster masqueraded",
            "add element inet tapster to_host { 77 }",
            "add element inet tapster fenced { ipv6 . \"eth5\" }",
            "flush set arp tapster senders",
            "add element arp tapster senders { \"eth5\" . 10.0.0.1 }",
            "delete table inet tapster",
            "delete table arp tapster",
            "flush ruleset; add table inet other; add chain inet other c "
            "{ type filter hook forward priority 0; policy drop; }"):
        run("nft", change)
        check_equal(probe("ensure", NAT, LAN)["changed"], "1", "changed after " + change)
        check_equal(sorted(listing().split("\n")), sorted(good.split("\n")), "after " + change)
        check_equal(probe("ensure", NAT, LAN)["changed"], "0", "changed again after " + change)
    # elements alone do not replace a table
    before = re.findall(r"handle (\d+)$", run("nft", "-a", "list", "table", "inet", "tapster"),
                        re.MULTILINE)
    run("nft", "flush set inet tapster masqueraded; add element inet tapster to_host { 77 }")
    probe("ensure", NAT, LAN, QUIET)
    check_equal(re.findall(r"handle (\d+)$", run("nft", "-a", "list", "table", "inet", "tapster"),
                           re.MULTILINE), before, "handles")
    probe("withdraw", NAT)
    check("bridge tapster" not in listing(), "the bridge's table is gone")
    check_equal(probe("ensure", NAT)["changed"], "0", "nat after withdraw")
    probe("withdraw")
    check_equal(listing().count("tapster"), 0, "tables left")
    probe("withdraw", "fence=eth0")
    check_in('"eth0"', listing("inet tapster"), "the fence alone")


FIRST_DEAD = 100000  # of the indexes that no interface has


def mac_element(netns, link, last):
    """As nft prints it: to it, an interface's index is a mark."""
    index = json.loads(netns.ip(f"-j link show dev {link}"))[0]["ifindex"]
    return f"{index:#010x} . 52:54:00:00:00:{last:02x}"


@test("net-firewall-port-elements")
def port_elements():
    """Elements of ports: the generation moves on, they survive a replacement,
    and dead ones are swept when the set is full."""
    where = host()
    large = "large,subnet=10.64.0.0/16,offset=2,size=60000"
    where.ip("link add p0 type veth peer name p1")
    before = probe("ensure", large, LAN)["generation"]
    check_equal(listing("arp tapster").count(" . "), 2, "no sender is filled in")
    after = probe("admit", large, "59999", before)["generation"]
    check_equal(int(after), int(before) + 1, "generation after admit")
    check_equal(probe("ensure", large, LAN), {"generation": after, "changed": "0"}, "ensure")
    check_equal(probe("admit", large, "59999", after)["generation"], after, "admitted twice")
    guarded = probe("guard", "p0", "52:54:00:00:00:01", after)["generation"]
    check_equal(int(guarded), int(after) + 1, "generation after guard")
    check_equal(probe("ensure", large, LAN), {"generation": guarded, "changed": "0"}, "ensure")
    # somebody else was quicker
    run("nft", "add table ip other")
    check_equal(probe("admit", large, "5", guarded)["generation"], guarded, "stale generation")
    check_equal(probe("guard", "p1", "52:54:00:00:00:02", "0")["generation"], "0", "unknown")
    run("nft", "add rule arp tapster sender drop; add rule bridge tapster guard drop")
    probe("ensure", large, LAN)
    senders = listing("arp tapster")
    for slot in ("5", "59999"):
        check_in(probe("slot", large, slot)["address"], senders, "kept senders")
    macs = listing("bridge tapster")
    check_in(mac_element(where, "p0", 1), macs, "kept MAC")
    probe("forget", "p0", "52:54:00:00:00:01")
    check("52:54:00:00:00:01" not in listing("bridge tapster"), "forgotten MAC")
    # full of dead interfaces
    for set_name, suffix in (("mac_known", ""), ("macs", " . 52:54:00:00:00:03")):
        room = 4096 - 1
        run("nft", "-f", "-", input="".join(
            f"add element bridge tapster {set_name} {{ {number:#x}{suffix} }}\n"
            for number in range(FIRST_DEAD, FIRST_DEAD + room)))
    probe("guard", "p0", "52:54:00:00:00:04", "0")
    macs = listing("bridge tapster")
    check_in(mac_element(where, "p0", 4), macs, "added after the sweep")
    check_in(mac_element(where, "p1", 2), macs, "a live one stays")
    check(f"{FIRST_DEAD:#010x}" not in macs, "dead ones are swept")


# --- what packets meet

@test("net-firewall-sources")
def sources():
    """A forged source dies at the port, whichever it is; and so does 127/8."""
    where = host()
    far = outside(where)
    far.ip("route add 192.168.0.0/16 via 192.0.2.2")  # nothing is lost for want of a way
    a, b = Guest(where, NAT, 3), Guest(where, NAT, 4)
    where.ip("route add default via 192.0.2.1")
    sysctl("net.ipv4.conf.all.rp_filter", 2)
    sysctl(f"net.ipv4.conf.{a.tap}.route_localnet", 1)
    probe("ensure", NAT)
    captures = [Capture(far, "eth0"), Capture(b, "eth0")]
    local = where.socket(2, 2)
    local.bind(("0.0.0.0", 7777))
    local.settimeout(0.5)

    def marked(frame):
        return frame.payload and b"forged" in frame.payload

    for source in (b.address, a.gateway, HOST_ADDRESS, OUTSIDE, "192.168.77.200", "127.0.0.1",
                   "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.168.77.255"):
        for destination in (OUTSIDE, b.address, a.gateway, HOST_ADDRESS):
            a.send(packets.udp(source, destination, 5000, 7777, b"forged"))
    for destination in ("255.255.255.255", "224.0.0.1"):
        a.send(packets.udp("0.0.0.0", destination, 5000, 7777, b"forged"), destination=BROADCAST)
    a.send(packets.udp(a.address, "127.0.0.1", 5000, 7777, b"forged"))
    never(lambda: [frame for c in captures for frame in seen(c, marked)], 0.5, "forged packet")
    try:
        check(False, f"the host got {local.recvfrom(100)}")
    except TimeoutError:
        pass
    # and its own is let through
    a.send(packets.udp(a.address, HOST_ADDRESS, 5000, 7777, b"true"))
    check_equal(local.recvfrom(100)[1][0], a.address, "the true source")
    a.send(packets.udp(a.address, OUTSIDE, 5000, 7777, b"not forged"))
    eventually(lambda: seen(captures[0], marked), what="the true source outside")


@test("net-firewall-masquerade")
def masquerade():
    """Out as the host, from ports of 32768 up; what goes to many and what the
    host sends itself are left alone; invalid packets do not leave."""
    where = host()
    far = outside(where)
    where.ip("route add default via 192.0.2.1")
    a, b = Guest(where, NAT, 3), Guest(where, NAT, 4)
    probe("ensure", NAT, QUIET)
    page = Page(far, OUTSIDE)
    check_in(HOST_ADDRESS, a.fetch(OUTSIDE) or "", "who asked")
    check(a.ping(OUTSIDE), "ICMP")
    check(a.ping(b.address), "the neighbour")
    inside = Page(b, b.address)
    check_in(a.address, a.fetch(b.address) or "", "no masquerade between guests")
    capture = Capture(far, "eth0")
    for port in (53, 8080, 32767, 32768, 40000):
        a.send(packets.udp(a.address, OUTSIDE, port, 7, b"port %d" % port))
    frames = eventually(lambda: len(found := seen(capture, lambda f: f.dport == 7)) == 5 and found,
                        what="five datagrams")
    for frame in frames:
        asked = int(frame.payload[8:].split()[1])
        check_equal(frame.src, HOST_ADDRESS, "source")
        check(frame.sport >= 32768, f"port {asked} became {frame.sport}")
        check(asked < 32768 or frame.sport == asked, f"port {asked} became {frame.sport}")
    # the host's own, from a port below 1024
    own = where.socket(2, 2)
    own.bind((HOST_ADDRESS, 123))
    own.sendto(b"own", (OUTSIDE, 9))
    frame = eventually(lambda: seen(capture, lambda f: f.dport == 9), what="the host's own")[0]
    check_equal((frame.src, frame.sport), (HOST_ADDRESS, 123), "the host's own")
    # an answer to nothing is invalid, and would leave with the guest's address
    sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    a.send(packets.tcp(a.address, OUTSIDE, 40001, 80, 0x10, seq=5, ack=5))
    never(lambda: seen(capture, lambda f: f.src == a.address), 0.4, "the guest's own address")
    check(page.seen and inside.seen, "both pages")
    # what goes to many is not masqueraded (the uplink's broadcast address)
    for link in ("all", a.tap):
        sysctl(f"net.ipv4.conf.{link}.bc_forwarding", 1)
    a.send(packets.udp(a.address, "192.0.2.255", 500, 11, b"to many"))
    frame = eventually(lambda: seen(capture, lambda f: f.dport == 11), what="broadcast")[0]
    check_equal((frame.src, frame.sport), (a.address, 500), "source of a broadcast")


@test("net-firewall-between")
def between():
    """Between networks, and between guests that must not: nothing. From
    outside: answers only. To the host: what the network grants."""
    where = host()
    far = outside(where)
    where.ip("route add default via 192.0.2.1")
    a, b = Guest(where, NAT, 3), Guest(where, NAT, 4)
    c, d = Guest(where, QUIET, 3), Guest(where, QUIET, 4)
    probe("ensure", NAT, QUIET)
    far.ip("route add 192.168.0.0/16 via 192.0.2.2")
    check(a.ping(b.address) and b.ping(a.address), "within nat")
    for one, other in ((a, c), (c, a), (c, d), (d, c)):
        check(not one.ping(other.address, timeout=0.3), f"{one.address} to {other.address}")
    check(a.ping(OUTSIDE) and c.ping(OUTSIDE), "both have a way out")
    check(not far.ping(a.address, timeout=0.3), "new from outside")
    # to the host
    page = Page(where, "0.0.0.0", 8080)
    names = Page(where, "0.0.0.0", 53)
    check(a.fetch(a.gateway, 8080), "guest_to_host")
    check_equal(c.fetch(c.gateway, 8080, timeout=0.5), None, "no guest_to_host")
    check(c.fetch(c.gateway, 53) and c.ping(c.gateway), "DNS and ping without guest_to_host")
    check(page.seen and names.seen, "pages")
    # what the host asks of a guest is answered
    served = Page(c, c.address, 80)
    check(where.fetch(c.address), "the host reaches its guest")
    check_equal(served.seen, [c.gateway], "who asked")


@test("net-firewall-exits")
def exits():
    """A named uplink is the only one; none is none; the fence stands."""
    where = host()
    far, other = outside(where), outside(where, "up1", "203.0.113", "198.51.100.9")
    where.ip("route add default via 192.0.2.1")
    where.ip("route add 198.51.100.9/32 via 203.0.113.1")
    for netns, gateway in ((far, "192.0.2.2"), (other, "203.0.113.2")):
        netns.ip(f"route add default via {gateway}")
    named = "named,uplink=up1"
    none = "none,subnet=192.168.79.0/24,uplink=none"
    a, b = Guest(where, named, 3), Guest(where, none, 3)
    probe("ensure", named, none)
    check(far.ping("198.51.100.9"), "uplinks forward between each other without a fence")
    check(a.ping("198.51.100.9"), "the named uplink")
    check(not a.ping(OUTSIDE, timeout=0.3), "another uplink")
    check(not b.ping(OUTSIDE, timeout=0.3) and not b.ping("198.51.100.9", timeout=0.3), "none")
    check(b.ping(b.gateway), "the gateway of none")
    probe("ensure", named, none, "fence=up0", "fence=up1")
    check(not far.ping("198.51.100.9", timeout=0.3), "the fence")
    check(a.ping("198.51.100.9"), "guests cross the fence")
    # a bridge made later is its maker's business
    later = Netns("later")
    cable(where, "docker0", later, "eth0")
    where.ip("addr add 172.17.0.1/16 dev docker0")
    later.ip("addr add 172.17.0.2/16 dev eth0")
    later.ip("route add default via 172.17.0.1")
    far.ip("route replace 172.17.0.0/16 via 192.0.2.2")
    check(later.ping(OUTSIDE), "one made later forwards")


@test("net-firewall-neighbours")
def neighbours():
    """A guest causes one neighbour entry, its own."""
    where = host()
    a = Guest(where, NAT, 3)
    probe("ensure", NAT)
    capture = Capture(a, "eth0")
    for number in range(2, 250):
        forged = f"192.168.77.{number}"
        for operation in (1, 2):
            a.send(packets.arp(operation, a.mac, forged, "00:00:00:00:00:00", a.gateway),
                   kind=ETH_ARP, destination=BROADCAST)
    a.send(packets.arp(1, a.mac, "10.1.1.1", "00:00:00:00:00:00", a.gateway), kind=ETH_ARP,
           destination=BROADCAST)
    eventually(lambda: seen(capture, lambda f: f.arp_operation == 2), what="the answer to its own")
    entries = json.loads(where.ip(f"-j neigh show dev {a.tap}"))
    check_equal([entry["dst"] for entry in entries], [a.address], "neighbours")
    # a probe for an address in use is answered (RFC 5227)
    count = len(seen(capture, lambda f: f.arp_operation == 2))
    a.send(packets.arp(1, a.mac, "0.0.0.0", "00:00:00:00:00:00", a.gateway), kind=ETH_ARP,
           destination=BROADCAST)
    eventually(lambda: len(seen(capture, lambda f: f.arp_operation == 2)) > count,
               what="the answer to a probe")
    check(a.ping(a.gateway), "the true address")


@test("net-firewall-dhcp-copy")
def dhcp_copy():
    """The stack does not answer a renewal with "port unreachable"."""
    where = host()
    a = Guest(where, NAT, 3)
    tap = Capture(where, a.tap)
    capture = Capture(a, "eth0")
    renewal = packets.udp(a.address, a.gateway, 68, 67, packets.dhcp(a.mac, packets.REQUEST))
    a.send(renewal)
    eventually(lambda: seen(capture, lambda f: f.icmp_type == 3), what="port unreachable before")
    time.sleep(1.1)  # the kernel sends one a second
    probe("ensure", NAT)
    count = len(seen(capture, lambda f: f.icmp_type == 3))
    before = len(seen(tap, lambda f: f.dport == 67))
    a.send(renewal)
    a.send(packets.udp("0.0.0.0", "255.255.255.255", 68, 67,
                       packets.dhcp(a.mac, packets.DISCOVER)), destination=BROADCAST)
    eventually(lambda: len(seen(tap, lambda f: f.dport == 67)) == before + 2,
               what="packet sockets see both")
    never(lambda: len(seen(capture, lambda f: f.icmp_type == 3)) > count, 0.4, "port unreachable")


@test("net-firewall-guard")
def guard():
    """Bridged ports: no DHCP server, router, tag, control frame or foreign MAC."""
    where = host()
    where.ip("link add br0 type bridge")
    where.ip("link set br0 up")
    guest, lan = Netns("guest"), Netns("lan")
    cable(where, "tsguest0", guest, "eth0")
    cable(where, "up0", lan, "eth0")
    group = probe("slot", LAN, "0")["group"]
    where.ip(f"link set tsguest0 group {group}")
    for link in ("tsguest0", "up0"):
        where.ip(f"link set {link} master br0")
    mac = mac_of(guest, "eth0")
    raw = guest.socket(17, 3, 0)
    with Inside(guest):
        raw.bind(("eth0", 0))
    capture = Capture(lan, "eth0")
    offer = packets.udp("192.0.2.66", "255.255.255.255", 67, 68,
                        packets.dhcp(mac, packets.OFFER, op=2))
    # RFC 8415 section 8: an ADVERTISE; RFC 4861 section 4.5: a redirect
    advertise = packets.ipv6("fe80::1", "ff02::1", 17, b"\x02\x23\x02\x22\x00\x0c\0\0\x02\0\0\0")
    redirect = packets.ipv6("fe80::1", "ff02::1", 58, b"\x89" + bytes(39))
    # RA guards were evaded by a header in front (RFC 7113)
    hidden = packets.router_advertisement("fe80::1", mac, "fd00::")[40:]
    hidden = packets.ipv6("fe80::1", "ff02::1", 60, b"\x3a\0\x01\x04\0\0\0\0" + hidden)
    tagged = b"\0\x05\x08\0" + packets.udp("192.0.2.66", "192.0.2.1", 5, 5, b"tagged")
    harmless = packets.udp("192.0.2.66", "192.0.2.1", 68, 67, b"harmless")
    bad = {
        "DHCP offer": (ETH_IP, offer, mac, BROADCAST),
        "router advertisement": (
            ETH_IPV6, packets.router_advertisement("fe80::1", mac, "fd00::"), mac,
            "33:33:00:00:00:01"),
        "hidden router advertisement": (ETH_IPV6, hidden, mac, "33:33:00:00:00:01"),
        "redirect": (ETH_IPV6, redirect, mac, "33:33:00:00:00:01"),
        "DHCPv6 server": (ETH_IPV6, advertise, mac, "33:33:00:00:00:01"),
        "802.1Q": (0x8100, tagged, mac, BROADCAST),
        "802.1ad": (0x88A8, tagged, mac, BROADCAST),
        "spanning tree": (0x0027, b"\x42\x42\x03" + bytes(36), mac, "01:80:c2:00:00:00"),
        "other control": (ETH_IP, harmless, mac, "01:80:c2:00:00:0d"),
    }

    def arrived(netns_capture, payload):
        # packet sockets tell of a tag beside the frame
        return any(payload[4:40] in frame.data for frame, outgoing in netns_capture.read())

    def send(kind, payload, source, destination):
        capture.read()
        capture.frames.clear()
        raw.send(packets.ethernet(source, destination, kind, payload))

    def passes(frame, wait=1.0):
        send(*frame)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if arrived(capture, frame[1]):
                return True
            time.sleep(0.01)
        return False

    # without the guard the harness does see them
    for name in ("DHCP offer", "router advertisement", "hidden router advertisement", "redirect",
                 "DHCPv6 server", "spanning tree", "802.1Q", "802.1ad"):
        check(passes(bad[name]), f"{name} without a guard")
    probe("ensure", LAN)
    for name, frame in bad.items():
        check(not passes(frame, 0.2), f"{name} passed")
    good = (ETH_IP, harmless, mac, BROADCAST)
    check(passes(good), "a harmless frame")
    forged = (ETH_IP, harmless, "52:54:00:00:00:99", BROADCAST)
    check(passes(forged), "any MAC while none is known")
    probe("guard", "tsguest0", mac, "0")
    check(passes(good), "the known MAC")
    check(not passes(forged, 0.2), "a foreign MAC passed")
    probe("forget", "tsguest0", mac)
    check(passes(forged), "forgotten")
    # the LAN's own servers are the LAN's business
    lan_raw = lan.socket(17, 3, 0)
    with Inside(lan):
        lan_raw.bind(("eth0", 0))
    inner = Capture(guest, "eth0")
    lan_raw.send(packets.ethernet(mac_of(lan, "eth0"), BROADCAST, ETH_IP, offer))
    eventually(lambda: seen(inner, lambda f: f.dport == 68), what="the LAN's DHCP offer")


@test("net-firewall-control-frames")
def control_frames():
    """IP or ARP in a frame to a bridge group address does not reach the host,
    with spanning tree (which makes another way through the bridge) or without."""
    where = host()
    where.ip("link add br0 type bridge")
    where.ip("link set br0 up")
    guest = Netns("guest")
    cable(where, "tsguest0", guest, "eth0")
    where.ip(f"link set tsguest0 group {probe('slot', LAN, '0')['group']}")
    where.ip("link set tsguest0 master br0")
    where.ip("addr add 192.0.2.2/24 dev br0")
    sysctl("net.ipv4.conf.all.rp_filter", 0)
    sysctl("net.ipv4.conf.tsguest0.rp_filter", 0)
    raw = guest.socket(17, 3, 0)
    with Inside(guest):
        raw.bind(("eth0", 0))
    local = where.socket(2, 2)
    local.bind(("0.0.0.0", 7777))
    local.settimeout(0.5)
    mac = mac_of(guest, "eth0")
    packet = packets.udp("192.0.2.66", "192.0.2.2", 5000, 7777, b"by the back door")

    def received(last):
        raw.send(packets.ethernet(mac, f"01:80:c2:00:00:{last:02x}", ETH_IP, packet))
        try:
            return local.recvfrom(100)
        except TimeoutError:
            return None

    for state in (0, 1):
        where.ip(f"link set br0 type bridge stp_state {state} forward_delay 2")
        probe("withdraw")
        if state:
            eventually(lambda: "forwarding" in where.run("bridge", "link"), what="spanning tree",
                       timeout=20)
        check(received(0x0e), "without the guard the stack takes it")
        probe("ensure", LAN)
        local.settimeout(0.2)
        for last in range(16):
            check_equal(received(last), None, f"frame to :{last:02x}")
            raw.send(packets.ethernet(
                mac, f"01:80:c2:00:00:{last:02x}", ETH_ARP,
                packets.arp(1, mac, "192.0.2.66", "00:00:00:00:00:00", "192.0.2.2")))
        check_equal(json.loads(where.ip("-j neigh show dev tsguest0")), [], "neighbours")


@test("net-firewall-bridge-of-the-host")
def bridge_of_the_host():
    """A bridge is no port: the LAN and the guests on it reach the host, which
    has its address there, and forwarding by it is nobody's business."""
    where = host()
    where.ip("link add br0 type bridge")
    where.ip("link set br0 up")
    guest, lan = Netns("guest"), Netns("lan")
    cable(where, "tsguest0", guest, "eth0")
    cable(where, "up0", lan, "eth0")
    group = int(probe("slot", LAN, "0")["group"])
    where.ip(f"link set tsguest0 group {group}")
    where.ip(f"link set br0 group {group & 0xFFFFFF | 0x75000000}")  # pool/segment.h
    for link in ("tsguest0", "up0"):
        where.ip(f"link set {link} master br0")
    where.ip("addr add 192.0.2.2/24 dev br0")
    lan.ip("addr add 192.0.2.1/24 dev eth0")
    lan.ip(f"addr add {OUTSIDE}/32 dev lo")
    guest.ip("addr add 192.0.2.66/24 dev eth0")
    where.ip("route add default via 192.0.2.1")
    routed = Guest(where, NAT, 3)
    probe("ensure", NAT, LAN)
    page = Page(where, HOST_ADDRESS, 8080)
    for netns in (lan, guest):
        check(netns.fetch(HOST_ADDRESS, 8080), f"{netns.name} reaches the host")
    check(guest.ping("192.0.2.1") and lan.ping("192.0.2.66"), "the guest and the LAN")
    check(routed.ping(OUTSIDE), "a routed guest leaves by the bridge")
    check(lan.fetch(HOST_ADDRESS, 8080, source=OUTSIDE), "from beyond the LAN")
    check(page.seen, "page")


@test("net-firewall-fence-and-bridges")
def fence_and_bridges():
    """br_netfilter shows frames within a bridge as forwarded packets. The
    fence stands between interfaces, not within one."""
    where = host()
    one, two, far = Netns("one"), Netns("two"), Netns("far")
    where.ip("link add virbr7 type bridge")
    where.ip("link set virbr7 up")
    for netns, link in ((one, "tenant0"), (two, "tenant1")):
        cable(where, link, netns, "eth0")
        where.ip(f"link set {link} master virbr7")
    cable(where, "up0", far, "eth0")
    where.ip("addr add 192.0.2.2/24 dev up0")
    where.ip("addr add 203.0.113.1/24 dev virbr7")
    one.ip("addr add 203.0.113.2/24 dev eth0")
    two.ip("addr add 203.0.113.3/24 dev eth0")
    far.ip("addr add 192.0.2.1/24 dev eth0")
    one.ip("route add default via 203.0.113.1")
    far.ip("route add default via 192.0.2.2")
    where.run("sh", "-c", "modprobe -q br_netfilter || true")  # built in, or a module
    where.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1",
              "net.ipv4.ip_forward=1")
    check(one.ping("203.0.113.3") and one.ping("192.0.2.1"), "before the fence")
    probe("ensure", NAT, "fence=virbr7", "fence=tenant0", "fence=tenant1", "fence=up0")
    check(one.ping("203.0.113.3"), "two hosts on one bridge")
    check(not one.ping("192.0.2.1", timeout=0.3), "from the bridge to the uplink")
    check(not far.ping("203.0.113.2", timeout=0.3), "from the uplink to the bridge")


@test("net-firewall-missing")
def missing():
    """Without nf_tables' rights: one line that says so."""
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", PROBE, "ensure", NAT],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(done.returncode != 0, "refused")
    check_equal(len(done.stderr.splitlines()), 1, "lines")
    check_in("Operation not permitted", done.stderr)
    check(os.path.exists(PROBE), "the probe was built")
