"""A process that comes near limits.memory takes no more work than it can, goes no further than what
was under way needs, and serves everybody again once the load has gone."""

import os
import select

import pytest
from harness.certificates import self_signed
from harness.client import get, plain, read_response, read_to_end, refusal, trust
from harness.fronts import NAME
from harness.gatehouse import Gatehouse, command
from harness.http2 import *
from harness.servers import RawUpstream, SilentServer

MIB = 1 << 20
# What clients may use up, beside what the process needs for itself.
ROOM = 32 * MIB
HOST = "plain.test"
GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
# What is freed is given back under the sanitizer too, which needs as much again for itself.
LEAN = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0:"
                        "allocator_release_to_os_interval_ms=0:" +
                        os.environ.get("ASAN_OPTIONS", "")}
# From 80 percent 1, from 90 percent 2, and so on; below again 0.
LEVEL = r"the level of memory has changed level=(\d)"


def used(gatehouse):
    return gatehouse.memory("RssAnon")


def takes_nothing(_, said):
    """An upstream of HTTP/2 that never answers, and whose windows let no body come to it."""
    if said.startswith(PREFACE):
        return settings({INITIAL_WINDOW_SIZE: 0}) + frame(SETTINGS, ACK)
    return None


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory):
    """Its `limit` leaves clients ROOM. What they have begun lasts as long as they want."""
    folder = tmp_path_factory.mktemp("memory")
    chain, key = self_signed(folder, "front", [NAME])
    fixed = {"respond": {"body": "ok\n"}}
    with SilentServer() as silent, RawUpstream(takes_nothing) as closed:
        to_silent = {"match": {"path": "/silent"}, "proxy": f"http://127.0.0.1:{silent.port}"}
        to_closed = {"match": {"path": "/closed"}, "proxy": f"h2c://127.0.0.1:{closed.port}"}
        config = {
            "workers": 1,
            "sites": [{"hosts": [HOST], "tls": False, "routes": [to_silent, to_closed, fixed]},
                      {"hosts": [NAME], **fixed,
                       "tls": {"certificate": {"file": str(chain), "key": str(key)}}}],
            "timeouts": {"request_head": "5m", "body_idle": "5m", "upstream_response": "5m",
                         "idle": 0},
        }
        with Gatehouse(folder / "rest", {**config, "limits": {"memory": 0}}, env=LEAN) as alone:
            assert get(alone.https, NAME, context=trust(chain))[0] == 200
            limit = used(alone) + ROOM
        with Gatehouse(folder, {**config, "limits": {"memory": limit}}, env=LEAN) as one:
            one.trust, one.limit = trust(chain), limit
            yield one


class LargeHeads:
    """Streams with heads of 15 KB each, for an upstream that never answers."""

    def __init__(self, port):
        self.client = Http2(plain(port))
        value = b"v" * 15_000
        length = b"\x7f" + bytes([(len(value) - 127) & 127 | 128, (len(value) - 127) >> 7])
        self.field = b"\x00\x01x" + length + value  # HPACK: not indexed, as it is
        self.streams = []

    def ask(self, count):
        for _ in range(count):
            stream = 2 * len(self.streams) + 1
            fields = request_fields("/silent", HOST)
            self.client.headers(stream, fields, more=self.field)
            self.streams.append(stream)
        self.client.ping()


def fill(gatehouse, part, more):
    """Calls `more()` until `part` of the limit is used."""
    while used(gatehouse) < part * gatehouse.limit:
        more()


def half_head(port, size=28_000):
    client = plain(port)
    client.sendall(GET[:-2] + b"X: " + b"y" * size)
    return client


def until_served(gatehouse):
    """Until the memory has been given back, and nobody is refused. What the kernel has kept of
    bodies may still be read once their clients have gone: for a moment less is left again."""
    gatehouse.wait_until(
        lambda: (gatehouse.matching(LEVEL)[-1].count("level=0") and is_served(gatehouse)
                 and used(gatehouse) < 0.8 * gatehouse.limit), "enough memory")


def is_served(gatehouse):
    try:
        return (asked_by_http2(gatehouse).status == 200
                and get(gatehouse.https, NAME, context=gatehouse.trust)[0] == 200
                and get(gatehouse.http, HOST)[0] == 200)
    except (AssertionError, Ended, OSError):  # the connection was ended
        return False


def asked_by_http2(gatehouse):
    with Http2(plain(gatehouse.http)) as client:
        return client.get(authority=HOST)


def test_near_the_limit_new_work_is_refused_until_the_load_has_gone(gatehouse):
    idle = [plain(gatehouse.http) for _ in range(3)]
    for one in idle:
        one.sendall(GET)
        assert read_response(one)[0] == 200
    busy = [half_head(gatehouse.http, 10) for _ in range(70)]
    floods = []

    def flood():
        if not floods or len(floods[-1].streams) == 90:
            floods.append(LargeHeads(gatehouse.http))
        floods[-1].ask(10)

    # Requests.
    fill(gatehouse, 0.93, flood)
    gatehouse.wait_for_line("memory is short")
    status, head, _ = get(gatehouse.http, HOST)
    assert status == 503 and "\r\nRetry-After: 5\r\n" in head
    answer = asked_by_http2(gatehouse)
    assert answer.status == 503 and answer.head["retry-after"] == "5"
    for _ in range(10):
        floods.append(LargeHeads(gatehouse.http))
        floods[-1].ask(50)
        refused = floods[-1].streams
        floods[-1].client.wait_for(lambda c: all(c.of(one).ended for one in refused))
        assert {floods[-1].client.of(one).status for one in refused} == {503}
    assert used(gatehouse) < 1.1 * gatehouse.limit
    # Handshakes.
    assert refusal(gatehouse.https, NAME) == "internal error"
    # Idle connections.
    fill(gatehouse, 0.95, lambda: busy.append(half_head(gatehouse.http)))
    while not select.select(idle, [], [], 0.1)[0]:
        busy.append(half_head(gatehouse.http))
    for one in idle:
        assert read_to_end(one) == b""
    assert used(gatehouse) < 1.1 * gatehouse.limit
    # Who asks whether it lives.
    assert get(gatehouse.http, HOST, "/.well-known/gatehouse/health")[0] == 200
    assert command("healthcheck", "--config", gatehouse.config_file).returncode == 0

    for one in [*idle, *busy, *(flood.client.connection for flood in floods)]:
        one.close()
    until_served(gatehouse)


def test_bodies_that_nobody_takes_stay_outside(gatehouse):
    """Far more than the limit is offered, as the windows allow; the site is served meanwhile."""
    streams = range(1, 33, 2)
    bodies = b"".join(frame(DATA, 0, stream, bytes(16_000)) * 4 for stream in streams)
    clients = []
    for _ in range(ROOM // MIB + 4):  # who may send a MiB each
        client = Http2(plain(gatehouse.http))
        for _ in streams:
            client.request("/closed", authority=HOST, method="POST", end=False)
        client.ping()
        clients.append(client)
    seen = len(gatehouse.matching(LEVEL))
    waiting = list(clients)
    while (before := used(gatehouse)) < 0.8 * gatehouse.limit:
        waiting.pop().send(bodies)
        gatehouse.wait_until(lambda: used(gatehouse) > before + MIB // 2, "a body to be read")
    gatehouse.wait_for_line(LEVEL, seen + 1)
    assert len(waiting) * MIB > 0.3 * gatehouse.limit
    for client in waiting:
        client.connection.setblocking(False)
        try:
            client.send(bodies)
        except Ended:
            pass  # what the kernel has no room for
    for _ in range(100):
        assert get(gatehouse.http, HOST)[0] == 200
    assert used(gatehouse) < 0.9 * gatehouse.limit
    for client in clients:
        client.connection.close()
    until_served(gatehouse)
