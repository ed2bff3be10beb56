# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host under test, the networks around it, and the helper called as QEMU does.

The test's own network namespace is the host. `Netns` is any other: the outside,
a LAN, a guest. All are held by descriptors and go with the process.
"""

import array
import ctypes
import difflib
import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from testing import Failure, check, check_equal, eventually

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

TUNSETIFF, TUNGETIFF = 0x400454CA, 0x800454D2
TUNGETVNETHDRSZ, TUNSETPERSIST, TUNSETCARRIER = 0x800454D7, 0x400454CB, 0x400454E2
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x1, 0x2, 0x1000, 0x4000
IFF_TUN_EXCL, IFF_MULTI_QUEUE, IFF_PERSIST = 0x8000, 0x100, 0x800
SO_BINDTODEVICE = 25

# The host's own address at its uplink, and a server that is beyond the uplink.
HOST, OUTSIDE = "192.0.2.2", "198.51.100.1"
HOST6, OUTSIDE6 = "2001:db8:1::2", "2001:db8:ffff::1"


def _check_errno(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def run(*command, check=True, input=None, timeout=30, **options):
    """Runs a command to its end; returns its output, fails with it."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          input=input, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def sysctl(name, value=None):
    """Reads or writes net.* of the namespace that the thread is in."""
    path = "/proc/sys/" + name.replace(".", "/")
    if value is None:
        with open(path) as file:
            return file.read().strip()
    write(path, str(value))
    return None


def hide_dnsmasq():
    """In this test's mount namespace."""
    run("mount", "--bind", "/dev/null", shutil.which("dnsmasq"))


class Inside:
    """with Inside(netns): this thread is in that network namespace."""

    def __init__(self, netns):
        self.netns = netns

    def __enter__(self):
        if self.netns.fd is not None:
            self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            _check_errno(_libc.setns(self.netns.fd, CLONE_NEWNET), "setns")

    def __exit__(self, *_):
        if self.netns.fd is not None:
            _check_errno(_libc.setns(self.before, CLONE_NEWNET), "setns back")
            os.close(self.before)


class Netns:
    """A network namespace; fd None is the host's own."""

    def __init__(self, name, own=True):
        self.name = name
        self.fd = None
        if own:
            before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            _check_errno(_libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            _check_errno(_libc.setns(before, CLONE_NEWNET), "setns back")
            os.close(before)
            self.ip("link set lo up")

    def command(self, *command, private=False):
        """The command line that runs command in this namespace. private: with
        /run and /var/lib of its own, for several DHCP clients at once."""
        line = list(command)
        if private:
            script = ("mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && "
                      "mkdir -p /var/lib/dhcp /var/lib/dhcpcd /run/dhcpcd && "
                      "cp -a /etc /run/etc && mount --bind /run/etc /etc && "
                      "mount -t sysfs sysfs /sys && exec \"$@\"")
            line = ["unshare", "--mount", "sh", "-c", script, "sh", *line]
        if self.fd is not None:
            line = ["nsenter", f"--net=/proc/self/fd/{self.fd}", *line]
        return line

    def _fds(self):
        return () if self.fd is None else (self.fd,)

    def run(self, *command, private=False, **options):
        return run(*self.command(*command, private=private), pass_fds=self._fds(), **options)

    def start(self, *command, private=False, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.command(*command, private=private), pass_fds=self._fds(),
                                **options)

    def ip(self, arguments, **options):
        return self.run("ip", *arguments.split(), **options)

    def sysctl(self, name, value=None):
        with Inside(self):
            # /proc/sys/net follows the namespace of the task that opens it
            return sysctl(name, value)

    def socket(self, *arguments):
        with Inside(self):
            return socket.socket(*arguments)

    def ping(self, address, source=None, timeout=2, count=1):
        """True if address answers."""
        more = ["-I", source] if source else []
        done = subprocess.run(
            self.command("ping", "-n", "-q", "-c", str(count), "-i", "0.2", "-W", str(timeout),
                         *more, address),
            pass_fds=self._fds(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def fetch(self, address, port=80, timeout=3, source=None):
        """The page that a server of this harness gives, or None."""
        with self.socket(family(address), socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            try:
                if source:
                    connection.bind((source, 0))
                connection.connect((address, port))
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                data = b""
                while chunk := connection.recv(4096):
                    data += chunk
            except OSError:
                return None
        return data.partition(b"\r\n\r\n")[2].decode()

    def fetch_udp(self, address, port=80, timeout=1, source=None, tries=2):
        """What an Echo of this harness says, or None."""
        with self.socket(family(address), socket.SOCK_DGRAM) as connection:
            connection.settimeout(timeout)
            if source:
                connection.bind((source, 0))
            for _ in range(tries):
                try:
                    connection.connect((address, port))
                    connection.send(b"who am I?")
                    return connection.recv(4096).decode()
                except TimeoutError:
                    pass
                except OSError:
                    return None
        return None

    def addresses(self, link):
        """IPv4 addresses of a link."""
        found = json.loads(self.ip(f"-j -4 addr show dev {link}") or "[]")
        return [a["local"] for item in found for a in item.get("addr_info", [])]

    def addresses6(self, link, scope="global"):
        """IPv6 addresses of a link that are ready for use."""
        found = json.loads(self.ip(f"-j -6 addr show dev {link} scope {scope} -tentative") or "[]")
        return [a["local"] for item in found for a in item.get("addr_info", []) if "local" in a]

    def links(self):
        return [item["ifname"] for item in json.loads(self.ip("-j link show"))]


def cable(a, a_name, b, b_name):
    """A veth pair between two namespaces, both ends up."""
    where = [] if b.fd is None else ["netns", f"/proc/self/fd/{b.fd}"]
    fds = tuple(fd for fd in (a.fd, b.fd) if fd is not None)
    run(*a.command("ip", "link", "add", a_name, "type", "veth", "peer", "name", b_name, *where),
        pass_fds=fds)
    a.ip(f"link set {a_name} up")
    b.ip(f"link set {b_name} up")


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(netns, kind, address, port):
    """A bound socket; "::" is IPv6 alone."""
    found = netns.socket(family(address), kind)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    found.bind((address, port))
    return found


class Page:
    """An HTTP server in a namespace: says who asked, and remembers it."""

    def __init__(self, netns, address, port=80, text="the page"):
        self.seen = []
        self.text = text
        self.listener = listener(netns, socket.SOCK_STREAM, address, port)
        self.listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, peer = self.listener.accept()
            self.seen.append(peer[0])
            try:
                connection.settimeout(2)
                connection.recv(4096)
                text = f"{self.text}; you are {peer[0]}\n".encode()
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
                                   b"Content-Length: %d\r\n\r\n" % len(text) + text)
            except OSError:
                pass
            connection.close()


class Echo:
    """The same by UDP: one datagram for each that comes."""

    def __init__(self, netns, address, port=80, text="the page"):
        self.seen = []
        self.text = text
        self.listener = listener(netns, socket.SOCK_DGRAM, address, port)
        # the answer comes from the address that was asked
        level, option = ((socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) if ":" in address
                         else (socket.IPPROTO_IP, 8))  # IP_PKTINFO
        self.listener.setsockopt(level, option, 1)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            _, where, _, peer = self.listener.recvmsg(4096, 256)
            self.seen.append(peer[0])
            try:
                self.listener.sendmsg([f"{self.text}; you are {peer[0]}\n".encode()],
                                      [answer_from(*item) for item in where], 0, peer)
            except OSError:
                pass


def answer_from(level, kind, data):
    """The control message that makes the address asked the source: no interface."""
    if level == socket.IPPROTO_IP:
        return level, kind, bytes(4) + data[4:8] + bytes(4)
    return level, kind, data[:16] + bytes(4)


class Capture:
    """What passes an interface, both directions, as raw frames."""

    def __init__(self, netns, link):
        self.socket = netns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        with Inside(netns):
            self.socket.bind((link, 3))
        self.socket.setblocking(False)
        self.frames = []

    def read(self):
        """All frames so far: (packets.Frame, is it outgoing)."""
        import packets
        while True:
            try:
                data, where = self.socket.recvfrom(65536)
            except BlockingIOError:
                return self.frames
            self.frames.append((packets.Frame(data), where[2] == socket.PACKET_OUTGOING))


class Port:
    """A tap whose descriptor we got."""

    def __init__(self, fd):
        self.fd = fd
        request = fcntl.ioctl(fd, TUNGETIFF, bytes(40))
        self.name = request[:16].rstrip(b"\0").decode()
        self.flags = struct.unpack_from("H", request, 16)[0]

    @property
    def vnet_hdr(self):
        return bool(self.flags & IFF_VNET_HDR)

    def close(self, wait=True):
        """As when the hypervisor ends; the kernel needs some ms to remove the tap."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        if wait:
            eventually(lambda: not os.path.exists("/sys/class/net/" + self.name), 5,
                       f"{self.name} gone")


class Start:
    """How one start of the helper ended."""

    def __init__(self, status, stdout, stderr, fds, payload, closed, seconds):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.fds = fds
        self.payload = payload
        self.closed = closed  # the peer's end was closed by all who had it
        self.seconds = seconds
        self.port = Port(fds[0]) if len(fds) == 1 else None

    def __repr__(self):
        return (f"<exit {self.status}, {len(self.fds)} fds, {len(self.payload)} bytes, "
                f"stderr {self.stderr!r}>")


class World:
    """The host, with an uplink to an outside unless told otherwise."""

    places = None

    def __init__(self, outside=True, networks=True, ipv6=False):
        self.places = World.places
        self.host = Netns("host", own=False)
        # Duplicate address detection ends in the middle of a comparison.
        sysctl("net.ipv6.conf.default.accept_dad", 0)
        if outside:
            self.outside = Netns("outside")
            self.uplink("uplink0", "192.0.2", default=True)
            self.outside.ip(f"addr add {OUTSIDE}/32 dev lo")
            self.outside.sysctl("net.ipv4.ip_forward", 1)
            self.page = Page(self.outside, "0.0.0.0")
        if outside and ipv6:
            self.uplink6("uplink0", "2001:db8:1", default=True)
            self.outside.ip(f"addr add {OUTSIDE6}/128 dev lo nodad")
            self.outside.sysctl("net.ipv6.conf.all.forwarding", 1)
            self.page6 = Page(self.outside, "::")
        if networks is True:
            self.network("nat", self.nat())

    # --- around the host

    def uplink(self, name, net, default=False):
        """A cable to the outside: host NET.2, outside NET.1."""
        cable(self.host, name, self.outside, "to-" + name)
        self.host.ip(f"addr add {net}.2/24 dev {name}")
        self.outside.ip(f"addr add {net}.1/24 dev to-{name}")
        if default:
            self.host.ip(f"route replace default via {net}.1 dev {name}")

    def uplink6(self, name, net, default=False):
        """IPv6 on the same cable: host NET::2, outside NET::1."""
        self.host.ip(f"addr add {net}::2/64 dev {name} nodad")
        self.outside.ip(f"addr add {net}::1/64 dev to-{name} nodad")
        if default:
            self.host.ip(f"-6 route replace default via {net}::1 dev {name}")

    # --- configuration

    def nat(self, **changes):
        """A masqueraded network that everybody here may use. A value None
        removes the key."""
        network = {"mode": "masqueraded", "subnet": "192.168.77.0/24",
                   "allow": [{"everyone": True}]}
        return merge(network, changes)

    def bridged(self, **changes):
        network = {"mode": "bridged", "bridge": "br0", "allow": [{"everyone": True}]}
        return merge(network, changes)

    def network(self, name, content):
        """Writes a network file; content: a dict, or the text itself."""
        path = f"{self.places.networks}/{name}.json"
        write(path, content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")
        os.chmod(path, 0o644)
        return path

    def profile(self, name, content, user="alice"):
        """Writes a user's profile, or the administrator's for user None."""
        text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
        if user is None:
            path = f"{self.places.profiles}/{name}.json"
            write(path, text)
            os.chmod(path, 0o644)
            return path
        entry = pwd.getpwnam(user)
        folder = entry.pw_dir
        for part in (".config", "tapster", "profiles"):
            folder = os.path.join(folder, part)
            if not os.path.isdir(folder):
                os.mkdir(folder, 0o700)
                os.chown(folder, entry.pw_uid, entry.pw_gid)
        path = f"{folder}/{name}.json"
        write(path, text)
        os.chmod(path, 0o600)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    # --- the helper

    def spawn(self, arguments, fd_number, user="alice", groups=None, env=None, shell=None,
              stdin=subprocess.DEVNULL, umask=0o077, cwd="/", netns=None, more_fds=()):
        """Starts the helper as QEMU does: SIGCHLD blocked, 0-2 given, fd N passed."""
        entry = pwd.getpwnam(user)
        if groups is None:
            groups = os.getgrouplist(user, entry.pw_gid)
        command = [self.places.helper, *arguments] if shell is None else ["/bin/sh", "-c", shell]
        fds = [fd for fd in (fd_number, *more_fds) if fd is not None]
        if netns is not None and netns.fd is not None:
            raise ValueError("the helper runs on the host")
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            return subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=fds, user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups,
                umask=umask, cwd=cwd,
                env={"PATH": "/usr/bin:/bin", "HOME": entry.pw_dir} if env is None else env)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)

    def start(self, *arguments, user="alice", vnet=False, fd=True, order=None, shell=None,
              timeout=20, **options):
        """One start. arguments: all but --use-vnet and --fd=N, which come first as
        QEMU sends them; order: a function from the fd's number to the whole argv."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        number = theirs.fileno()
        line = []
        if vnet:
            line.append("--use-vnet")
        if fd:
            line.append(f"--fd={number}")
        line += arguments
        if order:
            line = order(number)
        if shell:
            shell = shell.replace("@FD@", str(number))
        began = time.monotonic()
        process = self.spawn(line, number, user=user, shell=shell, **options)
        theirs.close()
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"the helper, or somebody it left behind, keeps 1 or 2 open: {line}")
        seconds = time.monotonic() - began
        ours.settimeout(0.5)
        payload, fds, closed = receive(ours)
        ours.close()
        return Start(process.returncode, stdout.decode(), stderr.decode(), fds, payload, closed,
                     seconds)

    def port(self, *arguments, **options):
        """A start that must succeed; returns the Port."""
        result = self.start(*(arguments or ("--br=nat",)), **options)
        if result.status != 0 or result.port is None:
            raise Failure(f"helper {arguments}: {result}")
        return result.port

    def refused(self, status, *arguments, **options):
        """A start that must be refused with this exit status and one line, which
        is returned; nothing may be sent and nothing be left."""
        result = self.start(*arguments, **options)
        check_equal(result.fds, [], "descriptors sent")
        check_equal(result.payload, b"", "bytes sent")
        check_equal(result.stdout, "", "stdout")
        check(result.stderr.endswith("\n") and result.stderr.count("\n") == 1,
              f"one line on stderr, not {result.stderr!r}")
        check_equal(result.status, status, f"exit status of {result.stderr.strip()!r}")
        return result.stderr.rstrip("\n")

    # --- what is there

    def taps(self):
        return [name for name in self.host.links() if name.startswith("ts") and
                os.path.exists(f"/sys/class/net/{name}/tun_flags")]

    def wait_no_taps(self):
        """Taps go some ms after their last descriptor."""
        eventually(lambda: not self.taps(), 5, "no taps")

    def address_of(self, port):
        """The guest's address: the /32 route to its tap."""
        routes = json.loads(self.host.ip(f"-j route show dev {port.name}"))
        found = [r["dst"] for r in routes if "/" not in r["dst"] and r["dst"] != "default"]
        if len(found) != 1:
            raise Failure(f"one route to {port.name}, found {routes}")
        return found[0]

    def prefix6_of(self, port):
        """The /64 of a routed port, as the host's end of its cable has it."""
        found = [a for a, length in self.lengths6_of(port).items() if length == 64]
        check_equal(len(found), 1, f"IPv6 addresses on {port}")
        return found[0].rpartition("::")[0]

    def resolver6_of(self, port):
        """Where the port's network has its DNS server."""
        found = [a for a, length in self.lengths6_of(port).items() if length == 128]
        check_equal(len(found), 1, f"addresses of a name server on {port}")
        return found[0]

    def lengths6_of(self, port):
        name = getattr(port, "name", port)
        found = json.loads(self.host.ip(f"-j -6 addr show dev {name} scope global"))
        return {a["local"]: a["prefixlen"] for item in found for a in item.get("addr_info", [])
                if "local" in a}

    def gateway_of(self, port):
        found = self.host.addresses(port.name)
        check_equal(len(found), 1, f"addresses on {port.name}")
        return found[0]

    def snapshot(self):
        """Everything of the host that a start could leave behind."""
        links = []
        for link in json.loads(self.host.ip("-d -j link show")):
            link["flags"] = sorted(set(link["flags"]) - {"NO-CARRIER", "LOWER_UP"})
            kept = {key: link[key] for key in
                    ("ifname", "address", "mtu", "flags", "master", "group", "ifalias")
                    if key in link}
            info = link.get("linkinfo", {})
            kept["kind"] = info.get("info_kind")
            kept["settings"] = {key: value for key, value in info.get("info_data", {}).items()
                                if "timer" not in key}
            links.append(json.dumps(kept, sort_keys=True))
        state = []
        for base in (self.places.statedir, self.places.runstatedir):
            for folder, _, files in os.walk(base):
                state += [os.path.join(folder, name) for name in files]
        sysctls = []
        for root in ("/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf"):
            for folder, _, files in os.walk(root):
                for name in files:
                    if name in ("forwarding", "proxy_arp", "rp_filter", "route_localnet",
                                "accept_ra", "disable_ipv6"):
                        sysctls.append(f"{folder}/{name} = {sysctl(f'{folder}/{name}'[10:])}")
        return {
            "links": links,
            "addresses": re.sub(r"( tentative| dadfailed)|valid_lft.*| *\\\\",  "",
                                self.host.ip("-o addr show")).splitlines(),
            "routes": self.host.ip("route show table all").splitlines(),
            "rules": (self.host.ip("rule show") + self.host.ip("-6 rule show")).splitlines(),
            # elements that expire by themselves come with the guests' packets
            "ruleset": [line for line in self.host.run("nft", "list", "ruleset").splitlines()
                        if " expires " not in line],
            "sysctls": [f"net.ipv4.ip_forward = {sysctl('net.ipv4.ip_forward')}", *sorted(sysctls)],
            "processes": [f"{name} {pid}" for name in ("tapster-dhcp", "dnsmasq")
                          for pid in sorted(processes(name))],
            "state": sorted(state),
        }

    def check_unchanged(self, before, but=()):
        after = self.snapshot()
        for key, lines in before.items():
            if key not in but and after[key] != lines:
                raise Failure(f"{key}: " + "; ".join(
                    line for line in difflib.ndiff(lines, after[key]) if line[0] in "+-"))


def merge(base, changes):
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def receive(connection, want=1):
    """Everything that was sent: (payload, descriptors, whether the peer closed)."""
    payload, fds = b"", []
    while True:
        try:
            data, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(16 * 4),
                                                       socket.MSG_CMSG_CLOEXEC)
        except (socket.timeout, TimeoutError):
            return payload, fds, False
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[:len(content) - len(content) % numbers.itemsize])
                fds += list(numbers)
        if not data:
            return payload, fds, True
        payload += data


def processes(name):
    """Ids of living processes of that name in this PID namespace."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    text = file.read()
            except OSError:
                continue
            command, _, rest = text.partition("(")[2].rpartition(")")
            if command == name[:15] and rest.split()[0] not in "ZX":
                found.append(int(entry))
    return found
