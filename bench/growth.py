"""How gatehouse's cost grows with workers, connections, sites and bodies: a table and a plot."""

import argparse
import json
import os
import shutil
import statistics
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))  # for its harness: processes, ports, certificates
os.environ["OPENSSL_CONF"] = str(HERE / "openssl.cnf")  # before Python's ssl is loaded

import load  # noqa: E402
import machine  # noqa: E402
import plot  # noqa: E402
from front import HOST, Failed  # noqa: E402
from peers.gatehouse import Gatehouse  # noqa: E402
from running import Running  # noqa: E402
from stage import Stage  # noqa: E402

MIB = 1 << 20


class Changed(Gatehouse):
    """With keys of its configuration replaced."""

    def __init__(self, **changes):
        super().__init__(None)
        self._changes = changes

    def config(self, front):
        return super().config(front) | self._changes


class Sites(Gatehouse):
    """With so many sites, of which one is asked."""

    def __init__(self, count):
        super().__init__(None)
        self._count = count

    def config(self, front):
        config = super().config(front)
        (asked,) = config["sites"]
        others = [{"hosts": [f"shop-{i}.example.com"], "tls": False, "respond": {"body": "here"}}
                  for i in range(1, self._count)]
        return config | {"sites": [*others, asked | {"hosts": [HOST]}]}


@dataclass(frozen=True)
class Curve:
    name: str
    what: str
    values: list
    run: object  # (folder, seconds, value); returns {"cpu", "rate", "memory"}
    powers: bool = False


def _run(folder, seconds, peer, path="/1k", connections=64, held=0, size=0, **options):
    """CPU us/request, requests/s, and MiB of memory at the end, while `held` connections idle. With
    a `size` from 1 MiB on, requests are counted by bytes: many are under way at the end."""
    stage = Stage(peer, None, folder, folder.parent / "certificates", seconds)
    with stage.front(**options) as front, Running(peer, front) as running:
        running.wait()
        with load.Idle(front, held) if held else nullcontext():
            load.wrk(front, path, connections, seconds, size)
            before = running.cpu()
            said = load.wrk(front, path, connections, seconds, size)
            after, memory = running.cpu(), running.memory()
    if size >= MIB:
        said["units"] = said["MiB"] * MIB / size
    return {"cpu": (after - before) / 1000 / said["units"],
            "rate": said["units"] / said["seconds"], "memory": memory / MIB}


def workers(folder, seconds, count):
    cores = ",".join(map(str, machine.CORES[-count:]))
    return _run(folder, seconds, Changed(workers=count), tls=False, cores=cores)


def connections(folder, seconds, count):
    active = min(count, 64)
    return _run(folder, seconds, Changed(), connections=active,
                held=count - active)


def sites(folder, seconds, count):
    return _run(folder, seconds, Sites(count), tls=False)


def body(folder, seconds, size):
    longer = size // (10 * MIB)  # so that some come to their end
    return _run(folder, max(seconds, longer), Changed(), f"/bytes/{size}", connections=2, size=size)


CURVES = [
    Curve("workers", "HTTP/1.1, 64 connections, 1 KiB; two share a core with the load where there "
          "are but two", [1, 2], workers),
    # gatehouse takes half as many connections as it may have descriptors.
    Curve("connections", "TLS, 64 of them (at most) ask for 1 KiB, the others idle",
          [10, 100, 1_000, min(10_000, machine.allow_descriptors() // 2 - 1_000)], connections),
    Curve("sites", "HTTP/1.1, 64 connections, 1 KiB", [1, 100, 10_000, 100_000], sites),
    Curve("body", "TLS, 2 connections, bytes of a response",
          [0, 1024, 64 << 10, MIB, 10 * MIB, 100 * MIB], body, powers=True),
]


def label(value):
    """A number as a plot has room for it."""
    for size, unit in ((MIB, "Mi"), (1024, "Ki")):
        if value >= size and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value:,}"


def measure(curves, folder, rounds, seconds):
    """{curve: {value: [what each round gave]}}; all values in turn, round after round."""
    results = {curve.name: {value: [] for value in curve.values} for curve in curves}
    for number in range(1, rounds + 1):
        for curve in curves:
            for value in curve.values:
                print(f"round {number} of {rounds}: {curve.name} {value:,}", file=sys.stderr)
                shutil.rmtree(folder / "run", ignore_errors=True)
                (folder / "run").mkdir(parents=True)
                results[curve.name][value].append(curve.run(folder / "run", seconds, value))
    return results


def table(curve, results):
    lines = [f"## {curve.name}", "", f"{curve.what}.", "",
             f"| {curve.name} | CPU us/request | requests/s | memory MiB (PSS) |",
             "| ---: | ---: | ---: | ---: |"]
    for value, runs in results.items():
        spent = [run["cpu"] for run in runs]
        rate, memory = (statistics.median(run[key] for run in runs) for key in ("rate", "memory"))
        lines.append(f"| {label(value)} | {statistics.median(spent):,.1f} ({min(spent):,.1f} – "
                     f"{max(spent):,.1f}) | {rate:,.0f} | {memory:,.1f} |")
    return "\n".join(lines) + "\n"


def picture(curves, results):
    return plot.svg([plot.Panel(f"CPU us/request by {curve.name}", [
        (label(value), min(spent), statistics.median(spent), max(spent))
        for value, spent in ((value, [run["cpu"] for run in runs])
                             for value, runs in results[curve.name].items())
    ], curve.powers) for curve in curves])


def main():
    words = argparse.ArgumentParser(prog="./dev bench growth", description=__doc__)
    words.add_argument("--curves", default=",".join(curve.name for curve in CURVES))
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=int, default=3, help="of each run")
    words.add_argument("--folder", type=Path, default=ROOT / "build/bench")
    words = words.parse_args()
    chosen = [curve for curve in CURVES if curve.name in words.curves.split(",")]
    where = machine.describe()
    try:
        results = measure(chosen, words.folder, words.rounds, words.seconds)
    except (Failed, AssertionError, OSError) as error:
        sys.exit(f"bench: {error}")
    text = "\n".join(["; ".join(f"{key} {value}" for key, value in where.items()) + ".\n",
                      *(table(curve, results[curve.name]) for curve in chosen)])
    print(text)
    stem = words.folder / "growth"
    stem.with_suffix(".md").write_text(f"# How cost grows\n\n{text}\n![the same](growth.svg)\n")
    stem.with_suffix(".svg").write_text(picture(chosen, results))
    kept = {"machine": where, "curves": results}
    stem.with_suffix(".json").write_text(json.dumps(kept, indent=1))
    print(f"bench: saved as {stem}.md, .svg and .json", file=sys.stderr)


if __name__ == "__main__":
    main()
