"""How requests and their answers go together, alike in the four pairs of versions: what is waited
for, what comes early, who has said all."""

import socket

import pytest
from harness.answers import ASKERS
from harness.client import at_once, plain, read_to_end, read_until
from harness.fronts import two_fronts
from harness.http2 import INITIAL_WINDOW_SIZE, NO_ERROR, rst_stream
from harness.http2_peers import curl
from harness.http2_servers import RawHttp2Upstream, answer
from harness.servers import RawUpstream

REFUSES = b"HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nno!"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HALF = bytes(i * 31 & 255 for i in range(40_000))  # of a body that breaks off


def by_http1(_, request):
    head, _, body = request.partition(b"\r\n\r\n")
    if not head:
        return None
    if head.startswith(b"GET /cut"):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + HALF, False
    if head.startswith(b"POST /early"):
        return REFUSES, False  # with what comes after the head unread: a reset follows
    if head.startswith((b"POST /refuse", b"POST /keep")):
        return REFUSES
    if head.startswith(b"POST /go") and not body:
        return CONTINUE
    return OK if b"Content-Length: 5" not in head or body.endswith(b"hello") else None


def by_http2(request, stream):
    path = dict(request.fields)[":path"]
    if path in ("/early", "/refuse", "/keep"):
        return answer(stream, [(":status", "413")], b"no!")
    if path == "/cut":
        pieces = [HALF[at:at + 16384] for at in range(0, len(HALF), 16384)]
        return answer(stream, [(":status", "200")], *pieces, end=False) + rst_stream(stream)
    if path == "/go":
        return answer(stream, [(":status", "100")], [(":status", "200")], b"ok")
    return answer(stream, [(":status", "200")], b"ok") if request.ended else None


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    with RawUpstream(by_http1) as one, RawHttp2Upstream(by_http2) as two:
        with two_fronts(tmp_path_factory.mktemp("doors"), one, two,
                        limits={"body_bytes": "64MiB"}) as gatehouse:
            gatehouse.one, gatehouse.two = one, two
            yield gatehouse


@pytest.mark.parametrize("client", ASKERS)
def test_a_body_over_the_limit_is_refused_by_its_head(doors, client):
    doors.one.forget()
    asker = ASKERS[client](doors.http)
    if client == "h1":
        heard = asker.ask("h1", "/", "POST", [("Content-Length", "67108865")])
        assert asker.connection is None
    else:
        heard = asker.heard(asker.client.request(
            "/", end=False, method="POST", authority="h1", more=[("content-length", "67108865")]))
    assert heard.status == 413
    asker.close()
    assert doors.one.everything() == b""


def upload_by_http1(port, server):
    """Sends until it cannot, or has sent more than all buffers hold; then hears."""
    with plain(port) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: %s\r\nContent-Length: 67108864\r\n\r\n"
                           % server.encode())
        try:
            for _ in range(16):
                connection.sendall(bytes(65536))
        except ConnectionError:
            pass
        return read_to_end(connection)


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_an_early_answer_reaches_http1_though_its_upload_goes_on(doors, server):
    heard = upload_by_http1(doors.http, server)
    assert heard.startswith(b"HTTP/1.1 413 ") and heard.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in heard and b"no!" in heard


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_an_early_answer_reaches_http2_though_its_upload_goes_on(doors, server):
    """RST_STREAM(NO_ERROR) comes only to who does not end its upload soon."""
    asker = ASKERS["h2"](doors.http)
    client = asker.client
    stream = client.request("/early", end=False, method="POST", authority=server)
    client.wait_for(lambda c: INITIAL_WINDOW_SIZE in c.peer_settings)
    sent = 0

    def window():
        return client.peer_settings[INITIAL_WINDOW_SIZE] + sum(
            update.number for update in client.updates if update.stream == stream)

    def send(pieces):
        nonlocal sent
        for _ in range(pieces):
            client.wait_for(lambda c: c.of(stream).reset is not None or window() - sent >= 16384)
            if client.of(stream).reset is not None:
                break
            client.data(stream, bytes(16384))
            sent += 16384

    send(3)
    client.wait_for(lambda c: c.of(stream).ended)
    assert (client.of(stream).status, client.of(stream).body) == (413, b"no!")
    send(3)
    client.ping()
    assert client.of(stream).reset is None
    send(16)
    client.wait_for(lambda c: c.of(stream).reset is not None)
    assert client.of(stream).reset == NO_ERROR
    after = asker.ask(server, "/next")
    assert (after.whole, after.body) == (True, b"ok")
    asker.close()


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_curl_takes_early_answers_to_its_uploads_for_no_failure(doors, server):
    def upload(_):
        return [curl(f"http://127.0.0.1:{doors.http}/early", "--http2-prior-knowledge",
                     "-H", f"Host: {server}", "-H", "Expect:", "--data-binary", "@-",
                     stdin=bytes(100_000)) for _ in range(4)]

    for heard in sum(at_once(4, upload), []):
        assert (heard.exit_status, heard.status, heard.body) == (0, 413, b"no!")


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_what_came_of_a_body_before_it_broke_off_reaches_http2(doors, server):
    asker = ASKERS["h2"](doors.http)
    for _ in range(20):
        heard = asker.client.get("/cut", authority=server)
        assert heard.status == 200 and heard.body == HALF
        assert not heard.ended and heard.reset != NO_ERROR
    asker.close()


@pytest.mark.parametrize("server", ["h1", "h2"])
@pytest.mark.parametrize("client", ASKERS)
def test_who_waits_for_100_and_is_refused_sends_no_body(doors, client, server):
    doors.one.forget()
    doors.two.forget()
    wait = [("Expect", "100-continue"), ("Content-Length", "5")]
    asker = ASKERS[client](doors.http)
    if client == "h1":
        heard = asker.ask(server, "/refuse", "POST", wait)
        assert asker.connection is None, "nobody knows whether the body follows"
    else:
        stream = asker.client.request("/refuse", end=False, method="POST", authority=server,
                                      more=[(name.lower(), value) for name, value in wait])
        heard = asker.heard(stream)
    assert (heard.status, heard.body, heard.interim) == (413, b"no!", [])
    asker.close()
    if server == "h1":
        assert b"\r\nExpect: 100-continue\r\n" in doors.one.everything()
    else:
        assert ("expect", "100-continue") in doors.two.requests[0].fields


@pytest.mark.parametrize("server", ["h1", "h2"])
@pytest.mark.parametrize("client", ASKERS)
def test_100_of_the_upstream_reaches_who_waits_for_it(doors, client, server):
    asker = ASKERS[client](doors.http)
    if client == "h1":
        with plain(doors.http) as connection:
            connection.sendall(b"POST /go HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\n"
                               b"Content-Length: 5\r\n\r\n" % server.encode())
            heard = read_until(connection, b"\r\n\r\n")
            if server == "h1":
                assert heard == CONTINUE
            connection.sendall(b"hello")
            if b"ok" not in heard:
                heard += read_until(connection, b"ok")
            assert heard.count(b"HTTP/1.1 200 ") == 1
        return
    stream = asker.client.request("/go", end=False, method="POST", authority=server, more=[
        ("expect", "100-continue"), ("content-length", "5")])
    if server == "h1":
        asker.client.wait_for(lambda c: c.of(stream).interim)
        asker.client.data(stream, b"hello", end=True)
    heard = asker.heard(stream)
    assert (heard.status, heard.body) == (200, b"ok")
    asker.close()


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_an_upstream_that_says_nothing_is_given_the_body_after_a_second(doors, server):
    asker = ASKERS["h2"](doors.http)
    stream = asker.client.request("/slow", end=False, method="POST", authority=server, more=[
        ("expect", "100-continue"), ("content-length", "5")])
    asker.client.wait_for(lambda c: c.of(stream).interim)
    asker.client.data(stream, b"hello", end=True)
    heard = asker.heard(stream)
    assert (heard.status, heard.body, heard.interim) == (200, b"ok", [100])
    asker.close()


@pytest.mark.parametrize("server", ["h1", "h2"])
@pytest.mark.parametrize("body", [b"", b"hello"])
def test_a_client_that_has_said_all_still_hears_the_answer(doors, server, body):
    with plain(doors.http) as connection:
        head = f"POST / HTTP/1.1\r\nHost: {server}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        heard = read_to_end(connection)
    assert heard.startswith(b"HTTP/1.1 200 ") and heard.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("server", ["h1", "h2"])
def test_what_is_left_of_a_body_that_nobody_wanted_is_no_request(doors, server):
    """The rest is read and dropped, and the connection goes on with the next request."""
    with plain(doors.http) as connection:
        connection.sendall(f"POST /keep HTTP/1.1\r\nHost: {server}\r\nContent-Length: 60\r\n\r\n"
                           .encode() + b"hel")
        assert b"no!" in read_until(connection, b"no!")
        connection.sendall(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".ljust(57, b"x") +
                           f"GET /next HTTP/1.1\r\nHost: {server}\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        heard = read_to_end(connection)
    end, status, _ = heard.partition(b"HTTP/1.1 200 ")  # the end of the first may come here
    assert status and heard.count(b"HTTP/1.1 ") == 1 and b"\r\n0\r\n\r\n".endswith(end)
    assert b"/smuggled" not in doors.one.everything()
