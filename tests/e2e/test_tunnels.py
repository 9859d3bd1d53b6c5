"""WebSocket through gatehouse, HTTP/1.1 on both sides: what passes, who is refused, how it ends."""

import json
import os
import random
import signal
import socket
import threading
from pathlib import Path

import pytest
from harness.client import (at_once, connect, fields_of, parse, plain, read_response,
                            read_to_end, read_until, reset_on_close)
from harness.fronts import NAME, plain_front, tls_front
from harness.http2 import CANCEL, Http2
from harness.http2_tunnel import Http2Tunnel
from harness.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                               WebSocketServer, close_payload, exchange, fragments,
                               handshake_text, open_websocket)


@pytest.fixture(params=["plain", "tls"])
def through(request, tmp_path):
    """Starts a gatehouse in front of `upstream`; gives it and a way to connect to it."""
    def start(upstream, **config):
        if request.param == "plain":
            gatehouse = plain_front(tmp_path, upstream.url, **config)
            return gatehouse, lambda: plain(gatehouse.http)
        gatehouse = tls_front(tmp_path, upstream.url, **config)
        return gatehouse, lambda: connect(gatehouse.https, NAME, gatehouse.trust)
    return start


def test_messages_of_all_sizes_come_back(through):
    with WebSocketServer() as upstream:
        gatehouse, connected = through(upstream)
        with gatehouse, connected() as connection:
            session = open_websocket(connection, NAME, ["Sec-WebSocket-Protocol: chat"])
            for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                payload = os.urandom(size)
                session.send(BINARY, payload)
                assert session.receive() == (BINARY, payload, True), size
            session.send(CLOSE, close_payload(1000))
            assert session.receive() == (CLOSE, close_payload(1000), True)
            assert connection.recv(1) == b"", "the upstream's end is ours"
        said = fields_of(upstream.heads[0])
        assert (said["upgrade"], said["connection"]) == ("websocket", "Upgrade")
        assert said["sec-websocket-protocol"] == "chat"


def test_fragments_keep_their_places_and_pings_pass_between_them(through):
    with WebSocketServer() as upstream:
        gatehouse, connected = through(upstream)
        with gatehouse, connected() as connection:
            session = open_websocket(connection, NAME)
            session.send(TEXT, b"first ", fin=False)
            session.send(PING, b"there?")
            session.send(CONTINUATION, b"and ", fin=False)
            session.send(CONTINUATION, b"last")
            assert [session.receive() for _ in range(4)] == [
                (TEXT, b"first ", False), (PONG, b"there?", True), (CONTINUATION, b"and ", False),
                (CONTINUATION, b"last", True)]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4711])
def test_close_codes_pass_in_both_directions(tmp_path, code):
    def close_first(session):
        session.send(CLOSE, close_payload(code, b"because"))
        answers.append(session.receive())

    answers = []
    with WebSocketServer(close_first) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            session = open_websocket(connection, NAME)
            assert session.receive() == (CLOSE, close_payload(code, b"because"), True)
            session.send(CLOSE, close_payload(code))
            assert connection.recv(1) == b""
    assert answers == [(CLOSE, close_payload(code), True)]


def test_a_client_that_has_said_all_still_hears_the_answer(tmp_path):
    def answer_the_end(session):
        with pytest.raises(EOFError):
            session.receive()
        session.send(TEXT, b"so you are done")

    with WebSocketServer(answer_the_end) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as connection:
            session = open_websocket(connection, NAME)
            connection.shutdown(socket.SHUT_WR)
            assert session.receive() == (TEXT, b"so you are done", True)
            assert connection.recv(1) == b""


def test_an_upstream_that_has_said_all_still_hears_the_client(tmp_path):
    def end_first(session):
        session.connection.shutdown(socket.SHUT_WR)
        heard.append(session.receive())
        told.set()

    heard, told = [], threading.Event()
    with WebSocketServer(end_first) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            session = open_websocket(connection, NAME)
            assert connection.recv(1) == b""
            session.send(TEXT, b"noted")
            assert told.wait(60)
    assert heard == [(TEXT, b"noted", True)]


def test_the_end_of_tls_is_the_end_of_that_direction_only(tmp_path):
    def end_when_told(session):
        with pytest.raises(EOFError):
            session.receive()

    with WebSocketServer(end_when_told) as upstream:
        with tls_front(tmp_path, upstream.url) as gatehouse:
            with connect(gatehouse.https, NAME, gatehouse.trust) as connection:
                open_websocket(connection, NAME)
                # Says close_notify, and waits for that of the other side.
                connection.unwrap().close()


# --- who gets no tunnel ---

def test_an_upstream_that_refuses_leaves_the_connection_to_http(through):
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    with WebSocketServer(answer=lambda _: refusal) as upstream:
        gatehouse, connected = through(upstream)
        with gatehouse, connected() as connection:
            for _ in range(3):
                connection.sendall(handshake_text(NAME)[1])
                status, _, body = read_response(connection)
                assert (status, body) == (403, b"no")


SWITCH = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: {accept}\r\n\r\n")
RIGHT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UNASKED = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
H2C = (f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
       "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n").encode()
REFUSED = {
    "a wrong accept": (handshake_text(NAME, key=KEY)[1], "websocket", RIGHT.lower()),
    "another protocol": (handshake_text(NAME, key=KEY)[1], "chat", RIGHT),
    "unasked": (UNASKED, "websocket", RIGHT),
    "h2c": (H2C, "h2c", RIGHT),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_101_that_was_not_asked_for_like_that_is_a_bad_gateway(tmp_path, what):
    request, upgrade, accept = REFUSED[what]
    answer = SWITCH.format(upgrade=upgrade, accept=accept).encode()
    with WebSocketServer(answer=lambda _: answer) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse, plain(gatehouse.http) as connection:
            connection.sendall(request)
            assert read_response(connection)[0] == 502
            connection.sendall(request)
            assert read_response(connection)[0] == 502, "HTTP goes on"
        if what in ("unasked", "h2c"):
            assert not {"upgrade", "connection", "http2-settings"} & set(
                fields_of(upstream.heads[0]))


def test_a_handshake_of_http_1_0_or_with_a_body_is_a_plain_request(tmp_path):
    answer = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
    with WebSocketServer(answer=lambda _: answer) as upstream:
        with plain_front(tmp_path, upstream.url) as gatehouse:
            text = handshake_text(NAME)[1]
            for request in (text.replace(b"HTTP/1.1", b"HTTP/1.0"),
                            text.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx"),
                            text.replace(b"GET ", b"POST ")):
                with plain(gatehouse.http) as connection:
                    connection.sendall(request)
                    assert read_response(connection)[0] == 426
        assert all("upgrade" not in fields_of(head) for head in upstream.heads)


def test_connect_and_trace_are_refused(tmp_path):
    with WebSocketServer() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        for line in (b"CONNECT a:443", b"TRACE /"):
            with plain(gatehouse.http) as connection:
                connection.sendall(line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                status, head, _ = parse(read_to_end(connection))
                assert status == 405 and "GET" in fields_of(head)["allow"]
        assert upstream.heads == []


def test_what_a_client_says_before_101_waits_for_it(through):
    """The frame comes with the handshake; the upstream must have it after its 101 alone."""
    with WebSocketServer() as upstream:
        gatehouse, connected = through(upstream)
        with gatehouse, connected() as connection:
            key, text = handshake_text(NAME)
            frame = bytes([0x80 | TEXT, 0x80 | 5]) + bytes(4) + b"early"
            connection.sendall(text + frame)
            heard = read_until(connection, b"early")
            assert heard.startswith(b"HTTP/1.1 101 ")
        assert upstream.early == [b""]


# --- how it ends ---

def test_a_tunnel_lives_on_after_sigterm_until_the_drain_time(through):
    with WebSocketServer() as upstream:
        gatehouse, connected = through(upstream, timeouts={"drain": "2s"})
        with gatehouse, connected() as connection:
            session = open_websocket(connection, NAME)
            gatehouse.signal(signal.SIGTERM)
            gatehouse.wait_for_line("stopping")
            session.send(TEXT, b"still there?")
            assert session.receive() == (TEXT, b"still there?", True)
            assert gatehouse.wait() == 0
            assert read_to_end(connection) == b""


def test_a_tunnel_that_ends_in_the_drain_time_lets_the_process_end(tmp_path):
    with WebSocketServer() as upstream:
        with plain_front(tmp_path, upstream.url, timeouts={"drain": "1h"}) as gatehouse:
            with plain(gatehouse.http) as connection:
                session = open_websocket(connection, NAME)
                gatehouse.signal(signal.SIGTERM)
                gatehouse.wait_for_line("stopping")
                session.send(CLOSE, close_payload(1000))
                assert session.receive()[0] == CLOSE
                assert connection.recv(1) == b""
                connection.close()
                assert gatehouse.wait() == 0


def test_a_silent_tunnel_ends_and_a_talking_one_does_not(tmp_path):
    """The limit counts both directions together: the upstream alone keeps a tunnel open."""
    def talk(session):
        if session.receive()[1] == b"talk":
            while not enough.wait(0.05):
                session.send(TEXT, b"x")
        session.receive()

    enough = threading.Event()
    with WebSocketServer(talk) as upstream:
        with plain_front(tmp_path, upstream.url, timeouts={"stream_idle": "2s"}) as gatehouse:
            with plain(gatehouse.http) as talking, plain(gatehouse.http) as silent:
                session = open_websocket(talking, NAME)
                session.send(TEXT, b"talk")
                open_websocket(silent, NAME).send(TEXT, b"be silent")
                assert read_to_end(silent) == b""
                assert session.receive() == (TEXT, b"x", True)
                enough.set()
                read_to_end(talking)


def established(port):
    """The kernel's lines on connections to our listener's port, by Linux' /proc/net/tcp."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [line for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "01"]


def test_the_kernel_watches_over_the_sockets_of_a_tunnel(tmp_path):
    with WebSocketServer() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as connection:
            session = open_websocket(connection, NAME)
            session.send(PING)
            session.receive()

            def watched():  # timer 02: keepalive
                return [line[5].split(":")[0] for line in established(gatehouse.http)] == ["02"]
            gatehouse.wait_until(watched, "the keepalive timer")


def test_the_access_log_tells_what_went_through(tmp_path):
    log = tmp_path / "access.log"
    settings = {"format": "json", "access": {"file": str(log)}}
    with WebSocketServer() as upstream, plain_front(tmp_path / "g", upstream.url,
                                                    log=settings) as gatehouse:
        with plain(gatehouse.http) as connection:
            session = open_websocket(connection, NAME)
            session.send(TEXT, bytes(1000))
            session.receive()
            session.send(CLOSE, close_payload(1000))
            session.receive()
            assert connection.recv(1) == b""
        gatehouse.wait_until(lambda: log.read_text(), "the line")
        line = json.loads(log.read_text())
        assert (line["status"], line["uri"]) == (101, "/chat")
        # Frames of 1000 and 2 bytes; the client's have a mask more.
        assert (line["body_bytes"], line["request_bytes"]) == (1008, 1016)
        assert "error" not in line


def test_many_tunnels_at_once_keep_their_bytes_apart(through):
    with WebSocketServer() as upstream:
        gatehouse, connected = through(upstream)

        def converse(number):
            chance = random.Random(number)
            with connected() as connection:
                session = open_websocket(connection, NAME)
                echoes = WebSocket(connection, masks=False)
                for _ in range(40):
                    sizes = [chance.choice((0, 1, 100, 5000, 70000))
                             for _ in range(chance.randint(1, 4))]
                    pieces = [chance.randbytes(size) for size in sizes]
                    # The echo comes while this is still being sent.
                    expected = fragments(echoes, BINARY, pieces)
                    heard = exchange(connection, fragments(session, BINARY, pieces), len(expected))
                    assert heard == expected
                session.send(CLOSE, close_payload(1000))
                assert session.receive()[0] == CLOSE
            return "well"

        with gatehouse:
            assert at_once(12, converse) == ["well"] * 12


def obedient(session):
    """Breaks off as it is told; gives everything else back."""
    while True:
        opcode, payload, fin = session.receive()
        if payload == b"reset":
            reset_on_close(session.connection)
            return
        if payload == b"end":
            session.connection.shutdown(socket.SHUT_WR)
        elif payload == b"close":
            return
        else:
            session.send(opcode, payload, fin)


def test_an_upstream_that_breaks_off_cancels_the_tunnel_of_http_2(tmp_path):
    with WebSocketServer(obedient) as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with Http2(plain(gatehouse.http)) as client:
            tunnel = Http2Tunnel(client, NAME)
            assert tunnel.head()[":status"] == "200"
            WebSocket(tunnel, masks=True).send(TEXT, b"reset")
            assert client.response(tunnel.stream).reset == CANCEL, "RFC 8441 5"


def test_tunnels_that_break_off_anywhere_leave_nothing_behind(through):
    with WebSocketServer(obedient) as upstream:
        gatehouse, connected = through(upstream)

        def break_off(chance):
            with connected() as connection:
                if chance.random() < 0.2:  # in the handshake, or right behind it
                    text = handshake_text(NAME)[1]
                    connection.sendall(text[:chance.randrange(len(text) * 2)])
                else:
                    session = open_websocket(connection, NAME)
                    for _ in range(chance.randrange(4)):
                        session.send(BINARY, chance.randbytes(chance.choice((1, 1000, 100000))))
                        if chance.random() < 0.5:
                            session.receive()
                    session.send(TEXT, chance.choice((b"reset", b"end", b"close", b"last")))
                    if chance.random() < 0.5:
                        read_until(connection, b"last")
                if chance.random() < 0.5:
                    reset_on_close(connection)

        def many(number):
            chance = random.Random(number)
            for _ in range(20):
                try:
                    break_off(chance)
                except (OSError, EOFError, AssertionError):
                    pass  # the other side broke off first

        def open_sockets():
            return sum(one.is_socket() for one in Path(f"/proc/{gatehouse.pid}/fd").iterdir())

        with gatehouse:
            with connected() as connection:
                open_websocket(connection, NAME)
                before = open_sockets()
                at_once(8, many)
                gatehouse.wait_until(lambda: open_sockets() <= before, "all tunnels to end")
            gatehouse.check_output()
