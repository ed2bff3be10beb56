# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bridged ports: a place on the LAN, and what a guest must not do there."""

import json
import time

import packets
from guests import NetGuest, RawGuest
from packets import ETH_IP, ETH_IPV6
from status import CONFLICT
from testing import check, check_equal, check_in, test
from world import Capture, Netns, Page, World, cable, processes, sysctl


class Lan:
    """A LAN beyond a cable: a machine with a DHCP server and a page."""

    def __init__(self, world, link="lan0"):
        self.netns = Netns("lan")
        cable(world.host, link, self.netns, "eth0")
        self.netns.ip("addr add 10.30.0.1/24 dev eth0")
        self.dnsmasq = self.netns.start(
            "dnsmasq", "-d", "--conf-file=/dev/null", "--port=0", "--interface=eth0",
            "--dhcp-range=10.30.0.50,10.30.0.99,10m", "--dhcp-authoritative", "--no-ping",
            "--dhcp-leasefile=/run/lan.leases", stderr=open("/run/lan.log", "w"))
        self.page = Page(self.netns, "10.30.0.1")


def existing_bridge(world, name="br0", link=None):
    world.host.ip(f"link add {name} type bridge")
    world.host.ip(f"link set {name} up")
    if link:
        world.host.ip(f"link set {link} master {name}")


def check_on_lan(world, lan, port):
    guest = NetGuest(port)
    address = guest.dhcp()
    check(address.startswith("10.30.0."), f"an address of the LAN's server, not {address}")
    check(lan.netns.ping(address), "pinged from the LAN")
    check_in(address, guest.fetch("10.30.0.1") or "", "page on the LAN")
    return guest


@test("net-bridged-existing")
def existing():
    """A bridge as it is found is used and not changed."""
    world = World(outside=False, networks=False)
    lan = Lan(world)
    existing_bridge(world, link="lan0")
    world.network("lan", world.bridged())
    before = [l for l in world.snapshot()["links"] if '"br0"' in l]
    port = world.port("--br=lan")
    check_equal([l for l in world.snapshot()["links"] if '"ifname": "br0"' in l],
                [l for l in before if '"ifname": "br0"' in l], "the bridge")
    link = json.loads(world.host.ip(f"-d -j link show {port.name}"))[0]
    check_equal(link.get("master"), "br0", "master")
    check_equal(world.host.run("ip", "-6", "addr", "show", "dev", port.name), "",
                "IPv6 addresses of the host's on the port")
    check_on_lan(world, lan, port)
    check_equal(processes("tapster-dhcp"), [], "residents")
    check_equal(sysctl("net.ipv4.ip_forward"), "0", "ip_forward")


@test("net-bridged-made")
def made():
    """A bridge that does not exist is made, with its MAC and MTU pinned, and takes
    an uplink without addresses."""
    world = World(outside=False, networks=False)
    lan = Lan(world)
    world.network("lan", world.bridged(bridge="br7", uplink="lan0"))
    port = world.port("--br=lan")
    bridge = json.loads(world.host.ip("-d -j link show br7"))[0]
    check_in("UP", bridge["flags"], "flags of the bridge")
    uplink = json.loads(world.host.ip("-d -j link show lan0"))[0]
    check_equal(uplink.get("master"), "br7", "master of the uplink")
    guest = check_on_lan(world, lan, port)
    # ports that come, go and have small MTUs or low MACs do not move the bridge
    second = world.port("--br=lan")
    low = RawGuest(second, mac="02:00:00:00:00:01")
    low.send(packets.ethernet(low.mac, packets.BROADCAST, packets.ETH_ARP, packets.arp(
        1, low.mac, "10.30.0.200", "00:00:00:00:00:00", "10.30.0.1")))
    world.host.ip(f"link set {second.name} mtu 1280")
    world.host.ip(f"link set {second.name} address 02:00:00:00:00:02")
    after = json.loads(world.host.ip("-d -j link show br7"))[0]
    check_equal((after["address"], after["mtu"]), (bridge["address"], bridge["mtu"]),
                "MAC and MTU of the bridge")
    guest.close()
    second.close()
    after = json.loads(world.host.ip("-d -j link show br7"))[0]
    check_equal(after["address"], bridge["address"], "MAC after the ports went")
    check_on_lan(world, lan, world.port("--br=lan"))


@test("net-bridged-uplink-refused")
def uplink_refused():
    """An uplink that carries an address is not taken: one line says why."""
    world = World(outside=False, networks=False)
    Lan(world)
    world.host.ip("addr add 10.30.0.9/24 dev lan0")
    world.network("lan", world.bridged(bridge="br7", uplink="lan0"))
    before = world.snapshot()
    line = world.refused(CONFLICT, "--br=lan")
    check_in("lan0", line, "message")
    check_in("address", line, "message")
    world.check_unchanged(before, but=("state",))
    check(world.host.ping("10.30.0.1"), "the host still has its LAN")
    # another's port, no interface at all, and a bridge that is none
    world.host.ip("addr del 10.30.0.9/24 dev lan0")
    existing_bridge(world, "br-other", link="lan0")
    before = world.snapshot()
    line = world.refused(CONFLICT, "--br=lan")
    check_in("lan0", line, "message")
    check_in("belongs to another bridge", line, "message")
    world.check_unchanged(before, but=("state",))
    world.network("lan", world.bridged(bridge="br7", uplink="none-such"))
    result = world.start("--br=lan")
    check(result.status != 0, "an uplink that does not exist")
    check_in("none-such", result.stderr, "message")
    world.check_unchanged(before, but=("state",))
    world.network("lan", world.bridged(bridge="lan0"))
    line = world.refused(CONFLICT, "--br=lan")
    check_in("lan0", line, "message")
    check_in("bridge", line, "message")
    world.check_unchanged(before, but=("state",))


@test("net-bridged-rogues")
def rogues():
    """A DHCP server's answer and a router advertisement from a guest reach nobody:
    not the LAN, not another guest, not the host."""
    world = World(outside=False, networks=False)
    lan = Lan(world)
    existing_bridge(world, link="lan0")
    world.host.ip("addr add 10.30.0.2/24 dev br0")
    world.network("lan", world.bridged())
    rogue = RawGuest(world.port("--br=lan"), mac="52:54:00:00:66:66")
    victim = RawGuest(world.port("--br=lan"), mac="52:54:00:00:00:01")
    on_lan = Capture(lan.netns, "eth0")
    on_host = Capture(world.host, "br0")
    vlan = b"\x81\x00\x00\x00"
    for target, ip in ((packets.BROADCAST, "255.255.255.255"), (victim.mac, "10.30.0.77")):
        offer = packets.dhcp(victim.mac, packets.OFFER, op=2, yiaddr="6.6.6.6")
        packet = packets.udp("6.6.6.1", ip, 67, 68, offer)
        rogue.send(packets.ethernet(rogue.mac, target, ETH_IP, packet))
        # from another port than 67, and with IP options in between
        rogue.send(packets.ethernet(rogue.mac, target, ETH_IP,
                                    packets.udp("6.6.6.1", ip, 6767, 68, offer)))
    advertisement = packets.router_advertisement("fe80::66", rogue.mac, "fd66::")
    for target in ("33:33:00:00:00:01", victim.mac, packets.BROADCAST):
        rogue.send(packets.ethernet(rogue.mac, target, ETH_IPV6, advertisement))
    # behind an extension header (RFC 7113)
    hidden = packets.ipv6("fe80::66", "ff02::1", 0, bytes([58, 0, 1, 4, 0, 0, 0, 0]) +
                          advertisement[40:])
    rogue.send(packets.ethernet(rogue.mac, "33:33:00:00:00:01", ETH_IPV6, hidden))
    # one that may pass, to see that the wire works
    rogue.send(packets.ethernet(rogue.mac, packets.BROADCAST, ETH_IP,
                                packets.udp("10.30.0.66", "10.30.0.255", 5, 5555, b"honest")))
    honest = victim.wait(lambda f: f.dport == 5555, 2)
    check(honest, "an honest broadcast reaches the other guest")
    time.sleep(0.2)
    everything = (victim.drain(0.1) + [f for f, _ in on_lan.read()] +
                  [f for f, out in on_host.read() if not out])
    found = [f for f in everything if f.source == rogue.mac and
             (f.dport == 68 or b"\xfd\x66" in f.data)]
    check_equal(found, [], "rogue messages that arrived")
    check_equal(world.host.run("ip", "-6", "addr", "show", "to", "fd66::/16"), "", "the host")
    # the LAN's own server is heard by guests
    check(victim.discover(), "the LAN's server answers the victim")


@test("net-bridged-mac-guard")
def mac_guard():
    """Where the profile fixes a MAC, frames from another die at the port."""
    world = World(outside=False, networks=False)
    lan = Lan(world)
    existing_bridge(world, link="lan0")
    world.network("lan", world.bridged(grants={"mac": True}))
    world.profile("web", {"network": "lan", "mac": "52:54:00:00:00:42"})
    on_lan = Capture(lan.netns, "eth0")
    guest = RawGuest(world.port("--profile=web"), mac="52:54:00:00:00:42")
    free = RawGuest(world.port("--br=lan"), mac="52:54:00:00:00:43")

    def say(guest, mac, inside=None):
        guest.send(packets.ethernet(mac, packets.BROADCAST, packets.ETH_ARP, packets.arp(
            1, inside or mac, "10.30.0.200", "00:00:00:00:00:00", "10.30.0.1")))

    say(guest, "52:54:00:00:00:42")
    say(guest, "52:54:00:00:00:66")
    say(guest, "52:54:00:00:00:42", inside="52:54:00:00:00:67")
    say(free, "52:54:00:00:00:44")
    time.sleep(0.3)
    seen = {(f.source, f.sender_mac) for f, _ in on_lan.read() if f.arp_operation == 1}
    check_in(("52:54:00:00:00:42",) * 2, seen, "the right MAC")
    check_in(("52:54:00:00:00:44",) * 2, seen, "a port without a fixed MAC")
    check(not any(outer == "52:54:00:00:00:66" for outer, _ in seen), f"a forged MAC: {seen}")
    # the slot's next holder is not bound by it
    name = guest.port.name
    guest.port.close()
    for _ in range(3):
        port = world.port("--br=lan")
        if port.name == name:
            other = RawGuest(port, mac="52:54:00:00:00:45")
            say(other, other.mac)
            time.sleep(0.2)
            check(any(f.source == other.mac for f, _ in on_lan.read()), "the slot's next holder")


@test("net-bridged-guests-together")
def together():
    """Guests on one bridge reach each other; the same MAC twice is the LAN's
    problem, different ones are not."""
    world = World(outside=False, networks=False)
    lan = Lan(world)
    existing_bridge(world, link="lan0")
    world.network("lan", world.bridged())
    guests = [NetGuest(world.port("--br=lan"), name=f"guest{n}", mac=f"52:54:00:00:01:0{n}")
              for n in range(3)]
    for guest in guests:
        guest.dhcp()
    for guest in guests:
        for other in guests:
            check(guest.ping(other.addresses("eth0")[0]), f"{guest.name} to {other.name}")


@test("net-bridged-ends")
def ends():
    """Ports that end leave the bridge as it was; a second start changes nothing."""
    world = World(outside=False, networks=False)
    Lan(world)
    existing_bridge(world, link="lan0")
    world.network("lan", world.bridged(grants={"mac": True}))
    world.profile("web", {"network": "lan", "mac": "52:54:00:00:00:42"})
    world.port("--profile=web").close()
    before = world.snapshot()
    for _ in range(3):
        world.port("--br=lan").close()
    world.check_unchanged(before, but=("state",))
    # a fixed MAC leaves its element, bound to an index that never comes back
    world.port("--profile=web").close()
    world.check_unchanged(before, but=("state", "ruleset"))


@test("net-bridged-beside-masqueraded")
def both():
    world = World(networks=True)
    lan = Lan(world)
    existing_bridge(world, link="lan0")
    world.network("lan", world.bridged())
    routed = RawGuest(world.port("--br=nat"))
    routed.lease()
    guest = check_on_lan(world, lan, world.port("--br=lan"))
    check(routed.ping("198.51.100.1"), "the routed guest has the outside")
    world.port("--br=nat")
    world.port("--br=lan")
    check(routed.ping("198.51.100.1"), "and after more starts")
    check(lan.netns.ping(guest.addresses("eth0")[0]), "the bridged one its LAN")
