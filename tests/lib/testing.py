# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests as named functions, and the few checks that they use.

A test is a function with @test("net-…"). It runs in namespaces of its own, so it
need not clean up: what it made goes with its processes. It fails by raising.
"""

import difflib
import time

TESTS = {}


class Test:
    def __init__(self, name, function, timeout, weight, image):
        self.name = name
        self.image = image
        self.function = function
        self.timeout = timeout
        self.weight = weight
        self.module = function.__module__


def test(name, timeout=60, weight=1, image=None):
    """Registers a test. timeout: seconds of wall time; weight: how many of the
    runner's places it takes (a real guest under TCG takes all of them); image: "host"
    if it needs the disk of a Debian host."""
    def register(function):
        if name in TESTS:
            raise ValueError("two tests are called " + name)
        TESTS[name] = Test(name, function, timeout, weight, image)
        return function
    return register


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(found, expected, what="value"):
    if found != expected:
        if isinstance(found, str) and isinstance(expected, str) and "\n" in expected:
            lines = difflib.unified_diff(expected.splitlines(), found.splitlines(),
                                         "expected", "found", lineterm="", n=1)
            raise Failure(f"{what}:\n" + "\n".join(lines))
        raise Failure(f"{what}: expected {expected!r}, found {found!r}")


def check_in(part, whole, what="text"):
    if part not in whole:
        raise Failure(f"{what}: {part!r} is not in {whole!r}")


def eventually(condition, timeout=5.0, what="condition", step=0.02):
    """Waits until condition() is true; returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {timeout} s")
        time.sleep(step)


def never(condition, duration, what="event", step=0.05):
    """Fails if condition() becomes true within duration seconds."""
    end = time.monotonic() + duration
    while time.monotonic() < end:
        result = condition()
        if result:
            raise Failure(f"{what}: {result!r}")
        time.sleep(step)
