"""HTTP/2 frame by frame (RFC 9113 sections 3 to 8, RFC 7541): what breaks a stream, what breaks
the connection, and what is only strange. Beside each a good client goes on."""

import struct

import pytest
from harness.client import plain
from harness.fronts import plain_front
from harness.http2 import *
from harness.servers import EchoServer

# What a row may end in. A connection error may also be a stream's where the RFC lets a server
# choose; never less.
CONNECTION, STREAM, FINE = "connection", "stream", "fine"


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    with EchoServer() as upstream:
        with plain_front(tmp_path_factory.mktemp("door"), upstream.url, workers=1) as gatehouse:
            yield gatehouse


@pytest.fixture
def peer(door):
    with Http2(plain(door.http)) as client:
        yield client


def block(*fields):
    """A head that no dynamic table is needed for."""
    return hpack.Encoder().encode(list(fields))


NAME_IN_HUFFMAN = b"\x00\x85\xf2\xb2\x4a\x84\xff"  # of a literal field; its value is to follow
GET = request_fields()
POST = request_fields(method="POST")


def get(stream=1, flags=END_HEADERS | END_STREAM, fields=GET, more=b""):
    return frame(HEADERS, flags, stream, block(*fields) + more)


def post(stream=1, fields=POST):
    return get(stream, END_HEADERS, fields)


def with_field(*field):
    return get(fields=[*GET, field])


def number(value):
    return struct.pack("!I", value)


HUGE = b"\0" * 16385

ROWS = {
    # 4.1, 4.2 frames
    "unknown frame": (FINE, None, frame(0x16, 0xff, 0, b"01234567") + get()),
    "unknown frame on a stream": (FINE, None, post() + frame(0x16, 0, 1, b"x") + frame(DATA, 1, 1)),
    "unknown flags": (FINE, None, frame(PING, 0x16, 0, b"01234567") + get()),
    "reserved bit": (FINE, None, frame(PING, 0, 1 << 31, b"01234567") + get()),
    "largest frame": (FINE, None, post() + frame(DATA, 1, 1, HUGE[1:])),
    "data frame too large": ((CONNECTION, STREAM), FRAME_SIZE_ERROR,
                             post() + frame(DATA, 1, 1, HUGE)),
    "headers frame too large": (CONNECTION, FRAME_SIZE_ERROR, frame(HEADERS, 5, 1, HUGE)),
    # 4.3 field blocks
    "bad HPACK": (CONNECTION, COMPRESSION_ERROR, get(fields=[], more=b"\x40\x00")),
    "field block cut by another frame": (
        CONNECTION, PROTOCOL_ERROR, get(flags=END_STREAM) + frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")),
    "field block cut by another stream": (
        CONNECTION, PROTOCOL_ERROR, get(flags=END_STREAM) + get(3)),
    # 5.1 states
    "data on an idle stream": (CONNECTION, PROTOCOL_ERROR, frame(DATA, 1, 1, b"x")),
    "reset of an idle stream": (CONNECTION, PROTOCOL_ERROR, rst_stream(1)),
    "window of an idle stream": (CONNECTION, PROTOCOL_ERROR, window_update(1, 100)),
    "continuation alone": (CONNECTION, PROTOCOL_ERROR, frame(CONTINUATION, 4, 1, b"")),
    "data after the end": ((CONNECTION, STREAM), STREAM_CLOSED, get() + frame(DATA, 1, 1, b"x")),
    "headers after the end": ((CONNECTION, STREAM), STREAM_CLOSED, get() + get()),
    "data after a reset": (FINE, None, post() + rst_stream(1) + frame(DATA, 1, 1, b"x") + get(3)),
    "window after a reset": (FINE, None, post() + rst_stream(1) + window_update(1, 1) + get(3)),
    # 5.1.1 identifiers
    "even stream": (CONNECTION, PROTOCOL_ERROR, get(2)),
    # 5.3 priority
    "stream depending on itself": (FINE, None, frame(PRIORITY, 0, 1, number(1) + b"\0") + get()),
    "priority of a length not 5": ((CONNECTION, STREAM), FRAME_SIZE_ERROR,
                                   get() + frame(PRIORITY, 0, 1, b"\0\0\0\0")),
    "priority of stream 0": (FINE, None, frame(PRIORITY, 0, 0, b"\0\0\0\0\1") + get()),
    # 6.1 DATA
    "data on stream 0": (CONNECTION, PROTOCOL_ERROR, frame(DATA, 0, 0, b"x")),
    "padded data": (FINE, None, post() + frame(DATA, PADDED | 1, 1, b"\x05x\0\0\0\0\0")),
    "padding longer than data": (CONNECTION, PROTOCOL_ERROR,
                                 post() + frame(DATA, PADDED | 1, 1, b"\x06x\0\0\0\0")),
    # 6.2 HEADERS
    "headers on stream 0": (CONNECTION, PROTOCOL_ERROR, get(0)),
    "padded headers": (FINE, None, frame(HEADERS, 13, 1, b"\2" + block(*GET) + b"\0\0")),
    "padding longer than headers": (CONNECTION, PROTOCOL_ERROR, frame(HEADERS, 13, 1, b"\xffabc")),
    "continued headers": (FINE, None, frame(HEADERS, 1, 1, block(*GET)[:3]) +
                          frame(CONTINUATION, 0, 1, block(*GET)[3:4]) +
                          frame(CONTINUATION, 4, 1, block(*GET)[4:])),
    # 6.4 RST_STREAM
    "reset of stream 0": (CONNECTION, PROTOCOL_ERROR, rst_stream(0)),
    "reset of a length not 4": (CONNECTION, FRAME_SIZE_ERROR,
                                post() + frame(RST_STREAM, 0, 1, b"abc")),
    # 6.5 SETTINGS
    "settings ack with payload": (CONNECTION, FRAME_SIZE_ERROR, frame(SETTINGS, ACK, 0, b"012345")),
    "settings on a stream": (CONNECTION, PROTOCOL_ERROR, frame(SETTINGS, 0, 1, b"")),
    "settings of a length not 6": (CONNECTION, FRAME_SIZE_ERROR, frame(SETTINGS, 0, 0, b"012")),
    "push neither 0 nor 1": (CONNECTION, PROTOCOL_ERROR, settings({ENABLE_PUSH: 2})),
    "initial window too large": (CONNECTION, FLOW_CONTROL_ERROR,
                                 settings({INITIAL_WINDOW_SIZE: 1 << 31})),
    "frame size too small": (CONNECTION, PROTOCOL_ERROR, settings({MAX_FRAME_SIZE: 16383})),
    "frame size too large": (CONNECTION, PROTOCOL_ERROR, settings({MAX_FRAME_SIZE: 1 << 24})),
    "unknown setting": (FINE, None, settings({0xff: 1}) + get()),
    # 6.6 to 6.9
    "push by a client": (CONNECTION, PROTOCOL_ERROR,
                         frame(PUSH_PROMISE, 4, 1, number(2) + block(*GET))),
    "ping on a stream": (CONNECTION, PROTOCOL_ERROR, frame(PING, 0, 1, b"01234567")),
    "ping of a length not 8": (CONNECTION, FRAME_SIZE_ERROR, frame(PING, 0, 0, b"0123456")),
    "goaway on a stream": (CONNECTION, PROTOCOL_ERROR, frame(GOAWAY, 0, 1, b"\0" * 8)),
    "window of nothing": (CONNECTION, PROTOCOL_ERROR, window_update(0, 0)),
    "window of nothing on a stream": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                      post() + window_update(1, 0)),
    "window of a length not 4": (CONNECTION, FRAME_SIZE_ERROR, frame(WINDOW_UPDATE, 0, 0, b"abc")),
    "connection window overflow": (CONNECTION, FLOW_CONTROL_ERROR,
                                   window_update(0, LARGEST_WINDOW) * 2),
    "stream window overflow": ((CONNECTION, STREAM), FLOW_CONTROL_ERROR,
                               post() + window_update(1, LARGEST_WINDOW) * 2),
    # 8.1 messages
    "second head without end": ((CONNECTION, STREAM), PROTOCOL_ERROR, post() + post()),
    "trailers": (FINE, None, post() + frame(DATA, 0, 1, b"x") + get(fields=[("x-end", "yes")])),
    "pseudo-field in trailers": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                 post() + get(fields=[(":method", "GET")])),
    # 8.2 fields
    "upper case name": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("X-Upper", "x")),
    "field of the connection": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                with_field("connection", "close")),
    "transfer-encoding": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                          with_field("transfer-encoding", "chunked")),
    "keep-alive": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("keep-alive", "1")),
    "upgrade": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("upgrade", "websocket")),
    "proxy-connection": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("proxy-connection", "x")),
    "te other than trailers": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("te", "gzip")),
    "te trailers": (FINE, None, with_field("te", "trailers")),
    "newline in a value": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("x", "a\r\nb: c")),
    "zero in a value": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("x", "a\0b")),
    "blank in front of a value": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("x", " a")),
    "colon in a name": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("x:y", "a")),
    "blank in a name": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("x y", "a")),
    # 8.3 pseudo-fields
    "unknown pseudo-field": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=[*GET, (":x", "y")])),
    "pseudo-field of responses": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                  get(fields=[*GET, (":status", "200")])),
    "pseudo-field behind others": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                   get(fields=[*GET[:3], ("x", "y"), (":path", "/")])),
    "empty path": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=request_fields(""))),
    "path without slash": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=request_fields("a"))),
    "no method": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=GET[1:])),
    "no scheme": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=[GET[0], *GET[2:]])),
    "no path": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=GET[:3])),
    "two methods": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=[*GET, GET[0]])),
    "two paths": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=[*GET, GET[3]])),
    "two authorities": ((CONNECTION, STREAM), PROTOCOL_ERROR, get(fields=[*GET, GET[2]])),
    "length that is not the body's": (
        (CONNECTION, STREAM), PROTOCOL_ERROR,
        post(fields=[*POST, ("content-length", "5")]) + frame(DATA, 1, 1, b"x")),
    "body longer than its length": (
        (CONNECTION, STREAM), PROTOCOL_ERROR,
        post(fields=[*POST, ("content-length", "1")]) + frame(DATA, 0, 1, b"xy")),
    "length and no body": ((CONNECTION, STREAM), PROTOCOL_ERROR, with_field("content-length", "5")),
    "length that is no number": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                 post(fields=[*POST, ("content-length", "+5")])),
    "connect without extension, with path": ((CONNECTION, STREAM), PROTOCOL_ERROR,
                                             get(fields=request_fields(method="CONNECT"))),
    # RFC 7541
    "index 0": (CONNECTION, COMPRESSION_ERROR, get(fields=GET, more=b"\x80")),
    "index beyond the tables": (CONNECTION, COMPRESSION_ERROR, get(fields=GET, more=b"\xff\x40")),
    "number that overflows": (CONNECTION, COMPRESSION_ERROR,
                              get(fields=GET, more=b"\xff" + b"\xff" * 10 + b"\x7f")),
    "table size behind fields": (CONNECTION, COMPRESSION_ERROR, get(fields=GET, more=b"\x20")),
    "table size over the limit": (CONNECTION, COMPRESSION_ERROR,
                                  frame(HEADERS, 5, 1, b"\x3f\xe2\x1f" + block(*GET))),
    "huffman padding too long": (CONNECTION, COMPRESSION_ERROR,
                                 get(fields=GET, more=NAME_IN_HUFFMAN + b"\x84\x49\x50\x9f\xff")),
    "huffman padding of zeros": (CONNECTION, COMPRESSION_ERROR,
                                 get(fields=GET, more=NAME_IN_HUFFMAN + b"\x83\x49\x50\x90")),
    "huffman end of string": (CONNECTION, COMPRESSION_ERROR,
                              get(fields=GET, more=NAME_IN_HUFFMAN +
                                  b"\x87\x49\x51\xff\xff\xff\xfa\x7f")),
}


def ending(client, streams):
    """How it ended, and with which code: the first thing that is an answer."""
    try:
        while True:
            heard = client.next_frame()
            if heard.kind == GOAWAY and heard.goaway[1] != NO_ERROR:
                return CONNECTION, heard.goaway[1]
            if heard.kind == RST_STREAM:
                return STREAM, heard.number
            done = [s for s in streams if client.of(s).ended]
            if done and client.of(done[-1]).status == 200:
                return FINE, None
    except Ended:
        return CONNECTION, None


@pytest.mark.parametrize("name", ROWS)
def test_what_is_wrong_is_answered_as_the_rfc_says(door, peer, name):
    expected, code, data = ROWS[name]
    kinds = expected if isinstance(expected, tuple) else (expected,)
    codes = code if isinstance(code, tuple) else (code,)
    peer.send(data)
    streams = [3] if data.endswith(get(3)) else [1]
    kind, said = ending(peer, streams)
    assert kind in kinds, (kind, said)
    assert said in codes, (kind, said)
    if kind == CONNECTION:
        peer.to_the_end()  # and it is closed
    with Http2(plain(door.http)) as good:
        assert good.get().status == 200


def test_settings_are_said_first_and_acknowledged(door):
    with Http2(plain(door.http)) as peer:
        first = peer.next_frame()
        assert first.kind == SETTINGS and not first.flags & ACK
        peer.wait_for(lambda p: p.get().status == 200)
        assert peer.peer_settings[MAX_CONCURRENT_STREAMS] == 100
        assert peer.peer_settings[ENABLE_CONNECT_PROTOCOL] == 1


@pytest.mark.parametrize("preface", [
    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
    PREFACE + frame(PING, 0, 0, b"01234567"), PREFACE + get()])
def test_a_bad_preface_ends_the_connection(door, preface):
    with Http2(plain(door.http), preface=False) as peer:
        peer.send(preface + get())
        peer.to_the_end()
        assert peer.of(1).head is None


def test_a_preface_in_pieces_is_one(door):
    with Http2(plain(door.http), preface=False) as peer:
        peer.connection.setsockopt(6, 1, 1)  # each byte leaves alone
        for byte in PREFACE + settings({}):
            peer.send(bytes([byte]))
        assert peer.get().status == 200


def test_a_stream_number_that_was_passed_over_gets_no_answer(peer):
    peer.send(get(5) + get(3))
    assert peer.response(5).status == 200
    peer.ping()
    assert 3 not in peer.responses


def test_pings_are_answered_with_what_they_carry(peer):
    peer.ping(b"\x00\xff234567")


def test_windows_that_shrink_below_zero_wait_until_they_are_above(door):
    with Http2(plain(door.http), {INITIAL_WINDOW_SIZE: 3}, windows=False) as peer:
        body = b"0123456789" * 10
        stream = peer.request(method="POST", end=False)
        peer.data(stream, body, end=True)
        peer.wait_for(lambda p: len(p.of(stream).body) == 3)
        peer.send(settings({INITIAL_WINDOW_SIZE: 0}) + window_update(stream, 2))
        peer.ping()
        assert len(peer.of(stream).body) == 3, "the window is at -1"
        peer.send(window_update(stream, 2))
        peer.wait_for(lambda p: len(p.of(stream).body) == 4)
        peer.send(settings({INITIAL_WINDOW_SIZE: 1000}))
        assert peer.response(stream).body == body


def test_no_frame_is_larger_than_the_client_allows(door):
    with Http2(plain(door.http)) as peer:
        body = bytes(60000)
        stream = peer.request(method="POST", end=False)
        for at in range(0, len(body), 16384):
            peer.data(stream, body[at:at + 16384])
        peer.data(stream, end=True)
        while not peer.of(stream).ended:
            heard = peer.next_frame()
            assert len(heard.payload) <= 16384
        assert peer.of(stream).body == body
