"""What is no clear request never reaches an upstream; what is clear reaches it in one form.

Each connection goes on with a request for /smuggled: bytes that a confused server would take for a
second request.
"""

import re
import socket

import pytest
from harness.client import ask, plain, read_to_end
from harness.gatehouse import Gatehouse
from harness.http2 import PREFACE
from harness.http2_servers import RawHttp2Upstream, answer
from harness.servers import RawUpstream

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
FENCE = b"GET /fence HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
FORWARDED = (b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
             b"X-Forwarded-Host: a\r\nVia: 1.1 gatehouse\r\n")
PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n" + FORWARDED + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A gatehouse in front of an upstream that keeps what it gets, for the whole table; what is
    for the host "h2" goes to one that speaks HTTP/2."""
    def by_http1(_, request):
        head, _, body = request.partition(b"\r\n\r\n")
        ended = body.endswith(b"\r\n\r\n") if b"chunked" in head else body in (b"", b"hello")
        return OK if ended and (b"Content-Length: 5" not in head or body) else None

    def by_http2(request, stream):
        return answer(stream, [(":status", "200")], b"ok") if request.ended else None

    with RawUpstream(by_http1) as upstream, RawHttp2Upstream(by_http2) as second:
        sites = [{"hosts": [host], "tls": False, "proxy": [one.url]}
                 for host, one in (("*", upstream), ("h2", second))]
        with Gatehouse(tmp_path_factory.mktemp("door"),
                       {"sites": sites, "workers": 1}) as gatehouse:
            gatehouse.upstream, gatehouse.second = upstream, second
            yield gatehouse


def talk(door, request, followed_by=SMUGGLED):
    """What comes back until the connection ends, and what the upstream got. A last request goes
    the same way, so that nothing is still on its way when the upstream's bytes are looked at."""
    door.upstream.forget()
    with plain(door.http) as connection:
        connection.sendall(request + followed_by)
        connection.shutdown(socket.SHUT_WR)
        heard = read_to_end(connection)
    with plain(door.http) as connection:
        assert ask(connection, FENCE).startswith(b"HTTP/1.1 200 ")
    passed = without_chance(door.upstream.everything())
    assert passed.count(b"/fence") == 1
    return heard, passed.replace(PLAIN.replace(b" / ", b" /fence "), b"")


def without_chance(passed):
    """What differs from run to run is left out: the request's id, our name in Via."""
    passed = re.sub(rb"X-Request-Id: [0-9a-f]{32}\r\n", b"", passed)
    return re.sub(rb"gatehouse-[0-9a-f]{16}", b"gatehouse", passed)


def answers(heard):
    return len(re.findall(rb"HTTP/1\.1 \d\d\d ", heard))


def get(fields):
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"


def post(fields, body=b""):
    return b"POST / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + body


def to(host):
    return b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


def line(request_line):
    return request_line + b"\r\nHost: a\r\n\r\n"


REFUSED = {
    "length then chunked": (400, post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n")),
    "chunked then length": (400, post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n")),
    "two equal lengths": (400, post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    "two lengths": (400, post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello")),
    "length list": (400, post(b"Content-Length: 5, 5\r\n", b"hello")),
    "length with plus": (400, post(b"Content-Length: +5\r\n", b"hello")),
    "length with minus": (400, post(b"Content-Length: -5\r\n", b"hello")),
    "length in hex": (400, post(b"Content-Length: 0x5\r\n", b"hello")),
    "empty length": (400, post(b"Content-Length: \r\n", b"hello")),
    "two numbers as length": (400, post(b"Content-Length: 5 5\r\n", b"hello")),
    "length over 64 bits": (400, post(b"Content-Length: 18446744073709551616\r\n")),
    "identity": ((400, 501), post(b"Transfer-Encoding: identity\r\n")),
    "xchunked": ((400, 501), post(b"Transfer-Encoding: xchunked\r\n")),
    "chunked with parameter": ((400, 501), post(b"Transfer-Encoding: chunked;x\r\n")),
    "quoted chunked": ((400, 501), post(b'Transfer-Encoding: "chunked"\r\n')),
    "chunked, identity": (400, post(b"Transfer-Encoding: chunked, identity\r\n")),
    "chunked twice": (400, post(b"Transfer-Encoding: chunked, chunked\r\n")),
    "chunked in two fields": (400, post(CHUNKED + CHUNKED)),
    "gzip, chunked": (501, post(b"Transfer-Encoding: gzip, chunked\r\n")),
    "empty encoding": (400, post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n")),
    "chunked in 1.0": (400, b"POST / HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"\r\n0\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "host list": (400, to(b"a, b")),
    "user in host": (400, to(b"me@a")),
    "empty host": (400, to(b"")),
    "path in host": (400, to(b"a/b")),
    "space in host": (400, to(b"a b")),
    "two dots behind host": (400, to(b"a..")),
    "port 0": (400, to(b"a:0")),
    "port 65536": (400, to(b"a:65536")),
    "port that is none": (400, to(b"a:8x")),
    "address without brackets": (400, to(b"::1")),
    "bracket alone": (400, to(b"[::1")),
    "no address in brackets": (400, to(b"[x]")),
    "user in absolute form": (400, line(b"GET http://me@a/ HTTP/1.1")),
    "port 0 in absolute form": (400, line(b"GET http://a:0/ HTTP/1.1")),
    "no host in absolute form": (400, line(b"GET http:/// HTTP/1.1")),
    "absolute form without host field": (400, b"GET http://a/ HTTP/1.1\r\n\r\n"),
    "absolute form and two hosts": (400, b"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    "another scheme": (400, line(b"GET ftp://a/ HTTP/1.1")),
    "authority form": (400, line(b"GET a:80 HTTP/1.1")),
    "star without OPTIONS": (400, line(b"GET * HTTP/1.1")),
    "space before colon": (400, get(b"X : y\r\n")),
    "folded field": (400, get(b"X: y\r\n z\r\n")),
    "folded by a tab": (400, get(b"X: y\r\n\tz\r\n")),
    "folded length": (400, post(b"Content-Length:\r\n 5\r\n", b"hello")),
    "folded encoding": (400, post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n")),
    "first field after space": (400, b"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"),
    "LF ends request line": (400, b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    "LF ends field": (400, get(b"X: y\nZ: z\r\n")),
    "LF ends head": (400, b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
    "CR in value": (400, get(b"X: y\rz\r\n")),
    "CR ends field": (400, get(b"X: y\rZ: z\r\n")),
    "CR ends head": (400, b"GET / HTTP/1.1\r\nHost: a\r\n\rX"),
    "CR CR before request": (400, b"\r\r" + get(b"")),
    "empty field name": (400, get(b": y\r\n")),
    "no colon": (400, get(b"nonsense\r\n")),
    "space in name": (400, get(b"X y: z\r\n")),
    "byte beyond ASCII in name": (400, get(b"X\xe4: z\r\n")),
    "NUL in value": (400, get(b"X: a\0b\r\n")),
    "control in value": (400, get(b"X: a\1b\r\n")),
    "DEL in value": (400, get(b"X: a\x7fb\r\n")),
    "HTTP/0.9": (400, b"GET /\r\n"),
    "HTTP/2.0": (505, line(b"GET / HTTP/2.0")),
    "HTTP/1.2": (505, line(b"GET / HTTP/1.2")),
    "almost an HTTP/2 preface": (505, b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "the preface in HTTP/1.1": (501, line(b"PRI * HTTP/1.1")),
    "version in lower case": (400, line(b"GET / http/1.1")),
    "space behind version": (400, line(b"GET / HTTP/1.1 ")),
    "no method": (400, line(b" / HTTP/1.1")),
    "TLS on a plain port": (400, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    "two empty lines before": (400, b"\r\n\r\n" + get(b"")),
    "two spaces": (400, line(b"GET  / HTTP/1.1")),
    "two spaces before version": (400, line(b"GET /  HTTP/1.1")),
    "tab in request line": (400, line(b"GET\t/ HTTP/1.1")),
    "space in target": (400, line(b"GET /a b HTTP/1.1")),
    "high byte in target": (400, line(b"GET /\xff HTTP/1.1")),
    "fragment": (400, line(b"GET /#x HTTP/1.1")),
    "quote in target": (400, line(b'GET /"x HTTP/1.1')),
    "angle in target": (400, line(b"GET /<x HTTP/1.1")),
    "bad escape in path": (400, line(b"GET /%zz HTTP/1.1")),
    "path above the root": (400, line(b"GET /../x HTTP/1.1")),
    "hidden dots in path": (400, line(b"GET /a/..%2fb HTTP/1.1")),
    "dots before a parameter": (400, line(b"GET /a/..;/b HTTP/1.1")),
    "NUL in path": (400, line(b"GET /%00 HTTP/1.1")),
    "lower case method": (501, line(b"get / HTTP/1.1")),
    "unknown method": (501, line(b"BREW / HTTP/1.1")),
    "CONNECT": (405, line(b"CONNECT a:443 HTTP/1.1")),
    "TRACE": (405, line(b"TRACE / HTTP/1.1")),
    "unknown expectation": (417, post(b"Expect: 200-ok\r\nContent-Length: 5\r\n")),
    "two expectations": (417, post(b"Expect: 100-continue\r\nExpect: x\r\n" + CHUNKED)),
    "target of 9 KiB": (414, line(b"GET /" + b"x" * 9000 + b" HTTP/1.1")),
    "head of 33 KiB": (431, get(b"X: " + b"x" * 33000 + b"\r\n")),
    "101 fields": (431, get(b"".join(b"X%d: y\r\n" % n for n in range(101)))),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_one_answer_and_nothing_passed_on(door, what):
    statuses, request = REFUSED[what]
    heard, passed = talk(door, request)
    assert passed == b""
    assert int(heard[9:12]) in (statuses if isinstance(statuses, tuple) else (statuses,)), heard
    assert b"\r\nConnection: close\r\n" in heard
    assert answers(heard) == 1


# A body is passed on while it comes, so its head is out when it turns out bad. It must not be
# ended as if it were whole, and nothing may follow it.
BAD_BODIES = {
    "size in hex notation": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size with plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "space before size": b" 5\r\nhello\r\n0\r\n\r\n",
    "space after size": b"5 \r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "size over 64 bits": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "LF after size": b"5\nhello\r\n0\r\n\r\n",
    "LF after data": b"5\r\nhello\n0\r\n\r\n",
    "LF after last chunk": b"5\r\nhello\r\n0\n\r\n",
    "LF at the end": b"5\r\nhello\r\n0\r\n\n",
    "LF in extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "CR in extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "NUL in extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "data longer than size": b"5\r\nhello!\r\n0\r\n\r\n",
    "length as trailer": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "encoding as trailer": b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_bad_chunked_body_is_never_ended_well(door, what):
    heard, passed = talk(door, post(CHUNKED, BAD_BODIES[what]))
    assert b"smuggled" not in passed and b"\r\n0\r\n" not in passed
    assert heard == b"" or heard.startswith(b"HTTP/1.1 400 "), heard
    assert answers(heard) <= 1


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_bad_chunked_body_is_never_ended_well_in_http2(door, what):
    door.second.forget()
    with plain(door.http) as connection:
        connection.sendall(post(CHUNKED, BAD_BODIES[what]).replace(b"Host: a", b"Host: h2"))
        read_to_end(connection)
    with plain(door.http) as connection:
        assert ask(connection, FENCE.replace(b"Host: a", b"Host: h2")).startswith(b"HTTP/1.1 200 ")
    *broken, fence = door.second.wait_for(lambda all_: all_[-1:] and all_[-1].ended and all(
        one.reset is not None for one in all_[:-1]))
    assert (":path", "/fence") in fence.fields and len(broken) <= 1
    assert not any(one.ended for one in broken)
    assert all(b"hello".startswith(one.body) for one in broken)


@pytest.mark.parametrize("request_", [
    post(b"Content-Length: 9\r\n", b"hello"), post(CHUNKED, b"5\r\nhello\r\n"),
    post(CHUNKED, b"5\r\nhel")])
def test_a_body_that_is_cut_off_is_never_ended_well(door, request_):
    _, passed = talk(door, request_, followed_by=b"")
    assert b"\r\n0\r\n" not in passed


FIVE = b"POST / HTTP/1.1\r\nHost: a\r\n" + FORWARDED + b"Content-Length: 5\r\n\r\nhello"
ACCEPTED = {
    "length with blanks": (post(b"Content-Length:\t 5  \r\n", b"hello"), FIVE),
    "length with zeros": (post(b"Content-Length: 0000000005\r\n", b"hello"), FIVE),
    "chunked": (post(b"transfer-encoding: Chunked\r\n", b"005;x=y\r\nhello\r\n00\r\n\r\n"),
                b"POST / HTTP/1.1\r\nHost: a\r\n" + FORWARDED
                + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "absolute form": (b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", PLAIN),
    "absolute form without path": (b"GET http://a HTTP/1.1\r\nHost: b\r\n\r\n", PLAIN),
    "host in capitals, dot and port": (to(b"A.:0080"), PLAIN.replace(b": a\r\n", b": a:80\r\n")),
    "port without number": (to(b"a:"), PLAIN),
    "address as host": (to(b"[::A]:65535"), PLAIN.replace(b": a\r\n", b": [::a]:65535\r\n")),
    "absolute form with port": (b"GET http://A:8080?q HTTP/1.1\r\nHost: b\r\n\r\n", PLAIN.replace(
        b": a\r\n", b": a:8080\r\n").replace(b" / ", b" /?q ")),
    "an empty line before": (b"\r\n" + get(b""), PLAIN),
    "upgrade without connection": (get(b"Upgrade: websocket\r\n"), PLAIN),
    "upgrade to h2c": (get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                           b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"), PLAIN),
    "upgrade with a body": (post(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                 b"Content-Length: 5\r\n", b"hello"), FIVE),
    "trailers wanted": (get(b"TE: gzip, trailers\r\nConnection: TE\r\n"), PLAIN.replace(
        b"gatehouse\r\n", b"gatehouse\r\nTE: trailers\r\nConnection: TE\r\n")),
    "odd names": (get(b"X_User: root\r\nX.User: root\r\n"), PLAIN),
    "expectation": (post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"), FIVE),
    "obs-text": (get(b"X: \xe4\r\n"),
                 b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n" + FORWARDED + b"\r\n"),
    "hop-by-hop fields": (get(b"Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n"
                              b"Proxy-Connection: x\r\nTE: gzip\r\n"), PLAIN),
    "forged forwarding fields": (get(b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
                                     b"X-Forwarded-Host: evil\r\nForwarded: for=1.2.3.4\r\n"
                                     b"X-Real-IP: 1.2.3.4\r\n"), PLAIN),
    "raw path and query": (line(b"GET /a%2Fb//c;d?x=%20&y={z}|` HTTP/1.1"), PLAIN.replace(
        b" / ", b" /a%2Fb//c;d?x=%20&y={z}|` ")),
    "post without body": (post(b""), PLAIN.replace(b"GET", b"POST").replace(
        b"gatehouse\r\n", b"gatehouse\r\nContent-Length: 0\r\n")),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted_and_passed_on_in_one_form(door, what):
    request, wanted = ACCEPTED[what]
    heard, passed = talk(door, request, followed_by=b"")
    interim, _, final = heard.rpartition(b"HTTP/1.1 200 ")
    assert final and interim in (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), heard
    assert passed == wanted


def test_what_follows_connection_close_is_ignored(door):
    heard, passed = talk(door, get(b"Connection: close\r\n"))
    assert passed == PLAIN and answers(heard) == 1


@pytest.mark.parametrize("request_", [
    post(b"Connection: close\r\nContent-Length: 5\r\n", b"hello"),
    post(b"Connection: close\r\n" + CHUNKED, b"5\r\nhello\r\n0\r\n\r\n")])
def test_what_follows_the_body_of_a_request_with_close_is_ignored(door, request_):
    heard, passed = talk(door, request_)
    assert passed.count(b"POST") == 1 and b"smuggled" not in passed and answers(heard) == 1


def test_the_preface_of_http2_is_none_behind_a_request(door):
    heard, passed = talk(door, get(b"") + PREFACE)
    assert passed == PLAIN and answers(heard) == 2
    assert b"HTTP/1.1 505 " in heard


def test_options_of_the_whole_server_are_answered_here(door):
    heard, passed = talk(door, line(b"OPTIONS * HTTP/1.1") + line(b"OPTIONS http://a HTTP/1.1"),
                         followed_by=b"")
    assert passed == b"" and heard.count(b"HTTP/1.1 204 No Content\r\n") == 2


def test_trailers_that_would_change_more_than_themselves_are_left_out(door):
    refused = (b"Host", b"Authorization", b"Cookie", b"Content-Type", b"Connection", b"TE",
               b"Expect", b"X_User", b"X-Forwarded-For", b"Trailer")
    trailers = b"X-Sum: 5\r\n" + b"".join(one + b": x\r\n" for one in refused)
    request = post(CHUNKED, b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n")
    _, passed = talk(door, request, followed_by=b"")
    assert passed.endswith(b"5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n")
    door.second.forget()
    with plain(door.http) as connection:
        connection.sendall(request.replace(b"Host: a", b"Host: h2"))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    got, = door.second.requests
    assert (got.body, got.trailers) == (b"hello", [("x-sum", "5")])


def test_http_1_0_is_answered_and_closed(door):
    heard, passed = talk(door, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert passed == PLAIN.replace(b"Via: 1.1", b"Via: 1.0")
    assert answers(heard) == 1
