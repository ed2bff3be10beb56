# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/firewall alone: IPv6, names, and shared segments."""

import socket
import struct

import packets
from firewall import HOST_ADDRESS, NAT, QUIET, Guest, host6, mac_of, outside6, probe, seen
from packets import BROADCAST, ETH_ARP, ETH_IP, ETH_IPV6
from testing import check, check_equal, check_in, eventually, never, test
from world import HOST6, OUTSIDE, OUTSIDE6, Capture, Echo, Inside, Netns, Page, cable, sysctl

PREFIX_A, PREFIX_B, PREFIX_C = "fd00:1:2:1", "fd00:1:2:2", "fd00:1:2:3"
DUAL, QUIET6 = NAT + ",masquerade6=1", QUIET + ",masquerade6=1"
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
MLD_REPORT, REDIRECT, MLD2_REPORT = 131, 137, 143


def listener6(netns, *types):
    """What ICMPv6 of these types the stack takes in."""
    found = netns.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    allowed = bytearray(b"\xff" * 32)  # ICMP6_FILTER: a bit blocks
    for kind in types:
        allowed[kind // 8] &= ~(1 << kind % 8)
    words = b"".join(struct.pack("=I", int.from_bytes(allowed[at:at + 4], "little"))
                     for at in range(0, 32, 4))
    found.setsockopt(socket.IPPROTO_ICMPV6, 1, words)
    found.settimeout(0.3)
    return found


def heard(listener):
    """(type, source) of all that came so far."""
    found = set()
    try:
        while True:
            data, where = listener.recvfrom(2000)
            found.add((data[0], where[0].partition("%")[0]))
    except TimeoutError:
        return found


def redirect(source, target):
    """RFC 4861 section 4.5."""
    body = bytes(4) + packets.ip6_bytes(target) + packets.ip6_bytes(OUTSIDE6)
    return packets.icmp6(source, ALL_NODES, REDIRECT, body)


@test("net-firewall-sources6")
def sources6():
    """A forged source dies at the port; what a guest without an address must send
    passes, and so does what is link-local."""
    where = host6()
    far = outside6(where)
    far.ip(f"-6 route add fd00::/16 via {HOST6}")
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    probe("ensure", DUAL)
    captures = [Capture(far, "eth0"), Capture(b, "eth0")]
    local = where.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    local.bind(("::", 7777))
    local.settimeout(0.5)

    def marked(frame):
        return frame.payload and b"forged" in frame.payload

    for source in (b.address6, a.gateway6, PREFIX_A + "::", HOST6, OUTSIDE6, PREFIX_C + "::5",
                   "::1", "::", "::ffff:192.0.2.1", "ff02::1"):
        for destination in (OUTSIDE6, b.address6, a.gateway6, HOST6, "fe80::1"):
            a.send(packets.udp6(source, destination, 5000, 7777, b"forged"), ETH_IPV6)
    never(lambda: [frame for c in captures for frame in seen(c, marked)], 0.5, "forged packet")
    try:
        check(False, f"the host got {local.recvfrom(100)}")
    except TimeoutError:
        pass
    for source, destination in ((a.address6, HOST6), ("fe80::99", "fe80::1")):
        a.send(packets.udp6(source, destination, 5000, 7777, b"true"), ETH_IPV6)
        check_equal(local.recvfrom(100)[1][0].partition("%")[0], source, "a true source")
    # link-local sources do not leave
    a.send(packets.udp6("fe80::99", OUTSIDE6, 5000, 7777, b"forged"), ETH_IPV6)
    never(lambda: [frame for c in captures for frame in seen(c, marked)], 0.3, "link-local")
    # duplicate address detection of the host's own address is answered
    capture = Capture(a, "eth0")
    a.claim(a.gateway6)
    eventually(lambda: seen(capture, lambda f: f.icmp_type == packets.NEIGHBOUR_ADVERTISEMENT and
                            f.dst == ALL_NODES), what="the host defends its address")


@test("net-firewall-neighbours6")
def neighbours6():
    """A guest with a whole /64 takes up little room in the host's table of
    neighbours, by its own addresses or its neighbour's; a stream is not slowed."""
    where = host6()
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    c = Guest(where, NAT, 5).ipv6(PREFIX_C, where)
    probe("ensure", DUAL)
    for number in range(2000):
        source = f"{PREFIX_A}::1:{number:x}"
        a.send(packets.udp6(source, a.gateway6, 5, 7, b"who?"), ETH_IPV6)
        a.send(packets.neighbour_solicitation(source, a.gateway6, a.mac), ETH_IPV6,
               destination=packets.multicast_mac(packets.solicited_node(a.gateway6)))
        b.send(packets.udp6(b.address6, f"{PREFIX_C}::1:{number:x}", 5, 7, b"who?"), ETH_IPV6)
    count = len(where.ip("-6 neigh show").splitlines())
    check(10 < count < 300, f"{count} neighbours")
    check(c.ping(c.gateway6), "others go on")
    # its own address may be new, and what is new is counted
    eventually(lambda: a.ping(c.address6), what="it goes on itself")
    capture = Capture(c, "eth0")
    for _ in range(1000):
        a.send(packets.udp6(a.address6, c.address6, 5, 9, b"stream"), ETH_IPV6)
    eventually(lambda: len(seen(capture, lambda f: f.dport == 9)) == 1000, what="the whole stream")


@test("net-firewall-guests-routers")
def routers():
    """Guests' router advertisements and redirects die, even where guests may reach
    the host; solicitations and reports do not, even where they may not."""
    where = host6()
    a = Guest(where, QUIET, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 3).ipv6(PREFIX_B, where)
    sysctl(f"net.ipv6.conf.{a.tap}.accept_ra", 2)
    sysctl(f"net.ipv6.conf.{b.tap}.accept_ra", 2)
    bad, good = (packets.ROUTER_ADVERTISEMENT, REDIRECT), (
        packets.ROUTER_SOLICITATION, packets.NEIGHBOUR_SOLICITATION, MLD_REPORT, MLD2_REPORT)
    listener = listener6(where, *bad, *good, packets.ECHO6)

    def send():
        for guest in (a, b):
            for packet in (packets.router_advertisement("fe80::99", guest.mac, "fd00:bad::"),
                           redirect("fe80::99", HOST6),
                           packets.router_solicitation(), packets.router_solicitation("fe80::99"),
                           packets.icmp6("::", ALL_NODES, MLD_REPORT, bytes(20)),
                           packets.icmp6("fe80::99", ALL_NODES, MLD2_REPORT, bytes(4)),
                           packets.icmp6("::", ALL_NODES, packets.ECHO6, bytes(8))):
                guest.send(packet, ETH_IPV6, destination=packets.multicast_mac(ALL_ROUTERS))
            guest.claim(guest.gateway6)

    send()
    before = {kind for kind, _ in heard(listener)}
    check(set(bad) <= before and set(good) <= before, f"without the rules: {before}")
    eventually(lambda: "fd00:bad::" in where.ip("-6 route show"), what="the harness works")
    probe("ensure", DUAL, QUIET6)
    heard(listener)
    send()
    after = heard(listener)
    check_equal({kind for kind, _ in after}, set(good), "types")
    for kind, source in ((packets.ROUTER_SOLICITATION, "::"),
                         (packets.ROUTER_SOLICITATION, "fe80::99"), (MLD_REPORT, "::"),
                         (MLD2_REPORT, "fe80::99"), (packets.NEIGHBOUR_SOLICITATION, "::")):
        check((kind, source) in after, f"type {kind} from {source}")
    check(a.ping(a.gateway6) and a.ping("fe80::1%eth0"), "ping without guest_to_host")
    # to the host: what the network grants
    page, names = Page(where, "::", 8080), Page(where, "::", 53)
    check(b.fetch(b.gateway6, 8080), "guest_to_host")
    check_equal(a.fetch(a.gateway6, 8080, timeout=0.5), None, "no guest_to_host")
    check(a.fetch(a.gateway6, 53), "DNS without guest_to_host")
    check(page.seen and names.seen, "pages")


@test("net-firewall-nat66")
def nat66():
    """Out as the host, or with its own address, and nothing in but answers."""
    where = host6()
    far = outside6(where)
    routable = "routable,subnet=192.168.80.0/24"
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    c = Guest(where, QUIET, 3).ipv6(PREFIX_C, where)
    d = Guest(where, routable, 3).ipv6("2001:db8:2:1", where)
    far.ip(f"-6 route add 2001:db8:2::/48 via {HOST6}")
    far.ip(f"-6 route add fd00::/16 via {HOST6}")
    probe("ensure", DUAL, QUIET6, routable)
    page = Page(far, "::")
    check_in(HOST6, a.fetch(OUTSIDE6) or "", "who asked")
    check_in(d.address6, d.fetch(OUTSIDE6) or "", "who asked without masquerade")
    check(a.ping(OUTSIDE6) and c.ping(OUTSIDE6) and d.ping(OUTSIDE6), "ICMPv6")
    check(a.ping(b.address6) and b.ping(a.address6), "within a network")
    for one, other in ((a, c), (c, a), (d, a), (a, d), (far, a), (far, d)):
        check(not one.ping(other.address6, timeout=0.3), f"{one.name} to {other.address6}")
    inside = Page(b, b.address6)
    check_in(a.address6, a.fetch(b.address6) or "", "no masquerade between guests")
    check(where.fetch(b.address6), "the host reaches its guest")
    check(page.seen and inside.seen, "both pages")
    capture = Capture(far, "eth0")
    for port in (53, 8080, 32767, 32768, 40000):
        a.send(packets.udp6(a.address6, OUTSIDE6, port, 7, b"port %d" % port), ETH_IPV6)
    frames = eventually(lambda: len(found := seen(capture, lambda f: f.dport == 7)) == 5 and found,
                        what="five datagrams")
    for frame in frames:
        asked = int(frame.payload[8:].split()[1])
        check_equal(frame.src, HOST6, "source")
        check(frame.sport >= 32768, f"port {asked} became {frame.sport}")
        check(asked < 32768 or frame.sport == asked, f"port {asked} became {frame.sport}")


@test("net-firewall-fence6")
def fence6():
    """The fences of both families stand alone."""
    where = host6()
    far = outside6(where)
    other = Netns("other")
    cable(where, "up1", other, "eth0")
    where.ip("addr add 203.0.113.2/24 dev up1")
    where.ip("addr add 2001:db8:9::2/64 dev up1 nodad")
    other.ip("addr add 203.0.113.1/24 dev eth0")
    other.ip("addr add 2001:db8:9::1/64 dev eth0 nodad")
    other.ip("route add default via 203.0.113.2")
    other.ip("-6 route add default via 2001:db8:9::2")
    far.ip(f"route add default via {HOST_ADDRESS}")
    far.ip(f"-6 route add default via {HOST6}")
    for arguments, four, six in (((), True, True), (("fence=up0", "fence=up1"), False, True),
                                 (("fence6=up0", "fence6=up1"), True, False)):
        probe("ensure", *arguments)
        for address, passes in ((OUTSIDE, four), (OUTSIDE6, six)):
            found = other.ping(address, timeout=3 if passes else 0.4)
            check_equal(found, passes, f"{address} with {arguments}")


@test("net-firewall-names")
def names():
    """Port 53 of a gateway is port 54 for who belongs to it; what listens on port
    53 for everybody is reached as before, and nobody else reaches port 54."""
    where = host6()
    far = outside6(where)
    named = NAT + ",dns=1,masquerade6=1,subnet6=fd00:7::/48"
    other = "other,subnet=192.168.79.0/24,masquerade6=1"
    caged = QUIET + ",dns=1,masquerade6=1,subnet6=fd00:8::/48"
    a = Guest(where, named, 3).ipv6(PREFIX_A, where)
    b = Guest(where, other, 3).ipv6(PREFIX_B, where)
    c = Guest(where, caged, 3).ipv6(PREFIX_C, where)
    a.resolver6, c.resolver6 = "fd00:7::1", "fd00:8::1"
    for guest in (a, c):
        where.ip(f"addr add {guest.resolver6}/128 dev {guest.tap} nodad")
    probe("ensure", named, other, caged)
    for kind in (Page, Echo):
        for address in ("0.0.0.0", "::"):
            kind(where, address, 53, "everybody's")
        for guest in (a, c):
            for address in (guest.gateway, guest.resolver6):
                kind(where, address, 54, "ours")
    far.ip(f"route add 192.168.0.0/16 via {HOST_ADDRESS}")
    far.ip(f"-6 route add fd00::/16 via {HOST6}")

    def asks(netns, address, port=53):
        return [netns.fetch(address, port, timeout=0.5) or "",
                netns.fetch_udp(address, port, timeout=0.5, tries=1) or ""]

    def check_asks(text, netns, address, port=53):
        for answer in asks(netns, address, port):
            check_in(text, answer, f"{netns.name} asks {address} port {port}")

    for guest in (a, c):
        check_asks("ours", guest, guest.gateway)
        check_asks("ours", guest, guest.resolver6)
    for address in (a.gateway, a.resolver6):
        check_asks("ours", where, address)
        check_asks("ours", where, address, 54)
    check_asks("everybody's", a, a.gateway6)
    check_asks("everybody's", a, HOST_ADDRESS)
    check_asks("everybody's", a, HOST6)
    check_asks("everybody's", b, b.gateway)
    check_asks("everybody's", b, b.gateway6)
    check_asks("everybody's", where, "127.0.0.1")
    check_asks("everybody's", far, HOST_ADDRESS)
    for netns in (far, b):
        for address in (a.gateway, a.resolver6, c.gateway, c.resolver6):
            check_equal(asks(netns, address, 54), ["", ""], f"{netns.name} to {address} port 54")
    # port 54 of an address that is not a gateway is somebody else's
    for address in (HOST_ADDRESS, HOST6):
        Page(where, address, 54, "their own")
        check_in("their own", far.fetch(address, 54) or "", f"{address} port 54")
    # a forward of port 53 does not take a network's names away
    probe("forward", "0", a.forward(protocol="udp", port=53, to=53, any=1))
    check_in("ours", a.fetch_udp(a.gateway, 53) or "", "names beside a forward of port 53")


class Flat:
    """A shared segment: a bridge of ours and two guests on taps of its group."""

    def __init__(self, where, network, bridge="tbflat"):
        self.bridge, self.guests = bridge, []
        self.group = probe("slot", network, "0")["group"]
        where.ip(f"link add {bridge} type bridge")
        where.ip(f"link set {bridge} group {self.group} up")
        where.ip(f"addr add 192.168.90.1/24 dev {bridge}")
        where.ip(f"addr add {PREFIX_C}::1/64 dev {bridge} nodad")
        for number in (10, 11):
            guest = Netns(f"flat{number}")
            tap = probe("slot", network, str(number - 10))["tap"]
            cable(where, tap, guest, "eth0")
            where.ip(f"link set {tap} group {self.group} master {bridge}")
            guest.address, guest.address6 = f"192.168.90.{number}", f"{PREFIX_C}::{number}"
            guest.ip(f"addr add {guest.address}/24 dev eth0")
            guest.ip(f"addr add {guest.address6}/64 dev eth0 nodad")
            guest.ip("route add default via 192.168.90.1")
            guest.ip(f"-6 route add default via {PREFIX_C}::1")
            guest.mac, guest.tap = mac_of(guest, "eth0"), tap
            guest.raw = guest.socket(17, 3, 0)
            with Inside(guest):
                guest.raw.bind(("eth0", 0))
            self.guests.append(guest)


@test("net-firewall-shared")
def shared():
    """Guests on a bridge of ours: the guard at their taps, DHCP to a socket of the
    host's, any address of the subnet, no forged one, and names and forwards."""
    where = host6()
    far = outside6(where)
    network = "flat,subnet=192.168.90.0/24,bridge=tbflat,masquerade6=1,dns=1"
    flat = Flat(where, network)
    a, b = flat.guests
    sysctl("net.bridge.bridge-nf-call-iptables", 1)
    sysctl("net.bridge.bridge-nf-call-ip6tables", 1)
    probe("ensure", network, NAT)
    outer = Guest(where, NAT, 3)
    check(a.ping(b.address) and a.ping(b.address6), "on the segment")
    check(a.ping("192.168.90.1") and a.ping(f"{PREFIX_C}::1"), "the gateway")
    check(a.ping(OUTSIDE) and a.ping(OUTSIDE6), "out")
    check(not a.ping(outer.address, timeout=0.3), "another network")
    page = Page(far, "0.0.0.0")
    check_in(HOST_ADDRESS, a.fetch(OUTSIDE) or "", "masqueraded")
    # DHCP: an ordinary socket, without an address and with one
    server = where.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 67))
    server.settimeout(0.5)
    a.raw.send(packets.ethernet(a.mac, BROADCAST, ETH_IP,
                                packets.udp("0.0.0.0", "255.255.255.255", 68, 67,
                                            packets.dhcp(a.mac, packets.DISCOVER))))
    check_equal(server.recvfrom(1000)[1], ("0.0.0.0", 68), "a client without an address")
    renewal = a.socket(socket.AF_INET, socket.SOCK_DGRAM)
    renewal.bind((a.address, 68))
    renewal.sendto(packets.dhcp(a.mac, packets.REQUEST), ("192.168.90.1", 67))
    eventually(lambda: server.recvfrom(1000)[1][0] == a.address, what="a renewal")
    # nobody's: forged, a server's, a router's
    outer_capture, inner = Capture(far, "eth0"), Capture(b, "eth0")

    def marked(frame):
        return frame.payload and b"forged" in frame.payload

    gateway_mac = mac_of(where, flat.bridge)
    for source in (OUTSIDE, HOST_ADDRESS, "192.168.90.1", "10.1.2.3", outer.address):
        a.raw.send(packets.ethernet(a.mac, gateway_mac, ETH_IP,
                                    packets.udp(source, OUTSIDE, 5, 7, b"forged")))
    for source in (OUTSIDE6, HOST6, f"{PREFIX_C}::1", "2001:db8:77::1"):
        a.raw.send(packets.ethernet(a.mac, gateway_mac, ETH_IPV6,
                                    packets.udp6(source, OUTSIDE6, 5, 7, b"forged")))
    a.raw.send(packets.ethernet(a.mac, BROADCAST, ETH_IP, packets.udp(
        a.address, "255.255.255.255", 67, 68, b"forged")))
    a.raw.send(packets.ethernet(a.mac, packets.multicast_mac(ALL_NODES), ETH_IPV6,
                                packets.router_advertisement("fe80::99", a.mac, "fd00:bad::")))
    never(lambda: seen(outer_capture, marked) or seen(inner, marked), 0.4, "forged packet")
    check("fd00:bad" not in b.ip("-6 route show") + where.ip("-6 route show"), "an advertisement")
    # ARP: a probe and any sender are answered
    count = len(seen(inner, lambda f: f.arp_operation == 2))
    b.raw.send(packets.ethernet(b.mac, BROADCAST, ETH_ARP, packets.arp(
        1, b.mac, "192.168.90.200", "00:00:00:00:00:00", "192.168.90.1")))
    eventually(lambda: len(seen(inner, lambda f: f.arp_operation == 2)) > count, what="ARP answer")
    # names and forwards
    Page(where, "192.168.90.1", 54, "ours")
    check_in("ours", a.fetch("192.168.90.1", 53) or "", "names")
    probe("forward", "0", f"forward={a.tap},guest={a.address},port=8080,any=1")
    Page(a, "0.0.0.0")
    for netns, address in ((far, HOST_ADDRESS), (b, "192.168.90.1"), (b, HOST_ADDRESS),
                           (where, HOST_ADDRESS)):
        check_in("the page", netns.fetch(address, 8080) or "", f"forward from {netns.name}")
    # br_netfilter would send it back by the port that it came from, where no bridge sends
    sysctl("net.bridge.bridge-nf-call-iptables", 0)
    for netns in (a, b):
        check_in("the page", netns.fetch("192.168.90.1", 8080) or "", "without br_netfilter")
    check(page.seen, "page")
