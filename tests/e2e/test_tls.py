"""Handshakes: versions, resumption, certificates from files, and clients that misbehave."""

import json
import socket
import ssl

import pytest
from cryptography import x509
from harness.certificates import self_signed
from harness.client import (ask, at_once, client_hello, connect, get, no_checks, parse, plain,
                            read_to_end, refusal, start_handshake, trust)
from harness.fronts import NAME, tls_front
from harness.gatehouse import Gatehouse, command
from harness.ports import free_port
from harness.servers import EchoServer
from harness.stage import site

REQUEST = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
SOON = {"timeouts": {"handshake": "2s"}}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_on_every_worker(tmp_path, version):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url, workers=4) as gatehouse:
        context = no_checks(version)
        with connect(gatehouse.https, NAME, context) as connection:
            assert not connection.session_reused
            assert connection.version() == version.name.replace("_", ".")
            assert parse(ask(connection, REQUEST))[0] == 200
            session = connection.session
        for _ in range(24):
            with connect(gatehouse.https, NAME, context, session=session) as connection:
                assert connection.session_reused
                assert parse(ask(connection, REQUEST))[0] == 200


def test_a_session_of_one_name_is_no_ticket_to_another(tmp_path):
    chains = [self_signed(tmp_path, stem, [f"{stem}.example"]) for stem in ("one", "two")]
    sites = [site(f"{stem}.example", tls={"certificate": {"file": str(c), "key": str(k)}})
             for stem, (c, k) in zip(("one", "two"), chains)]
    with Gatehouse(tmp_path, {"sites": sites}) as gatehouse:
        context = no_checks()
        with connect(gatehouse.https, "one.example", context) as connection:
            ask(connection, REQUEST)
            session = connection.session
        with connect(gatehouse.https, "two.example", context, session=session) as connection:
            names = x509.load_der_x509_certificate(
                connection.getpeercert(binary_form=True)).subject.rfc4514_string()
            assert names == "CN=two"


def test_min_version_1_3_refuses_tls_1_2(tmp_path):
    with EchoServer() as upstream:
        with tls_front(tmp_path, upstream.url, tls={"min_version": "1.3"}) as gatehouse:
            assert get(gatehouse.https, NAME, context=gatehouse.trust)[0] == 200
            with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
                connect(gatehouse.https, NAME, no_checks(ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("offered, chosen", [
    (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)])
def test_alpn_chooses_http_2_where_the_client_offers_it(tmp_path, offered, chosen):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        context = no_checks()
        if offered:
            context.set_alpn_protocols(offered)
        with connect(gatehouse.https, NAME, context) as connection:
            assert connection.selected_alpn_protocol() == chosen
        assert refusal(gatehouse.https, NAME, "spdy/3") == "no application protocol"


def test_each_name_gets_its_own_certificate_from_files_and_others_an_alert(tmp_path):
    sites = []
    for stem in ("one", "two"):
        chain, key = self_signed(tmp_path, stem, [f"{stem}.example", f"*.{stem}.example"])
        files = {"certificate": {"file": str(chain), "key": str(key)}}
        sites.append(site(f"{stem}.example", f"*.{stem}.example", tls=files))
    with Gatehouse(tmp_path, {"sites": sites}) as gatehouse:
        for stem in ("one", "two"):
            context = trust(tmp_path / f"{stem}.pem")
            for name in (f"{stem}.example", f"a.{stem}.example"):
                assert get(gatehouse.https, name, context=context)[0] == 200
        for name in ("three.example", "a.b.one.example", None):
            assert refusal(gatehouse.https, name) == "unrecognized name"


def test_a_key_that_does_not_match_its_certificate_is_an_error_at_start(tmp_path):
    chain, _ = self_signed(tmp_path, "one", [NAME])
    _, key = self_signed(tmp_path, "two", [NAME])
    one = site(NAME, tls={"certificate": {"file": str(chain), "key": str(key)}})
    config = {"sites": [one], "storage": {"file": {"path": str(tmp_path / "data")}},
              "listen": {"https": [f"127.0.0.1:{free_port()}"], "http": []}}
    done = command("run", "--config", "-", stdin=json.dumps(config))
    assert done.returncode in (1, 2)
    assert str(chain) in done.stderr and str(key) in done.stderr
    assert "the private key does not belong to the certificate" in done.stderr


def test_a_handshake_that_stalls_is_ended(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url, **SOON) as gatehouse:
        hello = client_hello(NAME, gatehouse.trust)
        beginnings = (b"", hello[:1], hello[:50], hello)

        def stall(number):
            with plain(gatehouse.https) as raw:
                raw.sendall(beginnings[number])
                read_to_end(raw)  # returns when gatehouse has closed

        assert at_once(4, stall) == [None] * 4
        gatehouse.wait_for_line("a handshake failed", count=4)
        assert get(gatehouse.https, NAME, context=gatehouse.trust)[0] == 200


def test_a_hello_may_come_byte_by_byte(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = gatehouse.trust.wrap_bio(incoming, outgoing, server_hostname=NAME)
        with plain(gatehouse.https) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        raw.send(bytes([byte]))
                    incoming.write(raw.recv(65536))


def test_plain_http_on_the_tls_port_is_told_so(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        status, _, body = get(gatehouse.https, NAME)
        assert status == 400 and b"HTTPS" in body


def test_tls_on_the_plain_port_is_closed(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url) as gatehouse:
        with start_handshake(gatehouse.http, NAME, no_checks()) as raw:
            assert read_to_end(raw).startswith(b"HTTP/1.1 400 ")


def test_rubbish_instead_of_a_hello_is_closed(tmp_path):
    with EchoServer() as upstream, tls_front(tmp_path, upstream.url, **SOON) as gatehouse:
        for rubbish in (b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x16\x03\x01\0\5abcde",
                        bytes(300), b"\x80\x2e\1\0\2\0\x15\0\0\0\x10"):
            with plain(gatehouse.https) as raw:
                try:
                    raw.sendall(rubbish)
                    raw.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # closed already
                read_to_end(raw)
        assert get(gatehouse.https, NAME, context=gatehouse.trust)[0] == 200
