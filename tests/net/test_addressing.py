# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools: sizes from /30 to /16, reservations, who keeps an address, and what is said
when there is none left."""

import packets
from guests import NetGuest, RawGuest
from status import BUSY, CONFIG, DENIED, EXHAUSTED
from testing import check, check_equal, check_in, test
from world import OUTSIDE, World


def last(address):
    return int(address.rsplit(".", 1)[1])


@test("net-pool-30")
def smallest():
    """A /30: the gateway and one guest."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(subnet="192.168.77.0/30"))
    guest = NetGuest(world.port())
    check_equal(guest.dhcp(), "192.168.77.2", "address")
    check_equal(world.gateway_of(guest.port), "192.168.77.1", "gateway")
    guest.slaac()
    check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page")
    world.refused(EXHAUSTED, "--br=nat")
    guest.close()
    check_equal(RawGuest(world.port(user="bob")).lease().yiaddr, "192.168.77.2", "the next one's")


@test("net-pool-16", timeout=120)
def largest():
    """A /16: its first, its last and one in the middle, in both families."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(subnet="10.77.0.0/16", grants={"address": True}))
    guests = []
    for number, address in enumerate((None, "10.77.255.254", "10.77.128.0", "10.77.0.255")):
        fixed = {"address": address} if address else {}
        world.profile(f"vm{number}", {"network": "nat", **fixed})
        guest = NetGuest(world.port(f"--profile=vm{number}"), name=f"guest{number}")
        given = guest.dhcp()
        if address:
            check_equal(given, address, "address")
        guest.address, guest.address6 = given, guest.slaac()
        check(guest.ping("10.77.0.1"), "the gateway")
        check_in("192.0.2.2", guest.fetch(OUTSIDE) or "", "page")
        guests.append(guest)
    for guest in guests:
        for other in guests:
            check(guest.ping(other.address), f"{guest.address} to {other.address}")
            check(guest.ping(other.address6), f"{guest.address6} to {other.address6}")
    line = world.refused(CONFIG, *unfit(world, "10.77.255.255"))
    check_in("10.77.255.255", line, "message")


def unfit(world, address):
    world.profile("unfit", {"network": "nat", "address": address})
    return ["--profile=unfit"]


@test("net-pool-bad-sizes")
def bad_sizes():
    world = World(networks=False)
    for changes, part in (({"subnet": "192.168.77.0/31"}, "$.subnet"),
                          ({"subnet": "10.0.0.0/15"}, "$.subnet"),
                          ({"subnet": "auto/31"}, "$.subnet"),
                          ({"pool": {"offset": 1}}, "$.pool.offset"),
                          ({"pool": {"offset": 250, "size": 20}}, "$.pool"),
                          ({"pool": {"exclude": ["20-10"]}}, "$.pool.exclude[0]"),
                          ({"pool": {"exclude": ["2-254"]}}, "$.pool")):
        world.network("nat", world.nat(**changes))
        check_in(part, world.refused(CONFIG, "--br=nat"), str(changes))


@test("net-pool-excluded")
def excluded():
    """Excluded numbers are given to nobody, by no way."""
    world = World(networks=False)
    world.network("nat", world.nat(pool={"offset": 10, "size": 10, "exclude": [10, "12-17", 19]},
                                   grants={"address": True}))
    given = {last(world.address_of(world.port())) for _ in range(2)}
    check_equal(given, {11, 18}, "addresses given")
    world.refused(EXHAUSTED, "--br=nat")
    for number in (10, 15, 19):
        line = world.refused(CONFIG, *unfit(world, f"192.168.77.{number}"))
        check_in(f"192.168.77.{number}", line, "message")


@test("net-pool-exhausted-message")
def exhausted():
    """How many ports are live; whose, to root alone."""
    world = World(networks=False)
    world.network("nat", world.nat(pool={"offset": 10, "size": 5}))
    world.profile("web", {"network": "nat"})
    ports = [world.port("--profile=web"), world.port(), world.port(user="bob"),
             world.port(user="bob"), world.port(user="carol")]
    before = world.snapshot()
    line = world.refused(EXHAUSTED, "--br=nat", user="dave")
    check_in("'nat'", line, "to a plain user")
    check_in("5", line, "to a plain user")
    for name in ("alice", "bob", "carol", "1000", "1001", "web"):
        check(name not in line, f"{name} in {line!r}")
    line = world.refused(EXHAUSTED, "--br=nat", user="root")
    for part in ("'nat'", "5", "alice", "bob", "carol"):
        check_in(part, line, "to root")
    world.check_unchanged(before, but=("state",))
    ports.pop().close()
    world.port(user="dave")


# --- reservations

def reserved(*entries, **changes):
    world = World(networks=False)
    world.network("nat", world.nat(**{"reservations": list(entries),
                                      "pool": {"offset": 10, "size": 4},
                                      "grants": {"address": True}, **changes}))
    return world


@test("net-pool-reservation")
def reservation():
    """A reserved address goes to its user's name, and to nobody else, also while it is
    free and the pool is full."""
    world = reserved({"user": "bob", "name": "web", "address": "192.168.77.11"})
    for user in ("alice", "bob"):
        world.profile("web", {"network": "nat"}, user=user)
    mine = world.port("--profile=web")
    check(last(world.address_of(mine)) != 11, "alice's web")
    others = [world.port(), world.port(user="carol")]
    check(11 not in {last(world.address_of(port)) for port in others}, "addresses of others")
    world.refused(EXHAUSTED, "--br=nat", user="carol")
    world.profile("thief", {"network": "nat", "address": "192.168.77.11"})
    result = world.start("--profile=thief")
    check(result.status in (BUSY, DENIED), f"the reserved address by name: {result}")
    check_in("192.168.77.11", result.stderr, "message")
    check("bob" not in result.stderr, f"whose it is, in {result.stderr!r}")
    for _ in range(2):
        port = world.port("--profile=web", user="bob")
        check_equal(last(world.address_of(port)), 11, "bob's web")
        port.close()
    # bob's other VMs have no claim to it
    line = world.refused(EXHAUSTED, "--br=nat", user="bob")
    check_in("'nat'", line, "message")


@test("net-pool-reservation-host-number")
def reservation_host():
    """By host number, where the subnet is chosen by tapster."""
    world = reserved({"user": "alice", "name": "web", "host": 12}, subnet="auto")
    world.profile("web", {"network": "nat"})
    others = [world.port(user="bob") for _ in range(2)]
    port = world.port("--profile=web")
    check_equal(last(world.address_of(port)), 12, "alice's web")
    check_equal(RawGuest(port).lease().yiaddr, world.address_of(port), "lease")
    check(12 not in {last(world.address_of(other)) for other in others}, "bob's")


@test("net-pool-reservation-comes-later")
def reservation_later():
    """An address that somebody remembers becomes another's by reservation."""
    world = reserved()
    world.profile("web", {"network": "nat"})
    world.profile("db", {"network": "nat"}, user="bob")
    port = world.port("--profile=web")
    number = last(world.address_of(port))
    # while it is live it stays
    world.network("nat", world.nat(pool={"offset": 10, "size": 4}, reservations=[
        {"user": "bob", "name": "db", "host": number}]))
    check_equal(last(world.address_of(port)), number, "address of the live one")
    port.close()
    other = world.port("--profile=db", user="bob")
    check_equal(last(world.address_of(other)), number, "bob's db")
    other.close()
    port = world.port("--profile=web")
    check(last(world.address_of(port)) != number, "alice's web, afterwards")


@test("net-pool-reservation-faults")
def reservation_faults():
    world = reserved()
    for entries, part in (
            ([{"user": "bob", "name": "web", "address": "192.168.77.9"}], "$.reservations[0]"),
            ([{"user": "bob", "name": "web", "address": "10.0.0.10"}], "$.reservations[0]"),
            ([{"user": "bob", "name": "web", "host": 14}], "$.reservations[0]"),
            ([{"user": "bob", "name": "web"}], "$.reservations[0]"),
            ([{"user": "bob", "host": 11}], "$.reservations[0]"),
            ([{"user": "bob", "name": "web", "host": 11},
              {"user": "alice", "name": "db", "host": 11}], "$.reservations[1]"),
            ([{"user": "bob", "name": "web", "host": 11},
              {"user": "bob", "name": "web", "host": 12}], "$.reservations[1]"),
            ({"web": "192.168.77.11"}, "$.reservations")):
        world.network("nat", world.nat(reservations=entries, pool={"offset": 10, "size": 4}))
        check_in(part, world.refused(CONFIG, "--br=nat"), str(entries))
    # a user that this host does not know: nobody has it
    world.network("nat", world.nat(pool={"offset": 10, "size": 2}, reservations=[
        {"user": "nobody-here", "name": "web", "host": 10}]))
    check_equal(last(world.address_of(world.port())), 11, "the other address")
    world.refused(EXHAUSTED, "--br=nat")


# --- who keeps an address

@test("net-pool-300-names", timeout=240)
def names300():
    """One user with 300 names in a pool of 240 does not take another's address."""
    world = World(networks=False)
    world.network("nat", world.nat(pool={"offset": 10, "size": 240}))
    world.profile("web", {"network": "nat"}, user="bob")
    port = world.port("--profile=web", user="bob")
    theirs = world.address_of(port)
    port.close()
    world.profile("keep", {"network": "nat"})
    kept = world.port("--profile=keep")
    mine = world.address_of(kept)
    for number in range(300):
        world.profile(f"vm{number}", {"network": "nat"})
        port = world.port(f"--profile=vm{number}")
        check(world.address_of(port) not in (theirs, mine), f"vm{number} took an address")
        port.close()
    port = world.port("--profile=web", user="bob")
    check_equal(world.address_of(port), theirs, "bob's web, afterwards")
    kept.close()
    # of alice's the last ones are remembered: twice max_ports, which is 16
    port = world.port("--profile=vm299")
    newest = world.address_of(port)
    port.close()
    check_equal(world.address_of(world.port("--profile=vm299")), newest, "the newest name's")


@test("net-pool-order")
def order():
    """The name's own, then what nobody had, then the caller's least recently used."""
    world = World(networks=False)
    world.network("nat", world.nat(pool={"offset": 10, "size": 4}))
    first = {}
    for name in ("a", "b", "c"):
        world.profile(name, {"network": "nat"})
        port = world.port(f"--profile={name}")
        first[name] = world.address_of(port)
        port.close()
    check_equal(len(set(first.values())), 3, "addresses")
    for name in ("b", "a", "c"):
        port = world.port(f"--profile={name}")
        check_equal(world.address_of(port), first[name], f"address of {name}")
        port.close()
    world.profile("d", {"network": "nat"})
    port = world.port("--profile=d")
    check(world.address_of(port) not in first.values(), "d has the one that nobody had")
    port.close()
    # a pool of others' addresses, all used lately: nobody's is taken
    world.profile("e", {"network": "nat"}, user="bob")
    result = world.start("--profile=e", user="bob")
    check_equal(result.status, EXHAUSTED, f"bob beside alice's four: {result}")
    world.profile("f", {"network": "nat"})
    port = world.port("--profile=f")
    taken = world.address_of(port)
    check(taken in first.values(), "f has one of alice's own")
    port.close()


@test("net-pool-network-changed-while-live")
def network_changed():
    """The old parameters stay in force for all that is made, grants and users count at
    once; each start says so in one line."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"user": "alice"}], grants={"address": True}))
    world.profile("fixed", {"network": "nat", "address": "192.168.77.99"})
    first = world.port("--br=nat")
    world.network("nat", world.nat(subnet="10.55.0.0/24", pool={"offset": 100, "size": 2},
                                   dns={"domain": "new.test"}, allow=[{"everyone": True}]))
    result = world.start("--br=nat", user="carol")
    check_equal(result.status, 0, str(result))
    check(result.stderr.startswith("tapster-helper: warning: ") and
          result.stderr.count("\n") == 1, f"one warning, not {result.stderr!r}")
    ack = RawGuest(result.port).lease()
    check(ack.yiaddr.startswith("192.168.77."), f"address {ack.yiaddr}")
    check_equal(ack.options[packets.OPT_DOMAIN], b"nat.internal", "domain")
    world.refused(DENIED, "--profile=fixed")
    first.close()
    result.port.close()
    ack = RawGuest(world.port("--br=nat", user="carol")).lease()
    check_equal((ack.yiaddr, ack.options[packets.OPT_DOMAIN]), ("10.55.0.100", b"new.test"),
                "lease once the last port had gone")


@test("net-pool-profile-changed-while-live")
def profile_changed():
    """A live VM keeps what it was started with; the next start has the new wish."""
    world = World(networks=False)
    world.network("nat", world.nat(grants={"address": True}))
    world.profile("web", {"network": "nat", "hostname": "old"})
    port = world.port("--profile=web")
    address = world.address_of(port)
    world.profile("web", {"network": "nat", "hostname": "new", "address": "192.168.77.99"})
    check_equal(world.address_of(port), address, "the live one's address")
    check_equal(RawGuest(port).lease().options[packets.OPT_HOSTNAME], b"old", "its host name")
    result = world.start("--profile=web")
    check_equal(result.status, BUSY, f"it fixes an address by now: {result}")
    port.close()
    port = world.port("--profile=web")
    check_equal(world.address_of(port), "192.168.77.99", "address of the next start")
    check_equal(RawGuest(port).lease().options[packets.OPT_HOSTNAME], b"new", "its host name")
