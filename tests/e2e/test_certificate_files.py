"""Certificates from files are read again when the files change."""

import re

from cryptography import x509
from harness.certificates import self_signed
from harness.client import no_checks, serial
from harness.gatehouse import Gatehouse
from harness.stage import site


def pair(folder, **more):
    """A new chain and key, and the serial number."""
    chain, key = self_signed(folder, "new", ["a.example"], **more)
    number = x509.load_pem_x509_certificate(chain.read_bytes()).serial_number
    return chain, key, number


def test_changed_files_are_served_and_told_of_once(tmp_path):
    files = tmp_path / "tls"
    files.mkdir()
    chain, key, first = pair(tmp_path, days=5, age=85)
    chain.rename(files / "tls.crt")
    key.rename(files / "tls.key")
    own = {"certificate": {"file": str(files / "tls.crt"), "key": str(files / "tls.key")}}
    with Gatehouse(tmp_path / "gatehouse", {"sites": [site("a.example", tls=own)]}) as gatehouse:
        shown = lambda: serial(gatehouse.https, "a.example", no_checks())
        assert shown() == first
        gatehouse.wait_for_line("about to expire names=a.example")
        chain, key, second = pair(tmp_path)
        chain.rename(files / "tls.crt")
        # Only one of the two: the old pair is served on, and one warning names both files.
        line = gatehouse.wait_for_line("changed certificate files cannot be used")
        assert str(files / "tls.crt") in line and str(files / "tls.key") in line and "key" in line
        assert shown() == first
        key.rename(files / "tls.key")
        line = gatehouse.wait_for_line("a changed certificate was read from its files")
        assert int(re.search(r"serial=(\w+)", line)[1], 16) == second and "a.example" in line
        gatehouse.wait_until(lambda: shown() == second, "the new certificate")
    for told in ("about to expire", "changed certificate files cannot be used",
                 "a changed certificate was read"):
        assert len(re.findall(told, gatehouse.output)) == 1, gatehouse.output
