"""Rounds: every proxy in turn, A B C D E, and again; what each run gave is kept."""

import shutil
import sys
from collections import Counter

from front import Failed, Unable
from stage import Stage


def play(case, peers, release, folder, rounds, seconds):
    """{proxy: {"rounds": [what each run gave], "unable": why not, "failed": what went wrong}}."""
    results = {peer.name: {"rounds": []} for peer in peers}
    for number in range(1, rounds + 1):
        for peer in peers:
            result = results[peer.name]
            if "unable" in result or "failed" in result:
                continue
            print(f"{case.name}, round {number} of {rounds}: {peer.name}", file=sys.stderr)
            place = folder / "run"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            stage = Stage(peer, release, place, folder / "certificates", seconds)
            try:
                result["rounds"].append(case.run(stage))
            except Unable as error:
                result["unable"] = str(error)
            except (Failed, AssertionError, OSError) as error:
                result["failed"] = str(error)
                print(f"{case.name}: {peer.name} FAILED: {error}", file=sys.stderr)
            shutil.rmtree(place, ignore_errors=True)
    return results


def failures(cases):
    """How many proxies have failed, by case."""
    return Counter(name for name, results in cases.items()
                   for result in results.values() if "failed" in result)
