"""Pebble and gatehouse set up for each other: the CA validates where gatehouse listens."""

from pathlib import Path

from .client import trust
from .gatehouse import Gatehouse
from .pebble import Pebble
from .ports import free_port


def site(*hosts, **more):
    """A site that answers by itself, so that what a test says of TLS needs no upstream."""
    return {"hosts": list(hosts), "respond": {"body": "here\n"}, **more}


class AcmeStage:
    """Its Gatehouses, one after another, listen on the same ports and keep the same data. With
    `http_port` or `tls_port`, the CA looks there instead of where gatehouse listens."""

    def __init__(self, folder, http_port=None, tls_port=None, **pebble_options):
        self.folder = Path(folder)
        self.http, self.https = free_port(), free_port()
        self._looks_at = (http_port or self.http, tls_port or self.https)
        self.pebble = Pebble(self.folder / "pebble", self._looks_at, **pebble_options)
        self.trust = trust(self.pebble.root_file)

    def gatehouse(self, *sites, tls=None, issuer=None, **more):
        """`sites`: names, or site objects. `issuer`: keys of the ACME issuer."""
        sites = [site(one) if isinstance(one, str) else one for one in sites]
        config = {"sites": sites,
                  "tls": {"issuers": [self.pebble.issuer(**(issuer or {}))], **(tls or {})}}
        config.update(more.pop("config", {}))
        more = {"https": self.https, "http": self.http, **more}
        return Gatehouse(self.folder / "gatehouse", config, **more)

    def restart_pebble(self, **options):
        """The CA after a stop: at the same address, without memory, with another root."""
        self.pebble = Pebble(self.folder / "pebble", self._looks_at, restart_of=self.pebble,
                             **options)
        self.trust = trust(self.pebble.root_file)

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.pebble.__exit__(kind, *rest)
