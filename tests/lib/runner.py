# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds, stages, runs the tests, counts. Called by tests/run as root."""

import argparse
import fnmatch
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import host
import one
import testing

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.dirname(TESTS)
ONE = os.path.join(TESTS, "lib", "one.py")

# What follows runs in namespaces of its own. When the caller dies, so does it:
# setpriv asks the kernel for that, and the PID namespace takes the rest.
NAMESPACES = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork",
              "--kill-child", "--uts", "--ipc", "--mount-proc"]


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def report(self, name, passed, seconds, output=""):
        if passed:
            self.passed += 1
        else:
            self.failed += 1
        word = "ok    " if passed else "FAILED"
        print(f"{word} {name} ({seconds:.1f} s)", flush=True)
        if not passed:
            for line in output.rstrip("\n").split("\n"):
                print("       | " + line)
            sys.stdout.flush()


def step(text):
    print(f"==> {text}", flush=True)


def command(*line, **options):
    """Runs a step of the build; its output is shown if it fails."""
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f"{' '.join(line)}: exit {done.returncode}\n0 passed, 1 failed")
    return done.stdout


# --- build

def build(directory):
    step(f"building in {directory}")
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        command("meson", "setup", directory, SOURCE, "--prefix=/opt/tapster",
                "--sysconfdir=/opt/tapster/etc", "--localstatedir=/opt/tapster/var",
                "-Dwerror=true")
    command("ninja", "-C", directory)


def stage(directory):
    """What `meson install` as root would put into the system."""
    target = os.path.join(directory, "stage")
    shutil.rmtree(target, ignore_errors=True)
    command("meson", "install", "-C", directory, "--no-rebuild",
            env={**os.environ, "DESTDIR": target})


def unit(directory, patterns, count):
    """`meson test`, each of its tests a line of ours."""
    names = json.loads(command("meson", "introspect", "--tests", directory))
    chosen = [t["name"] for t in names if selected(t["name"], patterns)]
    if not chosen:
        return
    step("unit tests")
    log = os.path.join(directory, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    began = time.monotonic()
    done = subprocess.run(["meson", "test", "-C", directory, "--no-rebuild", "-t", "10", *chosen],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = {}
    if os.path.exists(log):
        with open(log) as lines:
            for line in lines:
                result = json.loads(line)
                seen[result["name"].split(" / ")[-1]] = result
    for name in chosen:
        result = seen.get(name)
        if result is None:
            count.report(name, False, time.monotonic() - began, "it did not run:\n" + done.stdout)
        else:
            passed = result["result"] in ("OK", "EXPECTEDFAIL")
            count.report(name, passed, result["duration"],
                         f"{result['result']}\n{result.get('stdout', '')}"
                         f"{result.get('stderr', '')}")


def guest_image(directory):
    """Debian's kernel for virtual machines, downloaded once, not installed."""
    step("kernel and initramfs of the guests (a download of 27 MB the first time)")
    command(os.path.join(TESTS, "lib", "guest-image"), os.path.join(directory, "guest"))


def host_image(directory):
    """A Debian host's disk, which a guest is booted from as well."""
    step("disk of a Debian host (a minute the first time)")
    command(os.path.join(TESTS, "lib", "host-image"), os.path.join(directory, "host"))


def host_job(directory):
    """A disk with what is tested on the host, and the tests."""
    folder = os.path.join(directory, "host")
    tree = os.path.join(folder, "build")
    step(f"building in {tree} what is installed there")
    if not os.path.exists(os.path.join(tree, "build.ninja")):
        command("meson", "setup", tree, SOURCE, "--prefix=/usr", "--sysconfdir=/etc",
                "--localstatedir=/var", "-Dwerror=true")
    command("ninja", "-C", tree)
    host.job(SOURCE, tree, folder, command)


# --- running

def selected(name, patterns):
    return not patterns or any(fnmatch.fnmatchcase(name, p) or name.startswith(p)
                               for p in patterns)


class Running:
    """One test in namespaces of its own."""

    def __init__(self, test, path, directory, installed, slow):
        self.test = test
        self.timeout = test.timeout * slow
        self.output = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.began = time.monotonic()
        self.timed_out = False
        self.process = subprocess.Popen(
            [*NAMESPACES, "/usr/bin/python3", "-B", ONE, directory,
             "yes" if installed else "no", path, test.name],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            start_new_session=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                         "LANG": "C.UTF-8"})
        self.pidfd = os.pidfd_open(self.process.pid)

    def kill(self):
        self.process.kill()

    def end(self, count):
        os.close(self.pidfd)
        status = self.process.wait()
        self.output.seek(0)
        text = self.output.read()
        if self.timed_out:
            text += f"\nnot finished within {self.timeout} s: killed"
        elif status != 0 and not text:
            text = f"exit {status} without a word"
        count.report(self.test.name, status == 0 and not self.timed_out,
                     time.monotonic() - self.began, text)


def run_all(waiting, places, count, directory, installed, slow):
    running = []
    try:
        while waiting or running:
            room = places - sum(min(r.test.weight, places) for r in running)
            while waiting and min(waiting[0][0].weight, places) <= room:
                test, path = waiting.pop(0)
                running.append(Running(test, path, directory, installed, slow))
                room -= min(test.weight, places)
            now = time.monotonic()
            left = min(r.began + r.timeout - now for r in running)
            ready = select.select([r.pidfd for r in running], [], [], max(0, left))[0]
            for one_running in [r for r in running if r.pidfd in ready]:
                running.remove(one_running)
                one_running.end(count)
            for one_running in running:
                if time.monotonic() - one_running.began > one_running.timeout:
                    one_running.timed_out = True
                    one_running.kill()
    finally:
        for one_running in running:
            one_running.kill()
            one_running.process.wait()


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tests/run", description="Installs what is needed, builds, runs every test.")
    parser.add_argument("patterns", nargs="*", metavar="NAME",
                        help="only tests of this name, prefix or shell pattern")
    parser.add_argument("--all", action="store_true",
                        help="the host tests as well: a whole Debian under QEMU, installed into")
    parser.add_argument("--installed", action="store_true",
                        help="test what is installed under /usr, and no units")
    parser.add_argument("--unit-only", action="store_true",
                        help="only what needs no root: meson's tests")
    parser.add_argument("--prepare", action="store_true",
                        help="install, build and stage, but run nothing")
    parser.add_argument("--no-build", action="store_true", help="test what was staged last")
    parser.add_argument("--list", action="store_true", help="name the tests")
    parser.add_argument("--build", default=os.path.join(SOURCE, "build"), metavar="DIRECTORY")
    parser.add_argument("--slow", type=float, default=1, metavar="FACTOR",
                        help="tests may take so many times longer (under emulation)")
    parser.add_argument("-j", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="tests at a time (default: processors)")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    return arguments


def choose(patterns, everything):
    """The tests that are meant, with the file that each is in: those of the host only if
    they are named or everything is wanted. Long ones first, so that the end is not one
    test alone."""
    chosen = []
    for path in sorted(glob.glob(TESTS + "/net/test_*.py") +
                       glob.glob(TESTS + "/guest/test_*.py") +
                       glob.glob(TESTS + "/host/test_*.py")):
        before = set(testing.TESTS)
        one.load(path)
        chosen += [(test, path) for name, test in testing.TESTS.items()
                   if name not in before and selected(name, patterns) and
                   (patterns or everything or not name.startswith("host-"))]
    return sorted(chosen, key=lambda pair: -pair[0].timeout)


def prepare(arguments):
    os.makedirs(arguments.build, exist_ok=True)
    if arguments.installed and not os.access("/usr/libexec/tapster-helper", os.X_OK):
        sys.exit("/usr/libexec/tapster-helper is not installed\n0 passed, 1 failed")
    if not arguments.no_build:
        build(arguments.build)  # where --installed, for the tests' own programs
        if not arguments.installed:
            stage(arguments.build)


def stop(number, _):
    print("interrupted", file=sys.stderr)
    sys.exit(128 + number)


def main():
    arguments = parse_arguments()
    count = Count()
    chosen = [] if arguments.unit_only else choose(arguments.patterns, arguments.all)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if arguments.list:
        for test, _ in chosen:
            print(test.name)
        return 0
    prepare(arguments)
    if arguments.prepare:
        guest_image(arguments.build)
        if arguments.all:
            host_image(arguments.build)
            host_job(arguments.build)
        return 0
    if not arguments.installed:
        unit(arguments.build, arguments.patterns, count)
    if any(test.name.startswith("guest-") for test, _ in chosen):
        guest_image(arguments.build)
    if any(test.image == "host" or test.name.startswith("host-") for test, _ in chosen):
        host_image(arguments.build)
    if any(test.name.startswith("host-") for test, _ in chosen):
        host_job(arguments.build)
    if chosen:
        step(f"{len(chosen)} tests in namespaces of their own, {arguments.j} at a time")
        run_all(chosen, max(1, arguments.j), count, arguments.build, arguments.installed,
                arguments.slow)
    if count.passed + count.failed == 0:
        print("no test is called that", file=sys.stderr)
        count.failed = 1
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
