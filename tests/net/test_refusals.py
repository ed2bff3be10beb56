# SPDX-License-Identifier: LGPL-2.1-or-later
"""Refusals that no other file here meets: each is provoked, and its one line is
read; nothing may be left."""

import fcntl
import os
import struct

from status import BUSY, CONFIG, CONFLICT, EXHAUSTED, KERNEL, SYSTEM
from testing import check, check_equal, check_in, test
from world import World, run


def check_parts(line, *parts):
    for part in parts:
        check_in(part, line, "message")


@test("net-refused-state-directories")
def state_directories():
    """State that somebody else could write is not believed."""
    world = World()
    for base, sound in ((world.places.runstatedir, "0711"), (world.places.statedir, "0700")):
        os.makedirs(base, exist_ok=True)
        for mode, owner in ((0o777, 0), (0o700, 1000)):
            os.chmod(base, mode)
            os.chown(base, owner, 0)
            before = world.snapshot()
            result = world.start("--br=nat")
            if result.status == 0:
                # leases are a convenience: the start goes on and says so
                check_in(base, result.stderr, "warning")
                result.port.close()
            else:
                check_equal(result.status, SYSTEM, str(result))
                check_parts(result.stderr, f"directory '{base}'",
                            f"chown root, chmod {sound}" if owner == 0 else "Permission denied")
                check_equal(result.stderr.count("\n"), 1, "lines")
                world.check_unchanged(before)
        run("rm", "-r", base)
    # a link that leads elsewhere
    os.mkdir("/tmp/elsewhere", 0o777)
    run("rm", "-rf", world.places.runstatedir)
    os.symlink("/tmp/elsewhere", world.places.runstatedir)
    result = world.start("--br=nat")
    check(result.status != 0, "a run directory that is a link was used")
    check_equal(os.listdir("/tmp/elsewhere"), [], "files elsewhere")


@test("net-refused-locked")
def locked():
    """Whoever holds the lock holds up neither warm starts nor, for ever, cold ones."""
    world = World()
    world.network("lab", world.nat(subnet="10.9.0.0/24"))
    world.port("--br=nat")
    found = run("find", world.places.runstatedir, "-maxdepth", "2", "-name", "lock").split()
    check_equal(len(found), 1, f"lock files: {found}")
    fd = os.open(found[0], os.O_RDWR)
    f_ofd_setlk, f_wrlck = 37, 1  # <linux/fcntl.h>
    fcntl.fcntl(fd, f_ofd_setlk, struct.pack("hhqqi4x", f_wrlck, 0, 0, 0, 0))
    fcntl.flock(fd, fcntl.LOCK_EX)
    world.port("--br=nat")
    before = world.snapshot()
    line = world.refused(BUSY, "--br=lab")
    check_parts(line, "'lab'", "another start", "lock")
    world.check_unchanged(before)
    os.close(fd)
    world.port("--br=lab")


@test("net-refused-leases-locked")
def leases_locked():
    """A start that cannot get the lock on the leases goes on and loses only
    stickiness."""
    world = World()
    world.profile("web", {"network": "nat"})
    world.port("--profile=web").close()
    fds = []
    for folder, _, names in os.walk(world.places.statedir):
        for name in names:
            fd = os.open(os.path.join(folder, name), os.O_RDWR)
            fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", 1, 0, 0, 0, 0))
            fcntl.flock(fd, fcntl.LOCK_EX)
            fds.append(fd)
    check(fds, "no leases")
    result = world.start("--profile=web")
    check_equal(result.status, 0, str(result))
    check(result.seconds < 3, f"it took {result.seconds:.1f} s")


@test("net-refused-copies", timeout=90)
def copies():
    """The hundredth VM of one profile."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 200}]))
    world.profile("web", {"network": "nat"})
    for _ in range(99):
        world.port("--profile=web")
    line = world.refused(EXHAUSTED, "--profile=web")
    check_parts(line, "99 VMs of profile", "web.json")


@test("net-refused-no-subnet-left")
def no_subnet():
    world = World(networks=False)
    world.network("nat", world.nat(subnet="auto"))
    for prefix in ("192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8"):
        world.host.ip(f"route add {prefix} via 192.0.2.1")
    before = world.snapshot()
    line = world.refused(EXHAUSTED, "--br=nat")
    check_parts(line, "no private subnet of length 24", '"subnet"')
    world.check_unchanged(before, but=("state",))


@test("net-refused-bridged-uplinks")
def bridged_uplinks():
    world = World(outside=False, networks=False)
    world.host.ip("link add br-other type bridge")
    before = world.snapshot()
    for uplink, status, part in (("lo", CONFLICT, "loopback"),
                                 ("br-other", CONFLICT, "bridge itself"),
                                 ("none-such", CONFLICT, "does not exist")):
        world.network("lan", world.bridged(bridge="br7", uplink=uplink))
        line = world.refused(status, "--br=lan")
        check_parts(line, "'lan'", uplink, part)
        world.check_unchanged(before, but=("state",))


@test("net-refused-bridged-address")
def bridged_address():
    world = World(outside=False, networks=False)
    world.network("lan", world.bridged(grants={"address": True}))
    world.profile("web", {"network": "lan", "address": "10.0.0.5"})
    before = world.snapshot()
    line = world.refused(CONFIG, "--profile=web")
    check_parts(line, "web.json", "'lan'", "no subnet", '"address"')
    world.check_unchanged(before)


@test("net-refused-read-only-sysctls")
def read_only():
    """A container without the right to change what a network needs."""
    world = World()
    before = world.snapshot()
    run("mount", "--bind", "/proc/sys", "/proc/sys")
    run("mount", "-o", "remount,bind,ro", "/proc/sys")
    line = world.refused(KERNEL, "--br=nat")
    check_parts(line, "'nat'", "ip_forward", "Read-only file system")
    world.wait_no_taps()
    world.check_unchanged(before, but=("state",))


@test("net-refused-limits")
def limits():
    """Limits that cannot be raised, in a container without CAP_SYS_RESOURCE."""
    world = World()
    before = world.snapshot()
    helper = world.places.helper
    line = world.refused(
        SYSTEM, user="root", groups=[],
        shell="ulimit -f 0; exec setpriv --bounding-set=-sys_resource --reuid=1000 --regid=1000 "
              f"--clear-groups {helper} --fd=@FD@ --br=nat")
    check_in("limit", line, "message")
    world.check_unchanged(before)


@test("net-refused-network-directory-link")
def directory_link():
    world = World()
    folder = world.places.networks
    os.rename(folder, folder + ".real")
    os.symlink(folder + ".real", folder)
    line = world.refused(CONFIG, "--br=nat")
    check_parts(line, folder, "links are not followed")


@test("net-refused-many-faults")
def many_faults():
    """The first fault, and how many more there are."""
    world = World(networks=False)
    path = world.network("nat", '{ "mode": "masqueraded",\n  "mtu": 1,\n  "colour": 2,\n'
                                '  "pool": { "size": 0 } }')
    line = world.refused(CONFIG, "--br=nat")
    check_parts(line, f"{path}:2:", "$.mtu", "(and 2 more)")
