"""The generators: each function runs one for a while and returns what it counted, or raises Failed.

`units` is what was done: requests, connections, or MiB of bodies.
"""

import json
import os
import re
import subprocess
from pathlib import Path

from front import HOST, Failed
from machine import OTHER_CORE, on_core

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
BUILD = Path(os.environ.get("GATEHOUSE_BUILD", HERE.parent / "build/release"))
GENERATOR = BUILD / "bench/bench_generator"


def _run(command, seconds):
    try:
        done = subprocess.run(on_core(OTHER_CORE, command), capture_output=True, text=True,
                              timeout=seconds + 200)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{Path(command[0]).name} does not end") from error
    if done.returncode != 0:
        raise Failed(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr)[-600:]}")
    return done.stdout


def wrk(front, path, connections, seconds, body):
    """HTTP/1.1 with keep-alive. `body`: bytes that each answer must have."""
    out = _run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
                "-s", HERE / "wrk.lua", front.url + path], seconds)
    said = json.loads(out.splitlines()[-1])
    if said["errors"]:
        raise Failed(f"wrk counts {said['errors']} errors")
    if said["requests"] == 0 or said["bytes"] < said["requests"] * body:
        raise Failed(f"wrk got too little: {said}")
    return {"units": said["requests"], "MiB": said["bytes"] / MIB, "seconds": said["seconds"],
            **{name: said[name] for name in ("p50", "p99", "p999")}}


def h2load(front, path, connections, streams, seconds, body):
    """HTTP/2, over TLS."""
    out = _run(["h2load", f"-c{connections}", f"-m{streams}", f"-D{seconds}", "-t1", "-w24", "-W26",
                "--groups=X25519", "--tls13-ciphers=TLS_AES_128_GCM_SHA256",
                front.url + path], seconds)
    protocol = re.search(r"Application protocol: (\S+)", out)
    if not protocol or protocol[1] != "h2":
        raise Failed(f"no HTTP/2: {out[-600:]}")
    done, failed, errored, timed_out = map(int, re.search(
        r"(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out).groups())
    good, *other = map(int, re.search(
        r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out).groups())
    data = int(re.search(r"\((\d+)\) data", out)[1])
    if failed or errored or timed_out or any(other) or good == 0 or data < done * body:
        raise Failed(f"h2load counts errors: {out[-600:]}")
    return {"units": done, "MiB": data / MIB, "seconds": float(seconds)}


def _words(front, mode, **options):
    words = {"port": front.port, "host": HOST, "tls": int(front.tls)} | options
    return [GENERATOR, mode, *(f"{key}={value}" for key, value in words.items())]


def _read(line):
    said = json.loads(line)
    if said["failed"] or not said["done"]:
        raise Failed(f"{said['failed']} failed, {said['done']} done: {said['why']}")
    said["units"] = said["done"]
    said["MiB"] = said["bytes"] / MIB
    return said


def own(front, mode, seconds, **options):
    """A mode of our own generator."""
    return _read(_run(_words(front, mode, seconds=seconds, **options), seconds))


class Idle:
    """Connections that asked once and are kept until the end of the block."""

    def __init__(self, front, connections):
        words = _words(front, "idle", connections=connections)
        self._child = subprocess.Popen(on_core(OTHER_CORE, words), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        _read(self._child.stdout.readline() or '{"failed": 1, "done": 0, "why": "it ended"}')
        return self

    def __exit__(self, kind, *_):
        _, said = self._child.communicate(timeout=60)
        if kind is None and self._child.returncode != 0:
            raise Failed(said.strip() or "the idle generator failed")
