"""What lies in the data folder: shared by processes, damaged by accidents."""

import pytest
from harness.client import at_once, get, serial
from harness.gatehouse import Gatehouse
from harness.servers import HttpPeer, QuietHandler
from harness.stage import AcmeStage, site

ANY = site("*.example", tls={"on_demand": True})


class _Balancer(QuietHandler):
    """Stands where the CA looks, in front of two gatehouses: one of them has the answer."""

    def do_GET(self):
        status, body = 404, b""
        for port in self.server.peer.gatehouse_ports:
            status, _, body = get(port, self.headers["Host"], self.path)
            if status == 200:
                break
        self.answer(body, status)


def test_two_processes_on_one_folder_order_a_name_once(tmp_path):
    with HttpPeer(_Balancer) as balancer, \
            AcmeStage(tmp_path, http_port=balancer.port) as stage:
        config = {
            "sites": [ANY],
            "tls": {"issuers": [stage.pebble.issuer(challenges=["http-01"])],
                    "on_demand": {"allow": ["*.example"]}},
        }
        data = tmp_path / "shared"
        with Gatehouse(tmp_path / "one", config, data=data) as one, \
                Gatehouse(tmp_path / "two", config, data=data) as two:
            balancer.gatehouse_ports = (one.http, two.http)
            both = (one.https, two.https)
            for round in range(5):
                name = f"r{round}.example"
                serials = at_once(20, lambda n: serial(both[n % 2], name, stage.trust))
                assert len(set(map(str, serials))) == 1, set(map(str, serials))
                assert stage.pebble.orders() == round + 1
        assert stage.pebble.accounts() == 1


def test_the_death_of_one_process_frees_its_names_for_the_other(tmp_path):
    with HttpPeer(_Balancer) as balancer, \
            AcmeStage(tmp_path, http_port=balancer.port) as stage:
        config = {"sites": [site("a.example")],
                  "tls": {"issuers": [stage.pebble.issuer(challenges=["http-01"])]}}
        data = tmp_path / "shared"
        one = Gatehouse(tmp_path / "one", config, data=data)
        balancer.gatehouse_ports = (one.http,)
        stage.pebble.ca.wait_for_line("POST /order-plz")
        with Gatehouse(tmp_path / "two", config, data=data) as two:
            one.kill9()
            balancer.gatehouse_ports = (two.http,)
            assert get(two.https, "a.example", context=stage.trust)[0] == 200


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[:len(data) // 2],
    "rubbish": lambda data: bytes(range(256)) * 8,
    "flipped": lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    "appended": lambda data: data + b"x",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_certificate_is_reported_kept_aside_and_ordered_again(tmp_path, damage):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            first = serial(gatehouse.https, "a.example", stage.trust)
        record, = gatehouse.records()
        damaged = DAMAGES[damage](record.read_bytes())
        record.write_bytes(damaged)
        with stage.gatehouse("a.example") as gatehouse:
            second = serial(gatehouse.https, "a.example", stage.trust)
            assert second != first
            # Who reads it at the same moment finds it gone already, and says that.
            report = gatehouse.wait_for_line("a stored record is damaged.*/damaged/")
            assert "a.example" in report
        with stage.gatehouse("a.example") as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == second
            assert not gatehouse.matching("damaged")
        kept = [p for p in gatehouse.data.rglob("*") if p.is_file() and p.read_bytes() == damaged]
        assert len(kept) == 1 and str(kept[0]) in report
        assert stage.pebble.orders() == 2


def test_a_damaged_account_is_reported_kept_aside_and_made_anew(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
        account, = gatehouse.records("accounts")
        account.write_bytes(account.read_bytes()[:100])
        with stage.gatehouse("a.example", "b.example") as gatehouse:
            assert get(gatehouse.https, "b.example", context=stage.trust)[0] == 200
            gatehouse.wait_for_line("account's record is damaged")
        assert stage.pebble.accounts() == 2


def test_what_a_killed_writer_left_behind_disturbs_nobody(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            first = serial(gatehouse.https, "a.example", stage.trust)
        record, = gatehouse.records()
        for name in (record.name + ".tmp", ".tmp-1", "x"):
            (record.parent / name).write_bytes(b"half a rec")
        with stage.gatehouse("a.example") as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == first
        assert stage.pebble.orders() == 1
