"""What each proxy is told to do in a run; how, its file in peers/ knows."""

from dataclasses import dataclass, field
from pathlib import Path

from machine import PROXY_CORE

HOST = "localhost"


@dataclass
class Front:
    """One listener and one upstream, both on 127.0.0.1."""

    folder: Path  # the proxy's own
    port: int
    upstream: int  # its port
    tls: bool = True
    http2: bool = False  # for clients; HTTP/1.1 is spoken in any case
    upstream_http2: bool = False  # by prior knowledge, without TLS
    refuses: bool = False  # names without a certificate are refused in the handshake
    cores: str = str(PROXY_CORE)  # that it may run on, as taskset says them
    certificates: list = field(default_factory=list)  # (name, chain, key); the first is HOST's

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://{HOST}:{self.port}"


class Unable(Exception):
    """What a proxy cannot do, so that its row stays empty."""


class Failed(Exception):
    """A run that is no measurement: an error, a wrong answer, unequal work."""
