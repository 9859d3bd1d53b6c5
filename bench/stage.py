"""One proxy in one round of one case, with its origin: what a case's function is given."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import chains
import origin
from front import Failed, Front
from harness.ports import free_port
from running import Running


@dataclass
class Stage:
    peer: object
    release: object
    folder: Path  # of this round
    kept: Path  # certificates, for all rounds
    seconds: int

    @contextmanager
    def front(self, many=False, **options):
        """The front that a proxy is to be, with its origin behind it."""
        http2 = options.get("upstream_http2", False)
        behind = origin.http2(self.folder / "origin", self.release) if http2 else origin.http1()
        with behind:
            certificates = (chains.many if many else chains.one)(self.kept)
            yield Front(self.folder / "proxy", free_port(), behind.port,
                        certificates=certificates, **options)

    def per_unit(self, load, unit="units", **options):
        """Runs `load(front, seconds)` twice, to warm up and to measure. What it returned, with
        `cpu`, microseconds for each unit, and `rate`, units a second."""
        with self.front(**options) as front, Running(self.peer, front) as running:
            running.wait()
            load(front, 1)
            pids, before = running.pids(), running.cpu()
            said = load(front, self.seconds)
            after = running.cpu()
            if running.pids() != pids:
                raise Failed("processes of the proxy have come or gone")
        said["cpu"] = (after - before) / 1000 / said[unit]
        said["rate"] = said[unit] / said["seconds"]
        return said
