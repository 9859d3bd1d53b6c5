"""Peers of other people's making that run in Node, from the npm packages in node_packages.txt."""

import json
from pathlib import Path

from .certificates import self_signed
from .fronts import NAME, plain_front, tls_front
from .gatehouse import ROOT
from .process import Process

NO_TLS, ALL_TLS = (), ("client", "server")
HERE = Path(__file__).parent
PACKAGES = ROOT / "build/deps/node"


class NodePeer(Process):
    """Runs one of the scripts in this folder."""

    def __init__(self, script, *arguments):
        assert (PACKAGES / "LIST").exists(), f"no npm packages in {PACKAGES}: run ./dev setup"
        super().__init__("node", HERE / script, *arguments, env={"NODE_PATH": str(PACKAGES)})

    def results(self):
        """What it has said at its end, each line read as JSON."""
        status = self.wait()
        assert status == 0, self.output
        return [json.loads(line) for line in self.lines]


class NodeServer(NodePeer):
    """`tls`: a folder, for a certificate of 127.0.0.1; `schemes`: without TLS, and with it."""

    def __init__(self, script, tls=None, schemes=("http", "https")):
        self.ca_file, arguments = None, []
        if tls:
            tls.mkdir(parents=True, exist_ok=True)
            arguments = self.ca_file, _ = self_signed(tls, "peer", ["127.0.0.1"])
        super().__init__(script, *arguments)
        port = self.wait_for_line("^listening ").split()[1]
        self.url = f"{schemes[bool(tls)]}://127.0.0.1:{port}"

    @property
    def group(self):
        """As a site's `proxy`."""
        tls = {"tls": {"ca_file": str(self.ca_file)}} if self.ca_file else {}
        return {"servers": [self.url], **tls}


class GrpcServer(NodeServer):
    def __init__(self, tls=None):
        super().__init__("grpc_server.js", tls, ("h2c", "https"))


class WsServer(NodeServer):
    def __init__(self, tls=None):
        super().__init__("ws_server.js", tls)


class NodePair:
    """A `server` (one of those above), a gatehouse in front of it, and the script of a client.
    `tls`: the sides of gatehouse that have TLS, of "client" and "server"."""

    def __init__(self, server, script, folder, tls):
        self.script = script
        self.server = server(folder / "server" if "server" in tls else None)
        if "client" in tls:
            self.front = tls_front(folder, routes=[{"proxy": self.server.group}])
            self.address = [self.front.https, NAME]
            self.root = [folder / "front.pem"]
        else:
            self.front = plain_front(folder, site={"proxy": self.server.group})
            self.address, self.root = [self.front.http, NAME], []

    def client(self, scenario):
        return NodePeer(self.script, *self.address, scenario, *self.root)

    def run(self, scenario):
        with self.client(scenario) as client:
            return client.results()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.front.__exit__(*error)
        self.server.kill()
