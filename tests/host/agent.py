#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs inside the test host: agent.py PORT. The other end is tests/lib/host.py.

A line from the port is a JSON object {"id", "command", "timeout"}: a shell command.
What it prints goes back as it comes ({"id", "output"}), then {"id", "status"}; a command
that takes too long is killed with its children. The first thing said after each boot is
{"boot": ID}.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time


class Agent:
    def __init__(self, port):
        self.port = port
        with open("/proc/sys/kernel/random/boot_id") as file:
            self.say(boot=file.read().strip())

    def say(self, **message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data):]

    def lines(self):
        rest = b""
        while True:
            data = os.read(self.port, 65536)
            if not data:
                time.sleep(0.2)  # nobody has the other end open
                continue
            rest += data
            *whole, rest = rest.split(b"\n")
            yield from whole

    def run(self, number, command, timeout):
        end = time.monotonic() + timeout
        process = subprocess.Popen(
            ["/bin/bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"})
        output = process.stdout.fileno()
        os.set_blocking(output, False)
        exited = os.pidfd_open(process.pid)
        late = False
        while True:
            ready = select.select([output, exited], [], [], max(0, end - time.monotonic()))[0]
            if not ready:
                late = True
                os.killpg(process.pid, signal.SIGKILL)
            if not self.pass_on(number, output) or exited in ready or late:
                break
        try:
            status = process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        # What it left running may hold the pipe: whoever reads to the end waits for that.
        self.pass_on(number, output)
        process.stdout.close()
        os.close(exited)
        self.say(id=number, status="late" if late else status)

    def pass_on(self, number, output):
        """Sends what was printed; False at the end of it."""
        while True:
            try:
                data = os.read(output, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.say(id=number, output=data.decode(errors="replace"))


def main():
    agent = Agent(os.open(sys.argv[1], os.O_RDWR | os.O_CLOEXEC))
    for line in agent.lines():
        request = json.loads(line)
        agent.run(request["id"], request["command"], request["timeout"])


if __name__ == "__main__":
    main()
