"""SIGKILL at any moment loses no account, key or certificate that was in use."""

import re

import pytest
from harness.client import get, serial, trust
from harness.gatehouse import Gatehouse, command
from harness.stage import AcmeStage, site

LOSSES = "damaged|cannot be read|a new root"


# Before, the CA may give an order its URL, or look for an answer, while nobody is there.
BEFORE = ["HEAD /nonce-plz", "POST /sign-me-up", "There are now 1 accounts", "POST /order-plz",
          "Added order", "POST /authZ/", "POST /chalZ/"]
AFTER = ["set VALID", "POST /finalize-order/", "Issued certificate", "POST /certZ/"]


@pytest.mark.parametrize("moment", BEFORE + AFTER)
def test_killed_during_an_order_it_serves_after_a_restart_with_one_account(tmp_path, moment):
    with AcmeStage(tmp_path) as stage:
        killed = stage.gatehouse("a.example")
        stage.pebble.ca.wait_for_line(moment)
        killed.kill9()
        with stage.gatehouse("a.example") as gatehouse:
            served = serial(gatehouse.https, "a.example", stage.trust)
            assert not gatehouse.matching(LOSSES)
        with stage.gatehouse("a.example") as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == served
        assert stage.pebble.accounts() == 1
        assert stage.pebble.orders() <= (1 if moment in AFTER else 2)


def test_killed_again_and_again_while_it_writes_it_loses_nothing(tmp_path):
    names = [f"n{n}.shop.test" for n in range(60)]
    config = {"sites": [site(*names)], "tls": {"issuers": [{"internal": {}}]}}
    stored, roots = set(), set()
    while len(stored) < len(names):
        gatehouse = Gatehouse(tmp_path / "gatehouse", config)
        gatehouse.wait_until(lambda: len(stored_names(gatehouse)) > len(stored), "a new record")
        gatehouse.kill9()
        assert not gatehouse.matching("damaged|cannot be read"), gatehouse.output
        assert len(gatehouse.matching("a new root")) <= (not roots)
        obtained = {re.search(r" name=(\S+)", line)[1]
                    for line in gatehouse.matching("certificate obtained")}
        assert not obtained & stored, "what was stored is ordered again"
        assert stored < stored_names(gatehouse)
        stored = stored_names(gatehouse)
        roots.add(command("trust", "--config", gatehouse.config_file).stdout)
    assert len(roots) == 1
    (tmp_path / "root.pem").write_text(roots.pop())
    with Gatehouse(tmp_path / "gatehouse", config) as gatehouse:
        for name in names:
            assert get(gatehouse.https, name, context=trust(tmp_path / "root.pem"))[0] == 200
        assert not gatehouse.matching("damaged|certificate obtained|a new root")


def stored_names(gatehouse):
    return {record.name for record in gatehouse.records()}
