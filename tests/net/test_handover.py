# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU and libvirt rely on: argv in, one byte and one descriptor out."""

import fcntl
import itertools
import os
import socket
import struct
import subprocess

from testing import check, check_equal, check_in, eventually, test
from world import (IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, TUNGETVNETHDRSZ, World, processes, receive,
                   run)

from status import SYSTEM, UNSUPPORTED, USAGE


def check_handed_over(result, vnet, uid=1000):
    check_equal(result.status, 0, f"exit status; {result}")
    check_equal(result.payload, b"\0", "payload")
    check_equal(len(result.fds), 1, "descriptors")
    check_equal(result.stdout, "", "stdout")
    check_equal(result.stderr, "", "stderr")
    check(result.closed, "somebody still has the other end of the socket")
    port = result.port
    check_equal(port.flags, IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet else 0), "flags")
    if vnet:
        size = struct.unpack("i", fcntl.ioctl(port.fd, TUNGETVNETHDRSZ, bytes(4)))[0]
        check_equal(size, 10, "header size")
    base = f"/sys/class/net/{port.name}/"
    with open(base + "owner") as file:
        check_equal(int(file.read()), uid, "owner")
    with open(base + "group") as file:
        check_equal(int(file.read()), -1, "group")
    with open(base + "flags") as file:
        check(int(file.read(), 16) & 1, "the link is not up")
    check_equal(len(os.listdir(base + "queues")), 2, "queues (one rx, one tx)")


@test("net-handover-argv")
def argv():
    """QEMU's order, libvirt's, and every other, with and without --use-vnet."""
    world = World()
    for vnet in (True, False):
        words = ["--fd=@", "--br=nat"] + (["--use-vnet"] if vnet else [])
        for order in itertools.permutations(words):
            result = world.start(order=lambda n, o=order: [w.replace("@", str(n)) for w in o])
            check_handed_over(result, vnet)
            result.port.close()
    check_equal(world.taps(), [], "taps left")


@test("net-handover-shell")
def shell():
    """With a space in helper=, QEMU goes through /bin/sh."""
    world = World()
    world.profile("web", {"network": "nat"})
    helper = world.places.helper
    for line in (f"{helper} --profile=web --use-vnet --fd=@FD@ --br=br0",
                 f"{helper} --network=nat --use-vnet --fd=@FD@ --br=br0",
                 f"{helper} --br=nat --use-vnet --fd=@FD@"):
        result = world.start(shell=line)
        check_handed_over(result, True)
        result.port.close()


@test("net-handover-root")
def by_root():
    world = World(networks=False)
    world.network("nat", world.nat(allow=[]))
    result = world.start("--br=nat", user="root")
    check_handed_over(result, False, uid=0)


@test("net-handover-packaged-nat")
def packaged():
    """The packaged "nat" works without any configuration."""
    world = World(networks=False)
    result = world.start("--br=nat", user="alice")
    check_handed_over(result, False)


@test("net-handover-hostile-environment")
def environment():
    world = World()
    os.mkdir("/tmp/evil", 0o777)
    result = world.start("--br=nat", env={
        "PATH": "/tmp/evil", "NLSYSCONFDIR": "/tmp/evil", "G_DEBUG": "fatal-warnings",
        "G_MESSAGES_DEBUG": "all", "LD_PRELOAD": "/tmp/evil/x.so", "LD_LIBRARY_PATH": "/tmp/evil",
        "GLIBC_TUNABLES": "glibc.malloc.check=3", "MALLOC_CHECK_": "3", "HOME": "/root",
        "NLDBG": "9", "NLCB": "debug", "LC_ALL": "de_DE.UTF-8", "TMPDIR": "/tmp/evil"})
    check_handed_over(result, False)


@test("net-handover-no-stdio")
def no_stdio():
    """Started with 0, 1 and 2 closed: the tap must not become one of them."""
    world = World()
    helper = world.places.helper
    result = world.start(shell=f"exec 0<&- 1>&- 2>&-; exec {helper} --fd=@FD@ --br=nat")
    check_handed_over(result, False)


@test("net-handover-limits")
def limits():
    """A caller's limits, umask and masks do not reach a program with privilege."""
    world = World()
    result = world.start(shell="ulimit -S -n 12; ulimit -S -f 0; ulimit -S -t 1; umask 0; "
                         f"trap '' PIPE TERM; exec {world.places.helper} --fd=@FD@ --br=nat")
    check_handed_over(result, False)
    for base, expected in ((world.places.statedir, 0o700), (world.places.runstatedir, 0o711)):
        for folder, folders, files in os.walk(base):
            # the residents' own: what is theirs, and what they read
            if "dns" in folders:
                folders.remove("dns")
            for name in folders:
                mode = os.stat(os.path.join(folder, name)).st_mode & 0o777
                check_equal(mode, expected, f"mode of {folder}/{name}")
            for name in files:
                mode = os.stat(os.path.join(folder, name)).st_mode & 0o777
                check_equal(mode, 0o600, f"mode of {folder}/{name}")


@test("net-handover-resident-lets-go")
def resident():
    """What outlives the helper holds neither 0, 1, 2 nor the socket, and is
    nobody's."""
    world = World()
    result = world.start("--br=nat")
    check_handed_over(result, False)
    # The helper does not wait for the program that it starts.
    # One that was started beside another ends by itself.
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "one resident")
    pids = processes("tapster-dhcp")
    links = {}
    for number in os.listdir(f"/proc/{pids[0]}/fd"):
        links[number] = os.readlink(f"/proc/{pids[0]}/fd/{number}")
    for number in ("0", "1", "2"):
        check_equal(links.get(number), "/dev/null", f"descriptor {number}")
    check(not any("tun" in link for link in links.values()), f"it holds a tap: {links}")

    def credentials():
        with open(f"/proc/{pids[0]}/status") as file:
            return dict(line.split(":", 1) for line in file if ":" in line)

    # It opens its socket and its files before it gives up what it needs for that.
    eventually(lambda: "0" not in credentials()["Uid"].split() and
               int(credentials()["CapBnd"], 16) == 0, 3, "a plain user without rights")
    status = credentials()
    check("0" not in status["Gid"].split() + status["Groups"].split(), f"groups: {status}")
    for capabilities in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        check_equal(int(status[capabilities], 16), 0, capabilities)
    result.port.close()


@test("net-usage")
def usage():
    """Everything that is not a command line: status of USAGE, one line."""
    world = World()
    before = world.snapshot()
    cases = [
        (lambda n: [], "--fd=N is missing"),
        (lambda n: ["--br=nat"], "--fd=N is missing"),
        (lambda n: [f"--fd={n}"], "none of --br=NAME, --profile=NAME and --network=NAME"),
        (lambda n: [f"--fd={n}", "--br="], "unknown argument '--br='"),
        (lambda n: [f"--fd={n}", "--br", "nat"], "unknown argument '--br'"),
        (lambda n: [f"--fd={n}", "--br=nat", "--bridge=nat"], "unknown argument '--bridge=nat'"),
        (lambda n: [f"--fd={n}", "--br=nat", "extra"], "unknown argument 'extra'"),
        (lambda n: [f"--fd={n}", "--br=nat", "--br=nat"], "--br is given twice"),
        (lambda n: [f"--fd={n}", f"--fd={n}", "--br=nat"], "--fd is given twice"),
        (lambda n: [f"--fd={n}", "--br=nat", "--use-vnet=yes"], "unknown argument"),
        (lambda n: [f"--fd={n}", "--br=nat", "-x\x1b[31m\n"], "unknown argument"),
        (lambda n: ["--fd=0", "--br=nat"], "--fd"),
        (lambda n: ["--fd=2", "--br=nat"], "--fd"),
        (lambda n: ["--fd=-1", "--br=nat"], "--fd"),
        (lambda n: [f"--fd=0{n}", "--br=nat"], "--fd"),
        (lambda n: [f"--fd=+{n}", "--br=nat"], "--fd"),
        (lambda n: [f"--fd={n}x", "--br=nat"], "--fd"),
        (lambda n: [f"--fd= {n}", "--br=nat"], "--fd"),
        (lambda n: [f"--fd={n + 2**32}", "--br=nat"], "--fd"),
        (lambda n: ["--fd=99999999999999999999", "--br=nat"], "--fd"),
        (lambda n: ["--fd=900", "--br=nat"], "--fd"),
        (lambda n: ["--version", f"--fd={n}"], "--help and --version go without --fd"),
    ]
    for order, part in cases:
        line = world.refused(USAGE, order=order)
        check_in(part, line, f"message for {order(7)}")
        check(all(" " <= c for c in line), f"control characters in {line!r}")
    world.check_unchanged(before)


@test("net-usage-fd-kinds")
def fd_kinds():
    """--fd must be a connected AF_UNIX stream socket."""
    world = World()
    before = world.snapshot()
    pipe = os.pipe()
    datagram = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    packet = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    inet = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (pipe[1], datagram[0].fileno(), packet[0].fileno(), inet.fileno(), null):
        line = world.refused(USAGE, order=lambda n, fd=fd: [f"--fd={fd}", "--br=nat"],
                             more_fds=(fd,))
        check_in("--fd", line, "message")
    world.check_unchanged(before)


@test("net-handover-peer-gone")
def peer_gone():
    """The hypervisor died meanwhile, or does not read: no tap is left."""
    world = World()
    world.port().close()
    before = world.snapshot()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.close()
    process = world.spawn([f"--fd={theirs.fileno()}", "--br=nat"], theirs.fileno())
    _, stderr = process.communicate(timeout=10)
    check(process.returncode > 0, f"exit status {process.returncode}")
    check_equal(stderr.count(b"\n"), 1, f"lines of {stderr!r}")
    theirs.close()

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    theirs.setblocking(False)
    try:
        while True:
            theirs.send(bytes(65536))
    except BlockingIOError:
        pass
    theirs.setblocking(True)
    process = world.spawn([f"--fd={theirs.fileno()}", "--br=nat"], theirs.fileno())
    _, stderr = process.communicate(timeout=10)
    check(process.returncode > 0, f"exit status {process.returncode}")
    check_equal(stderr.count(b"\n"), 1, f"lines of {stderr!r}")
    world.wait_no_taps()
    world.check_unchanged(before, but=("state",))


@test("net-handover-version-help")
def version():
    world = World()
    result = world.start("--version", fd=False)
    check_equal(result.status, 0, "--version")
    check_in("tapster", result.stdout, "--version")
    result = world.start("--help", fd=False)
    check_equal(result.status, 0, "--help")
    check_in("--fd=N", result.stdout, "--help")
    check_equal(world.taps(), [], "taps")


@test("net-install-faults")
def install_faults():
    """The complaint that users have most often: says what to type."""
    world = World()
    helper = world.places.helper
    before = world.snapshot()
    os.chmod(helper, 0o755)
    line = world.refused(SYSTEM, "--br=nat")
    check_in("setuid", line, "message without the setuid bit")
    check_in("chmod", line, "message without the setuid bit")
    os.chmod(helper, 0o4755)
    line = world.refused(SYSTEM, shell=f"exec setpriv --no-new-privs {helper} --fd=@FD@ --br=nat")
    check_in("no_new_privs", line, "message under no_new_privs")
    folder = os.path.dirname(helper)
    run("mount", "--bind", folder, folder)
    run("mount", "-o", "remount,bind,nosuid", folder)
    line = world.refused(SYSTEM, "--br=nat")
    check_in("nosuid", line, "message on a nosuid mount")
    run("umount", folder)
    world.check_unchanged(before)
    world.port().close()


@test("net-tun-0600")
def tun_0600():
    """/dev/net/tun for root only: the helper opens it all the same."""
    import sandbox
    world = World()
    sandbox.tun_node(0o600)
    check_handed_over(world.start("--br=nat"), False)


@test("net-tun-missing")
def tun_missing():
    world = World()
    before = world.snapshot()
    os.unlink("/dev/net/tun")
    line = world.refused(UNSUPPORTED, "--br=nat")
    check_in("/dev/net/tun", line, "message")
    check_in("modprobe tun", line, "message")
    world.check_unchanged(before)


@test("net-caller-signals", timeout=120)
def signals():
    """A caller who kills or stops the helper at any moment leaves nothing that
    the next start does not put right."""
    import signal
    import time
    world = World()
    world.port().close()
    before = world.snapshot()
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGALRM, signal.SIGTSTP):
        for delay in range(0, 20, 2):
            ours, theirs = socket.socketpair()
            process = world.spawn([f"--fd={theirs.fileno()}", "--br=nat"], theirs.fileno())
            time.sleep(delay / 4000)
            # As the caller: permission depends on the helper's real and saved uid.
            subprocess.run(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
                            "kill", f"-{number.name[3:]}", str(process.pid)],
                           stderr=subprocess.DEVNULL)
            if number in (signal.SIGSTOP, signal.SIGTSTP):
                # Whatever it holds now, others get their ports.
                other = world.start("--br=nat", user="bob")
                check_equal(other.status, 0, f"another start; {other}")
                other.port.close(wait=False)
                process.send_signal(signal.SIGCONT)
                process.wait(timeout=5)
            process.communicate(timeout=5)
            theirs.close()
            ours.settimeout(0.2)
            for fd in receive(ours)[1]:
                os.close(fd)
            ours.close()
    world.wait_no_taps()
    world.check_unchanged(before, but=("state", "processes"))
    world.port().close()
