# SPDX-License-Identifier: LGPL-2.1-or-later
"""What guests and outside machines may try, and what must come of it: nothing."""

import json
import re
import socket
import struct
import threading
import time

import packets
from dns import DnsServer, look_up, query as dns_query
from guests import NetGuest, RawGuest
from packets import ETH_IP, ETH_IPV6
from status import CONFIG, EXHAUSTED
from testing import check, check_equal, check_in, eventually, test
from world import HOST, HOST6, OUTSIDE6, Capture, World

GATEWAY = "192.168.77.1"
ALL_NODES = "33:33:00:00:00:01"
MACS = [f"52:54:00:00:00:{number:02x}" for number in range(1, 10)]
OPT_FQDN = 81  # RFC 4702
DESTINATION_OPTIONS, FRAGMENT, ROUTING = 60, 44, 43


def guest_of(world, *arguments, name="guest", mac=packets.QEMU_MAC, **options):
    guest = NetGuest(world.port(*arguments, **options), name=name, mac=mac)
    guest.address, guest.address6 = guest.dhcp(), guest.slaac()
    return guest


def link_of(world, name):
    return json.loads(world.host.ip(f"-j link show {name}"))[0]


def sender(world, guest):
    """send(packet) puts a packet on the guest's wire, to the host unless told otherwise."""
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    link = link_of(world, guest.port.name)
    router = link_of(world, link.get("master", guest.port.name))["address"]

    def send(packet, to=None, kind=ETH_IPV6):
        card.send(packets.ethernet(guest.mac, to or router, kind, packet))
    return send


def shared(**changes):
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(segment="shared", grants={"mac": True, "address": True},
                                   **changes))
    return world


# --- IPv6

@test("net-attack-not-followed")
def not_followed():
    """Conntrack does not follow questions about neighbours and groups; they do not
    leave with the guest's own address."""
    world = World(ipv6=True)
    guest = guest_of(world)
    send, outside = sender(world, guest), Capture(world.host, "uplink0")
    for kind in (1, 2, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143, 200):
        send(packets.icmp6(guest.address6, OUTSIDE6, kind, bytes(4) + packets.ip6_bytes(OUTSIDE6),
                           hops=64))
    send(packets.ipv6(guest.address6, OUTSIDE6, 59, b"", hops=64))
    check(guest.ping(OUTSIDE6), "an echo passes")
    check_equal([(f.protocol, f.icmp_type) for f, out in outside.read()
                 if out and f.src == guest.address6], [], "left untranslated")


def fragments(source, destination, protocol, payload, number, cut):
    for at, more, part in ((0, 1, payload[:cut]), (cut, 0, payload[cut:])):
        yield packets.ipv6(source, destination, FRAGMENT,
                           struct.pack("!BBHI", protocol, 0, at | more, number) + part)


@test("net-attack-ipv6-disguised", timeout=60)
def disguised():
    """Answers to duplicate address detection in the host's name, advertisements and
    forged sources in fragments and behind extension headers, routing headers."""
    world = World(ipv6=True)
    guest, other = guest_of(world), guest_of(world, name="other")
    send = sender(world, guest)
    gateway, local = world.prefix6_of(guest.port) + "::1", guest.addresses6("eth0", "link")[0]

    def state():
        text = "".join(netns.ip(f"-6 {what} show") for netns in (world.host, other)
                       for what in ("addr", "route"))
        return re.sub(r"valid_lft.*|expires \S+", "", text)
    before, beside, outside = state(), Capture(other, "eth0"), Capture(world.host, "uplink0")
    for target in ("fe80::1", gateway, HOST6, other.address6):
        for source in (local, guest.address6):
            send(packets.neighbour_advertisement(source, "ff02::1", target, guest.mac), ALL_NODES)
            send(packets.neighbour_advertisement(source, "fe80::1", target, guest.mac))
        send(packets.neighbour_solicitation("::", target))
    advertisement = packets.router_advertisement(local, guest.mac, "fd66::")[40:]
    behind = struct.pack("!BBBBI", packets.ICMP6, 0, 1, 4, 0) + advertisement
    number = 0
    for target, mac in (("ff02::1", ALL_NODES), ("fe80::1", None), (other.address6, None)):
        for protocol, payload in ((packets.ICMP6, advertisement), (DESTINATION_OPTIONS, behind)):
            for number, cut in enumerate((8, 16, 48), number + 1):
                for part in fragments(local, target, protocol, payload, number, cut):
                    send(part, mac)
        for header in (0, DESTINATION_OPTIONS):
            send(packets.ipv6(local, target, header, behind), mac)
    for source in (other.address6, HOST6, "fe80::1", "::1", OUTSIDE6):
        datagram = packets.udp6(source, OUTSIDE6, 4444, 4444, bytes(64))[40:]
        for header in (0, DESTINATION_OPTIONS):
            send(packets.ipv6(source, OUTSIDE6, header,
                              struct.pack("!BBBBI", packets.UDP, 0, 1, 4, 0) + datagram))
        for part in fragments(source, OUTSIDE6, packets.UDP, datagram, 99, 16):
            send(part)
    datagram = packets.udp6(guest.address6, other.address6, 4444, 4444, b"routed")[40:]
    for kind in (0, 3, 4, 253):
        send(packets.ipv6(guest.address6, gateway, ROUTING,
                          struct.pack("!BBBBI", packets.UDP, 2, kind, 1, 0) +
                          packets.ip6_bytes(other.address6) + datagram))
    time.sleep(0.5)
    check_equal(state(), before, "addresses and routes")
    check_equal([f for f, out in outside.read() if out and
                 (f.dport == 4444 or f.protocol == FRAGMENT or b"\xfd\x66" in f.data)], [], "left")
    check_equal([f for f, out in beside.read() if not out and f.src in (local, guest.address6)], [],
                "reached another guest")
    check(guest.ping(gateway) and other.ping(OUTSIDE6) and other.ping(guest.address6), "the rest")


@test("net-attack-other-encapsulation")
def other_encapsulation():
    """IP behind a SNAP header does not pass the guard, whatever it carries."""
    world = shared()
    guest, other = guest_of(world, mac=MACS[0]), guest_of(world, mac=MACS[1], name="other")
    beside, card = Capture(other, "eth0"), guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    snap = (b"\xaa\xaa\x03\0\0\0\x86\xdd" +
            packets.router_advertisement("fe80::66", guest.mac, "fd66::"))
    for body in (snap, b"\x42\x42\x03" + bytes(40)):
        card.send(packets.ethernet(guest.mac, ALL_NODES, len(body), body))
    time.sleep(0.3)
    check_equal([f.data[14:17] for f, out in beside.read() if not out and f.kind < 0x600],
                [b"\x42\x42\x03"], "frames with a length that arrived")


@test("net-attack-shared-neighbours")
def shared_neighbours():
    """On a shared segment too, a guest takes up a part only of the host's table of
    neighbours: of those it pretends to be, and of those it sends to."""
    world = shared()
    guest = guest_of(world, mac=MACS[0])
    send, bridge = sender(world, guest), link_of(world, guest.port.name)["master"]
    prefix = world.host.addresses6(bridge)[0].rpartition("::")[0]

    def count():
        return len(json.loads(world.host.ip(f"-j -6 neigh show dev {bridge}")))
    for number in range(500):
        send(packets.neighbour_solicitation(f"{prefix}::1:{number:x}", f"{prefix}::1", guest.mac))
    for number in range(500):
        send(packets.udp6(guest.address6, f"{prefix}::2:{number:x}", 1, 9, b"x"))
    time.sleep(0.3)
    check(100 < count() < 450, f"{count()} neighbours of the bridge's")
    check(guest.ping(HOST6), "who is known already")


# --- names

def take_lease(guest, *options):
    """As RawGuest.lease(), with more options."""
    offer = guest.discover(options=list(options))
    check(offer, "no answer to DISCOVER")
    guest.dhcp_send(packets.REQUEST, [(packets.OPT_ADDRESS, packets.ip_bytes(offer.yiaddr)),
                                      (packets.OPT_SERVER, offer.options[packets.OPT_SERVER]),
                                      *options])
    answer = guest.dhcp_wait()
    check(answer and answer[0].kind == packets.ACK, "no answer to REQUEST")
    return answer[0].yiaddr


@test("net-attack-names", timeout=60)
def names():
    """A name that a guest gives itself by DHCP is none that machines look up unasked, no
    other VM's, and none of outside."""
    world = shared()
    world.outside.ip("addr add 192.0.2.53/32 dev lo")
    world.host.ip("route add 192.0.2.53/32 via 192.0.2.1")
    DnsServer(world.outside, "192.0.2.53", {"www.example.com": ["203.0.113.7"]})
    world.profile("web", {"network": "nat", "mac": MACS[0]})
    world.profile("db", {"network": "nat", "mac": MACS[1]})
    raw = RawGuest(world.port(), mac=MACS[5])
    web = guest_of(world, "--profile=web", mac=MACS[0], name="web")

    def says(text):
        address = take_lease(raw, (packets.OPT_HOSTNAME, text.encode()))
        take_lease(raw, (OPT_FQDN, b"\1\0\0" + text.encode()))
        return address

    def known(name):
        return look_up(world.host, GATEWAY, name)
    address = says("mine")
    eventually(lambda: known("mine.nat.internal") == [address], 3, "a name of its own")
    for label in ("wpad", "isatap", "localhost"):
        for text in (label, label.upper(), label + ".nat.internal", label + ".example.com"):
            says(text)
            for name in (label, label + ".nat.internal"):
                check_equal(known(name), [], f"{name}, for who says it is {text}")
        world.profile("unasked", {"network": "nat", "hostname": label.upper()})
        check_in(label.upper(), world.refused(CONFIG, "--profile=unasked"), "message")
        world.profile(label, {"network": "nat"})
        check_in("hostname", world.refused(CONFIG, f"--profile={label}"), "message")
    says("www.example.com")
    check_equal(known("www.example.com"), ["203.0.113.7"], "a name of outside")
    for text in ("web", "web.nat.internal"):
        says(text)
        check_equal(known("web.nat.internal"), [web.address], f"web, for who says it is {text}")
    # and a name that is taken before its VM runs goes to it
    says("db")
    database = guest_of(world, "--profile=db", mac=MACS[1], name="db")
    eventually(lambda: known("db.nat.internal") == [database.address], 3, "db")


@test("net-attack-leased-address", timeout=60)
def leased_address():
    """dnsmasq gave the addresses of free slots to guests that nobody knew: no name and no
    forward of a VM that comes later leads to them."""
    world = shared(pool={"offset": 10, "size": 6})
    raw = RawGuest(world.port(), mac=MACS[5])
    taken = set()
    for number in range(4):
        raw.address = None
        raw.lease(mac=f"52:54:00:00:09:{number:02x}")
        taken.add(raw.address)
    world.profile("web", {"network": "nat", "mac": MACS[0]})
    result = world.start("--profile=web")
    if result.status == 0:
        web = NetGuest(result.port, name="web", mac=MACS[0])
        address = web.dhcp()
        check(address not in taken, f"{address} is one of {taken}")
        eventually(lambda: look_up(world.host, GATEWAY, "web.nat.internal") == [address], 3, "web")
        web.close()
    for number in range(4, 8):  # all there are; the last find none
        raw.dhcp_send(packets.DISCOVER, mac=f"52:54:00:00:09:{number:02x}")
        offer = raw.dhcp_wait(timeout=0.5)
        if offer:
            raw.lease(mac=f"52:54:00:00:09:{number:02x}")
    world.profile("late", {"network": "nat", "mac": MACS[1]})
    world.refused(EXHAUSTED, "--profile=late")


# --- from outside

@test("net-attack-from-outside", timeout=60)
def from_outside():
    """A forward that is for the host and its guests alone, and the name server, however
    the outside calls itself and the host; one for everybody at no group's address."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(grants={"forwards": {"from": "host"}}))
    world.network("open", world.nat(subnet="10.99.0.0/24", grants={"forwards": {"from": "any"}}))
    ports = [{"host_port": 8080, "guest_port": 80, "protocol": "both"}]
    world.profile("web", {"network": "nat", "forwards": ports})
    world.profile("all", {"network": "open", "forwards": [{**ports[0], "host_port": 9090}]})
    web = guest_of(world, "--profile=web", name="web")
    everybody = guest_of(world, "--profile=all", name="all")
    gateway6 = world.prefix6_of(web.port) + "::1"
    card = world.outside.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("to-uplink0", 0))
    uplink, own = link_of(world, "uplink0")["address"], "02:00:00:00:00:99"
    seen = Capture(web, "eth0"), Capture(everybody, "eth0")
    question = dns_query("web.nat.internal")

    def send(kind, packet, to=uplink):
        card.send(packets.ethernet(own, to, kind, packet))
    for source in ("192.0.2.77", "127.0.0.1", HOST, GATEWAY, web.address, "10.99.0.1", "0.0.0.0"):
        for target in (HOST, GATEWAY, "127.0.0.1", web.address):
            for port in (8080, 80):
                send(ETH_IP, packets.tcp(source, target, 4000, port, 0x02))
                send(ETH_IP, packets.udp(source, target, 4000, port, b"outside"))
            for port in (53, 54):
                send(ETH_IP, packets.udp(source, target, 4000, port, question))
    for source in ("2001:db8:1::77", "::1", HOST6, gateway6, web.address6, "fe80::1", "fe80::99"):
        for target in (HOST6, gateway6, "::1", "fe80::1", web.address6):
            for port in (8080, 80):
                send(ETH_IPV6, packets.udp6(source, target, 4000, port, b"outside"))
            for port in (53, 54):
                send(ETH_IPV6, packets.udp6(source, target, 4000, port, question))
    for target, mac in (("192.0.2.255", packets.BROADCAST), ("255.255.255.255", packets.BROADCAST),
                        ("224.0.0.1", "01:00:5e:00:00:01")):
        send(ETH_IP, packets.udp("192.0.2.77", target, 4000, 9090, b"group"), mac)
    send(ETH_IPV6, packets.udp6("2001:db8:1::77", "ff02::1", 4000, 9090, b"group"), ALL_NODES)
    time.sleep(0.5)
    for capture in seen:
        # the host's own refusals to whom the outside claims to be do come
        check_equal([f for f, out in capture.read() if not out and
                     (f.dport in (80, 8080, 9090) or
                      f.protocol == packets.UDP and f.sport in (53, 54))], [], "what a guest got")
    # the captures do see what is let through
    send(ETH_IP, packets.udp("192.0.2.77", HOST, 4000, 9090, b"honest"))
    eventually(lambda: [f for f, _ in seen[1].read() if f.dport == 80], 2, "an honest one")


# --- what others go on having

@test("net-attack-floods", timeout=90)
def floods():
    """One guest sends questions of all kinds as fast as it can: another starts, with
    addresses and a name, in usual time."""
    world = World(ipv6=True)
    world.profile("web", {"network": "nat"})
    bad = guest_of(world, name="bad")
    send, prefix = sender(world, bad), world.prefix6_of(bad.port)
    local = bad.addresses6("eth0", "link")[0]
    stop = threading.Event()

    def flood():
        number = 0
        while not stop.is_set():
            number = (number + 1) % 50000
            send(packets.neighbour_solicitation("::", f"{prefix}::{number + 16:x}"),
                 "33:33:ff:00:00:01")
            send(packets.icmp6(local, "ff02::2", packets.ROUTER_SOLICITATION, bytes(4)),
                 "33:33:00:00:00:02")
            send(packets.udp("0.0.0.0", "255.255.255.255", 68, 67,
                             packets.dhcp(bad.mac, packets.DISCOVER)), packets.BROADCAST, ETH_IP)
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        began = time.monotonic()
        web = guest_of(world, "--profile=web", name="web")
        for kind, address in (("A", web.address), ("AAAA", web.address6)):
            eventually(lambda: look_up(web, GATEWAY, "web.nat.internal", kind) == [address], 5,
                       f"its {kind}")
        check(time.monotonic() - began < 8, f"{time.monotonic() - began:.1f} s")
    finally:
        stop.set()
        thread.join()


@test("net-attack-stream", timeout=60)
def stream():
    """Whoever goes on sending to a forward while its slot changes hands does not reach the
    next holder, not even one that takes the former's addresses."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(grants={"forwards": {"from": "any"}},
                                   pool={"offset": 10, "size": 1}))
    world.profile("web", {"network": "nat", "forwards": [
        {"protocol": "udp", "host_port": 8080, "guest_port": 80}]})
    web = guest_of(world, "--profile=web", name="web")
    capture, stop = Capture(web, "eth0"), threading.Event()
    senders = [(world.outside.socket(kind, socket.SOCK_DGRAM), address)
               for kind, address in ((socket.AF_INET, HOST), (socket.AF_INET6, HOST6))]

    def flow():
        while not stop.wait(0.002):
            for each, address in senders:
                try:
                    each.sendto(b"stream", (address, 8080))
                except OSError:
                    pass  # refused: nobody is there
    thread = threading.Thread(target=flow)
    thread.start()
    try:
        eventually(lambda: {f.kind for f, _ in capture.read() if f.dport == 80} ==
                   {ETH_IP, ETH_IPV6}, 3, "both families at the guest")
        web.close()
        for _ in range(3):
            thief = RawGuest(world.port(), address=web.address)
            found = thief.drain(0.2)
            thief.send(packets.ethernet(thief.mac, "33:33:ff:00:00:01", ETH_IPV6,
                                        packets.neighbour_solicitation("::", web.address6)))
            found += thief.drain(0.3)
            check_equal([f for f in found if f.dport in (80, 8080)], [], "the next holder got")
            thief.port.close()
    finally:
        stop.set()
        thread.join()
