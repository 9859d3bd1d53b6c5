"""What an upstream is told of who asked, and what of that is believed."""

import json
import re
import socket
import subprocess

import pytest
from harness.client import ask, fields_of, get, parse, plain, read_until
from harness.fronts import NAME, plain_front, tls_front
from harness.nginx import Nginx
from harness.ports import free_port
from harness.process import BAD_SIGNS
from harness.servers import RawUpstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CLAIMS = ["X-Forwarded-For: 1.1.1.1, 198.51.100.1", "X-Forwarded-Proto: https",
          "X-Forwarded-Host: www.example", "X-Request-Id: from-the-front", f"traceparent: {TRACE}",
          "tracestate: a=b"]


def answering():
    """An upstream that answers every whole request."""
    return RawUpstream(lambda _, request: OK if b"\r\n\r\n" in request else None)


def told(upstream):
    """The fields of the only request that it got."""
    head = upstream.everything().decode("latin-1").partition("\r\n\r\n")[0]
    names = [line.split(":")[0].lower() for line in head.split("\r\n")[1:]]
    assert len(names) == len(set(names)), head
    return fields_of(head)


def curl(port, *options, path="/"):
    """curl to the site NAME, whatever its certificate."""
    done = subprocess.run(
        ["curl", "-sk", "--noproxy", "*", "--max-time", "60",
         "--resolve", f"{NAME}:{port}:127.0.0.1", *options, f"https://{NAME}:{port}{path}"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def access_lines(gatehouse, file):
    gatehouse.stop()  # all is written then
    return [json.loads(line) for line in file.read_text().splitlines()]


def logging(file):
    return {"level": "debug", "format": "json", "access": {"file": str(file)}}


def test_of_a_stranger_nothing_is_believed(tmp_path):
    log = tmp_path / "access.log"
    with answering() as upstream, plain_front(tmp_path, upstream.url,
                                              log=logging(log)) as gatehouse:
        extra = ["Forwarded: for=1.1.1.1", "X-Real-IP: 1.1.1.1", "CF-Connecting-IP: 1.1.1.1",
                 "X-Forwarded-Port: 1"]
        assert get(gatehouse.http, "a", fields=CLAIMS + extra)[0] == 200
        fields = told(upstream)
        line, = access_lines(gatehouse, log)
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["x-forwarded-proto"] == "http"
    assert fields["x-forwarded-host"] == "a"
    assert re.fullmatch("[0-9a-f]{32}", fields["x-request-id"])
    assert not {"forwarded", "x-real-ip", "cf-connecting-ip", "x-forwarded-port", "traceparent",
                "tracestate"} & fields.keys()
    assert line["client_ip"] == "127.0.0.1" and "peer_ip" not in line
    assert line["request_id"] == fields["x-request-id"]
    assert line["protocol"] == "HTTP/1.1" and line["scheme"] == "http"


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_trusted_proxy_is_believed_and_its_lists_go_on(tmp_path, version):
    log = tmp_path / "access.log"
    with answering() as upstream:
        with tls_front(tmp_path, upstream.url, log=logging(log),
                       trusted_proxies=["127.0.0.0/8"]) as gatehouse:
            options = [part for claim in CLAIMS for part in ("-H", claim)]
            assert curl(gatehouse.https, version, *options) == "ok"
            fields = told(upstream)
            line, = access_lines(gatehouse, log)
    assert fields["x-forwarded-for"] == "1.1.1.1, 198.51.100.1, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "https"
    assert fields["x-forwarded-host"] == "www.example"
    assert fields["x-request-id"] == "from-the-front"
    assert fields["traceparent"] == TRACE and fields["tracestate"] == "a=b"
    http = "2" if version == "--http2" else "1.1"
    assert re.fullmatch(f"{re.escape(http)} gatehouse-[0-9a-f]{{16}}", fields["via"])
    assert line["client_ip"] == "198.51.100.1" and line["peer_ip"] == "127.0.0.1"
    assert line["request_id"] == "from-the-front"
    assert line["trace_id"] == TRACE.split("-")[1]
    assert line["protocol"] == ("HTTP/2.0" if version == "--http2" else "HTTP/1.1")


def test_a_proxy_that_is_not_in_the_list_is_a_stranger(tmp_path):
    with answering() as upstream:
        with plain_front(tmp_path, upstream.url, trusted_proxies=["192.0.2.0/24"]) as gatehouse:
            get(gatehouse.http, "a", fields=CLAIMS)
            assert told(upstream)["x-forwarded-for"] == "127.0.0.1"


def test_forwarded_alone_is_read_and_goes_on(tmp_path):
    with answering() as upstream:
        with plain_front(tmp_path, upstream.url, trusted_proxies=["127.0.0.1"]) as gatehouse:
            get(gatehouse.http, "a", fields=['Forwarded: for="[2001:db8::7]:1";proto=https'])
            fields = told(upstream)
    assert fields["forwarded"] == ('for="[2001:db8::7]:1";proto=https, '
                                   'for=127.0.0.1;host="a";proto=http')
    assert fields["x-forwarded-for"] == "2001:db8::7, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "https"


def test_the_address_that_a_proxy_header_names_is_the_peer(tmp_path):
    with answering() as upstream:
        with plain_front(tmp_path, upstream.url, listen={"proxy_protocol": ["127.0.0.1"]},
                         trusted_proxies=["192.0.2.7"]) as gatehouse:
            lines = ["GET / HTTP/1.1", "Host: a", "Connection: close", *CLAIMS, "", ""]
            request = "\r\n".join(lines)
            for client, list_ in (("192.0.2.8", "192.0.2.8"),
                                  ("192.0.2.7", "1.1.1.1, 198.51.100.1, 192.0.2.7")):
                upstream.forget()
                header = f"PROXY TCP4 {client} 127.0.0.1 1 2\r\n"
                with plain(gatehouse.http) as connection:
                    assert parse(ask(connection, (header + request).encode()))[0] == 200
                assert told(upstream)["x-forwarded-for"] == list_


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_names_that_some_programs_confuse_are_dropped_unless_allowed(tmp_path, version):
    with answering() as upstream:
        with tls_front(tmp_path, upstream.url, allowed_fields=["X_Allowed", "x.also"]) as gatehouse:
            sent = ["X_User: root", "X.User: root", "X-User: me", "X_Allowed: 1", "X.Also: 2"]
            options = [part for field in sent for part in ("-H", field)]
            assert curl(gatehouse.https, version, *options) == "ok"
            fields = told(upstream)
            assert "x_user" not in fields and "x.user" not in fields
            assert fields["x-user"] == "me"
            assert fields["x_allowed"] == "1" and fields["x.also"] == "2"


def test_trailers_are_held_to_the_same(tmp_path):
    whole = RawUpstream(lambda _, request: OK if b"\r\n0\r\n" in request else None)
    with whole as upstream, plain_front(tmp_path, upstream.url,
                                        allowed_fields=["x_allowed"]) as gatehouse:
        with plain(gatehouse.http) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"1\r\nx\r\n0\r\nX_User: root\r\nX-Sum: 1\r\nx_allowed: 2\r\n"
                               b"X-Forwarded-For: 1.1.1.1\r\n\r\n")
            read_until(connection, b"ok")
        assert upstream.everything().endswith(b"\r\n0\r\nX-Sum: 1\r\nx_allowed: 2\r\n\r\n")


def test_trailers_of_http2_too(tmp_path):
    whole = RawUpstream(lambda _, request: OK if b"\r\n0\r\n" in request else None)
    body = tmp_path / "body"
    body.write_bytes(b"x")
    with whole as upstream, plain_front(tmp_path, upstream.url,
                                        allowed_fields=["x_allowed"]) as gatehouse:
        done = subprocess.run(
            ["nghttp", "--no-content-length", "-d", body, "--trailer", "x_user: root",
             "--trailer", "x-sum: 1", "--trailer", "x_allowed: 2",
             f"http://127.0.0.1:{gatehouse.http}/"],
            capture_output=True, text=True, timeout=60)
        assert done.stdout == "ok", done.stdout + done.stderr
        assert upstream.everything().endswith(b"\r\n0\r\nx-sum: 1\r\nx_allowed: 2\r\n\r\n")


def test_a_site_that_forwards_to_itself_is_told_so(tmp_path):
    port = free_port()
    loop = f"http://127.0.0.1:{port}"
    listen = {"https": [], "http": [f"127.0.0.1:{port}"]}
    with plain_front(tmp_path, loop, listen=listen) as gatehouse:
        status, _, body = get(port, "a")
        assert status == 508 and b"to itself" in body
        gatehouse.stop()
        assert not BAD_SIGNS.search(gatehouse.output)


def test_one_gatehouse_behind_another_is_no_loop(tmp_path):
    with answering() as upstream, plain_front(tmp_path / "back", upstream.url,
                                              trusted_proxies=["127.0.0.1"]) as back:
        with plain_front(tmp_path / "front", f"http://127.0.0.1:{back.http}") as front:
            assert get(front.http, "a")[0] == 200
            fields = told(upstream)
    assert fields["x-forwarded-for"] == "127.0.0.1, 127.0.0.1"
    assert fields["via"].count("1.1 gatehouse-") == 2


def test_nginx_in_front_names_the_client(tmp_path):
    with answering() as upstream:
        with plain_front(tmp_path, upstream.url, trusted_proxies=["127.0.0.1"]) as gatehouse:
            passing = f"""location / {{
                proxy_pass http://127.0.0.1:{gatehouse.http}; proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto https; proxy_bind 127.0.0.1; }}"""
            with Nginx(tmp_path / "nginx", passing) as nginx:
                connection = socket.create_connection(("127.0.0.1", nginx.port), 60,
                                                      ("127.0.0.9", 0))
                with connection:
                    status, _, _ = parse(ask(connection, (
                        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                        b"X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n\r\n")))
                    assert status == 200
            fields = told(upstream)
    assert fields["x-forwarded-for"] == "1.1.1.1, 127.0.0.9, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "https" and "forwarded" not in fields


def test_a_proxy_that_ended_tls_for_us_is_not_redirected(tmp_path):
    with answering() as upstream:
        with tls_front(tmp_path, upstream.url, trusted_proxies=["127.0.0.1"]) as gatehouse:
            assert get(gatehouse.http, NAME)[0] == 308
            assert get(gatehouse.http, NAME, fields=["X-Forwarded-Proto: https"])[0] == 200
