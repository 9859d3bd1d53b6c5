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


def free_port():
    """A port that nobody listens on, and that no other test run on this machine is given. Below the
    range from which the kernel takes ports for outgoing connections: those come and go."""
    _FOLDER.mkdir(exist_ok=True)
    while True:
        port = random.randrange(10000, _first_outgoing_port())
        lock = os.open(_FOLDER / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _locks.append(lock)
        return port
