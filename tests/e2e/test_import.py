"""To move here orders nothing anew; and what is here can be taken elsewhere.

tests/foreign holds folders as certbot, lego and Caddy have really written them, with Pebble as
their CA at https://localhost:14000/dir. Nothing listens there now: an order would fail.
"""

import base64
import json
import os
import re
import shutil
import ssl
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.client import no_checks, serial
from harness.gatehouse import ROOT, command
from harness.stage import AcmeStage, site

FOREIGN = ROOT / "tests/foreign"
DIRECTORY = "https://localhost:14000/dir"
NAMES = ["one.certbot.example", "two.certbot.example", "rsa.certbot.example",
         "one.lego.example", "two.lego.example", "one.caddy.example"]
LEAVES = ["certbot/live/one.certbot.example/cert.pem"] * 2 + [
    "certbot/live/rsa.certbot.example/cert.pem"] + [
    "lego/certificates/one.lego.example.crt"] * 2 + [
    "caddy/certificates/localhost-14000-dir/one.caddy.example/one.caddy.example.crt"]


def leaf(file):
    return x509.load_pem_x509_certificate((FOREIGN / file).read_bytes())


def bring(config, *more):
    done = command("certificates", "import", "--config", config, "--certbot", FOREIGN / "certbot",
                   "--lego", FOREIGN / "lego", "--caddy", FOREIGN / "caddy", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Where gatehouses run one after another, and a configuration for the command line, which names
    the CA of the foreign folders."""
    with AcmeStage(tmp_path_factory.mktemp("moved")) as stage:
        issuer = {"acme": {"directory": DIRECTORY, "ca_file": str(stage.pebble.ca_file)}}
        yield stage, issuer, configuration(stage, issuer, *NAMES)


def configuration(stage, issuer, *names):
    file = stage.folder / "import.json"
    file.write_text(json.dumps({
        "sites": [site(name) for name in names], "tls": {"issuers": [issuer]},
        "storage": {"file": {"path": str(stage.folder / "gatehouse/data")}}}))
    return file


def served(gatehouse, name):
    try:
        return serial(gatehouse.https, name, no_checks())
    except (OSError, ssl.SSLError):
        return None


def wait_for_all(gatehouse):
    for name, file in zip(NAMES, LEAVES):
        wanted = leaf(file).serial_number
        gatehouse.wait_until(lambda: served(gatehouse, name) == wanted, name)


def test_what_other_programs_have_is_served_and_nothing_is_ordered(moved):
    stage, issuer, config = moved
    shown = json.loads(bring(config, "--dry-run", "--json"))
    assert shown["dry_run"] and not (stage.folder / "gatehouse/data").exists()
    table = bring(config)
    assert re.search(r"^certificate +two\.lego\.example +localhost-14000-dir +2046-.* imported$",
                     table, re.M), table
    assert re.search(r"internal\.caddy\.example.*unusable +Caddy's internal CA", table), table
    again = json.loads(bring(config, "--json"))["entries"]
    fates = [one["fate"] for one in again if one.get("kind") == "certificate"]
    assert fates == ["the same"] * len(NAMES)
    with stage.gatehouse(*NAMES, tls={"issuers": [issuer]}) as gatehouse:
        wait_for_all(gatehouse)
    assert "an issuer gave no certificate" not in gatehouse.output


def test_it_is_served_also_when_its_ca_is_not_configured_any_more(moved):
    stage, _, config = moved
    bring(config)
    with stage.gatehouse(*NAMES) as gatehouse:
        wait_for_all(gatehouse)
    assert stage.pebble.orders() == 0


def test_an_exported_certificate_is_one_that_openssl_takes(moved, tmp_path):
    _, _, config = moved
    bring(config)
    done = command("certificates", "export", "two.lego.example", "--config", config,
                   "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    key, chain = tmp_path / "out/privkey.pem", tmp_path / "out/fullchain.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "out")) == ["fullchain.pem", "privkey.pem"]
    exported = x509.load_pem_x509_certificate(chain.read_bytes())
    assert exported == leaf("lego/certificates/one.lego.example.crt")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    subprocess.run(["openssl", "pkey", "-in", key, "-noout"], check=True)
    printed = command("certificates", "export", "two.lego.example", "--config", config, "--stdout")
    assert printed.stdout == chain.read_text() + key.read_text()
    missing = command("certificates", "export", "none.example", "--config", config)
    assert missing.returncode == 1 and "none.example" in missing.stderr


def test_a_pair_of_files_is_imported_and_a_wrong_one_told(moved, tmp_path):
    _, _, config = moved
    pair = [FOREIGN / "lego/certificates/one.lego.example.crt",
            FOREIGN / "lego/certificates/one.lego.example.key"]
    done = command("certificates", "import", "--config", config, "--certificate", pair[0],
                   "--key", pair[1], "--directory", "https://ca.example/dir", "--json")
    assert done.returncode == 0, done.stderr
    entries = json.loads(done.stdout)["entries"]
    assert [one["issuer"] for one in entries] == ["ca.example-dir"] * 2
    wrong = command("certificates", "import", "--config", config, "--certificate", pair[0], "--key",
                    FOREIGN / "certbot/live/rsa.certbot.example/privkey.pem")
    assert wrong.returncode == 1 and "unusable" in wrong.stdout and "key" in wrong.stdout
    for arguments in ([], ["--key", pair[1]], ["--certbot", tmp_path / "none"]):
        done = command("certificates", "import", "--config", config, *arguments)
        assert done.returncode == 1 and done.stderr.startswith("gatehouse: "), arguments


def test_an_account_of_certbot_orders_at_its_ca(tmp_path):
    """Its key is RSA. This Pebble has never heard of it, and learns it anew."""
    with AcmeStage(tmp_path) as stage:
        foreign = tmp_path / "letsencrypt"
        shutil.copytree(FOREIGN / "certbot", foreign, symlinks=True)
        # As if it were of this Pebble: https://127.0.0.1:PORT/dir.
        accounts = foreign / "accounts"
        (accounts / "localhost:14000").rename(accounts / f"127.0.0.1:{stage.pebble.listen}")
        for file in accounts.rglob("regr.json"):
            url = f"https://127.0.0.1:{stage.pebble.listen}/my-account/1"
            file.write_text(json.dumps({"body": {}, "uri": url}))
        config = configuration(stage, stage.pebble.issuer(), "a.example")
        done = command("certificates", "import", "--config", config, "--certbot", foreign)
        assert done.returncode == 0, done.stderr
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("the CA does not know our account any more")
            gatehouse.wait_for_line("certificate obtained name=a.example ")
            assert serial(gatehouse.https, "a.example", stage.trust)
        [record] = gatehouse.records("accounts")
        kept = json.loads(record.read_text().split("\n", 1)[1])
        key = serialization.load_pem_private_key(kept["key"].encode(), None)
        number = key.public_key().public_numbers().n.to_bytes(256, "big")
        was = json.loads(next(foreign.rglob("private_key.json")).read_text())["n"]
        assert base64.urlsafe_b64encode(number).rstrip(b"=").decode() == was
