"""A running gatehouse is asked and told things, by who can read its storage and by nobody else."""

import contextlib
import http.client
import json
import socket
import stat
import subprocess
import threading

import pytest
from harness.client import connect, no_checks
from harness.gatehouse import BINARY, Gatehouse, command
from harness.ports import free_port
from harness.stage import site


class House(Gatehouse):
    """With admin, and the internal CA for all but fails.test, whose CA is not there."""

    def __init__(self, folder, admin=None):
        nowhere = {"acme": {"directory": f"http://127.0.0.1:{free_port()}/dir"}}
        self.admin = free_port()
        super().__init__(folder, {
            "sites": [site("shop.test", "*.wild.test"),
                      site("fails.test", tls={"issuers": [nowhere]}),
                      site("*.demand.test", tls={"on_demand": True})],
            "tls": {"issuers": [{"internal": {}}],
                    "on_demand": {"allow": ["*.demand.test"]}},
            "admin": {"listen": admin or f"127.0.0.1:{self.admin}"},
        })
        for name in ("shop.test", r"\*.wild.test"):
            self.wait_for_line(f"certificate obtained name=\"?{name}")
        self.wait_for_line("no certificate for a name.*fails.test")

    @property
    def token(self):
        file, = (self.data / "admin").rglob("token")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        return file.read_text().splitlines()[1]

    def ask(self, method, path, body=None, **fields):
        """Status and JSON of an answer to who knows the token."""
        fields = {"Authorization": f"Bearer {self.token}", **fields}
        return ask(self.admin, method, path, body, fields)

    def certificates(self, *words):
        return command("certificates", *words, "--config", self.config_file)

    def served(self, name):
        return leaf(self.https, name)


def leaf(port, name):
    with connect(port, name, no_checks()) as connection:
        return connection.getpeercert(binary_form=True)


def ask(port, method, path, body=None, fields=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    if isinstance(body, dict):
        body = json.dumps(body)
    connection.request(method, path, body, fields or {})
    answer = connection.getresponse()
    text = answer.read()
    is_json = answer.getheader("Content-Type") == "application/json"  # else it is HTTP's own error
    return answer.status, json.loads(text) if is_json else text


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with House(tmp_path_factory.mktemp("admin")) as running:
        running.served("a.demand.test")
        yield running


def test_without_the_token_only_the_health_is_told(house):
    assert ask(house.admin, "GET", "/health") == (200, {"status": "ok"})
    for method, path in [("GET", "/certificates"), ("POST", "/certificates/renew"), ("GET", "/x")]:
        for given in ({}, {"Authorization": "Bearer " + "A" * 43}, {"Authorization": house.token}):
            status, answer = ask(house.admin, method, path, fields=given)
            assert status == 401 and "error" in answer


def test_a_web_page_is_told_nothing(house):
    for fields in ({"Origin": "http://localhost"}, {"Host": "evil.example"}):
        for path in ("/health", "/certificates"):
            assert house.ask("GET", path, **fields)[0] == 403


def test_what_is_no_request_for_it_is_told_so(house):
    assert house.ask("GET", "/nothing")[0] == 404
    assert house.ask("DELETE", "/certificates")[0] == 405
    assert house.ask("GET", "/certificates?most=0")[0] == 400
    for body in ("", "no JSON", "[]", "{}", '{"names": [1]}', '{"names": ["a"], "x": 1}',
                 '{"names": ["shop.test"], "all": true}'):
        assert house.ask("POST", "/certificates/renew", body)[0] == 400, body
    assert house.ask("POST", "/certificates/changed", "x" * 70_000)[0] == 413


def test_who_connects_and_says_nothing_keeps_sixteen_places_at_most(house):
    waiting = [socket.create_connection(("127.0.0.1", house.admin), 60) for _ in range(16)]
    with socket.create_connection(("127.0.0.1", house.admin), 60) as one_more:
        assert one_more.recv(1) == b""
    for connection in waiting:
        connection.close()
    house.wait_until(lambda: healthy(house.admin), "a free place")


def healthy(port):
    try:
        return ask(port, "GET", "/health")[0] == 200
    except (http.client.HTTPException, OSError):
        return False


def test_list_and_show_tell_what_is_served_and_what_fails(house):
    done = house.certificates("list")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert set(lines) == {"NAME", "shop.test", "*.wild.test", "fails.test", "a.demand.test"}
    assert lines["shop.test"].endswith("served") and " failed" in lines["fails.test"]
    told = json.loads(house.certificates("list", "--json").stdout)
    assert told["running"] is True and len(told["certificates"]) == 4
    for one in told["certificates"]:
        assert one["state"] == ("failed" if one["name"] == "fails.test" else "served")
        assert house.ask("GET", f"/certificates/{one['name']}") == (200, one)
    done = house.certificates("show", "X.wild.test")
    assert done.returncode == 0 and "name:       *.wild.test\n" in done.stdout
    done = house.certificates("show", "fails.test")
    assert "last error: " in done.stdout and "next try: " in done.stdout
    _, first = house.ask("GET", "/certificates?most=3")
    _, rest = house.ask("GET", "/certificates?after=fails.test")
    assert first["next"] == "fails.test" and rest["next"] is None
    assert first["certificates"] + rest["certificates"] == told["certificates"]


def test_a_misspelt_name_and_wrong_words_are_errors(house):
    for word in ("show", "renew"):
        done = house.certificates(word, "shop.tset")
        assert done.returncode == 1 and 'did you mean "shop.test"?' in done.stderr
    assert "no host name" in house.certificates("show", "shop test").stderr
    for words in (["renew"], ["renew", "shop.test", "--all"], ["show"], [], ["lst"]):
        assert house.certificates(*words).returncode == 2, words


def test_renew_brings_a_new_certificate_at_once(house):
    for name, words in [("shop.test", ["shop.test"]), ("a.demand.test", ["a.demand.test"])]:
        before = house.served(name)
        done = house.certificates("renew", *words, "--wait")
        assert (done.returncode, done.stdout) == (0, f"{name}: renewed\n"), done.stderr
        assert house.served(name) != before
    done = house.certificates("renew", "shop.test", "fails.test", "--wait")
    assert done.returncode == 1 and "shop.test: renewed" in done.stdout
    assert "fails.test: failed: " in done.stdout
    before = house.served("shop.test")
    told = json.loads(house.certificates("renew", "--all", "--json").stdout)
    assert {one["outcome"] for one in told["certificates"]} == {"due"}
    house.wait_until(lambda: house.served("shop.test") != before, "another certificate")


def test_what_was_taken_out_of_storage_is_ordered_anew_when_that_is_told(house):
    before = house.served("shop.test")
    file, = (house.data / "certificates").rglob("shop.test")
    file.unlink()
    told = {"name": "shop.test", "outcome": "withdrawn", "error": None}
    assert house.ask("POST", "/certificates/changed", {"names": ["shop.test"]}) == (
        200, {"certificates": [told]})
    house.wait_until(file.exists, "a new record")
    assert house.served("shop.test") != before


def test_without_a_running_gatehouse_storage_is_read_and_told(tmp_path):
    address = f"unix:{tmp_path}/admin"
    with House(tmp_path, admin=address) as house:
        assert stat.S_IMODE((tmp_path / "admin").stat().st_mode) == 0o600
        running = json.loads(house.certificates("list", "--json").stdout)
        before = house.served("shop.test")
        house.served("a.demand.test")
    stopped = json.loads(house.certificates("list", "--json").stdout)
    states = {one["name"]: one["state"] for one in stopped["certificates"]}
    assert running["running"] is True and stopped["running"] is False
    assert states == {"shop.test": "stored", "*.wild.test": "stored", "a.demand.test": "stored",
                      "fails.test": "failed"}
    assert "does not run" in house.certificates("show", "shop.test").stderr
    typed = house.certificates("show", "SHOP.test.", "--json")
    assert json.loads(typed.stdout)["name"] == "shop.test"
    done = house.certificates("renew", "shop.test", "a.demand.test", "--wait")
    assert done.returncode == 0 and "shop.test: due when gatehouse starts" in done.stdout
    with Gatehouse(tmp_path, json.loads(house.config_file.read_text()), https=house.https,
                   http=house.http) as again:
        again.wait_for_line("certificate obtained name=shop.test")
        again.wait_for_line("certificate obtained name=a.demand.test")
        assert not again.matching("obtained name=.*wild")
        again.wait_until(lambda: leaf(again.https, "shop.test") != before, "the new one")


def test_what_a_former_issuer_has_signed_is_listed_and_marked(tmp_path):
    nowhere = {"acme": {"directory": f"http://127.0.0.1:{free_port()}/dir"}}
    config = {"sites": [site("shop.test"), site("gone.test")],
              "tls": {"issuers": [{"internal": {}}]},
              "admin": {"listen": f"unix:{tmp_path}/admin"}}
    with Gatehouse(tmp_path, config) as gatehouse:
        for name in ("shop.test", "gone.test"):
            gatehouse.wait_for_line(f"certificate obtained name={name}")
    config["sites"].pop()
    config["tls"] = {"issuers": [nowhere], "renewal": {"on_issuer_change": "at_renewal"}}
    with Gatehouse(tmp_path, config, https=gatehouse.https, http=gatehouse.http) as again:
        assert leaf(again.https, "shop.test")
        listed(again, states=["stored", "served"])
    listed(again, states=["stored", "stored"])


def listed(gatehouse, states):
    words = ("--config", gatehouse.config_file)
    told = json.loads(command("certificates", "list", "--json", *words).stdout)["certificates"]
    assert [one["name"] for one in told] == ["gone.test", "shop.test"]
    assert [one["state"] for one in told] == states
    assert all(one["issuer"] == "internal" and one["former_issuer"] for one in told)
    lines = command("certificates", "list", *words).stdout.splitlines()
    assert all("internal (former)" in line for line in lines[1:]), lines
    shown = command("certificates", "show", "gone.test", *words).stdout
    assert "issuer:     internal (former)\n" in shown and "state:      stored\n" in shown


class Impostor(threading.Thread):
    """Listens where gatehouse did, and answers its health as it can without the token."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.got = b""
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.got += connection.recv(65536)
                body = b'{"status": "ok", "proof": "AAAA"}'
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
                connection.sendall(head + body)


def config_at(folder, admin):
    return {"sites": [site("shop.test")], "tls": {"issuers": [{"internal": {}}]},
            "listen": {"https": [f"127.0.0.1:{free_port()}"], "http": []},
            "storage": {"file": {"path": str(folder / "data")}}, "admin": admin}


def test_the_token_is_given_to_nobody_else_at_the_address(house, tmp_path):
    impostor = Impostor()
    port = impostor.listener.getsockname()[1]
    config = json.loads(house.config_file.read_text())
    config["admin"] = {"listen": f"127.0.0.1:{port}"}
    for words in (["list"], ["renew", "shop.test"]):
        done = command("certificates", *words, "--config", "-", stdin=json.dumps(config))
        assert done.returncode == 1 and "is not the gatehouse" in done.stderr
    assert b"GET /health?challenge=" in impostor.got
    assert b"uthorization" not in impostor.got and house.token.encode() not in impostor.got
    impostor.listener.close()


def bound_to_default():
    try:
        return socket.create_server(("127.0.0.1", 2019))
    except OSError:
        return None


def test_a_configured_address_that_is_taken_is_an_error_and_the_default_one_a_warning(
        house, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = command("run", "--config", "-",
                       stdin=json.dumps(config_at(tmp_path, {"listen": address})))
        assert done.returncode == 1 and f"admin at {address}" in done.stderr
    try:  # other tests may have it for a while
        default = house.wait_until(bound_to_default, "the default address")
    except AssertionError:
        default = contextlib.nullcontext()  # somebody has it all the time, which is as good
    with default:
        with Gatehouse(tmp_path, {"sites": [site("shop.test")], "admin": {}}) as gatehouse:
            gatehouse.wait_for_line("serving without admin.*127.0.0.1:2019")
            gatehouse.wait_for_line("certificate obtained")
            listed = command("certificates", "list", "--config", gatehouse.config_file)
            assert "shop.test" in listed.stdout and "cannot be asked" in listed.stderr


def test_a_stop_waits_for_nobody_who_asks(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent_ca:
        port = free_port()
        never = {"acme": {"directory": f"http://127.0.0.1:{silent_ca.getsockname()[1]}/dir"}}
        config = config_at(tmp_path, {"listen": f"127.0.0.1:{port}"})
        config["sites"].append(site("waits.test", tls={"issuers": [never]}))
        config["timeouts"] = {"drain": "500ms"}
        with Gatehouse(tmp_path, config) as gatehouse:
            show = ("certificates", "show", "shop.test", "--config", gatehouse.config_file)
            gatehouse.wait_until(lambda: "served" in command(*show).stdout, "a certificate")
            silent = socket.create_connection(("127.0.0.1", port), 60)
            half = socket.create_connection(("127.0.0.1", port), 60)
            half.sendall(b"POST /certificates/renew HTTP/1.1\r\nHo")
            renewing = subprocess.Popen(
                [BINARY, "certificates", "renew", "waits.test", "shop.test", "--wait", "--config",
                 gatehouse.config_file], stderr=subprocess.PIPE, text=True)
            gatehouse.wait_for_line("certificate obtained", count=2)
            gatehouse.stop()
            assert "it may have stopped" in renewing.communicate(timeout=60)[1]
            assert renewing.returncode == 1
            for connection in (silent, half):
                connection.close()
