"""What most tests need: a folder of their own, and Pebble beside a gatehouse's listeners."""

import pytest

from harness.pebble import Pebble
from harness.ports import free_port


class Ports:
    def __init__(self):
        self.https = free_port()
        self.http = free_port()


@pytest.fixture
def ports():
    return Ports()


@pytest.fixture
def pebble(tmp_path, ports):
    with Pebble(tmp_path / "pebble", http_port=ports.http, tls_port=ports.https) as ca:
        yield ca
