"""Gatehouses in front of one upstream, for tests whose theme is not certificates."""

from .certificates import self_signed
from .client import trust
from .gatehouse import Gatehouse

NAME = "front.example"


def plain_front(folder, *upstreams, **config):
    """One plain site for every host. `upstreams`: URLs."""
    action = {"proxy": list(upstreams)} if upstreams else {}
    one = {"hosts": ["*"], "tls": False, **action, **config.pop("site", {})}
    env = config.pop("env", None)
    return Gatehouse(folder, {"sites": [one], **config}, env=env)


def two_fronts(folder, h1, h2, **config):
    """A plain site that is called h1, before an upstream of HTTP/1.1, and one h2, before one of
    HTTP/2."""
    sites = [{"hosts": [name], "tls": False, "proxy": [upstream.url]}
             for name, upstream in (("h1", h1), ("h2", h2))]
    return Gatehouse(folder, {"sites": sites, "workers": 1, **config})


def tls_front(folder, *upstreams, **config):
    """One site called NAME with a certificate from files; its `trust` is what clients need. Instead
    of upstreams it may have `routes`."""
    folder.mkdir(parents=True, exist_ok=True)
    chain, key = self_signed(folder, "front", [NAME])
    routes = config.pop("routes", None)
    action = {"routes": routes} if routes else {"proxy": list(upstreams)}
    one = {"hosts": [NAME], **action,
           "tls": {"certificate": {"file": str(chain), "key": str(key)}}}
    env = config.pop("env", None)
    gatehouse = Gatehouse(folder, {"sites": [one], **config}, env=env)
    gatehouse.trust = trust(chain)
    return gatehouse
