"""Peers in this process: applications behind gatehouse, and the one that is asked about names."""

import http.server
import selectors
import socket
import threading
import urllib.parse

from .process import PATIENCE


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # a client that leaves is part of many tests


class HttpPeer:
    """Runs a handler class on a free port, or on the given one."""

    def __init__(self, handler, port=0):
        self.server = _Server(("127.0.0.1", port), handler)
        self.server.peer = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class QuietHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _EchoHandler(QuietHandler):
    """GET says what was asked; POST gives the body back."""

    def do_GET(self):
        lines = [f"{self.command} {self.path}", *(f"{k}: {v}" for k, v in self.headers.items())]
        self.answer(("\n".join(lines) + "\n").encode())

    do_HEAD = do_GET

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(body)

    do_PUT = do_POST


class EchoServer(HttpPeer):
    def __init__(self, port=0):
        super().__init__(_EchoHandler, port)


class _AskHandler(QuietHandler):
    def do_GET(self):
        peer = self.server.peer
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        name = query.get("domain", [""])[0]
        with peer.news:
            peer.asked.append(name)
            peer.news.notify_all()
        if name in peer.slow:
            peer.release.wait(120)
        self.send_response(peer.answers.get(name, 404))
        self.send_header("Location", peer.url + "/?domain=yes.example")
        self.send_header("Content-Length", "0")
        self.end_headers()


class AskServer(HttpPeer):
    """Says `answers[name]` (a status) or 404; keeps names in `slow` waiting until `release`."""

    def __init__(self, answers, slow=()):
        self.answers = answers
        self.slow = set(slow)
        self.release = threading.Event()
        self.asked = []
        self.news = threading.Condition()
        super().__init__(_AskHandler)

    def wait_for(self, name):
        """Until somebody has asked about the name."""
        with self.news:
            assert self.news.wait_for(lambda: name in self.asked, PATIENCE), f"{name}: not asked"

    def stop(self):
        self.release.set()
        super().stop()


class SilentServer:
    """Accepts connections and never says a word."""

    def __init__(self, port=0):
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self._listener.settimeout(PATIENCE)
        self._accepted = []
        self.port = self._listener.getsockname()[1]

    def accept(self):
        """Until somebody has connected."""
        self._accepted.append(self._listener.accept()[0])

    def connected(self):
        """How many have connected so far."""
        self._listener.settimeout(0)
        try:
            while True:
                self.accept()
        except BlockingIOError:
            self._listener.settimeout(PATIENCE)
            return len(self._accepted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self._listener, *self._accepted]:
            one.close()


class RawUpstream:
    """Keeps the bytes of each connection, and answers by a function of the connection's number
    and the bytes since its last answer. It returns what to send, None to wait for more, or False
    to close; of a tuple (bytes, False) it sends the bytes first. One thread, so that bytes are
    kept in the order in which they were sent, over all connections."""

    def __init__(self, answer):
        self.answer = answer
        self.received = []  # of each connection
        self._answered = []
        self.arrived = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with selectors.DefaultSelector() as ready, self._listener:
            ready.register(self._stopped, selectors.EVENT_READ)
            ready.register(self._listener, selectors.EVENT_READ)
            while True:
                with_bytes = [key for key, _ in ready.select()]
                if any(key.fileobj is self._stopped for key in with_bytes):
                    break
                with self.arrived:
                    for key in with_bytes:
                        self._serve(ready, key)
                    self.arrived.notify_all()
            for key in list(ready.get_map().values()):
                key.fileobj.close()

    def _serve(self, ready, key):
        if key.fileobj is self._listener:
            connection, _ = self._listener.accept()
            ready.register(connection, selectors.EVENT_READ, len(self.received))
            self.received.append(b"")
            self._answered.append(0)
        elif not self._talk(key.fileobj, key.data):
            ready.unregister(key.fileobj)
            key.fileobj.close()

    def _talk(self, connection, number):
        """False when the connection is over."""
        try:
            piece = connection.recv(65536)
            if not piece:
                return False
            self.received[number] += piece
            said = self.answer(number, self.received[number][self._answered[number]:])
            said, goes_on = said if isinstance(said, tuple) else (said, said is not False)
            if said:
                self._answered[number] = len(self.received[number])
                connection.sendall(said)
            return goes_on
        except OSError:
            return False

    def everything(self):
        with self.arrived:
            return b"".join(self.received)

    def forget(self):
        with self.arrived:
            self.received = [b""] * len(self.received)
            self._answered = [0] * len(self.received)

    def wait_for(self, text):
        """Until the bytes have come in."""
        with self.arrived:
            there = self.arrived.wait_for(
                lambda: any(text in one for one in self.received), PATIENCE)
            assert there, f"{text!r} has not come: {self.received}"

    def stop(self):
        self._stop.close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
