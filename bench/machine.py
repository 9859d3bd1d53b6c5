"""The machine of a run, and which core is whose."""

import datetime
import os
import platform
import re
import resource
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE = CORES[-1]  # the proxy's alone
OTHER_CORE = CORES[0]  # of generator, origin and this program


def on_core(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def allow_descriptors(wanted=65536):
    """For this process and what it starts: as many as that, or what it may have. How many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, most), max(wanted, most)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _cpu():
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def _output(*command):
    if not shutil.which(command[0]):
        return "none"
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).split("\n")[0].strip()


def describe():
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "commit": _output("git", "-C", HERE, "describe", "--always", "--dirty"),
        "cpu": _cpu(),
        "cores": len(CORES),
        "memory_MiB": int(memory[1]) // 1024,
        "kernel": platform.release(),
        "wrk": _output("wrk", "-v").split(" [")[0].removeprefix("wrk "),
        "h2load": _output("h2load", "--version").removeprefix("h2load "),
    }
