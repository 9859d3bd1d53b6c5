"""What is no clear request of HTTP/2 never reaches an upstream (RFC 9113 8); what is clear reaches
it in one form, whichever version the upstream speaks."""

import re

import pytest
from harness.client import plain
from harness.gatehouse import Gatehouse
from harness.http2 import *
from harness.http2_servers import RawHttp2Upstream, answer
from harness.servers import RawUpstream

RESET = "reset"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = request_fields(authority="h1")


def by_http1(_, request):
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    whole = body.endswith(b"\r\n\r\n") if b"chunked" in head else (
        len(body) >= int(length[1]) if length else True)
    return OK if whole and b"\r\n\r\n" in request else None


def by_http2(request, stream):
    return answer(stream, [(":status", "200")], b"ok") if request.ended else None


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A gatehouse that is h1 and h2 by name, before an upstream of each version."""
    with RawUpstream(by_http1) as one, RawHttp2Upstream(by_http2) as two:
        sites = [{"hosts": list(names), "tls": False, "proxy": [upstream.url]}
                 for upstream, *names in ((one, "h1", "::1"), (two, "h2"))]
        with Gatehouse(tmp_path_factory.mktemp("door"),
                       {"sites": sites, "workers": 1}) as gatehouse:
            gatehouse.one, gatehouse.two = one, two
            yield gatehouse


def without_chance(passed):
    return re.sub(rb"(X-Request-Id|X-Forwarded-For|X-Forwarded-Proto|X-Forwarded-Host|Via): .*\r\n",
                  b"", passed)


def talk(door, data):
    """What a client hears that sends these frames, and what the upstream of HTTP/1.1 got. A last
    request goes the same way, so that nothing is still on its way when that is looked at."""
    door.one.forget()
    with Http2(plain(door.http)) as client:
        client.send(data)
        try:
            heard = client.response(1)
        except Ended:
            heard = None
    with Http2(plain(door.http)) as client:
        assert client.get("/fence", authority="h1").status == 200
    passed = without_chance(door.one.everything())
    assert passed.count(b"/fence") == 1
    return heard, passed.replace(b"GET /fence HTTP/1.1\r\nHost: h1\r\n\r\n", b"")


def head(*fields, end=True, **more):
    """HEADERS of stream 1."""
    flags = END_HEADERS | (END_STREAM if end else 0)
    named = request_fields(**{"authority": "h1", **more}) + list(fields)
    return frame(HEADERS, flags, 1, hpack.Encoder().encode(named))


def only(*fields):
    return frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack.Encoder().encode(list(fields)))


REFUSED = {
    "CR in a value": (RESET, head(("x", "a\rb"))),
    "LF in a value": (RESET, head(("x", "a\nb"))),
    "NUL in a value": (RESET, head(("x", "a\0b"))),
    "control in a value": (RESET, head(("x", "a\1b"))),
    "DEL in a value": (RESET, head(("x", "a\x7fb"))),
    "blank before a value": (RESET, head(("x", " a"))),
    "tab behind a value": (RESET, head(("x", "a\t"))),
    "space in a name": (RESET, head(("x y", "a"))),
    "tab behind a name": (RESET, head(("cookie\t", "a"))),
    "colon in a name": (RESET, head(("x:y", "a"))),
    "line in a name": (RESET, head(("x\r\ny", "a"))),
    "byte beyond ASCII in a name": (RESET, head((b"x\xe4", b"a"))),
    "capitals in a name": (RESET, head(("X-Upper", "a"))),
    "empty name": (RESET, head(("", "a"))),
    "lines in the path": (RESET, head(path="/ HTTP/1.1\r\nX: y")),
    "space in the path": (RESET, head(path="/a b")),
    "empty path": (RESET, head(path="")),
    "path without slash": (RESET, head(path="a")),
    "path in absolute form": (RESET, head(path="http://h1/")),
    "star without OPTIONS": (RESET, head(path="*")),
    "fragment in the path": (400, head(path="/#x")),
    "byte beyond ASCII in the path": (400, head(path=b"/\xe4")),
    "quote in the path": (400, head(path='/"')),
    "encoded NUL in the path": (400, head(path="/%00")),
    "path above the root": (400, head(path="/../x")),
    "hidden dots in the path": (400, head(path="/a/..%2fb")),
    "path of 9 KiB": (414, head(path="/" + "x" * 9000)),
    "space in the method": (RESET, head(method="GE T")),
    "line in the method": (RESET, head(method="GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
    "empty method": (RESET, head(method="")),
    "lower case method": (501, head(method="get")),
    "unknown method": (501, head(method="BREW")),
    "preface as method": (501, head(method="PRI")),
    "TRACE": (405, head(method="TRACE")),
    "CONNECT": (405, only((":method", "CONNECT"), (":authority", "h1:443"))),
    "CONNECT with path": (RESET, head(method="CONNECT")),
    "unknown protocol": (501, only((":protocol", "connect-udp"), *request_fields(
        authority="h1", method="CONNECT"))),
    "protocol without CONNECT": ((RESET, 400), only((":protocol", "websocket"), *GET)),
    "junk in the scheme": (RESET, head(scheme="ht tp")),
    "another scheme": (400, head(scheme="ftp")),
    "space in the authority": (RESET, head(authority="h 1")),
    "path in the authority": ((RESET, 400), head(authority="h1/x")),
    "user in the authority": (400, head(authority="me@h1")),
    "port 0": (400, head(authority="h1:0")),
    "port 65536": (400, head(authority="h1:65536")),
    "port that is none": (400, head(authority="h1:8x")),
    "address without brackets": (400, head(authority="::1")),
    "bracket alone": (400, head(authority="[::1")),
    "no address in brackets": (400, head(authority="[x]")),
    "two dots": (400, head(authority="h1..")),
    "list as authority": ((RESET, 400), head(authority="h1, h2")),
    "empty authority": ((RESET, 400), head(authority="")),
    "no authority": (RESET, only(GET[0], GET[1], GET[3])),
    "empty host": ((RESET, 400), only(GET[0], GET[1], GET[3], ("host", ""))),
    "two hosts": (RESET, only(GET[0], GET[1], GET[3], ("host", "h1"), ("host", "h1"))),
    "another host": (400, head(("host", "h2"))),
    "user in the host": (400, only(GET[0], GET[1], GET[3], ("host", "me@h1"))),
    "two methods": (RESET, only(GET[0], *GET)),
    "two schemes": (RESET, only(GET[1], *GET)),
    "two authorities": (RESET, only(GET[2], *GET)),
    "two paths": (RESET, only(GET[3], *GET)),
    "no method": (RESET, only(*GET[1:])),
    "no scheme": (RESET, only(GET[0], *GET[2:])),
    "no path": (RESET, only(*GET[:3])),
    "pseudo-field behind others": (RESET, only(*GET[:3], ("x", "y"), GET[3])),
    "unknown pseudo-field": (RESET, only((":x", "y"), *GET)),
    "pseudo-field of responses": (RESET, only((":status", "200"), *GET)),
    "connection": (RESET, head(("connection", "close"))),
    "transfer-encoding": (RESET, head(("transfer-encoding", "chunked"))),
    "keep-alive": (RESET, head(("keep-alive", "1"))),
    "proxy-connection": (RESET, head(("proxy-connection", "close"))),
    "upgrade": (RESET, head(("upgrade", "websocket"))),
    "http2-settings": (400, head(("http2-settings", "AAMAAABkAAQAAP__"))),
    "te gzip": (RESET, head(("te", "gzip"))),
    "te trailers and more": (RESET, head(("te", "trailers, gzip"))),
    "two lengths": (RESET, head(("content-length", "5"), ("content-length", "5"), end=False)),
    "length list": (RESET, head(("content-length", "5, 5"), end=False)),
    "empty length": (RESET, head(("content-length", ""), end=False)),
    "length with plus": (RESET, head(("content-length", "+5"), end=False)),
    "length in hex": (RESET, head(("content-length", "0x5"), end=False)),
    "length over 64 bits": (RESET, head(("content-length", "18446744073709551616"), end=False)),
    "length and no body": (RESET, head(("content-length", "5"))),
    "unknown expectation": (417, head(("expect", "200-ok"), end=False)),
    "two expectations": (417, head(("expect", "100-continue"), ("expect", "x"), end=False)),
    "101 fields": (431, head(*((f"x{n}", "y") for n in range(101)))),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_itself_and_nothing_passed_on(door, what):
    expected, data = REFUSED[what]
    heard, passed = talk(door, data)
    assert passed == b""
    assert heard is not None, "the connection goes on"
    told = RESET if heard.head is None else heard.status
    assert told in (expected if isinstance(expected, tuple) else (expected,)), heard
    if told == RESET:
        assert heard.reset == PROTOCOL_ERROR


def request(fields, authority="h1"):
    return b"GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (authority.encode(), fields)


ACCEPTED = {
    "nothing special": (head(), request(b"")),
    "host alone": (only(GET[0], GET[1], GET[3], ("host", "h1")), request(b"")),
    "host as authority": (head(("host", "H1.")), request(b"")),
    "capitals, dot and port": (head(authority="H1.:0080"), request(b"", "h1:80")),
    "port without number": (head(authority="h1:"), request(b"")),
    "address": (head(authority="[::1]:65535"), request(b"", "[::1]:65535")),
    "the other scheme": (head(scheme="https"), request(b"")),
    "crumbs of cookies": (head(("cookie", "a=1"), ("x", "y"), ("cookie", "b=2; c=3"),
                               ("cookie", "d=4")),
                          request(b"x: y\r\ncookie: a=1; b=2; c=3; d=4\r\n")),
    "trailers wanted": (head(("te", "trailers")), request(b"TE: trailers\r\nConnection: TE\r\n")),
    "obs-text": (head((b"x", b"\xe4")), request(b"x: \xe4\r\n")),
    "empty value": (head(("x", "")), request(b"x: \r\n")),
    "odd names and forged ones": (head(("x_user", "root"), ("x.user", "root"), ("forwarded", "x"),
                                       ("x-real-ip", "1.2.3.4"), ("proxy-authorization", "x")),
                                  request(b"")),
    "raw path and query": (head(path="/a%2Fb//c;d?x=%20&y={z}|`"), request(b"").replace(
        b" / ", b" /a%2Fb//c;d?x=%20&y={z}|` ")),
    "post without body": (head(method="POST"), request(b"Content-Length: 0\r\n").replace(
        b"GET", b"POST")),
    "length of nothing": (head(("content-length", "0")), request(b"")),
    "expectation without body": (head(("expect", "100-continue")), request(b"")),
    "body": (head(("content-length", "5"), method="POST", end=False) +
             frame(DATA, 1, 1, b"hello"),
             b"POST / HTTP/1.1\r\nHost: h1\r\nContent-Length: 5\r\n\r\nhello"),
    "body without length": (
        head(method="POST", end=False) + frame(DATA, PADDED | 1, 1, b"\3hello\0\0\0"),
        b"POST / HTTP/1.1\r\nHost: h1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"),
    "OPTIONS of the whole server": (head(path="*", method="OPTIONS"), b""),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted_and_passed_on_in_one_form(door, what):
    data, wanted = ACCEPTED[what]
    heard, passed = talk(door, data)
    assert heard.status == (200 if wanted else 204) and heard.ended
    assert passed == wanted


# --- what comes behind the head ---

FIVE = head(("content-length", "5"), method="POST", end=False)
OPEN = head(method="POST", end=False)


def trailers(*fields):
    return frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack.Encoder().encode(list(fields)))


CUT = {
    "body shorter than its length": FIVE + frame(DATA, 1, 1, b"x"),
    "body longer than its length": FIVE + frame(DATA, 1, 1, b"hello!"),
    "pseudo-field in trailers": OPEN + frame(DATA, 0, 1, b"x") + trailers((":path", "/")),
    "capitals in trailers": OPEN + frame(DATA, 0, 1, b"x") + trailers(("X-Upper", "y")),
    "connection in trailers": OPEN + frame(DATA, 0, 1, b"x") + trailers(("connection", "y")),
    "lines in trailers": OPEN + frame(DATA, 0, 1, b"x") + trailers(("x", "y\r\n\r\nGET")),
    "second head": OPEN + frame(DATA, 0, 1, b"x") + frame(
        HEADERS, END_HEADERS, 1, hpack.Encoder().encode([("x", "y")])),
    "reset": OPEN + frame(DATA, 0, 1, b"x") + rst_stream(1),
}
VERSIONS = ("h1", "h2")


@pytest.mark.parametrize("server", VERSIONS)
@pytest.mark.parametrize("what", CUT)
def test_a_body_that_breaks_off_is_never_ended_well(door, what, server):
    encoded = hpack.Encoder().encode([(":authority", "h1")])
    data = CUT[what].replace(encoded, hpack.Encoder().encode([(":authority", server)]))
    door.two.forget()
    door.one.forget()
    with Http2(plain(door.http)) as client:
        client.send(data)
        if what != "reset":
            assert client.response(1).reset == PROTOCOL_ERROR
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, client.encoder.encode(
            request_fields("/fence", server))))
        assert client.response(3).status == 200
    if server == "h2":
        all_ = door.two.wait_for(lambda all_: all(one.ended or one.reset is not None
                                                  for one in all_))
        assert [one.ended for one in all_ if (":path", "/fence") not in one.fields] in ([], [False])
        return
    passed = door.one.everything()
    assert b"\r\n0\r\n" not in passed and b"hello" not in passed
    assert passed.count(b"\r\n\r\n") <= 2, "no more requests than two"


@pytest.mark.parametrize("server", VERSIONS)
def test_more_than_the_length_is_never_passed_on(door, server):
    """The first five bytes are whole; what follows them is not the next request."""
    door.one.forget()
    door.two.forget()
    with Http2(plain(door.http)) as client:
        stream = client.request("/five", end=False, method="POST", authority=server,
                                more=[("content-length", "5")])
        client.data(stream, b"hello")
        client.ping()
        client.data(stream, b"GET /smuggled HTTP/1.1\r\nHost: h1\r\n\r\n", end=True)
        client.response(stream)
        assert client.get("/fence", authority=server).status == 200
    assert b"smuggled" not in door.one.everything()
    assert not any(b"smuggled" in one.body for one in door.two.requests)


@pytest.mark.parametrize("server", VERSIONS)
def test_trailers_that_would_change_more_than_themselves_are_left_out(door, server):
    door.one.forget()
    door.two.forget()
    refused = ("host", "authorization", "cookie", "content-type", "expect", "set-cookie",
               "x_user", "x-forwarded-for", "location", "trailer")
    with Http2(plain(door.http)) as client:
        stream = client.request("/trailers", end=False, method="POST", authority=server)
        client.data(stream, b"hello")
        client.headers(stream, [("x-sum", "5"), *((name, "x") for name in refused)])
        assert client.response(stream).status == 200
    if server == "h1":
        assert door.one.everything().endswith(b"5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n")
    else:
        request, = door.two.requests
        assert (request.body, request.trailers) == (b"hello", [("x-sum", "5")])


@pytest.mark.parametrize("version", VERSIONS)
def test_an_upstream_of_http2_gets_one_form(door, version):
    door.two.forget()
    path = "/a%2Fb//c;d?x=%20"
    if version == "h2":
        with Http2(plain(door.http)) as client:
            more = [("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), ("x-mixed", "Yes"),
                    ("x_user", "root")]
            assert client.get(path, authority="H2.:80", more=more).status == 200
    else:
        with plain(door.http) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: H2.:80\r\nCookie: a=1; b=2\r\n"
                           "X_User: root\r\nTE: trailers, gzip\r\n"
                           "Connection: TE, X-Hop\r\nX-Hop: 1\r\nUpgrade: h2c\r\n"
                           "HTTP2-Settings: x\r\nX-Mixed: Yes\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    request, = door.two.requests
    ours = ("x-request-id", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
    passed = sorted(one for one in request.fields if one[0] not in ours)
    assert passed == sorted([
        (":method", "GET"), (":scheme", "http"), (":authority", "h2:80"), (":path", path),
        ("cookie", "a=1; b=2"), ("te", "trailers"), ("x-mixed", "Yes")])
