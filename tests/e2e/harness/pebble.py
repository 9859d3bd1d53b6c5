"""Pebble, the ACME test CA, with its DNS test server: where tools/pebble.sh puts them."""

import datetime
import json
import socket
import ssl
import urllib.request
from pathlib import Path

from .certificates import private_key, self_signed
from .ports import free_port
from .process import Process


PROGRAMS = Path(__file__).resolve().parents[3] / "build/deps/pebble"


def _dns_arguments(dns, admin):
    return [
        PROGRAMS / "pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", "",
        "-doh", "", "-dnsserver", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{admin}",
        "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1",
    ]


class Pebble:
    """A CA that validates on the given ports of the loopback. Random nonce rejection is on, as it
    is by default; authorizations are never reused, so that each order is validated. `validity`: of
    its certificates, in seconds. `profiles`: instead of its only one, "default"; name to validity.
    It asks `dns_server` instead of its own DNS test server. With `restart_of`, it listens where
    that one did; it has forgotten all accounts."""

    def __init__(self, folder, gatehouse_ports, validity=90 * 86400, eab=None, profiles=None,
                 restart_of=None, dns_server=None, ocsp=""):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.http_port, self.tls_port = gatehouse_ports
        self.ports = restart_of.ports if restart_of else [free_port() for _ in range(4)]
        self.listen, self.management, self.dns_port, self.dns_admin = self.ports
        self.files = (restart_of.files if restart_of else
                      self_signed(folder, "pebble", ["localhost", "127.0.0.1"]))
        self.ca_file = self.files[0]
        config = folder / "pebble.json"
        config.write_text(json.dumps({"pebble": self._options(
            profiles or {"default": validity}, eab, ocsp)}))
        self.dns = Process(*_dns_arguments(self.dns_port, self.dns_admin))
        self.ca = Process(
            PROGRAMS / "pebble", "-config", config, "-strict",
            "-dnsserver", dns_server or f"127.0.0.1:{self.dns_port}",
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"},
        )
        self.directory = f"https://127.0.0.1:{self.listen}/dir"
        self._trust = ssl.create_default_context(cafile=str(self.ca_file))
        self.dns.wait_until(self._resolves, "an answer")
        roots = f"https://127.0.0.1:{self.management}/roots/0"
        for url in (self.directory, roots):  # two listeners, which begin one after the other
            self.ca.wait_until(lambda: self._answer(url), "an answer")
        self.root_file = folder / "root.pem"
        self.root_file.write_bytes(self._get(roots))

    def _options(self, profiles, eab, ocsp):
        return {
            "listenAddress": f"127.0.0.1:{self.listen}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.files[0]), "privateKey": str(self.files[1]),
            "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": ocsp,
            "externalAccountBindingRequired": bool(eab), "externalAccountMACKeys": eab or {},
            "domainBlocklist": ["blocked.example"],
            "profiles": {name: {"description": name, "validityPeriod": seconds}
                         for name, seconds in profiles.items()},
        }

    def _get(self, url):
        with urllib.request.urlopen(url, context=self._trust, timeout=5) as answer:
            return answer.read()

    def _answer(self, url):
        try:
            return self._get(url)
        except OSError:
            return None

    def _resolves(self):
        question = b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(1)
            try:
                udp.connect(("127.0.0.1", self.dns_port))
                udp.send(question)
                return udp.recv(512)
            except OSError:
                return None

    def issuer(self, **more):
        """The issuer object of a configuration."""
        return {"acme": {"directory": self.directory, "ca_file": str(self.ca_file),
                         "email": "ops@example.com", **more}}

    def set_dns(self, what, **values):
        """Tells the DNS test server, e.g. set_dns("set-servfail", host="a.example.")."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.dns_admin}/{what}", json.dumps(values).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def set_renewal_window(self, certificate, start, end):
        """What the CA says from now on of when to renew `certificate` (PEM): seconds from now."""
        now = datetime.datetime.now(datetime.timezone.utc)
        window = {name: (now + datetime.timedelta(seconds=seconds)).isoformat()
                  for name, seconds in (("start", start), ("end", end))}
        answer = {"Certificate": certificate,
                  "ARIResponse": json.dumps({"suggestedWindow": window})}
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.management}/set-renewal-info/", json.dumps(answer).encode())
        with urllib.request.urlopen(request, context=self._trust, timeout=5) as done:
            assert done.status == 200

    def certificate_status(self, serial):
        """("Valid" or "Revoked", the reason) of the certificate with this serial number in hex."""
        url = f"https://127.0.0.1:{self.management}/cert-status-by-serial/{serial}"
        status = json.loads(self._get(url))
        return status["Status"], status.get("Reason", 0)

    def intermediate(self, folder):
        """Writes the certificate of the CA that signs leaves, and its key; both paths."""
        url = f"https://127.0.0.1:{self.management}/intermediate"
        chain = folder / "intermediate.pem"
        chain.write_bytes(self._get(url + "s/0"))
        key = private_key(self._get(url + "-keys/0"), folder / "intermediate.key")
        return chain, key

    def orders(self):
        """How many orders the CA has taken."""
        return len(self.ca.matching(r"Added order "))

    def accounts(self):
        return len(self.ca.matching(r"There are now \d+ accounts in memory"))

    def issued(self):
        return len(self.ca.matching(r"Issued certificate serial"))

    def stop(self):
        self.ca.kill()
        self.dns.kill()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is not None:
            print("--- pebble ---\n" + "\n".join(self.ca.lines[-80:]))
