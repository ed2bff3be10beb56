# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/kernel against a real kernel: what iproute2 and /proc say afterwards."""

import os
import select
import socket
import struct
import time

from kernelprobe import (CONFLICT, GATEWAY, GUEST, OTHER_GUEST, OTHER_TAP, SUBNET, TAP,
                         UNSUPPORTED, Held, connections, do, host_state, ip, make_tap, probe,
                         refusal, succeed, sysctl)
from testing import check, check_equal, check_in, test

GUEST_MAC = bytes.fromhex("525400123456")

# What administrators put into sysctl.d to harden a host.
HARDENED = {"arp_ignore": 1, "arp_announce": 2, "arp_filter": 1, "rp_filter": 2,
            "log_martians": 1, "accept_redirects": 0, "send_redirects": 0,
            "accept_source_route": 0, "shared_media": 0}


def routed(address, verb="use", name=TAP):
    return [verb, name, "noipv6", "settings", "-", 1400, "neighbours", "address", GATEWAY, "up",
            "route", address, GATEWAY, "flush"]


def network():
    return ["unreachable", SUBNET, "rule", SUBNET, "forwarding", "flush"]


def address_bytes(text):
    return socket.inet_aton(text)


def arp(operation, sender, target, target_mac=bytes(6)):
    return (b"\xff" * 6 + GUEST_MAC + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, operation)
            + GUEST_MAC + address_bytes(sender) + target_mac + address_bytes(target))


def receive_arp(fd, operation, seconds=1.0):
    """The next ARP frame of that operation from the host: sender and target."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            break
        frame = os.read(fd, 2048)
        if frame[12:14] == b"\x08\x06" and frame[20:22] == struct.pack("!H", operation):
            return socket.inet_ntoa(frame[28:32]), socket.inet_ntoa(frame[38:42])
    return None


@test("net-kernel-routed-port")
def routed_port():
    sysctl("ipv4/conf/default/arp_ignore", 8)
    sysctl("ipv4/conf/default/rp_filter", 0)
    held = Held(*network(), *routed(GUEST, "tap"))
    link, = ip("link", "show", TAP)
    check_equal(link["address"], "fe:74:01:02:03:04", "MAC")
    check_equal(link["mtu"], 1400, "MTU")
    check_equal(int(link["group"], 0), 0x74123456, "group")
    check_equal(link["ifalias"], "tapster probe slot 3", "alias")
    check_in("UP", link["flags"], "flags")
    data = link["linkinfo"]["info_data"]
    check_equal((data["type"], data["user"], data["persist"], data["multi_queue"]),
                ("tap", 12345, False, False), "tap")
    for name, value in {"forwarding": 1, "proxy_arp": 1, "rp_filter": 1, "arp_ignore": 0,
                        "accept_redirects": 0, "accept_source_route": 0,
                        "route_localnet": 0}.items():
        check_equal(sysctl(f"ipv4/conf/{TAP}/{name}"), value, name)
    check_equal(sysctl(f"ipv4/neigh/{TAP}/proxy_delay"), 0, "proxy_delay")
    check_equal(sysctl(f"ipv6/conf/{TAP}/disable_ipv6"), 1, "disable_ipv6")
    address, = ip("address", "show", TAP)[0]["addr_info"]
    check_equal((address["local"], address["prefixlen"], address["scope"]),
                (GATEWAY, 32, "link"), "address")
    route, = ip("route", "show", GUEST)
    check_equal((route["dev"], route["prefsrc"], route["scope"], route["protocol"]),
                (TAP, GATEWAY, "link", "116"), "route")
    route, = ip("route", "show", "type", "unreachable")
    check_equal(route["dst"], SUBNET, "unreachable")
    rule, = [rule for rule in ip("rule") if rule["priority"] == 150]
    check_equal((rule["dst"], rule["dstlen"], rule["table"]), ("192.168.77.0", 24, "main"), "rule")
    held.let_go()
    check_equal(ip("route", "show", GUEST), [], "route after the tap is gone")


@test("net-kernel-taken-and-facts")
def taken_and_facts():
    held = Held("tap", TAP, "settings", "-", 0, "flush")
    check_equal(probe("tap", TAP), ["taken"], "a name that exists")
    check_equal(probe("exists", TAP, "exists", "tsnobody0", "exists", "lo"),
                ["exists 1", "exists 0", "exists 1"], "existence")
    taps = probe("taps")
    check_equal(taps[0], "taps 1", "taps of the group")
    check_in("kind=tap mtu=1500 group=0x74123456 master=0 carrier=1 persistent=0 owner=12345",
             taps[1], "tap")
    check_equal(probe("link", "tsnobody0"), ["absent"], "absent link")
    do("ip link add veth0 type veth peer name veth1")
    do("ip address add 10.9.8.7/24 dev veth0")
    do("ip address add 10.1.1.1 peer 10.2.2.2/32 dev veth1")
    do("ip link set veth0 up")
    do("ip link set veth1 up")
    do("ip route add blackhole 10.77.0.0/16 table 77")
    do("ip route add 10.88.0.0/16 nexthop via 10.9.8.1 dev veth0 nexthop via 10.9.8.2 dev veth0")
    host = probe("host")
    for line in ("address 10.9.8.7/24 veth0", "address 10.2.2.2/32 veth1",
                 "address 10.1.1.1/32 veth1", "route 10.77.0.0/16 table=77 type=6 protocol=3 -",
                 "route 10.88.0.0/16 table=254 type=1 protocol=3 veth0", "forwarding 0"):
        check_in(line, host, "facts of the host")
    check_equal(probe("has-address", "veth0", "has-address", TAP),
                ["has an address", "has no address"], "addresses")
    do("ip address flush dev veth0 scope global")
    check_equal(probe("has-address", "veth0"), ["has no address"], "link-local only")
    do("ip address add 2001:db8::1/64 dev veth0 nodad")
    check_equal(probe("has-address", "veth0"), ["has an address"], "IPv6")
    held.let_go()


@test("net-kernel-hardened-host")
def hardened_host():
    for name, value in HARDENED.items():
        sysctl(f"ipv4/conf/all/{name}", value)
        sysctl(f"ipv4/conf/default/{name}", value)
    tap, other = make_tap(TAP), make_tap(OTHER_TAP)
    succeed(*network(), *routed(GUEST), *routed(OTHER_GUEST, name=OTHER_TAP))

    # The host asks for its guest by the gateway's address, whatever it sends.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (GUEST, 9))
        check_equal(sender.connect_ex((GUEST, 9)), 0, "connecting")
        check_equal(sender.getsockname()[0], GATEWAY, "source towards the guest")
    check_equal(receive_arp(tap, 1), (GATEWAY, GUEST), "the host's question")

    os.write(tap, arp(1, GUEST, GATEWAY))
    check_equal(receive_arp(tap, 2), (GATEWAY, GUEST), "ARP for the gateway")
    began = time.monotonic()
    os.write(tap, arp(1, GUEST, OTHER_GUEST))
    check_equal(receive_arp(tap, 2), (OTHER_GUEST, GUEST), "ARP for a neighbour")
    check(time.monotonic() - began < 0.2, "proxy ARP has a delay")
    os.write(tap, arp(1, GUEST, "192.168.77.99"))
    check_equal(receive_arp(tap, 2, 0.3), None, "ARP for a slot without a guest")

    # An uplink without an address of its own does not borrow the gateway's.
    do("ip link add veth0 type veth peer name veth1")
    do("ip link set veth0 up")
    do("ip route add 203.0.113.0/24 dev veth0")
    chosen = ip("route", "get", "203.0.113.5")[0].get("prefsrc")
    check(chosen != GATEWAY, "the gateway's address is used towards the outside")
    os.close(tap)
    os.close(other)


@test("net-kernel-neighbours-survive")
def neighbours_survive():
    """The same gateway address sits on every tap, and goes with one only."""
    first = Held(*network(), *routed(GUEST, "tap"))
    second = Held(*routed(OTHER_GUEST, "tap", OTHER_TAP))
    first.let_go()
    check_equal(ip("route", "show", GUEST), [], "the ended guest's route")
    check_equal(ip("route", "show", OTHER_GUEST)[0]["dev"], OTHER_TAP, "the other's route")
    check_equal(ip("route", "get", GATEWAY)[0]["type"], "local", "the gateway")
    second.let_go()


@test("net-kernel-undo")
def undo():
    before = host_state()
    do_all = [*network(), "bridge", "brk0", 1400]
    check_equal(probe(*do_all, "undo")[-1], "undoing 1", "undo")
    check_equal(host_state(), before, "the host after undo")
    succeed(*network())
    made = host_state()
    check_equal(probe(*network(), "undo")[-1], "undoing 0", "undo of what another made")
    check_equal(host_state(), made, "another's network after undo")
    # What stood before the refused one goes as well; an address given twice.
    do("ip rule del pref 150")
    lines = probe("tap", TAP, "unreachable", "10.5.0.0/16", "rule", SUBNET, "route", GUEST,
                  GATEWAY, "flush", "undo")
    check_in("route to the guest: ", lines[-2], "refusal")
    check_equal([r for r in ip("rule") if r["priority"] == 150], [], "rule after undo")
    check_equal(ip("route", "show", "10.5.0.0/16"), [], "route after undo")


@test("net-kernel-bridge")
def bridge():
    do("ip link add veth0 type veth peer name veth1")
    do("ip link add veth2 address 02:00:00:00:00:01 mtu 1300 type veth peer name veth3")
    words = ["bridge", "brk0", 1400, "uplink", "veth0", "brk0", "flush"]
    held = Held("tap", TAP, *words, "noipv6", "settings", "brk0", 1400, "up", "flush")
    link, = ip("link", "show", "brk0")
    data = link["linkinfo"]["info_data"]
    check_equal((data["stp_state"], data["forward_delay"], data["mcast_snooping"]), (0, 0, 0),
                "bridge")
    check_equal((link["address"], link["mtu"], link["ifalias"], int(link["group"], 0)),
                ("fe:74:01:02:03:04", 1400, "tapster probe slot 3", 0x75123456), "bridge")
    check_in("UP", link["flags"], "bridge's flags")
    check_equal(sysctl("ipv6/conf/brk0/disable_ipv6"), 1, "IPv6 of the bridge")
    for name in (TAP, "veth0"):
        port, = ip("link", "show", name)
        check_equal(port["master"], "brk0", "bridge of " + name)
        check_in("UP", port["flags"], name)
    # A port of the lowest MAC and a small MTU moves nothing.
    do("ip link set veth2 master brk0")
    link, = ip("link", "show", "brk0")
    check_equal((link["address"], link["mtu"]), ("fe:74:01:02:03:04", 1400), "pinned")
    # Found again: nothing changes and nothing is undone.
    check_equal(probe(*words, "undo")[-1], "undoing 0", "a bridge that exists")
    check_equal(ip("link", "show", "veth0")[0]["master"], "brk0", "uplink")
    held.let_go()
    do("ip link del brk0")
    do("ip link del veth2")
    do("ip link set veth0 down")
    before = host_state()
    probe("bridge", "brk0", 1500, "uplink", "veth0", "brk0", "undo")
    check_equal(host_state(), before, "undo of bridge and uplink")
    # The administrator's bridge is used as found.
    do("ip link add br9 mtu 1450 type bridge stp_state 1")
    before = ip("link", "show", "br9")
    succeed("bridge", "br9", 1500, "uplink", "veth0", "br9")
    after = ip("link", "show", "br9")
    check_equal(after[0]["linkinfo"]["info_data"]["stp_state"], 1, "stp of the found bridge")
    check_equal(after[0]["flags"], before[0]["flags"], "flags of the found bridge")


@test("net-kernel-bridge-refusals")
def bridge_refusals():
    do("ip link add veth0 type veth peer name veth1")
    code, message = refusal("bridge", "veth0", 1500)
    check_equal(code, CONFLICT, message)
    check_in("veth0 exists and is not a bridge; ", message, "message")
    succeed("bridge", "brk0", 1500)

    def uplink(name, expected, text):
        code, message = refusal("uplink", name, "brk0")
        check_equal(code, expected, message)
        check_in(text, message, "message")

    uplink("lo", CONFLICT, "is the loopback")
    uplink("eth77", CONFLICT, "does not exist")
    do("ip address add 10.9.8.7/24 dev veth0")
    uplink("veth0", CONFLICT, "carries an address")
    check("master" not in ip("link", "show", "veth0")[0], "it was enslaved all the same")
    do("ip address flush dev veth0")
    do("ip address add 2001:db8::1/64 dev veth0 nodad")
    uplink("veth0", CONFLICT, "carries an address")
    do("ip address flush dev veth0")
    do("ip link add br9 type bridge")
    uplink("br9", CONFLICT, "is a bridge itself")
    do("ip link set veth0 master br9")
    uplink("veth0", CONFLICT, "belongs to another bridge")
    do("ip link set veth0 nomaster")
    # sysfs as it is where veth0 is a wireless card.
    do("mount -t tmpfs none /sys/class/net")
    os.makedirs("/sys/class/net/veth1/phy80211")
    uplink("veth1", UNSUPPORTED, "is wireless")
    do("umount /sys/class/net")


def talk(source, destination):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(b"x", (destination, 9))


def forget_connections(way):
    do("ip link set lo up")
    for address in (GUEST, OTHER_GUEST, GATEWAY):
        do(f"ip address add {address}/32 dev lo")
    succeed(way, GUEST, "-")
    do("nft add table ip t")
    do("nft add chain ip t c { type filter hook output priority 0; }")
    do("nft add rule ip t c ct state invalid drop")
    for _ in range(500):
        talk(GUEST, GATEWAY)
    talk(GATEWAY, GUEST)
    talk(OTHER_GUEST, GATEWAY)
    check(connections().count(f"src={GUEST} ") > 400, "connections to forget")
    succeed(way, GUEST, "-")
    left = connections()
    check(f"={GUEST} " not in left, "connections of the guest are left:\n" + left)
    check_in(f"src={OTHER_GUEST} ", left, "the other guest's connection")


@test("net-kernel-forget-connections")
def forget_connections_now():
    forget_connections("forget")


@test("net-kernel-forget-by-dump")
def forget_connections_before_6_11():
    forget_connections("forget-by-dump")
