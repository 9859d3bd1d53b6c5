"""Free ports of the loopback."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_FOLDER = Path(tempfile.gettempdir()) / "gatehouse-test-ports"
_locks = []  # held until this process ends


def _first_outgoing_port():
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _lock_of(port):
    _FOLDER.mkdir(exist_ok=True)
    return os.open(_FOLDER / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)


def reserve(port):
    """Waits until no other test run uses this fixed port, which must be free then. The file
    descriptor that comes back is closed to give it up."""
    lock = _lock_of(port)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            os.close(lock)
            raise AssertionError(f"port {port} is needed, and something else has it") from None
    return lock


def free_port():
    """A port that nobody listens on, and that no other test run on this machine is given. Below the
    range from which the kernel takes ports for outgoing connections: those come and go."""
    while True:
        port = random.randrange(10000, _first_outgoing_port())
        lock = _lock_of(port)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _locks.append(lock)
        return port
