"""Upstreams in trouble: who learns of it, and who need not."""

from harness.client import get, plain, read_response
from harness.fronts import plain_front
from harness.ports import free_port
from harness.servers import EchoServer, RawUpstream, SilentServer

GATEWAY_ERRORS = {
    "rubbish": b"what?\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "status 99": b"HTTP/1.1 99 No\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "folded field": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200000,
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 O",
}


def test_an_upstream_that_answers_nonsense_is_a_502(tmp_path):
    with RawUpstream(None) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        for what, answer in GATEWAY_ERRORS.items():
            upstream.answer = lambda *_: (answer, False)
            status, _, body = get(gatehouse.http, "a")
            assert status == 502, what
            assert 0 < len(body) < 1000


def test_a_dead_upstream_is_a_502_that_tells_strangers_nothing(tmp_path):
    port = free_port()
    with plain_front(tmp_path, f"http://127.0.0.1:{port}") as gatehouse:
        for _ in range(3):
            status, head, body = get(gatehouse.http, "a")
            assert status == 502 and "text/plain" in head
            assert body.startswith(b"502 Bad Gateway\n") and len(body) < 200
            assert str(port).encode() not in body
        gatehouse.wait_for_line(f"an upstream failed upstream=127.0.0.1:{port}")


def test_a_flood_of_failures_leaves_a_count_in_the_log_and_others_served(tmp_path):
    access = tmp_path / "access.log"
    with RawUpstream(lambda *_: (b"what?\r\n\r\n", False)) as upstream:
        routes = [{"match": {"path": "/here"}, "respond": {"body": "here\n"}},
                  {"proxy": upstream.url}]
        with plain_front(tmp_path / "g", site={"routes": routes},
                         log={"format": "text", "access": {"file": str(access)}}) as gatehouse:
            for _ in range(200):
                assert get(gatehouse.http, "a")[0] == 502
                assert get(gatehouse.http, "a", "/here")[0] == 200
            gatehouse.stop()
    written = gatehouse.matching(" an upstream failed ")
    left_out = gatehouse.matching("lines were left out.*kind=\"an upstream failed\"")
    assert len(written) < 200
    assert len(written) + sum(int(line.rsplit("=", 1)[1]) for line in left_out) == 200
    assert len(access.read_text().splitlines()) == 400


def test_a_name_that_does_not_resolve_is_a_503(tmp_path):
    with plain_front(tmp_path, "http://no-such-name.invalid") as gatehouse:
        assert get(gatehouse.http, "a")[0] == 503


def test_a_slow_upstream_is_a_504_and_the_client_may_go_on(tmp_path):
    with SilentServer() as upstream:
        with plain_front(tmp_path, f"http://127.0.0.1:{upstream.port}",
                         timeouts={"upstream_response": "200ms"}) as gatehouse:
            with plain(gatehouse.http) as connection:
                for _ in range(2):
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    status, _, body = read_response(connection)
                    assert status == 504 and body.startswith(b"504 Gateway Timeout\n")


def test_while_one_server_is_dead_the_others_answer(tmp_path):
    dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    with EchoServer() as alive:
        with plain_front(tmp_path, dead[0], alive.url, dead[1]) as gatehouse:
            for method in ("GET", "POST"):
                for _ in range(20):
                    assert get(gatehouse.http, "a", method=method)[0] == 200


def test_requests_are_spread_over_servers(tmp_path):
    def upstream(name):
        return RawUpstream(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)

    with upstream(b"a") as a, upstream(b"b") as b:
        with plain_front(tmp_path, a.url, b.url) as gatehouse:
            assert {get(gatehouse.http, "a")[2] for _ in range(60)} == {b"a", b"b"}


def test_an_upstream_that_comes_back_is_used_again(tmp_path):
    with EchoServer() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        assert get(gatehouse.http, "a")[0] == 200
        upstream.stop()
        with plain(gatehouse.http):
            pass
        again = EchoServer(upstream.port)
        with again:
            gatehouse.wait_until(lambda: get(gatehouse.http, "a")[0] == 200, "the upstream")
