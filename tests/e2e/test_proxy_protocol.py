"""Connections that a proxy in front makes for others, and says so first (PROXY protocol)."""

import socket
import struct
import subprocess

import pytest
from harness.client import (ask, client_hello, no_checks, parse, plain, read_response,
                            read_to_end)
from harness.fronts import NAME, plain_front, tls_front
from harness.gatehouse import command
from harness.servers import EchoServer

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FROM_LOOPBACK = {"proxy_protocol": ["127.0.0.0/8"]}
REQUEST = f"GET /x HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
HEALTH = b"GET /.well-known/gatehouse/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def v1(client="192.0.2.7"):
    return f"PROXY TCP4 {client} 127.0.0.1 40000 443\r\n".encode()


def v2(client="2001:db8::7", command=1, tlvs=b""):
    addresses = socket.inet_pton(socket.AF_INET6, client) + bytes(16) + struct.pack(">HH", 1, 2)
    rest = addresses + tlvs
    return SIGNATURE + bytes([0x20 | command, 0x21]) + struct.pack(">H", len(rest)) + rest


def front(folder, make=plain_front, upstreams=(), listen=FROM_LOOPBACK, **more):
    """A front that wants a PROXY header from the loopback."""
    return make(folder, *upstreams, listen=listen, **more)


HEADERS = {
    "version 1": (v1(), "192.0.2.7"),
    "version 2": (v2(), "2001:db8::7"),
    "version 2 with TLVs": (v2(tlvs=b"\x02\x00\x04name\x20\x00\x05\x01\0\0\0\0"), "2001:db8::7"),
    "unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "the proxy itself": (v2(command=0), "127.0.0.1"),
}


@pytest.mark.parametrize("slowly", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("what", HEADERS)
def test_the_client_is_whom_the_header_names(tmp_path, what, slowly):
    header, client = HEADERS[what]
    with EchoServer() as upstream, front(tmp_path, upstreams=[upstream.url]) as gatehouse:
        with plain(gatehouse.http) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if slowly:
                for byte in header[:-1]:
                    connection.sendall(bytes([byte]))
                header = header[-1:]
            status, _, body = parse(ask(connection, header + REQUEST))
    assert status == 200
    assert f"X-Forwarded-For: {client}\n" in body.decode()


def test_a_handshake_follows_the_header(tmp_path):
    with EchoServer() as upstream:
        with front(tmp_path, tls_front, [upstream.url]) as gatehouse:
            for header in (v1(), v2("::ffff:192.0.2.7")):
                hello = client_hello(NAME, gatehouse.trust)  # header and hello in one segment
                with plain(gatehouse.https) as raw:
                    raw.sendall(header + hello)
                    assert raw.recv(1) == b"\x16"
                raw = plain(gatehouse.https)
                raw.sendall(header)
                with gatehouse.trust.wrap_socket(raw, server_hostname=NAME) as connection:
                    status, _, body = parse(ask(connection, REQUEST))
                assert status == 200
                assert "X-Forwarded-For: 192.0.2.7\n" in body.decode()
                assert "X-Forwarded-Proto: https\n" in body.decode()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_says_whom_it_connects_for(tmp_path, version):
    with EchoServer() as upstream, front(tmp_path, tls_front, [upstream.url]) as gatehouse:
        place = f"{NAME}:{gatehouse.https}"
        done = subprocess.run(
            ["curl", "-sk", "--noproxy", "*", version, "--haproxy-protocol",
             "--interface", "127.0.0.2", "--resolve", f"{place}:127.0.0.1", f"https://{place}/"],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "X-Forwarded-For: 127.0.0.2\n" in done.stdout


BAD = {
    "no header": b"",
    "a line that is none": b"PROXY TCP4 192.0.2.7 127.0.0.1 1\r\n",
    "a header of version 2 that is none": SIGNATURE + b"\x21\x11\x00\x02xx",
    "a header that is too long": SIGNATURE + b"\x21\x11\x20\x00" + bytes(0x2000),
}


@pytest.mark.parametrize("what", BAD)
def test_without_a_good_header_nothing_is_answered(tmp_path, what):
    with EchoServer() as upstream, front(tmp_path, upstreams=[upstream.url]) as gatehouse:
        with plain(gatehouse.http) as connection:
            assert ask(connection, BAD[what] + REQUEST) == b""
        with plain(gatehouse.https) as connection:
            assert ask(connection, BAD[what] + client_hello(NAME, no_checks())) == b""
        assert get_behind(gatehouse, v1())[0] == 200


def get_behind(gatehouse, header, request=REQUEST):
    with plain(gatehouse.http) as connection:
        return parse(ask(connection, header + request))


def test_a_header_that_does_not_come_ends_the_connection(tmp_path):
    with front(tmp_path, timeouts={"request_head": "300ms", "handshake": "300ms"},
               site={"respond": {"body": "here\n"}}) as gatehouse:
        for port in (gatehouse.http, gatehouse.https):
            with plain(port) as connection:
                connection.sendall(b"PROXY TC")
                assert read_to_end(connection) == b""


def test_from_others_a_header_is_no_header(tmp_path):
    with front(tmp_path, listen={"proxy_protocol": ["192.0.2.0/24"]},
               site={"respond": {"body": "here\n"}}) as gatehouse:
        assert get_behind(gatehouse, b"")[2] == b"here\n"
        assert get_behind(gatehouse, v1())[0] == 400


def test_who_is_announced_is_no_neighbour(tmp_path):
    with front(tmp_path, site={"respond": {"status": 404}}) as gatehouse:
        assert get_behind(gatehouse, v2(command=0), HEALTH)[0] == 200
        for header in (v1("127.0.0.1"), v2("::1"), b"PROXY UNKNOWN\r\n"):
            assert get_behind(gatehouse, header, HEALTH)[0] == 404
        done = command("healthcheck", "--config", gatehouse.config_file)
        assert done.returncode == 0, done.stderr


def test_each_client_behind_the_proxy_has_its_own_share(tmp_path):
    with front(tmp_path, limits={"connections_per_client": 1},
               site={"respond": {"body": "here\n"}}) as gatehouse:
        with plain(gatehouse.http) as first, plain(gatehouse.http) as other:
            for connection, client in ((first, "192.0.2.7"), (other, "192.0.2.8")):
                connection.sendall(v1(client) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_response(connection)[2] == b"here\n"
            with plain(gatehouse.http) as second:
                assert ask(second, v1("192.0.2.7") + REQUEST) == b""
        assert get_behind(gatehouse, v1("192.0.2.9"))[2] == b"here\n"


def test_a_silent_proxy_does_not_delay_the_end(tmp_path):
    with front(tmp_path, timeouts={"drain": "1h", "request_head": "1h", "handshake": "1h"},
               site={"respond": {"body": "here\n"}}) as gatehouse:
        with plain(gatehouse.http) as silent, plain(gatehouse.https) as begun:
            begun.sendall(b"PROXY ")
            assert get_behind(gatehouse, v1())[0] == 200  # the others were accepted before
            assert gatehouse.stop() == 0
            assert read_to_end(silent) == read_to_end(begun) == b""


def test_who_connects_to_a_unix_socket_counts_as_the_loopback(tmp_path):
    listen = {"https": [], "http": [f"unix:{tmp_path}/gate.sock"], **FROM_LOOPBACK}
    with EchoServer() as upstream, front(tmp_path, upstreams=[upstream.url],
                                         listen=listen) as gatehouse:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/gate.sock")
            status, _, body = parse(ask(client, v1() + REQUEST))
            assert status == 200 and "X-Forwarded-For: 192.0.2.7\n" in body.decode()
        assert command("healthcheck", "--config", gatehouse.config_file).returncode == 0


def test_for_a_client_without_a_name_nobody_vouches(tmp_path):
    request = REQUEST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n")
    with EchoServer() as upstream, front(tmp_path, upstreams=[upstream.url],
                                         trusted_proxies=["127.0.0.1"]) as gatehouse:
        _, _, body = get_behind(gatehouse, v2(command=0), request)
        assert "X-Forwarded-For: 198.51.100.1, 127.0.0.1\n" in body.decode()
        _, _, body = get_behind(gatehouse, b"PROXY UNKNOWN\r\n", request)
        assert "X-Forwarded-For: 127.0.0.1\n" in body.decode()
