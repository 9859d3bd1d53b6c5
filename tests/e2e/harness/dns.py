"""Who sets TXT records, in the tests of dns-01."""

import json
import threading

from .process import PATIENCE
from .servers import HttpPeer, QuietHandler

# Sets what it is told at Pebble's DNS test server, which can only clear all values of a name.
_PROGRAM = """#!/bin/sh
set -eu
values="{folder}/$2"
touch "$values"
grep -vxF "$3" "$values" >"$values.new" || true
if [ "$1" = present ]; then echo "$3" >>"$values.new"; fi
mv "$values.new" "$values"
tell() {{ curl -sSf -o /dev/null -d "$2" "http://127.0.0.1:{admin}/$1"; }}
tell clear-txt "{{\\"host\\": \\"$2\\"}}"
while read -r value; do
  tell set-txt "{{\\"host\\": \\"$2\\", \\"value\\": \\"$value\\"}}"
done <"$values"
echo "$1 $2 $3" >>"{folder}/calls"
"""


class Program:
    """A program for the provider `command`, and what it was called with."""

    def __init__(self, folder, pebble):
        folder.mkdir()
        self.path = folder / "set-txt"
        self.path.write_text(_PROGRAM.format(folder=folder, admin=pebble.dns_admin))
        self.path.chmod(0o755)
        self.calls_file = folder / "calls"

    def calls(self, word):
        """(name, value) of each call with that word."""
        if not self.calls_file.exists():
            return []
        calls = [line.split(maxsplit=2) for line in self.calls_file.read_text().splitlines()]
        return [tuple(rest) for first, *rest in calls if first == word]


class _ApiHandler(QuietHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.peer.take(self.path, body, self.headers)
        self.answer(json.dumps(answer).encode(), status)


class DnsApi(HttpPeer):
    """The HTTP APIs of two providers, the webhook and acme-dns; what they set is seen at Pebble's
    DNS test server."""

    def __init__(self, pebble):
        self.pebble = pebble
        self.values = {}  # of each name, with a dot at its end
        self.asked = []  # (path, body)
        self.accounts = {"me": ("secret", "sub-1")}  # of acme-dns: password, subdomain
        self.news = threading.Condition()
        super().__init__(_ApiHandler)

    def take(self, path, body, headers):
        with self.news:
            self.asked.append((path, body))
            account = self._register() if path == "/register" else None
            status = 201 if account else self._act(path, body, headers)
            self.news.notify_all()
        return status, account or ({} if status == 200 else {"error": "forbidden"})

    def _register(self):
        number = len(self.accounts) + 1
        account = {"username": f"user-{number}", "password": f"secret-{number}",
                   "subdomain": f"sub-{number}", "fulldomain": f"sub-{number}.auth.example",
                   "allowfrom": []}
        self.accounts[account["username"]] = (account["password"], account["subdomain"])
        return account

    def _act(self, path, body, headers):
        if path == "/update":
            claimed = (headers["X-Api-Key"], body["subdomain"])
            if self.accounts.get(headers["X-Api-User"]) != claimed:
                return 401
            name = body["subdomain"] + ".auth.example."
            values = [*self.values.get(name, []), body["txt"]][-2:]
        elif path in ("/hook/present", "/hook/cleanup"):
            if headers["Authorization"] != "Bearer sesame":
                return 403
            name = body["fqdn"]
            values = [v for v in self.values.get(name, []) if v != body["value"]]
            if path.endswith("present"):
                values.append(body["value"])
        else:
            return 404
        before = self.values.get(name, [])
        self.values[name] = values
        # The DNS test server can remove all values alone, and somebody may be asking just now.
        for value in values:
            if value not in before:
                self.pebble.set_dns("set-txt", host=name, value=value)
        if not values:
            self.pebble.set_dns("clear-txt", host=name)
        return 200

    def wait_until(self, condition, what):
        with self.news:
            assert self.news.wait_for(condition, PATIENCE), f"{what}: {self.asked}"
