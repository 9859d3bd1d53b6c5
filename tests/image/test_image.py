"""The container image, built without an engine: buildah in chroot isolation, on a base image made
with debootstrap. It runs in a network of its own, in which everybody may bind ports 80 and 443, as
container engines give it. Needs root: ctest calls it by sudo for others.

buildah, the base image and the compiler's cache are kept in build/image: a second run is quick.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/image"
BASE = "localhost/debian:trixie"
IMAGE = "localhost/gatehouse:test"
CONFIGURATION = "/etc/gatehouse/gatehouse.json"
SIZE_BEYOND_BASE_MB = 150
os.environ["TMPDIR"] = f"{FOLDER}/tmp"
BUILDAH = ["buildah", "--root", f"{FOLDER}/storage", "--runroot", f"{FOLDER}/run"]


def call(*command, **options):
    done = subprocess.run(command, text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


def inspect(image):
    return json.loads(call(*BUILDAH, "inspect", "--type", "image", image))


@pytest.fixture(scope="module")
def image():
    call(ROOT / "tools/base_image.sh", FOLDER, BASE)
    call("nice", "env", f"BASE={BASE}", f"BUILDAH_FOLDER={FOLDER}", ROOT / "tools/image.sh", IMAGE)
    return inspect(IMAGE)


@pytest.fixture(scope="module")
def mount(image):
    """A container of the image: its name, and where its files are to be seen."""
    container = call(*BUILDAH, "from", "--pull-never", IMAGE)
    yield container, Path(call(*BUILDAH, "mount", container))
    call(*BUILDAH, "rm", container)


@pytest.fixture
def network():
    """A network of its own: a prefix for commands that are to run in it."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo $$; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    inside = ["nsenter", f"--net=/proc/{int(holder.stdout.readline())}/ns/net", "--"]
    loopback_up = (
        "import fcntl, socket, struct\n"
        "with socket.socket() as s:\n"
        "    fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 0x1 | 0x40))  # SIOCSIFFLAGS\n"
    )
    call(*inside, "/usr/bin/python3", "-c", loopback_up)
    call(*inside, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start")
    yield inside
    holder.stdin.close()
    holder.wait(timeout=10)


def process_named(name, ancestor):
    """The process below `ancestor` that runs `name`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it has ended meanwhile
            comm, rest = stat[stat.index("(") + 1 :].rsplit(")", 1)
            parents[int(entry.name)] = (int(rest.split()[1]), comm)
    for pid, (parent, comm) in parents.items():
        while parent not in (0, ancestor):
            parent = parents.get(parent, (0, ""))[0]
        if parent == ancestor and comm == name:
            return pid
    return None


class Run:
    """The image's own command line, run as its own user; `until` is the last line of its start."""

    def __init__(self, image, mount, network, until, *options):
        config = image["Docker"]["config"]
        self.inside = [*network, *BUILDAH, "run", "--isolation", "chroot", *options, mount[0], "--"]
        self.healthcheck = [*self.inside, *config["Healthcheck"]["Test"][1:]]
        self.runner = subprocess.Popen(
            [*self.inside, *config["Entrypoint"], *config["Cmd"]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        said = []
        for line in self.runner.stdout:
            said.append(line)
            if until in line:
                break
        self.pid = process_named("gatehouse", self.runner.pid)
        assert self.pid, "".join(said)

    def __enter__(self):
        return self

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.runner.communicate(timeout=60)
        return self.runner.returncode

    def __exit__(self, *_):
        if self.runner.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.runner.communicate(timeout=60)


def curl(network, *arguments):
    return call(*network, "curl", "--silent", "--show-error", "--max-time", "10", *arguments)


def test_it_runs_as_its_own_user_with_everything_declared(image):
    config = image["Docker"]["config"]
    assert config["User"] == "65532:65532"
    assert set(config["ExposedPorts"]) == {"80/tcp", "443/tcp"}
    assert set(config["Volumes"]) == {"/data"}
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "gatehouse", "healthcheck"]
    assert config["Entrypoint"] == ["gatehouse"]
    assert config["Cmd"] == ["run", "--config", CONFIGURATION]
    assert "GATEHOUSE_DATA=/data" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.title"] == "gatehouse"


def test_it_is_small(mount):
    base = call(*BUILDAH, "from", "--pull-never", BASE)
    folders = [call(*BUILDAH, "mount", base), str(mount[1])]
    sizes = [int(call("du", "-sm", "-x", folder).split()[0]) for folder in folders]
    call(*BUILDAH, "rm", base)
    print(f"base {sizes[0]} MB, image {sizes[1]} MB")
    assert sizes[1] - sizes[0] < SIZE_BEYOND_BASE_MB


def test_no_compiler_and_no_openssl_are_linked_in(mount):
    binary = mount[1] / "usr/local/bin/gatehouse"
    needed = call("readelf", "-d", binary)
    assert "libc.so" in needed
    assert "libssl" not in needed and "libcrypto" not in needed
    assert not list((mount[1] / "usr/bin").glob("clang*"))


def test_without_a_file_it_says_where_to_put_one(image, mount, network):
    with Run(image, mount, network, ":80") as run:
        assert CONFIGURATION in curl(network, "http://localhost/")
        call(*run.healthcheck)
        assert run.stop() == 0


def test_it_serves_is_healthy_and_stops_by_sigterm(image, mount, network, tmp_path):
    file = tmp_path / "gatehouse.json"
    file.write_text('{"sites": [{"hosts": ["localhost"], "respond": {"body": "it serves"}}]}')
    file.chmod(0o644)
    own_file = ["--volume", f"{file}:{CONFIGURATION}:ro"]
    with Run(image, mount, network, "certificate obtained", *own_file) as run:
        assert Path(f"/proc/{run.pid}").stat().st_uid == 65532

        root = tmp_path / "root.pem"
        root.write_text(call(*run.inside, "gatehouse", "trust", "--config", CONFIGURATION) + "\n")
        assert curl(network, "--cacert", str(root), "https://localhost/") == "it serves"
        redirected = curl(network, "--output", "/dev/null", "--write-out",
                          "%{http_code} %{redirect_url}", "http://localhost/x?y")
        assert redirected == "308 https://localhost/x?y"
        call(*run.healthcheck)

        assert run.stop() == 0
        assert subprocess.run(run.healthcheck, capture_output=True).returncode == 1
