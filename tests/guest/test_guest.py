# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's QEMU, run by a plain user, with a real kernel in it."""

import os
import time

from testing import check, check_equal, check_in, test
from vm import Vm
from world import OUTSIDE, Netns, Page, World, cable


CARD = "virtio-net-pci,netdev=n"


def check_works(world, vm, seen_as="192.0.2.2"):
    """Its own address by DHCP, the gateway, a page from outside. Returns the address."""
    before = len(world.page.seen)
    address = vm.dhcp()
    routes = world.host.ip("route show").splitlines()
    check(any(line.split()[0] == address for line in routes),
          f"{address} is a port's address: {routes}")
    check_equal(vm.gateway(), "192.168.77.1", "gateway")
    check(vm.ping(vm.gateway()), "the gateway answers")
    check_in(seen_as, vm.fetch(OUTSIDE), "page")
    check_equal(world.page.seen[before:], [seen_as], "whom the outside saw")
    return address


def check_plain(vm):
    """It is a plain user's process, without any capability."""
    with open(f"/proc/{vm.process.pid}/status") as file:
        status = dict(line.split(":", 1) for line in file if ":" in line)
    check_equal(status["Uid"].split(), ["1000"] * 4, "uids of QEMU")
    for name in ("CapPrm", "CapEff", "CapAmb"):
        check_equal(int(status[name], 16), 0, name)


def helper_form(world, *network):
    vm = Vm(*network).ready()
    check_plain(vm)
    check_works(world, vm)
    vm.kill()
    world.wait_no_taps()


@test("guest-netdev-bridge", timeout=180)
def netdev_bridge():
    world = World()
    helper_form(world, "-netdev", f"bridge,id=n,br=nat,helper={world.places.helper}",
                "-device", CARD)


@test("guest-netdev-tap-profile", timeout=180)
def netdev_tap():
    world = World()
    path = world.profile("web", {"network": "nat", "hostname": "web"})
    check_equal(os.stat("/home/alice").st_mode & 0o777, 0o700, "mode of the home directory")
    check_equal(os.stat(path).st_mode & 0o777, 0o600, "mode of the profile")
    helper_form(world, "-netdev", f"tap,id=n,helper={world.places.helper} --profile=web",
                "-device", CARD)


@test("guest-nic-tap", timeout=180)
def nic_tap():
    world = World()
    helper_form(world, "-nic", f"tap,br=nat,model=virtio-net-pci,helper={world.places.helper}")


@test("guest-three-at-once", timeout=400, weight=2)
def three():
    """Three guests with QEMU's default MAC: three addresses, kept over five lease
    times, each reaches the others and the outside."""
    lease = 20
    world = World(networks=False)
    world.network("nat", world.nat(lease_time=lease))
    vms = [Vm("-netdev", f"bridge,id=n,br=nat,helper={world.places.helper}", "-device", CARD)
           for _ in range(3)]
    for vm in vms:
        vm.ready(120)
        check_in("52:54:00:12:34:56", vm.run("cat /sys/class/net/eth0/address"), "MAC")
    given = [vm.dhcp(stay=True) for vm in vms]
    check_equal(len(set(given)), 3, "addresses")
    began = time.monotonic()
    while time.monotonic() - began < 5 * lease + 5:
        # BusyBox takes no lease for shorter than 122 s: ask it to renew.
        for vm, address in zip(vms, given):
            vm.run("killall -USR1 udhcpc")
        time.sleep(8)
        for vm, address in zip(vms, given):
            check_equal(vm.address(), address, "address")
    for vm, address in zip(vms, given):
        renewed = vm.run("cat /leases").splitlines()
        check(len(renewed) >= 6, f"renewals: {renewed}")
        check_equal({line.split()[1] for line in renewed}, {address}, "addresses of all leases")
    for vm in vms:
        for address in given:
            check(vm.ping(address), f"reaches {address}")
        check_in("192.0.2.2", vm.fetch(OUTSIDE), "page")
    for vm in vms:
        vm.kill()
    world.wait_no_taps()


@test("guest-sigkill", timeout=180)
def sigkill():
    """SIGKILL of QEMU leaves no tap; the same profile, at once, the same address."""
    world = World()
    world.profile("web", {"network": "nat"})
    network = ["-netdev", f"tap,id=n,helper={world.places.helper} --profile=web", "-device", CARD]
    first = Vm(*network).ready()
    address = check_works(world, first)
    first.kill()
    second = Vm(*network)
    second.ready()
    check_equal(check_works(world, second), address, "address of the second run")
    second.kill()
    world.wait_no_taps()
    check_in("No route to host", world.host.ip("route get " + address, check=False), "its address")


@test("guest-uplink-moves", timeout=180)
def uplink_moves():
    world = World()
    vm = Vm("-netdev", f"bridge,id=n,br=nat,helper={world.places.helper}", "-device", CARD).ready()
    check_works(world, vm)
    world.uplink("uplink1", "203.0.113")
    world.host.ip("route replace default via 203.0.113.1 dev uplink1")
    world.host.ip("link set uplink0 down")
    check_in("203.0.113.2", vm.fetch(OUTSIDE), "page by the other uplink")
    vm.kill()


@test("guest-bridged", timeout=180)
def bridged():
    """The LAN's DHCP server gives the address; the LAN pings the guest."""
    world = World(outside=False, networks=False)
    lan = Netns("lan")
    cable(world.host, "lan0", lan, "eth0")
    lan.ip("addr add 10.30.0.1/24 dev eth0")
    lan.start("dnsmasq", "-d", "--conf-file=/dev/null", "--port=0", "--interface=eth0",
              "--dhcp-range=10.30.0.50,10.30.0.99,10m", "--dhcp-authoritative", "--no-ping",
              "--dhcp-leasefile=/run/lan.leases", stderr=open("/run/lan.log", "w"))
    Page(lan, "10.30.0.1")
    world.network("lan", world.bridged(uplink="lan0"))
    vm = Vm("-netdev", f"bridge,id=n,br=lan,helper={world.places.helper}", "-device", CARD).ready()
    address = vm.dhcp()
    check(address.startswith("10.30.0."), f"address {address}")
    check(lan.ping(address), "pinged from the LAN")
    check_in(address, vm.fetch("10.30.0.1"), "page on the LAN")
    vm.kill()
    world.wait_no_taps()


@test("guest-refusal", timeout=60)
def refusal():
    """What a user sees who may not: our line, and QEMU does not start."""
    world = World()
    world.network("lab", world.nat(subnet="10.9.0.0/24", allow=[{"user": "bob"}]))
    vm = Vm("-netdev", f"bridge,id=n,br=lab,helper={world.places.helper}", "-device", CARD)
    check(vm.process.wait(timeout=30) != 0, "QEMU started")
    vm.errors.seek(0)
    said = vm.errors.read()
    check_in("tapster-helper: ", said, "stderr")
    check_in("lab", said, "stderr")
    check_equal(world.taps(), [], "taps")
