# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real guests: QEMU under TCG, run by a plain user, with a kernel of Debian's.

The guest reads commands from the serial line, runs them and prints a marker with
the exit status, so that a test talks to a live guest.
"""

import base64
import os
import pwd
import select
import signal
import subprocess
import time

from testing import Failure, check

# What the guest (tests/lib/guest-image) runs once it is up.
LOOP = """
cat > /bin/noting-lease <<'END'
#!/bin/sh
[ "$1" = deconfig ] || echo "$1 $ip" >> /leases
exec /bin/lease-script "$@"
END
chmod 755 /bin/noting-lease
stty -echo -icrnl
for card in /sys/class/net/eth*; do ip link set ${card##*/} up; done
echo tapster-guest-ready
while read -r line; do
    eval "$line" < /dev/null 2>&1
    echo "tapster-guest-done $?"
done
"""


class Vm:
    """A guest that runs. network: QEMU's arguments for its card."""

    BASE = ["qemu-system-x86_64", "-M", "q35", "-cpu", "qemu64", "-accel", "tcg,thread=multi",
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
            "-no-reboot", "-m", "160"]
    COMMAND_LINE = ("console=ttyS0 quiet panic=-1 reboot=t run=" +
                    base64.b64encode(LOOP.encode()).decode())

    def __init__(self, *network, user="alice", guest="/opt/build/guest"):
        entry = pwd.getpwnam(user)
        self.errors = open(f"/tmp/qemu-{os.urandom(4).hex()}.log", "w+")
        self.process = subprocess.Popen(
            [*self.BASE, "-kernel", guest + "/vmlinuz", "-initrd", guest + "/initramfs",
             "-append", self.COMMAND_LINE, *network],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            user=entry.pw_uid, group=entry.pw_gid,
            extra_groups=os.getgrouplist(user, entry.pw_gid), umask=0o077, cwd=entry.pw_dir,
            env={"PATH": "/usr/bin:/bin", "HOME": entry.pw_dir, "LANG": "C.UTF-8"})
        self.output = ""
        self.began = time.monotonic()

    def _fail(self, what):
        self.errors.seek(0)
        raise Failure(f"{what}; QEMU: exit {self.process.poll()}, said "
                      f"{self.errors.read()!r}; serial line: {self.output[-2000:]!r}")

    def _read_until(self, marker, timeout):
        """Text up to the line that starts with marker, and that line's rest."""
        end = time.monotonic() + timeout
        while True:
            lines = self.output.split("\n")
            for number, line in enumerate(lines[:-1]):
                at = line.find(marker)
                if at >= 0:
                    before = "\n".join([*lines[:number], line[:at]])
                    self.output = "\n".join(lines[number + 1:])
                    return before, line[at + len(marker):].strip()
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self._fail(f"guest: no {marker!r} within {timeout} s")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                self.process.wait()
                self._fail("guest: the serial line ended")
            self.output += data.decode(errors="replace").replace("\r", "")

    def ready(self, timeout=60):
        """Waits until the guest has booted."""
        self._read_until("tapster-guest-ready", timeout)
        self.boot_seconds = time.monotonic() - self.began
        return self

    def run(self, command, timeout=30, check_status=True):
        """Runs a shell command in the guest; returns its output."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        text, status = self._read_until("tapster-guest-done", timeout)
        if check_status and status != "0":
            raise Failure(f"guest: {command!r} exit {status}: {text!r}")
        return text

    def succeeds(self, command, timeout=30):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self._read_until("tapster-guest-done", timeout)[1] == "0"

    # --- what guests do

    def dhcp(self, card="eth0", stay=False):
        """udhcpc; stay: it goes on in the background and renews. Returns the address."""
        how = "-b" if stay else "-q -n"
        self.run(f"udhcpc {how} -i {card} -s /bin/noting-lease -t 10 -T 1 > /udhcpc.log 2>&1",
                 timeout=40)
        return self.address(card)

    def address(self, card="eth0"):
        text = self.run(f"ip -4 -o addr show dev {card}")
        words = text.split()
        check("inet" in words, f"guest has no address: {text!r}")
        return words[words.index("inet") + 1].partition("/")[0]

    def gateway(self):
        words = self.run("ip route show default").split()
        check("via" in words, f"guest has no default route: {words}")
        return words[words.index("via") + 1]

    def ping(self, address, count=1):
        return self.succeeds(f"ping -c {count} -W 3 {address} > /dev/null")

    def fetch(self, address):
        # not wget, which crashes in Debian 12's busybox-static
        return self.run(f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80")

    def kill(self):
        """SIGKILL, as a user in a hurry."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def quit(self):
        self.kill()
