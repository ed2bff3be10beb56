# SPDX-License-Identifier: LGPL-2.1-or-later
"""The world a test runs in: private mounts over which nothing leaks.

Called as root in fresh network, mount, PID, UTS and IPC namespaces
(tests/lib/one.py). Afterwards /opt, /etc, /run, /var/lib, /home, /root, /tmp
and /dev/net/tun are the test's own.
"""

import os
import shutil
import stat
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What programs of the tests read below /etc; tests write the rest.
ETC_KEPT = [
    "alternatives", "dhcp", "dhcpcd.conf", "group", "host.conf", "hosts",
    "iproute2", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "nsswitch.conf", "os-release", "passwd", "protocols", "qemu", "services",
    "ssl", "udhcpc",
]

USERS = {"alice": 1000, "bob": 1001, "carol": 1002, "dave": 1003}
KVM_GID = 978
KVM_MEMBERS = "alice,bob"


class Places:
    """Where the tested installation keeps its files."""

    def __init__(self, installed):
        self.installed = installed
        if installed:
            self.helper = "/usr/libexec/tapster-helper"
            self.datadir = "/usr/share/tapster"
            self.sysconfdir = "/etc/tapster"
            self.statedir = "/var/lib/tapster"
            self.runstatedir = "/run/tapster"
        else:
            self.helper = "/opt/tapster/libexec/tapster-helper"
            self.datadir = "/opt/tapster/share/tapster"
            self.sysconfdir = "/opt/tapster/etc/tapster"
            self.statedir = "/opt/tapster/var/lib/tapster"
            self.runstatedir = "/opt/tapster/var/run/tapster"
        self.dhcp = os.path.join(os.path.dirname(self.helper), "tapster-dhcp")
        self.networks = os.path.join(self.sysconfdir, "networks")
        self.profiles = os.path.join(self.sysconfdir, "profiles")
        self.build = "/opt/build"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def tmpfs(path, mode="0755"):
    os.makedirs(path, exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=" + mode, "tmpfs", path)


def accounts():
    """Our users and the group kvm, in the place of whoever has their numbers."""
    def without(path, names, numbers):
        kept = []
        with open(path) as lines:
            for line in lines:
                fields = line.rstrip("\n").split(":")
                if fields[0] not in names and int(fields[2]) not in numbers:
                    kept.append(line if line.endswith("\n") else line + "\n")
        return kept

    numbers = set(USERS.values())
    passwd = without("/etc/passwd", set(USERS) | {"tapster"}, numbers)
    group = without("/etc/group", set(USERS) | {"kvm"}, numbers | {KVM_GID})
    for name, number in USERS.items():
        passwd.append(f"{name}:x:{number}:{number}::/home/{name}:/bin/sh\n")
        group.append(f"{name}:x:{number}:\n")
        home = f"/home/{name}"
        os.mkdir(home, 0o700)
        os.chown(home, number, number)
    group.append(f"kvm:x:{KVM_GID}:{KVM_MEMBERS}\n")
    with open("/etc/passwd", "w") as file:
        file.writelines(passwd)
    with open("/etc/group", "w") as file:
        file.writelines(group)


def tun_node(mode=0o666):
    """/dev/net/tun as distributions have it (0666), or with another mode."""
    os.makedirs("/dev/net", exist_ok=True)
    if not os.path.ismount("/dev/net"):
        mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/dev/net")
        os.mknod("/dev/net/tun", stat.S_IFCHR | 0o600, os.makedev(10, 200))
    os.chmod("/dev/net/tun", mode)


def enter(build, installed, compare=None):
    """Makes the mounts and returns the Places. compare: another build, for /opt/compare."""
    os.umask(0o022)
    # The source tree may lie below a directory that is covered next.
    tmpfs("/mnt")
    trees = [("source", SOURCE), ("build", build)] + ([("compare", compare)] if compare else [])
    for name, path in trees:
        os.mkdir("/mnt/" + name)
        mount("--bind", path, "/mnt/" + name)
    tmpfs("/opt")
    for name, _ in trees:
        os.mkdir("/opt/" + name)
        mount("--move", "/mnt/" + name, "/opt/" + name)
    subprocess.run(["umount", "/mnt"], check=True)

    os.mkdir("/opt/etc")
    for name in ETC_KEPT:
        if os.path.lexists("/etc/" + name):
            subprocess.run(["cp", "-a", "/etc/" + name, "/opt/etc/" + name], check=True)
    if installed and os.path.isdir("/etc/tapster"):
        subprocess.run(["cp", "-a", "/etc/tapster", "/opt/etc/tapster"], check=True)
    mount("--bind", "/opt/etc", "/etc")

    for path in ("/run", "/var/lib", "/home"):
        tmpfs(path)
    tmpfs("/root", "0700")  # where root's own profiles are
    for path in ("/tmp", "/var/tmp"):
        tmpfs(path, "1777")
    for path in ("/run/lock", "/var/lib/dhcp", "/var/lib/misc"):
        os.mkdir(path)
    accounts()
    # Nothing here may ask a name service of the machine's.
    with open("/etc/resolv.conf", "w") as file:
        file.write("nameserver 192.0.2.53\n")
    with open("/etc/nsswitch.conf", "w") as file:
        file.write("passwd: files\ngroup: files\nhosts: files dns\n")
    tun_node()
    mount("-t", "sysfs", "sysfs", "/sys")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    places = Places(installed)
    if not installed:
        stage = "/opt/build/stage/opt/tapster"
        # A copy: a test may change modes, and build directories can be nosuid.
        subprocess.run(["cp", "-a", stage, "/opt/tapster"], check=True)
    for path in (places.statedir, places.runstatedir):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    os.makedirs(places.networks, exist_ok=True)
    os.makedirs(places.profiles, exist_ok=True)
    if not shutil.which("setpriv"):
        raise RuntimeError("setpriv (util-linux) is missing")
    return places
