"""Certificates from an ACME CA: challenges, accounts, and what a restart must not repeat."""

import pytest
from cryptography import x509
from harness.client import connect, get, refusal, serial
from harness.ports import free_port
from harness.servers import HttpPeer, QuietHandler
from harness.stage import AcmeStage

BY_HTTP = "Attempting to validate w/ HTTP"


def test_http_01_alone_is_enough(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example", issuer={"challenges": ["http-01"]}) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200
            stage.pebble.ca.wait_for_line(BY_HTTP)
            assert stage.pebble.orders() == 1


def test_tls_alpn_01_alone_is_enough_without_a_plain_listener(tmp_path):
    with AcmeStage(tmp_path) as stage:
        only_tls = {"listen": {"https": [f"127.0.0.1:{stage.https}"], "http": []}}
        with stage.gatehouse("a.example", issuer={"challenges": ["tls-alpn-01"]},
                             config=only_tls) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200
            assert not stage.pebble.ca.matching(BY_HTTP)
            assert stage.pebble.orders() == 1


@pytest.mark.parametrize("order, dead", [
    (["tls-alpn-01", "http-01"], "tls"), (["http-01", "tls-alpn-01"], "http")])
def test_when_one_challenge_fails_the_next_is_tried_in_a_new_order(tmp_path, order, dead):
    nobody = free_port()
    with AcmeStage(tmp_path, **{f"{dead}_port": nobody}) as stage:
        with stage.gatehouse("a.example", issuer={"challenges": order}) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200
            assert stage.pebble.orders() == 2
            gatehouse.wait_for_line("a challenge failed; trying another type")


def test_names_of_sites_get_certificates_before_anybody_asks(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example", "b.example") as gatehouse:
            for name in ("a.example", "b.example"):
                gatehouse.wait_for_line(f"certificate obtained name={name} ")
            assert get(gatehouse.https, "b.example", context=stage.trust)[0] == 200
            assert stage.pebble.orders() == 2


def test_a_restart_orders_nothing_and_serves_the_same_certificate(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            before = serial(gatehouse.https, "a.example", stage.trust)
        with stage.gatehouse("a.example") as gatehouse:
            assert serial(gatehouse.https, "a.example", stage.trust) == before
        assert stage.pebble.orders() == 1


def test_the_account_is_used_again_for_another_name_after_a_restart(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
        with stage.gatehouse("a.example", "b.example") as gatehouse:
            assert get(gatehouse.https, "b.example", context=stage.trust)[0] == 200
        assert stage.pebble.orders() == 2
        assert stage.pebble.accounts() == 1


def test_an_account_that_the_ca_has_forgotten_is_registered_again(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
        stage.pebble.stop()
        stage.restart_pebble()
        with stage.gatehouse("a.example", "b.example") as gatehouse:
            assert get(gatehouse.https, "b.example", context=stage.trust)[0] == 200
        assert stage.pebble.accounts() == 1


def test_an_account_is_bound_to_an_external_one(tmp_path):
    secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    (tmp_path / "secret").write_text(secret + "\n")
    with AcmeStage(tmp_path, eab={"kid-1": secret}) as stage:
        eab = {"key_id": "kid-1", "hmac_key": {"file": str(tmp_path / "secret")}}
        with stage.gatehouse("a.example", issuer={"eab": eab}) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200
    assert secret not in gatehouse.output


class _Detour(QuietHandler):
    """Passes the CA's question on to gatehouse under the name of a host that is in no file."""

    def do_GET(self):
        status, _, body = get(self.server.peer.gatehouse_port, "nobody.invalid", self.path)
        self.answer(body, status)


def test_http_01_is_answered_for_a_host_that_is_in_no_file(tmp_path):
    with HttpPeer(_Detour) as detour, AcmeStage(tmp_path, http_port=detour.port) as stage:
        detour.gatehouse_port = stage.http
        with stage.gatehouse("a.example", issuer={"challenges": ["http-01"]}) as gatehouse:
            assert get(gatehouse.https, "a.example", context=stage.trust)[0] == 200
            assert stage.pebble.orders() == 1


def test_only_challenges_in_flight_are_answered(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example", issuer={"challenges": ["http-01"]}) as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
            asked = stage.pebble.ca.matching(BY_HTTP)[0].rsplit("/", 1)[1]
            for token in (asked, "never-given"):
                path = f"/.well-known/acme-challenge/{token}"
                assert get(gatehouse.http, "a.example", path)[0] == 308
                assert get(gatehouse.http, "nobody.invalid", path)[0] == 404
            assert refusal(gatehouse.https, "a.example", alpn="acme-tls/1") == "unrecognized name"
            assert refusal(gatehouse.https, "b.example", alpn="acme-tls/1") == "unrecognized name"


def test_what_is_stored_is_for_the_owner_alone(tmp_path):
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse("a.example") as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
        kept = [gatehouse.data, *gatehouse.data.rglob("*")]
        assert any("PRIVATE KEY" in p.read_text() for p in kept if p.is_file())
        for path in kept:
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_the_certificate_is_of_the_profile_that_the_issuer_names(tmp_path):
    profiles = {"classic": 90 * 86400, "shortlived": 160 * 3600}
    with AcmeStage(tmp_path, profiles=profiles) as stage:
        with stage.gatehouse("a.example", issuer={"profile": "shortlived"}) as gatehouse:
            with connect(gatehouse.https, "a.example", stage.trust) as connection:
                leaf = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
    life = leaf.not_valid_after - leaf.not_valid_before
    assert abs(life.total_seconds() - 160 * 3600) < 60


def test_a_listener_that_wants_proxy_headers_is_asked_with_one(tmp_path):
    with AcmeStage(tmp_path) as stage:
        behind = {"listen": {"https": [f"127.0.0.1:{stage.https}"],
                             "http": [f"127.0.0.1:{stage.http}"],
                             "proxy_protocol": ["127.0.0.0/8"]}}
        with stage.gatehouse("a.example", config=behind) as gatehouse:
            # The CA's questions come without one here, so they fail: they were put all the same.
            gatehouse.wait_for_line("an issuer gave no certificate")
            assert "would fail, as seen from here" not in gatehouse.output
            assert stage.pebble.orders() == 2
