"""Bounds on each client by itself: who takes more than its share is refused, and counted; others,
and addresses that many share, are not."""

import socket

from harness.client import client_hello, connect, plain, read_response
from harness.fronts import NAME, plain_front, tls_front
from harness.gatehouse import counted

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
HERE = {"respond": {"body": "here\n"}}
BEHIND = {"proxy_protocol": ["127.0.0.2"]}  # so that a test may be whom it likes
STRANGER, OTHER, CDN, INSIDE = "198.51.100.7", "198.51.100.8", "203.0.113.5", "10.1.2.3"


def come_as(port, client):
    """A connection of this client, by way of a proxy that names it."""
    connection = socket.create_connection(("127.0.0.1", port), 120, ("127.0.0.2", 0))
    connection.sendall(f"PROXY TCP4 {client} 127.0.0.1 40000 443\r\n".encode())
    return connection


def is_served(connection):
    try:
        connection.sendall(GET)
        return read_response(connection)[0] == 200
    except (AssertionError, ConnectionError):
        return False


def is_answered(connection, hello):
    """Whether a handshake goes on; else nothing at all comes back."""
    with connection:
        try:
            connection.sendall(hello)
            return bool(connection.recv(1))
        except ConnectionError:
            return False


def test_by_default_a_stranger_has_256_connections_and_shared_addresses_have_more(tmp_path):
    with plain_front(tmp_path, site=HERE, listen=BEHIND,
                     trusted_proxies=["203.0.113.0/24"]) as gatehouse:
        def served_of_260(come):
            opened = [come() for _ in range(260)]
            served = sum(is_served(connection) for connection in opened)
            others = come_as(gatehouse.http, OTHER)
            assert is_served(others)
            for connection in [*opened, others]:
                connection.close()
            return served

        assert served_of_260(lambda: come_as(gatehouse.http, STRANGER)) == 256
        for shared in (CDN, INSIDE):
            assert served_of_260(lambda: come_as(gatehouse.http, shared)) == 260
        assert served_of_260(lambda: plain(gatehouse.http)) == 260
        assert counted(gatehouse) == {"too_many_connections": 4}


def test_a_stranger_shakes_hands_only_so_often_and_shared_addresses_as_they_like(tmp_path):
    with tls_front(tmp_path, routes=[HERE], listen=BEHIND,
                   trusted_proxies=["203.0.113.0/24"]) as gatehouse:
        hello = client_hello(NAME, gatehouse.trust)

        def shakes_hands_as(client):
            return is_answered(come_as(gatehouse.https, client), hello)

        begun = 0
        while begun < 3000 and shakes_hands_as(STRANGER):
            begun += 1
        assert 100 <= begun < 3000
        with gatehouse.trust.wrap_socket(come_as(gatehouse.https, OTHER),
                                         server_hostname=NAME) as good:
            for shared in (CDN, INSIDE):
                assert all(shakes_hands_as(shared) for _ in range(120))
            assert all(is_answered(plain(gatehouse.https), hello) for _ in range(120))
            refused = 1 + sum(not shakes_hands_as(STRANGER) for _ in range(200))
            assert is_served(good)
        assert counted(gatehouse) == {"handshake_rate": refused}


def test_a_rate_that_is_written_binds_neighbours_too(tmp_path):
    with tls_front(tmp_path, routes=[HERE],
                   limits={"handshakes_per_second": 1}) as gatehouse:
        with connect(gatehouse.https, NAME, gatehouse.trust) as good:
            hello = client_hello(NAME, gatehouse.trust)
            answered = [is_answered(plain(gatehouse.https), hello) for _ in range(50)]
            assert 4 <= sum(answered) < 50
            assert is_served(good)
