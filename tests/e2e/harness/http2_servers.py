"""An HTTP/2 upstream frame by frame, which may say what no library would."""

import socket
import threading
from dataclasses import dataclass

import hpack

from .http2 import *
from .process import PATIENCE


@dataclass
class Request:
    """What has come of one."""
    fields: list
    body: bytes = b""
    trailers: list = None
    ended: bool = False
    reset: int = None  # by which code


class _Served(Http2):
    """The other side of a connection: the same frames."""

    def _note_head(self, heard):
        fields = text(self.decoder.decode(heard.payload, raw=True))
        request = self.responses.get(heard.stream)
        if request is None:
            request = self.responses[heard.stream] = Request(fields)
        else:
            request.trailers = fields
        request.ended = bool(heard.flags & END_STREAM)

    def of(self, stream):
        return self.responses.setdefault(stream, Request([]))


class RawHttp2Upstream:
    """Keeps the requests in the order in which they began. `answer(request, stream)`, called
    whenever more of one has come, gives the bytes to send, or nothing to wait for more."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.news = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open = []
        self.port = self._listener.getsockname()[1]
        self.url = f"h2c://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        served, answered, seen = _Served(connection, preface=False), set(), 0
        try:
            assert connection.recv(len(PREFACE), socket.MSG_WAITALL) == PREFACE
            served.send(settings({}))
            while True:
                heard = served.next_frame()
                with self.news:
                    new = list(served.responses.values())[seen:]
                    self.requests += new
                    seen += len(new)
                    self.news.notify_all()
                    request = served.responses.get(heard.stream)
                    if heard.kind in (HEADERS, DATA) and heard.stream not in answered:
                        said = self.answer(request, heard.stream)
                        if said:
                            answered.add(heard.stream)
                            served.send(said)
        except (Ended, OSError):
            connection.close()

    def forget(self):
        with self.news:
            self.requests = []

    def wait_for(self, true):
        """Until `true(requests)`; gives them."""
        with self.news:
            assert self.news.wait_for(lambda: true(self.requests), PATIENCE), self.requests
            return list(self.requests)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self._listener, *self._open]:
            try:
                one.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who reads
            except OSError:
                pass
            one.close()


def answer(stream, *parts, end=True):
    """Frames: a list is a head or trailers, bytes are DATA; the last one ends the stream."""
    encoder, frames = hpack.Encoder(), b""
    for at, part in enumerate(parts):
        last = END_STREAM if end and at == len(parts) - 1 else 0
        if isinstance(part, bytes):
            frames += frame(DATA, last, stream, part)
        else:
            frames += frame(HEADERS, END_HEADERS | last, stream, encoder.encode(part))
    return frames
