"""gatehouse as it ships, its limits on."""

import json
import os
import subprocess

from .release import ROOT

BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / "build/release/gatehouse"))


class Gatehouse:
    name = "gatehouse"

    def __init__(self, release):
        done = subprocess.run([BINARY, "version"], capture_output=True, text=True, check=True)
        self.version = done.stdout.split("\n")[0].removeprefix("gatehouse").strip()

    def command(self, front):
        file = front.folder / "gatehouse.json"
        file.write_text(json.dumps(self.config(front), indent=1))
        return [BINARY, "run", "--config", file], {}

    def config(self, front):
        listener = [f"127.0.0.1:{front.port}"]
        scheme = "h2c" if front.upstream_http2 else "http"
        action = {"proxy": {"servers": [f"{scheme}://127.0.0.1:{front.upstream}"],
                            "keepalive": {"connections": 1024, "idle": "10m"}}}
        if front.tls:
            sites = [{"hosts": [name], **action,
                      "tls": {"certificate": {"file": str(chain), "key": str(key)}}}
                     for name, chain, key in front.certificates]
        else:
            sites = [{"hosts": ["*"], "tls": False, **action}]
        return {
            "listen": {"https": listener if front.tls else [],
                       "http": [] if front.tls else listener},
            "workers": 1,
            "tls": {"min_version": "1.3"},
            "timeouts": {"idle": "10m"},
            "storage": {"file": {"path": str(front.folder / "data")}},
            "log": {"level": "warn", "format": "text"},
            "sites": sites,
        }
