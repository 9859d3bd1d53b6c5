"""Benchmarks of single parts run, each for a moment; figures do not count."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GATEHOUSE_BUILD", str(ROOT / "build/release")))


def documented():
    """The first words of the names in the table of docs/performance.md."""
    text = (ROOT / "docs/performance.md").read_text()
    table = text.split("## Single parts")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z0-9_/]+[a-z])", table, re.MULTILINE)


def test_every_documented_benchmark_runs():
    built = subprocess.run(["cmake", "--build", BUILD, "--target", "bench_micro"],
                           capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-4000:]
    done = subprocess.run([BUILD / "bench/bench_micro", "--benchmark_min_time=0.001"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stdout
    ran = re.findall(r"^([a-z0-9_]+/\S+) +[0-9]", done.stdout, re.MULTILINE)
    missing = [name for name in documented() if not any(one.startswith(name) for one in ran)]
    assert len(ran) >= 14 and not missing, f"{missing} of {ran}"
