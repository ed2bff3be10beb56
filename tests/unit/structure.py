#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shape of the source tree: who includes whom, headers that compile alone,
the licence line. structure.py SOURCE BUILD COMPILER... Output: TAP."""

import os
import re
import shlex
import subprocess
import sys
import tempfile

# What each folder of src may include beside itself; README has the folders' roles.
# "config" in policy's and plan's place means plain structs, which no text of an
# #include tells apart; that they stay pure is the linker's test (their unit tests
# link with nothing that reads or asks). The firewall knows slots because the
# senders that it admits are computed from them.
MAY_INCLUDE = {
    "base": set(),
    "facts": {"base"},
    "config": {"base"},
    "policy": {"base", "facts", "config"},
    "pool": {"base", "facts"},
    "plan": {"base", "facts", "config", "pool"},
    "kernel": {"base", "facts", "plan"},
    "firewall": {"base", "facts", "plan", "pool", "kernel"},
    "services": {"base", "facts", "pool", "plan", "kernel"},
    "dhcp": {"base", "pool", "services"},
    "dns": {"base", "services"},
    "helper": {"base", "facts", "config", "policy", "pool", "plan", "kernel", "firewall",
               "services"},
}

# What only one folder may use: system libraries by the header that gives them away.
ONLY_IN = [
    (re.compile(r"json[-_]c/|<json\.h>|<json_"), {"config"}),
    (re.compile(r"<netlink/route/"), {"kernel"}),
    (re.compile(r"<netlink/"), {"kernel", "firewall", "services"}),
    (re.compile(r"<gio/"), set()),
]

SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"
SOURCES = (".c", ".h", ".py", ".sh", ".build")

results = []


def report(name, problems):
    results.append(not problems)
    print(f"{'ok' if not problems else 'not ok'} {len(results)} - {name}")
    for problem in problems:
        print(f"# {problem}")


def files_below(root, *endings):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "build", "__"))]
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.join(folder, name)


def check_inclusion(source):
    problems = []
    top = os.path.join(source, "src")
    for path in files_below(top, ".c", ".h"):
        relative = os.path.relpath(path, top)
        folder = relative.split(os.sep)[0]
        if folder not in MAY_INCLUDE:
            problems.append(f"src/{relative}: folder {folder} is not in the table")
            continue
        with open(path) as lines:
            for number, line in enumerate(lines, 1):
                found = re.match(r'\s*#\s*include\s+(["<][^">]+[">])', line)
                if not found:
                    continue
                header = found[1]
                for pattern, allowed in ONLY_IN:
                    if pattern.search(header) and folder not in allowed:
                        problems.append(f"src/{relative}:{number}: {header} outside of "
                                        f"{sorted(allowed)}")
                if not header.startswith('"') or header == '"config.h"':
                    continue
                target = header.strip('"').split("/")
                if len(target) != 2 or not os.path.exists(os.path.join(top, *target)):
                    problems.append(f'src/{relative}:{number}: {header} is not "folder/file.h"')
                elif target[0] != folder and target[0] not in MAY_INCLUDE[folder]:
                    problems.append(f"src/{relative}:{number}: {folder} may not include "
                                    f"{target[0]}")
    report("inclusion points up the table", problems)


def check_headers(source, build, compiler):
    """One compilation of each header as if it were a file of its own."""
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0", "libnl-3.0", "json-c"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    top = os.path.join(source, "src")
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for path in files_below(top, ".h"):
            name = os.path.relpath(path, top)
            unit = os.path.join(folder, "unit.c")
            with open(unit, "w") as file:
                # twice: it must be guarded as well
                file.write(f'#include "{name}"\n#include "{name}"\n')
            done = subprocess.run(
                [*compiler, "-fsyntax-only", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                 "-Werror", "-Wno-unused-function", "-Wno-unused-parameter",
                 "-I" + top, "-I" + source, "-I" + build, *shlex.split(flags), unit],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                problems += [f"src/{name}:", *done.stdout.splitlines()[:6]]
    report("every header compiles alone", problems)


def check_licence(source):
    problems = []
    paths = []
    for folder in ("src", "tests", "data", "examples", ".ci"):
        paths += files_below(os.path.join(source, folder), *SOURCES)
    for folder in ("tests", "examples", ".ci"):
        # scripts without an ending
        for path in files_below(os.path.join(source, folder), ""):
            if "." not in os.path.basename(path) and os.access(path, os.X_OK):
                paths.append(path)
    for name in ("meson.build",):
        paths.append(os.path.join(source, name))
    for path in sorted(set(paths)):
        with open(path, errors="replace") as file:
            head = [file.readline() for _ in range(2)]
        if not any(SPDX in line for line in head):
            problems.append(os.path.relpath(path, source) + ": no SPDX line at its top")
    report("every source file says its licence", problems)


def main():
    source, build, *compiler = sys.argv[1:]
    print("1..3")
    check_inclusion(source)
    check_headers(source, build, compiler)
    check_licence(source)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
