# SPDX-License-Identifier: LGPL-2.1-or-later
"""Slots: who gets which, who keeps it, how many at once."""

import fcntl
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from guests import RawGuest
from status import BUSY, DENIED, EXHAUSTED
from testing import check, check_equal, check_in, test
from world import TUNSETCARRIER, TUNSETPERSIST, World


@test("net-slots-200-in-parallel", timeout=120)
def two_hundred():
    """200 helpers, eight at a time: 200 distinct addresses, no failure."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 240}]))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: world.start("--br=nat"), range(200)))
    failed = [r for r in results if r.status != 0]
    check_equal(failed, [], "failures")
    names = {result.port.name for result in results}
    check_equal(len(names), 200, "distinct taps")
    routes = {line.split()[0] for line in world.host.ip("route show").splitlines()
              if line.split()[2].startswith("ts")}
    check_equal(len(routes), 200, "distinct addresses")
    check_equal(len(world.taps()), 200, "taps")
    for result in results[::40]:
        check_equal(RawGuest(result.port).lease().yiaddr, world.address_of(result.port), "lease")
    for result in results:
        result.port.close(wait=False)
    world.wait_no_taps()


@test("net-slots-cold-in-parallel", timeout=90)
def cold_parallel():
    """Eight first starts at once make one network."""
    for _ in range(5):
        world = World()
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: world.start("--br=nat"), range(8)))
        check_equal([r for r in results if r.status != 0], [], "failures")
        check_equal(len({r.port.name for r in results}), 8, "taps")
        for result in results:
            RawGuest(result.port).lease()
        for result in results:
            result.port.close(wait=False)
        world.wait_no_taps()
        return


@test("net-slots-profile-keeps-address")
def keeps_address():
    """The same profile gets the same address: at once, and after others came."""
    world = World()
    world.profile("web", {"network": "nat"})
    world.profile("db", {"network": "nat"})
    port = world.port("--profile=web")
    web = world.address_of(port)
    os.close(port.fd)          # as SIGKILL: nobody waits for the tap to go
    port.fd = None
    port = world.port("--profile=web")
    check_equal(world.address_of(port), web, "address, started at once again")
    port.close()
    others = [world.port() for _ in range(3)] + [world.port("--profile=db")]
    db = world.address_of(others[-1])
    check(db != web, "another profile, another address")
    for other in others:
        other.close(wait=False)
    world.wait_no_taps()
    for _ in range(3):
        port = world.port("--profile=web")
        check_equal(world.address_of(port), web, "address of web")
        port.close()
    port = world.port("--profile=db")
    check_equal(world.address_of(port), db, "address of db")


@test("net-slots-names-are-per-user")
def per_user():
    world = World()
    world.profile("web", {"network": "nat"})
    world.profile("web", {"network": "nat"}, user="bob")
    one = world.port("--profile=web")
    two = world.port("--profile=web", user="bob")
    mine, theirs = world.address_of(one), world.address_of(two)
    one.close()
    two.close()
    check_equal(world.address_of(world.port("--profile=web", user="bob")), theirs, "bob's web")
    check_equal(world.address_of(world.port("--profile=web")), mine, "alice's web")


@test("net-slots-second-start")
def second_start():
    """A second start of a running profile is web-2, with a lease of its own."""
    world = World()
    world.profile("web", {"network": "nat"})
    first, second = world.port("--profile=web"), world.port("--profile=web")
    one, two = world.address_of(first), world.address_of(second)
    check(one != two, "two addresses")
    check_equal(RawGuest(second).lease().yiaddr, two, "lease of the second")
    first.close()
    second.close()
    for _ in range(2):
        first, second = world.port("--profile=web"), world.port("--profile=web")
        check_equal((world.address_of(first), world.address_of(second)), (one, two), "addresses")
        first.close()
        second.close()


@test("net-slots-second-start-fixed")
def second_start_fixed():
    """Where the profile fixes an address or a MAC, a second start is BUSY."""
    world = World(networks=False)
    world.network("nat", world.nat(grants={"address": True, "mac": True}))
    world.profile("web", {"network": "nat", "address": "192.168.77.20"})
    world.profile("mac", {"network": "nat", "mac": "52:54:00:00:00:77"})
    for name in ("web", "mac"):
        port = world.port(f"--profile={name}")
        before = world.snapshot()
        line = world.refused(BUSY, f"--profile={name}")
        check_in(f"{name}.json'", line, "message")
        world.check_unchanged(before, but=("state",))
        port.close()
        world.port(f"--profile={name}").close()


@test("net-slots-fixed-address")
def fixed_address():
    world = World(networks=False)
    world.network("nat", world.nat(grants={"address": True},
                                   pool={"offset": 10, "size": 40, "exclude": [12, "20-22"]}))
    world.profile("web", {"network": "nat", "address": "192.168.77.33"})
    port = world.port("--profile=web")
    check_equal(world.address_of(port), "192.168.77.33", "address")
    # another profile wants the same
    world.profile("thief", {"network": "nat", "address": "192.168.77.33"}, user="bob")
    line = world.refused(BUSY, "--profile=thief", user="bob")
    check_in("192.168.77.33", line, "message")
    # addresses that are no slots
    for address in ("192.168.77.1", "192.168.77.0", "192.168.77.255", "192.168.77.9",
                    "192.168.77.50", "192.168.77.12", "192.168.77.21", "10.0.0.5", "127.0.0.1"):
        world.profile("bad", {"network": "nat", "address": address})
        result = world.start("--profile=bad")
        check(result.status in (3, 4) and not result.fds, f"{address}: {result}")
        check_in(address, result.stderr, "message")
    # and the pool leaves out what is excluded
    given = set()
    for _ in range(15):
        given.add(int(world.address_of(world.port("--br=nat", user="bob")).rsplit(".", 1)[1]))
    check(given <= set(range(10, 50)) - {12, 20, 21, 22, 33}, f"addresses given: {sorted(given)}")


@test("net-slots-quota")
def quota():
    """max_ports counts live taps, persistent ones too; it is not the pool's end."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"user": "alice", "max_ports": 3},
                                          {"group": "kvm", "max_ports": 2}]))
    ports = [world.port() for _ in range(3)]
    before = world.snapshot()
    line = world.refused(EXHAUSTED, "--br=nat")
    check_in("3 ports", line, "message")
    check_in("'nat'", line, "message")
    world.check_unchanged(before, but=("state",))
    # bob is in group kvm, carol in nothing
    for _ in range(2):
        world.port(user="bob")
    world.refused(EXHAUSTED, "--br=nat", user="bob")
    world.refused(DENIED, "--br=nat", user="carol")
    # a tap made persistent, its carrier off: it still counts
    fcntl.ioctl(ports[0].fd, TUNSETPERSIST, 1)
    fcntl.ioctl(ports[0].fd, TUNSETCARRIER, b"\0\0\0\0")
    world.refused(EXHAUSTED, "--br=nat")
    fcntl.ioctl(ports[0].fd, TUNSETPERSIST, 0)
    ports[0].close()
    world.port()
    world.refused(EXHAUSTED, "--br=nat")


@test("net-slots-quota-survives-state")
def quota_state():
    """A lost store does not give anybody more ports, nor one address twice."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 3}]))
    ports = [world.port() for _ in range(3)]
    world.host.run("sh", "-c", f"rm -rf {world.places.statedir}/* {world.places.runstatedir}/*")
    world.refused(EXHAUSTED, "--br=nat")
    other = world.port(user="bob")
    check(other.name not in [port.name for port in ports], "a slot of its own")


@test("net-slots-pool-exhausted")
def exhausted():
    world = World(networks=False)
    path = world.network("nat", world.nat(subnet="192.168.77.0/29"))
    ports = []
    while (result := world.start("--br=nat")).status == 0:
        ports.append(result.port)
        check(len(ports) < 8, "a /29 has no eight guests")
    check_equal(result.status, EXHAUSTED, "exit status")
    check(len(ports) >= 4, f"only {len(ports)} ports in a /29")
    check_in("nat", result.stderr, "message")
    addresses = [world.address_of(port) for port in ports]
    check(not {"192.168.77.0", "192.168.77.1", "192.168.77.7"} & set(addresses), str(addresses))
    ports.pop().close()
    world.port()


@test("net-slots-sigkill")
def sigkill():
    """SIGKILL of the program that holds the descriptor leaves no tap."""
    world = World()
    world.profile("web", {"network": "nat"})
    port = world.port("--profile=web")
    address = world.address_of(port)
    holder = subprocess.Popen(["sleep", "100"], pass_fds=[port.fd])
    os.close(port.fd)
    check_equal(world.taps(), [port.name], "taps while it is held")
    before = time.monotonic()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    again = world.port("--profile=web")
    check(time.monotonic() - before < 2, "started at once")
    check_equal(world.address_of(again), address, "address")
    again.close()
    world.wait_no_taps()


@test("net-slots-store-damaged")
def damaged():
    """Noise in every file of the state: starts go on."""
    world = World()
    world.profile("web", {"network": "nat"})
    world.port("--profile=web").close()
    for base in (world.places.statedir, world.places.runstatedir):
        for folder, _, files in os.walk(base):
            for name in files:
                path = os.path.join(folder, name)
                size = os.path.getsize(path)
                for content in (b"", b"\xff" * size, os.urandom(size), bytes(size),
                                b"x" * (1 << 16)):
                    with open(path, "wb") as file:
                        file.write(content)
                    port = world.port("--profile=web")
                    RawGuest(port).lease()
                    port.close()


@test("net-slots-foreign-tap")
def foreign_tap():
    """A name of ours that somebody else's tap has is a taken slot, no error."""
    world = World()
    port = world.port()
    name, address = port.name, world.address_of(port)
    port.close()
    world.host.ip(f"tuntap add {name} mode tap user bob")
    port = world.port()
    check(port.name != name, "another slot")
    check(world.address_of(port) != address, "another address")
