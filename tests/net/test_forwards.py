# SPDX-License-Identifier: LGPL-2.1-or-later
"""Forwards: ports of this host that lead to a guest, from where they may be reached."""

import json
import os
import pwd
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import packets
from guests import NetGuest, RawGuest
from packets import ETH_IPV6
from status import BUSY, CONFIG, DENIED
from testing import Failure, check, check_equal, check_in, eventually, test
from world import (HOST, HOST6, OUTSIDE, OUTSIDE6, Capture, Echo, Netns, Page, World, cable,
                   listener, sysctl)

GATEWAY = "192.168.77.1"
ANY = {"forwards": {"from": "any"}}
ONLY_HOST = {"forwards": {"from": "host"}}


def forward(host_port=8080, guest_port=80, protocol="both", **more):
    return {"protocol": protocol, "host_port": host_port, "guest_port": guest_port, **more}


def serve(netns, port, text, families=("0.0.0.0", "::")):
    """TCP and UDP servers of a namespace, on all its addresses."""
    return [server(netns, address, port, text) for address in families for server in (Page, Echo)]


def fetch(netns, protocol, address, port=8080, timeout=1.5):
    """What answers there: text, or ""."""
    if protocol == "tcp":
        return netns.fetch(address, port, timeout=timeout) or ""
    return netns.fetch_udp(address, port, timeout=timeout / 2, tries=2) or ""


def forwarding(grants=ANY, **changes):
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(grants=grants, **changes))
    return world


def web(world, *forwards, name="web", user="alice", text=None, port=80, **more):
    """A guest with forwards and with servers: it has both its addresses."""
    world.profile(name, {"network": "nat", "forwards": list(forwards) or [forward()], **more},
                  user=user)
    guest = NetGuest(world.port(f"--profile={name}", user=user), name=f"{user}-{name}")
    guest.address = guest.dhcp()
    guest.address6 = guest.slaac()
    guest.servers = serve(guest, port, text or name)
    return guest


def plain(world, name="other", user="carol"):
    guest = NetGuest(world.port(user=user), name=name)
    guest.address, guest.address6 = guest.dhcp(), guest.slaac()
    return guest


def gateway6(world, guest):
    return world.prefix6_of(guest.port) + "::1"


def sweep(world, *arguments):
    """As the udev rule runs it."""
    return world.host.run(os.path.join(os.path.dirname(world.places.helper), "tapster-sweep"),
                          *arguments)


# --- the matrix

@test("net-forwards-matrix", timeout=150)
def matrix():
    """tcp and udp, IPv4 and IPv6, from outside, another guest, the same guest, this
    host by its own address, the gateway's and 127.0.0.1: each fetched."""
    world = forwarding()
    guest, other = web(world), plain(world)
    cases = []
    for name, source, addresses in (
            ("outside", world.outside, (HOST, HOST6)),
            ("another guest", other, (HOST, GATEWAY, HOST6, gateway6(world, other))),
            ("the same guest", guest, (HOST, GATEWAY, HOST6, gateway6(world, guest))),
            ("this host", world.host, (HOST, GATEWAY, "127.0.0.1", "127.1.2.3", HOST6,
                                       gateway6(world, guest), gateway6(world, other)))):
        cases += [(name, source, protocol, address)
                  for protocol in ("tcp", "udp") for address in addresses]
    failed = [f"{name}, {protocol}, {address}: {found!r}"
              for name, source, protocol, address in cases
              if not (found := fetch(source, protocol, address)).startswith("web; you are ")]
    check(not failed, f"{len(failed)} of {len(cases)}: " + "; ".join(failed))
    # who came from outside is seen as who it is
    check_equal(fetch(world.outside, "tcp", HOST), "web; you are 192.0.2.1\n", "peer, IPv4")
    check_equal(fetch(world.outside, "tcp", HOST6), "web; you are 2001:db8:1::1\n", "peer, IPv6")


@test("net-forwards-matrix-from-host", timeout=150)
def matrix_from_host():
    """from: host. The same but for outside, where nothing of the guest is seen."""
    world = forwarding(ONLY_HOST)
    guest, other = web(world), plain(world)
    for protocol in ("tcp", "udp"):
        for source, addresses in (
                (other, (HOST, GATEWAY, HOST6)), (guest, (HOST, GATEWAY, HOST6)),
                (world.host, (HOST, GATEWAY, "127.0.0.1", HOST6))):
            for address in addresses:
                check_in("web; you are ", fetch(source, protocol, address),
                         f"{source.name}, {protocol}, {address}")
        seen = [server.seen[:] for server in guest.servers]
        world.outside.ip("route replace 192.168.77.0/24 via 192.0.2.2")
        for address in (HOST, GATEWAY, guest.address, HOST6, guest.address6):
            for port in (8080, 80):
                check_equal(fetch(world.outside, protocol, address, port, timeout=0.6), "",
                            f"outside, {protocol}, {address} port {port}")
        check_equal([server.seen for server in guest.servers], seen, "what the guest saw")
    # the host's own service on that port is what outside reaches
    serve(world.host, 8080, "the host's own")
    for protocol in ("tcp", "udp"):
        for address in (HOST, HOST6):
            check_in("the host's own", fetch(world.outside, protocol, address), address)


@test("net-forwards-loopback6")
def loopback6():
    """[::1] cannot be translated: it fails at once, and clients of "localhost" turn to
    127.0.0.1."""
    world = forwarding()
    web(world)
    for protocol in ("tcp", "udp"):
        began = time.monotonic()
        check_equal(fetch(world.host, protocol, "::1", timeout=5), "", f"{protocol} by ::1")
        check(time.monotonic() - began < 1, f"{protocol}: {time.monotonic() - began:.1f} s")
    with socket.create_connection(("localhost", 8080), timeout=3) as connection:
        check_equal(connection.getpeername()[0], "127.0.0.1", "localhost")


@test("net-forwards-closed-port")
def closed():
    """Nobody listens in the guest: refused at once."""
    world = forwarding()
    web(world, forward(8081, 81))
    for source, address in ((world.host, "127.0.0.1"), (world.host, HOST), (world.outside, HOST),
                            (world.outside, HOST6)):
        began = time.monotonic()
        check_equal(fetch(source, "tcp", address, 8081, timeout=5), "", address)
        check(time.monotonic() - began < 1, f"{address}: {time.monotonic() - began:.1f} s")


@test("net-forwards-other-hosts", timeout=90)
def other_hosts():
    """A packet to another host's address on that port passes untouched: a guest's, this
    host's own, and one that this host only forwards."""
    world = forwarding()
    sysctl("net.ipv4.ip_forward", 1)
    sysctl("net.ipv6.conf.all.forwarding", 1)
    beside = Netns("beside")
    cable(world.host, "lan0", beside, "eth0")
    world.host.ip("addr add 10.20.0.1/24 dev lan0")
    world.host.ip("addr add 2001:db8:20::1/64 dev lan0 nodad")
    beside.ip("addr add 10.20.0.2/24 dev eth0")
    beside.ip("addr add 2001:db8:20::2/64 dev eth0 nodad")
    beside.ip("route add default via 10.20.0.1")
    beside.ip("-6 route add default via 2001:db8:20::1")
    world.outside.ip("route add 10.20.0.0/24 via 192.0.2.2")
    world.outside.ip(f"-6 route add 2001:db8:20::/64 via {HOST6}")
    guest, other = web(world), plain(world)
    serve(world.outside, 8080, "the outside's own")
    seen = [server.seen[:] for server in guest.servers]
    for source in (guest, other, world.host, beside):
        for protocol in ("tcp", "udp"):
            for address in (OUTSIDE, OUTSIDE6):
                check_in("the outside's own", fetch(source, protocol, address),
                         f"{source.name}, {protocol}, {address}")
    check_equal([server.seen for server in guest.servers], seen, "what the guest saw")


@test("net-forwards-localhost-only-there")
def route_localnet():
    """127/8 is routable on the tap with the forward and on no other, and no guest
    reaches the host's loopback by it."""
    world = forwarding()
    guest, other = web(world), plain(world)
    page = Page(world.host, "127.0.0.1", 9000)
    check_equal(sysctl(f"net.ipv4.conf.{guest.port.name}.route_localnet"), "1", "route_localnet")
    for name in (other.port.name, "all", "default", "uplink0", "lo"):
        check_equal(sysctl(f"net.ipv4.conf.{name}.route_localnet"), "0", f"route_localnet, {name}")
    router = json.loads(world.host.ip(f"-j link show {guest.port.name}"))[0]["address"]
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    capture = Capture(guest, "eth0")
    for source in (guest.address, "127.0.0.1"):
        for port in (9000, 8080):
            card.send(packets.ethernet(packets.QEMU_MAC, router, packets.ETH_IP,
                                       packets.tcp(source, "127.0.0.1", 2000, port, 0x02)))
    time.sleep(0.4)
    answers = [f for f, out in capture.read() if not out and f.src and f.src.startswith("127.")]
    check_equal((page.seen, answers), ([], []), "what reached 127.0.0.1, and answers")
    check_in("web", fetch(world.host, "tcp", "127.0.0.1"), "page by 127.0.0.1")


# --- which ports, which addresses

@test("net-forwards-one-protocol")
def one_protocol():
    world = forwarding()
    web(world, forward(8080, 80, "tcp"), forward(8081, 80, "udp"))
    for protocol, port, works in (("tcp", 8080, True), ("udp", 8080, False),
                                  ("tcp", 8081, False), ("udp", 8081, True)):
        for address in (HOST, HOST6, "127.0.0.1"):
            source = world.host if address == "127.0.0.1" else world.outside
            found = fetch(source, protocol, address, port, timeout=0.8)
            check_equal(bool(found), works, f"{protocol} port {port} of {address}: {found!r}")


@test("net-forwards-range")
def ranges():
    """Guest ports run along with a range of host ports."""
    world = forwarding()
    guest = web(world, {"protocol": "both", "host_port": "5000-5009", "guest_port": 6000})
    for offset in (0, 4, 9):
        serve(guest, 6000 + offset, f"number {offset}")
    for offset in (0, 4, 9):
        for protocol in ("tcp", "udp"):
            for address in (HOST, HOST6):
                port = 5000 + offset
                check_in(f"number {offset};", fetch(world.outside, protocol, address, port),
                         f"{protocol} {address} port {port}")
    for port in (4999, 5010):
        check_equal(fetch(world.outside, "tcp", HOST, port, timeout=0.5), "", f"port {port}")


@test("net-forwards-host-address")
def host_address():
    """Only one address of the host, IPv4 or IPv6; the port is free on the others."""
    world = forwarding()
    world.host.ip("addr add 192.0.2.77/32 dev uplink0")
    world.host.ip("addr add 2001:db8:1::77/128 dev uplink0 nodad")
    web(world, forward(host_address="192.0.2.77"))
    web(world, forward(host_address="2001:db8:1::77"), name="six")
    serve(world.host, 8080, "the host's own", (HOST, HOST6, "127.0.0.1"))
    for protocol in ("tcp", "udp"):
        for source in (world.outside, world.host):
            for address, wanted in (("192.0.2.77", "web;"), ("2001:db8:1::77", "six;"),
                                    (HOST, "the host's own;"), (HOST6, "the host's own;")):
                check_in(wanted, fetch(source, protocol, address),
                         f"{source.name}, {protocol}, {address}")
        check_in("the host's own;", fetch(world.host, protocol, "127.0.0.1"), "127.0.0.1")


@test("net-forwards-hundred", timeout=120)
def hundred():
    """A hundred forwards on one profile, tcp and udp each."""
    world = forwarding()
    began = time.monotonic()
    guest = web(world, *[forward(10000 + number, 20000 + number) for number in range(100)])
    print(f"started and configured in {time.monotonic() - began:.2f} s")
    for number in range(0, 100, 11):
        serve(guest, 20000 + number, f"number {number}")
    for number in range(0, 100, 11):
        for protocol in ("tcp", "udp"):
            for source, address in ((world.outside, HOST), (world.outside, HOST6),
                                    (world.host, "127.0.0.1")):
                check_in(f"number {number};", fetch(source, protocol, address, 10000 + number),
                         f"{protocol} {address} port {10000 + number}")
    world.host.run("nft", "list", "ruleset")
    guest.close()
    sweep(world, f"--tap={guest.port.name}")
    listing = world.host.run("nft", "list", "ruleset")
    check("10099" not in listing, "elements after the sweep")


# --- a forward's end

def check_free(world, timeout=2):
    """A service of the host's on the port answers within so many seconds."""
    began = time.monotonic()
    serve(world.host, 8080, "the host's own")
    for source, address in ((world.outside, HOST), (world.outside, HOST6),
                            (world.host, "127.0.0.1"), (world.host, HOST), (world.host, "::1")):
        for protocol in ("tcp", "udp"):
            eventually(lambda: "the host's own" in fetch(source, protocol, address, timeout=0.5),
                       max(0.1, timeout + began - time.monotonic()), f"{protocol} {address}")


@test("net-forwards-swept")
def swept():
    """After the VM's death, and tapster-sweep as udev runs it, the port is the host's."""
    world = forwarding()
    guest = web(world)
    check_in("web", fetch(world.outside, "tcp", HOST), "page")
    began = time.monotonic()
    guest.close()
    sweep(world, f"--tap={guest.port.name}")
    check_free(world, 2 - (time.monotonic() - began))


@test("net-forwards-swept-as-a-whole")
def swept_all():
    world = forwarding()
    guest = web(world)
    live = web(world, forward(8081), name="live")
    guest.close()
    sweep(world)
    check_free(world)
    check_in("live", fetch(world.outside, "tcp", HOST, 8081), "the forward of one that lives")
    check_in("live", fetch(world.outside, "udp", HOST6, 8081), "likewise by IPv6")
    live.close()


@test("net-forwards-swept-by-a-start")
def swept_by_start():
    """Without udev: a start that wants the port, or the slot, has it."""
    world = forwarding()
    for user in ("alice", "bob"):
        guest = web(world, user=user, text=user)
        check_in(f"{user};", fetch(world.outside, "tcp", HOST), "page")
        check_in(f"{user};", fetch(world.outside, "udp", HOST6), "page by IPv6")
        guest.close()


class Conversation:
    """A client that goes on from one port, so that conntrack knows it."""

    def __init__(self, netns, address, port=8080):
        self.socket = listener(netns, socket.SOCK_DGRAM, "::" if ":" in address else "0.0.0.0",
                               5555)
        self.socket.settimeout(0.2)
        self.where = (address, port)

    def says(self):
        """The answer, or ""."""
        try:
            self.socket.sendto(b"who am I?", self.where)
            return self.socket.recv(4096).decode()
        except OSError:
            return ""


def conversations(world):
    return [Conversation(world.outside, HOST), Conversation(world.outside, HOST6),
            Conversation(world.host, "127.0.0.1")]


@test("net-forwards-same-client-host")
def same_client_host():
    """A client that goes on sending over the VM's death reaches the host's service."""
    world = forwarding()
    guest = web(world)
    clients = conversations(world)
    for client in clients:
        eventually(lambda: "web;" in client.says(), 2, f"answers from {client.where}")
    guest.close()
    for client in clients:
        client.says()
    sweep(world, f"--tap={guest.port.name}")
    serve(world.host, 8080, "the host's own")
    for client in clients:
        eventually(lambda: "the host's own" in client.says(), 2, f"answers from {client.where}")


@test("net-forwards-same-client-next")
def same_client_next():
    """Likewise the next VM that takes the port, with another address and no sweep."""
    world = forwarding()
    guest = web(world)
    clients = conversations(world)
    for client in clients:
        eventually(lambda: "web;" in client.says(), 2, f"answers from {client.where}")
    guest.close()
    for client in clients:
        client.says()
    following = web(world, name="next", user="bob")
    check(following.address != guest.address, "another address")
    for client in clients:
        eventually(lambda: "next;" in client.says(), 2, f"answers from {client.where}")


@test("net-forwards-same-client-made-anew")
def same_client_anew():
    """Likewise if it is the firewall's mending that takes the dead one's forwards away."""
    world = forwarding()
    guest = web(world)
    (client,) = conversations(world)[:1]
    eventually(lambda: "web;" in client.says(), 2, f"answers from {client.where}")
    guest.close()
    client.says()
    world.host.run("nft", "add", "table", "inet", "somebody-elses")
    following = web(world, name="next", user="bob")
    check(following.address != guest.address, "another address")
    eventually(lambda: "next;" in client.says(), 2, f"answers from {client.where}")


@test("net-forwards-not-inherited")
def not_inherited():
    """The next holder of the slot has no forward of the last one's."""
    world = forwarding(pool={"offset": 10, "size": 1})
    guest = web(world)
    address = guest.address
    guest.close()
    other = plain(world, user="alice")
    check_equal(other.address, address, "the pool has one address")
    servers = serve(other, 80, "the next holder") + serve(other, 8080, "the next holder")
    for source, target in ((world.outside, HOST), (world.outside, HOST6), (world.host, "127.0.0.1"),
                           (world.host, HOST)):
        for protocol in ("tcp", "udp"):
            check_equal(fetch(source, protocol, target, timeout=0.5), "", f"{protocol} {target}")
    check_equal([server.seen for server in servers], [[]] * 8, "what the next holder saw")


@test("net-forwards-fails-fast")
def fails_fast():
    """With nobody to sweep, what is left of a forward fails at once for who asks from
    elsewhere. (This host's own TCP retries what its kernel finds unreachable.)"""
    world = forwarding()
    other = plain(world)
    web(world).close()
    for source, address in ((world.outside, HOST), (world.outside, HOST6), (other, HOST)):
        began = time.monotonic()
        check_equal(fetch(source, "tcp", address, timeout=5), "", address)
        check(time.monotonic() - began < 2, f"{address}: {time.monotonic() - began:.1f} s")


@test("net-forwards-again", timeout=90)
def again():
    """The same profile, six times at once after its end."""
    world = forwarding()
    for _ in range(6):
        guest = web(world)
        for address in (HOST, HOST6):
            check_in("web", fetch(world.outside, "tcp", address), address)
        guest.close()


@test("net-forwards-heal", timeout=90)
def heal():
    """Somebody flushes the ruleset in mid-flight: the next start heals all forwards."""
    world = forwarding()
    one, two = web(world), web(world, forward(8081), name="two", user="bob")
    world.host.run("nft", "flush", "ruleset")
    check_equal(fetch(world.outside, "tcp", HOST, timeout=0.5), "", "page without rules")
    other = plain(world)
    for port, text in ((8080, "web;"), (8081, "two;")):
        for source, address in ((world.outside, HOST), (world.host, "127.0.0.1"), (other, HOST)):
            check_in(text, fetch(source, "tcp", address, port), f"{address} port {port}")
        # IPv6 addresses of guests that live are learnt again, at the latest when they speak
        for _ in range(3):
            check(one.fetch(OUTSIDE6) and two.fetch(OUTSIDE6), "the guests' way out")
        for source in (world.outside, world.host, other):
            eventually(lambda: text in fetch(source, "tcp", HOST6, port, timeout=0.5), 5,
                       f"IPv6 port {port} from {source.name}")


# --- whose address: IPv6

@test("net-forwards-ipv6-own-prefix-only")
def own_prefix_only():
    """A guest with a forward cannot lead it to an address that is not its own."""
    world = forwarding()
    guest, victim = web(world), plain(world)
    servers = serve(victim, 80, "the victim")
    page = Page(world.outside, OUTSIDE6, 8888)
    card = guest.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    card.bind(("eth0", 0))
    for target in (victim.address6, OUTSIDE6, HOST6, "::1", gateway6(world, victim), "fe80::1"):
        for source in ("::", "fe80::5054:ff:fe12:3456"):
            packet = packets.neighbour_solicitation(source, target)
            destination = packets.multicast_mac(packets.solicited_node(target))
            card.send(packets.ethernet(packets.QEMU_MAC, destination, ETH_IPV6, packet))
    time.sleep(0.2)
    check_in("web;", fetch(world.outside, "tcp", HOST6), "the forward, afterwards")
    check_equal([server.seen for server in servers] + [page.seen], [[]] * 5, "what others saw")


@test("net-forwards-ipv6-new-address")
def new_address():
    """A guest that takes another address of its /64 is found there."""
    world = forwarding()
    guest = web(world)
    prefix = world.prefix6_of(guest.port)
    time.sleep(1.1)  # one address a second is learnt
    guest.ip(f"addr add {prefix}::77/64 dev eth0")
    guest.ip(f"addr del {guest.address6}/64 dev eth0")
    eventually(lambda: "web;" in fetch(world.outside, "tcp", HOST6), 5, "page at the new address")


# --- refusals

def refused(world, status, *forwards, user="bob", name="want", grants=None, **more):
    """The line without the program's name."""
    world.profile(name, {"network": "nat", "forwards": list(forwards), **more}, user=user)
    line = world.refused(status, f"--profile={name}", user=user)
    check(line.startswith("tapster-helper: "), line)
    return line


@test("net-forwards-held-by-another")
def held():
    """A port that another live VM's forward has: whose it is, is root's to know."""
    world = forwarding()
    web(world)
    before = world.snapshot()
    for wish in (forward(), forward(8080, 81, "tcp"), forward(8080, 80, "udp"),
                 {"host_port": "8078-8082"}, forward(host_address=HOST),
                 forward(host_address="127.0.0.1"), forward(host_address=HOST6)):
        line = refused(world, BUSY, wish)
        check_in(str(wish["host_port"]), line, str(wish))
        check_in("held by another user", line, str(wish))
        for secret in ("alice", "1000", "web", world.taps()[0]):
            check(secret not in line, f"{secret} in {line!r}")
    words = "tapster-helper: network 'nat': tcp port 8080 is held by "
    choose = 'choose another "host_port"'
    check_equal(refused(world, BUSY, forward()), f"{words}another user's VM: {choose}",
                "to a plain user")
    check_equal(refused(world, BUSY, forward(), user="alice"),
                f"{words}your VM 'web' on network 'nat': end that one, or {choose}",
                "to the holder themselves")
    world.check_unchanged(before, but=("state",))
    world.profile("want", {"network": "nat", "forwards": [forward()]}, user=None)
    check_equal(world.refused(BUSY, "--br=want", user="root"),
                f"{words}alice (uid 1000)'s VM 'web' on network 'nat': end that one, or {choose}",
                "to root")
    # what does not overlap is granted
    web(world, forward(8081), user="bob", name="beside")


HOLDER = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[sys.argv[3]]
held = socket.socket(family, kind)
held.bind((sys.argv[1], int(sys.argv[2])))
if sys.argv[3] == "tcp":
    held.listen(1)
print("held", flush=True)
time.sleep(1000)
"""


def hold(world, address, port, protocol, user="carol"):
    """A program of a user's that has a port."""
    entry = pwd.getpwnam(user)
    process = world.host.start("python3", "-c", HOLDER, address, str(port), protocol,
                               stdout=subprocess.PIPE, user=entry.pw_uid, group=entry.pw_gid)
    check_equal(process.stdout.readline(), b"held\n", "the other program")
    return process


@test("net-forwards-held-by-a-socket", timeout=90)
def held_by_socket():
    """A port that a socket of the host's has: whose it is, is root's to know."""
    world = forwarding()
    cases = [("tcp", "0.0.0.0"), ("tcp", "127.0.0.1"), ("tcp", HOST), ("tcp", "::"),
             ("tcp", HOST6), ("udp", "0.0.0.0"), ("udp", "::")]
    for number, (protocol, address) in enumerate(cases):
        hold(world, address, 8100 + number, protocol)
    other = world.port(user="dave")
    before = world.snapshot()
    for number, (protocol, address) in enumerate(cases):
        port = 8100 + number
        line = refused(world, BUSY, forward(port, 80, protocol))
        check_equal(line, f"tapster-helper: network 'nat': {protocol} port {port} is in use by "
                    "another user's program: choose another \"host_port\"", f"on {address}")
        line = refused(world, BUSY, forward(port, 80, protocol), user="carol")
        check_equal(line, f"tapster-helper: network 'nat': {protocol} port {port} is in use by a "
                    "program of yours: end that one, or choose another \"host_port\"", address)
    world.check_unchanged(before, but=("state",))
    other.close()
    for number, (protocol, address) in enumerate(cases):
        other = "udp" if protocol == "tcp" else "tcp"
        world.profile("fine", {"network": "nat", "forwards": [forward(8100 + number, 80, other)]})
        world.port("--profile=fine").close()
    world.profile("want", {"network": "nat", "forwards": [forward(8100, 80, "tcp")]}, user=None)
    line = world.refused(BUSY, "--br=want", user="root")
    check_in("network 'nat': tcp port 8100 is in use by a program of carol", line, "to root")
    # another address than the socket's is free
    world.host.ip("addr add 192.0.2.77/32 dev uplink0")
    web(world, forward(8102, host_address="192.0.2.77"), name="beside")
    check_in("beside", fetch(world.outside, "tcp", "192.0.2.77", 8102), "page")


@test("net-forwards-race", timeout=90)
def race():
    """Sixteen starts at once that want one port: one has it, the others are told; and
    sixteen that want one each all have it."""
    world = forwarding(allow=[{"everyone": True, "max_ports": 64}])
    for number in range(16):
        user = ("alice", "bob")[number % 2]
        world.profile(f"same{number}", {"network": "nat", "forwards": [forward()]}, user=user)
        world.profile(f"own{number}", {"network": "nat", "forwards": [forward(9000 + number)]},
                      user=user)

    def start(name, number):
        return world.start(f"--profile={name}{number}", user=("alice", "bob")[number % 2])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: start("same", number), range(16)))
        check_equal(sorted(result.status for result in results), [0] + [BUSY] * 15, "statuses")
        results = list(pool.map(lambda number: start("own", number), range(16)))
        check_equal([r for r in results if r.status != 0], [], "failures")
    listing = world.host.run("nft", "list", "ruleset")
    for number in range(16):
        check_in(f"tcp . {9000 + number} : {world.address_of(results[number].port)} . 80",
                 " ".join(listing.split()), "map")


@test("net-forwards-two-networks")
def two_networks():
    """A port is one, whatever the network."""
    world = forwarding()
    world.network("lab", world.nat(subnet="10.99.0.0/24", grants=ANY))
    web(world)
    world.profile("want", {"network": "lab", "forwards": [forward()]}, user="bob")
    check_in("held by another user's VM", world.refused(BUSY, "--profile=want", user="bob"),
             "message")
    world.profile("want", {"network": "lab", "forwards": [forward(8081)]}, user="bob")
    guest = NetGuest(world.port("--profile=want", user="bob"), name="lab")
    guest.dhcp()
    guest.slaac()
    serve(guest, 80, "lab")
    for source in (world.outside, world.host):
        for protocol in ("tcp", "udp"):
            for address in (HOST, HOST6):
                check_in("lab;", fetch(source, protocol, address, 8081), address)


@test("net-forwards-shared")
def shared():
    """On a shared segment a fixed MAC's guest has IPv4 forwards as well; without a fixed
    MAC, or by IPv6, they are refused in words."""
    world = forwarding({"mac": True, **ANY}, segment="shared")
    mac = "52:54:00:00:00:07"
    world.profile("web", {"network": "nat", "mac": mac, "forwards": [forward()]})
    guest = NetGuest(world.port("--profile=web"), name="web", mac=mac)
    guest.dhcp()
    guest.slaac()
    serve(guest, 80, "web")
    for name in ("", "6"):
        # else the guest itself has no answer: tapster-profile(5)
        if os.path.exists(f"/proc/sys/net/bridge/bridge-nf-call-ip{name}tables"):
            sysctl(f"net.bridge.bridge-nf-call-ip{name}tables", 0)
    for source, address in ((world.outside, HOST), (world.host, HOST), (world.host, "127.0.0.1"),
                            (guest, HOST)):
        for protocol in ("tcp", "udp"):
            check_in("web;", fetch(source, protocol, address), f"{source.name} {address}")
    check_equal(fetch(world.outside, "tcp", HOST6), "", "by IPv6")
    world.profile("any", {"network": "nat", "forwards": [forward(8081)]})
    check_in('add "mac"', world.refused(CONFIG, "--profile=any"), "message")
    world.profile("six", {"network": "nat", "mac": "52:54:00:00:00:08",
                          "forwards": [forward(8082, host_address=HOST6)]})
    check_in("IPv4 alone", world.refused(CONFIG, "--profile=six"), "message")


@test("net-forwards-no-ipv6")
def no_ipv6():
    """One of an IPv6 address on a network without IPv6 is refused; one of all addresses is
    IPv4's then."""
    world = forwarding(subnet6="none")
    world.profile("six", {"network": "nat", "forwards": [forward(host_address=HOST6)]})
    before = world.snapshot()
    line = world.refused(CONFIG, "--profile=six")
    for part in ("six.json", "port 8080", HOST6, "no IPv6"):
        check_in(part, line, "message")
    world.check_unchanged(before, but=("state", "processes"))
    world.profile("web", {"network": "nat", "forwards": [forward()]})
    guest = NetGuest(world.port("--profile=web"), name="web")
    guest.dhcp()
    serve(guest, 80, "web")
    check_in("web;", fetch(world.outside, "tcp", HOST), "page")


@test("net-forwards-not-granted")
def not_granted():
    world = forwarding()
    for ports, wish, status in (("1024-65535", forward(80), DENIED),
                                ("1024-65535", {"host_port": "1020-1030"}, DENIED),
                                ("9000-9009", forward(8080), DENIED),
                                ("9000-9009", {"host_port": "9005-9010"}, DENIED),
                                ("9000-9009", forward(9009), None)):
        world.network("nat", world.nat(grants={"forwards": {"from": "any", "ports": ports}}))
        if status is None:
            world.profile("want", {"network": "nat", "forwards": [wish]}, user="bob")
            world.port("--profile=want", user="bob").close()
        else:
            line = refused(world, status, wish)
            check_in(" to ".join(ports.split("-")), line, "message")
            check_in("'nat'", line, "message")
    world.network("nat", world.nat(grants={}))
    line = refused(world, DENIED, forward())
    check_in("does not grant", line, "message")
    # the administrator's own profile needs no grant
    world.profile("eighty", {"network": "nat", "forwards": [forward(82)]}, user=None)
    guest = NetGuest(world.port("--br=eighty"))
    guest.dhcp()
    serve(guest, 80, "eighty")
    check_in("eighty", fetch(world.host, "tcp", HOST, 82), "page")


@test("net-forwards-no-such-address")
def no_such_address():
    """An address that this host does not have."""
    world = forwarding()
    world.port(user="carol")
    before = world.snapshot()
    for address in ("192.0.2.99", OUTSIDE, "2001:db8:1::99"):
        line = refused(world, CONFIG, forward(host_address=address))
        check_equal(line, "tapster-helper: network 'nat': profile "
                    "'/home/bob/.config/tapster/profiles/want.json' forwards from "
                    f"{address}, which is no address of this host", "message")
    world.check_unchanged(before, but=("state",))


@test("net-forwards-address-goes")
def address_goes():
    """The host loses the address: nothing of whoever has it then is taken."""
    world = forwarding()
    world.host.ip("addr add 192.0.2.99/32 dev uplink0")
    guest = web(world, forward(host_address="192.0.2.99"))
    check_in("web;", fetch(world.outside, "tcp", "192.0.2.99"), "while the host has it")
    world.host.ip("addr del 192.0.2.99/32 dev uplink0")
    world.host.ip("route add 192.0.2.99/32 via 192.0.2.1")
    world.outside.ip("addr add 192.0.2.99/32 dev lo")
    serve(world.outside, 8080, "the outside's own", ["192.0.2.99"])
    for source in (guest, world.host):
        for protocol in ("tcp", "udp"):
            check_in("the outside's own", fetch(source, protocol, "192.0.2.99"), source.name)


@test("net-forwards-bridged")
def bridged():
    """No forwards on a LAN's network."""
    world = World(networks=False)
    world.host.ip("link add br-lan type bridge")
    world.host.ip("link set br-lan up")
    world.network("lan", world.bridged(bridge="br-lan"))
    world.profile("web", {"network": "lan", "forwards": [forward()]})
    result = world.start("--profile=web")
    check(result.status in (CONFIG, DENIED) and not result.fds, str(result))
    check_in("forward", result.stderr, "message")


@test("net-forwards-profile-twice")
def profile_twice():
    """A profile with forwards can be in use once."""
    world = forwarding()
    guest = web(world)
    line = world.refused(BUSY, "--profile=web")
    check_in("web.json'", line, "message")
    check_in("web;", fetch(world.outside, "tcp", HOST), "the first one's forward")
    guest.close()
    web(world)


@test("net-forwards-profile-changed-while-live", timeout=90)
def profile_changed():
    """A live VM keeps the forwards it was started with."""
    world = forwarding()
    guest = web(world)
    world.profile("web", {"network": "nat", "forwards": [forward(8090)]})
    world.refused(BUSY, "--profile=web")
    check_in("web;", fetch(world.outside, "tcp", HOST), "the old forward")
    check_equal(fetch(world.outside, "tcp", HOST, 8090, timeout=0.5), "", "the new forward")
    # a grant that is taken away counts for new starts
    world.network("nat", world.nat(grants={}))
    world.profile("more", {"network": "nat", "forwards": [forward(8091)]}, user="bob")
    world.refused(DENIED, "--profile=more", user="bob")
    plain(world)
    check_in("web;", fetch(world.outside, "tcp", HOST), "the old forward, grant gone")
    guest.close()


@test("net-forwards-without-addresses-yet")
def before_dhcp():
    """A guest that has no address yet: asked ports do not answer, and do once it has."""
    world = forwarding()
    world.profile("web", {"network": "nat", "forwards": [forward()]})
    port = world.port("--profile=web")
    for source, address in ((world.outside, HOST6), (world.host, HOST6)):
        check_equal(fetch(source, "tcp", address, timeout=0.5), "", "too early")
    guest = NetGuest(port, name="late")
    guest.dhcp()
    guest.slaac()
    serve(guest, 80, "late")
    for address in (HOST, HOST6):
        eventually(lambda: "late" in fetch(world.outside, "tcp", address), 3, address)


@test("net-forwards-raw-guest")
def raw_guest():
    """What the guest's card sees: its own address and port, the asker's address."""
    world = forwarding()
    world.profile("web", {"network": "nat", "forwards": [forward(8080, 80, "udp")]})
    guest = RawGuest(world.port("--profile=web"))
    guest.lease()
    asker = world.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.bind(("192.0.2.1", 4000))
    asker.sendto(b"hello", (HOST, 8080))
    frame = guest.wait(lambda f: f.dport == 80)
    if frame is None:
        raise Failure("nothing came")
    check_equal((frame.src, frame.sport, frame.dst), ("192.0.2.1", 4000, guest.address), "frame")
