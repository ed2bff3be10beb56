# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/firewall alone: forwards, by real connections, and the elements that they are."""

import re
import struct
import time

import packets
from firewall import HOST_ADDRESS, NAT, PROBE, QUIET, Guest, host6, listing, outside6, probe, seen
from packets import ETH_IPV6
from testing import check, check_equal, check_in, eventually, never, test
from world import HOST6, OUTSIDE, OUTSIDE6, Capture, Echo, Page, run, sysctl

PREFIX_A, PREFIX_B, PREFIX_C = "fd00:1:2:1", "fd00:1:2:2", "fd00:1:2:3"
DUAL = NAT + ",masquerade6=1"


def serve(guest, port=80, text="the page"):
    """tcp and udp, IPv4 and IPv6."""
    return [kind(guest, address, port, text) for kind in (Page, Echo)
            for address in ("0.0.0.0", "::")]


def get(netns, protocol, address, port, **options):
    if protocol == "udp":
        return netns.fetch_udp(address, port, **options)
    return netns.fetch(address, port, **options)


def fails(netns, protocol, address, port):
    options = {"tries": 1} if protocol == "udp" else {}
    return get(netns, protocol, address, port, timeout=0.4, **options) is None


def learn(guest):
    """The port's map entry, as after duplicate address detection."""
    guest.claim(guest.address6)
    eventually(lambda: guest.address6 in guests6(), what="learnt " + guest.address6)


def guests6():
    """What was learnt, by interface."""
    text = re.search(r"map guests6 \{.*?\n\t\}", listing("inet tapster"), re.DOTALL)[0]
    return {address: link for link, address in re.findall(r'"(\S+)" : ([0-9a-f:]+)', text)}


def both(guest, **keys):
    return [guest.forward(protocol=protocol, **keys) for protocol in ("tcp", "udp")]


@test("net-firewall-forward-matrix")
def matrix():
    """tcp and udp, IPv4 and IPv6, from outside, another guest, the guest itself,
    the host and 127.0.0.1."""
    where = host6()
    far = outside6(where)
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    sysctl(f"net.ipv4.conf.{a.tap}.route_localnet", 1)
    generation = probe("ensure", DUAL)["generation"]
    after = probe("forward", generation, *both(a, port=8080, any=1, n=3))["generation"]
    check_equal(int(after), int(generation) + 1, "generation")
    learn(a)
    servers = serve(a)
    for offset in (1, 2):
        serve(a, 80 + offset, "the neighbour")
    serve(far, 8080, "another host's")
    for protocol in ("tcp", "udp"):
        for who, netns, addresses in (
                ("outside", far, (HOST_ADDRESS, HOST6)),
                ("another guest", b, (HOST_ADDRESS, b.gateway, HOST6, b.gateway6)),
                ("the guest itself", a, (HOST_ADDRESS, a.gateway, HOST6, a.gateway6)),
                ("the host", where, (HOST_ADDRESS, a.gateway, HOST6, a.gateway6, "127.0.0.1",
                                     "127.9.9.9"))):
            for address in addresses:
                what = f"{protocol} from {who} to {address}"
                check_in("the page", get(netns, protocol, address, 8080) or "", what)
        check_in("the neighbour", get(far, protocol, HOST_ADDRESS, 8082) or "", "range")
        check_in("the neighbour", get(far, protocol, HOST6, 8081) or "", "range")
        check(fails(far, protocol, HOST_ADDRESS, 8083), "beyond the range")
        # what is addressed to others is not touched
        for address in (OUTSIDE, OUTSIDE6):
            for netns in (a, b, where):
                check_in("another host's", get(netns, protocol, address, 8080) or "",
                         f"{protocol} to {address}")
        # the kernel cannot translate ::1
        start = time.monotonic()
        check(fails(where, protocol, "::1", 8080), "::1")
        check(protocol == "udp" or time.monotonic() - start < 0.2, "::1 fails at once")
    # a guest sees who asks from outside
    check_equal({peer for server in servers for peer in server.seen if peer in ("192.0.2.1",
                 "2001:db8:1::1")}, {"192.0.2.1", "2001:db8:1::1"}, "clients outside")
    check(not {peer for server in servers for peer in server.seen
               if peer.startswith("127.")}, "nobody is asked by 127/8")


@test("net-firewall-forward-addresses")
def addresses():
    """A forward at one of the host's addresses is not at the others."""
    where = host6()
    far = outside6(where)
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    where.ip("addr add 192.0.2.7/24 dev up0")
    where.ip("addr add 2001:db8:1::7/64 dev up0 nodad")
    generation = probe("ensure", DUAL)["generation"]
    probe("forward", generation, *both(a, port=8080, any=1, host="192.0.2.7"),
          *both(a, port=8080, any=1, host6="2001:db8:1::7"))
    learn(a)
    serve(a)
    for protocol in ("tcp", "udp"):
        for address in ("192.0.2.7", "2001:db8:1::7"):
            for netns in (far, a, where):
                check_in("the page", get(netns, protocol, address, 8080) or "", address)
        for address in (HOST_ADDRESS, HOST6):
            for netns in (far, a, where):
                check(fails(netns, protocol, address, 8080), f"{netns.name} to {address}")


@test("net-firewall-forward-from")
def where_from():
    """"from: host" is closed to the outside; a guest that may not reach the host
    does not reach its forwards; a network without a way out answers them."""
    where = host6()
    far = outside6(where)
    none = NAT + ",uplink=none,masquerade6=1"
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    c = Guest(where, QUIET, 3).ipv6(PREFIX_C, where)
    generation = probe("ensure", none, QUIET)["generation"]
    generation = probe("forward", generation, *both(a, port=8080))["generation"]
    learn(a)
    serve(a)
    for protocol in ("tcp", "udp"):
        for address in (HOST_ADDRESS, HOST6):
            check(fails(far, protocol, address, 8080), f"{protocol} from outside to {address}")
            check(fails(c, protocol, address, 8080), f"{protocol} from a cage to {address}")
            for netns in (a, b, where):
                check_in("the page", get(netns, protocol, address, 8080) or "",
                         f"{protocol} to {address}")
    # even the gateway's address is no way in from outside
    far.ip(f"route add {a.gateway}/32 via {HOST_ADDRESS}")
    far.ip(f"-6 route add {a.gateway6}/128 via {HOST6}")
    for protocol in ("tcp", "udp"):
        check(fails(far, protocol, a.gateway, 8080), "the gateway from outside")
        check(fails(far, protocol, a.gateway6, 8080), "the gateway from outside, IPv6")
    # the same for anybody: answers leave, nothing else does
    probe("forward", generation, *both(a, port=9090, any=1))
    for protocol in ("tcp", "udp"):
        for address in (HOST_ADDRESS, HOST6):
            check_in("the page", get(far, protocol, address, 9090) or "", "without a way out")
            check(fails(c, protocol, address, 9090), "a cage and a public forward")
    check(not a.ping(OUTSIDE, timeout=0.3) and not a.ping(OUTSIDE6, timeout=0.3), "no way out")
    far.ip("route add 192.168.0.0/16 via 192.0.2.2")
    far.ip(f"-6 route add fd00::/16 via {HOST6}")
    check(fails(far, "tcp", a.address, 80) and fails(far, "tcp", a.address6, 80), "past the host")


@test("net-firewall-forward-others")
def others():
    """Other programs' translations open nothing to guests, and guests' ICMP errors
    do not pass by them."""
    where = host6()
    far = outside6(where)
    none = NAT + ",uplink=none"
    a, c = Guest(where, NAT, 3), Guest(where, QUIET, 3)
    where.ip(f"route replace {OUTSIDE}/32 via 192.0.2.1")
    far.ip("route add 192.168.0.0/16 via 192.0.2.2")
    run("nft", "add table ip docker; add chain ip docker in { type nat hook prerouting priority "
        f"-100; }}; add rule ip docker in ip daddr {HOST_ADDRESS} tcp dport 7000 dnat to "
        f"{OUTSIDE}:80; add rule ip docker in ip daddr {HOST_ADDRESS} tcp dport 7001 dnat to "
        f"{a.address}:80; add chain ip docker out {{ type nat hook postrouting priority 100; }}; "
        "add rule ip docker out oifname up0 masquerade")
    Page(far, OUTSIDE)
    Page(a, "0.0.0.0")
    check(a.fetch(HOST_ADDRESS, 7000), "before tapster")
    generation = probe("ensure", none, QUIET)["generation"]
    check_equal(a.fetch(HOST_ADDRESS, 7000, timeout=0.4), None, "out by another's translation")
    check_equal(c.fetch(HOST_ADDRESS, 7001, timeout=0.4), None, "out of a cage")
    check(far.fetch(HOST_ADDRESS, 7001), "root's own translation to a guest")
    # an ICMP error that quotes an answer to a client outside is related to it
    probe("forward", generation, a.forward(protocol="udp", port=8080, any=1))
    Echo(a, "0.0.0.0")
    client = far.socket(2, 2)
    client.bind(("192.0.2.1", 6000))
    client.settimeout(2)
    client.sendto(b"?", (HOST_ADDRESS, 8080))
    check(client.recv(100), "answer")
    capture = Capture(far, "eth0")
    quoted = packets.udp("192.0.2.1", a.address, 6000, 80, b"?")
    body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted[:28]
    body = body[:2] + struct.pack("!H", packets.checksum(body)) + body[4:]
    a.send(packets.ipv4(a.address, "192.0.2.1", 1, body))
    never(lambda: seen(capture, lambda f: f.icmp_type == 3), 0.4, "ICMP error")


@test("net-firewall-forward-elements")
def elements():
    """A stale forward's elements are replaced, a sweep leaves others' alone, and the
    generation moves on if nobody else changed anything."""
    where = host6()
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    start = probe("ensure", DUAL)["generation"]
    empty = listing()
    old = a.forward(port=8080, any=1)
    mine = probe("forward", start, old)["generation"]
    with_old = listing()
    check_equal(int(mine), int(start) + 1, "generation after the first")
    check_equal(probe("ensure", DUAL, old), {"generation": mine, "changed": "0"}, "verified")
    check_equal(probe("forward", mine, old)["generation"], mine, "the same again")
    check_equal(listing(), with_old, "listing after the same again")
    # the same key for another guest, and not for the outside any more
    new = b.forward(port=8080)
    next_one = probe("forward", mine, new)["generation"]
    check_equal(int(next_one), int(mine) + 1, "generation after a replacement")
    text = listing("inet tapster")
    check_in(f"tcp . 8080 : {b.address} . 80", text)
    check_in(f'tcp . 8080 : tcp . "{b.tap}" . 80', text)
    check("set public {\n\t\ttype inet_proto . inet_service\n\t}" in text, "still public")
    # sweeping the old one removes what only it had
    swept = probe("sweep", next_one, old)["generation"]
    check_equal(int(swept), int(next_one) + 1, "generation after a sweep")
    check_equal(probe("ensure", DUAL, new), {"generation": swept, "changed": "0"}, "after a sweep")
    check_equal(probe("sweep", swept, old)["generation"], swept, "nothing to sweep")
    # somebody else changed something: the generation stays what was verified
    run("nft", "add table ip other")
    check_equal(probe("sweep", swept, new)["generation"], swept, "sweep behind another's change")
    run("nft", "delete table ip other")
    check_equal(listing(), empty, "after the last sweep")
    check_equal(probe("forward", swept, old)["generation"], swept, "start behind a change")
    check_equal(listing(), with_old, "listing after that")
    probe("retract", old)
    check_equal(listing(), empty, "after a failed start")
    # learnt addresses go with the forward
    probe("forward", "0", old)
    learn(a)
    probe("sweep", "0", old)
    check_equal(guests6(), {}, "learnt addresses after a sweep")
    run("nft", "delete table inet tapster")
    check_equal(probe("sweep", "5", old)["generation"], "5", "sweep without a table")
    check_in("try again", run(PROBE, "forward", "5", old, check=False), "start without a table")


@test("net-firewall-forward-drift")
def forward_drift():
    """Whatever somebody does to the maps is mended, without a new table; after a
    loss of the table the forwards are there, and addresses are learnt again."""
    where = host6()
    far = outside6(where)
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    serve(a)
    wanted = (DUAL, *both(a, port=8080, any=1, n=2), *both(a, port=9090, host=HOST_ADDRESS),
              *both(a, port=9090, host6=HOST6))
    probe("ensure", *wanted)
    learn(a)
    good = listing()

    def handle():
        return re.findall(r"handle (\d+)$", run("nft", "-a", "list", "table", "inet", "tapster"),
                          re.MULTILINE)

    before = handle()
    for change in ("flush map inet tapster forwards4", "flush map inet tapster forwards6_at",
                   "flush set inet tapster public", "flush set inet tapster prefixes6",
                   "delete element inet tapster forwards4 { tcp . 8080 }; "
                   "add element inet tapster forwards4 { tcp . 8080 : 192.168.77.99 . 22 }",
                   "add element inet tapster forwards4 { tcp . 22 : 192.168.77.99 . 22 }",
                   f'add element inet tapster forwards6 {{ tcp . 22 : tcp . "{a.tap}" . 22 }}',
                   "add element inet tapster public { udp . 9090 }",
                   f"add element inet tapster public4_at {{ {HOST_ADDRESS} . tcp . 9090 }}"):
        run("nft", change)
        check_equal(probe("ensure", *wanted)["changed"], "1", "changed after " + change)
        check_equal(listing(), good, "after " + change)
    check_equal(handle(), before, "handles")
    # a replacement keeps what was learnt, if a guest can have said it
    run("nft", f'add element inet tapster guests6 {{ "up0" : {PREFIX_A}::9 }}')
    run("nft", "add rule inet tapster for_host drop")
    check_equal(probe("ensure", *wanted)["changed"], "1", "changed")
    check_equal(guests6(), {a.address6: a.tap}, "kept")
    check_in("the page", far.fetch(HOST6, 8080) or "", "after a replacement")
    run("nft", "flush ruleset")
    probe("ensure", *wanted)
    check_equal(guests6(), {}, "lost")
    check_in("the page", far.fetch(HOST_ADDRESS, 8080) or "", "IPv4 after a loss")
    where.ip(f"-6 neigh flush dev {a.tap}")
    a.ip("-6 neigh flush dev eth0")
    check(a.ping(OUTSIDE6), "a guest that asks for its router")
    eventually(lambda: guests6() == {a.address6: a.tap}, what="learnt again")
    check_in("the page", far.fetch(HOST6, 8080) or "", "IPv6 after a loss")


@test("net-firewall-forward-learning")
def learning():
    """A guest names addresses of its own /64, one a second, and only where it has
    forwards; the last one counts."""
    where = host6()
    far = outside6(where)
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    b = Guest(where, NAT, 4).ipv6(PREFIX_B, where)
    c = Guest(where, NAT, 5).ipv6(PREFIX_C, where)
    probe("ensure", DUAL, a.forward(port=8080, any=1), b.forward(port=9090, any=1))
    Page(where, "::", 80, "the host's own")
    Page(where, HOST6, 9999)
    for target in (b.address6, PREFIX_A + "::", a.gateway6, "fe80::1", HOST6, OUTSIDE6,
                   PREFIX_C + "::5"):
        a.claim(target)
        c.claim(target)
    # a source that is another's is no claim either
    a.send(packets.neighbour_solicitation(b.address6, a.gateway6, a.mac), ETH_IPV6,
           destination=packets.multicast_mac(packets.solicited_node(a.gateway6)))
    never(guests6, 0.4, "wrong claims")
    check(fails(far, "tcp", HOST6, 8080), "nobody to lead to")
    for number in range(50):
        a.claim(f"{PREFIX_A}::1:{number}")
    check_equal(len(guests6()), 1, "one of many")
    learn(b)
    time.sleep(1.1)
    learn(a)
    check_equal(guests6(), {a.address6: a.tap, b.address6: b.tap}, "the last ones")
    # a real guest's own detection
    time.sleep(1.1)
    a.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
    a.ip(f"addr add {PREFIX_A}::77/64 dev eth0")
    eventually(lambda: f"{PREFIX_A}::77" in guests6(), what="by the kernel's detection")
    eventually(lambda: f"{PREFIX_A}::77" in a.addresses6("eth0"), what="ready for use")
    Page(a, PREFIX_A + "::77")
    check_in("the page", far.fetch(HOST6, 8080) or "", "the address last claimed")


@test("net-firewall-forward-many", timeout=120)
def many():
    """A hundred forwards, and 4096 ports of both protocols, in one transaction
    each; as long as they are there, a check finds them in order."""
    where = host6()
    a = Guest(where, NAT, 3).ipv6(PREFIX_A, where)
    generation = probe("ensure", DUAL)["generation"]
    hundred = [a.forward(port=2000 + 3 * number, to=1000 + number, any=number % 2)
               for number in range(100)]
    after = probe("forward", generation, *hundred)["generation"]
    check_equal(int(after), int(generation) + 1, "generation after a hundred")
    check_equal(probe("ensure", DUAL, *hundred), {"generation": after, "changed": "0"}, "check")
    ranges = both(a, port=8000, n=4096, any=1)
    more = probe("forward", after, *ranges)["generation"]
    check_equal(int(more), int(after) + 1, "generation after the ranges")
    check_equal(probe("ensure", DUAL, *hundred, *ranges), {"generation": more, "changed": "0"},
                "check of all")
    probe("withdraw")
    check_equal(probe("ensure", DUAL, *hundred, *ranges)["changed"], "1", "all anew")
    text = listing("inet tapster")
    check_in(f"udp . 12095 : {a.address} . 4175", text)
    probe("sweep", "0", *hundred, *ranges)
    check_equal(probe("ensure", DUAL)["changed"], "0", "after the sweep")
