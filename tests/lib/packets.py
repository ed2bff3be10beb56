# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames as bytes: building them, and taking them apart. Pure."""

import socket
import struct

ETH_IP, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86DD
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
BROADCAST = "ff:ff:ff:ff:ff:ff"
QEMU_MAC = "52:54:00:12:34:56"

# RFC 4443 section 4.1, RFC 4861 section 4
ECHO6, ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 128, 133, 134
NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 135, 136

# RFC 2132 section 9.6
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

OPT_MASK, OPT_ROUTER, OPT_DNS, OPT_HOSTNAME, OPT_DOMAIN = 1, 3, 6, 12, 15
OPT_MTU, OPT_ADDRESS, OPT_LEASE, OPT_TYPE, OPT_SERVER = 26, 50, 51, 53, 54
OPT_PARAMETERS, OPT_T1, OPT_T2, OPT_CLIENT_ID, OPT_ROUTES = 55, 58, 59, 61, 121


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(data):
    return ":".join(f"{byte:02x}" for byte in data)


def ip_bytes(text):
    return socket.inet_aton(text)


def ip_text(data):
    return socket.inet_ntoa(data)


def ip6_bytes(text):
    return socket.inet_pton(socket.AF_INET6, text)


def ip_add(text, number):
    value = struct.unpack("!I", ip_bytes(text))[0] + number
    return ip_text(struct.pack("!I", value & 0xFFFFFFFF))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source, destination, kind, payload):
    frame = mac_bytes(destination) + mac_bytes(source) + struct.pack("!H", kind) + payload
    return frame + b"\0" * (60 - len(frame))


def arp(operation, sender_mac, sender_ip, target_mac, target_ip):
    return (struct.pack("!HHBBH", 1, ETH_IP, 6, 4, operation) + mac_bytes(sender_mac) +
            ip_bytes(sender_ip) + mac_bytes(target_mac) + ip_bytes(target_ip))


def ipv4(source, destination, protocol, payload, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0x1234, 0, ttl, protocol, 0,
                       ip_bytes(source), ip_bytes(destination))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + payload


def pseudo(source, destination, protocol, length):
    return ip_bytes(source) + ip_bytes(destination) + struct.pack("!BBH", 0, protocol, length)


def udp(source, destination, source_port, destination_port, payload):
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source_port, destination_port, length, 0)
    total = checksum(pseudo(source, destination, UDP, length) + head + payload) or 0xFFFF
    head = struct.pack("!HHHH", source_port, destination_port, length, total)
    return ipv4(source, destination, UDP, head + payload)


def tcp(source, destination, source_port, destination_port, flags, seq=1000, ack=0):
    head = struct.pack("!HHIIBBHHH", source_port, destination_port, seq, ack, 5 << 4, flags,
                       65535, 0, 0)
    total = checksum(pseudo(source, destination, TCP, len(head)) + head)
    return ipv4(source, destination, TCP, head[:16] + struct.pack("!H", total) + head[18:])


def pseudo6(source, destination, next_header, length):
    return ip6_bytes(source) + ip6_bytes(destination) + struct.pack("!II", length, next_header)


def icmp_echo(source, destination, identifier=7, sequence=1, kind=8, payload=b"tapster"):
    body = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence) + payload
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return ipv4(source, destination, ICMP, body)


def ipv6(source, destination, next_header, payload, hops=255):
    return (struct.pack("!IHBB", 0x60000000, len(payload), next_header, hops) +
            ip6_bytes(source) + ip6_bytes(destination) + payload)


def icmp6(source, destination, kind, body, hops=255):
    """body: what follows the checksum (RFC 4443 section 2.1)."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    total = checksum(pseudo6(source, destination, ICMP6, len(message)) + message)
    return ipv6(source, destination, ICMP6, message[:2] + struct.pack("!H", total) + message[4:],
                hops)


def icmp6_echo(source, destination, identifier=7, sequence=1):
    return icmp6(source, destination, ECHO6, struct.pack("!HH", identifier, sequence) + b"tapster",
                 hops=64)


def router_solicitation(source="::"):
    return icmp6(source, "ff02::2", ROUTER_SOLICITATION, bytes(4))


def router_advertisement(source, mac, prefix):
    """RFC 4861 section 4.2, with one prefix for autoconfiguration."""
    body = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    body += struct.pack("!BB", 1, 1) + mac_bytes(mac)
    body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0)
    body += ip6_bytes(prefix)
    return icmp6(source, "ff02::1", ROUTER_ADVERTISEMENT, body)


def solicited_node(address):
    """RFC 4291 section 2.7.1."""
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") +
                            ip6_bytes(address)[13:])


def multicast_mac(address):
    """RFC 2464 section 7."""
    return "33:33:" + mac_text(ip6_bytes(address)[12:])


def neighbour_solicitation(source, target, mac=None):
    """Without mac and with source "::" it is duplicate address detection."""
    option = struct.pack("!BB", 1, 1) + mac_bytes(mac) if mac else b""
    return icmp6(source, solicited_node(target), NEIGHBOUR_SOLICITATION,
                 bytes(4) + ip6_bytes(target) + option)


def neighbour_advertisement(source, destination, target, mac):
    """Solicited, override."""
    return icmp6(source, destination, NEIGHBOUR_ADVERTISEMENT,
                 struct.pack("!I", 0x60000000) + ip6_bytes(target) +
                 struct.pack("!BB", 2, 1) + mac_bytes(mac))


def udp6(source, destination, source_port, destination_port, payload):
    head = struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0)
    total = checksum(pseudo6(source, destination, UDP, 8 + len(payload)) + head + payload) or 0xFFFF
    return ipv6(source, destination, UDP, head[:6] + struct.pack("!H", total) + payload, hops=64)


def dhcp(mac, kind, options=(), xid=0x1234ABCD, op=1, ciaddr="0.0.0.0", yiaddr="0.0.0.0",
         giaddr="0.0.0.0", flags=0, hops=0):
    """RFC 2131 section 2; options: (code, bytes) pairs after the message type."""
    message = struct.pack("!BBBBIHH", op, 1, 6, hops, xid, 0, flags)
    message += ip_bytes(ciaddr) + ip_bytes(yiaddr) + bytes(4) + ip_bytes(giaddr)
    message += mac_bytes(mac) + bytes(10) + bytes(192)
    message += b"\x63\x82\x53\x63" + bytes([OPT_TYPE, 1, kind])
    for code, value in options:
        message += bytes([code, len(value)]) + value
    message += b"\xff"
    return message + bytes(max(0, 300 - len(message)))


class Dhcp:
    """A DHCP message taken apart; raises ValueError if it is none."""

    def __init__(self, data):
        if len(data) < 240 or data[236:240] != b"\x63\x82\x53\x63":
            raise ValueError("no DHCP message")
        (self.op, _, _, self.hops, self.xid, _, self.flags) = struct.unpack_from("!BBBBIHH", data)
        self.ciaddr, self.yiaddr = ip_text(data[12:16]), ip_text(data[16:20])
        self.siaddr, self.giaddr = ip_text(data[20:24]), ip_text(data[24:28])
        self.mac = mac_text(data[28:34])
        self.options = {}
        at = 240
        while at < len(data) and data[at] != 255:
            if data[at] == 0:
                at += 1
                continue
            length = data[at + 1]
            self.options[data[at]] = data[at + 2:at + 2 + length]
            at += 2 + length
        self.kind = self.options.get(OPT_TYPE, b"\0")[0]

    def address(self, code):
        return ip_text(self.options[code][:4]) if code in self.options else None

    def number(self, code):
        return int.from_bytes(self.options[code], "big") if code in self.options else None


class Frame:
    """An Ethernet frame taken apart as far as the tests look."""

    def __init__(self, data):
        self.data = data
        self.destination, self.source = mac_text(data[:6]), mac_text(data[6:12])
        self.kind = struct.unpack_from("!H", data, 12)[0]
        body = data[14:]
        self.src = self.dst = self.protocol = None
        self.sport = self.dport = self.payload = self.icmp_type = self.tcp_flags = None
        self.arp_operation = None
        if self.kind == ETH_ARP and len(body) >= 28:
            self.arp_operation = struct.unpack_from("!H", body, 6)[0]
            self.sender_mac, self.src = mac_text(body[8:14]), ip_text(body[14:18])
            self.target_mac, self.dst = mac_text(body[18:24]), ip_text(body[24:28])
        elif self.kind == ETH_IP and len(body) >= 20:
            head = (body[0] & 15) * 4
            length = struct.unpack_from("!H", body, 2)[0]
            self.ttl, self.protocol = body[8], body[9]
            self.src, self.dst = ip_text(body[12:16]), ip_text(body[16:20])
            self.payload = body[head:length]
            if self.protocol in (UDP, TCP) and len(self.payload) >= 8:
                self.sport, self.dport = struct.unpack_from("!HH", self.payload)
            if self.protocol == TCP and len(self.payload) >= 14:
                self.tcp_flags = self.payload[13]
            if self.protocol == ICMP and self.payload:
                self.icmp_type = self.payload[0]
        elif self.kind == ETH_IPV6 and len(body) >= 40:
            self.protocol = body[6]
            self.src = socket.inet_ntop(socket.AF_INET6, body[8:24])
            self.dst = socket.inet_ntop(socket.AF_INET6, body[24:40])
            self.payload = body[40:]
            if self.protocol in (UDP, TCP) and len(self.payload) >= 8:
                self.sport, self.dport = struct.unpack_from("!HH", self.payload)
            if self.protocol == TCP and len(self.payload) >= 14:
                self.tcp_flags = self.payload[13]
            if self.protocol == ICMP6 and self.payload:
                self.icmp_type = self.payload[0]

    def dhcp(self):
        """The DHCP message in it, or None."""
        if self.kind == ETH_IP and self.protocol == UDP and {self.sport, self.dport} & {67, 68}:
            try:
                return Dhcp(self.payload[8:])
            except (ValueError, IndexError):
                return None
        return None

    def __repr__(self):
        message = self.dhcp()
        extra = f" dhcp {message.kind} yiaddr {message.yiaddr}" if message else ""
        return (f"<{self.source} > {self.destination} {self.kind:04x} {self.src}:{self.sport} > "
                f"{self.dst}:{self.dport} proto {self.protocol} arp {self.arp_operation} "
                f"icmp {self.icmp_type}{extra}>")
