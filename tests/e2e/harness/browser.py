"""Debian's Chromium without a window."""

import base64
import hashlib
import os
import signal

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .process import Process

QUIET = ("--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-proxy-server")


class Browser(Process):
    """Visits `url`, whose host is on the loopback and whose certificate, in the file `pem`, is
    believed."""

    def __init__(self, folder, url, host, pem):
        key = x509.load_pem_x509_certificate(pem.read_bytes()).public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        believed = base64.b64encode(hashlib.sha256(key).digest()).decode()
        super().__init__(
            "chromium-headless-shell", "--no-sandbox", *QUIET, f"--user-data-dir={folder}",
            f"--host-resolver-rules=MAP {host} 127.0.0.1", "--remote-debugging-port=0",
            f"--ignore-certificate-errors-spki-list={believed}", url)

    def kill(self):
        if self.is_running():
            os.killpg(self.pid, signal.SIGKILL)  # and the processes that it has started
        return self.wait()
