# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a name means, who may, and every refusal's one line."""

import os
import pwd

from status import CONFIG, DENIED, SYSTEM, UNSUPPORTED
from testing import check, check_equal, check_in, test
from world import World


@test("net-names-order")
def order():
    """--profile before --network before --br; --br: administrator's profile,
    network, own profile."""
    world = World()
    for name, number in (("nat", 77), ("one", 1), ("two", 2), ("same", 3)):
        world.network(name, world.nat(subnet=f"192.168.{number}.0/24"))
    world.profile("admin", {"network": "one"}, user=None)
    world.profile("admin", {"network": "two"})
    world.profile("mine", {"network": "two"})
    world.profile("same", {"network": "two"})
    world.profile("path", {"network": "two"})

    def net(*arguments):
        port = world.port(*arguments)
        found = world.address_of(port).split(".")[2]
        port.close()
        return int(found)

    check_equal(net("--br=nat"), 77, "--br: a network")
    check_equal(net("--br=admin"), 1, "--br: the administrator's profile")
    check_equal(net("--br=mine"), 2, "--br: the caller's profile")
    check_equal(net("--br=same"), 3, "--br: a network before the caller's profile")
    check_equal(net("--profile=same", "--br=nat"), 2, "--profile before --br")
    check_equal(net("--profile=admin", "--br=nat"), 1, "the administrator's before the caller's")
    check_equal(net("--network=one", "--br=nat"), 1, "--network before --br")
    check_equal(net("--profile=mine", "--network=one", "--br=nat"), 2, "--profile before all")
    home = pwd.getpwnam("alice").pw_dir
    check_equal(net(f"--profile={home}/.config/tapster/profiles/path.json"), 2, "a path")
    # the losers are not looked up
    check_equal(net("--network=one", "--br=there-is-no-such-thing"), 1, "loser")
    check_equal(net("--profile=mine", "--br=" + "x" * 3000), 2, "long loser")


@test("net-names-home")
def home():
    """The home directory is the user database's, whatever HOME says; it is read
    with the caller's rights."""
    world = World()
    world.profile("web", {"network": "nat"})
    world.profile("web", {"network": "none-such"}, user="bob")
    port = world.port("--profile=web", env={"HOME": "/home/bob", "XDG_CONFIG_HOME": "/home/bob"})
    port.close()
    # bob's file as alice: as cat would say
    line = world.refused(CONFIG, "--profile=/home/bob/.config/tapster/profiles/web.json")
    check_in("Permission denied", line, "message")
    os.chmod("/root", 0o700)
    for path in ("/root/x.json", "/root/.bashrc"):
        line = world.refused(CONFIG, f"--profile={path}")
        check_in("Permission denied", line, "message")
    # what exists below a closed directory cannot be told from what does not
    os.makedirs("/run/closed", mode=0o700)
    with open("/run/closed/there.json", "w"):
        pass
    lines = [world.refused(CONFIG, f"--profile=/run/closed/{name}.json")
             for name in ("there", "gone")]
    check_equal(lines[0].replace("there", "gone"), lines[1], "messages")


@test("net-names-odd-files")
def odd_files():
    """A profile that is a FIFO, a device, a directory, huge; links are fine."""
    world = World()
    path = world.profile("web", {"network": "nat"})
    folder = os.path.dirname(path)
    os.mkfifo(folder + "/fifo.json")
    os.chmod(folder + "/fifo.json", 0o666)
    os.symlink("/dev/zero", folder + "/zero.json")
    os.symlink("/dev/tty", folder + "/tty.json")
    os.mkdir(folder + "/folder.json")
    with open(folder + "/huge.json", "w") as file:
        file.write(" " * (64 * 1024) + "{}")
    os.chmod(folder + "/huge.json", 0o644)
    os.symlink("web.json", folder + "/link.json")
    os.symlink("loop.json", folder + "/loop.json")
    before = world.snapshot()
    for name in ("fifo", "zero", "tty", "folder", "huge", "loop"):
        result = world.start(f"--profile={name}")
        check(result.status in (CONFIG, SYSTEM) and not result.fds, f"{name}: {result}")
        check_equal(result.stderr.count("\n"), 1, f"lines for {name}")
        check_in(f"{name}.json", result.stderr, "message")
    world.check_unchanged(before)
    world.port("--profile=link")


@test("net-names-unknown")
def unknown():
    """A refusal lists what the caller may use."""
    world = World()
    world.network("lab", world.nat(subnet="10.9.0.0/24", allow=[{"user": "bob"}]))
    world.profile("web", {"network": "gone"})
    before = world.snapshot()
    for argument, what in (("--br=br0", "profile or network 'br0'"),
                           ("--network=br0", "network 'br0'"),
                           ("--profile=br0", "profile 'br0'"),
                           ("--profile=web", "network 'gone'"),
                           ("--br=sixteencharacter", "'sixteencharacter'"),
                           ("--br=../nat", "'../nat'"),
                           ("--br=nat.json", "'nat.json'"),
                           ("--br=NAT", "'NAT'"),
                           ("--br=nat\n", "'nat\\x0a'"),
                           ("--network=/etc/passwd", "'/etc/passwd'"),
                           ("--br=" + "n" * 5000, "nnn'...")):
        line = world.refused(DENIED, argument)
        check_in(what, line, "message")
        check_in("networks that alice (uid 1000) may use: nat", line, "message")
        check("lab" not in line.split("may use")[1], f"lists what alice may not use: {line}")
    world.check_unchanged(before)
    line = world.refused(DENIED, "--br=x", user="bob")
    check_in("lab, nat", line, "message")


@test("net-names-denied")
def denied():
    """Who was denied what, by which file, and what they may use instead."""
    world = World()
    lab = world.network("lab", world.nat(subnet="10.9.0.0/24", allow=[
        {"user": "bob"}, {"group": "kvm-admins"}, {"user": "nobody-of-that-name"}]))
    root = world.network("root", world.nat(subnet="10.10.0.0/24", allow=[]))
    before = world.snapshot()
    line = world.refused(DENIED, "--br=lab")
    for part in ("'lab'", lab, "uid 1000", "user bob", "nat"):
        check_in(part, line, "message")
    line = world.refused(DENIED, "--br=root")
    for part in ("'root'", root, "nobody but root"):
        check_in(part, line, "message")
    world.check_unchanged(before)


@test("net-names-allow")
def allow():
    """user, group (primary and supplementary), everyone, can_open."""
    world = World(networks=False)
    cases = [
        ([{"user": "alice"}], "alice", True), ([{"user": "alice"}], "bob", False),
        ([{"group": "kvm"}], "alice", True), ([{"group": "kvm"}], "carol", False),
        ([{"group": "carol"}], "carol", True), ([{"group": "alice"}], "carol", False),
        ([{"everyone": True}], "dave", True), ([], "alice", False), ([], "root", True),
        ([{"user": "no-such-user"}], "alice", False),
        ([{"group": "no-such-group"}], "alice", False),
        ([{"user": "bob"}, {"user": "alice"}], "alice", True),
        ([{"can_open": "/run/device"}], "alice", True),
        ([{"can_open": "/run/device"}], "carol", False),
        ([{"can_open": "/run/no-device"}], "alice", False),
    ]
    with open("/run/device", "w"):
        pass
    os.chown("/run/device", 0, 978)
    os.chmod("/run/device", 0o660)
    for entries, user, expected in cases:
        world.network("nat", world.nat(allow=entries))
        result = world.start("--br=nat", user=user)
        check_equal(result.status, 0 if expected else DENIED, f"{user} by {entries}: {result}")
        if result.port:
            result.port.close()
    # groups are those of the process, not of the database
    world.network("nat", world.nat(allow=[{"group": "kvm"}]))
    check_equal(world.start("--br=nat", groups=[]).status, DENIED, "alice without her groups")
    world.port("--br=nat", user="carol", groups=[978]).close()


@test("net-names-mode-only")
def mode_only():
    """A profile that says only its mode."""
    world = World()
    world.profile("web", {"mode": "masqueraded"})
    world.profile("lan", {"mode": "bridged"})
    world.port("--profile=web").close()
    line = world.refused(DENIED, "--profile=lan")
    check_in("bridged", line, "message")
    world.network("lab", world.nat(subnet="10.9.0.0/24"))
    line = world.refused(CONFIG, "--profile=web")
    check_in("several (lab, nat)", line, "message")
    world.network("lab", world.nat(subnet="10.9.0.0/24", allow=[{"user": "bob"}]))
    world.port("--profile=web").close()
    world.profile("wrong", {"mode": "bridged", "network": "nat"})
    line = world.refused(CONFIG, "--profile=wrong")
    check_in("wants mode 'bridged', network 'nat' is masqueraded", line, "message")


@test("net-names-grants")
def grants():
    world = World()
    world.profile("address", {"network": "nat", "address": "192.168.77.20"})
    world.profile("mac", {"network": "nat", "mac": "52:54:00:00:00:99"})
    before = world.snapshot()
    line = world.refused(DENIED, "--profile=address")
    check_in("fixes an address, which network 'nat' does not grant", line, "message")
    line = world.refused(DENIED, "--profile=mac")
    check_in("fixes a MAC, which network 'nat' does not grant", line, "message")
    world.check_unchanged(before)
    # the administrator's own profile needs no grant
    world.profile("fixed", {"network": "nat", "address": "192.168.77.21"}, user=None)
    check_equal(world.address_of(world.port("--br=fixed")), "192.168.77.21", "address")


@test("net-names-trust")
def trust():
    """A network file that others can write decides nothing."""
    world = World()
    path = world.network("nat", world.nat())
    folder = os.path.dirname(path)
    before = world.snapshot()
    cases = [(path, 0o664, 0, "chmod go-w"), (path, 0o646, 0, "chmod go-w"),
             (path, 0o644, 1000, "chown root"), (folder, 0o775, 0, "chmod go-w"),
             (folder, 0o755, 1000, "chown root")]
    for target, mode, owner, advice in cases:
        status = os.stat(target)
        os.chmod(target, mode)
        os.chown(target, owner, 0)
        line = world.refused(CONFIG, "--br=nat")
        check_in(f"{advice} {target}", line, "message")
        os.chmod(target, status.st_mode & 0o7777)
        os.chown(target, status.st_uid, 0)
    # links are not followed, but for /dev/null, which masks
    os.rename(path, folder + "/other")
    os.symlink("other", path)
    line = world.refused(CONFIG, "--br=nat")
    check_in("links are not followed", line, "message")
    for mask in ("link", "empty"):
        os.unlink(path)
        if mask == "link":
            os.symlink("/dev/null", path)
        else:
            open(path, "w").close()
        line = world.refused(DENIED, "--br=nat")
        check_in("'nat'", line, "message")
    os.unlink(path)
    os.mkfifo(path)
    line = world.refused(CONFIG, "--br=nat")
    check_in("not a regular file", line, "message")
    os.unlink(path)
    os.rename(folder + "/other", path)
    world.check_unchanged(before)
    world.port()


@test("net-names-changed-while-live")
def changed():
    """The old parameters stay in force; starts go on with one warning."""
    world = World()
    port = world.port()
    address = world.address_of(port)
    world.network("nat", world.nat(subnet="10.55.0.0/24"))
    result = world.start("--br=nat")
    check_equal(result.status, 0, str(result))
    check_in("networks/nat.json' has changed", result.stderr, "warning")
    check_equal(result.stderr.count("\n"), 1, "lines")
    check_equal(world.address_of(result.port).rsplit(".", 1)[0], address.rsplit(".", 1)[0],
                "subnet while ports are live")
    port.close()
    result.port.close()
    result = world.start("--br=nat")
    check_equal((result.status, result.stderr), (0, ""), "start afterwards")
    check(world.address_of(result.port).startswith("10.55.0."), "the new subnet")


# Each of these json-c or some other parser takes; line and column of the fault
JSON_FAULTS = [
    ("comment", b'{\n  // no\n  "mode": "masqueraded" }', 2),
    ("comment-c", b'{ "mode": /* no */ "masqueraded" }', 1),
    ("comment-hash", b'{ "mode": "masqueraded" # no\n}', 1),
    ("single-quotes", b"{ 'mode': 'masqueraded' }", 1),
    ("single-quoted-value", b"{ \"mode\": 'masqueraded' }", 1),
    ("trailing-comma", b'{ "mode": "masqueraded",\n}', 2),
    ("trailing-comma-array", b'{ "mode": "masqueraded", "allow": [ { "everyone": true }, ] }', 1),
    ("trailing-bytes", b'{ "mode": "masqueraded" }\n x', 2),
    ("two-documents", b'{ "mode": "masqueraded" }{}', 1),
    ("nan", b'{ "mode": "masqueraded", "mtu": NaN }', 1),
    ("infinity", b'{ "mode": "masqueraded", "mtu": Infinity }', 1),
    ("minus-infinity", b'{ "mode": "masqueraded", "mtu": -Infinity }', 1),
    ("newline-in-string", b'{ "mode": "masque\nraded" }', 1),
    ("tab-in-string", b'{ "mode": "masque\traded" }', 1),
    ("nul-escape", b'{ "mode": "masqueraded", "subnet": "auto\\u0000" }', 1),
    ("nul-byte", b'{ "mode": "masqueraded" }\0', 1),
    ("duplicate-key", b'{ "mode": "masqueraded",\n "mode": "bridged" }', 2),
    ("duplicate-escaped", b'{ "mode": "masqueraded",\n "mod\\u0065": "masqueraded" }', 2),
    ("bad-utf8", b'{ "mode": "masqueraded", "subnet": "\xff" }', 1),
    ("overlong-utf8", b'{ "mode": "masqueraded", "subnet": "\xc0\xae" }', 1),
    ("surrogate", b'{ "mode": "masqueraded", "subnet": "\\ud800" }', 1),
    ("byte-order-mark", b'\xef\xbb\xbf{ "mode": "masqueraded" }', 1),
    ("leading-zero", b'{ "mode": "masqueraded", "mtu": 01500 }', 1),
    ("plus", b'{ "mode": "masqueraded", "mtu": +1500 }', 1),
    ("hexadecimal", b'{ "mode": "masqueraded", "mtu": 0x5dc }', 1),
    ("fraction-only", b'{ "mode": "masqueraded", "mtu": .5 }', 1),
    ("upper-case", b'{ "mode": "masqueraded", "dhcp": True }', 1),
    ("unquoted-key", b'{ mode: "masqueraded" }', 1),
    ("truncated", b'{ "mode": "masqueraded"', 1),
    ("truncated-string", b'{ "mode": "masq', 1),
    ("array", b'[ "masqueraded" ]', 1),
    ("string", b'"masqueraded"', 1),
    ("null", b"null", 1),
    ("white", b" \n ", 2),
    ("deep", b'{ "mode": "masqueraded", "allow": ' + b"[" * 500 + b"]" * 500 + b" }", 1),
    ("vertical-tab", b'{ "mode":\x0b"masqueraded" }', 1),
    ("number-as-string", b'{ "mode": "masqueraded", "mtu": "1500" }', 1),
    ("string-as-number", b'{ "mode": 1 }', 1),
    ("float", b'{ "mode": "masqueraded", "mtu": 1500.0 }', 1),
    ("exponent", b'{ "mode": "masqueraded", "mtu": 15e2 }', 1),
    ("huge-number", b'{ "mode": "masqueraded", "mtu": 99999999999999999999999 }', 1),
    ("negative", b'{ "mode": "masqueraded", "mtu": -1500 }', 1),
    ("null-value", b'{ "mode": "masqueraded", "dhcp": null }', 1),
    ("array-for-string", b'{ "mode": ["masqueraded"] }', 1),
    ("boolean-as-number", b'{ "mode": "masqueraded", "dhcp": 1 }', 1),
    ("unknown-key", b'{ "mode": "masqueraded",\n "subnett": "auto" }', 2),
    ("no-mode", b'{ "subnet": "auto" }', 1),
    ("everyone-false", b'{ "mode": "masqueraded", "allow": [ { "everyone": false } ] }', 1),
    ("host-bits", b'{ "mode": "masqueraded", "subnet": "192.168.77.5/24" }', 1),
]


@test("net-json-faults")
def json_faults():
    """Each is refused with file, line and path, before anything is done."""
    world = World(networks=False)
    before = world.snapshot()
    for name, content, line_number in JSON_FAULTS:
        path = f"{world.places.networks}/nat.json"
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o644)
        line = world.refused(CONFIG, "--br=nat")
        check_in(f"{path}:{line_number}:", line, f"place of {name}")
        check_in(": $", line, f"JSON path of {name}")
        check(all(c.isprintable() for c in line), f"{name}: {line!r} is not printable")
    world.check_unchanged(before)


@test("net-json-profile-faults")
def profile_faults():
    world = World()
    before = world.snapshot()
    for name, content, part in (
            ("quotes", "{ 'network': 'nat' }", ":1:3: $"),
            ("unknown", '{ "network": "nat",\n "colour": 1 }', ":2:2: $"),
            ("none", "{ }", ":1:1: $"),
            ("mac", '{ "network": "nat", "mac": "01:00:5e:00:00:01" }', "$.mac"),
            ("address", '{ "network": "nat", "address": "192.168.77.020" }', "$.address"),
            ("name", '{ "network": "nat", "name": "-x" }', "$.name")):
        path = world.profile(name, content)
        line = world.refused(CONFIG, f"--profile={name}")
        check_in(path, line, name)
        check_in(part, line, name)
    world.check_unchanged(before, but=("state",))


@test("net-json-later")
def later():
    """A key whose function comes with a later version is refused by name."""
    world = World(networks=False)
    before = world.snapshot()
    for key, value in (("limits", {}), ("firewall", "cooperate")):
        world.network("nat", world.nat(**{key: value}))
        line = world.refused(UNSUPPORTED, "--br=nat")
        check_in(f"$.{key}", line, "message")
        check_in("this version of tapster", line, "message")
    world.network("nat", world.bridged(attach="macvtap"))
    check_in("$.attach", world.refused(UNSUPPORTED, "--br=nat"), "message")
    world.network("nat", world.nat(segment="shared", guest_to_guest=False))
    check_in("$.guest_to_guest", world.refused(UNSUPPORTED, "--br=nat"), "message")
    world.network("nat", world.nat())
    world.profile("web", {"network": "nat", "limits": {}})
    check_in("$.limits", world.refused(UNSUPPORTED, "--profile=web"), "message")
    world.check_unchanged(before)
