"""The real binary, with a configuration and a data folder of its own."""

import json
import os
import re
import subprocess
from pathlib import Path

from .ports import free_port
from .process import BAD_SIGNS, Process

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / "build/debug/gatehouse"))


def command(*arguments, stdin=None, env=None):
    """Runs the binary to its end."""
    return subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, input=stdin, timeout=60,
        env=dict(os.environ, **(env or {})),
    )


class Gatehouse(Process):
    """Starts with `config`, whose listeners, storage and log are filled in where it leaves them
    out, and waits until it listens. Starting again in the same folder with the same ports is a
    restart."""

    def __init__(self, folder, config, https=None, http=None, data=None, env=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.https = https or free_port()
        self.http = http or free_port()
        self.data = Path(data or self.folder / "data")
        filled = {
            "listen": {"https": [f"127.0.0.1:{self.https}"], "http": [f"127.0.0.1:{self.http}"]},
            "workers": 2,
            "storage": {"file": {"path": str(self.data)}},
            "log": {"level": "debug", "format": "text"},
            "admin": False,  # its default address is one for all that run at once
        }
        filled["listen"].update(config.get("listen", {}))
        filled.update({key: value for key, value in config.items() if key != "listen"})
        self.config_file = self.folder / f"gatehouse-{self.https}.json"
        self.config_file.write_text(json.dumps(filled, indent=1))
        super().__init__(BINARY, "run", "--config", self.config_file, env=env)
        listeners = sum(len(filled["listen"][kind]) for kind in ("https", "http"))
        self.wait_for_line("^listening on ", count=listeners)

    def stop(self):
        """SIGTERM: it must end well, and have left no sign of a bug."""
        status = super().stop()
        assert status == 0, f"exit status {status}:\n{self.output}"
        self.check_output()
        return status

    def check_output(self):
        signs = [line for line in self.output.splitlines() if BAD_SIGNS.search(line)]
        assert not signs, self.output

    def kill9(self):
        self.kill()
        self.check_output()

    def memory(self, what="VmRSS"):
        """Bytes: "VmRSS" is resident now, "VmHWM" the most so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {what}")

    def records(self, kind="certificates"):
        """The files that hold "certificates" or "accounts"."""
        return sorted(p for p in (self.data / kind).rglob("*") if p.is_file())

    def __exit__(self, kind, *rest):
        if kind is None and self.is_running():
            self.stop()
        else:
            self.kill()
        if kind is not None:
            print(f"--- gatehouse {self.https} ---\n{self.output}")


def counted(gatehouse):
    """Stops it; how often which of its bounds were met."""
    gatehouse.stop()
    lines = re.findall(r"refused for the site's safety.*kind=\"?(\w+)\"?.*total=(\d+)",
                       gatehouse.output)
    return {kind: int(total) for kind, total in lines}
