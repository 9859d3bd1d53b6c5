"""Random messages through the four pairs of versions: what comes out is what went in, byte by byte,
or was broken off for both."""

import hashlib
import json
import random

import pytest
from harness.client import at_once, plain
from harness.fronts import plain_front
from harness.http2 import INITIAL_WINDOW_SIZE, NO_ERROR, Http2, Response
from harness.http2_peers import PlannedUpstream

AT_ONCE, EACH = 4, 60
SIZES = (0, 1, 2, 100, 1000, 16383, 16384, 16385, 65535, 65536, 100_000)
SMALL = SIZES[:5]
PATTERN = bytes((i * 31 + (i >> 8)) & 255 for i in range(1 << 20))


class ByHttp1:
    """One request after another on a connection."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def open(self, fields, chunked):
        if not self.connection:
            self.connection, self._buffer = plain(self.port), b""
        self.chunked = chunked
        lines = ["POST / HTTP/1.1", "Host: front.example", "TE: trailers", "Connection: TE",
                 *(f"{k}: {v}" for k, v in fields),
                 *(["Transfer-Encoding: chunked"] if chunked else [])]
        self._send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def _send(self, data):
        try:
            self.connection.sendall(data)
        except ConnectionError:
            pass  # who answered early reads no more; the answer is there to be read

    def send_piece(self, _, piece):
        if piece:
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece)

    def pause(self):
        pass

    def give_up(self, _):
        self.close()

    def end(self, _, trailers):
        if self.chunked:
            self._send(b"0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in trailers) + b"\r\n")

    def response(self, _):
        answer = Response()
        try:
            self._read(answer)
        except (EOFError, ConnectionError):
            self.close()
        else:
            answer.ended = True
            if answer.head.get("connection") == "close":
                self.close()
        return answer

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode()

    def _more(self):
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError
        self._buffer += piece

    def _fields(self):
        return [tuple(line.lower().split(": ", 1)) for line in iter(self._line, "")]

    def _take(self, answer, size):
        while size:
            if not self._buffer:
                self._more()
            piece = self._buffer[:size]
            answer.body += piece
            self._buffer = self._buffer[len(piece):]
            size -= len(piece)

    def _read(self, answer):
        while True:
            status = self._line().split()[1]
            answer.fields = [(":status", status), *self._fields()]
            answer.head = dict(answer.fields)
            if not status.startswith("1"):
                break
            answer.interim.append(answer.head)
        if "content-length" in answer.head:
            return self._take(answer, int(answer.head["content-length"]))
        assert answer.head["transfer-encoding"] == "chunked"
        while size := int(self._line(), 16):
            self._take(answer, size)
            assert self._line() == ""
        answer.trailers = self._fields()


class ByHttp2(Http2):
    """All on one connection."""

    def __init__(self, port):
        super().__init__(plain(port))
        self.wait_for(lambda c: INITIAL_WINDOW_SIZE in c.peer_settings)
        self._room, self._seen = {0: 65535}, 0

    def close(self):
        self.connection.close()

    def open(self, fields, chunked):
        return self.request(method="POST", end=False, more=fields)

    def room(self, stream):
        """Bytes that may be sent, by the windows so far."""
        for update in self.updates[self._seen:]:
            self._room[update.stream] = self._room.get(update.stream, 0) + update.number
        self._seen = len(self.updates)
        return min(self._room[0], self._room[stream])

    def send_piece(self, stream, piece):
        self._room.setdefault(stream, self.peer_settings[INITIAL_WINDOW_SIZE])
        while piece:
            self.wait_for(lambda _: self.room(stream) > 0 or self.of(stream).reset is not None)
            if self.of(stream).reset is not None:
                return
            part = piece[:min(self.room(stream), 16384)]
            self.data(stream, part)
            for window in (0, stream):
                self._room[window] -= len(part)
            piece = piece[len(part):]

    def pause(self):
        self.ping()

    def give_up(self, stream):
        self.reset(stream)

    def end(self, stream, trailers):
        if trailers:
            self.headers(stream, trailers)
        else:
            self.data(stream, end=True)


def some(chance, sizes):
    return [chance.choice(sizes) for _ in range(chance.choice((0, 1, 1, 2, 5, 9)))]


def cut_of(chance, sizes, announced):
    """Before which piece a body breaks off, or None."""
    cut = chance.randrange(len(sizes) + 1)
    missing = not announced or sum(sizes[cut:]) > 0
    return cut if missing and chance.random() < 0.2 else None


class Message:
    """A request, and the plan of its answer."""

    def __init__(self, name):
        self.name = name
        chance = random.Random(name)
        waits = chance.random() < 0.7
        self.sizes = some(chance, SIZES if waits else SMALL)
        self.has_length = chance.random() < 0.5
        self.trailers = []
        if not self.has_length and chance.random() < 0.5:
            self.trailers = [("x-up", f"up-{name}")]
        self.pause = chance.choice((None, 0, 1, 3))
        self.cut = cut_of(chance, self.sizes, self.has_length)
        down, length = some(chance, SIZES), chance.random() < 0.5
        self.plan = {
            "id": name, "sizes": down, "length": length, "wait": waits,
            "trailers": None if length or chance.random() < 0.5 else f"down-{name}",
            "hint": chance.random() < 0.2, "pause": chance.choice((-1, 0, 2)),
            "cut": cut_of(chance, down, length),
        }

    def exchange(self, client, upstream):
        fields = [("x-plan", json.dumps(self.plan))]
        if self.has_length:
            fields.append(("content-length", str(sum(self.sizes))))
        stream = client.open(fields, not self.has_length)
        at = 0
        for number, size in enumerate(self.sizes):
            if number == self.cut:
                return client.give_up(stream)
            client.send_piece(stream, PATTERN[at:at + size])
            at += size
            if number == self.pause:
                client.pause()
        if self.cut is not None:
            return client.give_up(stream)
        client.end(stream, self.trailers)
        self.check(client.response(stream))
        if self.plan["wait"]:
            sha = hashlib.sha256(PATTERN[:at]).hexdigest()
            said = dict(self.trailers).get("x-up", "-")
            upstream.wait_for_line(f"^heard {self.name} {sha} {said}$")

    def check(self, answer):
        if self.plan["cut"] is not None:
            if answer.ended:  # before anything of it was passed on
                assert answer.status == 502, self.plan
                return
            assert answer.reset != NO_ERROR, self.plan
            assert PATTERN.startswith(answer.body), self.plan
            return
        assert answer.ended and answer.status == 200, (self.plan, answer.reset, answer.head)
        assert answer.body == PATTERN[:sum(self.plan["sizes"])], self.plan
        said = self.plan["trailers"]
        assert (answer.trailers or []) == ([("x-down", said)] if said else []), self.plan
        assert bool(answer.interim) == self.plan["hint"], self.plan


@pytest.mark.parametrize("server", ["h1", "h2c"])
@pytest.mark.parametrize("client", [ByHttp1, ByHttp2], ids=["h1", "h2"])
def test_what_comes_out_is_what_went_in(tmp_path, client, server):
    with PlannedUpstream(server) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse:
            def run(number):
                messages = [Message(f"{number}-{serial}") for serial in range(EACH)]
                asking = client(gatehouse.http)
                for message in messages:
                    message.exchange(asking, upstream)
                asking.close()
                return [message.name for message in messages if message.cut is not None]

            results = at_once(AT_ONCE, run)
            for result in results:
                if isinstance(result, Exception):
                    raise result
        for name in sum(results, []):
            assert not upstream.matching(f"^heard {name} "), "half a request ended well"
