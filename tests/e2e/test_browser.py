"""A page in Chromium behind gatehouse: what it fetches, sends, hears and talks to by HTTP/2."""

import json

from harness.browser import Browser
from harness.fronts import NAME, tls_front
from harness.node_peers import NodeServer


def test_all_that_a_page_does_passes_over_one_connection_of_http_2(tmp_path):
    log = {"format": "json", "level": "debug", "access": {"file": str(tmp_path / "access.log")}}
    with NodeServer("browser_upstream.js") as upstream:
        with tls_front(tmp_path / "g", upstream.url, log=log) as gatehouse:
            url = f"https://{NAME}:{gatehouse.https}/"
            with Browser(tmp_path / "user", url, NAME, tmp_path / "g/front.pem"):
                told = upstream.wait_for_line("^result ")
    assert json.loads(told.split(" ", 1)[1]) == {
        "resources": 50, "upload": True, "stream": True,
        "events": ["event 1", "event 2", "event 3"],
        "socket": ["two", 100000, 4000, "mine"], "protocols": ["h2"]}
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    assert {line["protocol"] for line in lines} == {"HTTP/2.0"}
    # The WebSocket by extended CONNECT (RFC 8441).
    assert [line["status"] for line in lines if line["uri"] == "/chat"] == [101]
