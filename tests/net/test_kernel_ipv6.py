# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/kernel's IPv6, shared segments and listeners against a real kernel."""

import os
import select
import socket
import subprocess
import time

import packets
from kernelprobe import (CONFLICT, GATEWAY, GUEST, OTHER_TAP, PROBE, SUBNET, TAP, Held,
                         connections, do, host_state, ip, make_tap, probe, refusal, succeed, sysctl)
from testing import check, check_equal, check_in, test

PREFIX, OTHER_PREFIX, SUBNET6 = "fd12:3456:0:1::/64", "fd12:3456:0:2::/64", "fd12:3456::/48"
GATEWAY6, GUEST6 = "fd12:3456:0:1::1", "fd12:3456:0:1::20"
OTHER_GATEWAY6 = "fd12:3456:0:2::1"
LINK_LOCAL = "fe80::/64"
GUEST_MAC, ROUTER_MAC = "52:54:00:12:34:56", "02:00:00:00:00:99"
ROUTER, GUEST_LOCAL = "fe80::99", "fe80::20"
ROUTER_FLAG = 0x80


def ip6(*arguments):
    return ip("-6", *arguments)


def conf(name, key, value=None):
    return sysctl(f"ipv6/conf/{name}/{key}", value)


def network6():
    return ["unreachable6", SUBNET6, "rule6", SUBNET6, "forwarding6", "flush"]


def routed6(gateway=GATEWAY6, prefix=PREFIX, verb="use", name=TAP):
    return [verb, name, "ipv6", "settings6", "-", 1400, "neighbours", "address", GATEWAY,
            "address6", "fe80::1", LINK_LOCAL, "address6", gateway, prefix, "up", "flush"]


def addresses6(name):
    return sorted(entry["local"] for link in ip6("address", "show", "dev", name)
                  for entry in link.get("addr_info", []))


def values(keys=("forwarding", "accept_ra")):
    """What forwarding6_off() has to put back."""
    return {(name, key): conf(name, key) for name in os.listdir("/proc/sys/net/ipv6/conf")
            for key in keys}


def wait_until(true, what, seconds=5):
    until = time.monotonic() + seconds
    while not true():
        check(time.monotonic() < until, what)
        time.sleep(0.02)


def send(interface, frame):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        wire.send(frame)


def advertisement(prefix):
    return packets.ethernet(ROUTER_MAC, "33:33:00:00:00:01", packets.ETH_IPV6,
                            packets.router_advertisement(ROUTER, ROUTER_MAC, prefix))


def solicitation(target):
    """RFC 4861 section 4.3, from the guest's link-local address."""
    body = bytes(4) + packets.ip6_bytes(target) + b"\x01\x01" + packets.mac_bytes(GUEST_MAC)
    return packets.ethernet(GUEST_MAC, "fe:74:01:02:03:04", packets.ETH_IPV6,
                            packets.icmp6(GUEST_LOCAL, target, packets.NEIGHBOUR_SOLICITATION, body))


def receive(fd, kind, seconds=2.0):
    """The next ICMPv6 message of that kind from the host, or None."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            break
        frame = packets.Frame(os.read(fd, 2048))
        if frame.kind == packets.ETH_IPV6 and frame.icmp_type == kind:
            return frame
    return None


@test("net-kernel-routed-port-ipv6")
def routed_port_ipv6():
    do("ip link set lo up")
    held = Held(*network6(), *routed6(verb="tap"))
    for key, value in {"accept_ra": 0, "forwarding": 1, "disable_ipv6": 0,
                       "addr_gen_mode": 1}.items():
        check_equal(conf(TAP, key), value, key)
    check_equal(sysctl(f"ipv4/conf/{TAP}/route_localnet"), 1, "route_localnet")
    check_equal(addresses6(TAP), sorted(["fe80::1", GATEWAY6]), "addresses")
    for entry in ip6("address", "show", "dev", TAP)[0]["addr_info"]:
        check(entry.get("nodad") and not entry.get("tentative"), f"address {entry}")
        check_equal(entry["prefixlen"], 64, "prefix")
    check_equal(ip6("route", "get", GUEST6)[0]["dev"], TAP, "route to the guest")
    route, = [r for r in ip6("route", "show", SUBNET6) if r.get("type") == "unreachable"]
    check_equal((route["protocol"], route["metric"]), ("116", 0x74617073), "unreachable route")
    rule, = [rule for rule in ip6("rule") if rule["priority"] == 150]
    check_equal((rule["dst"], rule["dstlen"], rule["table"]), ("fd12:3456::", 48, "main"), "rule")
    held.let_go()
    check_equal([r for r in ip6("route", "show") if r.get("dev") == TAP], [], "routes of the tap")
    # What an administrator's sysctl.d says of new interfaces is not a port's.
    conf("default", "forwarding", 0)
    conf("default", "accept_ra", 2)
    tap = make_tap(TAP)
    check_equal(succeed(*routed6())[-1], "flushed", "a port where the default was changed")
    check_equal((conf(TAP, "forwarding"), conf(TAP, "accept_ra")), (1, 0), "values of the port")
    os.close(tap)


@test("net-kernel-guest-of-ipv6-port")
def guest_of_ipv6_port():
    do("ip link set lo up")
    tap, other = make_tap(TAP), make_tap(OTHER_TAP)
    succeed(*network6(), *routed6(), *routed6(OTHER_GATEWAY6, OTHER_PREFIX, name=OTHER_TAP))
    for target in ("fe80::1", GATEWAY6):
        answer = None
        # The kernel sets an address to work a moment after it is there; guests ask
        # again as well.
        for _ in range(10):
            if not answer:
                os.write(tap, solicitation(target))
                answer = receive(tap, packets.NEIGHBOUR_ADVERTISEMENT, 0.3)
        check(answer, f"no answer for {target}")
        check(answer.payload[4] & ROUTER_FLAG, f"{target} is no router's: {answer}")
    # The host learns nothing from a guest.
    os.write(tap, advertisement("2001:db8:bad::"))
    time.sleep(0.3)
    check_equal(addresses6(TAP), sorted(["fe80::1", GATEWAY6]), "addresses")
    check_equal(ip6("route", "show", "default"), [], "default route")
    # One port's going leaves the same address on the other.
    os.close(tap)
    wait_until(lambda: not os.path.exists("/sys/class/net/" + TAP), "the tap stays")
    check_equal(addresses6(OTHER_TAP), sorted(["fe80::1", OTHER_GATEWAY6]), "the other's")
    os.close(other)


@test("net-kernel-ipv6-repeated-and-off")
def ipv6_repeated_and_off():
    do("ip link set lo up")
    tap = make_tap(TAP)
    succeed(*network6(), *routed6())
    before = ip("address"), ip6("route", "show", "table", "all"), ip6("rule")
    succeed(*network6(), *routed6())
    check_equal((ip("address"), ip6("route", "show", "table", "all"), ip6("rule")), before,
                "after the same again")
    # IPv6 switched off afterwards: guests go on with IPv4.
    conf("all", "disable_ipv6", 1)
    other = make_tap(OTHER_TAP)
    succeed(*network6(), *routed6(OTHER_GATEWAY6, OTHER_PREFIX, name=OTHER_TAP), "route",
            GUEST, GATEWAY, "flush")
    check_equal(addresses6(OTHER_TAP), [], "addresses where IPv6 is off")
    check_in("ipv6 0 forwarding6 1 foreign 0", probe("host"), "facts")
    os.close(tap)
    os.close(other)


@test("net-kernel-forwarding6-uplink")
def forwarding6_uplink():
    """The host's own router, learnt before and after."""
    for name in ("veth0", "veth2", "veth4"):
        do(f"ip link add {name} type veth peer name {name}p")
        conf(name + "p", "disable_ipv6", 1)
        do(f"ip link set {name} up")
        do(f"ip link set {name}p up")
    conf("veth2", "accept_ra", 0)
    conf("veth4", "forwarding", 1)

    def routers():
        return [r["gateway"] for r in ip6("route", "show", "default", "dev", "veth0")]

    def learns(prefix):
        send("veth0p", advertisement(prefix + "::"))
        wait_until(lambda: any(a.startswith(prefix) for a in addresses6("veth0")),
                   f"no address of {prefix}")

    wait_until(lambda: addresses6("veth0"), "no link-local address")
    learns("2001:db8:1:1")
    check_equal(routers(), [ROUTER], "router before")
    before = values()
    survey = probe("survey")
    lines = probe("forwarding6", "changed")
    check_equal(lines[1:], survey, "what was changed, and what was foreseen")
    for line in ("change default listened=1 forwarded=0", "change veth0 listened=1 forwarded=0",
                 "change veth4 listened=0 forwarded=1"):
        check_in(line, lines, "changes")
    check(not any("change lo " in line or "change veth2 " in line for line in lines), str(lines))
    check_equal((conf("all", "forwarding"), conf("default", "forwarding")), (1, 1), "forwarding")
    check_equal([conf(name, "accept_ra") for name in ("veth0", "veth2", "veth4", "default")],
                [2, 0, 1, 2], "accept_ra")
    check_equal(routers(), [ROUTER], "router kept")
    learns("2001:db8:1:2")
    do("ip link add veth6 type veth peer name veth7")
    check_equal(conf("veth6", "accept_ra"), 2, "an uplink that comes later")
    check_equal(probe("forwarding6", "changed", "undo"), ["forwarding6", "changes 0", "undoing 0"],
                "where it is on")
    do("ip link del veth6")
    # The same and back again, by one probe each.
    conf("all", "forwarding", 0)
    for key, value in before.items():
        conf(*key, value)
    check_equal(probe("forwarding6", "undo")[-1], "undoing 1", "undo")
    check_equal(values(), before, "after undo")
    check_equal(probe("forwarding6", "forwarding6-off")[-1], "off", "off")
    check_equal(values(), before, "after off")
    check_equal(routers(), [ROUTER], "router after off")
    learns("2001:db8:1:3")
    # What somebody else has written since is his.
    held = Held("forwarding6")
    held.let_go()
    conf("veth0", "accept_ra", 0)
    conf("all", "forwarding", 0)
    check_equal(conf("veth0", "accept_ra"), 0, "another's value")
    # And without tapster's care the router is lost: the test sees it. A new one:
    # the kernel looks for none once it has seen one that it must not forget.
    conf("veth0", "accept_ra", 1)
    do("ip -6 route del default dev veth0")
    learns("2001:db8:1:4")
    check_equal(routers(), [ROUTER], "router once more")
    conf("all", "forwarding", 1)
    check_equal(routers(), [], "router without care")


@test("net-kernel-forwarding6-anothers")
def forwarding6_anothers():
    """forwarding6_off() leaves what is no longer as it was left."""
    do("ip link add veth0 type veth peer name veth1")
    do("ip link add veth2 type veth peer name veth3")
    script = Held("forwarding6")
    script.let_go()
    conf("all", "forwarding", 0)
    for name in ("default", "veth0", "veth1", "veth2", "veth3"):
        conf(name, "accept_ra", 1)
    # In one process: on, another's changes, off.
    reading, writing = os.pipe()
    reading_out, writing_out = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(reading, 0)
        os.dup2(writing_out, 1)
        os.close(writing)
        os.execv(PROBE, [PROBE, "forwarding6", "place", "wait", "forwarding6-off"])
    os.close(reading)
    os.close(writing_out)
    with os.fdopen(reading_out) as lines:
        check_equal(lines.readline(), "forwarding6\n", "on")
        lines.readline()
        conf("veth0", "accept_ra", 0)
        conf("veth2", "forwarding", 0)
        do("ip link del veth1")
        os.close(writing)
        check_equal(lines.read(), "off\n", "off")
    os.waitpid(pid, 0)
    check_equal(conf("all", "forwarding"), 0, "forwarding")
    check_equal([conf(n, "accept_ra") for n in ("default", "veth2", "veth3")], [1, 1, 1],
                "accept_ra put back")


@test("net-kernel-undo-ipv6")
def undo_ipv6():
    do("ip link set lo up")
    do("ip link add veth0 type veth peer name veth1")

    def state():
        return (host_state(), ip6("route", "show", "table", "all"), ip6("rule"), values())

    before = state()
    check_equal(probe(*network6(), "segment", "tbk0", 1400, "gateway", "tbk0", GATEWAY, SUBNET,
                      OTHER_GATEWAY6, OTHER_PREFIX, "flush", "undo")[-1], "undoing 1", "undo")
    check_equal(state(), before, "the host after undo")
    succeed(*network6())
    made = state()
    check_equal(probe(*network6(), "undo")[-1], "undoing 0", "undo of what another made")
    check_equal(state(), made, "another's network after undo")


@test("net-kernel-shared-segment")
def shared_segment():
    do("ip link set lo up")
    conf("default", "accept_ra", 2)
    sysctl("ipv4/conf/default/arp_ignore", 8)
    words = ["segment", "tbk0", 1400, "gateway", "tbk0", GATEWAY, SUBNET, OTHER_GATEWAY6,
             OTHER_PREFIX, "flush"]
    network = ["unreachable", SUBNET, "rule", SUBNET, *network6(), *words, "forwarding", "flush"]
    held = Held("tap", TAP, *network, "noipv6", "settings", "tbk0", 1400, "up", "flush")
    link, = ip("link", "show", "tbk0")
    check_equal((link["address"], link["mtu"], int(link["group"], 0)),
                ("fe:74:01:02:03:04", 1400, 0x74123456), "bridge")
    for key, value in {"accept_ra": 0, "forwarding": 1, "disable_ipv6": 0,
                       "addr_gen_mode": 1}.items():
        check_equal(conf("tbk0", key), value, key)
    for key, value in {"forwarding": 1, "rp_filter": 1, "arp_ignore": 0, "proxy_arp": 0,
                       "route_localnet": 1, "accept_redirects": 0}.items():
        check_equal(sysctl(f"ipv4/conf/tbk0/{key}"), value, key)
    check_equal(conf(TAP, "disable_ipv6"), 1, "IPv6 of the tap")
    check_equal(addresses6("tbk0"), sorted(["fe80::1", OTHER_GATEWAY6]), "addresses")
    address, = ip("-4", "address", "show", "tbk0")[0]["addr_info"]
    check_equal((address["local"], address["prefixlen"], address["broadcast"]),
                (GATEWAY, 24, "192.168.77.255"), "address")
    check_equal(ip("route", "get", "192.168.77.30")[0]["dev"], "tbk0", "route to a guest")
    check_equal(ip6("route", "get", OTHER_GATEWAY6 + "0")[0]["dev"], "tbk0", "route to a guest")
    # Again: nothing changes, nothing is undone; what was removed is back.
    def bridge():
        link, = ip("address", "show", "tbk0")
        return link["addr_info"], link["flags"], link["mtu"], ip6("route", "show", "dev", "tbk0")

    before = bridge()
    check_equal(probe(*network, "undo")[-1], "undoing 0", "once more")
    check_equal(bridge(), before, "after once more")
    do("ip address flush dev tbk0")
    do("ip link set tbk0 down")
    succeed(*words)
    check_in("UP", ip("link", "show", "tbk0")[0]["flags"], "flags")
    check_equal(addresses6("tbk0"), sorted(["fe80::1", OTHER_GATEWAY6]), "addresses are back")
    # A release leaves a bridge with ports, and takes one without.
    succeed("release", SUBNET, SUBNET6, "tbk0", "flush")
    check_equal(ip("link", "show", TAP)[0]["master"], "tbk0", "bridge of a port")
    check_equal([r for r in ip6("rule") + ip("rule") if r["priority"] == 150], [], "rules")
    check_equal([r for r in ip6("route") + ip("route") if r.get("type") == "unreachable"], [],
                "routes")
    held.let_go()
    succeed("release", SUBNET, SUBNET6, "tbk0", "flush")
    check_equal(probe("link", "tbk0"), ["absent"], "bridge")
    succeed("release", SUBNET, SUBNET6, "tbk0", "flush")
    # Without IPv6 it has none; another's bridge is not taken.
    succeed("segment4", "tbk1", 1500, "segment", "tbk2", 1280)
    check_equal(conf("tbk1", "disable_ipv6"), 1, "IPv6 where the network has none")
    check_equal((ip("link", "show", "tbk2")[0]["mtu"], conf("tbk2", "accept_ra")), (1280, 0),
                "the smallest MTU of IPv6")
    do("ip link add tbk3 type bridge")
    code, message = refusal("segment", "tbk3", 1500)
    check_equal(code, CONFLICT, message)
    check_in("is not this network's bridge", message, "message")
    succeed("release", SUBNET, "-", "tbk3", "flush")
    check(probe("link", "tbk3") != ["absent"], "another's bridge was removed")


@test("net-kernel-facts-ipv6")
def facts_ipv6():
    do("ip link set lo up")
    do("ip link add veth0 type veth peer name veth1")
    do("ip address add 2001:db8:5::1/64 dev veth0 nodad")
    do("ip address add 2001:db8:6::1 peer 2001:db8:7::1/128 dev veth1 nodad")
    do("ip link set veth0 up")
    do("ip link set veth1 up")
    do("ip -6 route add blackhole 2001:db8:77::/48 table 77")
    do("ip -6 route add 2001:db8:88::/48 nexthop via 2001:db8:5::2 nexthop via 2001:db8:5::3")
    do("ip -6 route add default via 2001:db8:5::2")
    # A cached route: one that the kernel learnt.
    do("ip -6 route add 2001:db8:99::/48 via 2001:db8:5::2 mtu 1400")
    conf("veth0", "forwarding", 1)
    conf("veth1", "accept_ra", 2)
    host = probe("host")
    for line in ("address 2001:db8:5::1/64 veth0", "address 2001:db8:6::1/128 veth1",
                 "address 2001:db8:7::1/128 veth1",
                 "route 2001:db8:77::/48 table=77 type=6 protocol=3 lo",
                 "route 2001:db8:88::/48 table=254 type=1 protocol=3 veth0",
                 "route ::/0 table=254 type=1 protocol=3 veth0",
                 "route 2001:db8:5::/64 table=254 type=1 protocol=2 veth0",
                 "ipv6 1 forwarding6 0 foreign 0"):
        check_in(line, host, "facts of the host")
    check(not any("ff00::/8" in line for line in host), "multicast routes")
    link, = [line for line in host if line.startswith("link veth0 ")]
    check_in("forwards6=1 accept_ra=1", link, "link")
    link, = [line for line in host if line.startswith("link veth1 ")]
    check_in("forwards6=0 accept_ra=2", link, "link")
    # A kernel without IPv6, as far as /proc shows it.
    do("mount -t tmpfs none /proc/sys/net/ipv6")
    host = probe("host")
    check_in("ipv6 0 forwarding6 0 foreign 0", host, "facts without IPv6")
    check(not any("2001:db8" in line for line in host), "IPv6 where there is none")
    check_equal(succeed("tap", TAP, "ipv6", "flush"), ["claimed", "ipv6", "flushed"], "a port")
    do("umount /proc/sys/net/ipv6")


def talk6(source, destination):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(b"x", (destination, 9))


def forget_connections6(way):
    do("ip link set lo up")
    near, far, other = "fd12:3456:0:1::20", "2001:db8::1", "fd12:3456:0:2::20"
    for address in (near, "fd12:3456:0:1:ffff::1", far, other):
        do(f"ip address add {address}/128 dev lo nodad")
    for address in (GATEWAY, GUEST):
        do(f"ip address add {address}/32 dev lo")
    succeed(way, GUEST, PREFIX)
    do("nft add table inet t")
    do("nft add chain inet t c { type filter hook output priority 0; }")
    do("nft add rule inet t c ct state invalid drop")
    for _ in range(200):
        talk6(near, far)
    talk6("fd12:3456:0:1:ffff::1", far)
    talk6(far, near)
    talk6(other, far)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((GUEST, 0))
        sender.sendto(b"x", (GATEWAY, 9))
    check(connections().count("fd12:3456:0000:0001:") > 200, "connections to forget")
    succeed(way, GUEST, PREFIX)
    left = connections()
    check("=fd12:3456:0000:0001:" not in left, "connections of the guest are left:\n" + left)
    check("=192.168.77.20 " not in left, "IPv4 connections of the guest are left:\n" + left)
    check_in("src=fd12:3456:0000:0002:", left, "the other guest's connection")


@test("net-kernel-forget-connections-ipv6")
def forget_connections6_now():
    forget_connections6("forget")


@test("net-kernel-forget-by-dump-ipv6")
def forget_connections6_before_6_11():
    forget_connections6("forget-by-dump")


def bound(family, kind, address, port, v6only=None, device=None):
    held = socket.socket(family, kind)
    if v6only is not None:
        held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if device:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    held.bind((address, port))
    if kind == socket.SOCK_STREAM:
        held.listen()
    return held


@test("net-kernel-listeners")
def listeners():
    do("ip link set lo up")
    do("ip address add 192.0.2.1/32 dev lo")
    do("ip address add 2001:db8::1/128 dev lo nodad")
    v4, v6 = socket.AF_INET, socket.AF_INET6
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    everywhere, here, there = "-", "192.0.2.1", "127.0.0.1"
    here6, there6 = "2001:db8::1", "::1"
    # Socket, and of the addresses asked for, those that it overlaps.
    table = [
        ((v4, "0.0.0.0"), {everywhere, here, there}),
        ((v4, "192.0.2.1"), {everywhere, here}),
        ((v4, "127.0.0.53"), {everywhere}),
        ((v4, "127.0.0.1", None, "lo"), {everywhere, there}),
        ((v4, "224.0.0.251"), set()),
        ((v6, "::", 0), {everywhere, here, there, here6, there6}),
        ((v6, "::", 1), {everywhere, here6, there6}),
        ((v6, "2001:db8::1"), {everywhere, here6}),
        ((v6, "::1"), {everywhere, there6}),
        ((v6, "::ffff:192.0.2.1", 0), {everywhere, here}),
    ]
    for protocol, kind in (("tcp", stream), ("udp", datagram)):
        for (family, address, *rest), overlapped in table:
            if address == "224.0.0.251" and kind == stream:
                continue
            with bound(family, kind, address, 8080, *rest) as held:
                inode = os.fstat(held.fileno()).st_ino
                for asked in (everywhere, here, there, here6, there6):
                    answer, = probe("listener", protocol, 8000, 8100, asked)
                    expected = (f"listener port=8080 protocol={6 if kind == stream else 17} "
                                f"uid=0 inode={inode}" if asked in overlapped else "nobody")
                    check_equal(answer, expected, f"{protocol} {address} {rest}, {asked} asked")
        with bound(v4, kind, "0.0.0.0", 8080):
            other = "udp" if protocol == "tcp" else "tcp"
            for words, expected in (((protocol, 8080, 8080), "listener"),
                                    ((protocol, 8081, 9000), "nobody"),
                                    ((protocol, 1, 8079), "nobody"),
                                    ((protocol, 1, 65535), "listener"),
                                    ((other, 8080, 8080), "nobody")):
                check(probe("listener", *words, "-")[0].startswith(expected), f"{words}")
    # Connected ones take nothing from strangers.
    with bound(v4, datagram, "127.0.0.1", 8080) as connected:
        connected.connect(("127.0.0.1", 9))
        check_equal(probe("listener", "udp", 8080, 8080, "-"), ["nobody"], "a connected socket")
    with bound(v4, stream, "127.0.0.1", 8081) as server, socket.socket() as client:
        client.bind(("127.0.0.1", 8080))
        client.connect(("127.0.0.1", 8081))
        check_equal(probe("listener", "tcp", 8080, 8080, "-"), ["nobody"], "a client's port")
        server.accept()[0].close()
    # Another namespace's are none of ours, and a plain user may ask.
    held = bound(v4, stream, "0.0.0.0", 8080)
    pid = os.fork()
    if pid == 0:
        os.setresuid(65534, 65534, 65534)
        found = probe("listener", "tcp", 8080, 8080, "-")[0].startswith("listener")
        os._exit(0 if found else 1)
    check_equal(os.waitpid(pid, 0)[1], 0, "a plain user's question")
    answer = subprocess.run(["unshare", "-n", PROBE, "listener", "tcp", "8080", "8080", "-"],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    check_equal(answer, "nobody\n", "another namespace's sockets")
    held.close()
