"""The proxies that are compared: a file each, with what its experts would set for the work at hand.

Each class has a `name`, a `version`, and `command(front)`, which writes its configuration and
returns the words to start it and what to add to its environment. Common to all: one worker,
TLS 1.3, tickets, connections kept to clients and upstreams, no access log, no temporary files, and
the client told to the upstream in X-Forwarded-For and -Proto. Clients see to it that all speak the
same TLS (openssl.cnf).
"""

from .caddy import Caddy
from .gatehouse import Gatehouse
from .haproxy import Haproxy
from .nghttpx import Nghttpx
from .nginx import Nginx

ALL = [Gatehouse, Nginx, Haproxy, Caddy, Nghttpx]
