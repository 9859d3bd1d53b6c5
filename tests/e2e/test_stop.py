"""SIGTERM: nothing new comes in, what is in flight may finish, and the end is bounded."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading

import pytest
from harness.client import (fields_of, parse, plain, read_response, read_to_end,
                            start_handshake)
from harness.fronts import plain_front
from harness.gatehouse import BINARY
from harness.ports import free_port
from harness.process import PATIENCE
from harness.servers import AskServer, HttpPeer, QuietHandler, RawUpstream, SilentServer
from harness.stage import AcmeStage, site

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class _Slow(QuietHandler):
    """Answers when the test says so."""

    def do_GET(self):
        self.server.peer.asked.set()
        self.server.peer.release.wait(60)
        self.answer(b"at last\n")


class SlowServer(HttpPeer):
    def __init__(self):
        self.asked, self.release = threading.Event(), threading.Event()
        super().__init__(_Slow)


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it stood in the queue when the listener closed
        return False


def test_a_request_in_flight_is_finished_and_nothing_new_comes_in(tmp_path):
    with SlowServer() as upstream, plain_front(tmp_path, upstream.url) as gatehouse:
        with plain(gatehouse.http) as busy, plain(gatehouse.http) as idle:
            busy.sendall(REQUEST)
            assert upstream.asked.wait(60)
            gatehouse.signal(signal.SIGTERM)
            gatehouse.wait_for_line("stopping")
            assert read_to_end(idle) == b""
            gatehouse.wait_until(lambda: is_refused(gatehouse.http), "the listener to close")
            assert gatehouse.is_running()
            upstream.release.set()
            status, head, body = parse(read_to_end(busy))
            assert (status, body) == (200, b"at last\n")
            assert fields_of(head)["connection"] == "close"
        assert gatehouse.wait() == 0


def test_an_idle_keep_alive_connection_does_not_delay_the_end(tmp_path):
    upstream = RawUpstream(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with upstream, plain_front(tmp_path, upstream.url, timeouts={"drain": "1h"}) as gatehouse:
        with plain(gatehouse.http) as connection:
            connection.sendall(REQUEST)
            assert read_response(connection)[0] == 200
            assert gatehouse.stop() == 0
            assert read_to_end(connection) == b""


@pytest.mark.parametrize("beginning", [
    REQUEST, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx", REQUEST[:10]])
def test_what_does_not_end_is_cut_after_the_drain_time(tmp_path, beginning):
    with SilentServer() as upstream:
        with plain_front(tmp_path, f"http://127.0.0.1:{upstream.port}",
                         timeouts={"drain": "300ms"}) as gatehouse:
            with plain(gatehouse.http) as connection:
                connection.sendall(beginning)
                if beginning.count(b"\r\n\r\n"):
                    upstream.accept()
                assert gatehouse.stop() == 0
                read_to_end(connection)


def test_a_handshake_that_waits_for_its_certificate_does_not_hold_up_the_end(tmp_path):
    with AskServer({"a.example": 200}, slow=["a.example"]) as ask, AcmeStage(tmp_path) as stage:
        config = {"timeouts": {"drain": "300ms"}}
        any_name = site("*", tls={"on_demand": True})
        with stage.gatehouse(any_name, tls={"on_demand": {"ask": ask.url}},
                             config=config) as gatehouse:
            with start_handshake(gatehouse.https, "a.example", stage.trust) as waiting:
                ask.wait_for("a.example")
                assert gatehouse.stop() == 0
                read_to_end(waiting)


def test_sigint_ends_it_as_well(tmp_path):
    with plain_front(tmp_path, site={"respond": {}}) as gatehouse:
        gatehouse.signal(signal.SIGINT)
        assert gatehouse.wait() == 0


def test_a_second_signal_ends_it_at_once(tmp_path):
    with SilentServer() as upstream:
        gatehouse = plain_front(tmp_path, f"http://127.0.0.1:{upstream.port}",
                                timeouts={"drain": "1h"})
        with plain(gatehouse.http) as connection:
            connection.sendall(REQUEST)
            upstream.accept()
            gatehouse.signal(signal.SIGTERM)
            gatehouse.wait_for_line("stopping")
            gatehouse.signal(signal.SIGTERM)
            assert gatehouse.wait() == 1


def full_pipe(path):
    """A pipe that takes nothing more, and that nobody reads; held by the descriptor returned."""
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(held, fcntl.F_SETPIPE_SZ, 4096)
    os.write(held, bytes(4096))
    return held


@pytest.mark.parametrize("signals", [1, 2])
def test_logs_that_nobody_takes_slow_no_request_and_do_not_hold_up_the_end(tmp_path, signals):
    port = free_port()
    config = tmp_path / "gatehouse.json"
    held = [full_pipe(tmp_path / name) for name in ("access", "errors")]
    config.write_text(json.dumps({
        "listen": {"https": [], "http": [f"127.0.0.1:{port}"]},
        "storage": {"file": {"path": str(tmp_path / "data")}},
        "log": {"level": "debug", "access": {"file": str(tmp_path / "access")}},
        "sites": [{"hosts": ["*"], "tls": False, "respond": {"body": "here"}}]}))
    with open(tmp_path / "errors", "w") as errors:
        child = subprocess.Popen([BINARY, "run", "--config", config], stdout=subprocess.PIPE,
                                 stderr=errors, start_new_session=True)
    try:
        assert child.stdout.readline().startswith(b"listening on ")
        for _ in range(50):
            with plain(port) as client:
                client.sendall(REQUEST)
                assert read_response(client)[0] == 200
        for _ in range(signals):
            child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) in ([0] if signals == 1 else [0, 1])
    finally:
        child.kill()
        child.stdout.close()
        for one in held:
            os.close(one)
