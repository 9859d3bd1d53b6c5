"""HTTP/2 clients in front of HTTP/1.1 upstreams: what passes, how it ends, and who is asked."""

import os
import re
import signal
import subprocess
import threading

import pytest
from harness.client import connect, fields_of, plain, read_to_end, trust
from harness.fronts import NAME, plain_front, tls_front
from harness.http2 import *
from harness.process import PATIENCE
from harness.servers import EchoServer, HttpPeer, QuietHandler, RawUpstream

END = b"\r\n\r\n"


def saying(answer, closes=False):
    """An upstream that says this to every request that is whole: its body, if any, is chunked or
    ends in "end"."""
    def say(_, request):
        head, _, body = request.partition(END)
        if END not in request:
            return None
        if b"chunked" in head and not body.endswith(b"0\r\n\r\n") and b"0\r\n" not in body:
            return None
        if b"Content-Length" in head and not body.endswith(b"end"):
            return None
        return (answer, False) if closes else answer
    return RawUpstream(say)


@pytest.fixture
def through(tmp_path):
    """Starts a gatehouse before an upstream; gives a client that has connected."""
    held = []

    def start(upstream, own_settings=None, windows=True, **config):
        held.append(upstream)
        held.append(plain_front(tmp_path, upstream.url, **config))
        held.append(Http2(plain(held[-1].http), own_settings, windows))
        held[-1].gatehouse = held[-2]
        return held[-1]
    yield start
    for one in reversed(held):
        one.__exit__(None, None, None)


# --- which protocol ---

def test_clients_choose_by_alpn(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        url = f"https://{NAME}:{gatehouse.https}/"
        place = f"{NAME}:{gatehouse.https}"
        ask = ["curl", "-sS", "--cacert", str(tmp_path / "front.pem"), "-o", "/dev/null", "-w",
               "%{http_version} %{response_code}", "--resolve", f"{place}:127.0.0.1", url]
        for option, version in (("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")):
            done = subprocess.run([*ask, option], capture_output=True, text=True, timeout=60)
            assert done.stdout == f"{version} 200", (option, done)


def test_plain_listeners_speak_http2_to_who_knows_and_http1_to_the_rest(tmp_path):
    with EchoServer() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with Http2(plain(gatehouse.http)) as client:
            assert client.get().status == 200
        with plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                           b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"


def test_the_preface_over_tls_needs_alpn(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        with connect(gatehouse.https, NAME, gatehouse.trust) as client:
            client.sendall(PREFACE)
            assert re.match(rb"HTTP/1\.1 (400|505) ", read_to_end(client))


# --- messages ---

def test_a_request_reaches_the_upstream_as_http1_in_one_form(through):
    upstream = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    client = through(upstream)
    more = [("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2"), ("te", "trailers")]
    response = client.get("/p%20q?x=y", authority="Shop.Example:80", more=more)
    assert (response.status, response.body) == (200, b"ok")
    head = upstream.everything().decode()
    assert head.startswith("GET /p%20q?x=y HTTP/1.1\r\n")
    assert re.search(r"^Host: shop\.example:80\r$", head, re.M | re.I), head
    assert head.lower().count("host: shop") == 1 + head.lower().count("x-forwarded-host: shop")
    assert re.search(r"^cookie: a=1; b=2\r$", head, re.M), head
    assert "content-length" not in head.lower() and "transfer-encoding" not in head.lower()


def test_a_host_field_stands_in_for_an_authority(through):
    upstream = saying(b"HTTP/1.1 204 No Content\r\n\r\n")
    client = through(upstream)
    client.headers(1, [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a.test")])
    assert client.response(1).status == 204
    assert b"\r\nHost: a.test\r\n" in upstream.everything()


BAD = {
    "another host": [*request_fields(), ("host", "other.example")],
    "user in the authority": request_fields(authority="user@front.example"),
    "fragment in the path": request_fields("/a#b"),
    "bytes beyond ASCII in the path": request_fields("/\xe9"),
    "settings of an upgrade": [*request_fields(), ("http2-settings", "AAMAAABkAAQAAP__")],
    "odd scheme": request_fields(scheme="ftp"),
    "trace": request_fields(method="TRACE"),
    "unknown method": request_fields(method="BREW"),
    "unknown protocol": [(":method", "CONNECT"), (":scheme", "http"), (":authority", "a"),
                         (":path", "/"), (":protocol", "connect-udp")],
    "encoded zero": request_fields("/a%00b"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_would_confuse_an_upstream_never_reaches_it(through, what):
    upstream = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    client = through(upstream)
    client.headers(1, BAD[what])
    response = client.response(1)
    assert response.reset is not None or 400 <= response.status <= 501
    client.headers(3, request_fields("/good"))
    assert client.response(3).status == 200
    assert upstream.everything().count(b" HTTP/1.1\r\n") == 1


def test_classic_connect_is_refused(through):
    client = through(saying(b""))
    client.headers(1, [(":method", "CONNECT"), (":authority", "example.com:443")])
    assert client.response(1).status in (405, 501)


@pytest.mark.parametrize("length", [True, False], ids=["with length", "without"])
def test_bodies_pass_both_ways(through, length):
    client = through(EchoServer())
    body = os.urandom(3_000_000)
    more = [("content-length", str(len(body)))] if length else []
    stream = client.request(method="POST", end=False, more=more)
    client.wait_for(lambda c: INITIAL_WINDOW_SIZE in c.peer_settings)
    sent, window = 0, client.peer_settings[INITIAL_WINDOW_SIZE]

    def room():
        given = sum(u.number for u in client.updates if u.stream == stream)
        whole = 65535 + sum(u.number for u in client.updates if u.stream == 0)
        return min(window + given, whole) - sent

    while sent < len(body):
        client.wait_for(lambda _: room() > 0)
        piece = body[sent:sent + min(room(), 16384)]
        sent += len(piece)
        client.data(stream, piece, end=sent == len(body))
    response = client.response(stream)
    assert response.body == body and response.trailers is None


def test_trailers_pass_both_ways(through):
    upstream = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
                      b"X-Sum: 2\r\nHost: other\r\n\r\n")
    client = through(upstream)
    stream = client.request(method="POST", end=False, more=[("te", "trailers")])
    client.data(stream, b"abc")
    client.headers(stream, [("x-mine", "3")])
    response = client.response(stream)
    assert (response.body, response.trailers) == (b"ok", [("x-sum", "2")])
    assert b"\r\n0\r\nx-mine: 3\r\n\r\n" in upstream.everything()


def test_interim_responses_pass(through):
    client = through(saying(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    response = client.get()
    assert [(one[":status"], one["link"]) for one in response.interim] == [("103", "</a>")]
    assert response.status == 200


@pytest.mark.parametrize("status, method, length", [
    (200, "HEAD", "5"), (204, "GET", None), (304, "GET", "5"), (200, "GET", "0")])
def test_responses_without_a_body_end_with_their_head(through, status, method, length):
    said = f"HTTP/1.1 {status} X\r\n" + (f"Content-Length: {length}\r\n" if length else "")
    client = through(saying(said.encode() + b"\r\n"))
    stream = client.request(method=method)
    while client.of(stream).head is None:
        heard = client.next_frame()
    assert heard.flags & END_STREAM
    assert client.of(stream).status == status
    assert client.of(stream).head.get("content-length") == length


def test_who_waits_for_100_gets_the_upstreams(through):
    def answer(_, request):
        if request.endswith(END):
            return b"HTTP/1.1 100 Continue\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if request == b"end" else None
    upstream = RawUpstream(answer)
    client = through(upstream)
    stream = client.request(method="POST", end=False,
                            more=[("content-length", "3"), ("expect", "100-continue")])
    client.wait_for(lambda c: c.of(stream).interim)
    assert client.of(stream).interim[0][":status"] == "100"
    client.data(stream, b"end", end=True)
    assert client.response(stream).status == 200
    assert b"100-continue" in upstream.everything()


def test_an_answer_before_the_request_has_ended_is_passed_on(through):
    refuses = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"
    upstream = RawUpstream(lambda _, r: (refuses, False) if END in r else None)
    client = through(upstream)
    stream = client.request(method="POST", end=False, more=[("content-length", "100000")])
    client.data(stream, bytes(10000))
    client.wait_for(lambda c: c.of(stream).ended)
    assert (client.of(stream).status, client.of(stream).body) == (413, b"no!")
    client.wait_for(lambda c: c.of(stream).reset is not None)
    assert client.of(stream).reset == NO_ERROR, "the rest of the body is not wanted"
    client.ping()  # and the connection goes on


# --- how it ends ---

CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\nhalf",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
}


@pytest.mark.parametrize("what", CUT)
def test_a_body_that_the_upstream_cuts_off_is_never_ended_well(through, what):
    client = through(saying(CUT[what], closes=True))
    response = client.get()
    assert response.reset not in (None, NO_ERROR) and not response.ended
    client.ping()


def test_an_upstream_that_cannot_be_reached_is_502(through):
    client = through(saying(b"", closes=True))
    assert client.get().status == 502


def test_a_request_that_the_client_cuts_off_is_never_ended_well(through):
    upstream = RawUpstream(lambda *_: None)
    client = through(upstream)
    stream = client.request(method="POST", end=False)
    client.data(stream, b"half")
    upstream.wait_for(b"half")
    client.reset(stream)
    client.ping()  # it goes on
    assert b"0\r\n\r\n" not in upstream.everything()


class Waiting(QuietHandler):
    """Never answers; says when it was asked, and when whoever asked has gone."""

    def do_GET(self):
        self.server.peer.came.release()
        try:
            assert self.connection.recv(1) == b""
        except ConnectionError:
            pass
        self.server.peer.gone.release()


def waiting():
    upstream = HttpPeer(Waiting)
    upstream.came, upstream.gone = threading.Semaphore(0), threading.Semaphore(0)
    return upstream


def test_a_reset_takes_the_request_back_from_the_upstream(through):
    upstream = waiting()
    client = through(upstream)
    stream = client.request()
    assert upstream.came.acquire(timeout=PATIENCE)
    client.reset(stream)
    assert upstream.gone.acquire(timeout=PATIENCE)
    client.ping()


def test_a_client_that_leaves_takes_its_requests_with_it(through):
    upstream = waiting()
    client = through(upstream)
    for _ in range(3):
        client.request()
    for _ in range(3):
        assert upstream.came.acquire(timeout=PATIENCE)
    client.connection.close()
    for _ in range(3):
        assert upstream.gone.acquire(timeout=PATIENCE)


def test_stopping_announces_itself_and_loses_no_request(through):
    """GOAWAY twice (RFC 9113 6.8): a request on its way when the first comes is still served."""
    client = through(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert client.get().status == 200
    stream = client.request(method="POST", end=False, more=[("content-length", "3")])
    client.ping()
    os.kill(client.gatehouse.pid, signal.SIGTERM)
    client.wait_for(lambda c: c.goaways)
    assert client.goaways[0] == (LARGEST_WINDOW, NO_ERROR)
    late = client.request()
    assert client.response(late).status == 200
    client.wait_for(lambda c: len(c.goaways) == 2)
    assert client.goaways[1] == (late, NO_ERROR)
    client.data(stream, b"end", end=True)
    assert client.response(stream).status == 200
    assert client.to_the_end() == NO_ERROR
    assert client.gatehouse.wait() == 0


def test_a_connection_without_requests_serves_one_that_the_notice_crossed(through):
    client = through(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert client.get().status == 200
    os.kill(client.gatehouse.pid, signal.SIGTERM)
    client.wait_for(lambda c: c.goaways)  # and a PING, which is not answered yet
    late = client.request()
    assert client.response(late).status == 200
    assert client.to_the_end() == NO_ERROR
    assert client.gatehouse.wait() == 0
    assert client.goaways == [(LARGEST_WINDOW, NO_ERROR), (late, NO_ERROR)]


# --- many at once ---

class Sized(QuietHandler):
    def do_GET(self):
        self.answer(bytes(int(self.path[1:])))


def test_a_client_may_measure_the_way_by_a_ping_for_each_piece_of_data(through):
    """As gRPC clients do, to size their windows."""
    client = through(HttpPeer(Sized))
    stream = client.request("/3000000")
    pings = 0
    while not client.of(stream).ended:
        if client.next_frame().kind == DATA:
            client.send(frame(PING, 0, 0, b"bdp-ping"))
            pings += 1
    assert pings > 150, "or limits.ping_frames would have been enough"
    assert len(client.of(stream).body) == 3_000_000 and not client.goaways


def test_slow_streams_hold_up_nobody(through):
    """Ten streams that nobody reads take what their own windows allow, and no more."""
    client = through(HttpPeer(Sized), {INITIAL_WINDOW_SIZE: 1000}, windows=False)
    stuck = [client.request("/1000000") for _ in range(10)]
    client.wait_for(lambda c: all(len(c.of(s).body) == 1000 for s in stuck))
    for _ in range(50):
        assert len(client.get("/500").body) == 500


def test_urgent_streams_come_first(through):
    """RFC 9218: by field at first, changed by PRIORITY_UPDATE."""
    client = through(HttpPeer(Sized), windows=False)
    lazy = client.request("/200000", more=[("priority", "u=7")])
    client.wait_for(lambda c: len(c.of(lazy).body) == 65535)
    urgent = client.request("/100000", more=[("priority", "u=0")])
    client.ping()
    client.wait_for(lambda c: c.of(urgent).head)
    other = client.request("/100000", more=[("priority", "u=7")])
    client.wait_for(lambda c: c.of(other).head)
    client.send(frame(PRIORITY_UPDATE, 0, 0, other.to_bytes(4, "big") + b"u=1"))
    client.ping()
    client.order.clear()
    for _ in range(3):
        client.send(window_update(0, 60000))
    client.wait_for(lambda c: len(c.of(urgent).body) + len(c.of(other).body) >= 130_000)
    assert client.order.index(other) > client.order.index(urgent)
    assert lazy not in client.order


def test_the_windows_grow_for_a_client_that_is_fast(through):
    """What may be on its way fills a path of 1 Gbit/s and 50 ms."""
    sent, news = 0, threading.Condition()

    class Sink(QuietHandler):
        def do_POST(self):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
                with news:
                    self.server.peer.got += size
                    news.notify_all()
            self.rfile.readline()
            self.answer(b"ok")

    upstream = HttpPeer(Sink)
    upstream.got = 0
    client = through(upstream)
    stream = client.request(method="POST", end=False)
    client.wait_for(lambda c: INITIAL_WINDOW_SIZE in c.peer_settings)

    def room():
        given = client.peer_settings[INITIAL_WINDOW_SIZE] + sum(
            u.number for u in client.updates if u.stream == stream)
        whole = 65535 + sum(u.number for u in client.updates if u.stream == 0)
        return min(given, whole) - sent

    while room() < 6_250_000:
        assert sent < 2_000_000_000, room()
        for _ in range(0, burst := room(), 16384):
            piece = bytes(min(16384, burst))
            burst -= len(piece)
            sent += len(piece)
            client.data(stream, piece)
        with news:  # all has been passed on, and gatehouse waits for more
            assert news.wait_for(lambda: upstream.got == sent, PATIENCE)
        client.wait_for(lambda _: room() > 0)
    client.data(stream, end=True)
    assert client.response(stream).body == b"ok"
