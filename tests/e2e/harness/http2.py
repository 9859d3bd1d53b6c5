"""An HTTP/2 client frame by frame, which may say what no library would (RFC 9113)."""

import struct
from dataclasses import dataclass, field

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
PRIORITY_UPDATE = 0x10
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
LARGEST_WINDOW = 2**31 - 1


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(values):
    return frame(SETTINGS, payload=b"".join(struct.pack("!HI", *one) for one in values.items()))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", increment))


def rst_stream(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def request_fields(path="/", authority="front.example", method="GET", scheme="http", more=()):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path),
            *more]


def text(fields):
    """Bytes beyond ASCII as HTTP/1.1's clients here show them."""
    return [tuple(part.decode("latin-1") for part in one) for one in fields]


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def number(self):
        """The error code of RST_STREAM, the increment of WINDOW_UPDATE."""
        return struct.unpack("!I", self.payload[:4])[0]

    @property
    def goaway(self):
        """(last stream, error code) of GOAWAY."""
        return struct.unpack("!II", self.payload[:8])


@dataclass
class Response:
    """What has come on a stream so far."""
    interim: list = field(default_factory=list)  # heads as dictionaries
    head: dict = None
    fields: list = None  # of the head, all of them
    body: bytes = b""
    trailers: list = None
    ended: bool = False
    reset: int = None  # by which code

    @property
    def status(self):
        return int(self.head[":status"])


class Ended(Exception):
    """The connection has ended."""


class Http2:
    """Over a connected socket. Answers SETTINGS and PING by itself; gives windows back at once
    unless `windows` is false."""

    def __init__(self, connection, own_settings=None, windows=True, preface=True):
        self.connection = connection
        self.windows = windows
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.responses = {}
        self.peer_settings = {}
        self.goaways = []  # (last stream, code) in order
        self.pings = 0  # of the peer, answered
        self.updates = []  # WINDOW_UPDATE frames of the peer
        self.order = []  # streams of DATA frames, as they came
        self._buffer = b""
        self._next = 1
        if preface:
            self.send(PREFACE + settings(own_settings or {}))

    # --- saying ---

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Ended(str(error)) from error

    def headers(self, stream, fields, end=True, more=b""):
        """`more`: raw bytes of HPACK behind the encoded fields."""
        block = self.encoder.encode(fields) + more
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.send(frame(HEADERS, flags, stream, block))

    def request(self, path="/", end=True, **more):
        """Opens a stream; its number."""
        stream, self._next = self._next, self._next + 2
        self.headers(stream, request_fields(path, **more), end)
        return stream

    def data(self, stream, body=b"", end=False):
        self.send(frame(DATA, END_STREAM if end else 0, stream, body))

    def reset(self, stream, code=CANCEL):
        self.send(rst_stream(stream, code))

    # --- hearing ---

    def of(self, stream):
        return self.responses.setdefault(stream, Response())

    def next_frame(self):
        """One frame, after what a peer must do about it was done."""
        while len(self._buffer) < 9 or len(self._buffer) < 9 + self._length():
            try:
                piece = self.connection.recv(65536)
            except ConnectionError as error:
                raise Ended(str(error)) from error
            if not piece:
                raise Ended("closed")
            self._buffer += piece
        length = self._length()
        kind, flags, stream = struct.unpack("!BBI", self._buffer[3:9])
        heard = Frame(kind, flags, stream & LARGEST_WINDOW, self._buffer[9:9 + length])
        self._buffer = self._buffer[9 + length:]
        self._note(heard)
        return heard

    def _length(self):
        return int.from_bytes(self._buffer[:3], "big")

    def _note(self, heard):
        if heard.kind == SETTINGS and not heard.flags & ACK:
            for at in range(0, len(heard.payload), 6):
                key, value = struct.unpack("!HI", heard.payload[at:at + 6])
                self.peer_settings[key] = value
            self.send(frame(SETTINGS, ACK))
        elif heard.kind == PING and not heard.flags & ACK:
            self.pings += 1
            self.send(frame(PING, ACK, 0, heard.payload))
        elif heard.kind == GOAWAY:
            self.goaways.append(heard.goaway)
        elif heard.kind == WINDOW_UPDATE:
            self.updates.append(heard)
        elif heard.kind == RST_STREAM:
            self.of(heard.stream).reset = heard.number
        elif heard.kind == HEADERS:
            self._note_head(heard)
        elif heard.kind == DATA:
            self._note_data(heard)

    def _note_head(self, heard):
        payload = heard.payload
        while not heard.flags & END_HEADERS:  # a large head
            heard = self.next_frame()
            assert heard.kind == CONTINUATION
            payload += heard.payload
        fields = text(self.decoder.decode(payload, raw=True))
        response = self.of(heard.stream)
        if fields and fields[0][0] == ":status" and fields[0][1].startswith("1"):
            response.interim.append(dict(fields))
        elif response.head is None:
            response.fields, response.head = fields, dict(fields)
        else:
            response.trailers = fields
        response.ended = response.ended or bool(heard.flags & END_STREAM)

    def _note_data(self, heard):
        response = self.of(heard.stream)
        response.body += heard.payload
        response.ended = bool(heard.flags & END_STREAM)
        self.order.append(heard.stream)
        if self.windows and heard.payload:
            size = len(heard.payload)
            self.send(window_update(0, size) +
                      (b"" if response.ended else window_update(heard.stream, size)))

    def wait_for(self, true):
        """Reads frames until `true(self)`."""
        while not true(self):
            self.next_frame()
        return self

    def response(self, stream):
        """The whole response, or what came of it before it was reset."""
        self.wait_for(lambda _: self.of(stream).ended or self.of(stream).reset is not None)
        return self.of(stream)

    def received(self):
        """Bytes of bodies on all streams."""
        return sum(len(one.body) for one in self.responses.values())

    def get(self, path="/", **more):
        return self.response(self.request(path, **more))

    def ping(self, payload=b"01234567"):
        """Returns when it has been answered: all before it has been read."""
        self.send(frame(PING, 0, 0, payload))
        while True:
            heard = self.next_frame()
            if heard.kind == PING and heard.flags & ACK and heard.payload == payload:
                return

    def to_the_end(self):
        """Reads until the connection ends; the error code of the last GOAWAY, or None."""
        try:
            while True:
                self.next_frame()
        except Ended:
            return self.goaways[-1][1] if self.goaways else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
