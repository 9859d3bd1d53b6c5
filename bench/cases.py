"""The work that is compared, and how far ahead gatehouse must be."""

import time
from dataclasses import dataclass
from typing import Callable

import load
from chains import MANY
from front import Failed
from running import Running

IDLE = 5_000
KIB = 1024


@dataclass(frozen=True)
class Figure:
    """A number of a run. Less is better where there is a `reach`: what share of the best peer's
    gatehouse may have."""

    key: str
    heading: str
    digits: int = 1
    reach: float = None


@dataclass(frozen=True)
class Case:
    name: str
    work: str
    run: Callable  # of a Stage; returns what its figures' keys name, or raises Failed or Unable
    counts: tuple  # the figures that count
    beside: tuple = ()  # those that are shown


def cpu(unit, reach):
    return (Figure("cpu", f"CPU us/{unit}", reach=reach),)


REQUESTS = Figure("rate", "requests/s", 0)
CONNECTIONS = Figure("rate", "connections/s", 0)
MIB_S = Figure("rate", "MiB/s", 0)
TIMES = (Figure("p50", "p50 us", 0), Figure("p99", "p99 us", 0), Figure("p999", "p99.9 us", 0))


def _wrk(path, connections, body):
    return lambda front, seconds: load.wrk(front, path, connections, seconds, body)


def _h2load(path, connections, streams, body):
    return lambda front, seconds: load.h2load(front, path, connections, streams, seconds, body)


def _own(mode, **options):
    return lambda front, seconds: load.own(front, mode, seconds, **options)


SMALL, LARGE = 1024, 10 << 20


def h1_plain(stage):
    return stage.per_unit(_wrk("/1k", 64, SMALL), tls=False)


def h1_tls(stage):
    return stage.per_unit(_wrk("/1k", 64, SMALL))


def h2_tls(stage):
    return stage.per_unit(_h2load("/1k", 16, 32, SMALL), http2=True)


def h2_h2c(stage):
    return stage.per_unit(_h2load("/1k", 16, 32, SMALL), http2=True, upstream_http2=True)


def hs_full(stage):
    said = stage.per_unit(_own("handshakes", connections=16))
    if said["resumed"]:
        raise Failed(f"{said['resumed']} handshakes were resumed")
    return said


def hs_resumed(stage):
    said = stage.per_unit(_own("handshakes", connections=16, resume=1))
    if said["resumed"] < 0.95 * said["done"]:  # the first of all have no ticket
        raise Failed(f"only {said['resumed']} of {said['done']} handshakes were resumed")
    return said


def big(stage):
    return stage.per_unit(_wrk("/10m", 8, 0), "MiB")


def upload(stage):
    return stage.per_unit(_own("uploads", connections=8, bytes=LARGE, path="/upload"), "MiB")


def h2_big(stage):
    return stage.per_unit(_h2load("/10m", 8, 1, LARGE), "MiB", http2=True)


def idle(stage):
    with stage.front() as front, Running(stage.peer, front) as running:
        running.wait()
        before = running.memory()
        with load.Idle(front, IDLE):
            time.sleep(2)  # for what is given back a little later
            held = running.memory() - before
    return {"memory": held / KIB / IDLE}


def latency(stage):
    return stage.per_unit(_own("latency", connections=64, rate=2000))


def certificates(stage):
    with stage.front() as front, Running(stage.peer, front) as running:
        running.wait()
        of_one = running.memory()
    stage.folder /= "many"
    with stage.front(many=True) as front, Running(stage.peer, front) as running:
        took = running.wait(front.certificates[-1][0]) - running.began
        of_many = running.memory()
    return {"start": took * 1000, "memory": (of_many - of_one) / KIB / (MANY - 1)}


def refused(stage):
    return stage.per_unit(_own("refused", connections=16, host="unknown.test"), refuses=True)


ALL = [
    Case("h1-plain", "HTTP/1.1 keep-alive, 64 connections, 1 KiB", h1_plain,
         cpu("request", 0.85), (REQUESTS, *TIMES)),
    Case("h1-tls", "the same over TLS 1.3", h1_tls, cpu("request", 0.80), (REQUESTS, *TIMES)),
    Case("h2-tls", "HTTP/2 over TLS, 16 connections of 32 streams, 1 KiB, HTTP/1.1 upstream",
         h2_tls, cpu("request", 0.95), (REQUESTS,)),
    Case("h2-h2c", "the same with an h2c upstream", h2_h2c, cpu("request", 0.90), (REQUESTS,)),
    Case("hs-full", "a connection, a full TLS 1.3 handshake (X25519, P-256), one GET; 16 at once",
         hs_full, cpu("connection", 0.58), (CONNECTIONS, *TIMES)),
    Case("hs-resumed", "the same, resumed by ticket", hs_resumed, cpu("connection", 0.58),
         (CONNECTIONS, *TIMES)),
    Case("big", "10 MiB downloads over TLS, 8 connections", big, cpu("MiB", 0.95), (MIB_S,)),
    Case("upload", "10 MiB POSTs over TLS, 8 connections", upload, cpu("MiB", 0.85), (MIB_S,)),
    Case("h2-big", "10 MiB downloads over HTTP/2 and TLS, 8 connections", h2_big,
         cpu("MiB", 0.95), (MIB_S,)),
    Case("idle", f"{IDLE:,} idle TLS connections after one request each", idle,
         (Figure("memory", "KiB each (PSS)", reach=0.40),)),
    Case("latency", "open loop, 2,000 requests/s over TLS, 1 KiB, timed from when each was due",
         latency, (Figure("p50", "p50 us", 0, 1.0), Figure("p99", "p99 us", 0, 1.0)),
         (Figure("p999", "p99.9 us", 0), Figure("cpu", "CPU us/request"))),
    Case("certificates", f"{MANY:,} certificates from files: start to the first answer, memory",
         certificates, (Figure("start", "start ms", 0, 0.5),
                        Figure("memory", "KiB each (PSS)", reach=0.4))),
    Case("refused", "a ClientHello for a name without a certificate; 16 at once", refused,
         cpu("connection", 1.0), (CONNECTIONS,)),
]
