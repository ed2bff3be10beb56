# SPDX-License-Identifier: LGPL-2.1-or-later
"""Routed ports: who reaches whom, and who must not."""

import json
import socket
import time

import packets
from guests import NetGuest, RawGuest
from packets import ETH_IP, ETH_IPV6
from testing import check, check_equal, check_in, test
from world import OUTSIDE, Capture, Page, World, sysctl


def leased(world, *arguments, **options):
    guest = RawGuest(world.port(*arguments, **options))
    guest.lease()
    return guest


@test("net-routed-way-out")
def way_out():
    """Gateway, outside, host's address as source, and the other guests."""
    world = World()
    guests = []
    for number in range(3):
        guest = NetGuest(world.port(), name=f"guest{number}")
        guest.dhcp()
        guests.append(guest)
    given = [guest.addresses("eth0")[0] for guest in guests]
    check_equal(len(set(given)), 3, "addresses")
    for guest in guests:
        check(guest.ping("192.168.77.1"), "the gateway answers")
        check(guest.ping("192.0.2.2"), "the host's own address answers")
        page = guest.fetch(OUTSIDE)
        check(page and "192.0.2.2" in page, f"the outside saw the host's address: {page!r}")
        for address in given:
            check(guest.ping(address), f"{address} answers")
    # between guests no translation
    server = Page(guests[0], given[0], 8080)
    check_in(given[1], guests[1].fetch(given[0], 8080), "page from another guest")
    check_equal(server.seen, [given[1]], "who asked")
    # the host reaches its guests, from the gateway's address
    check_in("192.168.77.1", world.host.fetch(given[0], 8080), "page asked for by the host")


@test("net-routed-kernel-state")
def kernel_state():
    """What stands on the host for a port."""
    world = World()
    port = world.port()
    address = world.address_of(port)
    host = world.host
    route = json.loads(host.ip(f"-j route show {address}/32"))[0]
    check_equal((route["dev"], route.get("prefsrc")), (port.name, "192.168.77.1"), "route")
    check_in("unreachable 192.168.77.0/24", host.ip("route show"), "routes")
    check(any("192.168.77.0/24" in line and "main" in line
              for line in host.ip("rule show").splitlines()), "rule for the subnet")
    link = json.loads(host.ip(f"-d -j link show {port.name}"))[0]
    check(port.name.startswith("ts") and len(port.name) >= 9, f"name {port.name}")
    check(link["address"].startswith("fe:"), f"MAC of the host's end {link['address']}")
    # "nat", and the slot; nothing about the user
    check_in("nat", link["ifalias"], "alias")
    check("alice" not in link["ifalias"] and "1000" not in link["ifalias"], link["ifalias"])
    group = int(link["group"], 0) if link["group"][0].isdigit() else 0
    check_equal(group >> 24, 0x74, f"device group {link['group']}")
    conf = f"net.ipv4.conf.{port.name}."
    check_equal(sysctl(conf + "forwarding"), "1", "forwarding")
    check_equal(sysctl(conf + "proxy_arp"), "1", "proxy_arp")
    check_equal(sysctl(conf + "rp_filter"), "1", "rp_filter")
    conf = f"net.ipv6.conf.{port.name}."
    check_equal(sysctl(conf + "forwarding"), "1", "IPv6 forwarding")
    check_equal(sysctl(conf + "accept_ra"), "0", "accept_ra")
    check_equal(sysctl("net.ipv4.ip_forward"), "1", "ip_forward")
    check_equal(host.addresses(port.name), ["192.168.77.1"], "addresses")
    port.close()
    check_equal(host.ip(f"route show {address}/32"), "", "route after the port")


@test("net-routed-unassigned")
def unassigned():
    """A packet to a slot that nobody holds does not leave the host, nor does proxy
    ARP answer for it."""
    world = World()
    guest = leased(world)
    capture = Capture(world.host, "uplink0")
    free = "192.168.77.222"
    check(guest.resolve(free, timeout=0.5) is None, "ARP for an unassigned slot was answered")
    gateway_mac = guest.resolve(guest.gateway)
    guest.send_ip(packets.icmp_echo(guest.address, free), gateway_mac)
    answer = guest.wait(lambda f: f.protocol == packets.ICMP, 1)
    check(answer is not None and answer.icmp_type == 3, f"unreachable, not {answer}")
    check(not world.host.ping(free, timeout=1), "the host finds it unreachable too")
    world.outside.ip("route add 192.168.77.0/24 via 192.0.2.2")
    world.outside.ping(free, timeout=1)
    seen = [f for f, out in capture.read() if out and f.dst == free]
    check_equal(seen, [], "packets that left by the uplink")


@test("net-routed-forged")
def forged():
    """A source that is not the port's dies at the port, whatever rp_filter says."""
    world = World()
    sysctl("net.ipv4.conf.all.rp_filter", 2)
    guest, other = leased(world), leased(world)
    check(guest.ping(OUTSIDE), "the way out works")
    outside = Capture(world.host, "uplink0")
    local = world.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    local.bind(("0.0.0.0", 9999))
    local.settimeout(0.3)
    for source in (other.address, "192.168.77.1", "192.0.2.2", "192.0.2.99", "127.0.0.1",
                   "10.1.2.3", "8.8.8.8", "0.0.0.0", "255.255.255.255", "224.0.0.1",
                   "192.168.77.250", OUTSIDE):
        guest.send_ip(packets.udp(source, OUTSIDE, 1234, 4444, b"forged"))
        guest.send_ip(packets.udp(source, other.address, 1234, 4444, b"forged"))
        for address in ("192.168.77.1", "192.0.2.2"):
            guest.send_ip(packets.udp(source, address, 1234, 9999, source.encode()))
    time.sleep(0.3)
    left = [f for f, out in outside.read() if out and f.dport == 4444]
    check_equal(left, [], "forged packets that left")
    reached = [f for f in other.drain(0.2) if f.dport == 4444]
    check_equal(reached, [], "forged packets that reached another guest")
    try:
        data = local.recv(100)
    except TimeoutError:
        data = None
    check(data is None, f"the host took a packet from {data}")
    # and the honest one passes
    guest.send_ip(packets.udp(guest.address, "192.168.77.1", 1234, 9999, b"honest"))
    check_equal(local.recv(100), b"honest", "an honest packet")


@test("net-routed-forged-arp")
def forged_arp():
    """Nobody takes a neighbour's address by ARP, nor fills the host's table."""
    world = World()
    guest, other = leased(world), leased(world)
    for sender in (other.address, "192.168.77.1", "192.0.2.1", "8.8.8.8"):
        check(guest.resolve("192.168.77.1", timeout=0.3, sender=sender) is None,
              f"ARP from {sender} was answered")
        for operation in (1, 2):
            guest.send(packets.ethernet(guest.mac, packets.BROADCAST, packets.ETH_ARP, packets.arp(
                operation, guest.mac, sender, "00:00:00:00:00:00", sender)))
    for number in range(2, 250):
        guest.resolve("192.168.77.1", timeout=0, sender=f"192.168.77.{number}")
    time.sleep(0.1)
    entries = json.loads(world.host.ip(f"-j neigh show dev {guest.port.name}"))
    foreign = [e["dst"] for e in entries if e["dst"] != guest.address]
    check_equal(foreign, [], "neighbours that the guest made up")
    check(other.ping(OUTSIDE) and guest.ping(OUTSIDE), "both still work")


@test("net-routed-any-mac")
def any_mac():
    """A VM's identity is its port: it may change its MAC, also while it runs."""
    world = World()
    guest = leased(world)
    for mac in ("52:54:00:12:34:57", "02:00:00:00:00:01", "fe:00:00:00:00:01"):
        guest.mac = mac
        # a gratuitous ARP, as a guest sends when its card gets another address
        guest.send(packets.ethernet(mac, packets.BROADCAST, packets.ETH_ARP, packets.arp(
            1, mac, guest.address, "00:00:00:00:00:00", guest.address)))
        check(guest.ping("192.168.77.1"), f"ping with {mac}")


@test("net-routed-loopback")
def loopback():
    """A guest cannot reach the host's 127/8."""
    world = World()
    guest = leased(world)
    page = Page(world.host, "127.0.0.1", 8081)
    for target in ("127.0.0.1", "127.0.0.53", "127.255.255.254"):
        guest.send_ip(packets.tcp(guest.address, target, 2000, 8081, 0x02))
        guest.send_ip(packets.icmp_echo(guest.address, target))
    answers = [f for f in guest.drain(0.5) if f.src and f.src.startswith("127.")]
    check_equal(answers, [], "answers from 127/8")
    # and not with route_localnet, which somebody else may have set
    sysctl("net.ipv4.conf.all.route_localnet", 1)
    guest.send_ip(packets.tcp(guest.address, "127.0.0.1", 2001, 8081, 0x02))
    answers = [f for f in guest.drain(0.5) if f.protocol == packets.TCP]
    check_equal(answers, [], "answers with route_localnet")
    check_equal(page.seen, [], "connections")


@test("net-routed-conntrack")
def conntrack():
    """A new holder of a slot gets no packet of its former holder's connections."""
    world = World()
    world.network("nat", world.nat(pool={"offset": 10, "size": 1}))
    server = world.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((OUTSIDE, 5000))
    server.settimeout(1)
    guest = leased(world)
    address = guest.address
    guest.send_ip(packets.udp(address, OUTSIDE, 4000, 5000, b"one"))
    data, peer = server.recvfrom(100)
    check_equal((data, peer[0]), (b"one", "192.0.2.2"), "what the server got")
    server.sendto(b"two", peer)
    check(guest.wait(lambda f: f.dport == 4000), "the answer reaches the first holder")
    guest.port.close()
    second = leased(world, user="bob")
    check_equal(second.address, address, "the pool has one address")
    for number in range(5):
        server.sendto(b"three%d" % number, peer)
    found = [f for f in second.drain(0.4) if f.dport == 4000]
    check_equal(found, [], "packets of the former holder")
    check_equal(world.host.run("conntrack", "-L", "--src", address, check=False).count("5000"), 0,
                "entries that conntrack remembers")


@test("net-routed-from-outside")
def from_outside():
    """No new connection from outside to a guest, even if somebody routes there."""
    world = World()
    guest = NetGuest(world.port())
    address = guest.dhcp()
    page = Page(guest, address)
    world.outside.ip("route add 192.168.77.0/24 via 192.0.2.2")
    check(world.outside.fetch(address, timeout=1) is None, "a page from the guest")
    check(not world.outside.ping(address, timeout=1), "ping from outside")
    check_equal(page.seen, [], "connections")
    check(world.host.fetch(address), "the host reaches it")


@test("net-routed-between-networks")
def between_networks():
    world = World()
    world.network("lab", world.nat(subnet="10.99.0.0/24"))
    one, two = leased(world, "--br=nat"), leased(world, "--br=lab")
    check(one.ping(OUTSIDE) and two.ping(OUTSIDE), "both have the outside")
    check(not one.ping(two.address, timeout=0.4, tries=1), "nat to lab")
    check(not two.ping(one.address, timeout=0.4, tries=1), "lab to nat")
    # the other network's gateway is this host: but not for this guest's network
    reached = [f for f in two.drain(0.2) if f.src == one.address]
    check_equal(reached, [], "packets between networks")


@test("net-routed-guest-to-guest-off")
def guest_to_guest_off():
    world = World(networks=False)
    world.network("nat", world.nat(guest_to_guest=False))
    one, two = leased(world), leased(world)
    check(one.ping(OUTSIDE) and one.ping("192.168.77.1"), "the way out")
    one.send_ip(packets.icmp_echo(one.address, two.address))
    one.send_ip(packets.icmp_echo(one.address, two.address), "ff:ff:ff:ff:ff:ff")
    check_equal([f for f in two.drain(0.5) if f.src == one.address and f.kind == ETH_IP], [],
                "packets between guests")


@test("net-routed-guest-to-host-off")
def guest_to_host_off():
    """Nothing of the host but DHCP and the way out."""
    world = World(networks=False)
    world.network("nat", world.nat(guest_to_host=False))
    page = Page(world.host, "0.0.0.0", 8080)
    guest = NetGuest(world.port())
    guest.dhcp()
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page from outside")
    for address in ("192.168.77.1", "192.0.2.2"):
        check(guest.fetch(address, 8080, timeout=1) is None, f"page from {address}")
    check(guest.ping("192.168.77.1"), "that the gateway is there may be seen")
    check_equal(page.seen, [], "connections to the host")


@test("net-routed-host-only")
def host_only():
    world = World(networks=False)
    world.network("nat", world.nat(uplink="none"))
    guest = leased(world)
    other = leased(world)
    check(guest.gateway is None, "a router was promised")
    guest.gateway = "192.168.77.1"
    capture = Capture(world.host, "uplink0")
    check(guest.ping("192.168.77.1"), "the host")
    guest.send_ip(packets.icmp_echo(guest.address, other.address))
    check(other.wait(lambda f: f.src == guest.address and f.icmp_type == 8), "another guest")
    check(not guest.ping(OUTSIDE, timeout=0.5, tries=1), "the outside")
    check_equal([f for f, out in capture.read() if out and f.protocol == packets.ICMP], [],
                "packets that left")


@test("net-routed-named-uplink")
def named_uplink():
    """uplink: a name. Guests leave by it and by no other."""
    world = World(networks=False)
    world.uplink("uplink1", "203.0.113")
    world.network("nat", world.nat(uplink="uplink1"))
    guest = leased(world)
    other = Capture(world.host, "uplink0")
    check(not guest.ping(OUTSIDE, timeout=0.5, tries=1), "the default route is another interface")
    check_equal([f for f, out in other.read() if out and f.protocol == packets.ICMP], [],
                "packets by the other uplink")
    world.host.ip("route replace default via 203.0.113.1 dev uplink1")
    check(guest.ping(OUTSIDE), "by the uplink that is named")


@test("net-routed-not-masqueraded")
def not_masqueraded():
    world = World(networks=False)
    world.network("nat", world.nat(masquerade=False))
    world.outside.ip("route add 192.168.77.0/24 via 192.0.2.2")
    guest = NetGuest(world.port())
    address = guest.dhcp()
    check_in(address, guest.fetch(OUTSIDE) or "", "page: the outside sees the guest itself")


@test("net-routed-multicast")
def multicast():
    """Multicast and broadcast are not masqueraded, and a DHCP server's or router's
    message from a guest reaches no other guest."""
    world = World()
    guest, other = leased(world), leased(world)
    capture = Capture(world.host, "uplink0")
    for target in ("224.0.0.251", "239.1.2.3", "255.255.255.255", "192.168.77.255"):
        guest.send(packets.ethernet(guest.mac, packets.BROADCAST, ETH_IP,
                                    packets.udp(guest.address, target, 5353, 5353, b"m")))
    offer = packets.dhcp(other.mac, packets.OFFER, op=2, yiaddr="6.6.6.6")
    guest.send(packets.ethernet(guest.mac, packets.BROADCAST, ETH_IP,
                                packets.udp(guest.address, "255.255.255.255", 67, 68, offer)))
    guest.send(packets.ethernet(guest.mac, "33:33:00:00:00:01", ETH_IPV6,
                                packets.router_advertisement("fe80::66", guest.mac, "fd66::")))
    time.sleep(0.3)
    check_equal([f for f, out in capture.read() if out and f.dport == 5353], [], "left the host")
    found = [f for f in other.drain(0.2) if f.dport in (5353, 68) or f.icmp_type == 134]
    check_equal(found, [], "reached another guest")
    check_equal(world.host.run("ip", "-6", "addr", "show", "to", "fd66::/64"), "",
                "the host configured itself")


@test("net-routed-vpn-table")
def vpn_table():
    """A VPN with a table of its own (strongSwan's 220) does not take the answers."""
    world = World()
    world.host.ip("rule add pref 220 lookup 220")
    world.host.ip("route add default via 192.0.2.1 dev uplink0 table 220")
    guest = leased(world)
    check(guest.ping(OUTSIDE), "the way out")
    check(guest.ping("192.168.77.1"), "the gateway")
    other = NetGuest(world.port())
    check(world.host.ping(other.dhcp()), "the host reaches a guest")


@test("net-routed-subnet-auto")
def subnet_auto():
    """auto overlaps nothing, and stays what it was."""
    world = World(networks=False)
    world.network("nat", world.nat(subnet="auto"))
    first = leased(world)
    net = first.address.rsplit(".", 1)[0]
    again = leased(world)
    check_equal(again.address.rsplit(".", 1)[0], net, "the second port's subnet")
    first.port.close()
    again.port.close()
    world.network("lab", world.nat(subnet="auto/22"))
    lab = leased(world, "--br=lab")
    check(lab.address.rsplit(".", 1)[0] != net, "two networks, two subnets")
    check_equal(lab.lease().address(packets.OPT_MASK), "255.255.252.0", "mask of auto/22")


@test("net-routed-subnet-auto-avoids")
def subnet_avoids():
    world = World(networks=False)
    # the whole of 192.168/16 and 172.16/12 is somebody's
    world.host.ip("route add 192.168.0.0/16 via 192.0.2.1")
    world.host.ip("route add 172.16.0.0/12 via 192.0.2.1 table 77")
    world.network("nat", world.nat(subnet="auto"))
    check(leased(world).address.startswith("10."), "an address of 10/8")
