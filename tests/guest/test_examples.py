# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is in examples/: its network, its profiles and its launch script, as they are."""

import os

from dns import look_up
from testing import check, check_equal, check_in, eventually, test
from vm import Vm
from world import OUTSIDE, Netns, Page, World, cable

EXAMPLES = "/opt/source/examples"


class Launched(Vm):
    """A guest that an example's launch script starts."""

    def __init__(self, world, example, *arguments):
        self.BASE = ["env", "TAPSTER_HELPER=" + world.places.helper,
                     f"{EXAMPLES}/{example}/launch", *arguments,
                     *Vm.BASE[Vm.BASE.index("-nodefaults"):]]
        super().__init__()


def example_world(name, **options):
    """The host after what the launch script tells to do once."""
    world = World(networks=False, **options)
    for kind, install in (("networks", world.network), ("profiles", world.profile)):
        for file in os.listdir(f"{EXAMPLES}/{name}/{kind}"):
            with open(f"{EXAMPLES}/{name}/{kind}/{file}") as content:
                install(file.removesuffix(".json"), content.read())
    return world


def serve(vm, text):
    """A web server in the guest."""
    vm.run(f"mkdir -p /www; echo '{text}' > /www/index.html; httpd -p 80 -h /www")


@test("guest-example-masqueraded", timeout=180)
def masqueraded():
    """The profile's address, its forward, its name."""
    world = example_world("masqueraded", ipv6=True)
    vm = Launched(world, "masqueraded").ready()
    check_equal(vm.dhcp(), "192.168.77.20", "address")
    check_in("192.0.2.2", vm.fetch(OUTSIDE), "page")
    serve(vm, "served by web")
    address6 = eventually(vm.address6, 20, "address by SLAAC", step=0.5)
    for address in ("127.0.0.1", "192.0.2.2", "2001:db8:1::2"):
        check_equal(world.host.fetch(address, 8080), "served by web\n", f"page at {address}")
    check_equal(world.outside.fetch("192.0.2.2", 8080), None, "page from outside")
    for kind, address in (("A", "192.168.77.20"), ("AAAA", address6)):
        check_equal(look_up(world.host, "192.168.77.1", "web.lab.internal", kind), [address],
                    "name")
    vm.kill()
    world.wait_no_taps()


@test("guest-example-shared", timeout=240, weight=2)
def shared():
    """Two guests on one wire, with the names of their profiles, and a way out."""
    world = example_world("shared")
    vms = [Launched(world, "shared", f"node{number}").ready(120) for number in (1, 2)]
    given = [vm.dhcp() for vm in vms]
    for number, vm in enumerate(vms, 1):
        mac = f"52:54:00:78:00:0{number}"
        check_in(mac, vm.run("cat /sys/class/net/eth0/address"), "MAC")
        check_in("192.0.2.2", vm.fetch(OUTSIDE), "page")
    check_in(given[1], vms[0].look_up("node2.bench.internal"), "node2's name")
    serve(vms[1], "served by node2")
    check_in("served by node2", vms[0].fetch(given[1]), "page of node2")
    check_in("52:54:00:78:00:02", vms[0].run(f"arping -c 1 -w 5 -I eth0 {given[1]}"),
             "who answers for node2")
    for vm in vms:
        vm.kill()
    world.wait_no_taps()


@test("guest-example-bridged", timeout=180)
def bridged():
    """A machine on the LAN: its address is the LAN's."""
    world = example_world("bridged", outside=False)
    lan = Netns("lan")
    cable(world.host, "eth1", lan, "eth0")
    lan.ip("addr add 10.30.0.1/24 dev eth0")
    lan.start("dnsmasq", "-d", "--conf-file=/dev/null", "--port=0", "--interface=eth0",
              "--dhcp-range=10.30.0.50,10.30.0.60,10m", "--dhcp-authoritative", "--no-ping",
              "--dhcp-host=52:54:00:77:00:14,10.30.0.70", "--dhcp-leasefile=/run/lan.leases",
              stderr=open("/run/lan.log", "w"))
    Page(lan, "10.30.0.1")
    vm = Launched(world, "bridged").ready()
    check_equal(vm.dhcp(), "10.30.0.70", "address that the LAN has for its MAC")
    check(lan.ping("10.30.0.70"), "pinged from the LAN")
    check_in("10.30.0.70", vm.fetch("10.30.0.1"), "page on the LAN")
    vm.kill()
    world.wait_no_taps()
