"""Floods over HTTP/2: each ends its own connection, by GOAWAY with ENHANCE_YOUR_CALM where the
client might only be mistaken, while a good client beside it goes on and memory stays bounded."""

import threading

import pytest
from harness.client import plain, read_to_end
from harness.fronts import plain_front
from harness.gatehouse import counted
from harness.http2 import *
from harness.servers import EchoServer, HttpPeer, QuietHandler, SilentServer

MIB = 1 << 20
MANY = 20_000


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    with EchoServer() as upstream:
        with plain_front(tmp_path_factory.mktemp("door"), upstream.url, workers=1) as gatehouse:
            yield gatehouse


def streams():
    return range(1, 2 * MANY, 2)


def post(client, stream):
    block = client.encoder.encode(request_fields(method="POST"))
    return frame(HEADERS, END_HEADERS, stream, block)


def resets(client):
    for stream in streams():
        yield post(client, stream) + rst_stream(stream)


def resets_with_nothing_to_say(client):
    """NO_ERROR: a stream that its client cut has not ended well."""
    for stream in streams():
        yield post(client, stream) + rst_stream(stream, NO_ERROR)


def window_overflows(client):
    """The client makes us reset its streams (CVE-2025-8671)."""
    for stream in streams():
        yield post(client, stream) + window_update(stream, LARGEST_WINDOW) * 2


def bad_fields(client):
    block = client.encoder.encode(request_fields(more=[("connection", "close")]))
    for stream in streams():
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


def too_many_streams(client):
    """More than the limit allows at once, none of which ends."""
    for stream in streams():
        yield post(client, stream)


def pings(_):
    for _ in streams():
        yield frame(PING, 0, 0, b"01234567")


def empty_settings(_):
    for _ in streams():
        yield frame(SETTINGS)


def priorities(_):
    for _ in streams():
        yield frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")


def priority_updates(_):
    for _ in streams():
        yield frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\1u=1")


def unknown_frames(_):
    for _ in streams():
        yield frame(0x42, 0, 0, b"x")


def empty_data(client):
    yield post(client, 1)
    for _ in streams():
        yield frame(DATA, 0, 1)


def padding_only(client):
    yield post(client, 1)
    for _ in streams():
        yield frame(DATA, PADDED, 1, b"\xff" + bytes(255))


def empty_data_for_what_is_over(client):
    yield post(client, 1) + rst_stream(1)
    for _ in streams():
        yield frame(DATA, 0, 1)


def trailers_for_what_is_over(client):
    yield post(client, 1) + rst_stream(1)
    block = client.encoder.encode([("x", "y")])
    for _ in streams():
        yield frame(HEADERS, END_HEADERS | END_STREAM, 1, block)


def goodbyes(client):
    yield post(client, 1)
    for _ in streams():
        yield frame(GOAWAY, 0, 0, bytes(8))


def window_updates(_):
    for _ in streams():
        yield window_update(0, 1)


def continuations(client):
    yield frame(HEADERS, END_STREAM, 1, client.encoder.encode(request_fields()))
    for _ in streams():
        yield frame(CONTINUATION, 0, 1)


def hpack_bombs(client):
    """A field of 4 KiB once, and then four thousand times by one byte each."""
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1,
                client.encoder.encode(request_fields(more=[("x", "y" * 4000)])))
    for stream in range(3, 2000, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream,
                    client.encoder.encode(request_fields()) + b"\xbe" * 16000)


FLOODS = [resets, resets_with_nothing_to_say, window_overflows, bad_fields, too_many_streams,
          pings, empty_settings, priorities, priority_updates, unknown_frames, empty_data,
          padding_only, empty_data_for_what_is_over, trailers_for_what_is_over, goodbyes,
          window_updates, continuations, hpack_bombs]


@pytest.mark.parametrize("flood", FLOODS, ids=lambda one: one.__name__)
def test_a_flood_ends_its_connection_and_harms_nobody(door, flood):
    before = door.memory()
    with Http2(plain(door.http)) as good, Http2(plain(door.http)) as bad:
        code = []
        hearing = threading.Thread(target=lambda: code.append(bad.to_the_end()), daemon=True)
        hearing.start()
        sent, finished = 0, False
        try:
            for piece in flood(bad):
                bad.send(piece)
                sent += 1
                if sent % 500 == 0:
                    assert good.get().status == 200
            finished = True
        except Ended:
            pass
        hearing.join(60)
        assert not hearing.is_alive(), f"{sent} were taken, and the connection goes on"
        assert code[0] in (ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR, None), code
        if not finished:
            assert sent < MANY
        assert good.get().status == 200
    assert door.memory() - before < 32 * MIB


@pytest.mark.parametrize("fields, status", [
    ([("x", "y" * 40_000)], 431), ([("x", "y")] * 200, 431), ([("cookie", "a=b")] * 200, 431)])
def test_a_head_over_the_limits_is_refused_and_the_connection_goes_on(door, fields, status):
    with Http2(plain(door.http)) as client:
        block = client.encoder.encode(request_fields(more=fields))
        pieces = [block[at:at + 16000] for at in range(0, len(block), 16000)]
        for number, piece in enumerate(pieces):
            flags = END_HEADERS if number == len(pieces) - 1 else 0
            if number == 0:
                client.send(frame(HEADERS, flags | END_STREAM, 1, piece))
            else:
                client.send(frame(CONTINUATION, flags, 1, piece))
        assert client.response(1).status == status
        client._next = 3
        assert client.get().status == 200


def test_a_target_that_is_too_long_is_refused(door):
    with Http2(plain(door.http)) as client:
        assert client.get("/" + "x" * 9000).status == 414


def test_requests_that_were_reset_leave_the_upstream_and_count_while_they_are_there(tmp_path):
    """What counts is work: however many streams come and go, the upstream sees no more at once
    than the limit, and each that was reset is taken back from it."""
    with SilentServer() as upstream:
        site = f"http://127.0.0.1:{upstream.port}"
        with plain_front(tmp_path, site, workers=1, limits={"streams": 5}) as gatehouse:
            with Http2(plain(gatehouse.http)) as client:
                held = [client.request() for _ in range(5)]
                for _ in held:
                    upstream.accept()
                refused = client.get()
                assert refused.reset == REFUSED_STREAM
                for stream in held:
                    client.reset(stream)
                for connection in upstream._accepted:
                    assert b"GET / " in read_to_end(connection)  # whose end is the point
                while True:  # until the last of the five has ended on our side, too
                    again = client.request()
                    client.ping()
                    client.ping()  # the first answer overtakes a reset
                    if client.of(again).reset is None:
                        break
                upstream.accept()
                client.reset(again)


@pytest.mark.parametrize("code", [CANCEL, NO_ERROR], ids=["cancel", "no_error"])
def test_rapid_resets_end_their_connection_long_before_the_library_would(tmp_path, code):
    """nghttp2 lets a thousand pass."""
    with SilentServer() as upstream:
        site = f"http://127.0.0.1:{upstream.port}"
        with plain_front(tmp_path, site, workers=1, limits={"ping_frames": 0}) as gatehouse:
            with Http2(plain(gatehouse.http)) as client:
                with pytest.raises(Ended):
                    for _ in range(300):
                        stream = client.request()
                        client.ping()  # by now the request is under way
                        client.reset(stream, code)
            assert counted(gatehouse)["resets"] == 1


class LargeHandler(QuietHandler):
    def do_GET(self):
        self.answer(bytes(32 * MIB if self.path == "/large" else 2))


def test_clients_that_do_not_read_make_no_memory_grow(tmp_path):
    """Eighty downloads of 32 MiB wait for windows of four connections."""
    with HttpPeer(LargeHandler) as upstream:
        with plain_front(tmp_path, upstream.url, workers=1) as gatehouse:
            with Http2(plain(gatehouse.http)) as good:
                assert good.get("/small").status == 200
                before = gatehouse.memory()
                stuck = []
                for _ in range(4):
                    client = Http2(plain(gatehouse.http), {INITIAL_WINDOW_SIZE: LARGEST_WINDOW},
                                   windows=False)
                    for _ in range(20):
                        client.request("/large")
                    client.wait_for(lambda c: c.received() >= 65535)
                    client.ping()
                    stuck.append(client)
                assert good.get("/small").status == 200
                assert gatehouse.memory() - before < 64 * MIB
                for client in stuck:
                    client.connection.close()
