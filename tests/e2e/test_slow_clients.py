"""Clients that are slow, or too many: each bound ends what goes beyond it and is counted, while a
good client beside it is served as ever."""

import socket

import pytest
from harness.client import (ask, at_once, client_hello, connect, get, plain, read_response,
                            read_to_end, read_until)
from harness.fronts import NAME, plain_front, tls_front
from harness.gatehouse import counted
from harness.http2 import *
from harness.servers import HttpPeer, QuietHandler

MIB = 1 << 20
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SOON = {"timeouts": {"request_head": "1s", "body_idle": "1s", "handshake": "2s"}}


# Head and body leave together, lest a busy upstream be silent between them for too long.
ANSWERS = {path: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
           for path, size in (("/", 2), ("/page", 2 * MIB), ("/large", 64 * MIB))}


class Sized(QuietHandler):
    def do_GET(self):
        self.wfile.write(ANSWERS[self.path])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"ok")


@pytest.fixture(scope="module")
def upstream():
    with HttpPeer(Sized) as peer:
        yield peer


class GoodClient:
    """One connection that asks again and again."""

    def __init__(self, port):
        self.connection = plain(port)

    def is_served(self):
        self.connection.sendall(GET)
        assert read_response(self.connection)[0] == 200


def slow_head(port):
    with plain(port) as client:
        return ask(client, b"GET / HTTP/1.1\r\nHo")


def slow_body(port):
    with plain(port) as client:
        return ask(client, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")


def slow_http2_head(port):
    with Http2(plain(port)) as client:
        client.ping()  # what it must answer has come: nothing may come between a head's frames
        client.send(frame(HEADERS, END_STREAM, 1, client.encoder.encode(request_fields())))
        client.to_the_end()


def slow_http2_body(port):
    with Http2(plain(port)) as client:
        stream = client.request(method="POST", end=False, more=[("content-length", "10")])
        client.data(stream, b"hello")
        client.wait_for(lambda c: c.of(stream).ended or c.of(stream).reset is not None)
        return client.of(stream)


def slow_reader(port):
    """It has asked for 64 MiB, and reads nothing until gatehouse has given it up."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(GET.replace(b" / ", b" /large "))
    return client


def slow_http2_reader(port):
    """Its window stays shut."""
    with Http2(plain(port), {INITIAL_WINDOW_SIZE: 100}, windows=False) as client:
        stream = client.request("/page")
        client.wait_for(lambda c: c.of(stream).reset is not None)


@pytest.mark.parametrize("slow", [slow_head, slow_body, slow_http2_head, slow_http2_body,
                                  slow_http2_reader], ids=lambda one: one.__name__)
def test_a_hundred_slow_clients_harm_nobody(tmp_path, upstream, slow):
    with plain_front(tmp_path, upstream.url, workers=1, **SOON) as gatehouse:
        good = GoodClient(gatehouse.http)
        before = gatehouse.memory()

        def act(number):
            if number < 100:
                return slow(gatehouse.http)
            for _ in range(50):
                good.is_served()

        results = at_once(101, act)
        assert not [one for one in results if isinstance(one, Exception)]
        if slow in (slow_head, slow_body):
            assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in results[:100])
            assert all(b"\r\nConnection: close\r\n" in answer for answer in results[:100])
        assert gatehouse.memory() - before < 64 * MIB
        good.is_served()
        good.connection.close()
        kind = slow.__name__.replace("http2_", "")
        assert counted(gatehouse).get(kind) == 100


def test_readers_that_do_not_read_are_reset_and_harm_nobody(tmp_path, upstream):
    log = {"level": "debug", "format": "text", "access": True}
    with plain_front(tmp_path, upstream.url, workers=1, log=log, **SOON) as gatehouse:
        good = GoodClient(gatehouse.http)
        slow = [slow_reader(gatehouse.http) for _ in range(10)]
        for _ in range(20):
            good.is_served()
        # By our clock, or by the kernel's (TCP_USER_TIMEOUT), which is set to the same.
        gatehouse.wait_for_line("GET http://a/large .*(silent for too long|timed out)", count=10)
        for client in slow:
            assert len(read_to_end(client)) < 64 * MIB
            client.close()
        good.connection.close()
        assert counted(gatehouse)["slow_reader"] == 10


def send_half(port):
    """A connection that is not idle."""
    client = plain(port)
    client.sendall(GET.replace(b"GET", b"POST")[:-2] +
                   b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    return client


def test_idle_connections_make_room_for_new_ones(tmp_path, upstream):
    """The oldest goes first, and one with a request under way never."""
    with plain_front(tmp_path, upstream.url, workers=1, limits={"connections": 10}) as gatehouse:
        busy = send_half(gatehouse.http)
        first = Http2(plain(gatehouse.http))
        assert first.get().status == 200
        idle = []
        for _ in range(30):
            idle.append(GoodClient(gatehouse.http))
            idle[-1].is_served()
            if len(idle) >= 8:
                if first:
                    assert first.to_the_end() == NO_ERROR
                    first.connection.close()
                    first = None
                else:
                    assert read_to_end(idle[0].connection) == b""
                    idle.pop(0).connection.close()
        busy.sendall(b"hello")
        assert read_response(busy)[0] == 200
        for one in [busy, *(each.connection for each in idle)]:
            one.close()
        told = counted(gatehouse)
        assert told["idle_ended"] == 23 and "too_many_connections" not in told


@pytest.mark.parametrize("limit", ["connections", "connections_per_client"])
def test_who_opens_too_many_connections_is_refused(tmp_path, upstream, limit):
    with plain_front(tmp_path, upstream.url, limits={limit: 5}) as gatehouse:
        good = [send_half(gatehouse.http) for _ in range(5)]
        for _ in range(20):
            with plain(gatehouse.http) as refused:
                assert read_to_end(refused) == b""
        for one in good:
            one.sendall(b"hello")
            assert read_response(one)[0] == 200
            one.close()
        assert counted(gatehouse)["too_many_connections"] == 20


@pytest.mark.parametrize("limit", ["handshakes", "handshakes_per_client"])
def test_who_begins_too_many_handshakes_is_refused(tmp_path, upstream, limit):
    with tls_front(tmp_path, upstream.url, limits={limit: 5}) as gatehouse:
        with connect(gatehouse.https, NAME, gatehouse.trust) as good:
            begun = [plain(gatehouse.https) for _ in range(25)]  # of whom five may go on
            gatehouse.wait_for_line("a handshake was refused: too many", count=20)
            good.sendall(GET.replace(b" a\r\n", b" %s\r\n" % NAME.encode()))
            assert read_response(good)[0] == 200
            for one in begun:
                one.close()
        assert counted(gatehouse)["too_many_handshakes"] == 20


def test_stalled_handshakes_harm_nobody(tmp_path, upstream):
    with tls_front(tmp_path, upstream.url, **SOON) as gatehouse:
        half = client_hello(NAME, gatehouse.trust)[:50]

        def act(number):
            if number == 100:
                for _ in range(20):
                    assert get(gatehouse.https, NAME, context=gatehouse.trust)[0] == 200
                return
            with plain(gatehouse.https) as stalled:
                stalled.sendall(half)
                read_to_end(stalled)

        assert at_once(101, act) == [None] * 101
        assert counted(gatehouse)["handshake_stalled"] == 100


def too_large_heads(port):
    for _ in range(7):
        with plain(port) as client:
            fields = b"X: " + b"y" * 40_000
            assert b" 431 " in ask(client, GET[:-2] + fields + b"\r\n\r\n")[:20]


def http2_flood(piece, count=400):
    def flood(port):
        with Http2(plain(port)) as client:
            client.request(method="POST", end=False, more=[("content-length", "10")])
            try:
                for _ in range(count):
                    client.send(piece)
            except Ended:
                pass
            client.to_the_end()
    return flood


KINDS = {
    "slow_head": slow_head, "slow_body": slow_body, "head_too_large": too_large_heads,
    "pings": http2_flood(frame(PING, payload=b"01234567")),
    "settings": http2_flood(frame(SETTINGS)),
    "priorities": http2_flood(frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")),
    "empty_data": http2_flood(frame(DATA, 0, 1)),
    "window_updates": http2_flood(window_update(0, 1), 4000),
    "continuations": http2_flood(
        frame(HEADERS, END_STREAM, 3, b"\x82") + frame(CONTINUATION, 0, 3) * 40, 1),
}


def test_each_kind_of_flood_is_counted_and_told(tmp_path, upstream):
    with plain_front(tmp_path, upstream.url, **SOON) as gatehouse:
        good = GoodClient(gatehouse.http)
        for flood in KINDS.values():
            flood(gatehouse.http)
            good.is_served()
        good.connection.close()
        told = counted(gatehouse)
        expected = {kind: 7 if kind == "head_too_large" else 1 for kind in KINDS}
        assert told == expected
