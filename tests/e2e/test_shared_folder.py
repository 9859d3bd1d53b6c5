"""Two processes on one folder."""

import concurrent.futures

from harness.client import serial, trust
from harness.gatehouse import Gatehouse
from harness.servers import AskServer


def test_two_processes_never_order_the_same_name_at_once(tmp_path, ports, pebble):
    with AskServer(allowed=["shared.example.com"], slow=["shared.example.com"]) as ask:
        settings = {
            "tls": {"issuers": [pebble.issuer()], "on_demand": {"ask": ask.url}},
            "sites": [{"hosts": ["*"], "tls": {"on_demand": True}, "respond": {"body": "x"}}],
        }
        data = tmp_path / "data"
        # The CA reaches the first one's listeners alone; the second must wait for what it makes.
        with Gatehouse(tmp_path / "one", settings, https=ports.https, http=ports.http,
                       data=data) as one, Gatehouse(tmp_path / "two", settings, data=data) as two:
            context = trust(pebble.root_file)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                first = pool.submit(serial, one.https, "shared.example.com", context)
                pebble_has_order = pool.submit(pebble.ca.wait_for_line, "order-plz")
                ask.release.set()
                pebble_has_order.result()
                second = pool.submit(serial, two.https, "shared.example.com", context)
                assert first.result() == second.result()
    assert pebble.accepted_orders() == 1


def test_two_processes_that_start_at_once_make_one_account_and_one_order(tmp_path, ports, pebble):
    settings = {
        "tls": {"issuers": [pebble.issuer(challenges=["http-01"])]},
        "sites": [{"hosts": ["both.example.com"], "respond": {"body": "x"}}],
    }
    data = tmp_path / "data"
    with Gatehouse(tmp_path / "one", settings, https=ports.https, http=ports.http,
                   data=data) as one:
        pebble.ca.wait_for_line("order-plz")
        with Gatehouse(tmp_path / "two", settings, data=data) as two:
            one.wait_for_line("certificate obtained")
            two.wait_for_line("certificate (obtained|loaded|found)|both.example.com")
            context = trust(pebble.root_file)
            assert serial(one.https, "both.example.com", context)
    assert pebble.accepted_orders() == 1
    assert pebble.accounts() == 1


def test_two_processes_share_one_internal_root(tmp_path):
    settings = {
        "tls": {"issuers": [{"internal": {}}]},
        "sites": [{"hosts": ["a.localhost"], "respond": {"body": "x"}}],
    }
    data = tmp_path / "data"
    with Gatehouse(tmp_path / "one", settings, data=data) as one, \
            Gatehouse(tmp_path / "two", settings, data=data) as two:
        for process in (one, two):
            process.wait_for_line("certificate (obtained|loaded)|a.localhost")
        assert one.output.count("has a new root") + two.output.count("has a new root") == 1
