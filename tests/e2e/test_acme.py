"""Certificates from a real ACME CA for names that stand in the configuration."""

from harness.client import get, serial, trust
from harness.gatehouse import Gatehouse
from harness.pebble import Pebble
from harness.servers import EchoServer


def site(ca, *hosts, **issuer):
    return {
        "tls": {"issuers": [ca.issuer(**issuer)]},
        "sites": [{"hosts": list(hosts), "respond": {"body": "here\n"}}],
    }


def start(tmp_path, ports, config, **more):
    return Gatehouse(tmp_path / "gatehouse", config, https=ports.https, http=ports.http, **more)


def served(ports, name, ca):
    status, _, body = get(ports.https, name, context=trust(ca.root_file))
    return status == 200 and body == b"here\n"


def test_a_site_gets_its_certificate_by_http_01_alone(tmp_path, ports, pebble):
    config = site(pebble, "one.example.com", "two.example.com", challenges=["http-01"])
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained.*one.example.com")
        gatehouse.wait_for_line("certificate obtained.*two.example.com")
        assert served(ports, "one.example.com", pebble)
        assert served(ports, "two.example.com", pebble)
    assert pebble.ca.count_lines("type tls-alpn-01") == 0


def test_a_site_gets_its_certificate_by_tls_alpn_01_alone(tmp_path, ports, pebble):
    config = site(pebble, "alpn.example.com", challenges=["tls-alpn-01"])
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        assert served(ports, "alpn.example.com", pebble)


def test_when_one_challenge_fails_the_next_is_tried_in_a_new_order(tmp_path, ports):
    # The CA looks for TLS-ALPN-01 on a port where nobody is, so only HTTP-01 can succeed.
    with Pebble(tmp_path / "pebble", http_port=ports.http, tls_port=9) as ca:
        config = site(ca, "fallback.example.com", challenges=["tls-alpn-01", "http-01"])
        with start(tmp_path, ports, config) as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
            assert served(ports, "fallback.example.com", ca)
        assert ca.accepted_orders() == 2


def test_a_restart_serves_at_once_and_orders_nothing(tmp_path, ports, pebble):
    config = site(pebble, "again.example.com")
    context = trust(pebble.root_file)
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        first = serial(ports.https, "again.example.com", context)
    with start(tmp_path, ports, config):
        assert serial(ports.https, "again.example.com", context) == first
    assert pebble.accepted_orders() == 1


def test_the_account_is_kept_and_used_again(tmp_path, ports, pebble):
    with start(tmp_path, ports, site(pebble, "first.example.com")) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
    with start(tmp_path, ports, site(pebble, "second.example.com")) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
    assert pebble.accounts() == 1
    accounts = list((tmp_path / "gatehouse/data/accounts").rglob("*"))
    for path in accounts:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_external_account_binding_lets_us_in(tmp_path, ports):
    keys = {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
    with Pebble(tmp_path / "pebble", ports.http, ports.https, eab=keys) as ca:
        eab = {"key_id": "kid-1", "hmac_key": keys["kid-1"]}
        with start(tmp_path, ports, site(ca, "eab.example.com", eab=eab)) as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
            assert served(ports, "eab.example.com", ca)


def test_a_ca_that_wants_a_binding_is_told_of_in_plain_words(tmp_path, ports):
    keys = {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
    with Pebble(tmp_path / "pebble", ports.http, ports.https, eab=keys) as ca:
        with start(tmp_path, ports, site(ca, "eab.example.com")) as gatehouse:
            gatehouse.wait_for_line("(?i)eab|external account")


def test_http_01_is_answered_for_hosts_in_no_file_and_only_while_it_is_in_flight(
        tmp_path, ports, pebble):
    with start(tmp_path, ports, site(pebble, "known.example.com")) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        path = "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
        status, _, body = get(ports.http, "nobody.example.com", path)
        assert status == 404 and b"LoqX" not in body
        # A known host's path is nothing special then: it leads to https like all others.
        assert get(ports.http, "known.example.com", path)[0] == 308


def test_a_damaged_record_is_reported_set_aside_and_replaced(tmp_path, ports, pebble):
    config = site(pebble, "damaged.example.com")
    context = trust(pebble.root_file)
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
        before = serial(ports.https, "damaged.example.com", context)
    data = tmp_path / "gatehouse/data"
    (record,) = (data / "certificates").rglob("damaged.example.com")
    record.write_bytes(record.read_bytes()[:200])
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("(?i)damaged")
        gatehouse.wait_for_line("certificate obtained")
        assert serial(ports.https, "damaged.example.com", context) != before
    assert list((data / "damaged").iterdir())


def test_a_site_is_served_while_the_ca_is_down(tmp_path, ports, pebble):
    config = site(pebble, "quiet.example.com")
    with start(tmp_path, ports, config) as gatehouse:
        gatehouse.wait_for_line("certificate obtained")
    pebble.ca.kill()
    with start(tmp_path, ports, config):
        assert served(ports, "quiet.example.com", pebble)


def test_forwarding_works_behind_a_certificate_from_the_ca(tmp_path, ports, pebble):
    with EchoServer() as upstream:
        config = site(pebble, "app.example.com")
        config["sites"][0] = {"hosts": ["app.example.com"], "proxy": upstream.url}
        with start(tmp_path, ports, config) as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
            status, _, body = get(ports.https, "app.example.com", "/hi?x=1",
                                  trust(pebble.root_file))
    assert status == 200
    text = body.decode()
    assert text.startswith("GET /hi?x=1\n")
    assert "X-Forwarded-Proto: https" in text and "X-Forwarded-For: 127.0.0.1" in text
