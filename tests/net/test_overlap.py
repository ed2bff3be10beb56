# SPDX-License-Identifier: LGPL-2.1-or-later
"""subnet: auto and IPv6's overlap nothing that is in use on this host.

Most tests leave a host but a few free subnets, take one of them in some way, and
see that the network gets another; and that the taken one is chosen once it is free.
"""

import glob
import ipaddress
import json
import os
import signal
import time

from guests import NetGuest, RawGuest
from status import CONFLICT, EXHAUSTED
from testing import check, check_equal, check_in, eventually, test
from world import HOST6, OUTSIDE, OUTSIDE6, World, processes, write

PRIVATE = [ipaddress.ip_network(net) for net in
           ("192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8")]
TAKEN, FREE = "192.168.200.0/24", "192.168.210.0/24"


def leave(world, *free):
    """All private addresses but those of free are routed somewhere."""
    rest = list(PRIVATE)
    for net in map(ipaddress.ip_network, free):
        rest = [part for whole in rest
                for part in (whole.address_exclude(net) if net.subnet_of(whole) else [whole])]
    world.host.run("ip", "-batch", "-", input="".join(
        f"route add {net} via 192.0.2.1\n" for net in rest))


def subnet_of(world, port):
    """The subnet of a port's network, as the host's unreachable routes have it."""
    address = ipaddress.ip_address(world.address_of(port))
    found = [line.split()[1] for line in world.host.ip("route show type unreachable").splitlines()]
    return next(net for net in found if address in ipaddress.ip_network(net))


def overlap(*take, undo=None, prepare=None):
    """The table's common row. take: what makes TAKEN taken."""
    world = World(networks=False)
    leave(world, TAKEN, FREE)
    if prepare:
        prepare(world)
    for line in take:
        world.host.ip(line)
    world.network("nat", world.nat(subnet="auto"))
    world.network("lab", world.nat(subnet="auto"))
    port = world.port("--br=nat")
    check_equal(subnet_of(world, port), FREE, "subnet beside a taken one")
    RawGuest(port).lease()
    line = world.refused(EXHAUSTED, "--br=lab")
    check_in("'lab'", line, "message")
    if undo:
        for step in [undo] if isinstance(undo, str) else undo:
            world.host.ip(step)
        check_equal(subnet_of(world, world.port("--br=lab")), TAKEN, "subnet once it is free")
    return world


@test("net-overlap-equal")
def equal():
    overlap("addr add 192.168.200.1/24 dev uplink0", undo="addr del 192.168.200.1/24 dev uplink0")


@test("net-overlap-address-inside")
def address_inside():
    overlap("addr add 192.168.200.77/32 dev lo", undo="addr del 192.168.200.77/32 dev lo")


@test("net-overlap-route-inside")
def route_inside():
    overlap("route add 192.168.200.128/28 via 192.0.2.1", undo="route del 192.168.200.128/28")


@test("net-overlap-route-around")
def route_around():
    overlap("route add 192.168.200.0/22 via 192.0.2.1", undo="route del 192.168.200.0/22")


@test("net-overlap-blackhole")
def blackhole():
    """An administrator's unreachable route is a use too; only ours are not."""
    overlap("route add blackhole 192.168.200.0/24", undo="route del blackhole 192.168.200.0/24")


@test("net-overlap-policy-table")
def policy_table():
    """A table that only a rule leads to: a VPN's."""
    overlap("rule add pref 220 lookup 220", f"route add {TAKEN} via 192.0.2.1 table 220",
            undo=f"route del {TAKEN} table 220")


@test("net-overlap-vpn-works", timeout=90)
def vpn_works():
    """A VPN that takes everything into a table of its own leaves guests their gateway,
    their names and the outside, in both families."""
    world = World(networks=False, ipv6=True)
    for family in ("", "-6 "):
        world.host.ip(f"{family}rule add pref 220 lookup 220")
    world.host.ip("route add default via 192.0.2.1 dev uplink0 table 220")
    world.host.ip(f"route add {TAKEN} via 192.0.2.1 table 220")
    world.host.ip("-6 route add default via 2001:db8:1::1 dev uplink0 table 220")
    world.network("nat", world.nat(subnet="auto"))
    guest = NetGuest(world.port())
    address = guest.dhcp()
    address6 = guest.slaac()
    gateway = world.gateway_of(guest.port)
    check(guest.ping(gateway), "the gateway")
    check(guest.ping(world.prefix6_of(guest.port) + "::1"), "the gateway's IPv6")
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page")
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page by IPv6")
    check(world.host.ping(address) and world.host.ping(address6), "the host reaches its guest")
    # and the VPN itself leads where it led
    check_in("table 220", world.host.ip("route get 192.168.200.5"), "the VPN's route")


@test("net-overlap-other-network")
def other_network():
    """Another network of tapster's, live, and one that only remembers its subnet."""
    world = World(networks=False)
    leave(world, TAKEN, FREE)
    world.network("nat", world.nat(subnet="auto"))
    world.network("lab", world.nat(subnet="auto"))
    world.network("third", world.nat(subnet="auto"))
    nat, lab = world.port("--br=nat"), world.port("--br=lab")
    first, second = subnet_of(world, nat), subnet_of(world, lab)
    check_equal({first, second}, {TAKEN, FREE}, "subnets")
    world.refused(EXHAUSTED, "--br=third")
    nat.close()
    lab.close()
    check_equal(subnet_of(world, world.port("--br=lab")), second, "subnet of lab, again")
    world.refused(EXHAUSTED, "--br=third")
    check_equal(subnet_of(world, world.port("--br=nat")), first, "subnet of nat, again")


@test("net-overlap-other-network-named")
def other_named():
    """A network whose file names its subnet has it, whether it was made or not."""
    def prepare(world):
        world.network("fixed", world.nat(subnet=TAKEN))
    world = overlap(prepare=prepare)
    check_equal(subnet_of(world, world.port("--br=fixed")), TAKEN, "the named one")


@test("net-overlap-all-taken")
def all_taken():
    """The message says what to do; nothing is left behind."""
    world = World(networks=False)
    leave(world)
    world.network("nat", world.nat(subnet="auto"))
    before = world.snapshot()
    for user in ("alice", "root"):
        line = world.refused(EXHAUSTED, "--br=nat", user=user)
        check_in("network 'nat'", line, "message")
        check_in('"subnet"', line, "what to do")
    world.check_unchanged(before, but=("state",))


@test("net-overlap-small-gap")
def small_gap():
    """What is free is found in each private range, and of the length that is wanted."""
    world = World(networks=False)
    leave(world, "10.200.4.0/22", "172.20.9.0/24", "192.168.3.64/26")
    for name, length in (("a", 22), ("b", 26), ("c", 24)):
        world.network(name, world.nat(subnet=f"auto/{length}"))
    check_equal(subnet_of(world, world.port("--br=a")), "10.200.4.0/22", "a /22")
    taken = {subnet_of(world, world.port(f"--br={name}")) for name in "cb"}
    check(any(net.startswith("172.20.9.0/24") for net in taken), f"{taken}")
    world.network("d", world.nat(subnet="auto/23"))
    world.refused(EXHAUSTED, "--br=d")


# --- other programs' networks, up or not

def configured(path, text):
    def prepare(_):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, text)
    overlap(prepare=prepare)


@test("net-overlap-docker-bip")
def docker_bip():
    configured("/etc/docker/daemon.json", json.dumps({"bip": "192.168.200.1/24"}))


@test("net-overlap-docker-pools")
def docker_pools():
    configured("/etc/docker/daemon.json", json.dumps(
        {"default-address-pools": [{"base": "192.168.192.0/20", "size": 24}]}))


@test("net-overlap-podman")
def podman():
    configured("/etc/containers/networks/web.json", json.dumps(
        {"name": "web", "driver": "bridge", "subnets": [{"subnet": "192.168.200.0/24",
                                                        "gateway": "192.168.200.1"}]}))


@test("net-overlap-cni")
def cni():
    configured("/etc/cni/net.d/87-podman.conflist", json.dumps(
        {"cniVersion": "0.4.0", "name": "podman", "plugins": [
            {"type": "bridge", "bridge": "cni0", "ipam": {
                "type": "host-local", "ranges": [[{"subnet": "192.168.200.0/24"}]]}}]}))


@test("net-overlap-libvirt")
def libvirt():
    configured("/etc/libvirt/qemu/networks/default.xml",
               "<network>\n  <name>default</name>\n  <forward mode='nat'/>\n"
               "  <ip address='192.168.200.1' netmask='255.255.255.0'>\n"
               "    <dhcp><range start='192.168.200.2' end='192.168.200.254'/></dhcp>\n"
               "  </ip>\n</network>\n")


@test("net-overlap-libvirt-prefix")
def libvirt_prefix():
    configured("/etc/libvirt/qemu/networks/lab.xml",
               "<network><name>lab</name>"
               "<ip family='ipv4' address='192.168.200.129' prefix='25'/></network>\n")


@test("net-overlap-unreadable-configuration")
def unreadable():
    """What cannot be read or understood is no reason to fail."""
    world = World(networks=False)
    os.makedirs("/etc/docker")
    os.makedirs("/etc/containers/networks")
    os.makedirs("/etc/libvirt/qemu/networks")
    write("/etc/docker/daemon.json", "{ \"bip\": ")
    write("/etc/containers/networks/a.json", "\xff\0 [")
    os.symlink("/nowhere", "/etc/containers/networks/b.json")
    os.mkfifo("/etc/containers/networks/c.json")
    write("/etc/libvirt/qemu/networks/x.xml", "<network><ip address='999.1.1.1' netmask='x'")
    write("/etc/libvirt/qemu/networks/y.xml", "<" * 100000)
    world.network("nat", world.nat(subnet="auto"))
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start")


# --- a subnet that the file names

@test("net-overlap-named")
def named():
    """A subnet that the file names and that is in use is refused, saying by what."""
    world = World(networks=False)
    world.network("nat", world.nat(subnet=TAKEN))
    before = world.snapshot()
    for add, remove, word in (
            ("addr add 192.168.200.1/24 dev uplink0", "addr del 192.168.200.1/24 dev uplink0",
             "192.168.200."),
            ("route add 192.168.200.128/28 via 192.0.2.1", "route del 192.168.200.128/28",
             "192.168.200.128/28"),
            ("route add 192.168.200.0/22 via 192.0.2.1", "route del 192.168.200.0/22",
             "192.168.200.0/22"),
            ("route add 192.168.200.0/24 via 192.0.2.1 table 220",
             "route del 192.168.200.0/24 table 220", "192.168.200.0/24")):
        world.host.ip(add)
        line = world.refused(CONFLICT, "--br=nat")
        check_in("'nat'", line, "message")
        check_in(word, line, "message")
        world.host.ip(remove)
        world.check_unchanged(before, but=("state",))
    # a default route, or one that is wider than any private range, is no use of it
    world.host.ip("route add 128.0.0.0/1 via 192.0.2.1")
    check_equal(subnet_of(world, world.port()), TAKEN, "subnet")
    world.network("lab", world.nat(subnet="192.168.200.0/25"))
    check_in("192.168.200.", world.refused(CONFLICT, "--br=lab"), "message")


# --- remembered, and chosen anew

@test("net-overlap-chosen-anew")
def chosen_anew():
    """A remembered subnet that has come to collide: kept while ports are live, chosen
    anew with a warning when there is none."""
    world = World(networks=False)
    leave(world, TAKEN, FREE)
    world.network("nat", world.nat(subnet="auto"))
    world.profile("web", {"network": "nat"})
    port = world.port("--profile=web")
    first = subnet_of(world, port)
    second = FREE if first == TAKEN else TAKEN
    base = first.partition("/")[0].rpartition(".")[0]
    world.host.ip(f"addr add {base}.250/24 dev uplink0")
    # while a port is live it stays, and the port works
    result = world.start("--br=nat")
    check_equal(result.status, 0, str(result))
    check_equal(subnet_of(world, result.port), first, "subnet while a port is live")
    check_in("192.0.2.2", page_of(world, result.port), "page of a live guest")
    port.close()
    take_down(world)
    result = world.start("--profile=web")
    check_equal(result.status, 0, str(result))
    check(result.stderr.startswith("tapster-helper: warning: ") and
          result.stderr.count("\n") == 1, f"one warning, not {result.stderr!r}")
    for part in ("'nat'", first, second):
        check_in(part, result.stderr, "warning")
    check_equal(subnet_of(world, result.port), second, "the new subnet")
    check_in("192.0.2.2", page_of(world, result.port), "page")
    # nothing of the old one is left, and the new one is kept without a word
    check(f"unreachable {first}" not in world.host.ip("route show"), "the old route")
    check(first not in world.host.ip("rule show"), "the old rule")
    check(base + "." not in world.host.run("nft", "list", "ruleset"), "the old elements")
    take_down(world)
    world.host.ip(f"addr del {base}.250/24 dev uplink0")
    result = world.start("--profile=web")
    check_equal((result.status, result.stderr), (0, ""), "start afterwards")
    check_equal(subnet_of(world, result.port), second, "subnet afterwards")


def page_of(world, port):
    guest = NetGuest(port)
    guest.dhcp()
    page = guest.fetch(OUTSIDE) or ""
    guest.close()
    return page


def take_down(world):
    """As the timer does it to networks without ports."""
    world.wait_no_taps()
    world.host.run(os.path.join(os.path.dirname(world.places.helper), "tapster-sweep"),
                   "--idle-seconds=0")


def reboot(world):
    """What a reboot leaves: the state directory."""
    world.wait_no_taps()
    for name in ("tapster-dhcp", "dnsmasq"):
        for pid in processes(name):
            os.kill(pid, signal.SIGKILL)
    world.host.run("sh", "-c", f"rm -rf {world.places.runstatedir}/*; nft flush ruleset; "
                   "for family in -4 -6; do ip $family route flush type unreachable; "
                   "ip $family rule del pref 150; done", check=False)


@test("net-overlap-remembered")
def remembered():
    """The choice is kept over a reboot, and is the network's own also before it is
    started again."""
    world = World(networks=False)
    leave(world, TAKEN, FREE)
    world.network("nat", world.nat(subnet="auto"))
    world.network("lab", world.nat(subnet="auto"))
    port = world.port()
    first = subnet_of(world, port)
    port.close()
    reboot(world)
    port = world.port("--br=lab")
    check(subnet_of(world, port) != first, "another network has it, after the reboot")
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start after the reboot")
    check_equal(subnet_of(world, result.port), first, "subnet after the reboot")


# --- IPv6

@test("net-overlap-ipv6-named")
def ipv6_named():
    """A prefix that the file names: equal, inside, around, another network's."""
    world = World(networks=False, ipv6=True)
    prefix = "fd12:3456:7890::/48"
    world.network("nat", world.nat(subnet6=prefix))
    before = world.snapshot()
    for add, remove in (
            (f"-6 route add {prefix} via 2001:db8:1::1", f"-6 route del {prefix}"),
            ("-6 route add fd12:3456:7890:5::/64 via 2001:db8:1::1",
             "-6 route del fd12:3456:7890:5::/64"),
            ("-6 route add fd12:3456::/32 via 2001:db8:1::1", "-6 route del fd12:3456::/32"),
            ("-6 route add fd12:3456:7890:5::/64 via 2001:db8:1::1 table 220",
             "-6 route del fd12:3456:7890:5::/64 table 220"),
            ("addr add fd12:3456:7890:77::1/64 dev uplink0 nodad",
             "addr del fd12:3456:7890:77::1/64 dev uplink0")):
        world.host.ip(add)
        line = world.refused(CONFLICT, "--br=nat")
        check_in("fd12:3456", line, "message")
        world.host.ip(remove)
        world.check_unchanged(before, but=("state",))
    world.port()
    world.network("lab", world.nat(subnet="10.99.0.0/24", subnet6="fd12:3456:7890:100::/56",
                                   pool={"offset": 10, "size": 20}))
    check_in(prefix, world.refused(CONFLICT, "--br=lab"), "message")


@test("net-overlap-ipv6-chosen-anew")
def ipv6_anew():
    """The remembered prefix has come to collide: another one, with a warning."""
    world = World(ipv6=True)
    port = world.port()
    first = world.prefix6_of(port)
    site = ":".join(first.split(":")[:3])
    port.close()
    take_down(world)
    world.host.ip(f"addr add {site}:aaaa::1/64 dev uplink0 nodad")
    result = world.start("--br=nat")
    check_equal(result.status, 0, str(result))
    check_in("warning", result.stderr, "stderr")
    check_in(site, result.stderr, "warning")
    check(not world.prefix6_of(result.port).startswith(site + ":"), "another prefix")
    guest = NetGuest(result.port)
    guest.slaac()
    check_in(HOST6, guest.fetch(OUTSIDE6) or "", "page")
    check(f"unreachable {site}" not in world.host.ip("-6 route show"), "the old route")


# --- the host moves while a network is made

def roam(world, first):
    """The host comes to a LAN that has the subnet; the LAN's first address."""
    base = first.partition("/")[0].rpartition(".")[0]
    world.host.ip(f"addr add {base}.250/24 dev uplink0")
    eventually(marked, 2, "tapster-dhcp's mark")
    return base


def marked():
    """tapster-dhcp has heard of a route that overlaps a network's subnet."""
    return any(os.stat(path).st_size > 16
               for path in glob.glob(f"{World.places.runstatedir}/*/dhcp.pid"))


def one_warning(result, *parts):
    check_equal(result.status, 0, str(result))
    check(result.stderr.startswith("tapster-helper: warning: ") and
          result.stderr.count("\n") == 1, f"one warning, not {result.stderr!r}")
    for part in parts:
        check_in(part, result.stderr, "warning")


def roaming(**changes):
    """A made network of which no port is live, with its residents; its subnet."""
    world = World(networks=False)
    leave(world, TAKEN, FREE)
    world.network("nat", world.nat(**{"subnet": "auto", **changes}))
    world.network("lab", world.nat(subnet="172.31.0.0/24", subnet6="none"))
    world.host.ip("route del 172.16.0.0/12")
    port = world.port()
    given = RawGuest(port).lease().yiaddr
    return world, port, str(ipaddress.ip_network(given + "/24", strict=False))


@test("net-overlap-roams")
def roams():
    """The next start chooses anew with a warning, and its guest has a way out; starts on
    other networks go on meanwhile, and afterwards there is nothing to see to."""
    world, port, first = roaming()
    second = FREE if first == TAKEN else TAKEN
    port.close()
    check(not marked(), "no mark beforehand")
    base = roam(world, first)
    for _ in range(2):
        result = world.start("--br=lab")
        check_equal((result.status, result.stderr), (0, ""), "start on another network")
        check(marked(), "the mark stays for the network that is concerned")
    result = world.start("--br=nat")
    one_warning(result, "'nat'", first, second, "uplink0")
    check_equal(subnet_of(world, result.port), second, "the new subnet")
    check_in("192.0.2.2", page_of(world, result.port), "page")
    check(f"unreachable {first}" not in world.host.ip("route show"), "the old route")
    check(base + "." not in world.host.run("nft", "list", "ruleset"), "the old elements")
    check(not marked(), "no mark afterwards")
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "the start after it")
    # ports that come and go are no routes of others
    result.port.close()
    time.sleep(0.2)
    check(not marked(), "no mark of our own routes")


@test("net-overlap-roams-live")
def roams_live():
    """While a port is live the subnet stays, and each start says so; until the host has
    moved on, or the ports are gone."""
    world, port, first = roaming()
    base = roam(world, first)
    for _ in range(2):
        result = world.start("--br=nat")
        one_warning(result, "'nat'", first, f"{base}.250/24 on uplink0", "live ports")
        check_equal(subnet_of(world, result.port), first, "subnet while a port is live")
        result.port.close()
    check_in("192.0.2.2", page_of(world, port), "page of the live guest")
    world.host.ip(f"addr del {base}.250/24 dev uplink0")
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start back at home")
    check(not marked(), "no mark back at home")
    result.port.close()
    roam(world, first)
    port.close()
    one_warning(world.start("--br=nat"), first, FREE if first == TAKEN else TAKEN)


@test("net-overlap-roams-named")
def roams_named():
    """A subnet that the file names is refused, as long as it overlaps."""
    world, port, first = roaming(subnet=TAKEN)
    base = roam(world, first)
    result = world.start("--br=nat")
    one_warning(result, first, "nat.json", "live ports")
    result.port.close()
    port.close()
    for _ in range(3):
        line = world.refused(CONFLICT, "--br=nat")
        for part in ("'nat'", TAKEN, "uplink0", "nat.json"):
            check_in(part, line, "message")
        check_equal(world.start("--br=lab").status, 0, "start on another network")
    world.host.ip(f"addr del {base}.250/24 dev uplink0")
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start back at home")
    check_in("192.0.2.2", page_of(world, result.port), "page")


@test("net-overlap-roams-route")
def roams_route():
    """A VPN's route in a table of its own, around the subnet."""
    world, port, first = roaming()
    port.close()
    base = first.partition("/")[0].rpartition(".")[0]
    world.host.ip("route add 128.0.0.0/1 via 192.0.2.1 table 220")
    world.host.ip("route add 192.168.9.0/24 via 192.0.2.1 table 220")
    time.sleep(0.2)
    check(not marked(), "no mark of routes that overlap nothing")
    world.host.ip(f"route add {base}.64/26 via 192.0.2.1 table 220")
    eventually(marked, 2, "tapster-dhcp's mark")
    one_warning(world.start("--br=nat"), first, f"{base}.64/26 of table 220")


@test("net-overlap-roams-ipv6")
def roams_ipv6():
    world, port, _ = roaming()
    site = ":".join(world.prefix6_of(port).split(":")[:3])
    port.close()
    world.host.ip(f"addr add {site}:aaaa::1/64 dev uplink0 nodad")
    eventually(marked, 2, "tapster-dhcp's mark")
    result = world.start("--br=nat")
    one_warning(result, "'nat'", site, "uplink0")
    check(not world.prefix6_of(result.port).startswith(site + ":"), "another prefix")


@test("net-overlap-roams-shared")
def roams_shared():
    """The bridge of a shared segment goes with its subnet."""
    world, port, first = roaming(segment="shared")
    second = FREE if first == TAKEN else TAKEN
    port.close()
    base = roam(world, first)
    result = world.start("--br=nat")
    one_warning(result, first, second)
    check_in("192.0.2.2", page_of(world, result.port), "page")
    check_equal(world.host.ip("addr show").count(f"inet {base}."), 1, "addresses of the LAN")


@test("net-overlap-roams-unwatched")
def roams_unwatched():
    """Nobody was there to hear of the route: the resident has gone. What it finds when it
    is back counts for the other networks, too."""
    world, port, first = roaming(subnet=TAKEN)
    world.network("wide", world.nat(subnet="auto", subnet6="none"))
    other = world.port("--br=wide")
    second = subnet_of(world, other)
    port.close()
    other.close()
    (pid,) = processes("tapster-dhcp")
    os.kill(pid, signal.SIGKILL)
    for path in glob.glob(f"{World.places.runstatedir}/*/dhcp.pid"):
        os.utime(path, (0, 0))
    for net in (first, second):
        base = net.partition("/")[0].rpartition(".")[0]
        world.host.ip(f"addr add {base}.250/24 dev uplink0")
    eventually(lambda: not processes("tapster-dhcp"), 2, "no residents")
    world.refused(CONFLICT, "--br=nat")
    check_equal(processes("tapster-dhcp"), [], "residents")
    check_equal(world.start("--br=lab").status, 0, "start on another network")
    eventually(marked, 2, "the mark of the new tapster-dhcp")
    world.host.ip("route del 192.168.0.0/17")
    one_warning(world.start("--br=wide"), second)
