"""Accounts at the CA, and certificates that are revoked: by command, beside a server."""

import json

import pytest
from harness.client import refusal, serial
from harness.gatehouse import command
from harness.stage import AcmeStage, site

SHOP = site("*.shop.example", tls={"on_demand": True})
POLICY = {"on_demand": {"allow": ["*.shop.example"]}}
NAMES = ("a.example", "b.example", "c.example")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with AcmeStage(tmp_path_factory.mktemp("accounts")) as stage:
        yield stage


@pytest.fixture(scope="module")
def gatehouse(stage):
    """One life of a server, with its certificates."""
    gatehouse = stage.gatehouse(*NAMES, SHOP, tls=POLICY)
    gatehouse.first = {name: serial(gatehouse.https, name, stage.trust) for name in NAMES}
    yield gatehouse
    gatehouse.kill()


def run(gatehouse, *words, status=0):
    done = command(*words, "--json", "--config", gatehouse.config_file)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def account(gatehouse, *words):
    (one,) = run(gatehouse, "account", *words)
    assert not one["error"], one
    return one


def test_an_account_gets_another_key_and_the_server_that_runs_goes_on(stage, gatehouse):
    before = account(gatehouse, "show")
    assert before["state"] == "valid" and before["contact"] == "ops@example.com"
    after = account(gatehouse, "rollover")
    assert after["account"] == before["account"] and after["key"] != before["key"]
    assert account(gatehouse, "show")["state"] == "valid"
    assert serial(gatehouse.https, "x.shop.example", stage.trust)
    assert stage.pebble.accounts() == 1


def test_revoked_certificates_are_replaced_or_not_and_never_served_again(stage, gatehouse):
    def revoke(name, *more):
        answer = run(gatehouse, "certificates", "revoke", name, "--yes", *more)
        (one,) = answer["certificates"]
        assert one["revoked"] and one["withdrawn"] and not one["error"], one
        assert int(one["serial"], 16) == gatehouse.first[name]
        return stage.pebble.certificate_status(one["serial"])

    assert revoke("a.example", "--reason", "keyCompromise") == ("Revoked", 1)
    assert revoke("b.example", "--no-replace") == ("Revoked", 0)
    assert revoke("c.example", "--reason", "superseded", "--by-certificate-key") == ("Revoked", 4)
    assert len(gatehouse.records("compromised")) == 1
    unknown = command("certificates", "revoke", "d.example", "--yes",
                      "--config", gatehouse.config_file)
    assert unknown.returncode == 1 and "d.example" in unknown.stderr
    gatehouse.stop()
    # With another e-mail, too.
    issuer = {"email": "new@example.com"}
    with stage.gatehouse(*NAMES, SHOP, tls=POLICY, issuer=issuer) as again:
        for name in ("a.example", "c.example"):
            assert serial(again.https, name, stage.trust) != gatehouse.first[name]
        again.wait_for_line("a name goes without a certificate name=b.example")
        assert refusal(again.https, "b.example") == "internal error"
        before = account(again, "show")
        assert before["contact"] == "new@example.com"
        # An account that has ended makes way for another one.
        assert account(again, "deactivate", "--yes")["account"] == before["account"]
        assert serial(again.https, "y.shop.example", stage.trust)
        after = account(again, "show")
        assert after["state"] == "valid" and after["account"] != before["account"]
        assert after["contact"] == "new@example.com"
        # The last word counts: another one is wanted after all.
        run(again, "certificates", "revoke", "b.example", "--yes")
    with stage.gatehouse(*NAMES, SHOP, tls=POLICY, issuer=issuer) as again:
        assert serial(again.https, "b.example", stage.trust) != gatehouse.first["b.example"]
    assert stage.pebble.accounts() == 2
