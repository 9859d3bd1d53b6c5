"""WebSockets of other people's making through gatehouse: the package ws on both sides; and clients
of HTTP/2 before servers of HTTP/1.1 (RFC 8441)."""

import base64
import random

import pytest
from harness.client import at_once, connect, fields_of, plain, reset_on_close, trust
from harness.fronts import NAME, plain_front
from harness.http2 import Http2
from harness.http2_tunnel import Http2Tunnel
from harness.node_peers import ALL_TLS, NO_TLS, NodePair, WsServer
from harness.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                               WebSocketServer, close_payload, fragments)


@pytest.fixture(scope="module", params=["plain", "TLS"])
def pair(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    tls = ALL_TLS if request.param == "TLS" else NO_TLS
    with NodePair(WsServer, "ws_client.js", folder, tls) as pair:
        yield pair


def test_messages_of_0_bytes_to_1_mib_come_back_whole_with_pings_between_fragments(pair):
    plain_, deflated = pair.run("soak")
    end = {"code": 1000, "reason": "done"}
    assert plain_ == {"good": 67, "pongs": 50, "deflated": "", **end}
    assert deflated == {"good": 37, "pongs": 27, "deflated": "permessage-deflate", **end}


def test_40_conversations_at_once_keep_their_messages_apart(pair):
    assert pair.run("many") == [{"well": 40}]


def test_close_codes_and_reasons_pass_both_ways(pair):
    *by_server, by_client, broken = pair.run("closes")
    assert by_server == [{"code": code, "reason": "because"} for code in (1000, 1011, 4711)]
    assert by_client == {"code": 4000, "reason": "mine"}
    pair.server.wait_for_line("^closed 4000 mine$")
    assert broken["code"] == 1006
    pair.server.wait_for_line("^closed 1006 $")


def test_words_protocols_and_the_servers_pings_pass(pair):
    assert pair.run("words") == [{"protocol": "second"}, "grüße", "abcd", "are-you-there",
                                 {"code": 1005, "reason": ""}]
    pair.server.wait_for_line("^pong are-you-there$")


def test_a_refusal_is_an_answer(pair):
    assert pair.run("refused") == [{"status": 403}]


# --- extended CONNECT to HTTP/1.1 (RFC 8441) ---

def http2(front):
    """A client of a front, over TLS where it has TLS."""
    if hasattr(front, "trust"):
        context = trust(front.folder / "front.pem", alpn=["h2"])
        return Http2(connect(front.https, NAME, context))
    return Http2(plain(front.http))


def opened(client, **how):
    tunnel = Http2Tunnel(client, NAME, **how)
    assert tunnel.head()[":status"] == "200"
    return tunnel


def test_key_and_accept_are_made_for_clients_of_http_2(tmp_path):
    with WebSocketServer() as upstream, plain_front(tmp_path, upstream.url) as front:
        for _ in range(2):
            with http2(front) as client:
                tunnel = opened(client, fields=[("sec-websocket-protocol", "one"),
                                                ("origin", "https://a.example")])
                assert "sec-websocket-accept" not in tunnel.head()
                assert "upgrade" not in tunnel.head() and "connection" not in tunnel.head()
    for head in upstream.heads:
        assert head.startswith("GET /chat HTTP/1.1\r\n")
    first, second = (fields_of(head) for head in upstream.heads)
    assert first["host"] == NAME and first["sec-websocket-version"] == "13"
    assert first["upgrade"] == "websocket" and first["connection"].lower() == "upgrade"
    assert first["sec-websocket-protocol"] == "one" and first["origin"] == "https://a.example"
    assert len(base64.b64decode(first["sec-websocket-key"])) == 16
    assert first["sec-websocket-key"] != second["sec-websocket-key"]


def test_streams_carry_fragments_pings_and_closes_to_ws(pair):
    def converse(seed):
        chance = random.Random(seed)
        with http2(pair.front) as client:
            tunnel = opened(client, path="/")
            session = WebSocket(tunnel, masks=True)
            for size in [0, 1, 125, 126, 65535, 65536, 300000,
                         *(int(2 ** chance.uniform(0, 18)) for _ in range(12))]:
                message = chance.randbytes(size)
                cuts = sorted(chance.randint(0, size) for _ in range(chance.randint(0, 4)))
                pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, size])]
                tunnel.sendall(fragments(session, BINARY, pieces))
                assert session.receive() == (BINARY, message, True)
                session.send(PING, b"there?")
                assert session.receive() == (PONG, b"there?", True)
            session.send(TEXT, b"fragments a bc d")
            assert [session.receive() for _ in range(3)] == [
                (TEXT, b"a", False), (CONTINUATION, b"bc", False), (CONTINUATION, b"d", True)]
            session.send(TEXT, b"close 4711 because")
            assert session.receive() == (CLOSE, close_payload(4711, b"because"), True)
            session.send(CLOSE, close_payload(4711, b"because"))
            tunnel.end()
            assert tunnel.recv(1) == b"" and tunnel.response.ended
        return "well"

    assert at_once(4, converse) == ["well"] * 4


def test_streams_of_one_connection_are_tunnels_of_their_own(pair):
    with http2(pair.front) as client:
        tunnels = [opened(client, path="/") for _ in range(10)]
        sessions = [WebSocket(tunnel, masks=True) for tunnel in tunnels]
        for number, session in enumerate(sessions):
            session.send(BINARY, b"%d" % number)
        for number, session in reversed(list(enumerate(sessions))):
            assert session.receive() == (BINARY, b"%d" % number, True)
        client.reset(tunnels[0].stream)
        pair.server.wait_for_line("^closed 1006 ")
        sessions[1].send(BINARY, b"goes on")
        assert sessions[1].receive() == (BINARY, b"goes on", True)


def all_of(session):
    """What comes until the other side has ended."""
    heard = []
    try:
        while True:
            heard.append(session.receive()[1])
    except EOFError:
        return heard


def test_a_stream_that_has_said_all_still_hears_the_answer(tmp_path):
    def answer_at_the_end(session):
        session.send(BINARY, b"".join(all_of(session)) + b", all heard")

    with WebSocketServer(answer_at_the_end) as upstream:
        with plain_front(tmp_path, upstream.url) as front, http2(front) as client:
            tunnel = opened(client)
            session = WebSocket(tunnel, masks=True)
            session.send(BINARY, b"that was all")
            tunnel.end()
            assert all_of(session) == [b"that was all, all heard"]
            assert tunnel.response.ended and tunnel.response.reset is None


def test_an_upstream_that_has_said_all_still_hears_the_stream(tmp_path):
    heard = []

    def end_first(session):
        session.send(BINARY, b"that was all")
        session.connection.shutdown(1)
        heard.extend(all_of(session))

    with WebSocketServer(end_first) as upstream, plain_front(tmp_path, upstream.url) as front:
        with http2(front) as client:
            tunnel = opened(client)
            session = WebSocket(tunnel, masks=True)
            assert all_of(session) == [b"that was all"] and tunnel.response.ended
            session.send(BINARY, b"heard")
            tunnel.end()
            client.ping()
            front.stop()
    assert heard == [b"heard"]


def test_an_upstream_that_breaks_off_resets_the_stream_alone(tmp_path):
    def break_off(session):
        session.receive()
        reset_on_close(session.connection)

    with WebSocketServer(break_off) as upstream, plain_front(tmp_path, upstream.url) as front:
        with http2(front) as client:
            tunnels = [opened(client) for _ in range(2)]
            WebSocket(tunnels[0], masks=True).send(BINARY, b"now")
            assert tunnels[0].recv(1) == b"" and tunnels[0].response.reset is not None
            client.ping()
            assert tunnels[1].response.reset is None and not tunnels[1].response.ended


ANSWERS = {
    "refused": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
    "wrong accept": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 502),
    "no accept": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\n", 502),
    "other protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n"
                       b"Connection: Upgrade\r\n\r\n", 502),
    "200": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 502),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_only_a_right_101_opens_a_tunnel_for_http_2(tmp_path, what):
    answer, status = ANSWERS[what]
    with WebSocketServer(answer=lambda _: answer) as upstream:
        with plain_front(tmp_path, upstream.url) as front, http2(front) as client:
            tunnel = Http2Tunnel(client, NAME)
            assert tunnel.head()[":status"] == str(status)
            client.response(tunnel.stream)
            assert status == 502 or tunnel.response.body == b"no"
            assert Http2Tunnel(client, NAME).head()[":status"] == str(status)
