# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPv6 of masqueraded networks: a /64 a port, its router, NAT66, and who must not."""

import ipaddress
import json
import socket
import struct
import time

import packets
from guests import NetGuest, RawGuest
from packets import ETH_IPV6
from status import CONFIG
from testing import check, check_equal, check_in, eventually, never, test
from world import (HOST6, OUTSIDE6, Capture, Echo, Netns, Page, World, cable, hide_dnsmasq,
                   processes, sysctl)

ALL_ROUTERS, ALL_NODES = "33:33:00:00:00:02", "33:33:00:00:00:01"
ROUTABLE = "2001:db8:77::/56"


def guest_of(world, *arguments, name="guest", **options):
    guest = NetGuest(world.port(*arguments, **options), name=name)
    guest.dhcp()
    return guest, guest.slaac()


def in_port(world, port, address):
    """That an address is in the port's /64."""
    net = ipaddress.ip_network(world.prefix6_of(port) + "::/64")
    check(ipaddress.ip_address(address) in net, f"{address} is in {net}")
    return net


def neighbours6(world, link):
    return json.loads(world.host.ip(f"-j -6 neigh show dev {link}") or "[]")


@test("net-ipv6-way-out")
def way_out():
    """SLAAC in a /64 of the port's own, the router, NAT66, and the other guests."""
    world = World(ipv6=True)
    guests, given, nets = [], [], []
    for number in range(3):
        guest, address = guest_of(world, name=f"guest{number}")
        guests.append(guest)
        given.append(address)
        nets.append(in_port(world, guest.port, address))
    check_equal(len(set(nets)), 3, "a /64 each")
    site = ipaddress.ip_network(str(nets[0].network_address) + "/48", strict=False)
    check(all(net.subnet_of(site) for net in nets), f"one /48: {nets}")
    check(site.subnet_of(ipaddress.ip_network("fd00::/8")), f"{site} is a unique local one")
    check(site.network_address.packed[1:6] != bytes(5), f"{site} is random")
    check(all(net.network_address != site.network_address for net in nets),
          f"number 0 is not a port's: {nets}")
    for guest, address in zip(guests, given):
        check_in("via fe80::1 dev eth0", guest.ip("-6 route show default"), "the guest's route")
        check(guest.ping(world.prefix6_of(guest.port) + "::1"), "the gateway answers")
        check(guest.ping(HOST6), "the host's own address answers")
        check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page: the outside sees the host")
        for other in given:
            check(guest.ping(other), f"{other} answers {address}")
    # between guests no translation
    server = Page(guests[0], "::", 8080)
    check_in(given[1], guests[1].fetch(given[0], 8080) or "", "page from another guest")
    check_equal(server.seen, [given[1]], "who asked")
    check(world.host.fetch(given[0], 8080), "the host reaches its guest")


@test("net-ipv6-without-dnsmasq")
def without_dnsmasq():
    """Routed ports have IPv6 also where nobody serves names, and without DHCP."""
    hide_dnsmasq()
    world = World(ipv6=True)
    guest, address = guest_of(world)
    in_port(world, guest.port, address)
    check_in("via fe80::1 dev eth0", guest.ip("-6 route show default"), "the guest's route")
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page")
    check_equal(processes("dnsmasq"), [], "dnsmasq")
    world.network("lab", world.nat(subnet="10.99.0.0/24", dhcp=False))
    guest = NetGuest(world.port("--br=lab"), name="lab")
    guest.slaac()
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page without DHCP")
    # on a bridge nobody would advertise the router
    world.network("flat", world.nat(subnet="10.98.0.0/24", dhcp=False, segment="shared"))
    world.port("--br=flat")
    check_equal(world.host.ip("-6 route show type unreachable").count("\n"), 2, "prefixes")


@test("net-ipv6-kernel-state")
def kernel_state():
    """What stands on the host for a port."""
    world = World(ipv6=True)
    port = world.port()
    conf = f"net.ipv6.conf.{port.name}."
    for name, value in (("disable_ipv6", "0"), ("accept_ra", "0"), ("forwarding", "1")):
        check_equal(sysctl(conf + name), value, name)
    check_equal(sysctl("net.ipv6.conf.all.forwarding"), "1", "forwarding")
    check_equal(world.host.addresses6(port.name, "link"), ["fe80::1"], "link-local address")
    net = ipaddress.ip_network(world.prefix6_of(port) + "::/64")
    check_in(f"{net} dev {port.name}", world.host.ip("-6 route show"), "routes")
    site = ipaddress.ip_network(str(net.network_address) + "/48", strict=False)
    check_in(f"unreachable {site}", world.host.ip("-6 route show"), "routes")
    check(any(str(site) in line and "main" in line
              for line in world.host.ip("-6 rule show").splitlines()), "rule for the prefix")
    port.close()
    check(str(net) not in world.host.ip("-6 route show"), "route after the port")


@test("net-ipv6-advertisement")
def advertisement():
    """What the router says: the prefix, the network's name server, the domain (RFC 8106)."""
    world = World(ipv6=True)
    guest = RawGuest(world.port())
    found = None
    for _ in range(10):  # the first may come before dnsmasq has the port
        guest.send(packets.ethernet(guest.mac, ALL_ROUTERS, ETH_IPV6,
                                    packets.router_solicitation()))
        found = guest.wait(lambda f: f.icmp_type == packets.ROUTER_ADVERTISEMENT, 0.5)
        if found:
            break
    check(found, "an advertisement")
    check_equal(found.src, "fe80::1", "router")
    check(struct.unpack_from("!H", found.payload, 6)[0] > 0, "it is a default router")
    options, at = {}, 16
    while at < len(found.payload):
        kind, length = found.payload[at], found.payload[at + 1] * 8
        options[kind] = found.payload[at + 2:at + length]
        at += length
    prefix = socket.inet_ntop(socket.AF_INET6, options[3][14:30])
    check_equal(prefix, world.prefix6_of(guest.port) + "::", "prefix")
    check_equal((options[3][0], options[3][1] & 0xC0), (64, 0xC0), "/64, on link, autonomous")
    check(25 in options, f"name servers, in options {sorted(options)}")
    server = socket.inet_ntop(socket.AF_INET6, options[25][6:22])
    site = str(ipaddress.ip_network(prefix + "/48", strict=False).network_address)
    check_equal(server, site + "1", "name server")
    check(31 in options, f"search list, in options {sorted(options)}")
    check_in(b"\x03nat\x08internal", options[31], "search list")


@test("net-ipv6-same-port-again", timeout=120)
def again():
    """The tap of a slot goes and comes: each new one is advertised to at once."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(pool={"offset": 10, "size": 1}))
    prefixes = set()
    for _ in range(8):
        guest = NetGuest(world.port())
        began = time.monotonic()
        guest.slaac()
        check(time.monotonic() - began < 4, f"address after {time.monotonic() - began:.1f} s")
        prefixes.add(world.prefix6_of(guest.port))
        check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page")
        guest.close()
    check_equal(len(prefixes), 1, "prefixes of one slot")


@test("net-ipv6-neighbour-probes", timeout=90)
def probes():
    """The guest's probes of its router are answered as a router does (with the router
    flag), so that the default route stays."""
    world = World(ipv6=True)
    guest, _ = guest_of(world)
    guest.sysctl("net.ipv6.neigh.eth0.base_reachable_time_ms", 500)
    guest.sysctl("net.ipv6.neigh.eth0.delay_first_probe_time", 1)
    states = set()
    capture = Capture(guest, "eth0")
    end = time.monotonic() + 12
    while time.monotonic() < end:
        guest.fetch_udp(OUTSIDE6, 9, timeout=0.05, tries=1)
        for entry in json.loads(guest.ip("-j -6 neigh show dev eth0")):
            if entry["dst"] == "fe80::1":
                states |= set(entry["state"])
        check_in("default via fe80::1", guest.ip("-6 route show default"), "route")
        time.sleep(0.2)
    frames = [f for f, _ in capture.read()]
    answers = [f for f in frames if f.icmp_type == packets.NEIGHBOUR_ADVERTISEMENT and
               f.src == "fe80::1"]
    check(len(answers) >= 2, f"probes that were answered: {answers}; states {states}")
    for answer in answers:
        check(answer.payload[4] & 0x80, "router flag")
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page after the probes")


@test("net-ipv6-forwarding-switched")
def forwarding_switched():
    """An administrator's sysctls switch forwarding off, and a guest learns from a probe that
    the host is no router: it hears of it again as soon as a start has switched it on."""
    world = World(ipv6=True)
    guest, _ = guest_of(world)
    guest.sysctl("net.ipv6.neigh.eth0.base_reachable_time_ms", 500)
    guest.sysctl("net.ipv6.neigh.eth0.delay_first_probe_time", 1)
    guest.fetch_udp(OUTSIDE6, 9, timeout=0.05, tries=1)
    sysctl("net.ipv6.conf.all.forwarding", 0)

    def has_forgotten():
        guest.fetch_udp(OUTSIDE6, 9, timeout=0.05, tries=1)
        return "via fe80::1" not in guest.ip("-6 route show default")

    eventually(has_forgotten, 10, "no router")
    world.port().close()
    check_equal(sysctl("net.ipv6.conf.all.forwarding"), "1", "forwarding")
    eventually(lambda: "via fe80::1" in guest.ip("-6 route show default"), 5, "the router")
    eventually(lambda: HOST6 in (guest.fetch(OUTSIDE6) or ""), 5, "page")


@test("net-ipv6-none")
def none():
    """subnet6 none: no IPv6 on the ports, none of the host's settings touched."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(subnet6="none"))
    before = world.host.ip("-6 route show") + world.host.ip("-6 rule show")
    guest = NetGuest(world.port())
    guest.dhcp()
    check_equal(sysctl(f"net.ipv6.conf.{guest.port.name}.disable_ipv6"), "1", "disable_ipv6")
    check_equal(sysctl("net.ipv6.conf.all.forwarding"), "0", "forwarding")
    check_equal(world.host.ip("-6 route show") + world.host.ip("-6 rule show"), before, "routes")
    never(lambda: guest.addresses6("eth0"), 2, "an address by SLAAC")
    check(guest.fetch("198.51.100.1"), "IPv4 works")


@test("net-ipv6-bad-prefix")
def bad_prefix():
    world = World(networks=False)
    for value in ("fd00::/66", "fd00:1::1/48", "fe80::/64", "192.168.0.0/16", "::/0",
                  "2001:db8::/64", "yes"):
        world.network("nat", world.nat(subnet6=value))
        line = world.refused(CONFIG, "--br=nat")
        check_in("$.subnet6", line, value)


@test("net-ipv6-routable")
def routable():
    """A prefix of one's own that is routed to this host: no translation, and nobody
    from outside asks first."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(subnet6=ROUTABLE, pool={"offset": 10, "size": 100}))
    world.outside.ip(f"-6 route add {ROUTABLE} via {HOST6}")
    guest, address = guest_of(world)
    check(ipaddress.ip_address(address) in ipaddress.ip_network(ROUTABLE), f"{address}")
    check_in(address, guest.fetch(OUTSIDE6) or "", "page: the outside sees the guest itself")
    page = Page(guest, "::")
    check(world.outside.fetch(address, timeout=1) is None, "a page from the guest, from outside")
    check_equal(page.seen, [], "connections")


@test("net-ipv6-masquerade-routable")
def masquerade_routable():
    """The file's word counts, whatever the prefix."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(subnet6=ROUTABLE, pool={"offset": 10, "size": 100},
                                   masquerade6=True))
    guest, _ = guest_of(world)
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page")


@test("net-ipv6-remembered")
def remembered():
    """The prefix stays what it was, without a port and over a lost run directory."""
    world = World(ipv6=True)
    world.profile("web", {"network": "nat"})
    port = world.port("--profile=web")
    first = world.prefix6_of(port)
    for _ in range(2):
        port.close()
        port = world.port("--profile=web")
        check_equal(world.prefix6_of(port), first, "prefix of the name's slot, again")
    port.close()
    world.host.run("sh", "-c", f"rm -rf {world.places.runstatedir}/*")
    port = world.port("--profile=web")
    check_equal(world.prefix6_of(port), first, "prefix after the run directory was lost")
    # as IPv4: read back from live taps if its record is lost
    world.host.run("sh", "-c", f"rm -rf {world.places.statedir}/* {world.places.runstatedir}/*")
    other = world.port()
    check_equal(world.prefix6_of(other).split(":")[:3], first.split(":")[:3],
                "prefix beside a live port, all files lost")


@test("net-ipv6-unassigned")
def unassigned():
    """What is for a slot that nobody holds does not leave the host."""
    world = World(ipv6=True)
    guest, address = guest_of(world)
    capture = Capture(world.host, "uplink0")
    site = ":".join(address.split(":")[:3])
    for free in (f"{site}:f0::2", f"{site}::2"):
        check(not guest.ping(free, timeout=1), f"{free} answers a guest")
        check(not world.host.ping(free, timeout=1), f"{free} answers the host")
        check_equal([f for f, out in capture.read() if out and f.dst == free], [],
                    "packets that left by the uplink")


@test("net-ipv6-forged", timeout=90)
def forged():
    """A source that is not of the port's /64 dies at the port."""
    world = World(ipv6=True)
    guest, address = guest_of(world)
    other, other_address = guest_of(world, name="other")
    server = world.host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("::", 9999))
    server.settimeout(0.4)
    outside, beside = Capture(world.host, "uplink0"), Capture(other, "eth0")
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    mac = json.loads(guest.ip("-j link show eth0"))[0]["address"]
    router = json.loads(world.host.ip(f"-j link show {guest.port.name}"))[0]["address"]
    gateway = world.prefix6_of(guest.port) + "::1"

    def send(source, destination, port, payload=b"forged"):
        card.send(packets.ethernet(mac, router, ETH_IPV6,
                                   packets.udp6(source, destination, 1234, port, payload)))

    for source in (other_address, world.prefix6_of(other.port) + "::1", HOST6, "::1",
                   "2001:db8:1::99", OUTSIDE6, "fd00::1", "::", "ff02::1", "::ffff:10.0.0.1"):
        for target in (OUTSIDE6, other_address):
            send(source, target, 4444)
        for target in (HOST6, gateway):
            send(source, target, 9999, source.encode())
    time.sleep(0.4)
    check_equal([f for f, out in outside.read() if out and f.dport == 4444], [], "left")
    check_equal([f for f, out in beside.read() if not out and f.dport == 4444], [],
                "reached another guest")
    try:
        data = server.recv(100)
    except TimeoutError:
        data = None
    check(data is None, f"the host took a packet from {data}")
    send(address, HOST6, 9999, b"honest")
    check_equal(server.recv(100), b"honest", "an honest packet")


@test("net-ipv6-no-loopback")
def no_loopback():
    """A guest does not reach the host's ::1."""
    world = World(ipv6=True)
    guest, address = guest_of(world)
    page = Page(world.host, "::1", 8081)
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    router = json.loads(world.host.ip(f"-j link show {guest.port.name}"))[0]["address"]
    echo = Echo(world.host, "::1", 8081)
    card.send(packets.ethernet(packets.QEMU_MAC, router, ETH_IPV6,
                               packets.udp6(address, "::1", 2000, 8081, b"who am I?")))
    time.sleep(0.3)
    check_equal(page.seen + echo.seen, [], "what reached ::1")


@test("net-ipv6-rogue-router")
def rogue():
    """A guest's router advertisement and redirect configure neither host nor guests."""
    world = World(ipv6=True)
    guest, _ = guest_of(world)
    other, _ = guest_of(world, name="other")
    before = world.host.ip("-6 route show"), other.ip("-6 route show"), other.addresses6("eth0")
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    local = guest.addresses6("eth0", "link")[0]
    for _ in range(5):
        card.send(packets.ethernet(packets.QEMU_MAC, ALL_NODES, ETH_IPV6,
                                   packets.router_advertisement(local, packets.QEMU_MAC,
                                                                "fd66::")))
    time.sleep(0.5)
    check_equal((world.host.ip("-6 route show"), other.ip("-6 route show"),
                 other.addresses6("eth0")), before, "routes and addresses")
    check("fd66" not in world.host.ip("-6 addr show"), "the host configured itself")


@test("net-ipv6-many-sources")
def many_sources():
    """Neighbour entries that a guest can cause are bounded, and it stays usable."""
    world = World(ipv6=True)
    guest, address = guest_of(world)
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    router = json.loads(world.host.ip(f"-j link show {guest.port.name}"))[0]["address"]
    prefix = world.prefix6_of(guest.port)
    for number in range(3000):
        source = f"{prefix}::{number + 16:x}"
        card.send(packets.ethernet(packets.QEMU_MAC, router, ETH_IPV6,
                                   packets.icmp6_echo(source, HOST6)))
    time.sleep(0.5)
    found = neighbours6(world, guest.port.name)
    check(len(found) <= 300, f"{len(found)} neighbour entries")
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", f"page for {address}")


@test("net-ipv6-from-outside")
def from_outside():
    """No new connection from outside, even if somebody routes there."""
    world = World(ipv6=True)
    guest, address = guest_of(world)
    page = Page(guest, "::")
    world.outside.ip(f"-6 route add {address}/128 via {HOST6}")
    check(world.outside.fetch(address, timeout=1) is None, "a page from the guest")
    check(not world.outside.ping(address, timeout=1), "ping from outside")
    check_equal(page.seen, [], "connections")
    check(world.host.fetch(address), "the host reaches it")


@test("net-ipv6-between-networks")
def between_networks():
    world = World(ipv6=True)
    world.network("lab", world.nat(subnet="10.99.0.0/24"))
    one, first = guest_of(world, "--br=nat", name="one")
    two, second = guest_of(world, "--br=lab", name="two")
    check(first.split(":")[:3] != second.split(":")[:3], f"two prefixes: {first}, {second}")
    check(one.fetch(OUTSIDE6) and two.fetch(OUTSIDE6), "both have the outside")
    page = Page(two, "::", 8080)
    check(one.fetch(second, 8080, timeout=1) is None, "nat to lab")
    check_equal(page.seen, [], "connections between networks")


@test("net-ipv6-guest-to-guest-off")
def guest_to_guest_off():
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(guest_to_guest=False))
    one, _ = guest_of(world, name="one")
    two, second = guest_of(world, name="two")
    check(one.fetch(OUTSIDE6), "the way out")
    page = Page(two, "::", 8080)
    check(one.fetch(second, 8080, timeout=1) is None, "a page from another guest")
    check(not one.ping(second, timeout=1), "ping")
    check_equal(page.seen, [], "connections between guests")


@test("net-ipv6-guest-to-host-off")
def guest_to_host_off():
    """Nothing of the host but its router, DNS and the way out."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(guest_to_host=False))
    page = Page(world.host, "::", 8080)
    guest, _ = guest_of(world)
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page from outside")
    for address in (world.prefix6_of(guest.port) + "::1", HOST6):
        check(guest.fetch(address, 8080, timeout=1) is None, f"page from {address}")
    check_equal(page.seen, [], "connections to the host")


@test("net-ipv6-host-only")
def host_only():
    """uplink none: no default route is advertised, and nothing leaves."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(uplink="none"))
    guest, other = NetGuest(world.port(), name="one"), NetGuest(world.port(), name="two")
    for each in (guest, other):
        eventually(lambda: each.addresses6("eth0"), 10, "address by SLAAC")
    target = other.addresses6("eth0")[0]
    capture = Capture(world.host, "uplink0")
    check_equal(guest.ip("-6 route show default"), "", "default route")
    gateway = world.prefix6_of(guest.port) + "::1"
    check(guest.ping(gateway), "the host")
    for each in (guest, other):  # nobody told them of a router
        each.ip(f"-6 route add default via {world.prefix6_of(each.port)}::1")
    check(guest.ping(target), "another guest")
    check(guest.fetch(OUTSIDE6, timeout=1) is None, "the outside")
    check_equal([f for f, out in capture.read() if out and f.dst == OUTSIDE6], [], "left")


@test("net-ipv6-vpn-table")
def vpn_table():
    """A VPN with a table of its own does not take the answers."""
    world = World(ipv6=True)
    world.host.ip("-6 rule add pref 220 lookup 220")
    world.host.ip("-6 route add default via 2001:db8:1::1 dev uplink0 table 220")
    guest, address = guest_of(world)
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page")
    check(guest.ping(world.prefix6_of(guest.port) + "::1"), "the gateway")
    check(world.host.ping(address), "the host reaches a guest")


# --- the host as a host of its own network

def advertised_host():
    """A host that has its address and router by advertisements. (world, server)"""
    world = World()
    world.outside.ip("addr add 2001:db8:5::1/64 dev to-uplink0 nodad")
    server = world.outside.start(
        "dnsmasq", "-d", "--conf-file=/dev/null", "--port=0", "--interface=to-uplink0",
        "--enable-ra", "--dhcp-range=2001:db8:5::,ra-only,64", "--ra-param=to-uplink0,4,1800",
        "--dhcp-leasefile=/run/outside.leases", stderr=open("/run/outside.log", "w"))
    sysctl("net.ipv6.conf.uplink0.router_solicitation_delay", 0)
    world.host.ip("link set uplink0 down")
    world.host.ip("link set uplink0 up")
    eventually(lambda: "2001:db8:5:" in " ".join(world.host.addresses6("uplink0")), 15,
               "the host's own address by SLAAC")
    eventually(lambda: "proto ra" in world.host.ip("-6 route show default"), 10, "its router")
    return world, server


@test("net-ipv6-uplink-router", timeout=90)
def uplink_router():
    """Forwarding does not cost the host its own router: the route stays, and the next
    advertisement gives it again."""
    world, _ = advertised_host()
    check_equal(sysctl("net.ipv6.conf.uplink0.accept_ra"), "1", "accept_ra before")
    guest, _ = guest_of(world)
    check_equal(sysctl("net.ipv6.conf.all.forwarding"), "1", "forwarding")
    check_equal(sysctl("net.ipv6.conf.uplink0.accept_ra"), "2", "accept_ra")
    check_in("proto ra", world.host.ip("-6 route show default"), "the host's default route")
    check(world.host.ping("2001:db8:5::1"), "the host reaches its router")
    world.host.ip("-6 route flush default proto ra")
    eventually(lambda: "proto ra" in world.host.ip("-6 route show default"), 15,
               "the route by the next advertisement")
    check(guest.ping("2001:db8:5::1"), "a guest by NAT66")
    # an interface that comes later listens to its router as well
    later = Netns("later")
    cable(world.host, "uplink9", later, "eth0")
    check_equal(sysctl("net.ipv6.conf.uplink9.accept_ra"), "2", "accept_ra of a later one")


@test("net-ipv6-fence")
def fence():
    """Two uplinks between which no IPv6 was forwarded still do not."""
    world = World(ipv6=True)
    other = Netns("other")
    cable(world.host, "lan0", other, "eth0")
    world.host.ip("addr add 2001:db8:20::1/64 dev lan0 nodad")
    other.ip("addr add 2001:db8:20::2/64 dev eth0 nodad")
    other.ip("-6 route add default via 2001:db8:20::1")
    world.outside.ip(f"-6 route add 2001:db8:20::/64 via {HOST6}")
    check(not other.ping(OUTSIDE6, timeout=1), "forwarding before tapster")
    guest, _ = guest_of(world)
    check(guest.ping(OUTSIDE6), "the guest has the outside")
    check(guest.ping("2001:db8:20::2"), "the guest has the other side")
    check(not other.ping(OUTSIDE6, timeout=1), "lan0 to uplink0")
    check(not world.outside.ping("2001:db8:20::2", source=OUTSIDE6, timeout=1), "uplink0 to lan0")
    check(world.host.ping(OUTSIDE6) and other.ping("2001:db8:20::1"), "the host itself")


@test("net-ipv6-fence-is-ipv6s-own")
def fence_own():
    """A host that forwarded IPv4 but no IPv6 goes on with the one, and not with the
    other; and the other way round."""
    world = World(ipv6=True)
    other = Netns("other")
    cable(world.host, "lan0", other, "eth0")
    world.host.ip("addr add 2001:db8:20::1/64 dev lan0 nodad")
    world.host.ip("addr add 10.20.0.1/24 dev lan0")
    other.ip("addr add 2001:db8:20::2/64 dev eth0 nodad")
    other.ip("addr add 10.20.0.2/24 dev eth0")
    other.ip("-6 route add default via 2001:db8:20::1")
    other.ip("route add default via 10.20.0.1")
    world.outside.ip(f"-6 route add 2001:db8:20::/64 via {HOST6}")
    world.outside.ip("route add 10.20.0.0/24 via 192.0.2.2")
    sysctl("net.ipv4.ip_forward", 1)
    check(other.ping("198.51.100.1"), "IPv4 before")
    guest, _ = guest_of(world)
    check(guest.ping(OUTSIDE6), "the guest has the outside")
    check(other.ping("198.51.100.1"), "IPv4 after")
    check(not other.ping(OUTSIDE6, timeout=1), "IPv6 after")


@test("net-ipv6-host-that-forwards")
def forwards_already():
    world = World(ipv6=True)
    other = Netns("other")
    cable(world.host, "lan0", other, "eth0")
    world.host.ip("addr add 2001:db8:20::1/64 dev lan0 nodad")
    other.ip("addr add 2001:db8:20::2/64 dev eth0 nodad")
    other.ip("-6 route add default via 2001:db8:20::1")
    world.outside.ip(f"-6 route add 2001:db8:20::/64 via {HOST6}")
    sysctl("net.ipv6.conf.all.forwarding", 1)
    eventually(lambda: other.ping(OUTSIDE6, timeout=1), 5, "forwarding before tapster")
    world.port()
    check(other.ping(OUTSIDE6), "forwarding after tapster")


@test("net-ipv6-switched-off")
def switched_off():
    """A host without IPv6: guests have IPv4, and starts do not fail."""
    world = World()
    sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    result = world.start("--br=nat")
    check_equal(result.status, 0, str(result))
    guest = NetGuest(result.port)
    guest.dhcp()
    check_in("192.0.2.2", guest.fetch("198.51.100.1") or "", "page")
    check_equal(world.host.addresses6(result.port.name), [], "IPv6 addresses on the port")


# --- bridged networks: the LAN's own IPv6

@test("net-ipv6-bridged", timeout=90)
def bridged():
    """The LAN's router advertises, and the guest has an address of the LAN's; the
    host's end has none."""
    world = World(outside=False, networks=False)
    lan = Netns("lan")
    cable(world.host, "lan0", lan, "eth0")
    lan.ip("addr add 2001:db8:30::1/64 dev eth0 nodad")
    lan.start("dnsmasq", "-d", "--conf-file=/dev/null", "--port=0", "--interface=eth0",
              "--enable-ra", "--dhcp-range=2001:db8:30::,ra-only,64",
              "--dhcp-leasefile=/run/lan.leases", stderr=open("/run/lan.log", "w"))
    page = Page(lan, "::")
    world.network("lan", world.bridged(uplink="lan0"))
    guest = NetGuest(world.port("--br=lan"))
    address = guest.slaac()
    check(address.startswith("2001:db8:30:"), f"address {address}")
    check_in(address, guest.fetch("2001:db8:30::1") or "", "page on the LAN")
    check_equal(page.seen, [address], "who asked")
    check_equal(sysctl(f"net.ipv6.conf.{guest.port.name}.disable_ipv6"), "1", "disable_ipv6")
