"""Responses that come piece by piece and never end, as server-sent events do, through both versions
of HTTP on either side: nothing is held back, silence is no fault, and who leaves is missed."""

import re

import pytest
from harness.client import plain, read_until
from harness.gatehouse import Gatehouse
from harness.http2 import CANCEL, NO_ERROR, Http2
from harness.http2_peers import SlowUpstream

VERSIONS = ("h1", "h2c")


@pytest.fixture(scope="module")
def upstreams():
    with SlowUpstream("h1") as one, SlowUpstream("h2c") as two:
        yield {"h1": one, "h2c": two}


def start(folder, upstreams, **config):
    sites = [{"hosts": [f"{one}.test"], "tls": False, "proxy": [upstreams[one].url]}
             for one in VERSIONS]
    return Gatehouse(folder, {"sites": sites, **config})


@pytest.fixture(scope="module")
def patient(tmp_path_factory, upstreams):
    with start(tmp_path_factory.mktemp("patient"), upstreams) as gatehouse:
        yield gatehouse


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, upstreams):
    """To which silence soon is too long."""
    timeouts = {"body_idle": "500ms", "stream_idle": "5s"}
    with start(tmp_path_factory.mktemp("hasty"), upstreams, timeouts=timeouts) as gatehouse:
        yield gatehouse


class Http1Stream:
    """A response by HTTP/1.1, after its head."""

    def __init__(self, port, host, path):
        self.connection = plain(port)
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self.head, _, self.heard = read_until(self.connection, b"\r\n\r\n").partition(b"\r\n\r\n")
        assert self.head.startswith(b"HTTP/1.1 200 ")

    def hear(self, text):
        self.heard = read_until(self.connection, text, self.heard)

    def is_cut(self):
        """Waits for its end: whether that was none of a whole message."""
        try:
            while piece := self.connection.recv(65536):
                self.heard += piece
        except ConnectionError:
            pass
        return not self.heard.endswith(b"0\r\n\r\n")

    def leave(self):
        self.connection.close()

    cancel = leave


class Http2Stream:
    """The same by HTTP/2."""

    def __init__(self, port, host, path):
        self.client = Http2(plain(port))
        self.stream = self.client.request(path, authority=host)
        self.response = self.client.of(self.stream)
        self.client.wait_for(lambda _: self.response.head)
        assert self.response.status == 200

    def hear(self, text):
        self.client.wait_for(lambda _: text in self.response.body)

    def is_cut(self):
        self.client.response(self.stream)
        return not self.response.ended and self.response.reset != NO_ERROR

    def leave(self):
        self.client.connection.close()

    def cancel(self):
        self.client.reset(self.stream)
        self.client.ping()


PAIRS = [(client, server) for client in (Http1Stream, Http2Stream) for server in VERSIONS]


@pytest.fixture
def opened():
    """Opens a response by way of a gatehouse."""
    all_of_them = []

    def open_stream(gatehouse, client, server, path):
        all_of_them.append(client(gatehouse.http, f"{server}.test", path))
        return all_of_them[-1]

    yield open_stream
    for one in all_of_them:
        one.leave()


@pytest.mark.parametrize("path", ["/events", "/text"])
@pytest.mark.parametrize("client, server", PAIRS)
def test_each_piece_arrives_before_the_next_is_there(opened, patient, upstreams, client, server,
                                                     path):
    stream = opened(patient, client, server, path)
    for number in range(20):
        upstreams[server].say_more()
        stream.hear(b"data: %d\n\n" % number)


def test_events_may_be_silent_for_longer_than_other_bodies(opened, hasty, upstreams):
    events = [opened(hasty, *pair, "/events") for pair in PAIRS]
    texts = [opened(hasty, *pair, "/text") for pair in PAIRS]
    assert all(stream.is_cut() for stream in texts)
    for upstream in upstreams.values():
        upstream.say_more()
    for stream in events:
        stream.hear(b"data: 0\n\n")
    assert all(stream.is_cut() for stream in events), "but not for ever"


@pytest.mark.parametrize("path", ["/events", "/text"])
@pytest.mark.parametrize("how", ["cancel", "leave"])
@pytest.mark.parametrize("client, server", PAIRS)
def test_the_upstream_learns_that_a_listener_has_gone(opened, patient, upstreams, client, server,
                                                      how, path):
    upstream = upstreams[server]
    path = f"{path}?{client.__name__}-{how}"
    getattr(opened(patient, client, server, path), how)()

    def has_gone():
        # What is said to nobody is how the end of a client of HTTP/1.1 is found out, but of events.
        if path.startswith("/text"):
            upstream.say_more()
        return upstream.matching(f"^gone {re.escape(path)} ")

    gone = upstream.wait_until(has_gone, "the end of the stream")
    assert gone[0].split()[-1] == ("-" if server == "h1" else str(CANCEL))
