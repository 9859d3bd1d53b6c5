"""Certificates at the first handshake: who gets one, who does not, and at whose cost."""

import threading

import pytest
from harness.certificates import self_signed
from harness.client import at_once, get, refusal, serial, start_handshake
from harness.gatehouse import counted
from harness.ports import free_port
from harness.servers import AskServer, SilentServer
from harness.stage import AcmeStage, site

ANY = site("*", tls={"on_demand": True})


def asking(url, **more):
    return {"on_demand": {"ask": url + "/allowed", **more}}


def test_a_name_that_ask_allows_gets_its_certificate_at_its_first_handshake(tmp_path):
    with AskServer({"yes.example": 200}) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url)) as gatehouse:
            assert stage.pebble.orders() == 0
            first = serial(gatehouse.https, "yes.example", stage.trust)
            assert serial(gatehouse.https, "YES.example", stage.trust) == first
            assert stage.pebble.orders() == 1
            assert ask.asked == ["yes.example"]


@pytest.mark.parametrize("status", [404, 403, 302, 429, 500])
def test_only_a_2xx_of_ask_is_a_yes(tmp_path, status):
    with AskServer({"no.example": status}) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url)) as gatehouse:
            assert refusal(gatehouse.https, "no.example") == "unrecognized name"
            assert ask.asked == ["no.example"]
            assert stage.pebble.orders() == 0


def test_a_204_of_ask_is_a_yes(tmp_path):
    with AskServer({"yes.example": 204}) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url + "/path?key=1")) as gatehouse:
            assert get(gatehouse.https, "yes.example", context=stage.trust)[0] == 200


def test_a_slow_ask_is_a_no(tmp_path):
    with AskServer({"slow.example": 200}, slow=["slow.example"]) as ask, \
            AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url, timeout="500ms")) as gatehouse:
            alert = refusal(gatehouse.https, "slow.example")
            assert alert in ("unrecognized name", "internal error")
            assert ask.asked == ["slow.example"]
            assert stage.pebble.orders() == 0


def test_a_name_that_waits_for_ask_slows_no_other_name(tmp_path):
    """Not even on its own worker, the only one."""
    answers = {name: 200 for name in ("slow.example", "known.example", "new.example")}
    with AskServer(answers, slow=["slow.example"]) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url), config={"workers": 1}) as gatehouse:
            assert get(gatehouse.https, "known.example", context=stage.trust)[0] == 200
            waiting = threading.Thread(target=lambda: served.append(
                get(gatehouse.https, "slow.example", context=stage.trust)[0]))
            served = []
            waiting.start()
            ask.wait_for("slow.example")
            for name in ("known.example", "new.example"):
                assert get(gatehouse.https, name, context=stage.trust)[0] == 200
            assert not served
            ask.release.set()
            waiting.join()
            assert served == [200]


def test_a_dead_ask_is_a_no(tmp_path):
    with AcmeStage(tmp_path) as stage:
        dead = f"http://127.0.0.1:{free_port()}"
        with stage.gatehouse(ANY, tls=asking(dead)) as gatehouse:
            assert refusal(gatehouse.https, "a.example") == "unrecognized name"
            assert stage.pebble.orders() == 0


def test_a_dead_ask_takes_no_certificate_away(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with AskServer({"a.example": 200}) as ask:
            with stage.gatehouse(ANY, tls=asking(ask.url)) as gatehouse:
                first = serial(gatehouse.https, "a.example", stage.trust)
        with stage.gatehouse(ANY, tls=asking(ask.url)) as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == first


def test_names_that_allow_covers_need_nobody_to_be_asked(tmp_path):
    with AcmeStage(tmp_path) as stage:
        allow = {"on_demand": {"allow": ["*.shop.example", "one.example"]}}
        with stage.gatehouse(ANY, tls=allow) as gatehouse:
            for name in ("a.shop.example", "one.example"):
                assert get(gatehouse.https, name, context=stage.trust)[0] == 200
            for name in ("shop.example.org", "two.example", "xshop.example"):
                assert refusal(gatehouse.https, name) == "unrecognized name"
            assert stage.pebble.orders() == 2


STRANGE = {
    "nothing": None, "ipv4": "127.0.0.1", "ipv6": "::1", "space": "a b.example",
    "dots": "a..example", "hyphen": "-a.example", "star": "*.example", "slash": "../a.example",
    "label": "a" * 64 + ".example", "long": ".".join(["a" * 60] * 4) + ".example.org",
    "newline": "a.example\r\n", "high": "\u00e4.example",
}


def test_a_strange_server_name_gets_an_alert_and_costs_nothing(tmp_path):
    with AskServer({}) as ask, AcmeStage(tmp_path) as stage:
        ask.answers = {name: 200 for name in STRANGE.values() if name}
        with stage.gatehouse(ANY, tls=asking(ask.url)) as gatehouse:
            for what, name in STRANGE.items():
                alert = refusal(gatehouse.https, name)
                assert alert in ("unrecognized name", "decode error", "illegal parameter"), what
            assert ask.asked == []
            assert stage.pebble.orders() == 0


def test_a_name_of_no_site_gets_an_alert_and_nobodys_certificate(tmp_path):
    with AskServer({"other.example": 200}) as ask, AcmeStage(tmp_path) as stage:
        sites = [site("*.shop.example", tls={"on_demand": True}), site("own.example")]
        with stage.gatehouse(*sites, tls=asking(ask.url)) as gatehouse:
            gatehouse.wait_for_line("certificate obtained name=own.example")
            for name in ("other.example", "a.b.shop.example", "shop.example"):
                assert refusal(gatehouse.https, name) == "unrecognized name"
            assert ask.asked == []
            assert stage.pebble.orders() == 1


def test_200_handshakes_at_once_for_one_name_are_one_order_and_200_successes(tmp_path):
    with AskServer({"crowd.example": 200}) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url, timeout="60s")) as gatehouse:
            serials = at_once(
                200, lambda _: serial(gatehouse.https, "crowd.example", stage.trust))
            assert len(set(serials)) == 1 and isinstance(serials[0], int), set(map(str, serials))
            assert stage.pebble.orders() == 1
            assert ask.asked == ["crowd.example"]


def test_a_client_that_leaves_gives_its_place_free_and_the_order_ends(tmp_path):
    answers = {"left.example": 200, "next.example": 200}
    one_place = {"limits": {"waiting_handshakes": 1}}
    with AskServer(answers, slow=["left.example"]) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url), config=one_place) as gatehouse:
            raw = start_handshake(gatehouse.https, "left.example", stage.trust)
            ask.wait_for("left.example")
            assert refusal(gatehouse.https, "next.example") == "internal error"
            raw.close()
            gatehouse.wait_for_line("handshake .* name=left.example")
            assert get(gatehouse.https, "next.example", context=stage.trust)[0] == 200
            ask.release.set()
            gatehouse.wait_for_line("certificate obtained name=left.example")
            assert get(gatehouse.https, "left.example", context=stage.trust)[0] == 200
            assert stage.pebble.orders() == 2


def test_a_scanner_reaches_ask_only_so_often(tmp_path):
    limit = {"limits": {"new_names_per_minute": 2}}
    with AskServer({"known.example": 200}) as ask, AcmeStage(tmp_path) as stage:
        with stage.gatehouse(ANY, tls=asking(ask.url), config=limit) as gatehouse:
            assert get(gatehouse.https, "known.example", context=stage.trust)[0] == 200
            for number in range(5):
                refusal(gatehouse.https, f"scan{number}.example")
            assert ask.asked == ["known.example", "scan0.example"]
            assert get(gatehouse.https, "known.example", context=stage.trust)[0] == 200
            assert counted(gatehouse)["too_many_new_names"] == 4


def test_waiting_for_a_silent_ca_ends_with_an_alert(tmp_path):
    with SilentServer() as ca, AcmeStage(tmp_path) as stage:
        root, _ = self_signed(tmp_path, "silent", ["127.0.0.1"])
        silent = {"directory": f"https://127.0.0.1:{ca.port}/dir", "ca_file": str(root)}
        wait = {"on_demand": {"allow": ["a.example"], "timeout": "300ms"}}
        with stage.gatehouse(ANY, tls=wait, issuer=silent,
                             config={"timeouts": {"drain": "1s"}}) as gatehouse:
            assert refusal(gatehouse.https, "a.example") == "internal error"


def test_a_name_whose_order_fails_is_refused_at_once_until_its_next_try(tmp_path):
    with AcmeStage(tmp_path) as stage:
        stage.pebble.set_dns("set-servfail", host="broken.example.")
        with stage.gatehouse(ANY, tls={"on_demand": {"allow": ["broken.example"]}}) as gatehouse:
            assert refusal(gatehouse.https, "broken.example") in ("unrecognized name",
                                                                  "internal error")
            orders = stage.pebble.orders()
            gatehouse.wait_for_line("no certificate for a name.*name=broken.example failures=1")
            for _ in range(5):
                assert refusal(gatehouse.https, "broken.example") == "internal error"
            assert stage.pebble.orders() == orders
