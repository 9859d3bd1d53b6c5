"""Requests and responses on their way: heads, bodies, trailers, and what stands between them."""

import socket

import pytest
from harness.client import (connect, fields_of, get, parse, plain, read_response, read_to_end,
                            read_until)
from harness.fronts import NAME, plain_front, tls_front
from harness.gatehouse import Gatehouse
from harness.nginx import Nginx
from harness.servers import EchoServer, RawUpstream
from harness.stage import site

NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
AND_NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"


def saying(answer):
    """An upstream that answers `answer`, and "next" to a request for /next."""
    return RawUpstream(lambda _, request: AND_NEXT if b"GET /next " in request else answer)


BODILESS = {
    "HEAD with length": (b"HEAD", b"200 OK\r\nContent-Length: 5\r\n", "5"),
    "HEAD chunked": (b"HEAD", b"200 OK\r\nTransfer-Encoding: chunked\r\n", None),
    "204": (b"GET", b"204 No Content\r\n", None),
    "204 with length 0": (b"GET", b"204 No Content\r\nContent-Length: 0\r\n", None),
    "304": (b"GET", b"304 Not Modified\r\nETag: x\r\n", None),
    "304 with length": (b"GET", b"304 Not Modified\r\nContent-Length: 5\r\n", "5"),
}


@pytest.mark.parametrize("what", BODILESS)
def test_a_response_without_body_ends_with_its_head(tmp_path, what):
    method, answer, length = BODILESS[what]
    with saying(b"HTTP/1.1 " + answer + b"\r\n") as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT)
            heard = read_until(client, b"next")
    head, _, rest = heard.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 " + answer.split(b"\r\n")[0]
    assert fields_of(head.decode()).get("content-length") == length
    if length is None and method == b"GET":
        assert b"Transfer-Encoding" not in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_expect_100_continue_is_answered_before_the_body_comes(tmp_path):
    with EchoServer() as upstream:
        with tls_front(tmp_path, upstream.url) as gatehouse:
            with connect(gatehouse.https, NAME, gatehouse.trust) as client:
                client.sendall(f"POST / HTTP/1.1\r\nHost: {NAME}\r\nExpect: 100-continue\r\n"
                               "Content-Length: 5\r\n\r\n".encode())
                assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                client.sendall(b"hello")
                assert read_response(client)[2] == b"hello"


def test_early_hints_are_passed_on_but_not_to_http_1_0(tmp_path):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    with saying(hints + AND_NEXT) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as client:
            client.sendall(NEXT.replace(b"/next", b"/"))
            heard = read_until(client, b"next")
            assert heard.startswith(b"HTTP/1.1 103 Early Hints\r\n") and b"/a.css" in heard
        with plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            assert read_to_end(client).startswith(b"HTTP/1.1 200 ")


CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
           b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n")


def test_a_chunked_response_reaches_1_1_chunked_and_1_0_until_the_close(tmp_path):
    with saying(CHUNKED) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        status, head, body = get(gatehouse.http, "a")
        assert (status, body) == (200, b"hello world") and "Transfer-Encoding: chunked" in head
        with plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            head, _, body = read_to_end(client).partition(b"\r\n\r\n")
            assert body == b"hello world" and b"Connection: close" in head
            assert b"chunked" not in head


def test_trailers_pass_both_ways_to_who_asks_for_them(tmp_path):
    with RawUpstream(lambda _, r: CHUNKED if b"0\r\n" in r else None) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Mine: 3\r\n\r\n")
            heard = read_until(client, b"0\r\nX-Sum: 11\r\n\r\n")
            assert b"\r\n0\r\nX-Sum: 11\r\n\r\n" in heard
            upstream.wait_for(b"0\r\nX-Mine: 3\r\n\r\n")
            assert b"TE: trailers\r\n" in upstream.everything()


def test_a_body_without_length_ends_with_the_upstreams_connection(tmp_path):
    until_close = RawUpstream(lambda *_: (b"HTTP/1.1 200 OK\r\n\r\nall there is", False))
    with until_close as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            heard = read_until(client, b"0\r\n\r\n")
            assert parse(heard)[2] == b"all there is"


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\nhalf",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
}


@pytest.mark.parametrize("what", CUT)
def test_a_body_that_the_upstream_cuts_off_is_never_ended_well(tmp_path, what):
    with RawUpstream(lambda *_: (CUT[what], False)) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            heard = read_to_end(client)
    assert heard.startswith(b"HTTP/1.1 200 ") or heard.startswith(b"HTTP/1.1 502 ") or heard == b""
    assert not heard.endswith(b"0\r\n\r\n")


def test_an_answer_that_comes_before_the_request_has_ended_is_passed_on(tmp_path):
    refuses = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"
    with RawUpstream(lambda *_: (refuses, False)) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            client.sendall(bytes(100000))
            status, _, body = parse(read_until(client, b"no!"))
            assert (status, body) == (413, b"no!")


def test_bytes_of_a_slow_response_are_not_held_back(tmp_path):
    """Server-sent events: each piece arrives though the next one is not there."""
    with RawUpstream(None) as upstream:
        upstream.answer = lambda _, r: (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        with tls_front(tmp_path, upstream.url, timeouts={"drain": "200ms"}) as gatehouse:
            with connect(gatehouse.https, NAME, gatehouse.trust) as client:
                client.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                read_until(client, b"data: 1\n\n")


def test_the_upstream_learns_who_asked_for_what(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        status, head, body = get(gatehouse.https, NAME, "/p?q=1", gatehouse.trust,
                                 fields=["Via: 1.0 other", "X-Kept: yes"])
        said = body.decode().splitlines()
        assert said[0] == "GET /p?q=1"
        for field in (f"Host: {NAME}", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https",
                      f"X-Forwarded-Host: {NAME}", "X-Kept: yes"):
            assert field in said, said
        assert any(line.startswith("Via: 1.0 other, 1.1 gatehouse-") for line in said), said
        assert "gatehouse" in fields_of(head)["via"]


def test_hop_by_hop_fields_of_a_response_stay_behind(tmp_path):
    answer = (b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
              b"Proxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n")
    with saying(answer) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        fields = fields_of(get(gatehouse.http, "a")[1])
        assert fields["x-kept"] == "1"
        assert not {"x-hop", "keep-alive", "proxy-authenticate"} & set(fields)


def test_plain_requests_for_sites_with_tls_are_redirected(tmp_path):
    sites = [site("shop.test", "*.shop.test"), site("open.test", tls=False)]
    with Gatehouse(tmp_path, {"sites": sites}) as gatehouse:
        for host in ("shop.test", "a.shop.test"):
            status, head, _ = get(gatehouse.http, f"{host}:{gatehouse.http}", "/a%20b?c=d")
            assert status == 308
            assert fields_of(head)["location"] == f"https://{host}:{gatehouse.https}/a%20b?c=d"
        assert get(gatehouse.http, "open.test")[0] == 200
        assert get(gatehouse.http, "none.test")[0] == 404


def test_routes_are_tried_in_their_order_and_the_most_specific_host_wins(tmp_path):
    def says(text, path=None):
        return {"respond": {"body": text}, **({"match": {"path": path}} if path else {})}

    routes = [says("exact", "/a"), says("prefix", "/a/*"), says("css", ["*.css", "*.js"]),
              {"match": {"path": "/old/*"}, "redirect": "https://new.test{uri}"},
              {"match": {"path": "/gone"}, "respond": {"status": 410, "headers": {"X-Why": "so"}}}]
    sites = [{"hosts": ["*"], "tls": False, **says("any")},
             {"hosts": ["*.b.test"], "tls": False, **says("wildcard")},
             {"hosts": ["c.b.test"], "tls": False, "routes": [*routes, says("rest")]}]
    with Gatehouse(tmp_path, {"sites": sites}) as gatehouse:
        wanted = {"/a": b"exact", "/a/b": b"prefix", "/x/y.css": b"css", "/": b"rest",
                  "/%61": b"exact", "/x/../a/b": b"prefix", "/A": b"rest"}
        for path, body in wanted.items():
            assert get(gatehouse.http, "c.b.test", path)[2] == body, path
        status, head, _ = get(gatehouse.http, "c.b.test", "/old/x?y")
        assert (status, fields_of(head)["location"]) == (308, "https://new.test/old/x?y")
        status, head, _ = get(gatehouse.http, "c.b.test", "/gone")
        assert (status, fields_of(head)["x-why"]) == (410, "so")
        assert get(gatehouse.http, "d.b.test")[2] == b"wildcard"
        assert get(gatehouse.http, "d.d.b.test")[2] == b"any"
        assert get(gatehouse.http, "127.0.0.1")[2] == b"any"


def test_ranges_and_files_of_an_nginx_pass_unchanged(tmp_path):
    with Nginx(tmp_path / "nginx", "") as upstream:
        (upstream.www / "file").write_bytes(bytes(range(256)) * 4096)
        with plain_front(tmp_path / "gatehouse", upstream.url) as gatehouse:
            status, head, body = get(gatehouse.http, "a", "/file", fields=["Range: bytes=10-19"])
            assert (status, body) == (206, bytes(range(10, 20)))
            assert fields_of(head)["content-range"] == "bytes 10-19/1048576"


def test_a_head_that_does_not_come_is_answered_with_408(tmp_path):
    with plain_front(tmp_path, site={"respond": {}},
                     timeouts={"request_head": "300ms"}) as gatehouse:
        with plain(gatehouse.http) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost")
            assert read_to_end(client).startswith(b"HTTP/1.1 408 ")


def test_a_request_body_over_its_limit_is_answered_with_413(tmp_path):
    limits = {"body_bytes": "1KiB"}
    with EchoServer() as upstream:
        with plain_front(tmp_path, upstream.url, limits=limits) as gatehouse:
            for framing, body in ((b"Content-Length: 1025", bytes(1025)),
                                  (b"Transfer-Encoding: chunked", b"401\r\n" + bytes(1025))):
                with plain(gatehouse.http) as client:
                    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + body)
                    client.shutdown(socket.SHUT_WR)
                    assert read_to_end(client).startswith(b"HTTP/1.1 413 "), framing
