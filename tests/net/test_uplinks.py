# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host around the guests: uplinks that change, forwarding and its fence, other
firewalls, and what a failed start leaves."""

import glob
import os
import socket

import packets
from guests import NetGuest, RawGuest
from status import CONFLICT, SYSTEM
from testing import check, check_equal, check_in, eventually, test
from world import OUTSIDE, Netns, World, cable, processes, sysctl


@test("net-uplink-moves")
def moves():
    """The default route goes from one uplink to another under a running guest."""
    world = World()
    guest = NetGuest(world.port())
    guest.dhcp()
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page by the first uplink")
    world.uplink("uplink1", "203.0.113")       # made after the network
    world.host.ip("route replace default via 203.0.113.1 dev uplink1")
    check_in("203.0.113.2", guest.fetch(OUTSIDE) or "", "page by the second uplink")
    world.host.ip("link del uplink0")
    check_in("203.0.113.2", guest.fetch(OUTSIDE) or "", "page, the first uplink gone")
    world.uplink("uplink2", "192.0.2")
    world.host.ip("route replace default via 192.0.2.1 dev uplink2")
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page by the third uplink")


@test("net-fence")
def fence():
    """Two uplinks that did not forward between each other still do not."""
    world = World(networks=False)
    world.network("nat", world.nat())
    other = Netns("other")
    cable(world.host, "lan0", other, "eth0")
    world.host.ip("addr add 10.20.0.1/24 dev lan0")
    other.ip("addr add 10.20.0.2/24 dev eth0")
    other.ip("route add default via 10.20.0.1")
    world.outside.ip("route add 10.20.0.0/24 via 192.0.2.2")
    check_equal(sysctl("net.ipv4.ip_forward"), "0", "ip_forward before")
    check(not other.ping(OUTSIDE, timeout=1), "forwarding before tapster")
    guest = RawGuest(world.port())
    guest.lease()
    check_equal(sysctl("net.ipv4.ip_forward"), "1", "ip_forward")
    check(guest.ping(OUTSIDE), "the guest has the outside")
    check(guest.ping("10.20.0.2"), "the guest has the other side")
    check(not other.ping(OUTSIDE, timeout=1), "lan0 to uplink0")
    check(not world.outside.ping("10.20.0.2", source=OUTSIDE, timeout=1), "uplink0 to lan0")
    # the host itself is as it was
    check(world.host.ping(OUTSIDE) and other.ping("10.20.0.1"), "the host itself")
    # a second network does not open the fence
    world.network("lab", world.nat(subnet="10.99.0.0/24"))
    world.port("--br=lab")
    check(not other.ping(OUTSIDE, timeout=1), "lan0 to uplink0 after a second network")


@test("net-fence-host-that-forwards")
def forwards_already():
    """A host that forwarded before goes on doing so."""
    world = World()
    other = Netns("other")
    cable(world.host, "lan0", other, "eth0")
    world.host.ip("addr add 10.20.0.1/24 dev lan0")
    other.ip("addr add 10.20.0.2/24 dev eth0")
    other.ip("route add default via 10.20.0.1")
    world.outside.ip("route add 10.20.0.0/24 via 192.0.2.2")
    sysctl("net.ipv4.ip_forward", 1)
    check(other.ping(OUTSIDE), "forwarding before tapster")
    world.port()
    check(other.ping(OUTSIDE), "forwarding after tapster")


@test("net-docker-afterwards")
def docker():
    """A Docker-like peer set up after our network: own bridge, own masquerade,
    ip_forward=1. Both work."""
    world = World()
    guest = NetGuest(world.port(), name="guest")
    guest.dhcp()
    sysctl("net.ipv4.ip_forward", 1)
    host = world.host
    host.ip("link add docker0 type bridge")
    host.ip("addr add 172.17.0.1/16 dev docker0")
    host.ip("link set docker0 up")
    box = Netns("box")
    cable(host, "veth1234", box, "eth0")
    host.ip("link set veth1234 master docker0")
    box.ip("addr add 172.17.0.2/16 dev eth0")
    box.ip("route add default via 172.17.0.1")
    host.run("nft", "-f", "-", input="""
        table ip nat { chain postrouting { type nat hook postrouting priority srcnat;
            ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }; }
        table ip filter { chain forward { type filter hook forward priority filter; policy accept;
            oifname "docker0" ct state established,related accept;
            iifname "docker0" oifname != "docker0" accept; }; }
        """)
    check_in("192.0.2.2", box.fetch(OUTSIDE) or "", "page from the box")
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page from the guest")
    world.port()
    check_in("192.0.2.2", box.fetch(OUTSIDE) or "", "page from the box after another start")


@test("net-input-drop")
def input_drop():
    """Guests have DHCP with the host's INPUT policy at drop, and never "port
    unreachable"."""
    world = World()
    world.host.run("nft", "-f", "-", input="""
        table inet host { chain input { type filter hook input priority filter; policy drop;
            ct state established,related accept; iif lo accept; }; }""")
    guest = RawGuest(world.port())
    ack = guest.lease()
    mac = guest.resolve(guest.gateway)
    guest.dhcp_send(packets.REQUEST, ciaddr=ack.yiaddr, source=ack.yiaddr,
                    destination=guest.gateway, destination_mac=mac)
    answer = guest.dhcp_wait()
    check(answer and answer[0].kind == packets.ACK, "unicast renewal")
    check(guest.ping(OUTSIDE), "the way out")
    world.host.run("nft", "delete", "table", "inet", "host")
    for _ in range(3):
        guest.dhcp_send(packets.REQUEST, ciaddr=ack.yiaddr, source=ack.yiaddr,
                        destination=guest.gateway, destination_mac=mac)
    unreachable = [f for f in guest.drain(0.5) if f.icmp_type == 3 and f.protocol == packets.ICMP]
    check_equal(unreachable, [], "port unreachable")


@test("net-firewall-healed")
def healed():
    """Rules that somebody removed or changed are back with the next start."""
    world = World()
    guest = RawGuest(world.port())
    guest.lease()
    host = world.host

    def tables():
        return sorted(host.run("nft", "list", "ruleset").split("\n}\n"))

    installed = tables()
    check(any("table inet tapster" in table for table in installed), "inet table")
    for damage in (["flush", "ruleset"], ["delete", "table", "inet", "tapster"],
                   ["delete", "table", "arp", "tapster"], ["flush", "table", "inet", "tapster"]):
        host.run("nft", *damage)
        port = world.port()
        check_equal(tables(), installed, f"ruleset after {damage}")
        check(guest.ping(OUTSIDE), f"the running guest after {damage}")
        port.close()
    # somebody else's table is nobody's business, and no reason to install anew
    host.run("nft", "add", "table", "inet", "other")
    port = world.port()
    check_in("table inet other", host.run("nft", "list", "ruleset"), "ruleset")
    port.close()
    # routes and rules as well
    host.ip("route del unreachable 192.168.77.0/24")
    host.run("sh", "-c", "ip rule show | sed -n 's/^\\([0-9]*\\):.*192.168.77.0.*/\\1/p' | "
             "xargs -n1 ip rule del pref")
    sysctl("net.ipv4.ip_forward", 0)
    world.port()
    check_in("unreachable 192.168.77.0/24", host.ip("route show"), "routes")
    check_in("192.168.77.0/24", host.ip("rule show"), "rules")
    check_equal(sysctl("net.ipv4.ip_forward"), "1", "ip_forward")


@test("net-warm-changes-nothing")
def warm():
    """Starting and ending a VM on a warm network leaves what was there."""
    world = World()
    world.profile("web", {"network": "nat"})

    def start_and_end():
        world.port("--profile=web").close()
        # its name goes when the resident sees that the tap has gone
        eventually(lambda: not glob.glob(f"{world.places.runstatedir}/*/dns/nat/hosts*/web"), 2,
                   "the name went with its VM")

    start_and_end()
    before = world.snapshot()
    for _ in range(3):
        start_and_end()
        world.check_unchanged(before)


@test("net-subnet-conflict")
def conflict():
    """A subnet that this host already has somewhere is refused and says where."""
    world = World(networks=False)
    before = world.snapshot()
    for subnet, what in (("192.0.2.0/24", "192.0.2.2/24"), ("192.0.0.0/16", "192.0.2.2/24"),
                         ("192.0.2.128/25", "192.0.2.2/24")):
        path = world.network("nat", world.nat(subnet=subnet))
        line = world.refused(CONFLICT, "--br=nat")
        check_in(subnet, line, "message")
        check_in("uplink0" if what in line else "192.0.2.0/24", line, "message")
        check_in(path, line, "message")
        world.check_unchanged(before, but=("state",))
    world.network("nat", world.nat())
    world.network("lab", world.nat(subnet="192.168.0.0/16"))
    world.port("--br=nat")
    line = world.refused(CONFLICT, "--br=lab")
    check_in("192.168.0.0/16", line, "message")


@test("net-failure-leaves-nothing", timeout=120)
def leaves_nothing():
    """Whatever fails before the hand-over leaves nothing, on a network that is
    made for it as on one that stands."""
    world = World(networks=False)
    world.network("nat", world.nat(grants={"address": True}))
    world.profile("bad", {"network": "nat", "address": "192.168.77.5"})

    def faults():
        ours, theirs = socket.socketpair()
        ours.close()
        process = world.spawn([f"--fd={theirs.fileno()}", "--br=nat"], theirs.fileno())
        process.communicate(timeout=10)
        theirs.close()
        yield "peer gone", process.returncode
        yield "no slot", world.start("--profile=bad").status
        # tapster-dhcp cannot be started
        os.chmod(world.places.dhcp, 0)
        os.rename(world.places.dhcp, world.places.dhcp + ".gone")
        for pid in processes("tapster-dhcp"):
            os.kill(pid, 9)
        eventually(lambda: not processes("tapster-dhcp"), 2, "resident gone")
        status = world.start("--br=nat").status
        os.rename(world.places.dhcp + ".gone", world.places.dhcp)
        os.chmod(world.places.dhcp, 0o755)
        yield "no tapster-dhcp", status

    before = world.snapshot()
    for what, status in faults():
        check(status != 0, f"{what}: it succeeded")
        world.wait_no_taps()
        if what == "no slot":
            world.check_unchanged(before, but=("state",))
    world.port().close()
    before = world.snapshot()
    for what, status in faults():
        check(status != 0, f"{what}: it succeeded")
        world.wait_no_taps()
        world.check_unchanged(before, but=("state", "processes"))
    world.port().close()


@test("net-resident-missing")
def resident_missing():
    world = World()
    os.rename(world.places.dhcp, world.places.dhcp + ".gone")
    before = world.snapshot()
    line = world.refused(SYSTEM, "--br=nat")
    check_in("tapster-dhcp", line, "message")
    world.check_unchanged(before, but=("state",))
