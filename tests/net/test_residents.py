# SPDX-License-Identifier: LGPL-2.1-or-later
"""tapster-dhcp and tapster-dns without the helper: taps are made here, and
src/services is driven by services-probe. dnsmasq is a real one."""

import fcntl
import os
import re
import signal
import socket
import struct
import threading
import time

import packets
from guests import NetGuest, RawGuest
from testing import Failure, check, check_equal, check_in, eventually, never, test
from world import (IFF_NO_PI, IFF_TAP, IFF_TUN_EXCL, TUNSETIFF, Port, World, processes, run,
                   sysctl, write)

PROBE = "/opt/build/tests/net/services-probe"
GATEWAY = "192.168.77.1"
RESOLVER6 = "fd12:3456:789a::1"
A, PTR, AAAA = 1, 12, 28
NXDOMAIN = 3


def probe(*arguments):
    """Runs the probe; its name=value pairs."""
    return dict(line.split("=", 1) for line in run(PROBE, *arguments).splitlines())


class Network:
    """One network with its residents, as the helper makes it."""

    def __init__(self, kind="routed", *servers, name="nat"):
        self.world = World(outside=False, networks=False)
        self.name = name
        sysctl("net.ipv6.conf.all.forwarding", 1)
        sysctl("net.ipv4.ip_forward", 1)
        made = probe("make", name, kind, *servers)
        self.directory = made["directory"]
        self.dns = f"{self.directory}/dns/{name}"
        self.prefix, self.bridge = made["prefix"], made["bridge"]
        if kind == "shared":
            run("ip", "link", "add", self.bridge, "type", "bridge")
            self.address(self.bridge, 0, "/24")

    def address(self, link, number, length):
        run("ip", "link", "set", link, "addrgenmode", "none")
        sysctl(f"net.ipv6.conf.{link}.accept_ra", 0)
        sysctl(f"net.ipv6.conf.{link}.forwarding", 1)
        run("ip", "-b", "-", input=f"address add {GATEWAY}{length} dev {link}\n"
            f"address add fe80::1/64 dev {link} nodad\n"
            f"address add fd12:3456:789a:{number:x}::1/64 dev {link} nodad\n"
            + (f"address add {RESOLVER6}/128 dev {link} nodad\n" if number else "") +
            f"link set {link} up\n")

    def port(self, slot, hostname=None, mac=None):
        """A tap as the helper makes it; its name is claimed."""
        name = self.prefix + "0123456789abcdefghijklmnopqrstuvwxyz"[slot]
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                               IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL))
        port = Port(fd)
        if self.bridge:
            run("ip", "link", "set", name, "master", self.bridge, "up")
        else:
            self.address(name, slot + 1, "/32")
            run("ip", "route", "add", f"192.168.77.{10 + slot}", "dev", name, "src", GATEWAY)
        if hostname:
            port.hostname = self.claim(slot, hostname, mac)
        return port

    def claim(self, slot, hostname, mac=None):
        more = [mac] if mac else []
        return probe("name", self.name, str(slot), hostname, *more)["hostname"]

    def running(self, kind):
        return probe("find", kind, self.name)["running"] == "1"

    def start(self, kind):
        probe("start", kind, self.name)
        eventually(lambda: self.running(kind), 3, f"{kind} running")
        if kind == "dns":
            try:
                eventually(self.pid, 3, "dnsmasq")
            except Failure:
                with open(self.dns + "/lock") as log:
                    raise Failure(f"dnsmasq does not run: {log.read()}")

    def pid(self):
        found = processes("dnsmasq")
        return found[0] if len(found) == 1 else None


def ask(name, kind=A, server=GATEWAY, netns=None, tcp=False, timeout=1.0):
    """(rcode, answers) of dnsmasq; None if there is no answer."""
    question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
    query = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question + struct.pack("!HH", kind, 1)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    make = netns.socket if netns else socket.socket
    with make(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect((server, 54))
            connection.send((struct.pack("!H", len(query)) if tcp else b"") + query)
            data = connection.recv(2048)[2 if tcp else 0:]
        except OSError:
            return None
    return data[3] & 15, read_answers(data, len(query))


def read_answers(data, offset):
    found = []
    for _ in range(struct.unpack_from("!H", data, 6)[0]):
        check(data[offset] & 0xC0 == 0xC0, "a compressed name")
        kind, _, _, length = struct.unpack_from("!HHIH", data, offset + 2)
        value = data[offset + 12:offset + 12 + length]
        if kind == PTR:
            parts, at = [], 0
            while at < length and value[at] and value[at] < 0xC0:
                parts.append(value[at + 1:at + 1 + value[at]].decode())
                at += 1 + value[at]
            found.append(".".join(parts))
        else:
            found.append(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, value))
        offset += 12 + length
    return found


def answered(expected, *arguments, timeout=3.0, **options):
    eventually(lambda: ask(*arguments, **options) == expected, timeout,
               f"{arguments[0]}: {expected}, not {ask(*arguments, **options)}")


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def sockets_of(pid):
    """How many dnsmasq listens with."""
    return len(re.findall(f"pid={pid},", run("ss", "-tulnpH", "sport", "=", ":54")))


@test("net-residents-dnsmasq-waits")
def dnsmasq_waits():
    """Its addresses are there while a port is: it starts before the first, finds
    them each time they come back, and has no more sockets for more ports."""
    network = Network()
    network.start("dns")
    pid, open_before, ports = network.pid(), 0, []

    def answers():
        for server in (GATEWAY, RESOLVER6):
            for tcp in (False, True):
                answered((0, ["192.168.77.10"]), "web.nat.internal", server=server, tcp=tcp)

    for turn in range(3):
        ports = [network.port(0, "web")]
        answers()
        open_before = open_before or sockets_of(pid)
        ports += [network.port(slot) for slot in range(1, 8)]
        answers()
        check_equal(sockets_of(pid), open_before, "sockets with eight ports")
        ports.pop(0).close()
        answers()
        for port in ports:
            port.close()
        for server in (GATEWAY, RESOLVER6):
            check_equal(ask("web.nat.internal", server=server, timeout=0.2), None, "no port")
    check_equal(network.pid(), pid, "dnsmasq")


@test("net-residents-names")
def names():
    """Forward and reverse, A and AAAA, UDP and TCP, for the host; a second VM of the
    same name; and nothing of all that when they have gone."""
    network = Network()
    web = network.port(0, "web")
    check_equal(web.hostname, "web")
    network.start("dhcp")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web.nat.internal")
    answered((0, ["192.168.77.10"]), "web")
    answered((0, ["192.168.77.10"]), "web.nat.internal", tcp=True)
    answered((0, ["192.168.77.10"]), "web.nat.internal", server=RESOLVER6)
    answered((0, ["192.168.77.10"]), "web.nat.internal", server=RESOLVER6, tcp=True)
    answered((0, ["web.nat.internal"]), "10.77.168.192.in-addr.arpa", PTR)
    answered((NXDOMAIN, []), "other.nat.internal")
    answered((NXDOMAIN, []), "11.77.168.192.in-addr.arpa", PTR)
    second = network.port(1, "web")
    check_equal(second.hostname, "web-2")
    answered((0, ["192.168.77.11"]), "web-2.nat.internal")

    # The guest's own address, from duplicate address detection.
    guest = RawGuest(web)
    detect(guest, "fe80::5054:ff:fe12:3456")
    detect(guest, "fd12:3456:789a:1::77")
    answered((0, ["fd12:3456:789a:1::77"]), "web.nat.internal", AAAA)
    detect(guest, "fd12:3456:789a:1:5054:ff:fe12:3456")
    answered((0, ["fd12:3456:789a:1:5054:ff:fe12:3456"]), "web.nat.internal", AAAA)
    detect(guest, "fd12:3456:789a:1::78")
    detect(guest, "fd12:3456:789a:2::78")  # not this port's
    never(lambda: len(ask("web.nat.internal", AAAA)[1]) != 1, 0.3, "another AAAA")
    reverse = ".".join(reversed("fd123456789a0001505400fffe123456")) + ".ip6.arpa"
    answered((0, ["web.nat.internal"]), reverse, PTR)

    web.close()
    answered((NXDOMAIN, []), "web.nat.internal")
    answered((NXDOMAIN, []), "10.77.168.192.in-addr.arpa", PTR)
    answered((0, ["192.168.77.11"]), "web-2.nat.internal")
    check_equal(os.listdir(network.dns + "/hosts"), ["web-2"], "names")
    check_equal(os.listdir(network.dns + "/hosts6"), [], "names")
    again = network.port(2, "web")
    check_equal(again.hostname, "web")
    answered((0, ["192.168.77.12"]), "web.nat.internal")


def detect(guest, address):
    packet = packets.neighbour_solicitation("::", address)
    guest.send(packets.ethernet(guest.mac, packets.multicast_mac(packets.solicited_node(address)),
                                packets.ETH_IPV6, packet))
    time.sleep(0.05)


@test("net-residents-router-advertisements")
def advertisements():
    """A guest's kernel has an address in its port's /64 and a router that stays; DNS and
    domain are in the advertisement; dnsmasq answers the guest, and knows its name."""
    network = Network()
    network.start("dhcp")
    network.start("dns")
    raw = RawGuest(network.port(4))
    raw.send(packets.ethernet(raw.mac, "33:33:00:00:00:02", packets.ETH_IPV6,
                              packets.router_solicitation()))
    frame = raw.wait(lambda f: f.icmp_type == packets.ROUTER_ADVERTISEMENT, 3)
    check(frame is not None, "no router advertisement")
    check_equal(frame.src, "fe80::1", "router")
    options = dict(advertised(frame.payload))
    check_in(packets.ip6_bytes("fd12:3456:789a:5::"), options[3], "prefix")
    check_equal(options[25][-16:], packets.ip6_bytes(RESOLVER6), "RFC 8106 server")
    check_in(b"\x03nat\x08internal\0", options[31], "RFC 8106 domain")

    port = network.port(5, "web")
    guest = NetGuest(port)
    mine = "fd12:3456:789a:6:5054:ff:fe12:3456"
    eventually(lambda: mine in guest.ip("-6 addr show dev eth0 -tentative"), 5, "SLAAC")
    check_in("default via fe80::1 dev eth0", guest.ip("-6 route"), "routes")
    # the advertisement names the MAC that the helper gives to a tap
    router = re.search(r"fe80::1 .*lladdr (\S+)", guest.ip("-6 neigh show"))[1]
    run("ip", "link", "set", port.name, "address", router)
    answered((0, ["192.168.77.15"]), "web.nat.internal", server=RESOLVER6, netns=guest)
    answered((0, [mine]), "web.nat.internal", AAAA, server=RESOLVER6, netns=guest)


def advertised(payload):
    at = 16
    while at < len(payload):
        kind, length = payload[at], payload[at + 1] * 8
        yield kind, payload[at:at + length]
        at += length


@test("net-residents-port-53-taken")
def port_taken():
    """Another holds 0.0.0.0:53 and [::]:53."""
    holders = []
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            holder = socket.socket(family, kind)
            if family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            holder.bind((address, 53))
            if kind == socket.SOCK_STREAM:
                holder.listen()
            holders.append(holder)
    network = Network()
    network.port(0, "web")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web.nat.internal")


@test("net-residents-least-privilege")
def privilege():
    """Neither keeps more than it needs, or a file that it could write to."""
    network = Network()
    network.port(0, "web")
    network.start("dhcp")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web")
    dhcp, dns = status(processes("tapster-dhcp")[0]), status(network.pid())
    # NET_BIND_SERVICE
    for found, capabilities in ((dhcp, 0), (dns, 1 << 10)):
        check_equal(found["Uid"], "65534\t65534\t65534\t65534", "uid")
        check_equal(found["Gid"], "65534\t65534\t65534\t65534", "gid")
        check_equal(found["Groups"].strip(), "", "groups")
        check_equal(found["NoNewPrivs"], "1", "no_new_privs")
        for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
            check_equal(int(found[name], 16), capabilities, name)
    for pid in (processes("tapster-dhcp")[0], network.pid()):
        check_equal(os.getsid(pid), pid, "session")
        check_equal(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null", "standard input")
        with open(f"/proc/{pid}/environ", "rb") as file:
            check_equal(file.read(), b"", "environment")
    # What others may do in the run directory: go through.
    for path, mode, group in (("", 0o711, 0), ("/dns", 0o755, 0), ("/dns/nat", 0o711, 0),
                              ("/dns/nat/conf", 0o644, 0), ("/dns/nat/lock", 0o660, 65534),
                              ("/dns/nat/hosts", 0o770, 65534), ("/dhcp.pid", 0o600, 0),
                              ("/dns/nat/hosts6", 0o770, 65534)):
        found = os.stat(network.directory + path)
        check_equal((found.st_uid, found.st_gid, found.st_mode & 0o7777), (0, group, mode), path)


@test("net-residents-dnsmasq-replaced")
def replaced():
    """Killed, stopped by systemctl's like, with a TCP child left, started twice."""
    network = Network()
    port = network.port(0, "web")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web")
    pid = network.pid()
    probe("start", "dns", "nat")
    never(lambda: network.pid() != pid, 0.5, "a second dnsmasq")
    # A connection has a process of its own, which has the lock as well.
    with socket.create_connection((GATEWAY, 54)):
        eventually(lambda: len(processes("dnsmasq")) == 2, 2, "a child")
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(processes("dnsmasq")) == 1, 2, "dnsmasq killed")
        check(network.running("dns"), "the child has the lock")
        probe("start", "dns", "nat")
        eventually(lambda: network.pid() not in (None, pid), 3, "another dnsmasq")
        answered((0, ["192.168.77.10"]), "web")
    probe("stop", "dns", "nat")
    eventually(lambda: not processes("dnsmasq"), 3, "dnsmasq stopped")
    check(not network.running("dns"), "running")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web")
    port.close()
    probe("stop", "dns", "nat")
    eventually(lambda: not network.running("dns"), 3, "dnsmasq stopped")
    probe("remove", "nat")
    check_equal(os.listdir(network.directory + "/dns"), [], "what is left")
    probe("remove", "nat")


@test("net-residents-deaf", timeout=120)
def deaf():
    """A tapster-dhcp that hangs is replaced by the next start; a dnsmasq that hangs
    is ended by tapster-dhcp."""
    network = Network()
    guest = RawGuest(network.port(0, "web"))
    network.start("dhcp")
    network.start("dns")
    guest.lease()
    first = processes("tapster-dhcp")[0]
    os.kill(first, signal.SIGSTOP)
    check(network.running("dhcp"), "not deaf for long enough")
    os.utime(network.directory + "/dhcp.pid", (time.time() - 61, time.time() - 61))
    check(not network.running("dhcp"), "deaf")
    probe("start", "dhcp", "nat")
    eventually(lambda: processes("tapster-dhcp") not in ([], [first]) and network.running("dhcp"),
               5, "another tapster-dhcp")
    check(first not in processes("tapster-dhcp"), "the deaf one ended")
    RawGuest(guest.port).lease()

    # Every two seconds instead of every twenty.
    os.kill(processes("tapster-dhcp")[0], signal.SIGKILL)
    eventually(lambda: not processes("tapster-dhcp"), 2, "killed")
    run("sh", "-c", f"{network.world.places.dhcp} --directory={network.directory} "
        "--tick-seconds=2 > /dev/null 2>&1 < /dev/null &")
    eventually(lambda: network.running("dhcp"), 3, "tapster-dhcp")
    answered((0, ["192.168.77.10"]), "web")
    pid = network.pid()
    never(lambda: network.pid() != pid, 7, "a dnsmasq that answers ended")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not processes("dnsmasq"), 12, "the deaf dnsmasq ended")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web")
    # Its network has gone.
    probe("forget", "nat")
    eventually(lambda: not processes("dnsmasq"), 8, "dnsmasq of a network that has gone")


@test("net-residents-heartbeat", timeout=90)
def heartbeat():
    """The file's time moves on while nothing else happens, and its content stays."""
    network = Network()
    network.port(0)
    network.start("dhcp")
    path = network.directory + "/dhcp.pid"
    began = os.stat(path).st_mtime
    eventually(lambda: os.stat(path).st_mtime > began, 25, "a sign of life")
    with open(path) as file:
        check_equal(file.read(), f"{processes('tapster-dhcp')[0]}\n", "dhcp.pid")


class Resolver:
    """A name server that has one answer for everything."""

    def __init__(self, address, answer):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.answer = socket.inet_aton(answer)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(2048)
            end = query.index(b"\0", 12) + 5
            self.asked.append(query[13:end - 5])
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] +
                               b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + self.answer, peer)


@test("net-residents-upstream")
def upstream():
    """The host's resolvers, and their change: a file that is rewritten, one that is
    replaced, and systemd-resolved's behind a link. What is local stays here."""
    for address in ("127.0.0.53", "127.0.0.2", "127.0.0.3"):
        run("ip", "addr", "add", address + "/32", "dev", "lo")
    one, two = Resolver("127.0.0.53", "203.0.113.1"), Resolver("127.0.0.2", "203.0.113.2")
    stub = "/run/systemd/resolve/stub-resolv.conf"
    os.makedirs(os.path.dirname(stub))
    write(stub, "nameserver 127.0.0.53\noptions edns0 trust-ad\n")
    os.unlink("/etc/resolv.conf")
    os.symlink("../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf")
    network = Network()
    network.port(0, "web")
    network.start("dns")
    answered((0, ["203.0.113.1"]), "one.example.com")
    # dnsmasq compares times of whole seconds.
    time.sleep(1.1)
    write(stub + ".new", "nameserver 127.0.0.2\n")
    os.rename(stub + ".new", stub)
    answered((0, ["203.0.113.2"]), "two.example.com", timeout=5)
    for name in ("nothing.nat.internal", "plain", "99.77.168.192.in-addr.arpa"):
        answered((NXDOMAIN, []), name, PTR if name.endswith("arpa") else A)
    for resolver in (one, two):
        check(all(b"example" in name for name in resolver.asked), f"asked: {resolver.asked}")


@test("net-residents-no-resolvers")
def no_resolvers():
    """/etc/resolv.conf leads nowhere; and a network that names its own servers."""
    os.unlink("/etc/resolv.conf")
    os.symlink("/run/nowhere/resolv.conf", "/etc/resolv.conf")
    network = Network()
    network.port(0, "web")
    network.start("dns")
    answered((0, ["192.168.77.10"]), "web")
    probe("stop", "dns", "nat")
    eventually(lambda: not network.running("dns"), 3, "stopped")
    run("ip", "addr", "add", "127.0.0.3/32", "dev", "lo")
    Resolver("127.0.0.3", "203.0.113.3")
    check_equal(probe("make", "nat", "routed", "127.0.0.3")["changed"], "1", "changed")
    check_equal(probe("make", "nat", "routed", "127.0.0.3")["changed"], "0", "changed again")
    network.start("dns")
    answered((0, ["203.0.113.3"]), "www.example.com")


@test("net-residents-shared")
def shared():
    """dnsmasq's DHCP on a segment of its own: a known MAC has its slot's address and name;
    an unknown one an address of the pool, and no name that another has."""
    network = Network("shared")
    mac = "52:54:00:aa:00:01"
    known = network.port(3, "web", mac)
    other = network.port(4)
    network.start("dhcp")
    network.start("dns")
    guest, stranger = RawGuest(known, mac=mac), RawGuest(other, mac="52:54:00:aa:00:02")
    eventually(lambda: guest.discover(timeout=0.5, tries=1), 5, "an answer of dnsmasq's")
    ack = guest.lease()
    check_equal(ack.yiaddr, "192.168.77.13", "address")
    check_equal(ack.address(packets.OPT_DNS), GATEWAY, "name server")
    check_equal(ack.address(packets.OPT_ROUTER), GATEWAY, "router")
    second = stranger.lease()
    check(second.yiaddr not in ("192.168.77.13", GATEWAY), second.yiaddr)
    answered((0, ["192.168.77.13"]), "web.nat.internal")
    known.close()
    answered((NXDOMAIN, []), "web.nat.internal")
    check_equal(os.listdir(network.dns + "/dhcp"), [], "DHCP entries")
    check_equal(stranger.lease().yiaddr, second.yiaddr, "the same address again")
    # The next on this slot has another MAC, and the address at once.
    mac = "52:54:00:aa:00:03"
    guest = RawGuest(network.port(3, "web", mac), mac=mac)
    time.sleep(0.2)
    check_equal(guest.lease().yiaddr, "192.168.77.13", "address")


@test("net-residents-refuse")
def refuse():
    """What tapster-dns says when it is called otherwise."""
    network = Network()
    program = os.path.join(os.path.dirname(network.world.places.dhcp), "tapster-dns")
    told = run(program, check=False)
    check_in("tapster-helper starts this program", told)
    for arguments in (["--instance=nat"], ["--instance=1-../x"],
                      [f"--directory={network.directory}", "--network=../nat"],
                      ["--directory=run", "--network=nat"], ["--instance=1-lab"]):
        told = run(program, *arguments, check=False)
        check_equal(told.count("\n"), 1, f"lines of {told!r}")
        check_in("tapster-dns: ", told)
    told = run("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", program,
               "--instance=1-nat", check=False)
    check_in("must be started by root", told)
    check_equal(processes("dnsmasq"), [], "dnsmasq")
