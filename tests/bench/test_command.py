"""The command that compares proxies works: gatehouse alone, for a second; figures do not count."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("GATEHOUSE_BUILD", str(ROOT / "build/release"))


def bench(*words, **environment):
    command = [sys.executable, "-B", ROOT / "bench/bench.py", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True,
                          env=dict(os.environ, **environment))


@pytest.fixture(scope="module", autouse=True)
def built():
    done = subprocess.run(["cmake", "--build", BUILD, "--target", "bench_generator"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]


def one_round(folder, **environment):
    return bench("--cases", "hs-resumed", "--only", "gatehouse", "--rounds", 1, "--seconds", 1,
                 "--folder", folder, **environment)


def test_a_table_is_printed_and_kept_with_machine_and_versions(tmp_path):
    done = one_round(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| gatehouse | " in done.stdout
    said = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert said["machine"]["kernel"] and said["versions"]["gatehouse"]
    (run,) = said["cases"]["hs-resumed"]["gatehouse"]["rounds"]
    assert run["cpu"] > 0 and run["failed"] == 0 and run["resumed"] > 0
    assert next(tmp_path.glob("*.md")).read_text().startswith("# ")


def test_a_proxy_that_does_not_work_fails_the_command(tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\n[ \"$1\" = version ] && echo gatehouse 0 || exit 3\n")
    broken.chmod(0o755)
    done = one_round(tmp_path, GATEHOUSE_BINARY=str(broken))
    assert done.returncode == 1
    assert "| gatehouse | failed: " in done.stdout
    assert "failed in hs-resumed" in done.stderr


def test_a_word_that_is_no_case_is_told_with_those_that_are(tmp_path):
    done = bench("--cases", "h3-plain", "--folder", tmp_path)
    assert done.returncode == 1
    assert "no case is called h3-plain" in done.stderr and "h1-plain" in done.stderr
