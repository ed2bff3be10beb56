# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests without QEMU, at the other end of a tap's descriptor.

RawGuest speaks in single frames. NetGuest is a network namespace with a card
"eth0": real DHCP clients, ping and TCP run there, and a thread moves the frames.
"""

import collections
import fcntl
import os
import select
import struct
import subprocess
import threading
import time

import packets
from packets import (ACK, DISCOVER, OFFER, OPT_ADDRESS, OPT_CLIENT_ID, OPT_PARAMETERS, OPT_SERVER,
                     QEMU_MAC, REQUEST)
from testing import Failure, check, check_equal, eventually
from world import (IFF_NO_PI, IFF_TAP, TUNSETIFF, Inside, Netns)

VNET_HEADER = bytes(10)


class RawGuest:
    """A guest that sends and receives frames itself."""

    def __init__(self, port, mac=QEMU_MAC, address=None, gateway=None):
        self.port = port
        self.mac = mac
        self.address = address
        self.gateway = gateway
        self.gateway_mac = None
        self.header = VNET_HEADER if port.vnet_hdr else b""
        os.set_blocking(port.fd, False)

    def send(self, frame):
        os.write(self.port.fd, self.header + frame)

    def receive(self, timeout=1.0):
        """The next frame, or None. Answers ARP for the guest's own address."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.port.fd], [], [], left)[0]:
                return None
            data = os.read(self.port.fd, 65536)[len(self.header):]
            frame = packets.Frame(data)
            if (frame.arp_operation == 1 and frame.dst == self.address and
                    self.address is not None):
                self.send(packets.ethernet(
                    self.mac, frame.source, packets.ETH_ARP,
                    packets.arp(2, self.mac, self.address, frame.sender_mac, frame.src)))
            return frame

    def wait(self, wanted, timeout=1.0):
        """The next frame for which wanted(frame) is true, or None."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is not None and wanted(frame):
                return frame
        return None

    def drain(self, duration=0.05):
        """Whatever arrives within duration."""
        found = []
        end = time.monotonic() + duration
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is not None:
                found.append(frame)
        return found

    # --- ARP and IP

    def resolve(self, address, timeout=1.0, sender=None):
        """The MAC that answers for address, or None."""
        self.send(packets.ethernet(self.mac, packets.BROADCAST, packets.ETH_ARP, packets.arp(
            1, self.mac, sender or self.address or "0.0.0.0", "00:00:00:00:00:00", address)))
        answer = self.wait(lambda f: f.arp_operation == 2 and f.src == address, timeout)
        return answer.sender_mac if answer else None

    def send_ip(self, packet, destination_mac=None):
        if destination_mac is None:
            if self.gateway_mac is None:
                self.gateway_mac = self.resolve(self.gateway)
                check(self.gateway_mac, f"no ARP answer from the gateway {self.gateway}")
            destination_mac = self.gateway_mac
        self.send(packets.ethernet(self.mac, destination_mac, packets.ETH_IP, packet))

    def ping(self, address, timeout=1.0, source=None, identifier=77, tries=2):
        for sequence in range(1, tries + 1):
            self.send_ip(packets.icmp_echo(source or self.address, address, identifier, sequence))
            if self.wait(lambda f: f.icmp_type == 0 and f.src == address and
                         f.protocol == packets.ICMP, timeout):
                return True
        return False

    # --- DHCP

    def dhcp_send(self, kind, options=(), mac=None, source="0.0.0.0",
                  destination="255.255.255.255", destination_mac=None, **fields):
        mac = mac or self.mac
        message = packets.dhcp(mac, kind, options, **fields)
        if destination == "255.255.255.255":
            destination_mac = packets.BROADCAST
        self.send(packets.ethernet(mac, destination_mac or packets.BROADCAST, packets.ETH_IP,
                                   packets.udp(source, destination, 68, 67, message)))

    def dhcp_wait(self, xid=0x1234ABCD, timeout=1.0):
        """The server's answer as (Dhcp, Frame), or None."""
        frame = self.wait(lambda f: (m := f.dhcp()) is not None and m.op == 2 and m.xid == xid,
                          timeout)
        return (frame.dhcp(), frame) if frame else None

    def discover(self, timeout=3.0, tries=3, **more):
        for _ in range(tries):
            self.dhcp_send(DISCOVER, more.get("options", PARAMETERS), mac=more.get("mac"),
                           flags=more.get("flags", 0))
            answer = self.dhcp_wait(timeout=timeout / tries)
            if answer:
                return answer[0]
        return None

    def lease(self, mac=None, client_id=None, parameters=None):
        """DISCOVER to ACK; the guest then has its address. Returns the ACK."""
        options = [(OPT_CLIENT_ID, client_id)] if client_id else []
        options += PARAMETERS if parameters is None else parameters
        offer = self.discover(mac=mac, options=options)
        check(offer is not None, "no answer to DISCOVER")
        check_equal(offer.kind, OFFER, "answer to DISCOVER")
        self.dhcp_send(REQUEST, [(OPT_ADDRESS, packets.ip_bytes(offer.yiaddr)),
                                 (OPT_SERVER, offer.options[OPT_SERVER]), *options], mac=mac)
        answer = self.dhcp_wait()
        check(answer is not None, "no answer to REQUEST")
        check_equal(answer[0].kind, ACK, "answer to REQUEST")
        check_equal(answer[0].yiaddr, offer.yiaddr, "address of the ACK")
        self.address = offer.yiaddr
        self.gateway = answer[0].address(packets.OPT_ROUTER) or self.gateway
        return answer[0]


PARAMETERS = [(OPT_PARAMETERS, bytes([1, 3, 6, 12, 15, 26, 28, 51, 54, 58, 59]))]
PARAMETERS_AND_ROUTES = [(OPT_PARAMETERS, PARAMETERS[0][1] + bytes([121]))]

Message = collections.namedtuple("Message", "time from_guest kind src dst yiaddr ciaddr")


class NetGuest(Netns):
    """A namespace whose eth0 is plugged into a port."""

    def __init__(self, port, name="guest", mac=QEMU_MAC, own=True):
        """own=False: the namespace that the process is in."""
        super().__init__(name, own=own)
        self.port = port
        self.mac = mac
        self.header = VNET_HEADER if port.vnet_hdr else b""
        self.dhcp_log = []
        self.drop = lambda frame, from_guest: False
        self.clients = []
        with Inside(self):
            self.card = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self.card, TUNSETIFF,
                        struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
        # Duplicate address detection as everywhere, but in a tenth of the time.
        self.sysctl("net.ipv6.neigh.eth0.retrans_time_ms", 100)
        self.sysctl("net.ipv6.conf.eth0.router_solicitation_delay", 0)
        self.ip(f"link set eth0 address {mac} up")
        for fd in (port.fd, self.card):
            os.set_blocking(fd, False)
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self._pump, daemon=True)
        self.thread.start()

    def _pump(self):
        while True:
            ready = select.select([self.port.fd, self.card, self.stop_read], [], [])[0]
            if self.stop_read in ready:
                return
            for fd in ready:
                try:
                    self._move(fd, from_guest=fd == self.card)
                except BlockingIOError:
                    pass
                except OSError:
                    time.sleep(0.005)  # the link is down just now

    def _move(self, fd, from_guest):
        data = os.read(fd, 65536)
        if not from_guest:
            data = data[len(self.header):]
        frame = packets.Frame(data)
        if self.drop(frame, from_guest):
            return
        message = frame.dhcp()
        if message:
            self.dhcp_log.append(Message(time.monotonic(), from_guest, message.kind, frame.src,
                                         frame.dst, message.yiaddr, message.ciaddr))
        if from_guest:
            os.write(self.port.fd, self.header + data)
        else:
            os.write(self.card, data)

    def close(self):
        """The guest is switched off: clients, card and port go."""
        for client in self.clients:
            client.kill()
            client.wait()
        os.write(self.stop_write, b"x")
        self.thread.join()
        os.close(self.card)
        self.port.close()

    # --- addresses

    def static(self, address, gateway, length=24):
        self.ip(f"addr add {address}/{length} dev eth0")
        self.ip(f"route replace default via {gateway}")

    def dhcp(self, client="udhcpc"):
        """Runs a DHCP client until it has an address; it goes on running.
        Returns the address."""
        self.clients.append(CLIENTS[client](self))
        address = self.wait_address()
        # Clients set the route after the address; on a host-only network there is none.
        end = time.monotonic() + 1
        while not self.ip("route show default") and time.monotonic() < end:
            time.sleep(0.02)
        return address

    def slaac(self, timeout=10):
        """Waits for the kernel to form an address from a router's advertisement, and
        for its default route. Returns the address."""
        address = eventually(lambda: self.addresses6("eth0"), timeout,
                             f"{self.name}: address by SLAAC", step=0.05)[0]
        eventually(lambda: self.ip("-6 route show default"), 2, f"{self.name}: IPv6 router")
        return address

    def wait_address(self, timeout=20):
        def one():
            found = [a for a in self.addresses("eth0") if not a.startswith("169.254.")]
            return found[0] if found else None
        try:
            return eventually(one, timeout, f"{self.name}: address by DHCP", step=0.1)
        except Failure as failure:
            raise Failure(f"{failure}; DHCP so far: {self.dhcp_log}; clients: "
                          f"{[client.poll() for client in self.clients]}")


UDHCPC_SCRIPT = """#!/bin/sh
case "$1" in
deconfig) ip -4 addr flush dev "$interface"; ip link set "$interface" up ;;
bound|renew)
    ip addr replace "$ip/${mask:-24}" dev "$interface"
    for hop in $router; do ip route replace default via "$hop" dev "$interface"; done ;;
esac
exit 0
"""

DHCLIENT_SCRIPT = """#!/bin/sh
case "$reason" in
BOUND|REBOOT)
    ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
    for hop in $new_routers; do ip route replace default via "$hop" dev "$interface"; done ;;
EXPIRE|FAIL|RELEASE|STOP) ip -4 addr flush dev "$interface" ;;
esac
exit 0
"""


def _client(guest, *command):
    log = open(f"/tmp/{guest.name}.log", "w")
    return guest.start(*command, private=True, stdout=log, stderr=subprocess.STDOUT)


def start_udhcpc(guest):
    script = _copy("udhcpc-script", UDHCPC_SCRIPT)
    return _client(guest, "udhcpc", "-f", "-i", "eth0", "-s", script, "-t", "10", "-T", "1",
                   "-A", "1")


def start_dhclient(guest):
    script = _copy("dhclient-script", DHCLIENT_SCRIPT)
    empty = _copy("dhclient.conf", "initial-interval 1;\nbackoff-cutoff 2;\ntimeout 30;\n")
    return _client(guest, "dhclient", "-4", "-d", "-cf", empty, "-sf", script, "-lf",
                   "/var/lib/dhcp/leases", "-pf", "/run/dhclient.pid", "eth0")


def start_dhcpcd(guest):
    empty = _copy("dhcpcd.conf", "ipv4only\nnoarp\noption routers\nnohook resolv.conf\n")
    return _client(guest, "dhcpcd", "-4", "-B", "-f", empty, "eth0")


def _copy(name, text):
    path = "/tmp/" + name
    if not os.path.exists(path):
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
    return path


CLIENTS = {"udhcpc": start_udhcpc, "dhclient": start_dhclient, "dhcpcd": start_dhcpcd}
