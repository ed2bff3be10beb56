# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shared segments of masqueraded networks: guests on one bridge of tapster's, with
DHCP, names and routers by dnsmasq; and bridged networks that have addresses."""

import ipaddress
import json
import socket
import time

import packets
from dns import NXDOMAIN, ask, look_up, look_up_address
from guests import NetGuest, RawGuest
from packets import ETH_IP, ETH_IPV6
from status import BUSY, CONFIG, DENIED, EXHAUSTED
from testing import check, check_equal, check_in, eventually, test
from world import HOST6, OUTSIDE, OUTSIDE6, Capture, Netns, Page, World, cable, processes

GATEWAY = "192.168.77.1"
MACS = [f"52:54:00:00:00:{number:02x}" for number in range(1, 10)]


def shared(**changes):
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(segment="shared", **{"grants": {"mac": True, "address": True},
                                                        **changes}))
    return world


def guest_of(world, mac, *arguments, **options):
    guest = NetGuest(world.port(*arguments, **options), name="guest-" + mac[-2:], mac=mac)
    guest.address = guest.dhcp()
    guest.address6 = guest.slaac()
    return guest


def bridge_of(world, port):
    return json.loads(world.host.ip(f"-j link show {port.name}"))[0].get("master")


@test("net-shared-way-out", timeout=90)
def way_out():
    """An address by dnsmasq's DHCP, SLAAC, the gateway, the outside; on layer 2 the
    other guests."""
    world = shared()
    guests = [guest_of(world, mac) for mac in MACS[:3]]
    bridges = {bridge_of(world, guest.port) for guest in guests}
    check_equal(len(bridges), 1, "bridges")
    bridge = bridges.pop()
    check(bridge.startswith("tb"), f"bridge {bridge}")
    check_in(GATEWAY, " ".join(world.host.addresses(bridge)), "the bridge's address")
    check_equal(len({guest.address for guest in guests}), 3, "addresses")
    net = ipaddress.ip_network(world.host.addresses6(bridge)[0] + "/64", strict=False)
    check_equal(int(net.network_address) >> 64 & 0xFFFF, 0, "number of the segment's /64")
    for guest in guests:
        check(guest.address.startswith("192.168.77."), guest.address)
        check(ipaddress.ip_address(guest.address6) in net, f"{guest.address6} is in {net}")
        check_in(f"via {GATEWAY}", guest.ip("route show default"), "router")
        check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page")
        check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page by IPv6")
        check(guest.ping(GATEWAY), "the gateway")
        check(world.host.ping(guest.address) and world.host.ping(guest.address6),
              "the host reaches it")
        for other in guests:
            if other is not guest:
                check(guest.ping(other.address) and guest.ping(other.address6), "another guest")
                entry = json.loads(guest.ip(f"-j neigh show {other.address}"))[0]
                check_equal(entry["lladdr"], other.mac, "who answers ARP for it")


@test("net-shared-layer-2")
def layer2():
    """Broadcast and multicast reach the other guests; the host does not route them."""
    world = shared()
    one, two = guest_of(world, MACS[0]), guest_of(world, MACS[1])
    capture, outside = Capture(two, "eth0"), Capture(world.host, "uplink0")
    card = one.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    for target, mac in (("192.168.77.255", packets.BROADCAST), ("224.0.0.251", "01:00:5e:00:00:fb"),
                        ("255.255.255.255", packets.BROADCAST)):
        card.send(packets.ethernet(MACS[0], mac, ETH_IP,
                                   packets.udp(one.address, target, 5353, 5353, b"m")))
    eventually(lambda: len({f.dst for f, out in capture.read() if f.dport == 5353}) == 3, 2,
               "what the other guest got")
    check_equal([f for f, out in outside.read() if out and f.dport == 5353], [], "left the host")


@test("net-shared-names", timeout=90)
def names():
    """A MAC that the profile fixes has its slot's address and its name; names are
    answered as on routed networks."""
    world = shared()
    world.profile("web", {"network": "nat", "mac": MACS[0]})
    world.profile("db", {"network": "nat", "mac": MACS[1], "address": "192.168.77.50"}, user="bob")
    web = guest_of(world, MACS[0], "--profile=web")
    db = guest_of(world, MACS[1], "--profile=db", user="bob")
    check_equal(db.address, "192.168.77.50", "a fixed address")
    for asker in (web, db, world.host):
        for name, guest in (("web", web), ("db", db)):
            eventually(lambda: look_up(asker, GATEWAY, f"{name}.nat.internal") == [guest.address],
                       5, f"{name} asked by {asker.name}")
            check_equal(look_up_address(asker, GATEWAY, guest.address), [f"{name}.nat.internal"],
                        "PTR")
    db.close()
    eventually(lambda: (r := ask(web, GATEWAY, "db.nat.internal")) and r.status == NXDOMAIN, 5,
               "the name went with its VM", step=0.1)
    again = guest_of(world, MACS[1], "--profile=db", user="bob")
    check_equal(again.address, "192.168.77.50", "address of the second run")


@test("net-shared-dynamic")
def dynamic():
    """A MAC that nobody knows gets an address of the pool, and no fixed one's."""
    world = shared(pool={"offset": 10, "size": 3})
    world.profile("web", {"network": "nat", "mac": MACS[0], "address": "192.168.77.11"})
    web_port = world.port("--profile=web")
    one, two = guest_of(world, MACS[1]), guest_of(world, MACS[2])
    check_equal({one.address, two.address}, {"192.168.77.10", "192.168.77.12"}, "dynamic ones")
    web = NetGuest(web_port, name="web", mac=MACS[0])
    check_equal(web.dhcp(), "192.168.77.11", "the fixed one")


@test("net-shared-rogue-servers")
def rogue():
    """No guest is a DHCP server or a router to another, nor to the host."""
    world = shared()
    one, two = guest_of(world, MACS[0]), guest_of(world, MACS[1])
    capture = Capture(two, "eth0")
    card = one.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    offer = packets.dhcp(MACS[1], packets.OFFER, op=2, yiaddr="6.6.6.6")
    card.send(packets.ethernet(MACS[0], packets.BROADCAST, ETH_IP,
                               packets.udp(one.address, "255.255.255.255", 67, 68, offer)))
    card.send(packets.ethernet(MACS[0], "33:33:00:00:00:01", ETH_IPV6,
                               packets.router_advertisement("fe80::66", MACS[0], "fd66::")))
    time.sleep(0.4)
    found = [f for f, out in capture.read() if not out and
             (f.dport == 68 or f.icmp_type == packets.ROUTER_ADVERTISEMENT and f.source == MACS[0])]
    check_equal(found, [], "reached another guest")
    check("fd66" not in world.host.ip("-6 addr show"), "the host configured itself")


@test("net-shared-firewall")
def firewall():
    """As on routed ports: nothing from outside, nothing between networks, nothing that
    is forged as another network's or the host's."""
    world = shared()
    world.network("lab", world.nat(subnet="10.99.0.0/24"))
    one = guest_of(world, MACS[0])
    lab = NetGuest(world.port("--br=lab"), name="lab")
    lab_address = lab.dhcp()
    pages = [Page(one, "0.0.0.0", 8080), Page(lab, "0.0.0.0", 8080)]
    world.outside.ip("route add 192.168.77.0/24 via 192.0.2.2")
    check(world.outside.fetch(one.address, 8080, timeout=1) is None, "from outside")
    check(lab.fetch(one.address, 8080, timeout=1) is None, "lab to nat")
    check(one.fetch(lab_address, 8080, timeout=1) is None, "nat to lab")
    check_equal([page.seen for page in pages], [[], []], "connections")
    capture = Capture(world.host, "uplink0")
    card = one.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    router = json.loads(world.host.ip(f"-j link show {bridge_of(world, one.port)}"))[0]["address"]
    for source in ("192.0.2.2", "10.99.0.10", "8.8.8.8", "127.0.0.1", GATEWAY):
        card.send(packets.ethernet(MACS[0], router, ETH_IP,
                                   packets.udp(source, OUTSIDE, 1234, 4444, b"forged")))
    time.sleep(0.3)
    check_equal([f for f, out in capture.read() if out and f.dport == 4444], [], "forged, left")


@test("net-shared-guest-to-guest-off")
def guest_to_guest_off():
    """Isolated, or refused by name: never let through."""
    world = shared(guest_to_guest=False)
    result = world.start("--br=nat")
    if result.status != 0:
        check_in("guest_to_guest", result.stderr, "message")
        return
    result.port.close()
    one, two = guest_of(world, MACS[0]), guest_of(world, MACS[1])
    check(one.fetch(OUTSIDE), "the way out")
    check(not one.ping(two.address, timeout=1), "another guest")


@test("net-shared-again", timeout=90)
def again():
    """The last port goes, the next comes: the segment works at once."""
    world = shared()
    for _ in range(3):
        guest = guest_of(world, MACS[0])
        check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page")
        guest.close()
    check_equal(len(processes("dnsmasq")), 1, "dnsmasq")


@test("net-shared-many", timeout=120)
def many():
    """Forty guests with forty MACs: forty addresses."""
    world = shared(allow=[{"everyone": True, "max_ports": 100}])
    guests = []
    for number in range(40):
        guest = RawGuest(world.port(), mac=f"52:54:00:00:01:{number:02x}")
        guest.lease()
        guests.append(guest)
    check_equal(len({guest.address for guest in guests}), 40, "addresses")


@test("net-shared-wrong-mode")
def wrong_mode():
    world = World(networks=False)
    world.network("lan", world.bridged(segment="shared"))
    check_in("$.segment", world.refused(CONFIG, "--br=lan"), "message")


# --- a bridged network with a subnet, for guests that are configured statically

@test("net-bridged-subnet")
def bridged_subnet():
    """Slots are addresses: a fixed one is taken once, the pool ends where it ends, and
    nothing of it appears on the host."""
    world = World(outside=False, networks=False)
    lan = Netns("lan")
    cable(world.host, "lan0", lan, "eth0")
    lan.ip("addr add 10.30.0.1/24 dev eth0")
    world.network("lan", world.bridged(
        uplink="lan0", subnet="10.30.0.0/24", pool={"offset": 50, "size": 3, "exclude": [51]},
        grants={"address": True}))
    world.profile("web", {"network": "lan", "address": "10.30.0.52"})
    world.profile("thief", {"network": "lan", "address": "10.30.0.52"}, user="bob")
    port = world.port("--profile=web")
    check_equal(port.name[8:], "2", f"slot of {port.name}")
    check_in("10.30.0.52", world.refused(BUSY, "--profile=thief", user="bob"), "message")
    for address in ("10.30.0.49", "10.30.0.51", "10.30.0.53", "10.31.0.50"):
        world.profile("bad", {"network": "lan", "address": address})
        result = world.start("--profile=bad")
        check(result.status in (CONFIG, DENIED), f"{address}: {result}")
    other = world.port("--br=lan")
    check_equal(other.name[8:], "0", f"slot of {other.name}")
    check_in("'lan'", world.refused(EXHAUSTED, "--br=lan"), "message")
    check("10.30.0" not in world.host.ip("addr show") + world.host.ip("route show table all"),
          "the host has the LAN's addresses")
    guest = NetGuest(port)
    guest.static("10.30.0.52", "10.30.0.1")
    check(lan.ping("10.30.0.52"), "the LAN reaches the guest")
    # a name keeps its address
    world.profile("db", {"network": "lan"})
    other.close()
    port = world.port("--profile=db")
    name = port.name
    port.close()
    check_equal(world.port("--profile=db").name, name, "the name's slot, again")
