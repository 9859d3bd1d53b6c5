"""A Debian release's proxies, run where tools/peers.sh has laid them, with their C library."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Release:
    def __init__(self, name):
        self.name = name
        self._folder = None

    @property
    def folder(self):
        """Fetched when it is first needed."""
        if self._folder is None:
            done = subprocess.run([ROOT / "tools/peers.sh", self.name], check=True, text=True,
                                  stdout=subprocess.PIPE)
            self._folder = Path(done.stdout.strip())
        return self._folder

    def command(self, program):
        """The words that begin a program's command line."""
        loader = next((self.folder / "usr/lib64").glob("ld-linux*"))
        libraries = loader.resolve().parent
        return [loader, "--library-path", libraries, self.folder / program]

    def version(self, package):
        lines = (self.folder / "VERSIONS").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.split()[0] == package)
