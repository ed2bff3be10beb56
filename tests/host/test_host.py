# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole Debian 12 host: systemd, udev, its own kernel, and tapster installed as a
package would be. VMs are tests/host/vm.py run by plain users."""

from host import BUILD, PAGE, PAGE_TEXT, SOURCE, Host
from testing import check, check_equal, check_in, eventually, test

ROUTER6 = "fec0::2"  # QEMU's end of the uplink

RESIDENTS = ("tapster-dhcp", "dnsmasq")


def residents(host):
    """{process id: name} of what serves the guests."""
    found = {}
    for name in RESIDENTS:
        for pid in host.run(f"pgrep -x {name} || true").split():
            found[int(pid)] = name
    return found


def cgroup(host, pid):
    return host.run(f"cat /proc/{pid}/cgroup").strip().rpartition(":")[2]


def fetch(host, vm, address=PAGE):
    """A page, fetched by a guest."""
    return host.inside(vm, f"exec 3<>/dev/tcp/{address}/80 && echo GET / >&3 && cat <&3", 10)


def check_works(host, vm, what):
    """Its gateway, the outside, and the host's way to it."""
    check(host.succeeds(host.in_guest(vm, f"ping -n -q -c 1 -W 3 {vm['gateway']}")),
          f"{what}: the gateway {vm['gateway']} does not answer")
    check_in(PAGE_TEXT, fetch(host, vm), f"{what}: the page outside")
    check_in("you are " + vm["gateway"],
             host.run(f"exec 3<>/dev/tcp/{vm['address']}/80 && echo GET / >&3 && cat <&3",
                      timeout=10), f"{what}: the guest's page, fetched by the host")


FORWARD = """{ "network": "nat", "name": "web",
  "forwards": [ { "protocol": "both", "host_port": 8080, "guest_port": 80 } ] }"""


def fetch_here(host, address, port):
    """What answers the host itself at that address and port, or ""."""
    return host.run(f"exec 3<>/dev/tcp/{address}/{port} && echo GET / >&3 && cat <&3",
                    timeout=5, check=False)[1]


def check_forwards(host, vm, what, ipv6=True):
    """FORWARD, by each kind of address, and NAT66."""
    address = host.run("ip -4 -o addr show dev " + host.card()).split()[3].partition("/")[0]
    address6 = host.run(f"ip -6 -o addr show dev {host.card()} scope site").split()[3]
    for to in ("127.0.0.1", address, *([address6.partition("/")[0]] if ipv6 else [])):
        check_in("you are ", fetch_here(host, to, 8080), f"{what}: the forward at {to}")
    check(host.succeeds(host.in_guest(vm, f"ping -q -c 1 -W 3 {ROUTER6}")), f"{what}: NAT66")


def check_serves(host, vm, what):
    """Whoever serves the guests answers this one's DHCP client once more."""
    said = host.inside(vm, "busybox udhcpc -f -n -q -i eth0 -s /bin/true -t 5 -T 2 2>&1", 30)
    check_in(f"lease of {vm['address']} obtained", said, what)


def check_left_alone(host, vm):
    """The host's own network manager did nothing to the tap."""
    check(not host.succeeds(f"test -e /home/{vm['user']}/{vm['name']}.files/asked"),
          "a DHCP client of the host's asked on the tap")
    addresses = host.run(f"ip -4 -o addr show dev {vm['tap']}")
    check_equal([line.split()[3].partition("/")[0] for line in addresses.splitlines()],
                [vm["gateway"]], "addresses of the tap")


@test("host-boots", timeout=600, weight=2)
def boots():
    """The plain way: a user in group kvm starts VMs on the packaged network of a host
    that has just booted, with networkd; what udev and networkd do on top changes
    nothing; when the VMs end, so do their taps."""
    with Host() as host:
        check_equal(host.settled(), "running", host.run("systemctl --failed --no-legend"))
        check_in(" 6.1.", host.run("uname -rv"), "kernel")
        check_in("systemd", host.run("cat /proc/1/comm"), "process 1")
        check_equal(host.run("stat -c '%a %U %G' /usr/libexec/tapster-helper").strip(),
                    "4755 root root", "mode of the helper")
        check_equal(host.run("stat -c '%a %U' /run/tapster /var/lib/tapster").split(),
                    ["711", "root", "700", "root"], "directories")
        check(host.succeeds("getent passwd tapster"), "systemd-sysusers made the user tapster")
        check(not host.succeeds("test -e /proc/sys/net/ipv6/conf/lo/force_forwarding"),
              "6.1 has no force_forwarding")

        first = host.vm("first", "--br=nat", "--use-vnet")
        check_works(host, first, "first")
        second = host.vm("second", "--br=nat", user="bob")
        check_works(host, second, "second")
        check(first["address"] != second["address"], "two guests, two addresses")
        check(host.succeeds(host.in_guest(second, f"ping -n -q -c 1 -W 3 {first['address']}")),
              "guest to guest")
        refused = host.vm("third", "--br=nat", user="carol", works=False)
        check_equal(refused["status"], 4, "exit status of a user who may not")
        check_in("group kvm", refused["said"], "refusal")

        serving = residents(host)
        check_in("tapster-dhcp", serving.values(), "residents")
        for pid, name in serving.items():
            check(host.run(f"stat -c %U /proc/{pid}").strip() in ("tapster", "dnsmasq"),
                  f"user of {name}")
            if name == "tapster-dhcp":
                check_in("CapEff:\t0000000000000000", host.run(f"cat /proc/{pid}/status"), name)

        setup = host.run(f"networkctl list --no-legend {first['tap']}").split()
        check_equal(setup[-1], "unmanaged", "networkd's word on the tap")
        for disturb in ("udevadm trigger && udevadm settle", "networkctl reload",
                        f"networkctl reconfigure {host.card()}"):
            host.run(disturb)
            for vm in (first, second):
                check_left_alone(host, vm)
        host.eventually(f"ip -4 -o addr show dev {host.card()} | grep -q inet", what="uplink")
        check_works(host, first, "after udev and networkd went over all links")
        check_serves(host, second, "after udev and networkd went over all links")

        for vm in (first, second):
            host.run(f"systemctl kill -s KILL {vm['name']}")
        host.eventually(f"[ ! -e /sys/class/net/{first['tap']} ] && "
                        f"[ ! -e /sys/class/net/{second['tap']} ]", 10, "taps gone")
        again = host.vm("again", "--br=nat")
        check_works(host, again, "a VM afterwards")
        check_equal(host.run("systemctl is-system-running").strip(), "running", "units")


@test("host-vm-unit-stops", timeout=600, weight=2)
def unit_stops():
    """The VM that was first, and so started what serves the guests, is a unit that is
    stopped; the second one's guest does not notice."""
    with Host() as host:
        first = host.vm("first", "--br=nat")
        second = host.vm("second", "--br=nat", user="bob")
        before = residents(host)
        check_in("tapster-dhcp", before.values(), "residents")
        for pid, name in before.items():
            check("first.service" not in cgroup(host, pid),
                  f"{name} is in {cgroup(host, pid)}, and would die with that VM")
        host.run("systemctl stop first", timeout=100)
        host.eventually(f"[ ! -e /sys/class/net/{first['tap']} ]", 10, "first's tap gone")
        check_equal(residents(host), before, "residents after the VM's unit was stopped")
        check_serves(host, second, "after the first VM's unit was stopped")
        check_works(host, second, "after the first VM's unit was stopped")


@test("host-logout", timeout=600, weight=2)
def logout():
    """The user of the first VM logs out, and logind kills what they left running
    (KillUserProcesses=yes): the VM, but not what serves the others."""
    with Host() as host:
        # A session of its own, as on a console: its shell is the unit's main process.
        first = host.vm("first", "--br=nat", session=True)
        sessions = host.run("loginctl list-sessions --no-legend").split()
        check_in("alice", sessions, "sessions")
        check_in("session-", cgroup(host, first["pid"]), "cgroup of the VM")
        second = host.vm("second", "--br=nat", user="bob")
        before = residents(host)
        check_in("tapster-dhcp", before.values(), "residents")
        for pid, name in before.items():
            check("user.slice" not in cgroup(host, pid),
                  f"{name} is in {cgroup(host, pid)}, and would die with that session")
        host.run("loginctl terminate-user alice")
        host.eventually(f"[ ! -e /proc/{first['pid']} ]", 30, "the VM killed by logind")
        host.eventually(f"[ ! -e /sys/class/net/{first['tap']} ]", 10, "first's tap gone")
        check_equal(residents(host), before, "residents after the logout")
        check_serves(host, second, "after the logout")
        check_works(host, second, "after the logout")


def named_vms(host, order):
    """Each of these by its profile; {name: its addresses}."""
    users = {"web": "alice", "db": "alice", "mail": "bob"}
    found = {}
    for name in order:
        vm = host.vm(name, f"--profile={name}", user=users[name], ipv6=True)
        found[name] = (vm["address"], vm["address6"])
    return found


@test("host-reboot", timeout=600, weight=2)
def reboot():
    """Names keep their addresses, and the network its subnet, over a reboot; what was
    in /run and in the kernel is made anew."""
    with Host() as host:
        for user, name in (("alice", "web"), ("alice", "db"), ("bob", "mail")):
            host.profile(user, name, '{ "network": "nat" }')
        before = named_vms(host, ("web", "db", "mail"))
        check_equal(len({address for pair in before.values() for address in pair}), 6,
                    f"different addresses in {before}")
        tables = host.tables()
        host.reboot()
        check_equal(residents(host), {}, "residents before the first start")
        check_equal(host.tables(), "", "tables before the first start")
        check_equal(host.run("stat -c '%a %U' /run/tapster; ls /run/tapster").split(),
                    ["711", "root"], "/run/tapster")
        nameless = host.vm("nameless", "--br=nat")
        after = named_vms(host, ("mail", "web", "db"))
        check_equal(after, before, "addresses after the reboot")
        check(nameless["address"] not in [address for address, _ in before.values()],
              f"a VM without a name got {nameless['address']} of {before}")
        check_works(host, nameless, "after the reboot")
        check_equal(host.tables(), tables, "tables")


@test("host-heals", timeout=600, weight=2)
def heals():
    """An administrator applies the host's sysctls and its firewall's file, which know
    nothing of tapster, while VMs run and start: the next start puts it right for all."""
    with Host() as host:
        host.run("cat > /etc/sysctl.d/90-local.conf <<END\n"
                 "net.ipv4.ip_forward = 0\nnet.ipv6.conf.all.forwarding = 0\n"
                 "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.all.arp_ignore = 1\nEND")
        check_in("flush ruleset", host.run("cat /etc/nftables.conf"), "Debian's nftables.conf")
        host.profile("alice", "web", FORWARD)
        first = host.vm("first", "--profile=web", ipv6=True)
        check_works(host, first, "before")
        check_forwards(host, first, "before")
        tables = host.tables()

        host.run("sysctl -q --system")
        check_equal(host.run("cat /proc/sys/net/ipv4/ip_forward").strip(), "0", "ip_forward")
        check_equal(fetch(host, first), "", "the page outside, without forwarding")
        second = host.vm("second", "--br=nat")
        for vm in (first, second):
            check_works(host, vm, f"{vm['name']} after the start that followed sysctl --system")
        check_forwards(host, first, "after the start that followed sysctl --system")

        host.run("nft -f /etc/nftables.conf")
        check(host.tables() != tables, "nft -f left the tables")
        third = host.vm("third", "--br=nat")
        for vm in (first, second, third):
            check_works(host, vm, f"{vm['name']} after the start that followed nft -f")
        # An IPv6 forward knows the guest's address from what the guest sends.
        host.inside(first, f"ping -q -c 1 -W 3 {ROUTER6}")
        check_forwards(host, first, "after the start that followed nft -f")
        check_equal(host.tables(), tables, "tables, healed")

        # In the middle of starts, again and again.
        host.run("(for i in $(seq 12); do nft -f /etc/nftables.conf; sysctl -q --system; "
                 "sleep 0.3; done; touch /run/disturbed) > /dev/null 2>&1 &")
        for number in range(4):
            disturbed = host.vm(f"disturbed{number}", "--br=nat", leased=False)
            check(disturbed["status"] == 0 or disturbed["said"],
                  f"a start in the middle said {disturbed}")
        host.eventually("[ -e /run/disturbed ]", 60, "the end of it")
        last = host.vm("last", "--br=nat")
        for vm in (first, second, third, last):
            check_works(host, vm, f"{vm['name']} after the start that followed it all")
        host.inside(first, f"ping -q -c 1 -W 3 {ROUTER6}")
        check_forwards(host, first, "after the start that followed it all")
        check_equal(host.tables(), tables, "tables, healed again")


@test("host-networkd-restarts", timeout=600, weight=2)
def networkd_restarts():
    """systemd-networkd takes away routes and rules that are not its own when it starts
    (ManageForeignRoutes=, ManageForeignRoutingPolicyRules=): the next start puts them
    back, and the taps themselves are not touched."""
    with Host() as host:
        first = host.vm("first", "--br=nat")
        routes = host.run("ip route show table all proto 116; ip rule show")
        host.run("systemctl restart systemd-networkd")
        host.eventually(f"ip -4 -o addr show dev {host.card()} | grep -q inet", what="uplink")
        check_left_alone(host, first)
        second = host.vm("second", "--br=nat")
        after = host.run("ip route show table all proto 116; ip rule show")
        lost = [line for line in routes.splitlines() if line not in after.splitlines()]
        check_equal(lost, [], "routes and rules lost")
        for vm in (first, second):
            check_works(host, vm, f"{vm['name']} after networkd was restarted")


@test("host-network-manager", timeout=600, weight=2)
def network_manager():
    """The same host with NetworkManager in networkd's place."""
    with Host(network="NetworkManager") as host:
        host.eventually(f"nmcli -t -f DEVICE,STATE device | grep -qx {host.card()}:connected",
                        60, "NetworkManager has the uplink")
        first = host.vm("first", "--br=nat")
        check_works(host, first, "first")
        states = dict(line.split(":") for line in
                      host.run("nmcli -t -f DEVICE,STATE device").splitlines())
        check_equal(states[first["tap"]], "unmanaged", "NetworkManager's word on the tap")
        for disturb in ("nmcli general reload", "systemctl restart NetworkManager"):
            host.run(disturb)
            host.eventually("nmcli -t -f DEVICE,STATE device | grep -qx "
                            f"{host.card()}:connected", 60, "the uplink is back")
            check_left_alone(host, first)
            second = host.vm("second", "--br=nat")
            for vm in (first, second):
                check_works(host, vm, f"{vm['name']} after {disturb}")
            host.stop(second)
        check_equal(host.run("systemctl is-system-running || true").strip(), "running", "units")


@test("host-dual-stack", timeout=600, weight=2)
def dual_stack():
    """IPv6 on a kernel without force_forwarding: an address of the port's own /64, the
    default route past neighbour probes, out by NAT66, guest to guest, and what networkd
    knows of its own uplink stays."""
    with Host() as host:
        check(not host.succeeds("test -e /proc/sys/net/ipv6/conf/lo/force_forwarding"),
              "a kernel that has force_forwarding is no test of what is done without")
        host.eventually("ip -6 route show default | grep -q 'proto ra'", what="the host's router")
        uplink = host.run("ip -6 route show default").split()[2]
        first = host.vm("first", "--br=nat", ipv6=True)
        second = host.vm("second", "--br=nat", user="bob", ipv6=True)
        check_equal(host.run("cat /proc/sys/net/ipv6/conf/all/forwarding").strip(), "1",
                    "forwarding")
        for vm in (first, second):
            found = host.run(f"ip -6 -o addr show dev {vm['tap']} scope global")
            prefix = next(word for word in found.split() if word.endswith("/64"))
            check(prefix.endswith("::1/64"), f"the host's end has {prefix}")
            check(vm["address6"].startswith(prefix[:-len(":1/64")]),
                  f"{vm['address6']} is in {prefix}")
            check(host.succeeds(host.in_guest(vm, f"ping -q -c 1 -W 3 {ROUTER6}")),
                  f"{vm['name']}: NAT66")
        check(first["address6"].split(":")[:4] != second["address6"].split(":")[:4],
              "a /64 each")
        check(host.succeeds(host.in_guest(first, f"ping -q -c 1 -W 3 {second['address6']}")),
              "guest to guest")
        # Neighbour entries are probed again and again: the router flag of each answer counts.
        host.inside(first, "sysctl -qw net.ipv6.neigh.eth0.base_reachable_time_ms=500 "
                           "net.ipv6.neigh.eth0.delay_first_probe_time=1")
        host.inside(first, f"ping -q -i 0.2 -c 40 {ROUTER6}", timeout=30)
        check_in("via fe80::1", host.inside(first, "ip -6 route show default"), "default route")
        check_equal(host.run("ip -6 route show default").split()[2], uplink, "the host's router")


@test("host-kernel-accepts-ra", timeout=600, weight=2)
def kernel_accepts():
    """A host whose kernel listens to router advertisements itself: IPv6 forwarding would
    make it deaf; its router comes back after the link was down."""
    with Host() as host:
        card = host.card()
        host.run(f"printf '[Match]\\nName={card}\\n[Link]\\nUnmanaged=yes\\n' > "
                 "/etc/systemd/network/10-card.network; systemctl restart systemd-networkd; "
                 f"ip link set {card} down; ip -6 route flush dev {card}; "
                 f"echo 1 > /proc/sys/net/ipv6/conf/{card}/accept_ra; ip link set {card} up")
        router = f"ip -6 route show default dev {card} | grep -q 'proto ra'"
        host.eventually(router, what="the host's router, before")
        first = host.vm("first", "--br=nat", ipv6=True)
        check_equal(host.run("cat /proc/sys/net/ipv6/conf/all/forwarding").strip(), "1",
                    "forwarding")
        check_equal(host.run(f"cat /proc/sys/net/ipv6/conf/{card}/accept_ra").strip(), "2",
                    "accept_ra of the uplink")
        check(host.succeeds(router), "the host's router after the start")
        host.run(f"ip link set {card} down; sleep 1; ip link set {card} up")
        host.eventually(router, what="the host's router after the link was down")
        host.eventually(host.in_guest(first, f"ping -q -c 1 -W 3 {ROUTER6}"),
                        what="the guest's way out")


@test("host-names", timeout=600, weight=2)
def names():
    """Names of guests and of the world, on a host whose resolver is systemd-resolved's
    stub, and later another."""
    with Host() as host:
        host.run("echo '203.0.113.7 outside.example' >> /etc/hosts; "
                 "systemd-run -q --unit=other-dns dnsmasq --keep-in-foreground --no-resolv "
                 "--no-hosts --address=/held.example/192.0.2.99 --conf-file=/dev/null "
                 "--listen-address=127.0.0.1 --bind-interfaces")
        check_in("127.0.0.53", host.run("cat /etc/resolv.conf"), "the host's resolver")
        host.profile("alice", "web", '{ "network": "nat" }')
        host.profile("bob", "web", '{ "network": "nat" }')
        web = host.vm("web", "--profile=web", ipv6=True)
        other = host.vm("other", "--br=nat", ipv6=True)
        gateway = web["gateway"]
        check_equal(web["dns"], [gateway], "name server by DHCP")
        for vm in (None, web, other):
            check_equal(host.ask(gateway, "web.nat.internal", vm=vm), [web["address"]], "A")
            eventually(lambda: host.ask(gateway, "web.nat.internal", "AAAA", vm=vm) ==
                       [web["address6"]], 20, "AAAA")
            check_equal(host.ask(gateway, "outside.example", vm=vm), ["203.0.113.7"],
                        "a name that the host's resolver knows")
            check(not host.ask(gateway, "held.example", vm=vm),
                  "another server was asked")
        check_equal(host.ask("127.0.0.1", "held.example"), ["192.0.2.99"], "the other server")
        second = host.vm("web2", "--profile=web", user="bob")
        check_in("web-2", second["said"], "bob's second 'web' is told")
        check_equal(host.ask(gateway, "web-2.nat.internal", vm=other), [second["address"]],
                    "the second 'web'")
        # The host's resolver changes: from the stub to the other server.
        host.run("rm /etc/resolv.conf; echo 'nameserver 127.0.0.1' > /etc/resolv.conf")
        eventually(lambda: host.ask(gateway, "held.example", vm=other) == ["192.0.2.99"], 20,
                   "the change of resolv.conf is followed")
        host.stop(web)
        eventually(lambda: host.ask(gateway, "web.nat.internal", vm=other) == [], 20,
                   "the name went with the VM")


def units(host):
    """{unit: main process} of the residents' units."""
    found = {}
    for name in host.run("systemctl list-units --no-legend --plain --state=active "
                         "'tapster-d*@*'").split("\n"):
        if name:
            unit = name.split()[0]
            found[unit] = int(host.run(f"systemctl show -P MainPID {unit}"))
    return found


@test("host-units", timeout=600, weight=2)
def resident_units():
    """What serves the guests are units of their own: named by systemctl, without
    root, back when they are killed, and back by the next start when they were stopped."""
    with Host() as host:
        host.profile("alice", "web", '{ "network": "nat" }')
        web = host.vm("web", "--profile=web", ipv6=True)
        other = host.vm("other", "--br=nat", user="bob", ipv6=True)

        def check_all(what):
            for vm in (web, other):
                check_serves(host, vm, f"{what}: DHCP for {vm['name']}")
            eventually(lambda: host.ask(web["gateway"], "web.nat.internal", vm=other) ==
                       [web["address"]], 20, f"{what}: the name of web")

        check_all("at first")
        before = units(host)
        check_equal(sorted(unit.partition("@")[0] for unit in before),
                    ["tapster-dhcp", "tapster-dns"], f"units {before}")
        check_equal(residents(host),
                    {pid: "tapster-dhcp" if unit.startswith("tapster-dhcp") else "dnsmasq"
                     for unit, pid in before.items()}, "main processes of the units")
        for unit, pid in before.items():
            check_in(f"/{unit}", cgroup(host, pid), "cgroup")
            check_equal(host.run(f"stat -c %U /proc/{pid}").strip(), "tapster", unit)
            status = host.run(f"cat /proc/{pid}/status")
            check_in("NoNewPrivs:\t1", status, unit)
            allowed = 0 if "dhcp" in unit else 0x3400  # NET_BIND_SERVICE, NET_ADMIN, NET_RAW
            caps = int(status.partition("CapPrm:\t")[2].split()[0], 16)
            check_equal(caps & ~allowed, 0, f"capabilities of {unit}: {caps:x}")

        for unit, pid in before.items():
            host.run(f"kill -KILL {pid}")
            eventually(lambda: units(host).get(unit) not in (None, 0, pid), 15,
                       f"{unit} is back after SIGKILL")
        check_all("after SIGKILL")

        host.run("systemctl stop 'tapster-d*@*'")
        check_equal(residents(host), {}, "residents after systemctl stop")
        third = host.vm("third", "--br=nat")
        check_works(host, third, "the start after systemctl stop")
        check_equal(sorted(units(host)), sorted(before), "units after the next start")
        check_all("after systemctl stop and a start")
        check_equal(host.run("systemctl --failed --no-legend").strip(), "", "failed units")


@test("host-forward-sweep", timeout=600, weight=2)
def forward_sweep():
    """A VM with a forward is killed: by udev's doing a program of the host's answers at
    that port within two seconds. Until then, nobody else had it."""
    with Host() as host:
        host.run("systemctl is-active -q systemd-udevd && ls /usr/lib/udev/rules.d/*tapster*")
        host.run("mkdir -p /run/www && echo the service of the host > /run/www/page && "
                 "systemd-run -q --unit=service busybox httpd -f -p 8080 -h /run/www")
        refused = host.vm("early", "--br=nat", leased=False)
        check_equal(refused["status"], 0, "a VM without a forward")
        host.profile("alice", "web", FORWARD)
        refused = host.vm("web", "--profile=web", works=False)
        check_in("8080", refused["said"], "a port that the host's service holds")
        for round_ in range(3):
            host.run("systemctl stop service 2> /dev/null; true")
            web = host.vm("web", "--profile=web", ipv6=True)
            check_forwards(host, web, "the VM with a forward")
            host.run("systemd-run -q --collect --unit=service busybox httpd -f -p 8080 "
                     "-h /run/www; sleep 0.5")
            check_in("you are", fetch_here(host, "127.0.0.1", 8080), "the guest's page still")
            # Of two kinds: at once, and as `systemctl stop` does it.
            host.run("systemctl kill -s KILL web" if round_ else "systemctl stop web")
            host.run("end=$(($(date +%s%N) + 2000000000)); while [ $(date +%s%N) -lt $end ]; do "
                     "(exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /page HTTP/1.0\\r\\n\\r\\n'"
                     " >&3 && timeout 1 cat <&3) >> /run/www/seen 2>&1; done")
            check_in("the service of the host", host.run("cat /run/www/seen; rm /run/www/seen"),
                     f"what answers within 2 s after the VM's end (round {round_})")
            for map_ in ("forwards4", "forwards6"):
                check("8080" not in host.run(f"nft list map inet tapster {map_}"),
                      f"{map_} after the sweep")
        check_equal(host.run("journalctl -q --no-pager -o cat -u systemd-udevd | "
                             "grep tapster || true"), "", "what udev says of the sweep")


@test("host-idle", timeout=600, weight=2)
def idle():
    """A network without VMs goes down by the timer, with all that the first start made
    (here after seconds, not minutes); a VM keeps it; the next start makes it again."""
    with Host() as host:
        host.run("mkdir -p /etc/systemd/system/tapster-sweep.{service,timer}.d; "
                 "sed -n 's/^ExecStart=\\(.*\\)--idle-seconds=.*/[Service]\\nExecStart=\\n"
                 "ExecStart=\\1--idle-seconds=3/p' /usr/lib/systemd/system/tapster-sweep.service "
                 "> /etc/systemd/system/tapster-sweep.service.d/short.conf; "
                 "printf '[Timer]\\nOnActiveSec=\\nOnUnitInactiveSec=\\nOnActiveSec=2s\\n"
                 "OnUnitInactiveSec=2s\\nAccuracySec=100ms\\n' "
                 "> /etc/systemd/system/tapster-sweep.timer.d/short.conf; systemctl daemon-reload")
        state = ("nft list ruleset; ip route show table all proto 116; ip rule show; "
                 "ip -6 route show table all proto 116; ip -6 rule show; ip -br link; "
                 "sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding "
                 f"net.ipv6.conf.default.accept_ra net.ipv6.conf.{host.card()}.accept_ra")
        before = host.run(state)
        vm = host.vm("first", "--br=nat", ipv6=True)
        check(host.run(state) != before, "a start changes what is looked at")
        host.run("sleep 9")
        check_works(host, vm, "a VM of nine seconds, with a timer that takes down after three")
        host.stop(vm)
        eventually(lambda: not residents(host), 60, "residents gone")
        eventually(lambda: host.run(state) == before, 30, "all that the start made is gone")
        check_equal(units(host), {}, "units")
        check_equal(host.run("systemctl --failed --no-legend").strip(), "", "failed units")
        again = host.vm("again", "--br=nat", ipv6=True)
        check_works(host, again, "a start afterwards")


# --- the suite of namespace tests, on this host's kernel

def suite(patterns, timeout):
    with Host(memory=3072) as host:
        host.settled()
        status, said = host.run(
            f"cd {SOURCE} && python3 -B tests/lib/runner.py --installed --no-build "
            f"--build {BUILD} --slow 3 -j 2 {patterns}",
            timeout=timeout, check=False)
        failed = said[said.find("FAILED"):] if "FAILED" in said else said[-3000:]
        check_equal(status, 0, f"net tests on {host.run('uname -r').strip()}: "
                               f"{said.strip().splitlines()[-1]}\n{failed}\nstatus")
        print(said.strip().splitlines()[-1])


@test("host-net-short", timeout=600, weight=2)
def net_short():
    """A handful of the net tests: each of the kernel's parts that tapster needs."""
    suite("net-routed-way-out net-routed-forged net-firewall-listing net-bridged-made "
          "net-bridged-rogues net-kernel-routed-port net-dhcp-options net-slots-quota net-fence",
          500)


@test("host-net-all", timeout=3600, weight=2)
def net_all():
    """All of the net tests."""
    suite("net-", 3500)
