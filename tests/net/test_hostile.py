# SPDX-License-Identifier: LGPL-2.1-or-later
"""The residents' user, taken for compromised: what it writes, holds and makes gains
nothing of root's, and keeps nobody waiting for long. And callers who kill their helper,
which who has a cgroup of their own can at any call."""

import glob
import os
import signal
import subprocess
import sys
import time

from dns import look_up
from guests import RawGuest
from status import CONFIG
from testing import check, check_equal, check_in, eventually, test
from world import World, processes

GATEWAY = "192.168.77.1"
NOBODY = 65534  # whom the residents are here


def run_file(world, name):
    found = glob.glob(f"{world.places.runstatedir}/*/{name}")
    check_equal(len(found), 1, f"files {name}")
    return found[0]


def as_resident(script, *arguments, wait=True):
    """Runs Python code as the residents' user."""
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], user=NOBODY,
                               group=NOBODY, extra_groups=[], stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    if wait:
        check_equal(process.wait(20), 0, "what the residents' user does")
    return process


def end_residents(*names):
    for name in names:
        for pid in processes(name):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not processes(name), 3, f"no {name}")


def with_dnsmasq(world, port):
    """Whose directories are the residents' from then on."""
    eventually(lambda: processes("dnsmasq"), 5, "dnsmasq")
    return port


def sweep(world, *arguments, timeout=20):
    program = os.path.join(os.path.dirname(world.places.helper), "tapster-sweep")
    return world.host.run(program, *arguments, timeout=timeout)


HOLD_LOCK = """
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
f_ofd_setlk = 37
fcntl.fcntl(fd, f_ofd_setlk, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
os.ftruncate(fd, 0)
os.write(fd, sys.argv[2].encode() + b"\\n")
open(sys.argv[3], "w").close()
time.sleep(60)
"""


@test("net-hostile-pid")
def pid():
    """Residents say whom root shall signal by writing a process id: it is believed of
    their own processes alone."""
    world = World()
    world.profile("web", {"network": "nat"})
    port = with_dnsmasq(world, world.port("--profile=web"))
    victim = subprocess.Popen(["sleep", "60"])
    end_residents("tapster-dhcp", "dnsmasq")
    holder = as_resident(HOLD_LOCK, run_file(world, "dns/nat/lock"), str(victim.pid),
                         "/tmp/held", wait=False)
    eventually(lambda: os.path.exists("/tmp/held"), 5, "the lock is held")
    port.close()
    sweep(world)
    check_equal(victim.poll(), None, "root's process after a sweep of names")
    sweep(world, "--idle-seconds=0")
    check_equal(victim.poll(), None, "root's process after the network went")
    victim.kill()
    holder.kill()


PLANT = """
import os, sys
os.chdir(sys.argv[1])
os.mkfifo("fifo")
os.mkdir("folder")
open("folder/x", "w").close()
os.symlink("/etc/made-by-root", "link")
os.symlink("/", "root")
os.truncate(os.open("huge", os.O_CREAT | os.O_WRONLY), 1 << 40)
for name, text in (("line", "\\n# " + "t" * 400), ("number", "\\n# lo 99999999999999999999\\n")):
    open(name, "w").write(text)
for number in range(100):
    open(f"many-{number}" if number > 1 else "many", "w").write("x\\n# lo 1\\n")
"""


@test("net-hostile-files", timeout=60)
def files():
    """FIFOs, directories, links and noise where names are: a start takes no longer for
    them, and gets a name or a warning."""
    world = World(networks=False)
    world.network("nat", world.nat())
    world.network("wire", world.nat(subnet="10.9.0.0/24", segment="shared", grants={"mac": True}))
    port = with_dnsmasq(world, world.port("--br=nat", user="bob"))
    wire = world.port("--br=wire", user="bob")
    eventually(lambda: len(processes("dnsmasq")) == 2, 5, "dnsmasq")
    end_residents("tapster-dhcp", "dnsmasq")
    for part in ("nat/hosts", "nat/hosts6", "nat/dhcp", "wire/hosts", "wire/dhcp"):
        as_resident(PLANT, run_file(world, f"dns/{part}"))
    leases = run_file(world, "dns/wire/leases")
    as_resident("import os, sys; os.chdir(sys.argv[1]); "
                "os.path.exists('leases') and os.unlink('leases'); os.mkfifo('leases')", leases)
    for name in ("fifo", "folder", "link", "root", "huge", "line", "number", "many"):
        world.profile(name, {"network": "nat"})
        world.profile("wire-" + name, {"network": "wire", "hostname": name,
                                       "mac": "52:54:00:00:00:01"})
        for profile in (name, "wire-" + name):
            result = world.start(f"--profile={profile}", timeout=10)
            check_equal(result.status, 0, str(result))
            check(result.seconds < 5, f"{profile} took {result.seconds} s")
            result.port.close()
    check(not os.path.exists("/etc/made-by-root"), "a link was followed")
    port.close()
    wire.close()
    sweep(world)
    sweep(world, "--idle-seconds=0")
    check("192.168.77." not in world.host.ip("route show"), "the network is down")
    world.port("--profile=many").close()


FLOOD = """
import os, sys
os.chdir(sys.argv[1])
number = 0
while True:
    os.mknod(f"{number}-{os.getpid()}", 0o600)
    number += 1
"""


@test("net-hostile-flood", timeout=120)
def flood():
    """Files are made faster than they can be removed: who removes them comes to an end
    all the same."""
    world = World()
    world.profile("web", {"network": "nat"})
    with_dnsmasq(world, world.port("--profile=web")).close()
    end_residents("tapster-dhcp")
    folder = run_file(world, "dns/nat/hosts")
    flooders = [as_resident(FLOOD, folder, wait=False) for _ in range(2)]
    try:
        time.sleep(0.3)
        sweep(world, timeout=40)
        sweep(world, "--idle-seconds=0", timeout=40)
    finally:
        for flooder in flooders:
            flooder.kill()
    check("192.168.77." not in world.host.ip("route show"), "the network is down")
    world.port("--profile=web").close()


@test("net-hostile-words", timeout=60)
def words():
    """A host name that dnsmasq would take for an order is a name."""
    world = World(networks=False)
    world.network("nat", world.nat(segment="shared", grants={"mac": True}))
    for number, name in enumerate(("plain", "ignore", "infinite", "7d", "300")):
        mac = f"52:54:00:00:00:{number + 1:02x}"
        world.profile(f"p{number}", {"network": "nat", "mac": mac, "hostname": name})
        guest = RawGuest(with_dnsmasq(world, world.port(f"--profile=p{number}")), mac=mac)
        guest.ack = guest.lease()
        if number == 0:
            plain = guest
        check_equal(guest.ack.options[51], plain.ack.options[51], f"lease time of '{name}'")
        check_equal(look_up(world.host, GATEWAY, f"{name}.nat.internal"), [guest.address],
                    f"address of '{name}'")


@test("net-hostile-shared-forward")
def shared_forward():
    """A forward on a shared segment never leads to whoever happens to have the address:
    it is for those whose MAC is known."""
    world = World(networks=False)
    world.network("nat", world.nat(segment="shared", grants={
        "mac": True, "address": True, "forwards": {"from": "any"}}))
    world.profile("web", {"network": "nat", "address": "192.168.77.11", "forwards": [
        {"protocol": "tcp", "host_port": 8080, "guest_port": 80}]})
    check_in("MAC", world.refused(CONFIG, "--profile=web"), "message")


@test("net-hostile-leftovers")
def leftovers():
    """What helpers that were killed left beside the files that they were to replace does
    not keep one of the same process id from it."""
    world = World(networks=False)
    world.network("nat", world.nat(subnet="auto"))
    world.port("--br=nat").close()
    sweep(world, "--idle-seconds=0")
    for number in range(1, 3000):
        for path in (f"{run_file(world, 'networks')[:-len('networks')]}fence.{number}",
                     f"{world.places.statedir}/subnets/nat.{number}"):
            open(path, "w").close()
    os.unlink(f"{world.places.statedir}/subnets/nat")
    port = world.port("--br=nat")
    with open(f"{world.places.statedir}/subnets/nat") as file:
        check_in(world.address_of(port).rpartition(".")[0], file.read(), "what is remembered")


def killed_at(call, number, *command):
    return ["strace", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:signal=KILL:when={number}", *command]


@test("net-hostile-half-made", timeout=150)
def half_made():
    """A network whose making, or taking down, was killed is made anew by its next start,
    whatever another network's start has found in order meanwhile."""
    world = World(networks=False)
    world.network("nat", world.nat())
    world.network("lab", world.nat(subnet="10.9.0.0/24"))
    program = os.path.join(os.path.dirname(world.places.helper), "tapster-sweep")

    def make(call, number):
        line = " ".join(killed_at(call, number, world.places.helper, "--fd=@FD@", "--br=lab"))
        result = world.start(shell="exec " + line, user="root")
        if result.port:
            result.port.close()
        return result.status == 0

    def take_down(call, number):
        world.port("--br=lab").close()
        done = subprocess.run(killed_at(call, number, program, "--idle-seconds=0"),
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
        return done.returncode == 0

    for change in (make, take_down):
        for call in ("sendmsg", "pwrite64", "renameat", "unlinkat"):
            for number in range(1, 40):
                sweep(world, "--idle-seconds=0")
                if change(call, number):
                    break
                where = f"{change.__name__} killed at {call} {number}"
                world.port("--br=nat").close()
                world.port("--br=lab").close()
                check_in("unreachable 10.9.0.0/24", world.host.ip("route show"), where)
                check_equal(world.host.ip("rule show").count("150:"), 2, where)
                run_file(world, "dns/lab/conf")
            else:
                check(False, f"no end of {call}")
