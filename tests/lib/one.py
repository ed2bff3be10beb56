#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one test: one.py BUILD INSTALLED FILE NAME, in fresh namespaces.

Process 1 of the PID namespace reaps whatever loses its parent (residents do, by
design); its child runs the test. When process 1 ends, the kernel kills the rest.
"""

import importlib.util
import os
import sys
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sandbox  # noqa: E402
import testing  # noqa: E402
import world  # noqa: E402


def load(path):
    """Imports a file of tests, which registers them."""
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(build, installed, path, name):
    load(path)
    world.World.places = sandbox.enter(build, installed)
    os.chdir("/")
    try:
        testing.TESTS[name].function()
    except testing.Failure as failure:
        # The line of the test says which check it was.
        for frame in traceback.extract_tb(failure.__traceback__):
            if "/tests/lib/" not in frame.filename:
                place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
                print(f"{place}: {frame.line}")
        print(f"failed: {failure}")
        return 1
    return 0


def main():
    build, installed, path, name = sys.argv[1:]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = run(build, installed == "yes", path, name)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 1)


if __name__ == "__main__":
    main()
