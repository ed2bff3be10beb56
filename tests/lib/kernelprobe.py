# SPDX-License-Identifier: LGPL-2.1-or-later
"""Driving src/kernel by its probe, and asking the kernel what came of it."""

import fcntl
import json
import os
import struct
import subprocess

from testing import check, check_equal

PROBE = "/opt/build/tests/net/kernel-probe"
TAP, OTHER_TAP = "tskern000", "tskern001"
GATEWAY, GUEST, OTHER_GUEST = "192.168.77.1", "192.168.77.20", "192.168.77.21"
SUBNET = "192.168.77.0/24"

TUNSETIFF = 0x400454CA
TUN_FLAGS = 0x0002 | 0x1000  # IFF_TAP | IFF_NO_PI


def probe(*words):
    """Runs the probe to its end; its lines."""
    return subprocess.run([PROBE, *map(str, words)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()


def succeed(*words):
    lines = probe(*words)
    check(not [line for line in lines if line.startswith("error")], f"{words}: {lines}")
    return lines


def refusal(*words):
    """The one error of the probe's lines: its code and its message."""
    errors = [line for line in probe(*words) if line.startswith("error: ")]
    check_equal(len(errors), 1, f"errors of {words}")
    _, code, message = errors[0].split(": ", 2)
    return int(code), message


class Held:
    """A probe that holds its tap until it is let go."""

    def __init__(self, *words):
        self.process = subprocess.Popen([PROBE, *map(str, words), "place", "wait"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = []
        while not self.lines or not self.lines[-1].startswith("place "):
            line = self.process.stdout.readline()
            check(line, f"the probe ended: {self.lines}")
            self.lines.append(line.rstrip("\n"))
        check(not [line for line in self.lines if line.startswith("error")], str(self.lines))

    def let_go(self):
        self.process.stdin.close()
        self.process.wait()


CONFLICT, UNSUPPORTED = 5, 6  # TapsterErrorCode


def ip(*arguments):
    text = subprocess.run(["ip", "-j", "-d", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return json.loads(text or "[]")


def do(line):
    subprocess.run(line.split(), check=True)


def sysctl(path, value=None):
    path = "/proc/sys/net/" + path
    if value is not None:
        with open(path, "w") as file:
            file.write(str(value))
    with open(path) as file:
        return int(file.read())


def host_state():
    """All that apply_undo() has to put back."""
    return (ip("link"), ip("route", "show", "table", "all"), ip("rule"),
            sysctl("ipv4/ip_forward"))


def make_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), TUN_FLAGS))
    os.set_blocking(fd, False)
    return fd


def connections():
    with open("/proc/net/nf_conntrack") as file:
        return file.read()
