"""Debian's Knot DNS, the authoritative server of zones that a TSIG key may change."""

import base64
import re
import subprocess
from pathlib import Path

from .ports import free_port
from .process import Process

_ZONE = """$ORIGIN {zone}.
$TTL 5
@ SOA ns1 hostmaster 1 600 600 600 5
@ NS ns1
ns1 A 127.0.0.1
* A 127.0.0.1
@ A 127.0.0.1
_acme-challenge TXT "somebody else's"
{more}
"""


class Knot(Process):
    """`algorithms`: of one key each, which is called like it and has the secret `secret`. `more`:
    records of the first zone."""

    def __init__(self, folder, zones, algorithms=("hmac-sha256",), more=""):
        folder = Path(folder)
        (folder / "db").mkdir(parents=True)
        self.port = free_port()
        self._zones = zones
        self.secret = base64.b64encode(b"thirty-two bytes of secret, here").decode()
        for zone in zones:
            (folder / f"{zone}.zone").write_text(_ZONE.format(zone=zone, more=more))
            more = ""
        keys = "".join(f"  - id: {one}\n    algorithm: {one}\n    secret: {self.secret}\n"
                       for one in algorithms)
        config = folder / "knot.conf"
        config.write_text(f"""server:
    rundir: {folder}
    listen: 127.0.0.1@{self.port}
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {folder}/db
key:
{keys}acl:
  - id: change
    key: [{", ".join(algorithms)}]
    action: update
template:
  - id: default
    storage: {folder}
    acl: change
    zonefile-sync: -1
zone:
""" + "".join(f"  - domain: {zone}\n" for zone in zones))
        self.control = f"/usr/sbin/knotc -s {folder}/knot.sock"
        super().__init__("/usr/sbin/knotd", "-c", config)
        self.wait_for_line("server started")

    def values(self, name):
        """What the TXT records at the name say."""
        zone = next(one for one in self._zones if name.endswith(one))
        said = subprocess.run([*self.control.split(), "zone-read", zone, name + ".", "TXT"],
                              capture_output=True, text=True)
        return re.findall(r'TXT "([^"]*)"', said.stdout)
