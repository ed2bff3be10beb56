# SPDX-License-Identifier: LGPL-2.1-or-later
"""src/firewall by its probe: a host, an outside and guests whose ports the test
makes itself.
"""

import json
import re

import packets
from packets import ETH_IP, ETH_IPV6
from world import HOST6, OUTSIDE, OUTSIDE6, Inside, Netns, cable, run, sysctl

PROBE = "/opt/build/tests/net/firewall-probe"
GOLDEN = "/opt/source/tests/unit/golden"

NAT = "nat"
QUIET = "quiet,subnet=192.168.78.0/24,guests=0,host=0"
LAN = "lan,mode=bridged"
HOST_ADDRESS = "192.0.2.2"


def probe(*arguments):
    """Runs the probe; its name=value pairs."""
    output = run(PROBE, *arguments)
    return dict(word.split("=", 1) for word in output.split())


def listing(table=None):
    """As nft has it, but for what packets put in for some seconds."""
    text = run("nft", "list", *(["table", *table.split()] if table else ["ruleset"]))
    return re.sub(r"\n\t\telements = \{[^}]* expires [^}]*\}", "", text)


def host():
    netns = Netns("host", own=False)
    sysctl("net.ipv4.ip_forward", 1)
    return netns


def mac_of(netns, link):
    return json.loads(netns.ip(f"-j link show dev {link}"))[0]["address"]


def host6():
    netns = host()
    sysctl("net.ipv6.conf.default.accept_dad", 0)
    sysctl("net.ipv6.conf.all.forwarding", 1)
    return netns


def outside(where, link="up0", address="192.0.2", beyond=OUTSIDE):
    """A neighbour of the host's, with an address beyond it."""
    netns = Netns("outside-" + link)
    cable(where, link, netns, "eth0")
    where.ip(f"addr add {address}.2/24 dev {link}")
    netns.ip(f"addr add {address}.1/24 dev eth0")
    netns.ip(f"addr add {beyond}/32 dev lo")
    return netns


def outside6(where):
    """As outside(), with IPv6 as well; both know no way to the guests."""
    netns = outside(where)
    where.ip("route add default via 192.0.2.1")
    where.ip(f"addr add {HOST6}/64 dev up0 nodad")
    netns.ip("addr add 2001:db8:1::1/64 dev eth0 nodad")
    netns.ip(f"addr add {OUTSIDE6}/128 dev lo nodad")
    where.ip("-6 route add default via 2001:db8:1::1")
    return netns


def seen(capture, condition):
    """Frames that came in and fulfil condition."""
    return [frame for frame, outgoing in capture.read() if not outgoing and condition(frame)]


class Guest(Netns):
    """A namespace at a routed port of a masqueraded network."""

    def __init__(self, where, network, slot):
        super().__init__(f"guest{slot}")
        found = probe("slot", network, str(slot))
        self.tap, self.address, self.group = found["tap"], found["address"], found["group"]
        self.gateway = self.address.rpartition(".")[0] + ".1"
        cable(where, self.tap, self, "eth0")
        where.ip(f"link set {self.tap} group {self.group}")
        for name, value in (("proxy_arp", 1), ("accept_redirects", 0), ("rp_filter", 0)):
            sysctl(f"net.ipv4.conf.{self.tap}.{name}", value)
        sysctl(f"net.ipv4.neigh.{self.tap}.proxy_delay", 0)
        where.ip(f"addr add {self.gateway}/32 dev {self.tap}")
        where.ip(f"route add {self.address}/32 dev {self.tap} src {self.gateway}")
        self.ip(f"addr add {self.address}/24 dev eth0")
        self.ip(f"route add default via {self.gateway}")
        self.mac, self.tap_mac = mac_of(self, "eth0"), mac_of(where, self.tap)
        self.raw = self.socket(17, 3, 0)  # AF_PACKET, SOCK_RAW
        with Inside(self):
            self.raw.bind(("eth0", 0))

    def send(self, payload, kind=ETH_IP, source=None, destination=None):
        self.raw.send(packets.ethernet(source or self.mac, destination or self.tap_mac, kind,
                                       payload))

    def ipv6(self, prefix, where, own=None, dad=False):
        """The port's /64, and an address in it."""
        self.prefix, self.gateway6 = prefix + "::/64", prefix + "::1"
        self.address6 = own or prefix + "::abcd"
        where.ip(f"addr add {self.gateway6}/64 dev {self.tap} nodad")
        where.ip(f"addr add fe80::1/64 dev {self.tap} nodad")
        if dad:
            self.sysctl("net.ipv6.conf.eth0.accept_dad", 1)
        self.ip(f"addr add {self.address6}/64 dev eth0 {'' if dad else 'nodad'}")
        self.ip("-6 route add default via fe80::1 dev eth0")
        return self

    def claim(self, target):
        """Duplicate address detection, as a frame."""
        self.send(packets.neighbour_solicitation("::", target), ETH_IPV6,
                  destination=packets.multicast_mac(packets.solicited_node(target)))

    def forward(self, **keys):
        """The probe's word for a forward to this guest."""
        words = {"guest": self.address, **keys}
        if hasattr(self, "prefix"):
            words.setdefault("prefix", self.prefix)
        return f"forward={self.tap}" + "".join(f",{key}={value}" for key, value in words.items())
