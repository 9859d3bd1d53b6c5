"""Connections that are used again: by clients, and to upstreams that close them when they like."""

import socket
import threading

import pytest
from harness.client import ask, at_once, connect, plain, read_response, read_to_end
from harness.fronts import NAME, plain_front, tls_front
from harness.nginx import Nginx
from harness.servers import RawUpstream

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def whole(request):
    """Whether one of the two has come in to its end."""
    return request.startswith(b"GET") or request.endswith(b"hello")


def ok(_, request):
    return OK if whole(request) else None


def test_500_keep_alive_clients_are_served_again_and_again(tmp_path):
    with Nginx(tmp_path / "nginx", "location / { return 200 well; }") as upstream:
        with tls_front(tmp_path, upstream.url) as gatehouse:
            clients = []

            def open_ten(_):
                clients.extend(connect(gatehouse.https, NAME, gatehouse.trust) for _ in range(10))

            assert at_once(50, open_ten) == [None] * 50
            request = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
            for _ in range(4):
                for client in clients:
                    client.sendall(request)
                for client in clients:
                    status, _, body = read_response(client)
                    assert (status, body) == (200, b"well")
            for client in clients:
                client.close()


def test_pipelined_requests_are_answered_in_order(tmp_path):
    def echo(_, request):
        path = request.split(b" ")[1]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)

    with RawUpstream(echo) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            paths = [b"/%d" % n for n in range(50)]
            connection.sendall(b"".join(REQUEST.replace(b" / ", b" %s " % p) for p in paths))
            connection.shutdown(socket.SHUT_WR)
            answers = read_to_end(connection)
            assert [part[:len(p)] for part, p in
                    zip(answers.split(b"\r\n\r\n")[1:], paths)] == paths


def test_an_upstream_connection_is_used_again(tmp_path):
    with RawUpstream(ok) as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            for _ in range(5):
                with plain(gatehouse.http) as connection:
                    for request in [REQUEST, POST] * 5:
                        connection.sendall(request)
                        assert read_response(connection)[0] == 200
            # A client may be faster than the connection of the one before is given back.
            assert len(upstream.received) <= 3


def all_of(gatehouse, requests, clients=8):
    """The statuses that clients get who send the requests one after another."""
    def client(_):
        with plain(gatehouse.http) as connection:
            statuses = []
            for request in requests:
                connection.sendall(request)
                statuses.append(read_response(connection)[0])
            return statuses

    return at_once(clients, client)


@pytest.mark.parametrize("habit", ["keepalive_timeout 1s;", "keepalive_requests 2;",
                                   "keepalive_requests 1;", "keepalive_timeout 0;"])
def test_an_nginx_that_closes_its_connections_causes_no_error(tmp_path, habit):
    server = f"{habit} location / {{ return 200 well; }}"
    with Nginx(tmp_path / "nginx", server) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse:
            statuses = all_of(gatehouse, [REQUEST] * 100)
            assert statuses == [[200] * 100] * 8


def test_an_upstream_that_closes_idle_connections_causes_no_error(tmp_path):
    """After each answer the connection is closed, though nothing said so."""
    with RawUpstream(lambda *said: (OK, False) if ok(*said) else None) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse:
            assert all_of(gatehouse, [REQUEST, POST] * 50) == [[200] * 100] * 8


def test_a_connection_that_dies_under_its_second_request_causes_no_error(tmp_path):
    """The upstream closes at the moment at which the next request arrives: the race that nobody
    can avoid, and that must not become a 502."""
    used = set()
    lock = threading.Lock()

    def die(number, request):
        with lock:
            first = number not in used
            if whole(request):
                used.add(number)
        return ok(number, request) if first else False

    with RawUpstream(die) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        assert all_of(gatehouse, [REQUEST, POST] * 25, clients=4) == [[200] * 50] * 4


def test_connections_over_the_limit_are_closed_and_the_others_served(tmp_path):
    with RawUpstream(ok) as upstream:
        limits = {"connections_per_client": 3}
        with plain_front(tmp_path, upstream.url, limits=limits) as gatehouse:
            inside = [plain(gatehouse.http) for _ in range(3)]
            for connection in inside:
                connection.sendall(REQUEST)
                assert read_response(connection)[0] == 200
            with plain(gatehouse.http) as outside:
                assert read_to_end(outside) == b""
            inside.pop().close()
            gatehouse.wait_until(lambda: is_served(gatehouse), "a free place")
            for connection in inside:
                connection.sendall(REQUEST)
                assert read_response(connection)[0] == 200
                connection.close()


def is_served(gatehouse):
    with plain(gatehouse.http) as connection:
        try:
            return ask(connection, REQUEST[:-2] + b"Connection: close\r\n\r\n").startswith(
                b"HTTP/1.1 200 ")
        except OSError:
            return False  # closed before the request was sent


def test_an_idle_client_is_let_go(tmp_path):
    with RawUpstream(ok) as upstream:
        with plain_front(tmp_path, upstream.url, timeouts={"idle": "1s"}) as gatehouse:
            with plain(gatehouse.http) as connection:
                connection.sendall(REQUEST)
                assert read_response(connection)[0] == 200
                assert read_to_end(connection) == b""


@pytest.mark.parametrize("fields, closes", [
    (b"Connection: close\r\n", True), (b"Connection: keep-alive, Close\r\n", True), (b"", False)])
def test_a_client_that_says_close_is_closed_after_its_answer(tmp_path, fields, closes):
    with RawUpstream(ok) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            connection.sendall(REQUEST[:-2] + fields + b"\r\n" + REQUEST)
            connection.shutdown(socket.SHUT_WR)
            assert read_to_end(connection).count(b"HTTP/1.1 200 OK") == (1 if closes else 2)
