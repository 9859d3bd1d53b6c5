"""What one keep-alive request costs gatehouse, in instructions, allocations and system calls,
beside what it is known to cost (instructions.json)."""

import argparse
import json
import os
import platform
import sys
import tempfile
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))  # for its harness: processes and ports

import counters  # noqa: E402

KNOWN = HERE / "instructions.json"
BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / "build/release/gatehouse"))
TOLERANCE = 0.10
FEW, MANY = 20, 220  # requests of two runs; starting and ending are in both
AT_ONCE = 16  # clients, where a turn of the loop serves several


def per_request(count):
    """What `count` gives for a request more."""
    few, many = (run(count, requests) for requests in (FEW, MANY))
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in many}


def run(count, requests):
    """In a folder of its own: what was stored by another run would make its start cheaper."""
    with tempfile.TemporaryDirectory() as folder:
        return count(counters.stripped(BINARY, Path(folder)), Path(folder), requests)


def measure():
    found = per_request(counters.by_valgrind)
    alone = per_request(counters.by_strace)
    found["system_calls"] = sum(alone.values())
    at_once = per_request(partial(counters.by_strace, clients=AT_ONCE))
    for woken in ("futex", "restart_syscall"):  # of waiting threads, by that it was stopped
        at_once.pop(woken, None)
    found["system_calls_at_once"] = sum(at_once.values()) / AT_ONCE
    return found, [f"system calls: {named(alone)}",
                   f"of {AT_ONCE} clients at once: {named(at_once, AT_ONCE)}"]


def named(calls, clients=1):
    each = sorted(((n / clients, name) for name, n in calls.items()), reverse=True)
    return ", ".join(f"{name} {n:.2f}" for n, name in each if n >= 0.05)


def worse(found, known):
    """Those figures that are a tenth above what is known, and half a unit."""
    return [name for name, n in found.items()
            if n > known[name] * (1 + TOLERANCE) and n > known[name] + 0.5]


def main():
    words = argparse.ArgumentParser(prog="./dev bench instructions", description=__doc__)
    words.add_argument("--accept", action="store_true",
                       help="write what is found to bench/instructions.json, to be committed")
    words.add_argument("--known", type=Path, default=KNOWN, help="instead of that file")
    words = words.parse_args()
    kind = platform.machine()
    all_known = json.loads(words.known.read_text()) if words.known.exists() else {}
    found, listed = measure()
    known = all_known.get(kind, {})
    for name, n in found.items():
        beside = f"  known {known[name]:,.1f}" if name in known else ""
        print(f"{name.replace('_', ' '):20} {n:12,.1f}{beside}")
    print(*listed, sep="\n")
    if words.accept:
        all_known[kind] = {name: round(n, 1) for name, n in found.items()}
        words.known.write_text(json.dumps(all_known, indent=1) + "\n")
        print(f"written to {words.known}: say in the commit why")
    elif known and worse(found, known):
        sys.exit(f"a request costs more than a tenth more {' and '.join(worse(found, known))} than "
                 "bench/instructions.json knows.\nMake it cheaper; or, where the cost is worth it, "
                 "run ./dev bench instructions --accept, and say in the commit why.")


if __name__ == "__main__":
    main()
