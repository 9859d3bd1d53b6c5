"""Bounds on each client by itself: who takes more than its share is refused, and counted; others,
and addresses that many share, are not."""

import re
import socket

from harness.client import plain, read_response, read_to_end
from harness.fronts import NAME, plain_front

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
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


def counted(gatehouse):
    """What was told of each kind at the end."""
    gatehouse.stop()
    lines = re.findall(r"refused for the site's safety.*kind=\"?(\w+)\"?.*total=(\d+)",
                       gatehouse.output)
    return {kind: int(total) for kind, total in lines}


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
