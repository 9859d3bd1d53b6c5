"""Upstreams that speak HTTP/2, to clients of both versions: messages, how they break, who shares
what."""

import contextlib
import json

import pytest
from harness.certificates import self_signed
from harness.client import at_once, get, plain, read_response, read_until
from harness.fronts import plain_front
from harness.http2 import (CANCEL, ENHANCE_YOUR_CALM, INITIAL_WINDOW_SIZE, INTERNAL_ERROR,
                           PROTOCOL_ERROR, REFUSED_STREAM, Http2)
from harness.http2_peers import Http2Upstream, Nghttpd, curl, nghttp, talk
from harness.websocket import handshake_text

CLIENTS = {"h1": "--http1.1", "h2": "--http2-prior-knowledge"}


WAYS = ["h1->h2c", "h2->h2c", "h1->https", "h2->https"]


@contextlib.contextmanager
def set_up(way, folder):
    """(upstream, ask): a function that sends one request through gatehouse."""
    client, server = way.split("->")
    with Http2Upstream(tls=folder / "tls" if server == "https" else None) as upstream:
        with plain_front(folder / "g", site={"proxy": upstream.group}, workers=1) as gatehouse:
            def ask(path, *arguments, **more):
                url = f"http://127.0.0.1:{gatehouse.http}{path}"
                return curl(url, CLIENTS[client], *arguments, **more)

            ask.version = client
            ask.gatehouse = gatehouse
            yield upstream, ask


@pytest.fixture(scope="module", params=WAYS)
def pair(request, tmp_path_factory):
    with set_up(request.param, tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture(params=WAYS)
def own_pair(request, tmp_path):
    """For tests that count what comes to the upstream."""
    with set_up(request.param, tmp_path) as made:
        yield made


def test_a_request_arrives_as_http_2_with_its_fields(pair):
    upstream, ask = pair
    answer = ask("/head?a=%2Fb", "-H", "Cookie: a=1; b=2", "-H", "X-Mixed-Case: Yes")
    assert (answer.exit_status, answer.status) == (0, 200)
    head = json.loads(answer.body)
    assert head[":path"] == "/head?a=%2Fb" and head[":method"] == "GET"
    assert head[":scheme"] == ("https" if upstream.ca_file else "http")
    assert head[":authority"].startswith("127.0.0.1:")
    assert head["cookie"] == "a=1; b=2" and head["x-mixed-case"] == "Yes"
    assert head["x-forwarded-for"] == "127.0.0.1"
    for hop in ("host", "connection", "te", "transfer-encoding", "upgrade"):
        assert hop not in head


def test_bodies_with_and_without_length_come_back(pair):
    _, ask = pair
    body = bytes(range(256)) * 4096
    for fields in ((), ("-H", "Transfer-Encoding: chunked")):
        if ask.version == "h2" and fields:
            fields = ("-T", "-", "-X", "POST")
            answer = ask("/echo", *fields, stdin=body)
        else:
            answer = ask("/echo", *fields, "--data-binary", "@-", stdin=body)
        assert (answer.exit_status, answer.status) == (0, 200)
        assert answer.body == body
    waiting = ask("/echo", "-H", "Expect: 100-continue", "--data-binary", "@-", stdin=body)
    assert (waiting.exit_status, waiting.body) == (0, body)
    sized = ask("/sized")
    assert sized.body == b"sized" and "content-length: 5" in sized.head.lower()


def test_messages_without_a_body_end_with_their_head(pair):
    _, ask = pair
    for path, status, more in (("/none", 204, ()), ("/not-modified", 304, ()),
                               ("/sized", 200, ("--head",))):
        answer = ask(path, *more)
        assert (answer.exit_status, answer.status) == (0, status)
        assert answer.body == b"" or "--head" in more


def test_interim_answers_and_trailers_pass(pair):
    _, ask = pair
    hints = ask("/hints")
    assert hints.body == b"after hints" and " 103" in hints.head and "/a.css" in hints.head
    answer = ask("/trailers", "-H", "TE: trailers", "--data-binary", "x")
    assert (answer.exit_status, answer.body) == (0, b"hello world")
    assert "x-sum: 11" in answer.head.lower()


def test_a_message_that_is_cut_never_ends_well(pair):
    upstream, ask = pair
    for path in ("/cut", "/die", "/short"):
        answer = ask(path)
        assert answer.exit_status != 0, path
    assert ask("/sized").body == b"sized", "others are not harmed"


def test_clients_that_read_nothing_hold_up_nobody_on_the_shared_connection(tmp_path):
    """Thirty downloads lie in front of shut windows, more than one connection's once was."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files/large").write_bytes(bytes(1 << 20))
    (tmp_path / "files/small").write_bytes(b"small\n")
    with Nghttpd(tmp_path / "files") as upstream:
        with plain_front(tmp_path / "g", upstream.url, workers=1) as gatehouse:
            with Http2(plain(gatehouse.http), {INITIAL_WINDOW_SIZE: 0}) as stuck:
                for _ in range(30):
                    stuck.request("/large")
                stuck.wait_for(lambda c: all(c.of(one).head for one in range(1, 60, 2)))
                answer = curl(f"http://127.0.0.1:{gatehouse.http}/small", "--http1.1",
                              "--max-time", "20")
                assert (answer.exit_status, answer.body) == (0, b"small\n")


def test_an_early_answer_reaches_the_client_though_the_upload_runs(pair):
    _, ask = pair
    answer = ask("/early", "--data-binary", "@-", "-H", "Expect:", stdin=b"x" * (32 << 20))
    assert answer.status == 413 and b"too large" in answer.body


def test_refused_and_sent_away_requests_are_sent_again_with_their_bodies(own_pair):
    upstream, ask = own_pair
    assert ask("/sized").status == 200  # or there is no stream below the one that is sent away
    for path in ("/refuse", "/goaway", "/refuse-late"):
        answer = ask(path, "--data-binary", "the body")
        assert (answer.exit_status, answer.status) == (0, 200), path
        assert answer.body == b"again 2 the body", path
    assert upstream.sessions() == 2, "GOAWAY alone costs a connection"


def test_after_goaway_requests_go_on_another_connection(own_pair):
    upstream, ask = own_pair
    assert ask("/leave").body == b"last\n"
    for _ in range(3):
        assert ask("/sized").body == b"sized"
    assert not ask.gatehouse.matching("an upstream failed")
    assert upstream.sessions() == 2


def test_grpc_status_comes_in_trailers_or_in_the_head_alone(pair):
    _, ask = pair
    if ask.version == "h1":
        return
    answer = ask("/grpc", "-H", "TE: trailers", "-H", "Content-Type: application/grpc",
                 "--data-binary", "message")
    assert (answer.exit_status, answer.body) == (0, b"message")
    assert "grpc-status: 0" in answer.head
    only = nghttp(f"http://127.0.0.1:{ask.gatehouse.http}/grpc-only", "-H", "te: trailers")
    assert ":status: 200" in only and "grpc-status: 5" in only and "grpc-message: nobody" in only


@pytest.mark.parametrize("scheme", ["h2c", "https"])
def test_a_grpc_conversation_goes_on_in_turns(tmp_path, scheme):
    tls = tmp_path / "tls" if scheme == "https" else None
    with Http2Upstream(tls=tls) as upstream:
        with plain_front(tmp_path / "g", site={"proxy": upstream.group}) as gatehouse:
            head, trailers, end = talk(f"http://127.0.0.1:{gatehouse.http}", "/grpc")
            assert json.loads(head)["content-type"] == "application/grpc"
            assert json.loads(trailers)["grpc-status"] == "0"
            assert end == "20 turns"


def test_a_client_that_leaves_ends_its_stream_and_nobody_elses(tmp_path):
    with Http2Upstream() as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            with plain(gatehouse.http) as other:
                other.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                read_until(other, b"xxxx")
                with plain(gatehouse.http) as leaving:
                    leaving.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                    read_until(leaving, b"xxxx")
                upstream.wait_for_line("^closed 8$")
                other.sendall(b"")
                body = 0
                while body < 64 << 20:
                    piece = other.recv(1 << 20)
                    assert piece
                    body += len(piece)
            assert upstream.sessions() == 1


def test_an_upload_that_its_client_gives_up_is_reset_and_never_ended(own_pair):
    upstream, ask = own_pair
    if ask.version == "h2":  # a time limit of the client: RST_STREAM, or the connection's end
        assert ask("/silent", "-m", "1", "-T", "/dev/zero", "-X", "POST").exit_status == 28
    else:
        with plain(ask.gatehouse.http) as client:
            client.sendall(b"POST /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            upstream.wait_for_line("^silent ")
    upstream.wait_for_line("^closed 8$")


def test_many_requests_share_one_connection_and_one_connect(tmp_path):
    with Http2Upstream() as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            answers = at_once(60, lambda _: get(gatehouse.http, "a", "/head"))
            assert [answer[0] for answer in answers] == [200] * 60
            assert upstream.sessions() == 1


def test_a_server_that_allows_few_streams_gets_more_connections_and_nobody_fails(tmp_path):
    with Http2Upstream(streams=2) as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            answers = at_once(80, lambda _: get(gatehouse.http, "a", "/head"))
            assert [answer[0] for answer in answers] == [200] * 80
            assert upstream.sessions() <= 16
            assert not gatehouse.matching("an upstream failed")


def test_an_upstream_that_comes_back_is_used_again(tmp_path):
    with Http2Upstream() as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            assert get(gatehouse.http, "a", "/sized")[0] == 200
            upstream.kill()
            assert get(gatehouse.http, "a", "/sized")[0] == 502
            with Http2Upstream(port=upstream.port):
                assert get(gatehouse.http, "a", "/sized")[0] == 200


def test_an_upstream_that_dies_in_mid_answer_resets_all_its_clients(tmp_path):
    with Http2Upstream() as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            waiting = [plain(gatehouse.http) for _ in range(4)]
            for one in waiting:
                one.sendall(b"POST /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            upstream.wait_for_line("^silent ", count=4)
            upstream.kill()
            for one in waiting:
                with one:
                    assert read_until(one, b"\r\n\r\n").startswith(b"HTTP/1.1 502 ")


# What an upstream says by RST_STREAM in the middle of an answer, and what its client hears: what is
# between the upstream and us alone (RFC 9113 7) is no word of ours.
RESETS = {CANCEL: CANCEL, ENHANCE_YOUR_CALM: ENHANCE_YOUR_CALM, PROTOCOL_ERROR: INTERNAL_ERROR,
          REFUSED_STREAM: INTERNAL_ERROR}


def test_why_an_upstream_resets_a_stream_reaches_clients_of_http_2(tmp_path):
    with Http2Upstream() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with Http2(plain(gatehouse.http)) as client:
            for said, heard in RESETS.items():
                response = client.get(f"/reset?{said}")
                assert (response.status, response.body) == (200, b"half")
                assert (response.ended, response.reset) == (False, heard)


def test_an_idle_connection_ends_when_its_time_is_over(tmp_path):
    with Nghttpd(tmp_path) as upstream:
        (tmp_path / "a.txt").write_text("hello")
        group = {"servers": [upstream.url], "keepalive": {"idle": "1s"}}
        with plain_front(tmp_path / "g", site={"proxy": group}, workers=1) as gatehouse:
            assert get(gatehouse.http, "a", "/a.txt")[2] == b"hello"
            upstream.wait_for_line("recv GOAWAY frame")
            assert get(gatehouse.http, "a", "/a.txt")[2] == b"hello"


def test_nghttpd_serves_through_gatehouse_in_tls_and_without(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    pair = self_signed(tmp_path, "upstream", ["127.0.0.1"])
    with Nghttpd(tmp_path) as clear, Nghttpd(tmp_path, pair) as encrypted:
        for upstream in (clear, encrypted):
            group = {"servers": [upstream.url]}
            if upstream is encrypted:
                group["tls"] = {"ca_file": str(pair[0])}
            with plain_front(tmp_path / "g", site={"proxy": group}) as gatehouse:
                answer = curl(f"http://127.0.0.1:{gatehouse.http}/a.txt",
                              "--http2-prior-knowledge")
                assert (answer.status, answer.version, answer.body) == (200, "2", b"hello")


def test_sigterm_lets_streams_end_and_then_says_goodbye(tmp_path):
    with Nghttpd(tmp_path) as upstream:
        (tmp_path / "a.txt").write_text("hello")
        with plain_front(tmp_path / "g", upstream.url) as gatehouse:
            assert get(gatehouse.http, "a", "/a.txt")[0] == 200
            gatehouse.stop()
            upstream.wait_for_line("recv GOAWAY frame")


# --- WebSockets ---


@pytest.mark.parametrize("scheme", ["h2c", "https"])
def test_a_websocket_goes_by_extended_connect_or_by_http_1_1(tmp_path, scheme):
    tls = tmp_path / "tls" if scheme == "https" else None
    with Http2Upstream(tls=tls) as upstream:
        with plain_front(tmp_path / "g", site={"proxy": upstream.group}) as gatehouse:
            with plain(gatehouse.http) as client:
                _, text = handshake_text("a")
                client.sendall(text)
                head = read_until(client, b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 101 ") and b"Sec-WebSocket-Accept: " in head
                client.sendall(b"raw bytes")
                assert read_until(client, b"raw bytes") == b"raw bytes"
        if scheme == "h2c":
            asked = json.loads(upstream.matching("^tunnel ")[0].split(" ", 1)[1])
            assert asked[":protocol"] == "websocket" and "sec-websocket-key" not in asked


@pytest.mark.parametrize("scheme", ["h2c", "https"])
def test_a_websocket_of_http_2_reaches_both_kinds_of_server(tmp_path, scheme):
    tls = tmp_path / "tls" if scheme == "https" else None
    with Http2Upstream(tls=tls) as upstream:
        with plain_front(tmp_path / "g", site={"proxy": upstream.group}) as gatehouse:
            head, end = talk(f"http://127.0.0.1:{gatehouse.http}", "/chat", "websocket")
            assert json.loads(head)[":status"] == 200
            assert "sec-websocket-accept" not in json.loads(head)
            assert end == "20 turns"


def test_a_websocket_that_is_refused_is_an_answer(tmp_path):
    with Http2Upstream() as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(handshake_text("a", path="/refused")[1])
            assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 403 ")


def test_a_websocket_to_a_server_without_extended_connect_is_a_502(tmp_path):
    with Http2Upstream(no_connect=1) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as client:
            client.sendall(handshake_text("a")[1])
            assert read_response(client)[0] == 502
            gatehouse.wait_for_line("RFC 8441")
