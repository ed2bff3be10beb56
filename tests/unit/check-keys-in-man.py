#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the tables of keys in the man pages to src/config/keys.c.

usage: check-keys-in-man.py SOURCE-DIRECTORY

A table row is: key, type, default, since. A key whose function this version
does not have is "later" instead of a version. Every key that has one is also
described, by a tagged item of its own. Exits 1 with a line a difference.
"""
import re
import sys
from pathlib import Path

KINDS = {
    "KEY_STRING": "string",
    "KEY_INTEGER": "integer",
    "KEY_BOOLEAN": "boolean",
    "KEY_ARRAY": "array",
    "KEY_OBJECT": "object",
}
STRING = r'"((?:[^"\\]|\\.)*)"'


def read_tables(text):
    """The arrays of keys.c: {name: [{field: text}]}."""
    tables = {}
    for name, body in re.findall(r"static const Key (\w+)\[\] = \{\n(.*?)\n\};", text, re.S):
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
        keys = []
        # Strings may hold braces and commas: cut at fields, not at braces.
        for entry in re.split(r"\{\s*(?=\.path\b)", body)[1:]:
            key = {}
            for field, value in re.findall(
                    r"\.(\w+)\s*=\s*((?:\s*%s)+|[^,}]+)" % STRING.replace("(", "(?:", 1), entry):
                strings = re.findall(STRING, value)
                key[field] = (
                    "".join(strings).replace('\\"', '"').replace("\\\\", "\\")
                    if strings else value.strip())
            keys.append(key)
        tables[name] = keys
    return tables


def expected_rows(keys):
    rows = []
    for key in keys:
        kinds = " or ".join(KINDS[kind.strip()] for kind in key["kinds"].split("|"))
        later = "later" in key and "later_values" not in key
        rows.append((key["path"], kinds, key.get("fallback", "required"),
                     "later" if later else key["since"]))
    return rows


def plain(roff):
    """Text of a table's cell or an item's tag."""
    for escape, character in (("\\(dq", '"'), ("\\&", ""), ("\\-", "-"), ("\\e", "\\")):
        roff = roff.replace(escape, character)
    return " ".join(roff.split())


def read_page(text):
    """The rows of the page's table of keys, and the keys described."""
    table = re.search(r"^\.TS\n.*?\.\n(.*?)^\.TE", text, re.S | re.M)
    body = re.sub(r"T\{\n(.*?)\nT\}", lambda m: m.group(1).replace("\n", " "),
                  table.group(1) if table else "", flags=re.S)
    rows = [tuple(plain(cell) for cell in line.split("\t"))
            for line in body.splitlines() if "\t" in line]
    described = [plain(tag) for tag in re.findall(r"^\.It Cm (.*)$", text, re.M)]
    return rows[1:], described


def main():
    source = Path(sys.argv[1])
    tables = read_tables((source / "src/config/keys.c").read_text(encoding="utf-8"))
    faults = []
    for name in ("network", "profile"):
        page = source / "data/man" / f"tapster-{name}.5"
        keys = tables.get(f"{name}_keys", [])
        if not keys:
            faults.append(f"src/config/keys.c: found no table {name}_keys")
        wanted = expected_rows(keys)
        found, described = read_page(page.read_text(encoding="utf-8"))
        faults += [f"{page}: missing row: {row}" for row in wanted if row not in found]
        faults += [f"{page}: wrong row: {row}" for row in found if row not in wanted]
        if not faults and found != wanted:
            faults.append(f"{page}: the rows are not in the order of keys.c")
        paths = [row[0] for row in wanted]
        faults += [f"{page}: {path} is not described" for path in paths if path not in described]
        faults += [f"{page}: described, but no key: {path}"
                   for path in described if path not in paths]
        print(f"{page.name}: {len(found)} rows, {len(wanted)} keys")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
