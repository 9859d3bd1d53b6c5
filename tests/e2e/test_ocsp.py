"""What a CA's OCSP responder says of a certificate is shown beside it, whatever becomes of that
responder."""

import re

from cryptography import x509
from harness.client import get, no_checks, serial
from harness.gatehouse import Gatehouse, command
from harness.ocsp import OcspCa, OcspResponder, insists, shown_status, write_index
from harness.ports import free_port
from harness.servers import SilentServer
from harness.stage import AcmeStage, site


def serial_in(chain):
    return x509.load_pem_x509_certificate(chain.read_bytes()).serial_number


def test_a_certificate_from_files_is_stapled_also_while_its_responder_is_dead(tmp_path):
    port = free_port()
    ca = OcspCa(tmp_path, port)
    chain, key = ca.server("a", ["a.example"])
    write_index(ca.index, serial_in(chain))
    own = {"certificate": {"file": str(chain), "key": str(key)}}
    config = {"sites": [site("a.example", tls=own), site("b.example", tls=own)],
              "admin": {"listen": f"127.0.0.1:{free_port()}"}}
    with OcspResponder(port, ca.index, ca.pem, ca.responder):
        with Gatehouse(tmp_path / "gatehouse", config) as gatehouse:
            stapled = lambda: insists(gatehouse.https, "a.example", ca.pem)
            gatehouse.wait_until(stapled, "a staple")
            shown = shown_status(gatehouse.https, "b.example")  # of the same files
            assert "OCSP Response Status: successful" in shown and "Cert Status: good" in shown
            told = command("certificates", "show", "a.example", "--config", gatehouse.config_file)
            assert re.search(r"^stapled to: \d{4}-", told.stdout, re.M), told.stdout
    # Nobody there any more; then somebody who never answers.
    ports = {"https": gatehouse.https, "http": gatehouse.http}
    with Gatehouse(tmp_path / "gatehouse", config, **ports) as gatehouse:
        gatehouse.wait_until(stapled, "the staple from storage")
    with SilentServer(port) as silent:
        with Gatehouse(tmp_path / "other", config) as other:
            assert get(other.https, "a.example", context=no_checks())[0] == 200
            assert "no response sent" in shown_status(other.https, "a.example")
            silent.accept()
    # The CA has changed its mind.
    write_index(ca.index, serial_in(chain), revoked=True)
    with OcspResponder(port, ca.index, ca.pem, ca.responder):
        with Gatehouse(tmp_path / "third", config) as third:
            line = third.wait_for_line("a certificate was revoked by its CA")
            assert "keyCompromise" in line and str(chain) in line and "get another one" in line
            assert "no response sent" in shown_status(third.https, "a.example")


def test_a_managed_certificate_is_stapled_and_due_when_it_was_revoked(tmp_path):
    port = free_port()
    with AcmeStage(tmp_path, ocsp=f"http://127.0.0.1:{port}") as stage:
        with stage.gatehouse("a.example") as gatehouse:
            number = serial(gatehouse.https, "a.example", stage.trust)
            gatehouse.wait_for_line("no OCSP response for a certificate")
        index = tmp_path / "index.txt"
        write_index(index, number)
        signer = stage.pebble.intermediate(tmp_path)
        with OcspResponder(port, index, signer[0], signer):
            with stage.gatehouse("a.example") as gatehouse:
                gatehouse.wait_until(
                    lambda: "Cert Status: good" in shown_status(gatehouse.https, "a.example"),
                    "a staple")
        for record in gatehouse.records("ocsp"):
            record.unlink()
        write_index(index, number, revoked=True)
        with OcspResponder(port, index, signer[0], signer):
            with stage.gatehouse("a.example") as gatehouse:
                assert "another one is ordered" in gatehouse.wait_for_line("was revoked by its CA")
                gatehouse.wait_until(
                    lambda: any(b"demanded" in file.read_bytes()
                                for file in gatehouse.records("renewals")), "a demand")
                # Until there is another one.
                assert serial(gatehouse.https, "a.example", stage.trust) == number


SIGNATURES = ("ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256")


def leaf_of(shown):
    """The serial number of the leaf that a client was shown, or None."""
    found = re.search(r"^Server certificate\n(-----BEGIN.*?-----END CERTIFICATE-----)", shown,
                      re.S | re.M)
    return x509.load_pem_x509_certificate(found[1].encode()).serial_number if found else None


def test_of_two_certificates_of_a_name_each_is_shown_with_its_own_answer(tmp_path):
    port = free_port()
    with AcmeStage(tmp_path, ocsp=f"http://127.0.0.1:{port}") as stage:
        def shown():
            """What clients see that can check ECDSA alone, and RSA alone."""
            return [shown_status(gatehouse.https, "a.example", "-sigalgs", one)
                    for one in SIGNATURES]

        tls = {"key_type": ["p256", "rsa2048"]}
        with stage.gatehouse("a.example", tls=tls) as gatehouse:
            gatehouse.wait_for_line("certificate obtained name=a.example ")
            gatehouse.wait_for_line("certificate obtained name=a.example_rsa ")
            leaves = [leaf_of(one) for one in shown()]
            assert None not in leaves and leaves[0] != leaves[1]
        index = tmp_path / "index.txt"
        write_index(index, *leaves)
        signer = stage.pebble.intermediate(tmp_path)
        with OcspResponder(port, index, signer[0], signer):
            with stage.gatehouse("a.example", tls=tls) as gatehouse:
                gatehouse.wait_until(
                    lambda: all("Cert Status: good" in one for one in shown()), "two staples")
                for one, leaf in zip(shown(), leaves):
                    told, = re.findall(r"^ *Serial Number: ([0-9A-F]+)$", one, re.M)
                    assert leaf_of(one) == leaf == int(told, 16)
