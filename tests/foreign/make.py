#!/usr/bin/env python3
"""Makes the folders beside it anew, in a folder that is given: with Debian's certbot, lego and
caddy in $PATH, and tools/pebble.sh's Pebble as their CA. No test runs it.

    /usr/bin/python3 tests/foreign/make.py FOLDER
"""

import os
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness.certificates import self_signed  # noqa: E402
from harness.pebble import Pebble  # noqa: E402
from harness.process import Process  # noqa: E402

DIRECTORY = "https://localhost:14000/dir"
HTTP, HTTPS = 5002, 5001  # where Pebble looks
TWENTY_YEARS = 20 * 365 * 86400


def run(*command, **environment):
    subprocess.run([str(word) for word in command], env={**os.environ, **environment}, check=True)


def certbot(folder, work, trust):
    places = ["--config-dir", folder, "--work-dir", work, "--logs-dir", work, "--server", DIRECTORY]
    common = ["certonly", "--standalone", "-n", "--agree-tos", "-m", "ops@example.com",
              "--http-01-port", HTTP, *places]
    for more in (["-d", "one.certbot.example", "-d", "two.certbot.example"],
                 ["-d", "rsa.certbot.example", "--key-type", "rsa", "--rsa-key-size", "2048"]):
        run("certbot", *common, *more, REQUESTS_CA_BUNDLE=trust)
    run("certbot", "renew", "-n", "--force-renewal", "--no-random-sleep-on-renew", "--cert-name",
        "one.certbot.example", *places, REQUESTS_CA_BUNDLE=trust)
    for left in ("csr", "keys", "renewal-hooks"):
        shutil.rmtree(folder / left)
    for file in (folder / "renewal").iterdir():
        file.write_text(file.read_text().replace(str(folder), "/etc/letsencrypt")
                        .replace(str(work), "/var/lib/letsencrypt"))


def lego(folder, trust):
    run("lego", "--server", DIRECTORY, "--email", "ops@example.com", "--accept-tos", "--http",
        "--http.port", f":{HTTP}", "--path", folder, "--domains", "one.lego.example", "--domains",
        "two.lego.example", "run", LEGO_CA_CERTIFICATES=trust)


def caddy(folder, work, trust):
    file = work / "Caddyfile"
    file.write_text(f"""{{
  admin off
  http_port {HTTP}
  https_port {HTTPS}
  acme_ca {DIRECTORY}
  acme_ca_root {trust}
  email ops@example.com
  skip_install_trust
  storage file_system {folder}
}}
one.caddy.example {{
  respond here
}}
internal.caddy.example {{
  tls internal
  respond here
}}
""")
    server = Process("caddy", "run", "--config", file, "--adapter", "caddyfile")
    names = ("one.caddy.example.crt", "internal.caddy.example.crt")
    server.wait_until(lambda: all(list(folder.rglob(name)) for name in names), "certificates")
    server.stop()
    for left in ("locks", "pki"):
        shutil.rmtree(folder / left, ignore_errors=True)


def main(target):
    work = Path(tempfile.mkdtemp())
    files = self_signed(work, "pebble", ["localhost", "127.0.0.1"])
    fixed = types.SimpleNamespace(ports=[14000, 15000, 18053, 18055], files=files)
    with Pebble(work, (HTTP, HTTPS), validity=TWENTY_YEARS, restart_of=fixed) as pebble:
        trust = str(pebble.ca_file)
        certbot(target / "certbot", work, trust)
        lego(target / "lego", trust)
        caddy(target / "caddy", work, trust)


main(Path(sys.argv[1]).resolve())
