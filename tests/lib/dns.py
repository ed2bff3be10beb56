# SPDX-License-Identifier: LGPL-2.1-or-later
"""DNS as far as the tests need it: a client, and a server that knows a few names."""

import collections
import select
import socket
import struct
import threading

from world import Inside

# RFC 1035 section 3.2.2, RFC 3596
TYPES = {"A": 1, "PTR": 12, "AAAA": 28}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5

Reply = collections.namedtuple("Reply", "status values")


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in name.rstrip(".").split(".") if label) + b"\0"


def decode_name(data, at):
    """(name, where it ends); follows pointers (RFC 1035 section 4.1.4)."""
    labels, end = [], None
    for _ in range(128):
        length = data[at]
        if length & 0xC0 == 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", data, at)[0] & 0x3FFF
        elif length == 0:
            return ".".join(labels), end or at + 1
        else:
            labels.append(data[at + 1:at + 1 + length].decode())
            at += 1 + length
    raise ValueError("a name without an end")


def query(name, kind="A", number=0x7473):
    return (struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + encode_name(name) +
            struct.pack("!HH", TYPES[kind], 1))


def parse(data, number=0x7473):
    """A Reply, or None if data is no reply to the query of that number."""
    if len(data) < 12:
        return None
    found, flags, questions, answers = struct.unpack_from("!HHHH", data)
    if found != number or not flags & 0x8000:
        return None
    at = 12
    for _ in range(questions):
        at = decode_name(data, at)[1] + 4
    values = []
    for _ in range(answers):
        at = decode_name(data, at)[1]
        kind, _, _, length = struct.unpack_from("!HHIH", data, at)
        at += 10
        if kind == TYPES["A"]:
            values.append(socket.inet_ntop(socket.AF_INET, data[at:at + length]))
        elif kind == TYPES["AAAA"]:
            values.append(socket.inet_ntop(socket.AF_INET6, data[at:at + length]))
        elif kind == TYPES["PTR"]:
            values.append(decode_name(data, at)[0])
        at += length
    return Reply(flags & 15, values)


def reverse(address):
    """The name under which PTR records of an address are."""
    if ":" not in address:
        return ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    digits = socket.inet_pton(socket.AF_INET6, address).hex()
    return ".".join(reversed(digits)) + ".ip6.arpa"


def ask(netns, server, name, kind="A", tcp=False, port=53, timeout=2):
    """The server's Reply, or None if there was none."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    message = query(name, kind)
    with netns.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect((server, port))
            if not tcp:
                connection.send(message)
                return parse(connection.recv(4096))
            connection.sendall(struct.pack("!H", len(message)) + message)
            return parse(read_message(connection))
        except OSError:
            return None


def look_up(netns, server, name, kind="A", **more):
    """The values alone; [] if the name does not exist, None without a reply."""
    reply = ask(netns, server, name, kind, **more)
    if reply is None or reply.status not in (NOERROR, NXDOMAIN):
        return None
    return reply.values


def look_up_address(netns, server, address, **more):
    return look_up(netns, server, reverse(address), "PTR", **more)


def read_message(connection):
    """One message of a TCP connection (RFC 1035 section 4.2.2)."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack_from("!H", data)[0]:
        more = connection.recv(4096)
        if not more:
            raise ConnectionError("it was closed")
        data += more
    return data[2:]


class DnsServer:
    """A server in a namespace, by UDP and TCP. names: {"web.test": ["192.0.2.7"]};
    what else is asked for does not exist."""

    def __init__(self, netns, address, names, port=53):
        self.names = dict(names)
        self.asked = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = []
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with Inside(netns):
                listener = socket.socket(family, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            if kind == socket.SOCK_STREAM:
                listener.listen(16)
            self.sockets.append(listener)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        by_udp, by_tcp = self.sockets
        while True:
            ready = select.select(self.sockets, [], [])[0]
            try:
                if by_udp in ready:
                    data, peer = by_udp.recvfrom(4096)
                    by_udp.sendto(self._answer(data, peer[0]), peer)
                if by_tcp in ready:
                    connection, peer = by_tcp.accept()
                    with connection:
                        connection.settimeout(2)
                        answer = self._answer(read_message(connection), peer[0])
                        connection.sendall(struct.pack("!H", len(answer)) + answer)
            except (OSError, ValueError, IndexError, struct.error):
                pass

    def _answer(self, data, peer):
        name, end = decode_name(data, 12)
        kind = struct.unpack_from("!H", data, end)[0]
        self.asked.append((name, kind, peer))
        known = self.names.get(name.lower())
        records = b""
        count = 0
        for value in known or []:
            if ":" in value and kind == TYPES["AAAA"]:
                content = socket.inet_pton(socket.AF_INET6, value)
            elif value.replace(".", "").isdigit() and kind == TYPES["A"]:
                content = socket.inet_pton(socket.AF_INET, value)
            elif kind == TYPES["PTR"] and not value.replace(".", "").isdigit():
                content = encode_name(value)
            else:
                continue
            records += struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(content)) + content
            count += 1
        flags = 0x8180 | (NXDOMAIN if known is None else NOERROR)
        return (data[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + data[12:end + 4] +
                records)
