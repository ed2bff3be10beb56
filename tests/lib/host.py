# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole Debian host under QEMU's emulation, with what was built installed in it.

The disk and the kernel are tests/lib/host-image's; what a run writes goes into an
overlay that goes with QEMU. A second disk brings the tests and the tree that
`meson install` makes (see job()). Commands go in and their output comes out by a
virtio-serial port (tests/host/agent.py), so nothing depends on the host's network.
That is a card whose other end is QEMU: DHCP, IPv6 router advertisements and one web
page, nothing of this machine's.
"""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

from testing import Failure, check_equal

SOURCE = "/srv/tests/source"     # inside, read only
BUILD = "/srv/tests/build"
PAGE = "10.0.2.100"              # outside of the host, port 80
PAGE_TEXT = "the page outside"

BOOT_TIMEOUT = 300
COMMAND_LINE = ("console=ttyS0 quiet loglevel=4 systemd.show_status=yes panic=-1 reboot=t "
                "mitigations=off nokaslr audit=0 random.trust_cpu=1")
NETWORK = {
    "networkd": "",
    "NetworkManager": " systemd.mask=systemd-networkd.service "
                      "systemd.mask=systemd-networkd.socket systemd.wants=NetworkManager.service",
}

# What a package does after it was unpacked.
INSTALL = """
set -e
cp -a /srv/tests/stage/. /
systemd-sysusers
systemd-tmpfiles --create
udevadm control --reload
systemctl daemon-reload
if systemctl -q is-active systemd-networkd; then networkctl reload; fi
if systemctl -q is-active NetworkManager; then nmcli general reload; fi
"""


def job(source, build, folder, command):
    """Makes FOLDER/job, the disk with the tests, the programs that they drive and the
    tree to install. BUILD is configured for /usr. command: runs a step or exits."""
    tree = os.path.join(folder, "job.tree")
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(os.path.join(tree, "build"))
    command("meson", "install", "-C", build, "--no-rebuild",
            env={**os.environ, "DESTDIR": os.path.join(tree, "stage")})
    for name in ("tests", "data", "examples"):
        shutil.copytree(os.path.join(source, name), os.path.join(tree, "source", name),
                        ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(os.path.join(build, "tests"), os.path.join(tree, "build", "tests"),
                    ignore=shutil.ignore_patterns("*.p", "unit"))
    disk = os.path.join(folder, "job.new")
    with open(disk, "wb") as file:
        file.truncate(64 << 20)
    command("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0",
            "-d", tree, disk)
    os.replace(disk, os.path.join(folder, "job"))  # a host that runs keeps the old one
    shutil.rmtree(tree)


class Host:
    """The host, booted. network: who runs its network card."""

    def __init__(self, network="networkd", installed=True, memory=1536,
                 folder="/opt/build/host"):
        self.network = network
        self.memory = memory
        self.folder = folder
        self.place = tempfile.mkdtemp(prefix="host-", dir="/tmp")
        self.console = self.place + "/console"
        self.number = 0
        with open(self.place + "/page", "w") as file:
            file.write(f"HTTP/1.0 200 OK\r\n\r\n{PAGE_TEXT}\n")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                        "-b", folder + "/disk", self.place + "/disk"], check=True)
        self._boot()
        if installed:
            self.run(INSTALL, timeout=120)

    def _boot(self):
        """Starts QEMU and waits until the host says that it runs commands."""
        began = time.monotonic()
        ours = self.place + "/port"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-cpu", "Nehalem,+rdrand", "-smp", "2",
             "-accel", "tcg,thread=multi", "-m", str(self.memory), "-nodefaults",
             "-no-user-config", "-no-reboot", "-display", "none",
             "-serial", f"file:{self.console}",
             "-kernel", self.folder + "/vmlinuz", "-initrd", self.folder + "/initramfs",
             "-append", COMMAND_LINE + NETWORK[self.network],
             "-drive", f"file={self.place}/disk,format=qcow2,if=virtio,cache=unsafe",
             "-drive", f"file={self.folder}/job,format=raw,if=virtio,readonly=on",
             "-device", "virtio-serial-pci",
             "-chardev", f"socket,id=port,path={ours},server=on,wait=off",
             "-device", "virtserialport,chardev=port,name=tests",
             "-netdev", f"user,id=card,restrict=on,guestfwd=tcp:{PAGE}:80-cmd:"
                        f"cat {self.place}/page",
             "-device", "virtio-net-pci,netdev=card"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.rest = b""
        self.port = socket.socket(socket.AF_UNIX)
        while self.port.connect_ex(ours) != 0:
            if self.process.poll() is not None or time.monotonic() - began > 20:
                self._fail("QEMU does not start")
            time.sleep(0.05)
        while "boot" not in self._message(began + BOOT_TIMEOUT, "boot"):
            pass
        self.boot_seconds = time.monotonic() - began

    # --- the port

    def _fail(self, what):
        try:
            with open(self.console, errors="replace") as file:
                text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.read())
            lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        except OSError:
            lines = []
        said = ""
        if self.process.poll() is not None:
            said = self.process.stdout.read().decode(errors="replace").strip()
        raise Failure(f"{what}; QEMU: exit {self.process.poll()} {said}; "
                      "the console's last lines:\n" + "\n".join(lines[-40:]))

    def _message(self, end, what):
        """The next message from inside."""
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.port], [], [], left)[0]:
                self._fail(f"{what}: no word from the host in time")
            data = self.port.recv(65536)
            if not data:
                self.process.wait()
                self._fail(f"{what}: QEMU ended")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def _send(self, command, timeout):
        self.number += 1
        self.port.sendall(json.dumps({"id": self.number, "command": command,
                                      "timeout": timeout}).encode() + b"\n")

    def run(self, command, timeout=60, check=True):
        """Runs a shell command inside as root; returns its output, or with check=False
        (status, output), where a status "late" means that it was killed."""
        self._send(command, timeout)
        output = ""
        end = time.monotonic() + timeout + 30
        while True:
            message = self._message(end, f"{command!r} (so far: {output[-1000:]!r})")
            if "boot" in message:
                self._fail(f"the agent was started anew during {command!r}")
            output += message.get("output", "")
            if "status" in message:
                break
        if not check:
            return message["status"], output
        if message["status"] == "late":
            self._fail(f"{command!r} did not end within {timeout} s, said {output[-2000:]!r}")
        if message["status"] != 0:
            raise Failure(f"{command!r}: exit {message['status']}: {output.strip()[-4000:]}")
        return output

    def succeeds(self, command, **options):
        return self.run(command, check=False, **options)[0] == 0

    def eventually(self, command, timeout=30, what=None):
        """Waits inside, without a message a try, until a command succeeds."""
        status, output = self.run(f"until {command}; do sleep 0.2; done", timeout=timeout,
                                  check=False)
        if status != 0:
            raise Failure(f"{what or command}: not within {timeout} s: {output.strip()[-2000:]}")

    # --- the machine

    def settled(self, timeout=BOOT_TIMEOUT):
        """Waits until all that boot starts has started; returns systemd's word."""
        return self.run("systemctl is-system-running --wait || true", timeout=timeout).strip()

    def reboot(self, timeout=120):
        """As `reboot` does it: units are stopped, disks synced. Then a new QEMU, which
        is quicker than the old one's reset."""
        self._send("systemctl reboot", 60)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"the host does not go down within {timeout} s")
        check_equal(self.process.returncode, 0, "end of QEMU")
        self.port.close()
        self._boot()

    def card(self):
        """The name of the host's network card."""
        return self.run("cd /sys/class/net && for card in *; do "
                        "[ ! -e $card/device ] || echo $card; done").strip()

    def tables(self):
        """tapster's firewall tables, as text, less what comes and goes with ports."""
        text = self.run("for family in inet arp bridge; do "
                        "nft -s list table $family tapster 2> /dev/null; done; true")

        def trim(found):
            if "dynamic" in found[0] or re.match(r"(prefixes6|forwards|public)", found[1]):
                return re.sub(r"\s*elements = {[^}]*}", "", found[0])
            return found[0]
        return re.sub(r"\t(?:set|map) (\w+) {\n.*?\n\t}", trim, text, flags=re.DOTALL)

    def profile(self, user, name, text):
        folder = f"/home/{user}/.config/tapster/profiles"
        self.run(f"mkdir -p {folder} && echo {quote(text)} > {folder}/{name}.json && "
                 f"chown -R {user}: /home/{user}/.config")

    # --- virtual machines (tests/host/vm.py)

    def vm(self, name, *arguments, user="alice", session=False, works=True, leased=True,
           ipv6=False, timeout=60):
        """Starts one as a unit NAME and returns what it says of itself, once its guest
        has an address. session: in a login session of the user's, whose shell is the unit's
        main process. works=False: it must be refused; leased=False: either will do.
        ipv6: with an address of that, too."""
        state = f"/home/{user}/{name}.vm"
        program = f"/usr/bin/python3 -B {SOURCE}/tests/host/vm.py {name} {' '.join(arguments)}"
        how = f"--uid={user}"
        if session:
            how = f"-p User={user} -p PAMName=login"
            program = f"/bin/sh -c {quote(f'setsid {program} & exec sleep infinity')}"
        self.run(f"rm -f {state}; systemctl reset-failed {name} 2> /dev/null; "
                 f"systemd-run -q --collect --unit={name} {how} -- {program}")
        wanted = f"grep -q address6 {state} 2> /dev/null" if ipv6 else f"[ -s {state} ]"
        status, output = self.run(f"until {wanted}; do sleep 0.1; done; cat {state}",
                                  timeout=timeout, check=False)
        if status != 0:
            raise Failure(f"VM {name}: no address within {timeout} s: " + self.run(
                f"cat {state}; journalctl -q --no-pager -o cat -n 40; ip -br addr"))
        found = {"name": name, "user": user, **json.loads(output)}
        if leased and works and found["status"] != 0:
            raise Failure(f"VM {name}: {found['said']}")
        if not works and found["status"] == 0:
            raise Failure(f"VM {name} was not refused: {found}")
        return found

    def stop(self, vm):
        """Ends the VM, and waits until its tap is gone."""
        self.run(f"systemctl stop {vm['name']}")
        self.eventually(f"[ ! -e /sys/class/net/{vm['tap']} ]", 10, f"{vm['tap']} gone")

    def in_guest(self, vm, command):
        """The command line that runs a shell command in a guest's network."""
        return f"nsenter --net=/proc/{vm['pid']}/ns/net -- bash -c {quote(command)}"

    def ask(self, server, name, kind="A", vm=None):
        """What a name server says to the host or to a guest: values, or None."""
        program = (f"import sys; sys.path.insert(0, '{SOURCE}/tests/lib'); import dns, json, "
                   "world; print(json.dumps(dns.look_up(world.Netns('here', own=False), "
                   "*sys.argv[1:], timeout=5)))")
        command = f"python3 -B -c {quote(program)} {server} {name} {kind}"
        return json.loads(self.run(self.in_guest(vm, command) if vm else command))

    def inside(self, vm, command, timeout=10):
        """What a command in a guest's network printed until it ended, or was ended."""
        return self.run(self.in_guest(vm, command) + " 2> /dev/null", timeout=timeout,
                        check=False)[1]

    def close(self):
        """Power off the hard way; nothing that this host wrote is wanted."""
        self.port.close()
        self.process.kill()  # does nothing if it has ended
        self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"
