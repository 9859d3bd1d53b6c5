"""Files of an nginx through both versions of HTTP on either side: curl over TLS before gatehouse,
nginx behind it by HTTP/1.1, by HTTP/2 without TLS, and by HTTP/2 that ALPN has chosen."""

import gzip
import random
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from harness.certificates import self_signed
from harness.client import at_once, connect, parse, read_until, trust
from harness.gatehouse import Gatehouse
from harness.http2 import NO_ERROR, Http2
from harness.http2_peers import curl
from harness.nginx import Nginx
from harness.ports import free_port
from harness.process import PATIENCE, SANITIZED

MIB = 1024 * 1024
# More than any window, and than what the kernel holds on the way.
BIG = random.Random(9113).randbytes((16 if SANITIZED else 32) * MIB)
TEXT = b"".join(b"line %d of a text that packs well\n" % n for n in range(20000))
UPSTREAMS = ("h1", "h2c", "h2")

SERVER = """
    listen 127.0.0.1:{h2c} http2;
    listen 127.0.0.1:{h2} ssl http2;
    ssl_certificate {pem}; ssl_certificate_key {key};
    etag on;
    location /packed/ {{ alias {www}/; gzip on; gzip_proxied any; gzip_types text/plain;
                         default_type text/plain; }}
    location /changed/ {{ alias {www}/; sub_filter packs wraps; sub_filter_once off;
                          sub_filter_types *; default_type text/plain; }}
    location /added/ {{ alias {www}/; default_type text/plain; addition_types *;
                        add_after_body /small; }}
    location /closing/ {{ alias {www}/; keepalive_timeout 0; }}
    location /narrow/ {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{nobody}/; }}
    location /put/ {{ dav_methods PUT; create_full_put_path on; }}
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    pem, key = self_signed(folder, "peers", ["127.0.0.1", *(f"{one}.test" for one in UPSTREAMS)])
    ports = {"h2c": free_port(), "h2": free_port(), "nobody": free_port()}
    server = SERVER.format(pem=pem, key=key, www=folder / "www", **ports)
    with Nginx(folder, server) as nginx:
        (nginx.www / "big").write_bytes(BIG)
        (nginx.www / "text").write_bytes(TEXT)
        (nginx.www / "small").write_bytes(bytes(range(256)))
        servers = {"h1": nginx.url, "h2c": f"h2c://127.0.0.1:{ports['h2c']}",
                   "h2": f"https://127.0.0.1:{ports['h2']}"}
        sites = [{"hosts": [f"{one}.test"], "tls": {"certificate": {"file": str(pem),
                                                                    "key": str(key)}},
                  "proxy": {"servers": [servers[one]],
                            **({"tls": {"ca_file": str(pem)}} if one == "h2" else {})}}
                 for one in UPSTREAMS]
        sites += [{"hosts": [f"{one}.plain"], "tls": False, "proxy": sites[n]["proxy"]}
                  for n, one in enumerate(UPSTREAMS)]
        with Gatehouse(folder / "gatehouse", {"sites": sites}) as gatehouse:
            yield SimpleNamespace(gatehouse=gatehouse, pem=pem, www=nginx.www)
        shutil.rmtree(nginx.www)  # hundreds of megabytes, which pytest would keep


@pytest.fixture(params=[f"{client}->{server}" for client in ("h1", "h2") for server in UPSTREAMS])
def pair(request, stage):
    """`ask`: one request of curl. `connect`: a connection of that version."""
    client, server = request.param.split("->")
    host = f"{server}.test"
    port = stage.gatehouse.https
    version = "1.1" if client == "h1" else "2"

    def ask(path, *arguments, **more):
        answer = curl(f"https://{host}:{port}{path}", "--http" + version, "--cacert",
                      str(stage.pem), *arguments, resolve=f"{host}:{port}:127.0.0.1", **more)
        assert (answer.exit_status, answer.version) == (0, version), answer.head
        return answer

    def open_connection():
        return connect(port, host, trust(stage.pem, alpn=["h2"] if client == "h2" else None))

    yield SimpleNamespace(client=client, host=host, ask=ask, connect=open_connection,
                          www=stage.www, name=request.param.replace("->", "-"))


def fields(answer):
    """Of the last head."""
    lines = re.split(r"\r?\n\r?\n", answer.head.strip())[-1].splitlines()[1:]
    return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}


def test_a_big_file_comes_whole(pair):
    got = pair.www / "got"
    answer = pair.ask("/big", to=got)
    assert answer.status == 200 and got.read_bytes() == BIG
    assert fields(answer)["content-length"] == str(len(BIG))


def test_a_big_upload_comes_whole_with_its_length_and_without(pair):
    body = BIG[:8 * MIB]
    (pair.www / "body").write_bytes(body)
    for name, source, stdin in (("sized", pair.www / "body", None), ("unsized", "-", body)):
        path = f"/put/{pair.name}/{name}"
        # By HTTP/2 nginx sends no 100, for which curl would wait.
        assert pair.ask(path, "-T", source, "-H", "Expect:", stdin=stdin).status == 201
        assert (pair.www / path[1:]).read_bytes() == body


def test_ranges_come_as_they_were_asked_for(pair):
    one = pair.ask("/big", "-r", "1000-1999")
    assert (one.status, one.body) == (206, BIG[1000:2000])
    assert fields(one)["content-range"] == f"bytes 1000-1999/{len(BIG)}"
    last = pair.ask("/big", "-r", "-5")
    assert (last.status, last.body) == (206, BIG[-5:])
    several = pair.ask("/big", "-r", f"0-9,{MIB}-{MIB + 99999},-7")
    kind = fields(several)["content-type"]
    assert several.status == 206 and kind.startswith("multipart/byteranges; boundary=")
    parts = several.body.split(b"\r\n--" + kind.partition("=")[2].encode())
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]] == [
        BIG[:10], BIG[MIB:MIB + 100000], BIG[-7:]]
    beyond = pair.ask("/big", "-r", f"{len(BIG)}-")
    assert (beyond.status, fields(beyond)["content-range"]) == (416, f"bytes */{len(BIG)}")


def test_what_has_not_changed_and_heads_have_no_body(pair):
    tag = fields(pair.ask("/text"))["etag"]
    same = pair.ask("/text", "-H", f"If-None-Match: {tag}")
    assert (same.status, same.body, fields(same)["etag"]) == (304, b"", tag)
    head = pair.ask("/big", "--head")
    assert (head.status, fields(head)["content-length"]) == (200, str(len(BIG)))
    assert pair.ask("/small").body == bytes(range(256)), "and the next message is its own"


def test_bodies_that_nginx_makes_on_the_way_have_no_length_and_come_whole(pair):
    packed = pair.ask("/packed/text", "-H", "Accept-Encoding: gzip")
    assert fields(packed)["content-encoding"] == "gzip" and len(packed.body) < len(TEXT) / 5
    assert gzip.decompress(packed.body) == TEXT
    changed = pair.ask("/changed/text")
    assert changed.body == TEXT.replace(b"packs", b"wraps")
    added = pair.ask("/added/text")
    assert added.body == TEXT + bytes(range(256))
    for answer in (packed, changed, added):
        assert answer.status == 200 and "content-length" not in fields(answer)
        assert ("transfer-encoding" in fields(answer)) == (pair.client == "h1")
    assert pair.ask("/packed/text", "--compressed").body == TEXT


def early_answer(pair, path, length):
    """Of an upload that never ends; `length`: what it announces, if anything."""
    with pair.connect() as connection:
        if pair.client == "h2":
            client = Http2(connection)
            more = [("content-length", str(length))] if length else []
            stream = client.request(path, False, method="POST", authority=pair.host,
                                    scheme="https", more=more)
            client.data(stream, bytes(16384))
            client.wait_for(lambda c: c.of(stream).ended)
            client.wait_for(lambda c: c.of(stream).reset is not None)
            assert client.of(stream).reset == NO_ERROR, "the rest of the upload is not wanted"
            assert client.get("/small", authority=pair.host, scheme="https").status == 200
            return client.of(stream).status, client.of(stream).body
        framing = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: {pair.host}\r\n{framing}\r\n\r\n"
                           .encode() + (b"" if length else b"4000\r\n") + bytes(16384))
        status, _, body = parse(read_until(connection, b"</html>\r\n"))
        return status, body


def test_a_refusal_comes_while_the_upload_runs(pair):
    cases = [(path, status, length) for path, status in (("/narrow/", 413), ("/big", 405))
             for length in (1 << 30, None)]

    def refused(number):
        path, status, length = cases[number]
        got, body = early_answer(pair, path, length)
        assert got == status and body.startswith(b"<html>") and body.endswith(b"</html>\r\n")

    # At once, since each waits for a moment until it is told that the rest is not wanted.
    for error in at_once(len(cases), refused):
        if error:
            raise error


def test_an_nginx_that_closes_after_each_answer_is_not_heard_of(pair):
    for _ in range(3):
        answer = pair.ask("/closing/text")
        assert (answer.status, answer.body == TEXT) == (200, True)
        assert fields(answer).get("connection", "keep-alive") == "keep-alive"


# --- many at once ---

@pytest.mark.parametrize("server", UPSTREAMS)
@pytest.mark.parametrize("client", ["h1", "h2"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_all_of_many_requests_at_once_are_answered(stage, scheme, client, server):
    """A half of them for a file that is not there."""
    host = f"{server}.{'plain' if scheme == 'http' else 'test'}"
    port = stage.gatehouse.https if scheme == "https" else stage.gatehouse.http
    options = ["--h1", "-m", "4"] if client == "h1" else ["-m", "25"]
    done = subprocess.run(
        ["h2load", "-n", "1600", "-c", "16", *options, f"--connect-to=127.0.0.1:{port}",
         f"{scheme}://{host}/small", f"{scheme}://{host}/none"],
        capture_output=True, text=True, timeout=PATIENCE)
    assert "1600 total, 1600 started, 1600 done, " in done.stdout, done.stdout
    assert " 0 errored, 0 timeout" in done.stdout, done.stdout
    assert "status codes: 800 2xx, 0 3xx, 800 4xx, 0 5xx" in done.stdout, done.stdout
    assert f"Application protocol: {'h2' if client == 'h2' else 'http/1.1'}" in done.stdout or \
        scheme == "http"
