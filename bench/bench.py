"""gatehouse beside nginx, HAProxy, Caddy and nghttpx, on the same work in the same run."""

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))  # for its harness: processes, ports, certificates
os.environ["OPENSSL_CONF"] = str(HERE / "openssl.cnf")  # before Python's ssl is loaded

import cases  # noqa: E402
import machine  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from peers.release import Release  # noqa: E402


def choose(kind, known, wanted):
    """Those of `known` (by name) that the list says, or all."""
    if wanted is None:
        return list(known.values())
    by_name = {name.lower(): thing for name, thing in known.items()}
    unknown = [word for word in wanted.split(",") if word.lower() not in by_name]
    if unknown:
        sys.exit(f"bench: no {kind} is called {unknown[0]}; there are {', '.join(known)}")
    return [by_name[word.lower()] for word in wanted.split(",")]


def read_words():
    words = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    words.add_argument("what", nargs="?", choices=["compare"], help="the default")
    words.add_argument("--cases", help="of " + ",".join(case.name for case in cases.ALL))
    words.add_argument("--only", help="these proxies, of " + ",".join(p.name for p in peers.ALL))
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=int, default=3, help="of each run")
    words.add_argument("--release", default="forky", help="the Debian release of the peers")
    words.add_argument("--folder", type=Path, default=ROOT / "build/bench")
    return words.parse_args()


def main():
    words = read_words()
    chosen = choose("case", {case.name: case for case in cases.ALL}, words.cases)
    release = Release(words.release)
    running = [peer(release)
               for peer in choose("proxy", {peer.name: peer for peer in peers.ALL}, words.only)]
    machine.allow_descriptors()
    if len(machine.CORES) < 2:
        print("bench: only one core: proxy and load are in each other's way", file=sys.stderr)

    where = machine.describe()
    versions = {peer.name: peer.version for peer in running}
    text = report.head(where, versions, words.rounds, words.seconds)
    print(text)
    results = {}
    words.folder.mkdir(parents=True, exist_ok=True)
    stem = words.folder / where["date"].replace(" UTC", "").replace(" ", "-").replace(":", "")
    for case in chosen:
        results[case.name] = rounds.play(case, running, release, words.folder, words.rounds,
                                         words.seconds)
        table = report.table(case, results[case.name])
        print(table, flush=True)
        text += "\n" + table
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps(
            {"machine": where, "versions": versions, "rounds": words.rounds,
             "seconds": words.seconds, "cases": results}, indent=1))
    print(f"bench: saved as {stem}.md and .json", file=sys.stderr)
    failed = rounds.failures(results)
    if failed:
        sys.exit(f"bench: failed in {', '.join(failed)}")


if __name__ == "__main__":
    main()
