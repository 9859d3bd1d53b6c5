"""What is no clear response never reaches a client; what is clear reaches it in one form, whichever
versions the two sides speak. After each row the next response must be the next request's."""

import pytest
from harness.answers import ASKERS
from harness.fronts import two_fronts
from harness.http2_servers import RawHttp2Upstream, answer
from harness.servers import RawUpstream

NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
OK = [(":status", "200")]
CUT = "cut"  # the head may have been passed on, but an end never is


class Says:
    """One row: what an upstream of each version says to which method (None: it cannot), and what
    the client hears: a status, its body, Content-Length, some fields (None: not there)."""

    def __init__(self, h1, h2, status, body=b"", length=None, method="GET", trailers=(), interim=(),
                 closes=False, request=(), **fields):
        self.said = {"h1": (h1, False) if closes else h1, "h2": h2}
        self.status, self.body, self.length, self.method = status, body, length, method
        self.trailers, self.interim, self.fields = list(trailers), list(interim), fields
        self.request = request


def h1(start, *lines, body=b""):
    return b"\r\n".join([b"HTTP/1.1 " + start, *lines, b"", body])


def ok(*lines, body=b""):
    return h1(b"200 OK", *lines, body=body)


def h2(status, *fields):
    return [(":status", str(status)), *fields]


FIVE, CHUNKED = b"Content-Length: 5", b"Transfer-Encoding: chunked"
LENGTH = ("content-length", "5")
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
NO = ("x", "y")
TRAILERS = [("X-Sum", "5"), ("Host", "x"), ("Authorization", "x"), ("Set-Cookie", "x=y"),
            ("Connection", "x"), ("Location", "/"), ("Content-Type", "x"), ("TE", "x")]
IN_HTTP2 = [(name.lower(), value) for name, value in TRAILERS
            if name not in ("Connection", "TE")]
IN_CHUNKED = (b"5\r\nhello\r\n0\r\n" + b"".join(b"%s: %s\r\n" % (n.encode(), v.encode())
                                              for n, v in TRAILERS) + b"\r\n")

ROWS = {
    # framing
    "length": Says(ok(FIVE, body=b"hello"), [h2(200, LENGTH), b"hello"], 200, b"hello", "5"),
    "no length": Says(ok(CHUNKED, body=HELLO), [OK, b"hello"], 200, b"hello"),
    "until the close": Says(ok(body=b"hello"), None, 200, b"hello", closes=True),
    "length and chunked": Says(ok(FIVE, CHUNKED, body=HELLO), None, 502),
    "two equal lengths": Says(ok(FIVE, FIVE, body=b"hello"), [h2(200, LENGTH, LENGTH), b"hello"],
                              502),
    "two lengths": Says(ok(FIVE, b"Content-Length: 4", body=b"hello"),
                        [h2(200, LENGTH, ("content-length", "4")), b"hello"], 502),
    "length list": Says(ok(b"Content-Length: 5, 5", body=b"hello"),
                        [h2(200, ("content-length", "5, 5")), b"hello"], 502),
    "length with plus": Says(ok(b"Content-Length: +5", body=b"hello"),
                             [h2(200, ("content-length", "+5")), b"hello"], 502),
    "coding without chunked": Says(ok(b"Transfer-Encoding: gzip", body=b"x"), None, 502,
                                   closes=True),
    "gzip, chunked": Says(ok(b"Transfer-Encoding: gzip, chunked", body=HELLO), None, 502),
    "bytes behind the response": Says(
        ok(FIVE, body=b"hello" + ok(b"Content-Length: 4", body=b"evil")), None, 200, b"hello", "5"),
    # heads
    "folded field": Says(ok(b"X: y", b" z", FIVE, body=b"hello"), [h2(200, ("x", "y\r\n z"))], 502),
    "LF ends the head": Says(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", None, 502),
    "LF in a value": Says(ok(b"X: y\nz", FIVE, body=b"hello"), [h2(200, ("x", "y\nz"))], 502),
    "CR in a value": Says(ok(b"X: y\rz", FIVE, body=b"hello"), [h2(200, ("x", "y\rz"))], 502),
    "NUL in a value": Says(ok(b"X: y\0z", FIVE, body=b"hello"), [h2(200, ("x", "y\0z"))], 502),
    "space in a name": Says(ok(b"X : y", FIVE, body=b"hello"), [h2(200, ("x ", "y"))], 502),
    "empty name": Says(ok(b": y", FIVE, body=b"hello"), [h2(200, ("", "y"))], 502),
    "capitals in a name": Says(None, [h2(200, ("X-Upper", "y"))], 502),
    "no status": Says(None, [[("x", "y")]], 502),
    "two statuses": Says(None, [[*OK, *OK]], 502),
    "status behind fields": Says(None, [[("x", "y"), *OK]], 502),
    "pseudo-field of requests": Says(None, [h2(200, (":path", "/"))], 502),
    "connection in HTTP/2": Says(None, [h2(200, ("connection", "x-hop"))], 502),
    "coding in HTTP/2": Says(None, [h2(200, ("transfer-encoding", "chunked")), b"hello"], 502),
    "body before the head": Says(None, [b"hello", OK], 502),
    "version 2.0 in text": Says(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", None, 502),
    "no HTTP": Says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", None, 502),
    "control in the reason": Says(h1(b"200 O\x01K", b"Content-Length: 0"), None, 200, b"", "0"),
    "empty reason": Says(h1(b"200 ", b"Content-Length: 0"), None, 200, b"", "0"),
    # statuses
    "99": Says(h1(b"99 X", FIVE, body=b"hello"), [h2("99")], 502),
    "099": Says(h1(b"099 X", FIVE, body=b"hello"), [h2("099")], 502),
    "1000": Says(h1(b"1000 X", FIVE, body=b"hello"), [h2("1000")], 502),
    "20x": Says(h1(b"20x X", FIVE, body=b"hello"), [h2("20x")], 502),
    "600": Says(h1(b"600 X", FIVE, body=b"hello"), [h2(600, LENGTH), b"hello"], 600, b"hello"),
    "999": Says(h1(b"999 X", FIVE, body=b"hello"), [h2(999), b"hello"], 999, b"hello"),
    # no body
    "204": Says(h1(b"204 No Content"), [h2(204)], 204),
    "204 with length 0": Says(h1(b"204 X", b"Content-Length: 0"),
                              [h2(204, ("content-length", "0"))], 204),
    "204 with a body": Says(h1(b"204 X", FIVE, body=b"hello"), [h2(204), b"hello"], 204),
    "204 in chunks": Says(h1(b"204 X", CHUNKED, body=HELLO), None, 204),
    "205": Says(h1(b"205 X", b"Content-Length: 0"), [h2(205)], 205, b"", "0"),
    "205 with a body": Says(h1(b"205 X", FIVE, body=b"hello"), [h2(205, LENGTH), b"hello"], 205,
                            b"", "0"),
    "205 in chunks": Says(h1(b"205 X", CHUNKED, body=HELLO), [h2(205), b"hello"], 205, b"", "0"),
    "304 with length": Says(h1(b"304 X", FIVE), [h2(304, LENGTH)], 304, b"", "5"),
    "304": Says(h1(b"304 X"), [h2(304)], 304),
    "HEAD with length": Says(ok(FIVE), [h2(200, LENGTH)], 200, b"", "5", "HEAD"),
    "HEAD without": Says(ok(CHUNKED), [OK], 200, b"", None, "HEAD"),
    # interim
    "103": Says(h1(b"103 Early Hints", b"Link: </a>") + ok(FIVE, body=b"hello"),
                [h2(103, ("link", "</a>")), h2(200, LENGTH), b"hello"], 200, b"hello", "5",
                interim=[103]),
    "100 that nobody waits for": Says(h1(b"100 Continue") + ok(FIVE, body=b"hello"),
                                      [h2(100), OK, b"hello"], 200, b"hello"),
    "100 with length": Says(h1(b"100 Continue", FIVE) + ok(FIVE, body=b"hello"),
                            None, 200, b"hello"),
    "103 with length": Says(h1(b"103 X", FIVE) + ok(FIVE, body=b"hello"),
                            None, 200, b"hello", interim=[103]),
    "interim with length": Says(None, [h2(103, LENGTH), OK, b"hello"], 502),
    "101 unasked": Says(h1(b"101 X", b"Connection: Upgrade", b"Upgrade: websocket"), [h2(101)],
                        502),
    "103 alone": Says(h1(b"103 X"), None, 502, interim=[103], closes=True),
    "103 that ends the stream": Says(None, [h2(103)], 502),
    # broken off
    "length cut": Says(ok(b"Content-Length: 50", body=b"half"),
                       [h2(200, ("content-length", "50")), b"half"], CUT, closes=True),
    "chunk cut": Says(ok(CHUNKED, body=b"32\r\nhalf"), None, CUT, closes=True),
    "chunks cut": Says(ok(CHUNKED, body=b"4\r\nhalf\r\n"), None, CUT, closes=True),
    "trailers cut": Says(ok(CHUNKED, body=b"4\r\nhalf\r\n0\r\nX: y\r\n"), None, CUT, closes=True),
    "bad chunk": Says(ok(CHUNKED, body=b"5 \r\nhello\r\n0\r\n\r\n"), None, CUT),
    "LF in chunks": Says(ok(CHUNKED, body=b"5\nhello\r\n0\r\n\r\n"), None, CUT),
    "longer than its length": Says(None, [h2(200, ("content-length", "4")), b"hello"], CUT),
    "second head": Says(None, [OK, h2(200, NO), b"hello"], CUT),
    "length in trailers": Says(ok(CHUNKED, body=b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
                               None, CUT),
    "pseudo-field in trailers": Says(None, [OK, b"hello", [(":path", "/")]], CUT),
    # fields
    "hop-by-hop fields": Says(
        ok(b"Connection: X-Hop, close", b"X-Hop: 1", b"Keep-Alive: timeout=9", b"Upgrade: h2c",
           b"Proxy-Authenticate: Basic", b"TE: trailers", b"X-Kept: 1", FIVE, body=b"hello"),
        [h2(200, ("x-kept", "1"), ("proxy-authenticate", "Basic")), b"hello"], 200, b"hello",
        x_hop=None, keep_alive=None, upgrade=None, proxy_authenticate=None, te=None, x_kept=["1"]),
    "cookies stay apart": Says(
        ok(b"Set-Cookie: a=1", b"Set-Cookie: b=2", FIVE, body=b"hello"),
        [h2(200, ("set-cookie", "a=1"), ("set-cookie", "b=2")), b"hello"], 200, b"hello",
        set_cookie=["a=1", "b=2"]),
    "obs-text": Says(ok(b"X: \xe4", FIVE, body=b"hello"), [h2(200, ("x", b"\xe4")), b"hello"], 200,
                     b"hello", x=["\xe4"]),
    "trailers": Says(ok(CHUNKED, body=IN_CHUNKED), [OK, b"hello", IN_HTTP2], 200, b"hello",
                     request=[("TE", "trailers")], trailers=[("x-sum", "5")]),
}


def said_by(version, path):
    row = ROWS.get(path[1:].replace("_", " "))
    return row.said[version] if row else None


def by_http1(_, request):
    path = request.split(b" ")[1].decode()
    return said_by("h1", path) or NEXT


def by_http2(request, stream):
    parts = said_by("h2", dict(request.fields)[":path"])
    if parts is None:
        return answer(stream, OK, b"next")
    return answer(stream, *parts)


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """A gatehouse that is h1 and h2 by name, before an upstream of each version."""
    with RawUpstream(by_http1) as one, RawHttp2Upstream(by_http2) as two:
        with two_fronts(tmp_path_factory.mktemp("doors"), one, two) as gatehouse:
            yield gatehouse


PAIRS = [(row, client, server) for row in ROWS for server in ("h1", "h2")
         if ROWS[row].said[server] is not None and ROWS[row].said[server] != (None, False)
         for client in ("h1", "h2")]


@pytest.mark.parametrize("name, client, server", PAIRS)
def test_a_response_is_passed_on_in_one_form_or_not_at_all(doors, name, client, server):
    row = ROWS[name]
    asker = ASKERS[client](doors.http)
    heard = asker.ask(server, "/" + name.replace(" ", "_"), row.method, row.request)
    if row.status == CUT:
        assert heard.status in (0, 200, 502)
        assert not heard.whole or heard.status == 502, heard
    else:
        assert heard.whole, heard
        assert heard.status == row.status
        assert heard.interim == row.interim
    if row.status not in (CUT, 502):
        assert heard.body == row.body
        assert row.length in (None, heard.length)
        assert heard.trailers == row.trailers
        for field, values in row.fields.items():
            assert heard.field(field.replace("_", "-")) == (values or []), heard.fields
    after = asker.ask(server, "/next")
    assert (after.whole, after.status, after.body) == (True, 200, b"next")
    asker.close()
