# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real guests: QEMU under TCG, run by a plain user, with a kernel of Debian's.

The guest reads commands from the serial line, runs them and prints a marker with
the exit status, so that a test talks to a live guest. Vm is busybox alone,
DebianVm is Debian 12 with systemd-networkd.
"""

import base64
import gzip
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
            "-no-reboot"]
    COMMAND_LINE = "console=ttyS0 quiet panic=-1 reboot=t "
    BOOT_TIMEOUT = 60

    def machine(self):
        """Memory, kernel, disks."""
        guest = "/opt/build/guest"
        return ["-m", "160", "-kernel", guest + "/vmlinuz", "-initrd", guest + "/initramfs",
                "-append", self.COMMAND_LINE + "run=" + base64.b64encode(LOOP.encode()).decode()]

    def __init__(self, *network, user="alice"):
        entry = pwd.getpwnam(user)
        self.errors = open(f"/tmp/qemu-{os.urandom(4).hex()}.log", "w+")
        self.process = subprocess.Popen(
            [*self.BASE, *self.machine(), *network],
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

    def ready(self, timeout=None):
        """Waits until the guest has booted."""
        self._read_until("tapster-guest-ready", timeout or self.BOOT_TIMEOUT)
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

    def address6(self, card="eth0"):
        """The one that the guest formed by SLAAC, or None."""
        for line in self.run(f"ip -6 -o addr show dev {card} scope global").splitlines():
            if "tentative" not in line:
                return line.split()[3].partition("/")[0]
        return None

    def look_up(self, name):
        """All addresses of a name, or the name of an address, by the guest's own
        resolver."""
        text = self.run(f"nslookup {name}", check_status=False)
        answer = text.partition("\n\n")[2]  # the first part is about the server
        return sorted({line.split()[-1] for line in answer.splitlines()
                       if line.startswith("Address") or "name = " in line})

    def gateway(self):
        words = self.run("ip route show default").split()
        check("via" in words, f"guest has no default route: {words}")
        return words[words.index("via") + 1]

    def ping(self, address, count=1):
        return self.succeeds(f"ping -c {count} -W 3 {address} > /dev/null")

    def fetch(self, address, family=4):
        """A page, from an address of this family, or from a name's."""
        if address.strip("0123456789abcdef:."):
            kind = {4: ".", 6: ":"}[family]
            address = next((a for a in self.look_up(address) if kind in a), address)
        # not wget, which crashes in Debian 12's busybox-static
        return self.run(f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80")

    def kill(self):
        """SIGKILL, as a user in a hurry."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def quit(self):
        self.kill()


# What makes a guest of the host tests' disk: the modules are those of its initramfs.
DEBIAN_INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
cd /lib
until [ -b /dev/vda ]; do
    for module in *.ko; do
        /bin/busybox insmod $module 2> /dev/null && /bin/busybox rm $module
    done
done
/bin/busybox mount -t ext4 -o noatime /dev/vda /root
/bin/busybox mount -o move /dev /root/dev
/bin/busybox cp -a /guest/. /root/
exec /bin/busybox switch_root /root /lib/systemd/systemd
"""

DEBIAN_FILES = {
    "etc/fstab": "",
    "etc/hostname": "guest\n",
    "etc/systemd/network/50-all.network": "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n\n"
                                          "[DHCPv4]\nUseDomains=yes\n",
    "etc/systemd/system/guest.target":
        "[Unit]\nRequires=guest.service systemd-networkd.service systemd-resolved.service\n"
        "Wants=basic.target\nAfter=basic.target guest.service systemd-networkd.service "
        "systemd-resolved.service\n",
    "etc/systemd/system/guest.service":
        "[Unit]\nAfter=basic.target\n\n[Service]\nExecStart=/bin/sh /usr/local/bin/guest\n"
        "StandardInput=tty-force\nTTYPath=/dev/ttyS0\n",
    "usr/local/bin/guest": """stty -echo -icrnl -onlcr
echo tapster-guest-ready
while read -r line; do
    eval "$line" < /dev/null 2>&1
    echo "tapster-guest-done $?"
done
""",
    # fetch -4|-6 NAME: a page, and from where
    "usr/local/bin/fetch": """#!/usr/bin/python3
import socket, sys
family = {"-4": socket.AF_INET, "-6": socket.AF_INET6}[sys.argv[1]]
kind, _, _, _, where = socket.getaddrinfo(sys.argv[2], 80, family, socket.SOCK_STREAM)[0]
with socket.socket(kind, socket.SOCK_STREAM) as connection:
    connection.settimeout(10)
    connection.connect(where)
    connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    while data := connection.recv(4096):
        sys.stdout.write(data.decode())
""",
}


def cpio(files):
    """An archive in the format of the kernel's initramfs (newc), gzipped; folders come
    by themselves."""
    archive = b""

    def add(name, mode, data):
        nonlocal archive
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        entry = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += entry + bytes(-len(entry) % 4) + data + bytes(-len(data) % 4)

    number, folders = 0, set()
    for name, (mode, text) in files.items():
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in folders:
                folders.add(folder)
                number += 1
                add(folder, 0o40755, b"")
        number += 1
        add(name, 0o100000 | mode, text.encode())
    number = 0
    add("TRAILER!!!", 0, b"")
    return gzip.compress(archive, 1)


class DebianVm(Vm):
    """Debian 12 with systemd, networkd and resolved; what it writes goes with it."""

    COMMAND_LINE = ("console=ttyS0 quiet loglevel=3 panic=-1 reboot=t mitigations=off nokaslr "
                    "audit=0 random.trust_cpu=1 net.ifnames=0 systemd.show_status=no "
                    "systemd.unit=guest.target")
    BOOT_TIMEOUT = 120

    def machine(self):
        host, initramfs = "/opt/build/host", "/tmp/debian-guest.initramfs"
        files = {"init": (0o755, DEBIAN_INIT)}
        for name, text in DEBIAN_FILES.items():
            files["guest/" + name] = (0o755 if "/bin/" in name else 0o644, text)
        with open(host + "/initramfs", "rb") as base, open(initramfs, "wb") as file:
            # of archives one behind the other the kernel unpacks each
            file.write(base.read() + cpio(files))
        return ["-m", "512", "-smp", "2", "-cpu", "qemu64,+rdrand", "-kernel", host + "/vmlinuz",
                "-initrd", initramfs, "-append", self.COMMAND_LINE,
                "-drive", f"file={host}/disk,format=raw,if=virtio,snapshot=on"]

    def dhcp(self, card="eth0", stay=True):
        """networkd does it by itself."""
        self.run(f"until ip -4 -o addr show dev {card} | grep -q inet; do sleep 0.2; done",
                 timeout=60)
        return self.address(card)

    def look_up(self, name):
        text = self.run(f"SYSTEMD_COLORS=0 resolvectl query --legend=no {name}",
                        check_status=False)
        # "NAME: ADDRESS -- link: eth0", and lines without a name for more of them
        return sorted(line.partition("--")[0].split()[-1] for line in text.splitlines()
                      if "-- link:" in line)

    def fetch(self, address, family=4):
        return self.run(f"fetch -{family} {address}")
