"""SIGKILL at any moment loses no account, key or certificate that was in use."""

import pytest

from harness.client import get, serial, trust
from harness.gatehouse import Gatehouse, command
from harness.process import wait_until


def config(ca, *hosts):
    return {
        "tls": {"issuers": [ca.issuer()]},
        "sites": [{"hosts": list(hosts), "respond": {"body": "alive\n"}}],
    }


def start(tmp_path, ports, settings):
    return Gatehouse(tmp_path / "gatehouse", settings, https=ports.https, http=ports.http)


# Lines of the CA's log at which the other side is killed: at each step of an order.
STEPS = ["/sign-me-up", "/order-plz", "/authZ/", "/chalZ/", "/finalize-order/", "/certZ/"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_during_an_order_it_ends_what_it_began_after_a_restart(
        tmp_path, ports, pebble, step):
    settings = config(pebble, "crash.example.com")
    with start(tmp_path, ports, settings) as gatehouse:
        pebble.ca.wait_for_line("(POST|Pulled).*" + step if step == "/certZ/" else step)
        gatehouse.kill9()
    with start(tmp_path, ports, settings) as gatehouse:
        # What the first life stored may be whole already; then nothing is ordered again.
        context = trust(pebble.root_file)
        wait_until(lambda: answers(ports, context), "the site to be served")
        assert "damaged" not in gatehouse.output
    assert pebble.accounts() == 1, "the account's key was stored before the CA heard of it"


def answers(ports, context):
    try:
        return get(ports.https, "crash.example.com", context=context)[0] == 200
    except OSError:
        return False


def test_killed_while_it_writes_it_loses_nothing_that_was_served(tmp_path, ports):
    hosts = [f"n{i}.localhost" for i in range(200)]
    settings = {
        "tls": {"issuers": [{"internal": {}}]},
        "sites": [{"hosts": hosts, "respond": {"body": "alive\n"}}],
    }
    served = {}
    root = tmp_path / "root.pem"
    for life in range(5):
        with start(tmp_path, ports, settings) as gatehouse:
            # Somewhere in the middle of the writing, further on in each life.
            total = gatehouse.data / "certificates"
            wait_until(lambda: sum(1 for p in total.rglob("*.localhost")) >= 40 * life + 10,
                       "records to be written")
            if life == 0:
                pem = command("trust", "--config", gatehouse.config_file)
                assert pem.returncode == 0, pem.stderr
                root.write_text(pem.stdout)
            context = trust(root)
            for name, number in served.items():
                assert serial(ports.https, name, context) == number, name
            for name in hosts:
                if name in served:
                    continue
                try:
                    served[name] = serial(ports.https, name, context)
                except OSError:
                    break
                if len(served) >= 40 * life + 5:
                    break
            gatehouse.kill9()
            assert "damaged" not in gatehouse.output
    with start(tmp_path, ports, settings) as gatehouse:
        wait_until(lambda: all_served(ports, hosts, trust(root)), "every name to be served")
        for name, number in served.items():
            assert serial(ports.https, name, trust(root)) == number, name
        leftovers = list((gatehouse.data / "temporary").iterdir())
        assert not leftovers, "a restart removes what the crash left half-written"


def all_served(ports, hosts, context):
    try:
        for name in hosts:
            serial(ports.https, name, context)
    except OSError:
        return False
    return True
