# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPv4 and IPv6 of real guests: a busybox, and Debian with systemd-networkd."""

import ipaddress
import time

import packets
from dns import DnsServer, look_up
from guests import NetGuest
from testing import check, check_equal, check_in, eventually, test
from vm import DebianVm, Vm
from world import HOST, HOST6, OUTSIDE, OUTSIDE6, Capture, World

CARD = "virtio-net-pci,netdev=n"


def neighbour_probes(world, vm, tap):
    """The guest's router grows stale and is probed again and again: its default route
    stays, by answers that carry the router flag."""
    capture, states = Capture(world.host, tap), set()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        # iputils' ping tells the kernel that the neighbour is reachable; busybox's does not
        vm.run(f"busybox ping -c 1 -W 3 {OUTSIDE6} > /dev/null")
        states |= {line.split()[-1] for line in vm.run("ip -6 neigh show dev eth0").splitlines()
                   if line.startswith("fe80::1 ")}
        check_in("via fe80::1", vm.run("ip -6 route show default"), "default route")
        time.sleep(0.3)
    frames = [f for f, _ in capture.read()]
    asked = [f for f in frames if f.icmp_type == packets.NEIGHBOUR_SOLICITATION and
             f.dst == "fe80::1"]
    answers = [f for f in frames if f.icmp_type == packets.NEIGHBOUR_ADVERTISEMENT and
               f.src == "fe80::1"]
    check(asked, f"the guest probed its router; states seen: {states}")
    check(len(answers) >= 2 and all(f.payload[4] & 0x80 for f in answers),
          f"answers with the router flag: {answers}")
    check(vm.ping(OUTSIDE6), "the outside after the probes")


def dual_stack(kind):
    world = World(ipv6=True)
    world.outside.ip("addr add 192.0.2.53/32 dev lo")
    world.host.ip("route add 192.0.2.53/32 via 192.0.2.1")
    DnsServer(world.outside, "192.0.2.53", {"outside.test": [OUTSIDE, OUTSIDE6]})
    world.profile("web", {"network": "nat"})
    world.profile("db", {"network": "nat"}, user="bob")
    db = NetGuest(world.port("--profile=db", user="bob"), name="db")
    db4, db6 = db.dhcp(), db.slaac()
    vm = kind("-netdev", f"tap,id=n,helper={world.places.helper} --profile=web",
              "-device", CARD).ready()
    print(f"booted in {vm.boot_seconds:.1f} s")
    # neighbours are reachable for a second, not for half a minute: see neighbour_probes()
    vm.run("echo 1000 > /proc/sys/net/ipv6/neigh/eth0/base_reachable_time_ms; "
           "echo 1 > /proc/sys/net/ipv6/neigh/eth0/delay_first_probe_time")
    web4 = vm.dhcp()
    tap = next(name for name in world.taps() if name != db.port.name)
    check_in(f"{web4} dev {tap}", world.host.ip("route show"), "routes of the host")
    web6 = eventually(vm.address6, 20, "address by SLAAC", step=0.5)
    net = ipaddress.ip_network(world.prefix6_of(tap) + "::/64")
    check(ipaddress.ip_address(web6) in net, f"{web6} is in {net}")
    eventually(lambda: "via fe80::1" in vm.run("ip -6 route show default"), 10, "router", step=0.5)

    # out, and to the other guest
    check(vm.ping("192.168.77.1") and vm.ping("fe80::1%eth0"), "the gateway")
    check(vm.ping(db4) and vm.ping(db6), "the other guest")
    check(db.ping(web4) and db.ping(web6), "the other guest asks")

    # names, both ways
    for name, four, six in (("web", web4, web6), ("db", db4, db6)):
        full = name + ".nat.internal"
        eventually(lambda: look_up(world.host, "192.168.77.1", full, "AAAA") == [six], 5,
                   f"AAAA of {full}")
        check_equal(vm.look_up(full), sorted([four, six]), f"addresses of {full}")
        for address in (four, six):
            check_equal(vm.look_up(address), [full], f"name of {address}")
    check_equal(vm.look_up("outside.test"), sorted([OUTSIDE, OUTSIDE6]), "an outside name")

    # -4 and -6, through NAT
    for where in (OUTSIDE, "outside.test"):
        check_in(f"you are {HOST}\n", vm.fetch(where, 4), f"page by IPv4 from {where}")
    for where in (OUTSIDE6, "outside.test"):
        check_in(f"you are {HOST6}\n", vm.fetch(where, 6), f"page by IPv6 from {where}")
    check_equal(set(world.page.seen + world.page6.seen), {HOST, HOST6}, "whom the outside saw")

    neighbour_probes(world, vm, tap)
    vm.kill()


@test("guest-dual-stack-busybox", timeout=240)
def busybox():
    dual_stack(Vm)


@test("guest-dual-stack-debian", timeout=300, weight=2, image="host")
def debian():
    dual_stack(DebianVm)
