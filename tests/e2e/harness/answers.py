"""What clients of both versions heard, in one form."""

from dataclasses import dataclass, field

from .client import plain
from .http2 import Http2


@dataclass
class Heard:
    status: int
    fields: list = field(default_factory=list)  # (name in lower case, value), without framing
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)  # statuses
    whole: bool = False  # it ended as its framing says, and not by a break
    length: str = None  # Content-Length

    def field(self, name):
        """All values of a field."""
        return [value for key, value in self.fields if key == name]


class Http1Asker:
    """Requests one after another on a connection, which is made anew when it has ended."""

    def __init__(self, port):
        self.port, self.connection, self._buffer = port, None, b""

    def ask(self, host, path, method="GET", fields=(), body=b""):
        """`fields`: besides framing, which `body` decides: bytes have a length, a list is sent in
        chunks."""
        if self.connection is None:
            self.connection, self._buffer = plain(self.port), b""
        framing = []
        if isinstance(body, list):
            framing = [("Transfer-Encoding", "chunked")]
            body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in body) + b"0\r\n\r\n"
        elif body:
            framing = [("Content-Length", str(len(body)))]
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}",
                 *(f"{name}: {value}" for name, value in [*fields, *framing])]
        self.say("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return self.heard(method == "HEAD")

    def say(self, data):
        try:
            self.connection.sendall(data)
        except ConnectionError:
            pass  # who answered early reads no more; the answer is there to be read

    def heard(self, to_head=False):
        heard = Heard(0)
        try:
            self._read(heard, to_head)
            heard.whole = True
        except (EOFError, ConnectionError):
            self.close()
        return heard

    def _read(self, heard, to_head):
        while True:
            heard.status = int(self._line().split()[1])
            heard.fields = self._fields()
            if heard.status >= 200 or heard.status == 101:
                break
            heard.interim.append(heard.status)
        framing = {k: v for k, v in heard.fields if k in ("content-length", "transfer-encoding")}
        closes = ("connection", "close") in heard.fields
        heard.length = framing.get("content-length")
        heard.fields = [one for one in heard.fields if one[0] not in framing]
        if not to_head and heard.status not in (101, 204, 304):
            self._body(heard, framing)
        if closes:
            self.close()

    def _body(self, heard, framing):
        if "transfer-encoding" not in framing:
            return self._take(heard, int(framing["content-length"]))
        while size := int(self._line(), 16):
            self._take(heard, size)
            assert self._line() == ""
        heard.trailers = self._fields()

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _fields(self):
        pairs = [line.split(":", 1) for line in iter(self._line, "")]
        return [(name.lower(), value.strip()) for name, value in pairs]

    def _take(self, heard, size):
        while size:
            if not self._buffer:
                self._more()
            piece, self._buffer = self._buffer[:size], self._buffer[size:]
            heard.body += piece
            size -= len(piece)

    def _more(self):
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError
        self._buffer += piece

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Http2Asker:
    """Requests on the streams of a connection, which must never end."""

    def __init__(self, port):
        self.client = Http2(plain(port))

    def ask(self, host, path, method="GET", fields=(), body=b""):
        named = [(name.lower(), value) for name, value in fields]
        if body and not isinstance(body, list):
            named.append(("content-length", str(len(body))))
        stream = self.client.request(path, end=not body, authority=host, method=method, more=named)
        pieces = body if isinstance(body, list) else [body] if body else []
        for at, piece in enumerate(pieces):
            self.client.data(stream, piece, end=at == len(pieces) - 1)
        return self.heard(stream)

    def heard(self, stream):
        got = self.client.response(stream)
        if got.head is None:
            return Heard(0)
        heard = Heard(got.status, [(k, v) for k, v in got.fields if k[0] != ":"], got.body,
                      got.trailers or [], [int(one[":status"]) for one in got.interim])
        heard.length = dict(heard.fields).get("content-length")
        heard.fields = [one for one in heard.fields if one[0] != "content-length"]
        # RST_STREAM(NO_ERROR) behind an end says only that the rest of a request is not wanted.
        heard.whole = got.ended and got.reset in (None, 0)
        return heard

    def close(self):
        self.client.connection.close()


ASKERS = {"h1": Http1Asker, "h2": Http2Asker}
