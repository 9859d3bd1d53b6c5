"""Client certificates: who must show one, what upstreams learn of it, and requests that come over
a connection whose handshake asked for something else."""

import base64
import hashlib
import json
import ssl
import subprocess
from contextlib import contextmanager

import pytest
from harness.certificates import SERVER, Authority, self_signed
from harness.client import ask, connect, fields_of, get, no_checks, parse, read_response
from harness.gatehouse import Gatehouse, command
from harness.http2 import Http2
from harness.ports import free_port
from harness.servers import EchoServer
from harness.stage import AcmeStage, site

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
INNER, GUEST, OPEN, TWIN, OTHER = (f"{one}.example"
                                   for one in ("inner", "guest", "open", "twin", "other"))
LIES = ["Client-Cert: :bGll:", "client-cert-chain: :bGll:", "Client_Cert: :bGll:"]


class House:
    """Sites with all kinds of client_auth before one upstream, and a CA for their clients."""

    def __init__(self, folder, upstream, **more):
        self.authority, self.stranger = Authority(folder, "ours"), Authority(folder, "theirs")
        names = [INNER, GUEST, OPEN, TWIN, OTHER]
        chain, key = self_signed(folder, "server", names)
        files = {"certificate": {"file": str(chain), "key": str(key)}}
        ours = {"ca_file": str(self.authority.pem)}
        asked = {INNER: ours, GUEST: {**ours, "mode": "request"}, TWIN: ours, OPEN: None,
                 OTHER: {"ca_file": str(self.stranger.pem)}}
        sites = [{"hosts": [name], "proxy": upstream.url,
                  "tls": {**files, **({"client_auth": auth} if auth else {})}}
                 for name, auth in asked.items()]
        self.gatehouse = Gatehouse(folder, {"sites": sites, **more})
        self.chain, self.key = self.authority.client("alice")

    @property
    def port(self):
        return self.gatehouse.https

    def get(self, name, certificate=None, version=None, host=None, fields=()):
        with connect(self.port, name, shows(certificate, version)) as connection:
            lines = ["GET / HTTP/1.1", f"Host: {host or name}", "Connection: close", *fields]
            return parse(ask(connection, ("\r\n".join(lines) + "\r\n\r\n").encode()))


def shows(certificate=None, version=None):
    context = no_checks(version)
    if certificate:
        context.load_cert_chain(*map(str, certificate))
    return context


@contextmanager
def house(folder, **more):
    with EchoServer() as upstream:
        one = House(folder, upstream, **more)
        with one.gatehouse:
            yield one


def alert(port, name, version, certificate=None):
    """What openssl calls the alert by which a client without a good certificate is refused."""
    shown = ["-cert", str(certificate[0]), "-key", str(certificate[1])] if certificate else []
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name,
         "-tls1_2" if version == VERSIONS[0] else "-tls1_3", "-ign_eof", *shown],
        input=f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n",
        capture_output=True, text=True, errors="replace", timeout=120)
    assert "HTTP/1.1" not in done.stdout, done.stdout
    for line in done.stderr.splitlines():
        if "alert number" in line:
            return int(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no alert: {done.stderr}")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_with_a_certificate_of_the_roots_is_served(tmp_path, version):
    with house(tmp_path) as one:
        assert one.get(INNER, (one.chain, one.key), version)[0] == 200
        assert one.get(GUEST, (one.chain, one.key), version)[0] == 200


@pytest.mark.parametrize("version, none", [(VERSIONS[0], 40), (VERSIONS[1], 116)])
def test_who_shows_no_good_certificate_is_refused_by_the_alert_that_says_why(tmp_path, version,
                                                                             none):
    with house(tmp_path) as one:
        assert alert(one.port, INNER, version) == none
        for name in (INNER, GUEST):
            assert alert(one.port, name, version, one.stranger.client("mallory")) == 48
            assert alert(one.port, name, version, one.authority.client("old", days=-1)) == 45
            assert alert(one.port, name, version, one.authority.client("web", SERVER)) == 43


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_is_requested_may_be_missing(tmp_path, version):
    with house(tmp_path) as one:
        status, _, body = one.get(GUEST, version=version)
        assert (status, b"client-cert" in body.lower()) == (200, False)


def test_a_client_is_told_whose_certificates_are_wanted(tmp_path):
    with house(tmp_path) as one:
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{one.port}",
                               "-servername", GUEST], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        told = done.stdout.replace(" ", "")
        assert "AcceptableclientcertificateCAnames\nCN=ours" in told
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{one.port}",
                               "-servername", OPEN], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        assert "No client certificate CA names sent" in done.stdout


@pytest.mark.parametrize("name", [INNER, GUEST])
def test_curl_shows_its_certificate_over_http_2(tmp_path, name):
    with house(tmp_path) as one:
        done = subprocess.run(
            ["curl", "-sSk", "--max-time", "60", "--http2", "--cert", str(one.chain), "--key",
             str(one.key), "--resolve", f"{name}:{one.port}:127.0.0.1", "-w", "%{http_version}",
             f"https://{name}:{one.port}/"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Client-Cert: :" in done.stdout and done.stdout.endswith("2")


def test_upstreams_are_told_the_certificate_as_rfc_9440_says_and_never_a_clients_own_words(
        tmp_path):
    with house(tmp_path, trusted_proxies=["127.0.0.1"]) as one:
        der = ssl.PEM_cert_to_DER_cert(one.chain.read_text())
        _, _, body = one.get(INNER, (one.chain, one.key), fields=LIES)
        told = [line for line in body.decode().splitlines() if line.lower().startswith("client")]
        assert told == [f"Client-Cert: :{base64.b64encode(der).decode()}:"]
        for name in (GUEST, OPEN):
            assert b"bGll" not in one.get(name, fields=LIES)[2]


@pytest.mark.parametrize("version", VERSIONS)
def test_no_session_is_resumed_without_the_certificate(tmp_path, version):
    with house(tmp_path) as one:
        sessions = []
        for name, certificate in ((OPEN, None), (GUEST, None), (INNER, (one.chain, one.key))):
            with connect(one.port, name, shows(certificate, version)) as connection:
                ask(connection, f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
                    .encode())
                sessions.append(connection.session)
        assert sessions[0].has_ticket and not sessions[2].has_ticket
        path = tmp_path / "session.pem"
        for name in (OPEN, GUEST, TWIN, INNER):
            shown = ["-cert", str(one.chain), "-key", str(one.key)]
            common = ["openssl", "s_client", "-connect", f"127.0.0.1:{one.port}", "-ign_eof",
                      "-tls1_2" if version == VERSIONS[0] else "-tls1_3"]
            first = subprocess.run(
                [*common, "-servername", name, *shown, "-sess_out", str(path)],
                input=f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n",
                capture_output=True, text=True, timeout=120)
            assert "200 OK" in first.stdout, first.stderr
            if not path.exists():
                continue  # nothing to resume
            again = subprocess.run(
                [*common, "-servername", INNER, "-sess_in", str(path)],
                input=f"GET / HTTP/1.1\r\nHost: {INNER}\r\nConnection: close\r\n\r\n",
                capture_output=True, text=True, timeout=120)
            assert "HTTP/1.1" not in again.stdout and "Reused" not in again.stdout
            path.unlink()


def test_a_request_for_a_site_that_asks_for_another_certificate_is_misdirected(tmp_path):
    with house(tmp_path) as one:
        alice = (one.chain, one.key)
        for name, host, status in ((OPEN, INNER, 421), (OPEN, GUEST, 421), (GUEST, INNER, 421),
                                   (INNER, GUEST, 421), (INNER, OPEN, 421), (INNER, OTHER, 421),
                                   (INNER, TWIN, 200), (OPEN, OPEN, 200),
                                   (INNER, "no.example", 404)):
            assert one.get(name, alice, host=host)[0] == status, (name, host)
        with connect(one.port, OPEN, shows()) as connection:
            for host, status in ((INNER, 421), (OPEN, 200), (f"{INNER}:{one.port}", 421)):
                connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert read_response(connection)[0] == status


def test_requests_of_one_http_2_connection_are_misdirected_one_by_one(tmp_path):
    with house(tmp_path) as one:
        context = shows()
        context.set_alpn_protocols(["h2"])
        with Http2(connect(one.port, OPEN, context)) as client:
            asked = [OPEN, INNER, GUEST, OPEN]
            streams = [client.request(authority=name, scheme="https") for name in asked]
            assert [client.response(one).status for one in streams] == [200, 421, 421, 200]


def test_plain_requests_are_sent_to_https_and_never_served(tmp_path):
    with house(tmp_path, trusted_proxies=["127.0.0.1"]) as one:
        status, head, _ = get(one.gatehouse.http, INNER)
        assert status == 308 and fields_of(head)["location"].startswith(f"https://{INNER}")
        claim = ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"]
        assert get(one.gatehouse.http, INNER, fields=claim)[0] == 421
        assert get(one.gatehouse.http, OPEN, fields=claim)[0] == 200


def test_a_ca_that_looks_at_a_challenge_is_asked_for_no_certificate(tmp_path):
    authority = Authority(tmp_path, "ours")
    inner = site(INNER, tls={"client_auth": {"ca_file": str(authority.pem)}})
    with AcmeStage(tmp_path) as stage:
        with stage.gatehouse(inner, issuer={"challenges": ["tls-alpn-01"]}) as gatehouse:
            gatehouse.wait_for_line("certificate obtained")
            context = shows(authority.client("alice"))
            assert get(gatehouse.https, INNER, context=context)[0] == 200


def test_the_access_log_names_the_certificate_by_its_fingerprint(tmp_path):
    file = tmp_path / "access.log"
    with house(tmp_path, log={"access": {"file": str(file)}, "format": "json"}) as one:
        one.get(INNER, (one.chain, one.key))
        one.get(OPEN)
        der = ssl.PEM_cert_to_DER_cert(one.chain.read_text())
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("client_cert_sha256") for line in lines] == [
        hashlib.sha256(der).hexdigest(), None]


def test_roots_that_cannot_be_read_are_errors_at_start_a_line_each(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    sites = [site(f"{n}.test", tls={"client_auth": {"ca_file": str(file)}})
             for n, file in enumerate((tmp_path / "none.pem", empty))]
    config = {"sites": sites, "storage": {"file": {"path": str(tmp_path / "data")}},
              "listen": {"https": [f"127.0.0.1:{free_port()}"], "http": []}}
    done = command("run", "--config", "-", stdin=json.dumps(config))
    assert done.returncode in (1, 2)
    for n, file in enumerate(("none.pem", "empty.pem")):
        lines = [one for one in done.stderr.splitlines()
                 if f"/sites/{n}/tls/client_auth/ca_file" in one]
        assert len(lines) == 1 and file in lines[0], done.stderr
