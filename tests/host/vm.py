#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual machine for the host tests, as far as the host can tell: vm.py NAME
HELPER-ARGUMENT...

Run inside the test host by a plain user. It starts the helper as QEMU does, and plugs
the tap's descriptor into a card "eth0" of a user and network namespace of its own,
where a DHCP client runs, the kernel listens to router advertisements and a web page is
served on port 80. What it knows it writes into NAME.vm in the user's home directory:
JSON, once the guest has its address (and again, once it has one of IPv6), or when the
helper refused. It then lives until it is killed, and its namespace and tap with it.
"""

import ctypes
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "lib"))

import guests  # noqa: E402
import packets  # noqa: E402
import world  # noqa: E402

HELPER = "/usr/libexec/tapster-helper"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

SCRIPT = """#!/bin/sh
case "$1" in
bound|renew)
    ip addr replace "$ip/${mask:-24}" dev "$interface"
    for hop in $router; do ip route replace default via "$hop" dev "$interface"; done
    echo "$dns" > "$DNS.new"; mv "$DNS.new" "$DNS" ;;
esac
"""


def start_helper(arguments):
    """(exit status, what it said, the port or None)."""
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    done = subprocess.run([HELPER, f"--fd={theirs.fileno()}", *arguments],
                          pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    theirs.close()
    ours.settimeout(1)
    fds = world.receive(ours)[1]
    return done.returncode, done.stderr.strip(), world.Port(fds[0]) if len(fds) == 1 else None


def become_root_of_own_namespaces():
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    world.write("/proc/self/setgroups", "deny")
    world.write("/proc/self/uid_map", f"0 {uid} 1")
    world.write("/proc/self/gid_map", f"0 {gid} 1")


class Guest(guests.NetGuest):
    """The namespace that this process is in, as a guest."""

    def __init__(self, port, name):
        super().__init__(port, name, own=False)
        self.ip("link set lo up")
        for address in ("0.0.0.0", "::"):
            world.Page(self, address)

    def dhcp(self, folder):
        script, dns = f"{folder}/udhcpc", f"{folder}/dns"
        world.write(script, SCRIPT)
        os.chmod(script, 0o755)
        self.start("udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "20", "-T", "1", "-A", "1",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={"PATH": os.environ["PATH"], "DNS": dns})
        while not os.path.exists(dns):
            time.sleep(0.02)
        with open(dns) as file:
            return file.read().split()

    def asked_by_host(self):
        """DHCP messages of a client on the host's side: somebody took the tap for a card."""
        return [m for m in self.dhcp_log if not m.from_guest and
                m.kind in (packets.DISCOVER, packets.REQUEST)]


def main():
    name, *arguments = sys.argv[1:]
    home = pwd.getpwuid(os.getuid()).pw_dir
    state = f"{home}/{name}.vm"

    def tell(**what):
        world.write(state + ".new", json.dumps(what))
        os.rename(state + ".new", state)

    began = time.monotonic()
    status, said, port = start_helper(arguments)
    known = {"pid": os.getpid(), "status": status, "said": said,
             "started": time.monotonic() - began}
    if port is None:
        tell(**known)
        return 1
    become_root_of_own_namespaces()
    folder = f"{home}/{name}.files"
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        os.unlink(f"{folder}/{old}")
    guest = Guest(port, name)
    known["dns"] = guest.dhcp(folder)
    known.update(tap=port.name, address=guest.addresses("eth0")[0],
                 gateway=guest.ip("route show default").split()[2],
                 leased=time.monotonic() - began)
    tell(**known)
    while True:
        time.sleep(0.5)
        found = guest.addresses6("eth0")
        if found and "address6" not in known:
            known.update(address6=found[0], configured=time.monotonic() - began)
            tell(**known)
        asked = guest.asked_by_host()
        if asked:
            world.write(f"{folder}/asked", f"{asked}\n")


if __name__ == "__main__":
    sys.exit(main())
