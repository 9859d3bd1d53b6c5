"""What a keep-alive request costs does not grow unseen."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from instructions import worse  # noqa: E402


def test_a_keep_alive_request_costs_what_it_is_known_to_cost():
    done = subprocess.run([sys.executable, "-B", BENCH / "instructions.py"], capture_output=True,
                          text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_tenth_more_of_anything_is_told():
    known = {"instructions": 1000, "allocations": 0, "system_calls": 5}
    assert not worse({"instructions": 1099, "allocations": 0.2, "system_calls": 5.4}, known)
    assert worse({"instructions": 1101, "allocations": 0, "system_calls": 5}, known) == [
        "instructions"]
    assert worse({"instructions": 900, "allocations": 1, "system_calls": 6}, known) == [
        "allocations", "system_calls"]
