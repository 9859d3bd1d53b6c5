"""The internal CA, and the embedded default that shows it to newcomers."""

import json
import os
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.client import connect, get, serial, trust
from harness.fronts import NAME, tls_front
from harness.gatehouse import BINARY, Gatehouse, command
from harness.ports import free_port, reserve
from harness.process import BAD_SIGNS, Process
from harness.servers import EchoServer
from harness.stage import AcmeStage, site


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *arguments],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def root_of(gatehouse, folder):
    """The root, in a file, as `gatehouse trust` prints it."""
    done = command("trust", "--config", gatehouse.config_file)
    assert done.returncode == 0, done.stderr
    file = folder / "internal-root.pem"
    file.write_text(done.stdout)
    return file


def test_curl_believes_the_internal_ca_by_the_root_that_trust_prints(tmp_path):
    sites = [site("shop.test", "localhost"), site("*.localhost", tls={"on_demand": True})]
    config = {"sites": sites, "tls": {"on_demand": {"allow": ["*.localhost"]}}}
    with Gatehouse(tmp_path, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained name=shop.test")
        root = root_of(gatehouse, tmp_path)
        for name in ("shop.test", "localhost", "a.localhost"):
            resolve = ["--resolve", f"{name}:{gatehouse.https}:127.0.0.1"]
            url = f"https://{name}:{gatehouse.https}/"
            assert curl("--cacert", str(root), *resolve, url) == "here\n"


def test_the_internal_ca_keeps_root_and_certificates_over_a_restart(tmp_path):
    config = {"sites": [site("shop.test")], "tls": {"issuers": [{"internal": {}}]}}
    with Gatehouse(tmp_path, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        root = root_of(gatehouse, tmp_path)
        first = serial(gatehouse.https, "shop.test", trust(root))
    with Gatehouse(tmp_path, config) as gatehouse:
        assert serial(gatehouse.https, "shop.test", trust(root)) == first
        assert not gatehouse.matching("obtained|new root|new intermediate")


def test_a_wildcard_site_gets_one_certificate_for_all_its_names(tmp_path):
    config = {"sites": [site("*.shop.test")], "tls": {"issuers": [{"internal": {}}]}}
    with Gatehouse(tmp_path, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        context = trust(root_of(gatehouse, tmp_path))
        names = ("a.shop.test", "b.shop.test")
        serials = {serial(gatehouse.https, name, context) for name in names}
        assert len(serials) == 1


@pytest.mark.parametrize("key_type, kind, bits", [
    ("p256", ec.EllipticCurvePublicKey, 256), ("p384", ec.EllipticCurvePublicKey, 384),
    ("rsa2048", rsa.RSAPublicKey, 2048)])
def test_keys_are_of_the_type_that_is_asked_for(tmp_path, key_type, kind, bits):
    config = {"sites": [site("shop.test")], "tls": {"key_type": key_type}}
    with Gatehouse(tmp_path, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        context = trust(root_of(gatehouse, tmp_path))
        with connect(gatehouse.https, "shop.test", context) as connection:
            leaf = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
        assert isinstance(leaf.public_key(), kind) and leaf.public_key().key_size == bits


def test_an_issuer_that_fails_is_followed_by_the_next(tmp_path):
    with AcmeStage(tmp_path) as stage:
        dead = {"acme": {"directory": f"https://127.0.0.1:{free_port()}/dir"}}
        issuers = {"issuers": [dead, stage.pebble.issuer()]}
        with stage.gatehouse("a.example", tls=issuers) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200


def test_trust_without_anything_stored_prints_a_root_that_is_used_later(tmp_path):
    config = {"sites": [site("shop.test")], "tls": {"issuers": [{"internal": {}}]},
              "storage": {"file": {"path": str(tmp_path / "data")}}}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    done = command("trust", "--config", file)
    assert done.returncode == 0, done.stderr
    (tmp_path / "root.pem").write_text(done.stdout)
    with Gatehouse(tmp_path, config) as gatehouse:
        assert get(gatehouse.https, "shop.test", context=trust(tmp_path / "root.pem"))[0] == 200


class EmbeddedDefault(Process):
    """`gatehouse run` without a configuration, on its fixed ports."""

    def __init__(self, data):
        self.reserved = [reserve(8080), reserve(8443)]
        super().__init__(BINARY, "run", env={"GATEHOUSE_DATA": str(data), "GATEHOUSE_CONFIG": ""})
        self.wait_for_line("^listening on ", count=2)
        self.curl_line = self.wait_for_line(r"^\s*curl ").strip()

    def __exit__(self, kind, *rest):
        status = self.stop()
        for lock in self.reserved:
            os.close(lock)
        assert status == 0 or kind, self.output
        assert not BAD_SIGNS.search(self.output) or kind, self.output


def test_without_a_configuration_it_prints_a_curl_line_that_works_as_pasted(tmp_path):
    with EmbeddedDefault(tmp_path / "data") as gatehouse:
        pasted = subprocess.run(["bash", "-c", gatehouse.curl_line], capture_output=True, text=True,
                                timeout=60, cwd="/", env={"PATH": os.environ["PATH"]})
        assert pasted.returncode == 0, pasted.stderr
        assert "hello.localhost" in pasted.stdout
        root = re.search(r"--cacert (\S+)", gatehouse.curl_line)[1]
        for name in ("localhost", "any.localhost"):
            assert get(8443, name, context=trust(root))[0] == 200
        status, head, _ = get(8080, "localhost:8080")
        assert (status, "https://localhost:8443/" in head) == (308, True)
        first = serial(8443, "any.localhost", trust(root))
    # A second start finds everything where the first one left it.
    with EmbeddedDefault(tmp_path / "data") as gatehouse:
        assert serial(8443, "any.localhost", trust(root)) == first
        assert not gatehouse.matching("obtained|new root|new intermediate")


def test_healthcheck_tells_whether_it_serves(tmp_path):
    config = {"sites": [site("shop.test")]}
    with Gatehouse(tmp_path, config) as gatehouse:
        done = command("healthcheck", "--config", gatehouse.config_file)
        assert (done.returncode, done.stdout) == (0, "healthy\n"), done.stderr
        environment = {"GATEHOUSE_CONFIG": str(gatehouse.config_file)}
        assert command("healthcheck", env=environment).returncode == 0
    done = command("healthcheck", "--config", gatehouse.config_file)
    assert done.returncode == 1 and "not healthy" in done.stderr


def test_healthcheck_works_with_tls_listeners_alone(tmp_path):
    with EchoServer() as upstream:
        port = free_port()
        listen = {"https": [f"127.0.0.1:{port}"], "http": []}
        with tls_front(tmp_path, upstream.url, listen=listen) as gatehouse:
            with connect(port, NAME, gatehouse.trust):
                done = command("healthcheck", "--config", gatehouse.config_file)
            assert done.returncode == 0, done.stderr
