"""WebSocket (RFC 6455) as plain as can be: one end of a connection, a client, and a server."""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import threading

from .client import fields_of, read_until
from .process import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def accept_of(key):
    proof = key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(proof).digest()).decode()


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


class WebSocket:
    """One end after the handshake. `masks`: as a client must. `early`: bytes read already."""

    def __init__(self, connection, masks, early=b""):
        self.connection, self.masks, self._data = connection, masks, early

    def frame(self, opcode, payload=b"", fin=True):
        size = len(payload)
        head = bytes([opcode | (0x80 if fin else 0)])
        mask_bit = 0x80 if self.masks else 0
        if size < 126:
            head += bytes([mask_bit | size])
        elif size < 65536:
            head += struct.pack("!BH", mask_bit | 126, size)
        else:
            head += struct.pack("!BQ", mask_bit | 127, size)
        if not self.masks:
            return head + payload
        mask = os.urandom(4)
        return head + mask + _masked(payload, mask)

    def send(self, opcode, payload=b"", fin=True):
        self.connection.sendall(self.frame(opcode, payload, fin))

    def _bytes(self, count):
        while len(self._data) < count:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError(f"ended with {self._data!r}")
            self._data += piece
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def receive(self):
        """One frame: (opcode, payload, fin). EOFError when the other side has ended."""
        first, second = self._bytes(2)
        assert bool(second & 0x80) != self.masks, "masked by the wrong side"
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack("!H", self._bytes(2))
        elif size == 127:
            size, = struct.unpack("!Q", self._bytes(8))
        mask = self._bytes(4) if second & 0x80 else bytes(4)
        return first & 0x0f, _masked(self._bytes(size), mask), bool(first & 0x80)


def _masked(payload, mask):
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def fragments(session, opcode, pieces):
    """A message's frames, as `session` would send them."""
    last = len(pieces) - 1
    return b"".join(session.frame(CONTINUATION if number else opcode, piece, number == last)
                    for number, piece in enumerate(pieces))


def exchange(connection, data, count):
    """Sends `data` while it reads `count` bytes, which it returns. In one thread: Python's TLS is
    not for two."""
    heard = b""
    connection.setblocking(False)
    while data or len(heard) < count:
        ready = select.select([connection], [connection] if data else [], [], PATIENCE)
        assert ready[0] or ready[1], f"{len(data)} bytes unsent, {count - len(heard)} unheard"
        try:
            if ready[1]:
                data = data[connection.send(data[:16384]):]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        try:
            while len(heard) < count:
                piece = connection.recv(65536)
                assert piece, "ended early"
                heard += piece
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
    connection.settimeout(PATIENCE)
    return heard


def handshake_text(host, path="/chat", fields=(), key=None):
    key = key or base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *fields]
    return key, ("\r\n".join(lines) + "\r\n\r\n").encode()


def open_websocket(connection, host, fields=()):
    """A client's handshake, which must succeed."""
    key, text = handshake_text(host, fields=fields)
    connection.sendall(text)
    head, _, early = read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    said = fields_of(head.decode())
    assert said["sec-websocket-accept"] == accept_of(key)
    assert (said["upgrade"], said["connection"]) == ("websocket", "Upgrade")
    return WebSocket(connection, True, early)


def echo(session):
    """Gives frames back, answers pings and a close."""
    while True:
        opcode, payload, fin = session.receive()
        session.send(PONG if opcode == PING else opcode, payload, fin)
        if opcode == CLOSE:
            return


class WebSocketServer:
    """Runs `act(session)` in a thread for each connection, after the handshake; what was sent
    before our 101 lies in `early`. `answer`: bytes instead of it, by a function of the
    request's head."""

    def __init__(self, act=echo, answer=None):
        self.act, self.answer = act, answer
        self.heads, self.early = [], []
        self._connections, self._threads = [], []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._connections.append(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with connection:
            try:
                while self._serve_one(connection):
                    pass
            except (OSError, EOFError, AssertionError):
                pass  # the other side left; what the test wants to know it asks itself

    def _serve_one(self, connection):
        """Whether the connection speaks HTTP still."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        head, _, early = data.partition(b"\r\n\r\n")
        head = head.decode("latin-1")
        with self._lock:
            self.heads.append(head)
            self.early.append(early)
        if self.answer:
            connection.sendall(self.answer(head))
            return True
        accept = accept_of(fields_of(head)["sec-websocket-key"])
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept.encode() +
                           b"\r\n\r\n")
        self.act(WebSocket(connection, False, early))
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended
        for thread in self._threads:
            thread.join()
