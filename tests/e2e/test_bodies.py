"""Bodies of any size pass both ways, unchanged, in constant memory."""

import os
import socket
import threading

from harness.client import connect, plain, read_until
from harness.fronts import NAME, plain_front, tls_front
from harness.process import SANITIZED
from harness.servers import HttpPeer, QuietHandler

MIB = 1024 * 1024
SIZE = (64 if SANITIZED else 1024) * MIB
BLOCK = os.urandom(MIB)
TWICE = memoryview(BLOCK + BLOCK)
# What forwarding may add to the memory of the process. AddressSanitizer keeps what is freed for a
# while; here not for long.
GROWTH = (96 if SANITIZED else 8) * MIB
LEAN = {"ASAN_OPTIONS": "quarantine_size_mb=8:" + os.environ.get("ASAN_OPTIONS", "")}


class Comparison:
    """Counts bytes, and pieces that differ from BLOCK sent again and again."""

    def __init__(self):
        self.size = self.wrong = 0

    def add(self, piece):
        at = self.size % MIB
        self.wrong += piece != TWICE[at:at + len(piece)]
        self.size += len(piece)

    def __str__(self):
        return f"{self.size} bytes, {self.wrong} wrong"


class _Bulk(QuietHandler):
    """GET /SIZE sends blocks with a length, GET /chunked/SIZE without; POST compares them."""

    def do_GET(self):
        size = int(self.path.rsplit("/", 1)[1])
        chunked = self.path.startswith("/chunked/")
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
        self.send_response(200)
        self.send_header(*framing)
        self.end_headers()
        for _ in range(size // MIB):
            self.wfile.write(b"100000\r\n" + BLOCK + b"\r\n" if chunked else BLOCK)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        seen = Comparison()
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                seen.add(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = int(self.headers["Content-Length"])
            while seen.size < length:
                seen.add(self.rfile.read1(min(MIB, length - seen.size)))
        self.answer(str(seen).encode())


def download(connection, path, size):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    head, _, rest = read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and f"Content-Length: {size}".encode() in head, head
    seen = Comparison()
    seen.add(rest)
    piece = memoryview(bytearray(MIB))
    while seen.size < size:
        got = connection.recv_into(piece)
        assert got, f"cut after {seen}"
        seen.add(piece[:got])
    assert str(seen) == f"{size} bytes, 0 wrong"


def upload(connection, size):
    head = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode())
    for _ in range(size // MIB):
        connection.sendall(BLOCK)
    answer = read_until(connection, b"wrong")
    assert f"{size} bytes, 0 wrong".encode() in answer, answer


def test_a_gibibyte_passes_each_way_over_tls_in_bounded_memory(tmp_path):
    with HttpPeer(_Bulk) as upstream:
        with tls_front(tmp_path, upstream.url, env=LEAN) as gatehouse:
            with connect(gatehouse.https, NAME, gatehouse.trust) as connection:
                before = gatehouse.memory()
                download(connection, f"/{SIZE}", SIZE)
                upload(connection, SIZE)
                growth = gatehouse.memory("VmHWM") - before
                print(f"grew by {growth // 1024} KiB")
                assert growth < GROWTH


def test_chunked_bodies_pass_each_way(tmp_path):
    size = 64 * MIB
    with HttpPeer(_Bulk) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            connection.sendall(f"GET /chunked/{size} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            stream = connection.makefile("rb")
            head = iter(stream.readline, b"\r\n")
            assert b"Transfer-Encoding: chunked\r\n" in list(head)
            seen = Comparison()
            while length := int(stream.readline(), 16):
                seen.add(stream.read(length))
                assert stream.readline() == b"\r\n"
            assert stream.readline() == b"\r\n"
            assert str(seen) == f"{size} bytes, 0 wrong"
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(size // MIB):
                connection.sendall(b"100000\r\n" + BLOCK + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            answer = read_until(connection, b"wrong")
            assert f"{size} bytes, 0 wrong".encode() in answer


class OneSide:
    """An upstream that sends, or does not read, until nothing more goes through."""

    STALL = 2  # seconds without progress: it goes no further

    def __init__(self, sends):
        self.moved = 0
        self.stalled = threading.Event()
        self._sends = sends
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        connection, _ = self._listener.accept()
        connection.settimeout(self.STALL)
        read_until(connection, b"\r\n\r\n")
        if self._sends:
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
            self.moved = until_it_stalls(connection)
        self.stalled.set()
        self._held = connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()


def until_it_stalls(connection):
    """Sends until the connection takes no more; returns how much it took."""
    moved = 0
    try:
        while True:
            moved += connection.send(BLOCK)
    except TimeoutError:
        return moved


# What the kernel may hold for the four sockets on the way.
KERNEL = 48 * MIB


def test_a_client_that_does_not_read_stops_its_upstream(tmp_path):
    with OneSide(sends=True) as upstream:
        with plain_front(tmp_path, upstream.url, env=LEAN,
                         timeouts={"drain": "200ms"}) as gatehouse:
            before = gatehouse.memory()
            with plain(gatehouse.http) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert upstream.stalled.wait(60)
                assert upstream.moved < KERNEL
                growth = gatehouse.memory("VmHWM") - before
                print(f"grew by {growth // 1024} KiB")
                assert growth < GROWTH


def test_an_upstream_that_does_not_read_stops_its_client(tmp_path):
    with OneSide(sends=False) as upstream:
        with plain_front(tmp_path, upstream.url, env=LEAN,
                         timeouts={"drain": "200ms"}) as gatehouse:
            before = gatehouse.memory()
            with plain(gatehouse.http) as connection:
                connection.settimeout(OneSide.STALL)
                connection.sendall(
                    f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {1 << 40}\r\n\r\n".encode())
                assert until_it_stalls(connection) < KERNEL
                growth = gatehouse.memory("VmHWM") - before
                print(f"grew by {growth // 1024} KiB")
                assert growth < GROWTH
