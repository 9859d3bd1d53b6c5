"""Certificates are renewed by timer, in the background, and never dropped because that failed."""

import datetime
import re
import ssl
import threading

from cryptography import x509
from harness.client import connect, no_checks, refusal, serial
from harness.process import SANITIZED
from harness.stage import AcmeStage, site

LIFE = 20 if SANITIZED else 12  # seconds; with half or a third of it left they are renewed


class Load:
    """Clients that shake hands with a name without end, and check what they are shown."""

    def __init__(self, port, name, context, clients=4):
        self.serials, self.failures, self.handshakes = set(), [], 0
        self._args = (port, name, context)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._over.is_set():
            try:
                self.serials.add(serial(*self._args))
                self.handshakes += 1
            except (OSError, ssl.SSLError) as error:
                self.failures.append(error)

    def stop(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_names_of_files_and_names_on_demand_are_renewed_under_load(tmp_path):
    with AcmeStage(tmp_path, validity=LIFE) as stage:
        sites = ["a.example", site("*.shop.example", tls={"on_demand": True})]
        policy = {"on_demand": {"allow": ["*.shop.example"]}}
        with stage.gatehouse(*sites, tls=policy) as gatehouse:
            quiet = serial(gatehouse.https, "quiet.shop.example", stage.trust)
            load = Load(gatehouse.https, "a.example", stage.trust)
            try:
                # Three times, so that the first certificate has expired; the name on demand
                # without that anybody asks for it.
                for name in ("a.example", "quiet.shop.example"):
                    gatehouse.wait_for_line(f"certificate obtained name={name} ", count=3)
            finally:
                load.stop()
            assert not load.failures, load.failures[:3]
            assert len(load.serials) >= 2 and load.handshakes > 50
            assert serial(gatehouse.https, "quiet.shop.example", stage.trust) != quiet


def test_a_certificate_whose_renewal_fails_is_served_on_and_the_backoff_survives_a_restart(
        tmp_path):
    with AcmeStage(tmp_path, validity=LIFE // 2) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            with connect(gatehouse.https, "a.example", stage.trust) as connection:
                leaf = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
            stage.pebble.stop()
            failed = gatehouse.wait_for_line("no certificate for a name.*failures=1")
            # Past its end it is still better than none.
            gatehouse.wait_until(
                lambda: datetime.datetime.utcnow() > leaf.not_valid_after, "its end")
            assert serial(gatehouse.https, "a.example", no_checks()) == leaf.serial_number
        next_attempt = re.search(r'next_attempt="([^"]+)"', failed)[1]
        at = datetime.datetime.strptime(next_attempt, "%Y-%m-%d %H:%M:%S")
        waited = at - datetime.datetime.strptime(failed[:19], "%Y-%m-%dT%H:%M:%S")
        assert 50 <= waited.total_seconds() <= 70  # a minute, with jitter
        stage.restart_pebble()
        with stage.gatehouse("a.example") as gatehouse:
            assert refusal(gatehouse.https, "a.example") == "internal error"
            gatehouse.wait_for_line(f"refused.*next one at {next_attempt}")
        assert stage.pebble.orders() == 0


def test_what_is_due_is_renewed_after_a_restart(tmp_path):
    sites = ["a.example", site("*.shop.example", tls={"on_demand": True})]
    policy = {"on_demand": {"allow": ["*.shop.example"]}}
    with AcmeStage(tmp_path, validity=LIFE) as stage:
        with stage.gatehouse(*sites, tls=policy) as gatehouse:
            first = serial(gatehouse.https, "a.example", stage.trust)
            serial(gatehouse.https, "quiet.shop.example", stage.trust)
        with stage.gatehouse(*sites, tls=policy) as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == first
            gatehouse.wait_for_line("certificate obtained name=a.example ")
            gatehouse.wait_until(
                lambda: serial(gatehouse.https, "a.example", stage.trust) != first, "a new one")
            # Without that anybody asks for it.
            gatehouse.wait_for_line("certificate obtained name=quiet.shop.example ")
        # Nothing is ordered beside what was obtained: two before, and these. What was in hand at
        # the end may be one more for each name.
        obtained = 2 + len(gatehouse.matching("certificate obtained"))
        assert obtained <= stage.pebble.orders() <= obtained + 2


def test_the_ca_says_when_and_which_certificate_the_order_replaces(tmp_path):
    with AcmeStage(tmp_path, validity=100) as stage:
        quiet = {"renewal": {"ari": False}}
        with stage.gatehouse("a.example", tls=quiet) as gatehouse:
            with connect(gatehouse.https, "a.example", stage.trust) as connection:
                der = connection.getpeercert(binary_form=True)
        # As if it had been revoked.
        stage.pebble.set_renewal_window(ssl.DER_cert_to_PEM_cert(der), -3600, -1800)
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("the CA says when to renew name=a.example")
            gatehouse.wait_for_line("certificate obtained name=a.example")
            assert not gatehouse.matching("ordering without that")
        assert stage.pebble.orders() == 2
