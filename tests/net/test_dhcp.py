# SPDX-License-Identifier: LGPL-2.1-or-later
"""tapster-dhcp, asked by real clients and by single messages."""

import os
import signal
import struct
import time

import packets
from guests import CLIENTS, PARAMETERS, PARAMETERS_AND_ROUTES, NetGuest, RawGuest
from packets import (ACK, DECLINE, DISCOVER, INFORM, NAK, OPT_ADDRESS, OPT_CLIENT_ID, OPT_SERVER,
                     QEMU_MAC, RELEASE, REQUEST)
from testing import check, check_equal, check_in, eventually, test
from world import OUTSIDE, World, hide_dnsmasq, processes, write

LEASE = 20


@test("net-dhcp-clients-five-leases", timeout=240)
def five_leases():
    """udhcpc, dhclient and dhcpcd, all with QEMU's default MAC, keep their own
    addresses through unicast renewals and broadcast rebinds over five lease times,
    with the host's INPUT policy at drop."""
    world = World(networks=False)
    world.network("nat", world.nat(lease_time=LEASE))
    world.host.run("nft", "-f", "-", input="""
        table inet host { chain input { type filter hook input priority filter; policy drop;
            ct state established,related accept; iif lo accept; icmp type echo-request accept; }; }
        """)
    guests = {}
    for client in CLIENTS:
        guests[client] = NetGuest(world.port(), name=client)
    given = {}
    for client, guest in guests.items():
        guest.clients.append(CLIENTS[client](guest))
    for client, guest in guests.items():
        given[client] = guest.wait_address()
        check_equal(given[client], world.address_of(guest.port), f"{client}'s address")
    check_equal(len(set(given.values())), len(given), "different addresses")
    began = time.monotonic()

    def unicast_to_server(frame, from_guest):
        return (from_guest and frame.protocol == packets.UDP and frame.dport == 67 and
                frame.dst != "255.255.255.255")

    nudged = rebinding = False
    while time.monotonic() - began < 5 * LEASE + 12:
        passed = time.monotonic() - began
        if passed > 5 and not nudged:
            # BusyBox makes any lease 122 s at least: ask it to renew.
            nudged = True
            for pid in processes("udhcpc"):
                os.kill(pid, signal.SIGUSR1)
        if passed > 2 * LEASE + 5 and not rebinding:
            rebinding = True  # from now on unicast requests get lost
            for guest in guests.values():
                guest.drop = unicast_to_server
        for client, guest in guests.items():
            check_equal(guest.addresses("eth0"), [given[client]],
                        f"{client}'s addresses after {passed:.0f} s; {guest.dhcp_log}")
        time.sleep(1)
    for client, guest in guests.items():
        log = guest.dhcp_log
        check(not any(m.kind == NAK for m in log), f"{client} got a NAK: {log}")
        renewals = [m for m in log if m.from_guest and m.kind == REQUEST and
                    m.ciaddr == given[client] and m.dst != "255.255.255.255"]
        rebinds = [m for m in log if m.from_guest and m.kind == REQUEST and
                   m.ciaddr == given[client] and m.dst == "255.255.255.255"]
        check(renewals, f"{client} never renewed by unicast: {log}")
        check(rebinds, f"{client} never had to rebind: {log}")
        for request in renewals + rebinds:
            check(any(m.kind == ACK and not m.from_guest and
                      0 <= m.time - request.time < 1 and m.yiaddr == given[client] for m in log),
                  f"{client}: no ACK for {request}: {log}")
    for client, guest in guests.items():
        for other in given.values():
            check(guest.ping(other), f"{client} reaches {other}")
        check(guest.fetch(OUTSIDE), f"{client} reaches the outside")


@test("net-dhcp-options")
def options():
    """What a guest is told."""
    world = World(networks=False)
    world.network("nat", world.nat(
        lease_time=600, mtu=1400,
        dns={"domain": "lab.example", "servers": ["9.9.9.9", "1.1.1.1"]}))
    world.profile("web", {"network": "nat", "hostname": "Web-1"})
    port = world.port("--profile=web")
    ack = RawGuest(port).lease()
    check_equal(ack.address(packets.OPT_MASK), "255.255.255.0", "mask")
    check_equal(ack.address(packets.OPT_ROUTER), "192.168.77.1", "router")
    check_equal(ack.address(OPT_SERVER), "192.168.77.1", "server id")
    # dnsmasq, which asks those of the file
    check_equal(ack.options[packets.OPT_DNS], packets.ip_bytes("192.168.77.1"), "name servers")
    check_equal(ack.options[packets.OPT_DOMAIN], b"lab.example", "domain")
    check_equal(ack.options[packets.OPT_HOSTNAME], b"Web-1", "hostname")
    check_equal(ack.number(packets.OPT_MTU), 1400, "MTU")
    check_equal(ack.number(packets.OPT_LEASE), 600, "lease time")
    check_equal(ack.number(packets.OPT_T1), 300, "T1")
    check_equal(ack.number(packets.OPT_T2), 525, "T2")
    check(packets.OPT_ROUTES not in ack.options, "classless routes, which were not asked for")
    with open(f"/sys/class/net/{port.name}/mtu") as file:
        check_equal(file.read().strip(), "1400", "MTU of the tap")
    # RFC 3442: the default route is among the classless ones, for whoever asks
    ack = RawGuest(world.port()).lease(parameters=PARAMETERS_AND_ROUTES)
    check_in(b"\0" + packets.ip_bytes("192.168.77.1"), ack.options[packets.OPT_ROUTES], "routes")
    ack = RawGuest(world.port()).lease(parameters=[])
    check(packets.OPT_ROUTES not in ack.options, "classless routes, which were not asked for")
    check(packets.OPT_MASK in ack.options and packets.OPT_ROUTER in ack.options,
          "mask and router unasked")


@test("net-dhcp-servers-without-dnsmasq")
def servers():
    """Where nobody serves names at the gateway, guests are told the servers of the file."""
    hide_dnsmasq()
    world = World(networks=False)
    world.network("nat", world.nat(dns={"servers": ["9.9.9.9", "1.1.1.1"]}))
    ack = RawGuest(world.port()).lease()
    check_equal(ack.options[packets.OPT_DNS],
                packets.ip_bytes("9.9.9.9") + packets.ip_bytes("1.1.1.1"), "name servers")


@test("net-dhcp-host-resolvers")
def resolvers():
    """servers: host, without dnsmasq, follows the host's resolv.conf; its 127.0.0.53 is no
    use to a guest."""
    hide_dnsmasq()
    world = World()
    write("/etc/resolv.conf", "nameserver 203.0.113.53\n")
    ack = RawGuest(world.port()).lease()
    check_equal(ack.address(packets.OPT_DNS), "203.0.113.53", "name server")
    write("/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver 203.0.113.54\n")
    ack = RawGuest(world.port()).lease()
    check_equal(ack.options[packets.OPT_DNS], packets.ip_bytes("203.0.113.54"), "name servers")


@test("net-dhcp-states")
def states():
    """REQUEST in its four states, INFORM, RELEASE, and what must not be answered."""
    world = World()
    guest = RawGuest(world.port())
    ack = guest.lease()
    mine, server = ack.yiaddr, ack.options[OPT_SERVER]
    mine_option = (OPT_ADDRESS, packets.ip_bytes(mine))

    def answer(kind, options=(), timeout=1.0, **fields):
        guest.drain(0.02)
        guest.dhcp_send(kind, options, **fields)
        got = guest.dhcp_wait(timeout=timeout)
        return got[0] if got else None

    # selecting: for us, and for another server
    check_equal(answer(REQUEST, [mine_option, (OPT_SERVER, server)]).kind, ACK, "selecting")
    other = answer(REQUEST, [mine_option, (OPT_SERVER, packets.ip_bytes("192.168.77.9"))],
                   timeout=0.4)
    check(other is None, f"a REQUEST for another server was answered: {other}")
    # rebooting: right and wrong address
    check_equal(answer(REQUEST, [mine_option]).kind, ACK, "rebooting")
    nak = answer(REQUEST, [(OPT_ADDRESS, packets.ip_bytes("192.168.77.200"))])
    check_equal(nak.kind, NAK, "rebooting with another's address")
    check_equal(nak.yiaddr, "0.0.0.0", "yiaddr of the NAK")
    check_equal(answer(REQUEST, [(OPT_ADDRESS, packets.ip_bytes("10.0.2.15"))]).kind, NAK,
                "rebooting with an address of another network")
    # renewing (unicast) and rebinding (broadcast)
    gateway_mac = guest.resolve(guest.gateway)
    check_equal(answer(REQUEST, ciaddr=mine, source=mine, destination=guest.gateway,
                       destination_mac=gateway_mac).kind, ACK, "renewing")
    check_equal(answer(REQUEST, ciaddr=mine, source=mine).kind, ACK, "rebinding")
    check_equal(answer(REQUEST, ciaddr="192.168.77.201", source="192.168.77.201").kind, NAK,
                "rebinding another's address")
    # INFORM: no lease, no address
    inform = answer(INFORM, PARAMETERS, ciaddr=mine, source=mine)
    check_equal(inform.kind, ACK, "INFORM")
    check_equal(inform.yiaddr, "0.0.0.0", "yiaddr for INFORM")
    check(packets.OPT_LEASE not in inform.options, "lease time for INFORM")
    # RELEASE and DECLINE have no answer and no effect
    for kind in (RELEASE, DECLINE):
        check(answer(kind, [mine_option, (OPT_SERVER, server)], timeout=0.3) is None,
              f"answer to {kind}")
        check_equal(guest.lease().yiaddr, mine, f"address after {kind}")
    # a relay, another client's answer, nonsense
    check(answer(DISCOVER, giaddr="192.168.77.50", timeout=0.3) is None, "relayed DISCOVER")
    check(answer(DISCOVER, op=2, timeout=0.3) is None, "BOOTREPLY")
    check_equal(guest.lease().yiaddr, mine, "address at the end")


@test("net-dhcp-broadcast-flag")
def broadcast_flag():
    """RFC 2131 section 4.1: where the answer goes."""
    world = World()
    guest = RawGuest(world.port())
    guest.lease()
    guest.dhcp_send(DISCOVER, flags=0x8000)
    message, frame = guest.dhcp_wait()
    check_equal((frame.destination, frame.dst), (packets.BROADCAST, "255.255.255.255"),
                "with the broadcast flag")
    guest.dhcp_send(DISCOVER)
    message, frame = guest.dhcp_wait()
    check_equal((frame.destination, frame.dst), (QEMU_MAC, message.yiaddr),
                "without the broadcast flag")
    check_equal((frame.sport, frame.dport), (67, 68), "ports")
    check_equal(frame.src, "192.168.77.1", "source")


@test("net-dhcp-slot-changes-hands")
def changes_hands():
    """A slot goes from MAC to MAC and from a PXE client id to an OS's: the new one is
    answered within a second."""
    world = World()
    world.profile("web", {"network": "nat"})
    RawGuest(world.port()).lease()  # tapster-dhcp runs
    address = None
    for mac, client_id in (
            ("52:54:00:aa:00:01", None),
            ("52:54:00:aa:00:02", None),
            ("52:54:00:aa:00:02", b"\0" + bytes(16)),           # PXE: UUID, type 0
            ("52:54:00:aa:00:02", b"\x01" + packets.mac_bytes("52:54:00:aa:00:02")),
            ("52:54:00:aa:00:02", b"\xff\x00\x00\x00\x01" + bytes(14))):  # RFC 4361
        port = world.port("--profile=web")
        guest = RawGuest(port, mac=mac)
        began = time.monotonic()
        ack = guest.lease(client_id=client_id)
        check(time.monotonic() - began < 1, f"answered after {time.monotonic() - began:.2f} s")
        check_equal(ack.yiaddr, address or ack.yiaddr, "the profile's address")
        address = ack.yiaddr
        if client_id:
            # RFC 6842: the client id comes back
            check_equal(ack.options.get(OPT_CLIENT_ID), client_id, "client id in the ACK")
        guest.dhcp_send(DECLINE, [(OPT_ADDRESS, packets.ip_bytes(address)),
                                  (OPT_SERVER, ack.options[OPT_SERVER])])
        port.close()


@test("net-dhcp-pxe-then-os")
def pxe_then_os():
    """Firmware, then the OS, in one VM: same port, different ids."""
    world = World()
    guest = RawGuest(world.port())
    first = guest.lease(client_id=b"\0" + bytes(16))
    second = guest.lease(client_id=b"\x01" + packets.mac_bytes(QEMU_MAC))
    third = guest.lease(mac="52:54:00:00:00:09")
    check_equal({first.yiaddr, second.yiaddr, third.yiaddr}, {world.address_of(guest.port)},
                "addresses")


@test("net-dhcp-replaced-when-dead")
def replaced():
    """One resident for all; a dead one is replaced by the next start."""
    world = World()
    first, second = world.port(), world.port()
    # One that was started beside another ends by itself.
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "one resident")
    pids = processes("tapster-dhcp")
    RawGuest(first).lease()
    RawGuest(second).lease()
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: not processes("tapster-dhcp"), 2, "tapster-dhcp killed")
    third = world.port()
    for port in (third, first, second):
        RawGuest(port).lease()
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "residents")
    for port in (first, second, third):
        port.close()
    fourth = world.port()
    RawGuest(fourth).lease()
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "residents after all ports went")


@test("net-dhcp-remade-taps")
def remade():
    """The same slot again and again: each new tap is answered."""
    world = World()
    world.profile("web", {"network": "nat"})
    RawGuest(world.port()).lease()  # tapster-dhcp runs
    for _ in range(20):
        port = world.port("--profile=web")
        began = time.monotonic()
        RawGuest(port).lease()
        check(time.monotonic() - began < 1, "answered within a second")
        port.close()


@test("net-dhcp-nonsense")
def nonsense():
    """Whatever a guest sends, the next request is answered."""
    world = World()
    guest = RawGuest(world.port())
    random = struct.Struct("!I")
    seed = 1
    good = packets.dhcp(QEMU_MAC, DISCOVER, PARAMETERS)
    for number in range(400):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        data = bytearray(good)
        if number % 2:
            data[seed % len(data)] = seed >> 8 & 255
            data[240 + seed % 60] = seed >> 16 & 255
        else:
            del data[seed % len(data):]
        packet = packets.udp("0.0.0.0", "255.255.255.255", 68, 67, bytes(data))
        if number % 5 == 0:
            packet = packet[:20 + seed % (len(packet) - 19)]
        if number % 7 == 0:
            packet = bytes([0x4F]) + packet[1:]
        guest.send(packets.ethernet(QEMU_MAC, packets.BROADCAST, packets.ETH_IP, packet))
    guest.drain(0.3)
    check_equal(guest.lease().yiaddr, world.address_of(guest.port), "address")


@test("net-dhcp-off")
def off():
    world = World(networks=False)
    world.network("nat", world.nat(dhcp=False))
    port = world.port()
    guest = RawGuest(port, address=world.address_of(port), gateway="192.168.77.1")
    check(guest.ping("192.168.77.1"), "the gateway answers a guest configured by hand")
    # tapster-dhcp sees to the names, and leaves DHCP alone
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "residents")
    check(guest.discover(timeout=1) is None, "an answer to DISCOVER")


@test("net-dhcp-off-without-dnsmasq")
def off_without_dnsmasq():
    hide_dnsmasq()
    world = World(networks=False)
    world.network("nat", world.nat(dhcp=False, subnet6="none"))
    port = world.port()
    check_equal(processes("tapster-dhcp"), [], "residents")
    port.close()


@test("net-dhcp-two-networks")
def two_networks():
    world = World()
    world.network("lab", world.nat(subnet="10.99.0.0/22", lease_time=77))
    one, two = RawGuest(world.port("--br=nat")), RawGuest(world.port("--br=lab"))
    first, second = one.lease(), two.lease()
    check(first.yiaddr.startswith("192.168.77."), first.yiaddr)
    check(second.yiaddr.startswith("10.99."), second.yiaddr)
    check_equal(second.address(packets.OPT_MASK), "255.255.252.0", "mask")
    check_equal(second.number(packets.OPT_LEASE), 77, "lease time")
    eventually(lambda: len(processes("tapster-dhcp")) == 1, 2, "residents")
