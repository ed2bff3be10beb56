# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts that meet each other: one is held up at a system call by strace, the
other comes in between."""

import fcntl
import glob
import os
import shutil
import struct
import threading
import time

from status import BUSY, CONFLICT, SYSTEM
from testing import check, check_equal, check_in, eventually, test
from world import World, processes, sysctl, write


class HeldUp:
    """A start by root under strace, which holds it up at, or fails, a call."""

    def __init__(self, world, arguments, *injections, follow=False):
        self.trace = "/tmp/held-up.trace"
        write(self.trace, "")
        inject = " ".join(f"-e inject={injection}" for injection in injections)
        calls = ",".join(injection.split(":")[0] for injection in injections)
        line = (f"exec strace {'-f ' if follow else ''}-o {self.trace} -e trace={calls} {inject} "
                f"{world.places.helper} --fd=@FD@ {arguments}")
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(world, line))
        self.thread.start()

    def _run(self, world, line):
        self.result = world.start(shell=line, user="root")

    def wait(self):
        self.thread.join()
        return self.result


def registry_of(world):
    found = glob.glob(f"{world.places.runstatedir}/*/networks")
    check_equal(len(found), 1, f"registries: {found}")
    return found[0]


def generation_of(world):
    """struct Header of src/pool/registry_file.c."""
    with open(registry_of(world), "rb") as file:
        return struct.unpack_from("I", file.read(64), 44)[0]


# capset() of a start: begin, twice as root, settle (src/helper/privilege.c).
FAILS_SETTLED = "capset:error=EPERM:delay_enter=1500000:when=4"


@test("net-race-record-gone")
def record_gone():
    """A network is not taken for one that stands because it did when the start
    asked whether the caller may use it."""
    world = World()
    world.network("lab", world.nat(subnet="10.9.0.0/24"))
    world.port("--br=nat").close()
    held = HeldUp(world, "--br=nat", "setresgid:delay_enter=1500000:when=1")
    time.sleep(0.7)
    os.truncate(registry_of(world), 0)
    world.port("--br=lab").close()
    result = held.wait()
    check_equal(result.status, 0, str(result))
    sets = world.host.run("nft", "list", "set", "inet", "tapster", "masqueraded")
    elements = sets.split("elements = {")[1].split("}")[0]
    check_equal(elements.count("ipv4"), 2, f"networks in {elements}")
    result.port.close()


@test("net-race-permission-kept")
def permission_kept():
    """A start that was held up after it was permitted does not outlive the file
    that permitted it."""
    world = World()
    path = world.network("nat", world.nat())
    for replace in (lambda: world.network("nat", world.nat(allow=[])), lambda: os.unlink(path)):
        world.network("nat", world.nat())
        held = HeldUp(world, "--br=nat", "setresgid:delay_enter=1500000:when=1")
        time.sleep(0.7)
        replace()
        result = held.wait()
        check_equal(result.status, BUSY, str(result))
        check_in(f"'{path}' was changed", result.stderr, "message")
    check_equal(world.taps(), [], "taps")


@test("net-race-changed-meanwhile")
def changed_meanwhile():
    """A slot that was chosen on a network that is another by now is not used."""
    world = World()
    path = world.network("nat", world.nat())
    world.port("--br=nat").close()
    held = HeldUp(world, "--br=nat", "ioctl:delay_enter=1500000:when=1")
    time.sleep(0.7)
    os.unlink(path)
    world.network("nat", world.nat(subnet="192.168.99.0/24", pool={"offset": 10, "size": 1}))
    port = world.port("--br=nat")
    check_equal(world.address_of(port), "192.168.99.10", "address of the other")
    result = held.wait()
    check_equal(result.status, BUSY, str(result))
    check_in("try again", result.stderr, "message")
    check_equal(world.taps(), [port.name], "taps")


@test("net-race-tap-without-group")
def tap_without_group():
    """A start that has its tap, and nothing more yet, keeps its network from being
    made anew under it."""
    world = World()
    path = world.network("nat", world.nat())
    world.port("--br=nat").close()
    held = HeldUp(world, "--br=nat", "capset:delay_enter=1500000:when=4")
    time.sleep(0.7)
    check_equal(len(world.taps()), 1, "taps")
    os.unlink(path)
    world.network("nat", world.nat(subnet="192.168.99.0/24"))
    other = world.start("--br=nat")
    check_in("live ports (1)", other.stderr, "warning")
    result = held.wait()
    for port in (other.port, result.port):
        check(world.address_of(port).startswith("192.168.77."), "address")


@test("net-race-forwarding-kept")
def forwarding_kept():
    """A start that fails does not take from another network what that stands on."""
    world = World()
    world.network("lab", world.nat(subnet="10.9.0.0/24"))
    held = HeldUp(world, "--br=nat", FAILS_SETTLED)
    time.sleep(0.7)
    world.port("--br=lab")
    check_equal(held.wait().status, SYSTEM, str(held.result))
    check_equal(sysctl("net.ipv4.ip_forward"), "1", "ip_forward")
    check_in("uplink", world.host.run("nft", "list", "set", "inet", "tapster", "fenced"), "fence")
    check("192.168.77.0" not in world.host.ip("route show table all"), "the failed one is left")


@test("net-race-uplink-kept")
def uplink_kept():
    """The same of a bridge and its uplink."""
    world = World()
    world.host.ip("link add spare type veth peer name spare-peer")
    for name in ("one", "two"):
        world.network(name, world.bridged(bridge="br7", uplink="spare"))
    held = HeldUp(world, "--br=one", FAILS_SETTLED)
    time.sleep(0.7)
    world.port("--br=two")
    check_equal(held.wait().status, SYSTEM, str(held.result))
    check_in("master br7", world.host.ip("link show spare"), "uplink")


@test("net-race-own-tap-lives")
def own_tap_lives():
    """A resident that was just started has not closed its copy of the tap when
    the start fails: the network goes all the same."""
    world = World()
    before = world.snapshot()
    held = HeldUp(world, "--br=nat", FAILS_SETTLED, "setsid:error=EPERM:delay_enter=2500000",
                  follow=True)
    check_equal(held.wait().status, SYSTEM, str(held.result))
    eventually(lambda: not processes("tapster-dhcp"), 3, "no resident")
    world.wait_no_taps()
    world.check_unchanged(before, but=("state",))


@test("net-race-first-leases")
def first_leases():
    """Two starts that both find no leases' directory: both are remembered."""
    world = World()
    world.profile("web", {"network": "nat"}, user="root")
    world.port("--br=nat").close()
    shutil.rmtree(f"{world.places.statedir}/leases")
    held = HeldUp(world, "--profile=web", "mkdirat:delay_enter=1500000:when=1")
    time.sleep(0.7)
    first = world.port("--br=nat")
    web = held.wait().port
    address = world.address_of(web)
    web.close()
    second = world.port("--br=nat")
    check(world.address_of(second) != address, "somebody else got the address of 'web'")
    check_equal(world.address_of(world.port("--profile=web", user="root")), address,
                "address of web")
    first.close()


@test("net-race-generation-locked")
def generation_locked():
    """While a network is made, a port's element says nothing of the ruleset."""
    world = World()
    world.network("lan", world.bridged(bridge="br7", uplink="none", grants={"mac": True}))
    world.profile("fixed", {"network": "lan", "mac": "52:54:00:12:34:57"})
    world.port("--br=lan").close()
    generation = generation_of(world)
    lock = os.open(os.path.join(os.path.dirname(registry_of(world)), "lock"), os.O_RDWR)
    f_ofd_setlk, f_wrlck = 37, 1  # <linux/fcntl.h>
    fcntl.fcntl(lock, f_ofd_setlk, struct.pack("hhqqi4x", f_wrlck, 0, 0, 0, 0))
    world.port("--profile=fixed").close()
    check_equal(generation_of(world), generation, "generation noted without the lock")
    os.close(lock)
    world.port("--profile=fixed").close()
    check(generation_of(world) != generation, "generation not noted")


@test("net-failure-mended-bridge")
def mended_bridge():
    """What is mended of a known network is taken back if the rest fails."""
    world = World()
    world.host.ip("link add spare type veth peer name spare-peer")
    path = world.network("lan", world.bridged(bridge="br7", uplink="spare"))
    world.port("--br=lan").close()
    world.host.ip("link del br7")
    world.host.ip("addr add 198.18.0.1/24 dev spare")
    os.utime(path)
    before = world.snapshot()
    check_in("carries an address", world.refused(CONFLICT, "--br=lan"), "message")
    world.check_unchanged(before, but=("state",))
