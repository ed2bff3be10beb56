# SPDX-License-Identifier: LGPL-2.1-or-later
"""tapster-sweep: what VMs that have ended leave, and networks that nobody uses."""

import fcntl
import glob
import os
import pwd
import struct
import subprocess
import threading
import time

from dns import NXDOMAIN, ask, look_up
from guests import NetGuest, RawGuest
from status import BUSY, DENIED, USAGE
from testing import check, check_equal, check_in, eventually, test
from world import HOST, TUNSETPERSIST, Page, World, processes, sysctl

GATEWAY = "192.168.77.1"


def program(world):
    return os.path.join(os.path.dirname(world.places.helper), "tapster-sweep")


def sweep(world, *arguments, status=0, user="root", prefix=()):
    """Runs it to its end; returns the line that it says, "" for none."""
    entry = pwd.getpwnam(user)
    done = subprocess.run([*prefix, program(world), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                          user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])
    check_equal(done.returncode, status, f"exit status of {arguments}: {done.stderr!r}")
    check_equal(done.stdout, "", "stdout")
    check(done.stderr.count("\n") == (1 if status else 0), f"lines of {done.stderr!r}")
    return done.stderr.rstrip("\n")


def forwards(*ports):
    return [{"protocol": "tcp", "host_port": port, "guest_port": 80} for port in ports]


def world_with_forwards(**changes):
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(grants={"forwards": {"from": "any"}}, **changes))
    return world


def run_file(world, name):
    found = glob.glob(f"{world.places.runstatedir}/*/{name}")
    check_equal(len(found), 1, f"files {name}")
    return found[0]


def list_size(world):
    return os.stat(run_file(world, "forwards")).st_size


def ports_in_force(world):
    """Host ports that some map of the firewall's has, of those that tests use."""
    text = world.host.run("nft", "list", "table", "inet", "tapster")
    return {port for port in range(8080, 8090) if str(port) in text}


def names_of(world, network="nat"):
    return sorted(os.path.basename(path) for path in
                  glob.glob(f"{world.places.runstatedir}/*/dns/{network}/hosts/*"))


def wait_residents(world):
    """Until those that a start began are there."""
    eventually(lambda: processes("tapster-dhcp") and processes("dnsmasq"), 5, "residents")


def wait_quiet(world):
    """Until what ends by itself has ended."""
    world.wait_no_taps()
    eventually(lambda: not processes("tapster-dhcp") and not processes("dnsmasq"), 5,
               "no residents")


@test("net-sweep-usage")
def usage():
    world = World()
    before = world.snapshot()
    for arguments, part in ((["--tap=a/b"], "is not an interface name"),
                            (["--tap="], "is not an interface name"),
                            (["--tap=" + "t" * 16], "is not an interface name"),
                            (["--idle-seconds=x"], "--idle-seconds"),
                            (["--idle-seconds=-1"], "--idle-seconds"),
                            (["--idle-seconds=99999999999"], "--idle-seconds"),
                            (["--tap=tsabcdef0", "--idle-seconds=1"], "do not go together"),
                            (["all"], "unknown argument 'all'")):
        check_in(part, sweep(world, *arguments, status=USAGE), f"message for {arguments}")
    for arguments in ([], ["--tap=tsabcdef0"], ["--idle-seconds=0"]):
        check_in("root", sweep(world, *arguments, status=DENIED, user="alice"), "message")
    # nothing was ever made here, or the name is none of ours
    for arguments in ([], ["--tap=tsabcdef0"], ["--idle-seconds=0"], ["--tap=eth0"]):
        sweep(world, *arguments)
    sweep(world, "--tap=eth0", user="alice")
    world.check_unchanged(before)
    done = world.host.run(program(world), "--version")
    check_in("tapster-sweep", done, "--version")
    check(not os.stat(program(world)).st_mode & 0o6000, "tapster-sweep is setuid")


@test("net-sweep-forwards")
def sweep_forwards():
    """A forward goes with its port; those of live ports and others' stay."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080, 8081)})
    world.profile("db", {"network": "nat", "forwards": forwards(8082)}, user="bob")
    web, db = world.port("--profile=web"), world.port("--profile=db", user="bob")
    check_equal(ports_in_force(world), {8080, 8081, 8082}, "ports of both")
    sweep(world)
    sweep(world, f"--tap={web.name}")
    check_equal(ports_in_force(world), {8080, 8081, 8082}, "ports after a sweep of live ones")
    web.close()
    sweep(world, f"--tap={db.name}")
    check_equal(ports_in_force(world), {8080, 8081, 8082}, "another's tap was meant")
    sweep(world, f"--tap={web.name}")
    check_equal(ports_in_force(world), {8082}, "ports once one is gone")
    page = Page(world.host, "0.0.0.0", 8080, text="the host's own")
    check_in("own", world.outside.fetch(HOST, 8080) or "", "page of the host's")
    check_equal(len(page.seen), 1, "connections")
    db.close()
    sweep(world)
    check_equal(ports_in_force(world), set(), "ports once both are gone")
    check_equal(list_size(world), 0, "list of forwards")
    # what a sweep changes of the ruleset spares the next start the comparison
    world.port("--profile=db", user="bob")
    check_equal(ports_in_force(world), {8082}, "ports of the next run")


@test("net-sweep-late")
def sweep_late():
    """udev is late: the tap's name is another VM's by now, whose forwards stay."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    first = world.port("--profile=web")
    first.close()
    second = world.port("--profile=web")
    check_equal(second.name, first.name, "tap")
    sweep(world, f"--tap={second.name}")
    check_equal(ports_in_force(world), {8080}, "ports of the second")


@test("net-sweep-own-slot")
def own_slot():
    """Without any sweep, no start inherits what a former holder of its slot had."""
    world = world_with_forwards(pool={"offset": 10, "size": 1})
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    port = world.port("--profile=web")
    port.close()
    check_equal(ports_in_force(world), {8080}, "ports before anybody came by")
    other = world.port()
    check_equal(other.name, port.name, "the same slot")
    check_equal(ports_in_force(world), set(), "ports of the former holder")
    check_equal(list_size(world), 0, "list of forwards")


@test("net-sweep-other-profile")
def other_profile():
    """A port changes hands at once, from a VM that is killed to another one."""
    world = world_with_forwards()
    for name, user in (("web", "alice"), ("db", "bob")):
        world.profile(name, {"network": "nat", "forwards": forwards(8080)}, user=user)
    for _ in range(5):
        world.port("--profile=web").close(wait=False)
        world.port("--profile=db", user="bob").close(wait=False)
    port = world.port("--profile=web")
    check_in("another user's VM", world.refused(BUSY, "--profile=db", user="bob"), "message")
    port.close()


@test("net-sweep-by-network-making")
def by_making():
    """What makes the firewall anew leaves stale forwards out, and live ones in."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    world.profile("db", {"network": "nat", "forwards": forwards(8082)}, user="bob")
    web = world.port("--profile=web")
    db = world.port("--profile=db", user="bob")
    web.close()
    world.host.run("nft", "flush", "ruleset")
    world.port()
    check_equal(ports_in_force(world), {8082}, "ports")
    db.close()


@test("net-sweep-names")
def sweep_names():
    """Names of dead taps, when tapster-dhcp is not there to see them go."""
    world = World()
    for name in ("web", "db"):
        world.profile(name, {"network": "nat"})
    web, db = world.port("--profile=web"), world.port("--profile=db")
    guest = NetGuest(db)
    guest.dhcp()
    eventually(lambda: look_up(guest, GATEWAY, "web.nat.internal"), 5, "web has a name")
    for pid in processes("tapster-dhcp"):
        os.kill(pid, 9)
    web.close()
    check_equal(names_of(world), ["db", "web"], "names before the sweep")
    sweep(world, f"--tap={web.name}")
    check_equal(names_of(world), ["db"], "names after it")
    eventually(lambda: (r := ask(guest, GATEWAY, "web.nat.internal")) and
               r.status == NXDOMAIN, 3, "the name is gone")
    check(look_up(guest, GATEWAY, "db.nat.internal"), "the other one stays")


@test("net-sweep-connections")
def sweep_connections():
    """What conntrack remembers of a slot goes when the sweep comes."""
    world = World()
    guest = RawGuest(world.port())
    guest.lease()
    check(guest.ping("198.51.100.1"), "the way out")
    remembered = lambda: world.host.run("conntrack", "-L", "--src", guest.address,  # noqa: E731
                                        check=False).count(f"src={guest.address}")
    check(remembered() > 0, "conntrack knows the guest")
    sweep(world, f"--tap={guest.port.name}")
    check(remembered() > 0, "of a live port nothing is forgotten")
    guest.port.close()
    sweep(world, f"--tap={guest.port.name}")
    check_equal(remembered(), 0, "connections")


# --- taking down

@test("net-sweep-idle", timeout=90)
def idle():
    """Networks without a port go, and the host is as it was before them."""
    world = World(networks=False, ipv6=True)
    world.host.ip("link add br-made type bridge")
    world.host.ip("link del br-made")
    sysctl("net.ipv6.conf.uplink0.accept_ra", 1)
    world.network("nat", world.nat(grants={"forwards": {"from": "any"}}))
    world.network("shared", world.nat(subnet="10.9.0.0/24", segment="shared"))
    world.network("plain", world.nat(subnet="10.8.0.0/24", subnet6="none", dhcp=False))
    world.network("lan", world.bridged(bridge="br-made"))
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    before = world.snapshot()
    for order in (("nat", "shared", "plain", "lan"), ("lan", "plain", "shared", "nat")):
        ports = [world.port("--profile=web" if name == "nat" else f"--br={name}")
                 for name in order]
        check_equal(sysctl("net.ipv6.conf.uplink0.accept_ra"), "2", "accept_ra meanwhile")
        eventually(lambda: len(processes("dnsmasq")) == 3, 5, "residents")
        sweep(world, "--idle-seconds=0")
        for port in ports:
            check(os.path.exists(f"/sys/class/net/{port.name}"), "a live port was swept")
            port.close()
        sweep(world, "--idle-seconds=0")
        wait_quiet(world)
        world.check_unchanged(before, but=("state",))
        check_equal(glob.glob(f"{world.places.runstatedir}/*/dns/*"), [], "files of dnsmasq")
        check_equal(glob.glob(f"{world.places.runstatedir}/*/f*6"), [], "lists of the fence")


@test("net-sweep-idle-one-of-two")
def one_of_two():
    """What another network stands on stays."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat())
    world.network("lab", world.nat(subnet="10.9.0.0/24", subnet6="none"))
    nat, lab = world.port("--br=nat"), world.port("--br=lab")
    nat.close()
    sweep(world, "--idle-seconds=0")
    check("192.168.77." not in world.host.ip("route show table all"), "routes of nat")
    check_equal(sysctl("net.ipv4.ip_forward"), "1", "ip_forward")
    check_equal(sysctl("net.ipv6.conf.all.forwarding"), "0", "IPv6 forwarding, which lab has not")
    guest = RawGuest(lab)
    guest.lease()
    check(guest.ping("198.51.100.1"), "the way out of the other")
    nat = RawGuest(world.port("--br=nat"))
    nat.lease()
    check(nat.ping("198.51.100.1"), "the way out once it is back")


@test("net-sweep-idle-seconds")
def idle_seconds():
    """Counted from when it was first seen idle; a start in between begins anew."""
    world = World()
    is_up = lambda: "192.168.77.0/24" in world.host.ip("route show")  # noqa: E731
    port = world.port()
    sweep(world, "--idle-seconds=1")
    port.close()
    sweep(world, f"--tap={port.name}")
    sweep(world, "--idle-seconds=1")
    check(is_up(), "down at once")
    time.sleep(1.2)
    world.port().close()
    sweep(world, "--idle-seconds=1")
    check(is_up(), "down, though it had a port just now")
    time.sleep(2.1)
    sweep(world)
    check(is_up(), "down by a plain sweep")
    sweep(world, "--idle-seconds=1")
    check(not is_up(), "still up")


@test("net-sweep-idle-orphan")
def orphan():
    """A persistent tap that nobody is attached to keeps no network."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat())
    before = world.snapshot()
    port = world.port()
    wait_residents(world)
    fcntl.ioctl(port.fd, TUNSETPERSIST, 1)
    port.close(wait=False)
    check_equal(world.taps(), [port.name], "the orphan")
    sweep(world, "--idle-seconds=0")
    wait_quiet(world)
    world.check_unchanged(before, but=("state",))


@test("net-sweep-forwarding-stays")
def forwarding_stays():
    """Forwarding is put back only if nobody else can rely on it."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat())

    def up_and_down():
        world.port().close()
        sweep(world, "--idle-seconds=0")
        return (sysctl("net.ipv4.ip_forward"), sysctl("net.ipv6.conf.all.forwarding"))

    check_equal(up_and_down(), ("0", "0"), "forwarding that tapster switched on")
    # somebody's bridge, made while forwarding was on
    port = world.port()
    world.host.ip("link add br-docker type bridge")
    port.close()
    sweep(world, "--idle-seconds=0")
    check_equal((sysctl("net.ipv4.ip_forward"), sysctl("net.ipv6.conf.all.forwarding")),
                ("1", "1"), "forwarding with somebody else's interface")
    check_in("uplink0", world.host.run("nft", "list", "set", "inet", "tapster", "fenced"),
             "the fence")
    world.host.ip("link del br-docker")
    check_equal(up_and_down(), ("0", "0"), "forwarding once that is gone")
    # forwarding that was on before
    sysctl("net.ipv4.ip_forward", 1)
    sysctl("net.ipv6.conf.all.forwarding", 1)
    check_equal(up_and_down(), ("1", "1"), "forwarding that was somebody else's")


@test("net-sweep-accept-ra")
def accept_ra():
    """What listened to routers listens again as it did, unless somebody changed that."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat())
    world.host.ip("link add spare type veth peer name spare-peer")
    conf = "net.ipv6.conf.{}.accept_ra"
    for name, value in (("uplink0", 1), ("spare", 1), ("spare-peer", 0), ("default", 1)):
        sysctl(conf.format(name), value)
    port = world.port()
    check_equal([sysctl(conf.format(name)) for name in ("uplink0", "spare", "spare-peer")],
                ["2", "2", "0"], "accept_ra of a router")
    sysctl(conf.format("spare"), 0)
    # switched off and on again: what was first still counts
    sysctl("net.ipv6.conf.all.forwarding", 0)
    world.port().close()
    port.close()
    sweep(world, "--idle-seconds=0")
    check_equal([sysctl(conf.format(name)) for name in ("uplink0", "spare", "spare-peer", "default")],
                ["1", "0", "0", "1"], "accept_ra afterwards")


# --- meeting a start

class HeldUp:
    """A start by root that strace holds up at a system call."""

    def __init__(self, world, arguments, injection):
        line = (f"exec strace -o /dev/null -e trace={injection.split(':')[0]} "
                f"-e inject={injection} {world.places.helper} --fd=@FD@ {arguments}")
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(world, line))
        self.thread.start()

    def _run(self, world, line):
        self.result = world.start(shell=line, user="root")

    def wait(self):
        self.thread.join()
        return self.result


@test("net-sweep-meets-start")
def meets_start():
    """A network is taken down while a start is on its way, before its tap is there:
    the start makes it anew, with all that belongs to it."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)}, user="root")
    world.port("--br=nat").close()
    # TUNSETIFF is the first ioctl of a start
    held = HeldUp(world, "--profile=web", "ioctl:delay_enter=1500000:when=1")
    time.sleep(0.7)
    sweep(world, "--idle-seconds=0")
    check("192.168.77." not in world.host.ip("route show"), "the network is down")
    result = held.wait()
    check_equal(result.status, 0, str(result))
    check_equal(ports_in_force(world), {8080}, "its forward")
    check_equal(names_of(world), ["web"], "its name")
    guest = NetGuest(result.port)
    guest.dhcp()
    check_in(HOST, guest.fetch("198.51.100.1") or "", "page from outside")
    page = Page(guest, "0.0.0.0", 80, text="the guest's")
    check_in("the guest's", world.outside.fetch(HOST, 8080) or "", "page by the forward")
    check_equal(len(page.seen), 1, "connections")


@test("net-sweep-after-tap")
def after_tap():
    """Once the tap is there, the network stays."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)}, user="root")
    world.port("--br=nat").close()
    # settle comes after the claim; reading root's own profile took three
    held = HeldUp(world, "--profile=web", "capset:delay_enter=1500000:when=7")
    time.sleep(0.7)
    check_equal(len(world.taps()), 1, "taps of the start that is held up")
    sweep(world, "--idle-seconds=0")
    check_in("192.168.77.0/24", world.host.ip("route show"), "routes")
    result = held.wait()
    check_equal(result.status, 0, str(result))
    check_equal(ports_in_force(world), {8080}, "its forward")


def calls_of(world, call, *command):
    """How many calls of that name a command makes."""
    trace = "/tmp/calls.trace"
    world.host.run("strace", "-o", trace, "-e", f"trace={call}", *command, check=False)
    with open(trace) as lines:
        return sum(line.startswith(call + "(") for line in lines)


@test("net-sweep-killed", timeout=120)
def killed():
    """A take-down that is killed at any call leaves what the next start mends, and
    the next take-down takes away."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    before = world.snapshot()
    for call in ("sendmsg", "pwrite64", "unlinkat", "renameat"):
        number = 1
        while True:
            world.port("--profile=web").close()
            done = subprocess.run(
                ["strace", "-o", "/tmp/killed.trace", "-e", f"trace={call}", "-e",
                 f"inject={call}:signal=KILL:when={number}", program(world), "--idle-seconds=0"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=30)
            port = world.port("--profile=web")
            guest = RawGuest(port)
            guest.lease()
            check(guest.ping("198.51.100.1"), f"way out after a kill at {call} {number}")
            check_equal(ports_in_force(world), {8080}, f"forward after a kill at {call} {number}")
            port.close()
            if done.returncode == 0:
                break
            number += 1
    world.port("--profile=web").close()
    wait_residents(world)
    sweep(world, "--idle-seconds=0")
    wait_quiet(world)
    world.check_unchanged(before, but=("state",))


@test("net-sweep-start-killed", timeout=120)
def start_killed():
    """A start with forwards that is killed at any call leaves no port taken."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)}, user="root")
    world.profile("mine", {"network": "nat", "forwards": forwards(8080)})
    world.port("--profile=web", user="root").close()
    sweep(world)
    for call in ("pwrite64", "sendmsg", "write"):
        for number in range(1, 40):
            result = world.start(shell=f"exec strace -o /dev/null -e trace={call} -e "
                                 f"inject={call}:signal=KILL:when={number} {world.places.helper} "
                                 "--fd=@FD@ --profile=web", user="root")
            if result.status == 0:
                result.port.close()
                break
            if result.port:
                result.port.close()  # it had only words left to say
            world.wait_no_taps()
            port = world.port("--profile=mine")
            check_equal(ports_in_force(world), {8080}, f"after a kill at {call} {number}")
            port.close()
            sweep(world, f"--tap={port.name}")
            check_equal(ports_in_force(world), set(), f"swept after a kill at {call} {number}")
        else:
            check(False, f"no end of {call}")
    sweep(world)
    check_equal(list_size(world), 0, "list of forwards")


@test("net-sweep-failed-start")
def failed_start():
    """A start that fails after it took its ports and its name gives them back."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)}, user="root")
    world.port().close()
    before = world.snapshot()
    # The last requests to the kernel are those of the port itself.
    count = calls_of(world, "sendmsg", "true")
    check_equal(count, 0, "calls of true")
    for number in range(4, 12):
        result = world.start(
            shell=f"exec strace -o /dev/null -e trace=sendmsg -e "
            f"inject=sendmsg:error=EPERM:when={number} {world.places.helper} "
            "--fd=@FD@ --profile=web", user="root")
        if result.status == 0:
            result.port.close()
            break
        world.wait_no_taps()
        check_equal(ports_in_force(world), set(), f"ports after failure at {number}: {result}")
        check_equal(names_of(world), [], f"names after failure at {number}")
        world.check_unchanged(before, but=("state", "ruleset", "routes", "rules"))


@test("net-sweep-locked")
def locked():
    """A lock that is not let go of holds it up for a while, and no longer."""
    world = world_with_forwards()
    world.profile("web", {"network": "nat", "forwards": forwards(8080)})
    world.port("--profile=web").close()
    with open(run_file(world, "forwards"), "r+b") as held:
        f_ofd_setlk, f_wrlck = 37, 1  # <linux/fcntl.h>
        fcntl.fcntl(held, f_ofd_setlk, struct.pack("hhqqi4x", f_wrlck, 0, 0, 0, 0))
        began = time.monotonic()
        check_in("forwards", sweep(world, status=BUSY), "message")
        check(time.monotonic() - began < 5, "it gave up late")
        # a start without forwards gets its port all the same, and a network is made
        world.port().close()
        world.network("lab", world.nat(subnet="10.9.0.0/24"))
        world.port("--br=lab").close()
        world.profile("more", {"network": "nat", "forwards": forwards(8081)})
        check_in("forwards", world.refused(BUSY, "--profile=more"), "message")
    sweep(world)
    check_equal(ports_in_force(world), set(), "ports")


@test("net-sweep-idle-collision")
def idle_collision():
    """Without systemd nobody takes an idle network down. One that was idle for so long
    that tapster-dhcp has ended is decided anew: it may have come to collide."""
    world = World(networks=False)
    world.network("nat", world.nat(subnet="auto"))
    world.profile("web", {"network": "nat"})
    port = world.port("--profile=web")
    address = world.address_of(port)
    base = address.rpartition(".")[0]

    def lose_resident():
        for pid in processes("tapster-dhcp"):
            os.kill(pid, 9)
        long_ago = time.time() - 700
        os.utime(run_file(world, "dhcp.pid"), (long_ago, long_ago))

    # nothing has changed: nor does the network, and there is a resident again
    port.close()
    lose_resident()
    port = world.port("--profile=web")
    check_equal(world.address_of(port), address, "address")
    eventually(lambda: processes("tapster-dhcp"), 3, "a resident")
    # a live port keeps it
    world.host.ip(f"addr add {base}.250/24 dev uplink0")
    lose_resident()
    result = world.start("--br=nat")
    check_equal(result.status, 0, f"start beside a live port: {result}")
    check_equal(world.address_of(result.port).rpartition(".")[0], base, "subnet")
    result.port.close()
    port.close()
    lose_resident()
    result = world.start("--profile=web")
    check_equal(result.status, 0, str(result))
    check_in(base + ".0/24", result.stderr, "warning")
    check(not world.address_of(result.port).startswith(base), "another subnet")
    guest = NetGuest(result.port)
    guest.dhcp()
    check_in(HOST, guest.fetch("198.51.100.1") or "", "page from outside")
    check(f"unreachable {base}" not in world.host.ip("route show"), "the old route")
