"""Node's and nghttp2's servers behind gatehouse, curl as its client."""

import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from .certificates import self_signed
from .ports import free_port
from .process import PATIENCE, Process

UPSTREAM = Path(__file__).with_name("http2_upstream.js")


class Http2Upstream(Process):
    """Node, doing what the path says (http2_upstream.js). `tls`: a folder, for a certificate of
    `names`; without it h2c."""

    def __init__(self, tls=None, names=("127.0.0.1",), **env):
        self.ca_file = None
        arguments = ["h2c"]
        if tls:
            tls.mkdir(parents=True, exist_ok=True)
            self.ca_file, key = self_signed(tls, "upstream", list(names))
            arguments = [self.ca_file, key]
        env = {name.upper(): str(value) for name, value in env.items()}
        super().__init__("node", UPSTREAM, *arguments, env=env)
        self.port = int(self.wait_for_line("^listening ").split()[1])
        self.url = f"{'https' if tls else 'h2c'}://127.0.0.1:{self.port}"

    @property
    def group(self):
        """As a site's `proxy`."""
        group = {"servers": [self.url]}
        if self.ca_file:
            group["tls"] = {"ca_file": str(self.ca_file)}
        return group

    def sessions(self):
        return len(self.matching("^session "))


class NodeUpstream(Process):
    """One of Node's scripts in this folder that serve one version of HTTP: h1 or h2c."""

    def __init__(self, script, version):
        super().__init__("node", UPSTREAM.with_name(script), version)
        self.port = int(self.wait_for_line("^listening ").split()[1])
        self.url = f"{'http' if version == 'h1' else 'h2c'}://127.0.0.1:{self.port}"


class PlannedUpstream(NodeUpstream):
    """Doing what each request's plan says (planned_upstream.js)."""

    def __init__(self, version):
        super().__init__("planned_upstream.js", version)


class SlowUpstream(NodeUpstream):
    """Whose responses never end (slow_upstream.js)."""

    def __init__(self, version):
        super().__init__("slow_upstream.js", version)

    def say_more(self):
        """A piece to each response that is open."""
        self.signal(signal.SIGUSR2)


class Nghttpd(Process):
    """nghttp2's own server over a folder of files. `tls`: (certificate, key)."""

    def __init__(self, folder, tls=None, options=()):
        self.port = free_port()
        files = [] if tls else ["--no-tls"]
        pair = [tls[1], tls[0]] if tls else []
        super().__init__("nghttpd", "-v", "-a", "127.0.0.1", "-d", folder, *files, *options,
                         self.port, *pair)
        self.wait_for_line("listen 127.0.0.1")
        self.url = f"{'https' if tls else 'h2c'}://127.0.0.1:{self.port}"


class Nghttpx(Process):
    """nghttp2's proxy: wants a PROXY header, then HTTP/2, and passes on to an `upstream` of h2c."""

    def __init__(self, upstream):
        self.port = free_port()
        self.url = f"h2c://127.0.0.1:{self.port}"
        super().__init__("nghttpx", "--conf=/dev/null", "--workers=1", "--single-process",
                         f"--frontend=127.0.0.1,{self.port};no-tls;proxyproto",
                         f"--backend=127.0.0.1,{upstream.port};;proto=h2",
                         "--errorlog-file=/dev/stderr", "-LNOTICE")
        self.wait_for_line("Listening on")


class Answer(NamedTuple):
    exit_status: int
    status: int
    head: str
    body: bytes
    version: str


def nghttp(url, *arguments):
    """What nghttp2's client says of a request: frames and bodies."""
    done = subprocess.run(["nghttp", "-v", *arguments, url], capture_output=True, timeout=PATIENCE)
    return done.stdout.decode("latin-1")


def talk(url, path, *protocol):
    """The lines that Node's client says of a conversation in turns (http2_talk.js)."""
    done = subprocess.run(["node", UPSTREAM.with_name("http2_talk.js"), url, path, *protocol],
                          capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout.splitlines()


def curl(url, *arguments, stdin=None, resolve=None, to="-"):
    """One request; `exit_status` is curl's own, 0 for a message that came whole. `to`: a file that
    gets the body instead."""
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-o", str(to), "-D", "/dev/stderr", "-w",
         "\n%{http_code} %{http_version}", *(["--resolve", resolve] if resolve else []),
         *arguments, url],
        capture_output=True, input=stdin, timeout=PATIENCE)
    body, _, last = done.stdout.rpartition(b"\n")
    status, version = last.decode().split()
    return Answer(done.returncode, int(status), done.stderr.decode("latin-1"), body, version)
