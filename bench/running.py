"""A proxy while it runs: started on its core, asked until it answers, its time and memory read from
/proc, ended by process id."""

import socket
import ssl
import time
from pathlib import Path

from front import HOST, Failed
from harness.process import Process
from machine import on_core

PATIENCE = 120  # seconds until something counts as broken


def _parents():
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


class Running:
    """`began` is when its process was started, by time.monotonic()."""

    def __init__(self, peer, front):
        self.front = front
        front.folder.mkdir(parents=True, exist_ok=True)
        command, environment = peer.command(front)
        self.began = time.monotonic()
        self.process = Process(*on_core(front.cores, command), env=environment)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.is_running():
            self.process.stop()

    def pids(self):
        """Of all its processes."""
        parents = _parents()
        ours = {self.process.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in ours} - ours
            if not more:
                return sorted(ours)
            ours |= more

    def cpu(self):
        """Nanoseconds that all threads of all its processes have run so far."""
        total = 0
        for pid in self.pids():
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def memory(self):
        """Bytes of memory, what is shared with others divided among them (PSS)."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def wait(self, name=HOST):
        """Until it answers for `name`; returns the moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.check(name)
                return time.monotonic()
            except OSError as error:
                if not self.process.is_running():
                    raise Failed(f"it has ended:\n{self.process.output[-2000:]}") from error
                if time.monotonic() > deadline:
                    raise Failed(f"no answer: {error}\n{self.process.output[-2000:]}") from error
            time.sleep(0.002)

    def check(self, name=HOST):
        """One request, everything about it checked. OSError: nobody answers yet."""
        with socket.create_connection(("127.0.0.1", self.front.port), 10) as plain:
            connection = self._handshake(plain, name) if self.front.tls else plain
            request = f"GET /1k HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200") or len(body) != 1024:
            raise Failed(f"a wrong answer: {head[:200]!r}, {len(body)} bytes of body")

    def _handshake(self, plain, name):
        chain = next(chain for n, chain, _ in self.front.certificates if n == name)
        context = ssl.create_default_context(cafile=str(chain))
        context.set_alpn_protocols(["http/1.1"])
        connection = context.wrap_socket(plain, server_hostname=name)
        got = connection.version(), connection.cipher()[0]
        if got != ("TLSv1.3", "TLS_AES_128_GCM_SHA256"):
            raise Failed(f"other TLS than its peers: {got}")
        return connection
