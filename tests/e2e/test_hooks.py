"""Programs and webhooks are told what happens to certificates; those that fail hold up nobody."""

import json
import re
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness import certificates
from harness.client import connect, no_checks
from harness.gatehouse import ROOT, Gatehouse, command
from harness.ports import free_port
from harness.servers import HttpPeer, QuietHandler
from harness.stage import site

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# How the documentation says that a receiver checks who has sent it.
CHECK = {}
exec(re.search(r"```python\n(.*?)```", (ROOT / "docs/hooks.md").read_text(), re.S)[1], CHECK)

DEPLOY = """cd "$1"
umask 077
cat "$GATEHOUSE_CHAIN" >"$GATEHOUSE_NAME.pem.new"
cat "$GATEHOUSE_KEY" >"$GATEHOUSE_NAME.key"
cat >"$GATEHOUSE_NAME.json"
mv "$GATEHOUSE_NAME.pem.new" "$GATEHOUSE_NAME.pem"
"""
HANGS = 'sleep 1000 & echo $! >"$1/hung"; wait\n'
GARBAGE = r"printf '\033[2J\0\377\n\nno\r\nservice\n' >&2; exit 3" + "\n"


class _Handler(QuietHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"", self.server.peer.take(self.headers, body))


class Receiver(HttpPeer):
    """A webhook's receiver, which errs at the first request."""

    def __init__(self):
        self.requests = []  # (id, genuine, document)
        self.lock = threading.Lock()
        super().__init__(_Handler)

    def take(self, headers, body):
        genuine = CHECK["is_from_gatehouse"](headers, body, SECRET)
        forged = CHECK["is_from_gatehouse"](headers, body + b" ", SECRET)
        with self.lock:
            self.requests.append((headers["webhook-id"], genuine and not forged, json.loads(body)))
            return 500 if len(self.requests) == 1 else 204

    def told(self, event, name):
        with self.lock:
            return [document for _, _, document in self.requests
                    if (document["event"], document["name"]) == (event, name)]


class House(Gatehouse):
    def __init__(self, folder, receiver):
        self.receiver, self.deployed = receiver, folder / "deployed"
        self.deployed.mkdir()
        nowhere = {"acme": {"directory": f"http://127.0.0.1:{free_port()}/dir"}}
        chain, key = certificates.self_signed(folder, "own", ["own.test"], days=5, age=60)

        def program(name, script, **more):
            file = folder / name
            file.write_text("#!/bin/sh\n" + script)
            file.chmod(0o755)
            return {"program": str(file), "arguments": [str(self.deployed)], **more}

        super().__init__(folder, {
            "sites": [site("shop.test"), site("fails.test", tls={"issuers": [nowhere]}),
                      site("own.test", tls={"certificate": {"file": str(chain), "key": str(key)}})],
            "tls": {"issuers": [{"internal": {}}]},
            "admin": {"listen": f"127.0.0.1:{free_port()}"},
            "timeouts": {"drain": "1s"},
            "hooks": [
                {"command": program("hangs", HANGS, timeout="500ms"), "on": ["obtained"]},
                {"command": program("hangs_on", "sleep 1000\n"), "on": ["renewed"]},
                {"command": program("garbage", GARBAGE), "on": ["failed"]},
                {"command": program("deploy", DEPLOY), "on": ["obtained", "renewed"],
                 "names": ["shop.test"]},
                {"webhook": {"url": receiver.url + "/told?key=hidden", "secret": SECRET}},
            ],
        })

    def certificates(self, *words):
        done = command("certificates", *words, "--config", self.config_file)
        assert done.returncode == 0, done.stdout + done.stderr

    def told(self, event, name, count=1):
        """The last of so many that the receiver was told of."""
        return self.wait_until(lambda: self.receiver.told(event, name)[count - 1:],
                               f"{event} {name}")[-1]

    def served(self, name):
        with connect(self.https, name, no_checks()) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))

    def deployed_certificate(self, name, serial):
        """Once it is the one with that number; and its key."""
        chain = self.deployed / f"{name}.pem"

        def deployed():
            found = chain.exists() and x509.load_pem_x509_certificate(chain.read_bytes())
            return found if found and found.serial_number == serial else None
        found = self.wait_until(deployed, "what was deployed")
        key = (self.deployed / f"{name}.key").read_bytes()
        return found, serialization.load_pem_private_key(key, None)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with Receiver() as receiver, House(tmp_path_factory.mktemp("hooks"), receiver) as running:
        yield running


def test_a_program_deploys_what_was_obtained_and_renewed_with_its_key(house):
    for event in ("obtained", "renewed"):
        told = house.told(event, "shop.test")
        served = house.served("shop.test")
        assert int(told["serial"], 16) == served.serial_number
        found, key = house.deployed_certificate("shop.test", served.serial_number)
        assert found.public_key().public_numbers() == key.public_key().public_numbers()
        given = json.loads((house.deployed / "shop.test.json").read_text())
        assert given["id"] == told["id"] and given["chain"] == told["chain"]
        assert "PRIVATE" not in json.dumps(told)
        if event == "obtained":
            house.certificates("renew", "shop.test", "--wait")
            assert house.told("renewed", "shop.test")["replaces"] == told["serial"]
    assert sorted(p.name for p in house.deployed.iterdir() if p.suffix == ".json") == [
        "shop.test.json"]


def test_a_webhook_that_answered_badly_gets_the_same_event_again_and_all_are_signed(house):
    house.told("obtained", "shop.test")
    requests = house.receiver.requests
    assert requests[0][0] == requests[1][0] and requests[0][2] == requests[1][2]
    ids = [one[0] for one in requests[1:]]
    assert len(set(ids)) == len(ids) and all(genuine for _, genuine, _ in requests)
    assert "hidden" not in "".join(house.matching("hook"))


def test_failures_and_files_that_end_soon_are_told(house):
    failed = house.told("failed", "fails.test")
    assert failed["failures"] == 1 and failed["serial"] is None
    assert failed["error"]["kind"] == "refused" and failed["error"]["advice"]
    assert failed["next_attempt"] > failed["at"]
    expiring = house.told("expiring", "own.test")
    assert (expiring["stage"], expiring["source"]) == ("7d", "files")


def test_what_a_command_revokes_is_told_by_the_command_and_served_no_more(house):
    before = house.served("shop.test")
    count = len(house.receiver.told("obtained", "shop.test"))
    house.certificates("revoke", "shop.test", "--reason", "superseded", "--yes")
    told = house.receiver.told("revoked", "shop.test")
    assert [(int(one["serial"], 16), one["reason"]) for one in told] == [
        (before.serial_number, "superseded")]
    again = house.told("obtained", "shop.test", count + 1)
    assert int(again["serial"], 16) == house.served("shop.test").serial_number
    assert int(again["serial"], 16) != before.serial_number


def child_in(file):
    """The process that the last try has noted, if it came to that before it was killed."""
    text = file.read_text() if file.exists() else ""
    return int(text) if text.endswith("\n") else None


def test_programs_that_hang_or_write_garbage_are_told_of_again_and_hold_up_nobody(house):
    killed = house.wait_for_line(r"a hook failed.*hangs.*attempts=2")
    assert "was killed" in killed
    hung = house.wait_until(lambda: child_in(house.deployed / "hung"), "its child")
    house.wait_until(lambda: not Path(f"/proc/{hung}").exists() or
                     child_in(house.deployed / "hung") != hung, "its child's end")
    line = house.wait_for_line(r"a hook failed.*garbage")
    assert "ended with status 3: " in line and line.isprintable()
    # One runs still, and would for a minute.
    house.stop()
    assert house.matching("a hook was not told of an event.*hangs_on.*gatehouse ends")


def test_a_program_that_is_not_there_is_an_error_before_anything_runs(tmp_path):
    config = tmp_path / "wrong.json"
    config.write_text(json.dumps({
        "sites": [site("shop.test", tls=False)],
        "hooks": [{"command": {"program": "/none/such"}},
                  {"webhook": {"url": "https://127.0.0.1", "secret": SECRET,
                               "ca_file": "/none/root"}}]}))
    done = command("validate", "--config", config)
    assert done.returncode == 1
    assert "/hooks/0/command/program: cannot be run: /none/such" in done.stderr
    assert "/hooks/1/webhook/ca_file: " in done.stderr
