# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of live VMs, as guests and the host ask for them, and what else is asked."""

import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import packets
from dns import NXDOMAIN, DnsServer, ask, look_up, look_up_address
from guests import NetGuest, RawGuest
from testing import check, check_equal, check_in, eventually, test
from world import HOST, HOST6, World, listener, processes, write

UPSTREAM = "192.0.2.53"
KNOWN = {"outside.test": ["203.0.113.7", "2001:db8:7::7"],
         "7.113.0.203.in-addr.arpa": ["outside.test"]}
GATEWAY = "192.168.77.1"


def upstream(world, address=UPSTREAM, names=KNOWN):
    """A name server of the host's, beyond the uplink."""
    if address != "192.0.2.1":
        world.outside.ip(f"addr add {address}/32 dev lo")
        world.host.ip(f"route add {address}/32 via 192.0.2.1")
    return DnsServer(world.outside, address, names)


def named(world, name, *, user="alice", mac=packets.QEMU_MAC, network="nat", **more):
    """A guest under a profile: (guest, IPv4 address, IPv6 address)."""
    world.profile(name, {"network": network, **more}, user=user)
    guest = NetGuest(world.port(f"--profile={name}", user=user), name=f"{user}-{name}", mac=mac)
    return guest, guest.dhcp(), guest.slaac()


def served(netns, name, address, kind="A", server=GATEWAY, timeout=5, **more):
    """Waits for a name to have that address and no other."""
    found = []

    def right():
        found[:] = [look_up(netns, server, name, kind, **more)]
        return found[0] == [address]
    try:
        eventually(right, timeout, f"{name} {kind} is {address} at {server}", step=0.05)
    except Exception as failure:
        raise type(failure)(f"{failure}; the last answer: {found}")


def gone(netns, name, timeout=3, server=GATEWAY):
    eventually(lambda: (r := ask(netns, server, name)) and r.status == NXDOMAIN, timeout,
               f"{name} does not exist", step=0.05)


@test("net-dns-forward-and-reverse")
def forward_and_reverse():
    """A, AAAA and PTR of the own and of another VM, from guests and from the host."""
    world = World(ipv6=True)
    server = upstream(world)
    web, web4, web6 = named(world, "web")
    db, db4, db6 = named(world, "db", user="bob", hostname="data")
    for asker in (web, db, world.host):
        for name, four, six in (("web", web4, web6), ("data", db4, db6)):
            full = f"{name}.nat.internal"
            served(asker, full, four)
            served(asker, full, six, "AAAA")
            check_equal(look_up_address(asker, GATEWAY, four), [full], f"PTR of {four}")
            check_equal(look_up_address(asker, GATEWAY, six), [full], f"PTR of {six}")
            check_equal(look_up(asker, GATEWAY, full.upper(), tcp=True), [four], "by TCP")
    # by IPv6 as well, and with one address for all
    server6 = world.resolver6_of(web.port)
    for asker in (web, db, world.host):
        served(asker, "data.nat.internal", db4, server=server6)
        served(asker, "data.nat.internal", db6, "AAAA", server=server6, tcp=True)
    # the domain is this network's own: nothing of it is asked elsewhere
    for asker in (web, world.host):
        check_equal(ask(asker, GATEWAY, "nobody.nat.internal").status, NXDOMAIN, "unknown name")
        check_equal(look_up_address(asker, GATEWAY, "192.168.77.249"), [], "unknown address")
    leaked = [name for name, _, _ in server.asked
              if "nat.internal" in name.lower() or name.endswith("168.192.in-addr.arpa")]
    check_equal(leaked, [], "names that the host's server was asked for")


@test("net-dns-outside-names")
def outside_names():
    """The rest goes to the host's resolver, from the host's address."""
    world = World(ipv6=True)
    server = upstream(world)
    guest, _, _ = named(world, "web")
    served(guest, "outside.test", "203.0.113.7")
    served(guest, "outside.test", "2001:db8:7::7", "AAAA")
    served(world.host, "outside.test", "203.0.113.7", tcp=True)
    check_equal(look_up_address(guest, GATEWAY, "203.0.113.7"), ["outside.test"], "PTR")
    check_equal(ask(guest, GATEWAY, "nobody.test").status, NXDOMAIN, "status of an unknown name")
    check_equal({peer for _, _, peer in server.asked}, {HOST}, "who asked the server")


@test("net-dns-told")
def told():
    """DHCP tells the gateway as name server, the domain and the host name."""
    world = World()
    world.profile("web", {"network": "nat", "hostname": "www"})
    ack = RawGuest(world.port("--profile=web")).lease()
    check_equal(packets.ip_text(ack.options[packets.OPT_DNS]), GATEWAY, "name servers")
    check_equal(ack.options[packets.OPT_DOMAIN], b"nat.internal", "domain")
    check_equal(ack.options[packets.OPT_HOSTNAME], b"www", "host name")


@test("net-dns-port-53-taken")
def port_taken():
    """Another program has port 53 of every address of this host, by UDP and TCP: it
    keeps it, and guests and the host have their names at the gateway."""
    world = World(ipv6=True)
    upstream(world)
    others = [listener(world.host, kind, address, 53) for address in ("0.0.0.0", "::")
              for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    for other in others[1::2]:
        other.listen(4)
    guest, four, six = named(world, "web")
    for asker in (guest, world.host):
        for tcp in (False, True):
            served(asker, "web.nat.internal", four, tcp=tcp)
            served(asker, "web.nat.internal", six, "AAAA", tcp=tcp)
            served(asker, "outside.test", "203.0.113.7", tcp=tcp)
    served(guest, "web.nat.internal", four, server=world.resolver6_of(guest.port))
    # what is asked at the host's own address is the other program's to answer
    asked = threading.Thread(target=ask, args=(world.host, HOST, "web.nat.internal"))
    asked.start()
    others[0].settimeout(2)
    check(others[0].recv(512), "the host's own address leads to the other program")
    asked.join()


@test("net-dns-not-outside")
def not_outside():
    """Nobody outside gets an answer, at whatever address and port."""
    world = World(ipv6=True)
    upstream(world)
    guest, four, six = named(world, "web")
    served(guest, "web.nat.internal", four)
    gateway6 = world.prefix6_of(guest.port) + "::1"
    world.outside.ip("route add 192.168.77.0/24 via 192.0.2.2")
    server6 = world.resolver6_of(guest.port)
    for address in (gateway6, server6):
        world.outside.ip(f"-6 route add {address}/128 via {HOST6}")
    for address in (HOST, GATEWAY, HOST6, gateway6, server6, four, six):
        for port in (53, 54):
            for tcp in (False, True):
                found = ask(world.outside, address, "web.nat.internal", port=port, tcp=tcp,
                            timeout=0.4)
                check(found is None, f"{address} port {port}, TCP {tcp}: {found}")


@test("net-dns-between-networks")
def between_networks():
    """A network's names are its own."""
    world = World(ipv6=True)
    world.network("lab", world.nat(subnet="10.99.0.0/24"))
    web, four, _ = named(world, "web")
    lab, lab4, _ = named(world, "lab", network="lab")
    served(web, "web.nat.internal", four)
    served(lab, "lab.lab.internal", lab4, server="10.99.0.1")
    served(world.host, "lab.lab.internal", lab4, server="10.99.0.1")
    web6, lab6 = world.resolver6_of(web.port), world.resolver6_of(lab.port)
    served(web, "web.nat.internal", four, server=web6)
    served(lab, "lab.lab.internal", lab4, server=lab6)
    for asker, servers, name in ((web, ("10.99.0.1", lab6), "lab.lab.internal"),
                                 (lab, (GATEWAY, web6), "web.nat.internal")):
        for server in servers:
            for port in (53, 54):
                found = ask(asker, server, name, port=port, timeout=0.5)
                check(found is None or not found.values, f"{name}: {found}")


@test("net-dns-guest-to-host-off")
def guest_to_host_off():
    """Names are part of the way out."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(guest_to_host=False))
    upstream(world)
    guest, four, _ = named(world, "web")
    served(guest, "web.nat.internal", four)
    served(guest, "outside.test", "203.0.113.7", tcp=True)
    served(guest, "web.nat.internal", four, server=world.resolver6_of(guest.port), tcp=True)


@test("net-dns-host-only")
def host_only():
    """Without a default route, the name server is on the link (a second prefix in
    the advertisement)."""
    world = World(networks=False, ipv6=True)
    world.network("nat", world.nat(uplink="none"))
    world.profile("web", {"network": "nat"})
    guest = NetGuest(world.port("--profile=web"))
    four = guest.dhcp()
    eventually(lambda: guest.addresses6("eth0"), 10, "address by SLAAC")
    server6 = world.resolver6_of(guest.port)
    check_in(f"{server6} dev eth0", guest.ip("-6 route show"), "routes of the guest")
    check_equal(guest.ip("-6 route show default"), "", "default route")
    served(guest, "web.nat.internal", four)
    for tcp in (False, True):
        served(guest, "web.nat.internal", four, server=server6, tcp=tcp)


@test("net-dns-resolv-conf-changes", timeout=90)
def resolv_conf():
    """The host's resolvers change under running guests."""
    world = World()
    first = upstream(world)
    guest, _, _ = named(world, "web")
    served(guest, "outside.test", "203.0.113.7")
    second = upstream(world, "192.0.2.54", {"outside.test": ["203.0.113.8"],
                                            "new.test": ["203.0.113.9"]})
    time.sleep(1.1)  # some look at whole seconds of its mtime
    write("/etc/resolv.conf", "nameserver 192.0.2.54\n")
    served(guest, "new.test", "203.0.113.9", timeout=10)
    # as NetworkManager and resolvconf do it: another file in its place
    time.sleep(1.1)
    write("/etc/resolv.conf.new", f"nameserver {UPSTREAM}\n")
    os.rename("/etc/resolv.conf.new", "/etc/resolv.conf")
    count = len(first.asked)
    eventually(lambda: look_up(guest, GATEWAY, f"again{time.monotonic_ns()}.test") == [] and
               len(first.asked) > count, 10, "the first server is asked again", step=0.3)
    check(second.asked, "the second server was asked")


@test("net-dns-resolved-stub")
def stub():
    """systemd-resolved's stub, on an address that guests cannot reach."""
    world = World()
    write("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\n")
    server = DnsServer(world.host, "127.0.0.53", KNOWN)
    guest, four, _ = named(world, "web")
    served(guest, "outside.test", "203.0.113.7")
    served(guest, "web.nat.internal", four)
    check_in("127.", server.asked[0][2], "who asked the stub")
    check(ask(guest, "127.0.0.53", "outside.test", timeout=0.3) is None, "guests reach it")


@test("net-dns-servers-of-the-file")
def servers_of_the_file():
    """Name servers that the network's file gives answer what is not ours."""
    world = World(networks=False)
    world.network("nat", world.nat(dns={"servers": ["192.0.2.99"], "domain": "lab.test"}))
    write("/etc/resolv.conf", "nameserver 192.0.2.98\n")
    upstream(world, "192.0.2.99")
    guest, four, _ = named(world, "web")
    server = GATEWAY if look_up(guest, GATEWAY, "outside.test", timeout=1) else "192.0.2.99"
    served(guest, "outside.test", "203.0.113.7", server=server)
    served(world.host, "web.lab.test", four)


@test("net-dns-names-go")
def names_go():
    """A name goes with its VM, and comes with the next."""
    world = World(ipv6=True)
    world.network("nat", world.nat())
    web, four, six = named(world, "web")
    db, _, _ = named(world, "db")
    served(db, "web.nat.internal", four)
    served(db, "web.nat.internal", six, "AAAA")
    web.close()
    gone(db, "web.nat.internal")
    check_equal(look_up(db, GATEWAY, "web.nat.internal", "AAAA"), [], "AAAA afterwards")
    check_equal(look_up_address(db, GATEWAY, four), [], "PTR afterwards")
    # another name on the same slot
    again, new4, _ = named(world, "web")
    check_equal(new4, four, "address of the second run")
    served(db, "web.nat.internal", four)
    again.close()


@test("net-dns-same-name", timeout=90)
def same_name():
    """Two VMs that want one name: the second gets web-2 and is told."""
    world = World(ipv6=True)
    for user in ("alice", "bob", "carol"):
        world.profile("web", {"network": "nat"}, user=user)
    first = world.start("--profile=web")
    check_equal((first.status, first.stderr), (0, ""), "first start")
    second = world.start("--profile=web", user="bob")
    check_equal(second.status, 0, str(second))
    check(second.stderr.startswith("tapster-helper: warning: ") and
          second.stderr.count("\n") == 1, f"one warning, not {second.stderr!r}")
    check_in("web-2", second.stderr, "warning")
    check("alice" not in second.stderr, f"the other's name in {second.stderr!r}")
    one, two = NetGuest(first.port, name="one"), NetGuest(second.port, name="two")
    one4, two4 = one.dhcp(), two.dhcp()
    served(one, "web.nat.internal", one4)
    served(one, "web-2.nat.internal", two4)
    check_equal(look_up_address(two, GATEWAY, two4), ["web-2.nat.internal"], "PTR of the second")
    ack = RawGuest(world.port("--profile=web", user="carol")).lease()
    check_equal(ack.options[packets.OPT_HOSTNAME], b"web-3", "what DHCP tells the third")
    # the first goes: the second stays what it was told
    one.close()
    gone(two, "web.nat.internal")
    served(two, "web-2.nat.internal", two4)
    third = world.start("--profile=web")
    check_equal((third.status, third.stderr), (0, ""), "the first again")
    served(two, "web.nat.internal", world.address_of(third.port))


@test("net-dns-same-name-at-once", timeout=90)
def at_once():
    """Twelve that want one name at once: twelve names, each its own VM's."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 64}]))
    for number in range(12):
        world.profile(f"vm{number}", {"network": "nat", "hostname": "web"})
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: world.start(f"--profile=vm{n}"), range(12)))
    check_equal([r for r in results if r.status != 0], [], "failures")
    names = ["web", *(f"web-{number}" for number in range(2, 13))]
    addresses = sorted(world.address_of(result.port) for result in results)
    found = sorted(eventually(lambda: look_up(world.host, GATEWAY, f"{name}.nat.internal"), 5,
                              name)[0] for name in names)
    check_equal(found, addresses, "addresses of all names")
    check_equal(sum("warning" in result.stderr for result in results), 11, "warnings")


@test("net-dns-second-name-taken")
def second_taken():
    """Somebody's VM is called web-2 already."""
    world = World()
    world.profile("web-2", {"network": "nat"}, user="bob")
    world.profile("web", {"network": "nat"}, user="bob")
    world.profile("web", {"network": "nat"})
    ports = [world.port("--profile=web-2", user="bob"), world.port("--profile=web", user="bob")]
    result = world.start("--profile=web")
    check_in("web-3", result.stderr, "warning")
    for name, port in zip(("web-2", "web", "web-3"), (*ports, result.port)):
        served(world.host, f"{name}.nat.internal", world.address_of(port))


@test("net-dns-same-profile-twice")
def same_profile():
    """A second start of one profile is web-2 in name as in address, and is told."""
    world = World()
    world.profile("web", {"network": "nat"})
    first, second = world.start("--profile=web"), world.start("--profile=web")
    check_equal((first.status, first.stderr, second.status), (0, "", 0), "starts")
    check_in("web-2", second.stderr, "warning")
    served(world.host, "web.nat.internal", world.address_of(first.port))
    served(world.host, "web-2.nat.internal", world.address_of(second.port))


@test("net-dns-without-profile")
def without_profile():
    """No profile, no name: nothing is made up."""
    world = World()
    guest = NetGuest(world.port())
    four = guest.dhcp()
    eventually(lambda: ask(guest, GATEWAY, "x.nat.internal"), 5, "an answer")
    check_equal(look_up_address(guest, GATEWAY, four), [], "PTR")


@test("net-dns-many-names", timeout=120)
def many_names():
    """Sixty VMs come and go, and each is under its name while it lives."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 100}]))
    ports = {}
    for number in range(60):
        world.profile(f"vm{number}", {"network": "nat"})
        ports[number] = world.port(f"--profile=vm{number}")
    for number, port in ports.items():
        served(world.host, f"vm{number}.nat.internal", world.address_of(port))
    for number in range(0, 60, 2):
        ports.pop(number).close(wait=False)
    for number in range(0, 60, 2):
        gone(world.host, f"vm{number}.nat.internal", timeout=10)
    for number, port in ports.items():
        served(world.host, f"vm{number}.nat.internal", world.address_of(port))


@test("net-dns-replaced", timeout=90)
def replaced():
    """dnsmasq that died is there again after the next start, with all names."""
    world = World()
    guest, four, _ = named(world, "web")
    served(guest, "web.nat.internal", four)
    before = processes("dnsmasq")
    check_equal(len(before), 1, "dnsmasq of the network")
    for pid in before:
        os.kill(pid, 9)
    eventually(lambda: not set(before) & set(processes("dnsmasq")), 5, "it is dead")
    db, db4, _ = named(world, "db")
    served(guest, "web.nat.internal", four)
    served(guest, "db.nat.internal", db4)
    check_equal(len(processes("dnsmasq")), 1, "dnsmasq of the network, afterwards")


@test("net-dns-low-limits", timeout=90)
def low_limits():
    """Who starts the residents with few descriptors does not leave others without
    names."""
    world = World(networks=False)
    world.network("nat", world.nat(allow=[{"everyone": True, "max_ports": 100}]))
    with open("/proc/self/status") as file:
        effective = int(re.search(r"CapEff:\s*(\w+)", file.read())[1], 16)
    # where nobody has CAP_SYS_RESOURCE (24), a hard limit is for good
    which = "-n" if effective & 1 << 24 else "-Sn"
    result = world.start(
        shell=f"ulimit {which} 64; exec {world.places.helper} --fd=@FD@ --br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start with 64 descriptors")
    ports = [world.port(user="bob") for _ in range(60)]
    world.profile("web", {"network": "nat"}, user="bob")
    port = world.port("--profile=web", user="bob")
    served(world.host, "web.nat.internal", world.address_of(port))
    served(world.host, "web.nat.internal", world.address_of(port), tcp=True)
    check_equal(len(world.taps()), len(ports) + 2, "live ports")


@test("net-dns-one-each")
def one_each():
    """One dnsmasq a network however many start at once, as a user of its own and with
    no more than it needs."""
    world = World()
    ports = [world.port() for _ in range(6)]
    eventually(lambda: ask(world.host, GATEWAY, "x.nat.internal"), 5, "an answer")
    pids = processes("dnsmasq")
    check_equal(len(pids), 1, "dnsmasq")
    with open(f"/proc/{pids[0]}/status") as file:
        status = dict(line.split(":", 1) for line in file if ":" in line)
    uids = status["Uid"].split()
    check(all(int(uid) != 0 for uid in uids), f"uids {uids}")
    # at most CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW
    check(int(status["CapEff"], 16) & ~(1 << 10 | 1 << 12 | 1 << 13) == 0,
          f"capabilities {status['CapEff']}")
    check_equal(int(status["NoNewPrivs"]), 1, "no_new_privs")
    check_equal(len(world.taps()), len(ports), "live ports")
