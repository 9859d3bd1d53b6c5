"""A fixed exchange through a gatehouse of its own: clients that keep their connections, and their
upstream, all played here in turn. Each step waits until gatehouse waits, so that every run takes
the same way through it; with several clients it is stopped while they all send."""

import json
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

from harness.ports import free_port
from harness.process import Process

REQUEST = (
    b"GET /shop/articles?page=2&sort=price HTTP/1.1\r\nHost: shop.example.com\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n")
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 00:00:00 GMT\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\n"
    b"Cache-Control: no-cache, private\r\nVary: Accept-Encoding\r\n\r\n" + b"x" * 1024)


class Exchange:
    """`command`: the words that run gatehouse, in front of its own. `clients`: each asks at once
    with the others."""

    def __init__(self, command, folder, clients=1):
        port = free_port()
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = {
            "listen": {"https": [], "http": [f"127.0.0.1:{port}"]}, "workers": 1,
            "limits": {"memory": 0},  # nothing is to be done by the clock
            "storage": {"file": {"path": str(folder / "data")}},
            "log": {"level": "info", "format": "text"},
            "sites": [{"hosts": ["*"], "tls": False,
                       "proxy": f"http://127.0.0.1:{self._listener.getsockname()[1]}"}],
        }
        file = Path(folder) / "gatehouse.json"
        file.write_text(json.dumps(config))
        self.process = Process(*command, "run", "--config", file)
        self.process.wait_for_line("^listening on ", seconds=120)
        self._clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
        self._upstreams = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (*self._clients, *self._upstreams, self._listener):
            end.close()
        self.process.stop()

    def ask(self, times):
        """That often, each client once."""
        for _ in range(times):
            self._send(self._clients, REQUEST)
            while len(self._upstreams) < len(self._clients):
                self._upstreams.append(self._listener.accept()[0])
            for upstream in self._upstreams:
                self._hear(upstream, b"\r\n\r\n")
            self._send(self._upstreams, RESPONSE)
            for client in self._clients:
                self._hear(client, b"x" * 1024)
        self._settle()

    def _send(self, ends, what):
        self._settle()
        with self._stopped(len(ends) > 1):
            for end in ends:
                end.sendall(what)

    @contextmanager
    def _stopped(self, wanted):
        if wanted:
            os.kill(self.process.pid, signal.SIGSTOP)
        yield
        if wanted:
            os.kill(self.process.pid, signal.SIGCONT)

    def _hear(self, end, last):
        heard = b""
        while not heard.endswith(last):
            piece = end.recv(65536)
            assert piece, f"closed after {heard!r}:\n{self.process.output}"
            heard += piece

    def _settle(self):
        """Until no thread of it runs, seen twice."""
        quiet = 0
        while quiet < 2:
            time.sleep(0.0005)
            quiet = quiet + 1 if self._is_quiet() else 0

    def _is_quiet(self):
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "S"
                   for task in tasks)
