"""Names with a certificate of each kind of key, and clients that can check one of them."""

import json
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.certificates import self_signed
from harness.gatehouse import Gatehouse, command
from harness.ports import free_port
from harness.stage import AcmeStage, site

NAME = "a.example"
BOTH = [256, 2048, 256, 2048]


def bits(port, *options):
    """Of the key in the certificate that openssl's client is shown; 0 when there is none for it."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME, *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"Server public key is (\d+) bit", done.stdout)
    return int(found[1]) if found else 0


def choices(port):
    """What clients are shown that check ECDSA, RSA, both; then RSA by the suites of TLS 1.2."""
    return [bits(port, "-sigalgs", "ecdsa_secp256r1_sha256"),
            bits(port, "-sigalgs", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"), bits(port),
            bits(port, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    tls = {"key_type": ["p256", "rsa2048"]}
    with AcmeStage(tmp_path_factory.mktemp("two")) as stage:
        admin = {"admin": {"listen": f"127.0.0.1:{free_port()}"}}
        with stage.gatehouse(NAME, tls=tls, config=admin) as gatehouse:
            gatehouse.wait_until(lambda: choices(gatehouse.https) == BOTH, "both certificates")
            yield stage, gatehouse


def test_each_client_is_shown_the_one_that_it_can_check(house):
    stage, gatehouse = house
    assert choices(gatehouse.https) == BOTH
    assert stage.pebble.orders() == 2


def test_both_are_listed_shown_and_exported(house, tmp_path):
    _, gatehouse = house
    config = ("--config", gatehouse.config_file)
    listed = json.loads(command("certificates", "list", "--json", *config).stdout)["certificates"]
    assert [(one["name"], one["key_type"], one["state"]) for one in listed] == [
        (NAME, "p256", "served"), (NAME, "rsa2048", "served")]
    shown = json.loads(command("certificates", "show", NAME, "--json", *config).stdout)
    assert shown["key_type"] == "p256" and [one["key_type"] for one in shown["others"]] == [
        "rsa2048"]
    done = command("certificates", "export", NAME, "--out", tmp_path, *config)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {
        "fullchain.pem", "privkey.pem", "fullchain_rsa.pem", "privkey_rsa.pem"}


def test_both_are_revoked_and_replaced(house):
    stage, gatehouse = house
    done = command("certificates", "revoke", NAME, "--yes", "--config", gatehouse.config_file)
    assert done.returncode == 0, done.stdout + done.stderr
    gatehouse.wait_for_line("certificate obtained name=a.example ", count=2)
    gatehouse.wait_for_line("certificate obtained name=a.example_rsa ", count=2)
    gatehouse.wait_until(lambda: choices(gatehouse.https) == BOTH, "two new ones")
    assert stage.pebble.orders() == 4


def test_two_pairs_of_files_are_chosen_between(tmp_path):
    files = []
    for stem, own in (("ecdsa", None), ("rsa", rsa.generate_private_key(65537, 2048))):
        chain, key = self_signed(tmp_path, stem, [NAME], key=own)
        files.append({"file": str(chain), "key": str(key)})
    config = {"sites": [site(NAME, tls={"certificate": files})]}
    with Gatehouse(tmp_path / "gatehouse", config) as gatehouse:
        assert choices(gatehouse.https) == BOTH
