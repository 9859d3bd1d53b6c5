"""What a run of gatehouse has done from start to end, counted by valgrind and strace: a fixed
exchange gives the same numbers on any machine of its kind, however busy that is."""

import re
import subprocess
import time
from collections import Counter

from exchange import Exchange

# What the C++ library and C programs get memory by.
_ALLOCATING = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"}


def stripped(binary, folder):
    """A copy that valgrind can read: with names, without debug information."""
    copy = folder / "gatehouse"
    subprocess.run(["objcopy", "--strip-debug", binary, copy], check=True)
    return copy


def by_valgrind(binary, folder, requests):
    """{"instructions", "allocations"}."""
    out = folder / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", binary]
    with Exchange(command, folder) as exchange:
        exchange.ask(requests)
    text = out.read_text()
    return Counter(instructions=int(re.search(r"^totals: (\d+)", text, re.M)[1]),
                   allocations=_calls(text))


def _calls(text):
    """How often the functions that allocate were called, by callgrind's file format."""
    names, total, called = {}, 0, None
    for line in text.splitlines():
        if line.startswith(("cfn=", "fn=")):
            number, _, name = line.partition("=")[2].partition(" ")
            if name:
                names[number] = name
            if line.startswith("cfn="):
                called = names[number]
        elif line.startswith("calls=") and called in _ALLOCATING:
            total += int(line[len("calls="):].split()[0])
    return total


def by_strace(binary, folder, requests, clients=1):
    """Each system call by its name; `requests` of each client."""
    out = folder / "strace.out"
    out.unlink(missing_ok=True)
    # With -D gatehouse itself is our child, and strace, which ends a little later, is not.
    command = ["strace", "-D", "-f", "-c", "-U", "calls,name", "-o", out, binary]
    with Exchange(command, folder, clients) as exchange:
        exchange.ask(requests)
    deadline = time.monotonic() + 60
    while not out.exists() or " total\n" not in out.read_text():
        assert time.monotonic() < deadline, "strace has written no count"
        time.sleep(0.01)
    rows = re.findall(r"^\s*(\d+)\s+(\w+)$", out.read_text(), re.M)
    return Counter({name: int(count) for count, name in rows if name != "total"})
