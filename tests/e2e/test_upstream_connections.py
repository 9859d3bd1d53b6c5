"""How upstreams are reached: TLS and who is believed, Unix sockets, PROXY headers, keep-alive."""

import json
import socket
import socketserver
import struct
import threading

import pytest
from harness.certificates import self_signed
from harness.client import get, plain, read_response
from harness.fronts import plain_front
from harness.gatehouse import Gatehouse
from harness.http2_peers import Http2Upstream, Nghttpx, curl
from harness.servers import RawUpstream, SilentServer


def front(folder, servers, **group):
    return plain_front(folder, site={"proxy": {"servers": servers, **group}}, workers=1)


def ask(gatehouse, path="/head"):
    status, _, body = get(gatehouse.http, "a.example", path)
    return status, body


# --- TLS ---


def test_a_certificate_is_believed_by_its_root_and_its_name_alone(tmp_path):
    with Http2Upstream(tls=tmp_path / "tls", names=["up.example"]) as upstream:
        roots = str(upstream.ca_file)
        stranger, _ = self_signed(tmp_path, "stranger", ["up.example"])
        cases = {
            "its root and its name": ({"ca_file": roots, "server_name": "up.example"}, None),
            "another name": ({"ca_file": roots}, "IP address mismatch"),
            "another host name": ({"ca_file": roots, "server_name": "no.example"},
                                  "[Hh]ostname mismatch"),
            "another root": ({"ca_file": str(stranger), "server_name": "up.example"},
                             "CERTIFICATE_VERIFY_FAILED"),
            "the system's roots": ({"server_name": "up.example"}, "CERTIFICATE_VERIFY_FAILED"),
            "anybody": ({"insecure": True}, None),
        }
        for what, (tls, wrong) in cases.items():
            with front(tmp_path / "g", [upstream.url], tls=tls) as gatehouse:
                status, body = ask(gatehouse)
                assert status == (502 if wrong else 200), what
                if wrong:
                    gatehouse.wait_for_line(f"an upstream failed.*kind=tls.*{wrong}")
                    assert b"up.example" not in body


def test_a_server_that_asks_for_a_client_certificate_gets_the_configured_one(tmp_path):
    chain, key = self_signed(tmp_path, "client", ["client.example"])
    with Http2Upstream(tls=tmp_path / "tls", client_ca=chain) as upstream:
        tls = {"ca_file": str(upstream.ca_file)}
        with front(tmp_path / "g", [upstream.url], tls=tls) as gatehouse:
            assert ask(gatehouse)[0] == 502
        tls["client_certificate"] = {"file": str(chain), "key": str(key)}
        with front(tmp_path / "g", [upstream.url], tls=tls) as gatehouse:
            assert ask(gatehouse)[0] == 200


def test_a_tls_server_of_http_1_1_is_spoken_to_in_it(tmp_path):
    with Http2Upstream(tls=tmp_path / "tls", http1_only=1) as upstream:
        with plain_front(tmp_path / "g", site={"proxy": upstream.group}) as gatehouse:
            for version in ("--http1.1", "--http2-prior-knowledge"):
                for body in ((), ("--data-binary", "x" * 100000)):
                    answer = curl(f"http://127.0.0.1:{gatehouse.http}/", version, *body)
                    assert json.loads(answer.body)["version"] == "1.1"


def test_files_that_tls_names_are_read_at_start(tmp_path):
    chain, _ = self_signed(tmp_path, "a", ["a.example"])
    _, other_key = self_signed(tmp_path, "b", ["b.example"])
    cases = [
        ({"ca_file": str(tmp_path / "none.pem")}, "none.pem"),
        ({"client_certificate": {"file": str(chain), "key": str(other_key)}},
         "does not belong to the certificate"),
    ]
    for tls, said in cases:
        config = {"upstreams": {"app": {"servers": ["https://127.0.0.1:1"], "tls": tls}},
                  "sites": [{"hosts": ["*"], "tls": False, "proxy": "app"}]}
        with pytest.raises(AssertionError, match=f"/upstreams/app/tls: .*{said}"):
            Gatehouse(tmp_path / "g", config)


def test_a_server_that_is_no_http_2_or_no_tls_is_a_502(tmp_path):
    with RawUpstream(lambda *_: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as origin:
        for scheme in ("h2c", "https"):
            url = f"{scheme}://127.0.0.1:{origin.port}"
            with front(tmp_path / scheme, [url]) as gatehouse:
                assert ask(gatehouse)[0] == 502


def test_a_server_that_never_speaks_is_a_504_and_others_are_tried_first(tmp_path):
    with SilentServer() as silent, Http2Upstream() as upstream:
        url = f"h2c://127.0.0.1:{silent.port}"
        with plain_front(tmp_path / "one", url,
                         timeouts={"upstream_connect": "200ms"}) as gatehouse:
            assert ask(gatehouse)[0] == 504
        with plain_front(tmp_path / "two", url, upstream.url, workers=1,
                         timeouts={"upstream_connect": "1s"}) as gatehouse:
            before = silent.connected()
            for _ in range(40):
                assert ask(gatehouse)[0] == 200
            assert 1 <= silent.connected() - before < 10, "once or twice, not each time"


# --- Unix sockets ---


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class _Hello(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            fields = [line]
            while fields[-1] not in (b"\r\n", b""):
                fields.append(self.rfile.readline())
            body = b"".join(fields)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def test_a_unix_socket_is_an_upstream(tmp_path):
    path = tmp_path / "app.sock"
    with _Unix(str(path), _Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with plain_front(tmp_path / "g", f"unix:{path}") as gatehouse:
            for _ in range(3):
                status, body = ask(gatehouse, "/x")
                assert status == 200
                assert body.startswith(b"GET /x HTTP/1.1\r\nHost: a.example\r\n")
        server.shutdown()
    with plain_front(tmp_path / "g", f"unix:{tmp_path}/nobody.sock") as gatehouse:
        assert ask(gatehouse)[0] == 503
        gatehouse.wait_for_line("an upstream failed upstream=unix:.*nobody.sock")


# --- the PROXY header ---

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer_requests(_, request):
    return OK if b"\r\n\r\n" in request and b"GET " in request else None


def version_1(client, server):
    return b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (client, server)


def version_2(client, server):
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("127.0.0.1") * 2 +
            struct.pack("!HH", client, server))


@pytest.mark.parametrize("version", [1, 2])
def test_each_connection_tells_its_one_clients_address(tmp_path, version):
    header = (version_1, version_2)[version - 1]
    with RawUpstream(answer_requests) as origin:
        with front(tmp_path, [origin.url], proxy_protocol=version) as gatehouse:
            ports = []
            for _ in range(2):
                with plain(gatehouse.http) as client:
                    ports.append(client.getsockname()[1])
                    for _ in range(2):
                        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        assert read_response(client)[0] == 200
            expected = [header(port, gatehouse.http) for port in ports for _ in range(2)]
            with origin.arrived:
                assert len(origin.received) == 4, "none is shared, not even by one client"
                for one, start in zip(origin.received, expected):
                    assert one.startswith(start + b"GET / HTTP/1.1\r\n")


def test_a_server_that_expects_a_proxy_header_before_tls_or_http_2_gets_it(tmp_path):
    with RawUpstream(lambda *_: False) as origin:
        for scheme, then in (("https", b"\x16\x03"), ("h2c", b"PRI * HTTP/2.0\r\n")):
            url = f"{scheme}://127.0.0.1:{origin.port}"
            tls = {"tls": {"insecure": True}} if scheme == "https" else {}
            with front(tmp_path / scheme, [url], proxy_protocol=1, **tls) as gatehouse:
                assert ask(gatehouse)[0] == 502
            with origin.arrived:
                line, _, rest = origin.received[-1].partition(b"\r\n")
                assert line.startswith(b"PROXY TCP4 ")
                # What comes with the header may stand behind it, or not have been read.
                assert rest == b"" or rest.startswith(then)


def test_the_header_names_whom_the_proxies_in_front_name(tmp_path):
    with RawUpstream(answer_requests) as origin:
        group = {"servers": [origin.url], "proxy_protocol": 1}
        loopback = ["127.0.0.0/8"]
        request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 2001:db8::7\r\n\r\n"
        said = b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 443\r\n"
        unknown = b"PROXY UNKNOWN\r\n"
        cases = {
            "a header": ({"listen": {"proxy_protocol": loopback}}, said,
                         b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 %d\r\n"),
            "a header of nobody": ({"listen": {"proxy_protocol": loopback}}, unknown, unknown),
            "a field": ({"trusted_proxies": loopback}, b"",
                        b"PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 0 %d\r\n"),
        }
        for what, (more, header, expected) in cases.items():
            folder = tmp_path / what
            folder.mkdir()
            with plain_front(folder, site={"proxy": group}, **more) as gatehouse:
                with plain(gatehouse.http) as client:
                    client.sendall(header + request)
                    assert read_response(client)[0] == 200, what
                if b"%d" in expected:
                    expected %= gatehouse.http
                with origin.arrived:
                    assert origin.received[-1].startswith(expected + b"GET "), what


def test_a_proxy_header_and_h2c_work_together(tmp_path):
    # nghttpx takes the header, and HTTP/2 behind it.
    with Http2Upstream() as upstream:
        with Nghttpx(upstream) as middle:
            with front(tmp_path, [middle.url], proxy_protocol=1) as gatehouse:
                for _ in range(3):
                    status, body = ask(gatehouse)
                    assert status == 200
                    assert "127.0.0.1" in json.loads(body)["x-forwarded-for"]


# --- keep-alive ---


def test_no_connection_is_kept_where_the_configuration_says_so(tmp_path):
    with RawUpstream(answer_requests) as origin:
        group = {"keepalive": {"connections": 0}}
        with front(tmp_path, [origin.url], **group) as gatehouse, plain(gatehouse.http) as client:
            for _ in range(3):
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert read_response(client)[0] == 200
        assert len(origin.received) == 3


def test_a_group_by_name_serves_all_routes_that_name_it(tmp_path):
    with RawUpstream(answer_requests) as origin:
        site = {"routes": [{"match": {"path": "/a"}, "proxy": "app"}, {"proxy": "app"}]}
        upstreams = {"app": {"servers": [origin.url]}}
        with plain_front(tmp_path, site=site, upstreams=upstreams, workers=1) as gatehouse:
            for path in ("/a", "/b", "/a"):
                assert ask(gatehouse, path) == (200, b"ok")
        assert len(origin.received) == 1, "one pool"
