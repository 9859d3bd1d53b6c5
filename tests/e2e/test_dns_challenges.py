"""Certificates by dns-01: wildcards, who sets the records, and that none is left."""

import json
import re

import pytest
from harness.client import get
from harness.dns import DnsApi, Program
from harness.gatehouse import ROOT, command
from harness.knot import Knot
from harness.ports import free_port
from harness.stage import AcmeStage, site


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The CA finds nobody at the ports of the other challenges."""
    nobody = free_port()
    with AcmeStage(tmp_path_factory.mktemp("stage"), http_port=nobody, tls_port=nobody) as stage:
        yield stage


def dns(stage, **provider):
    """The issuer's `dns`: records are seen at Pebble's DNS test server."""
    server = f"127.0.0.1:{stage.pebble.dns_port}"
    return {"resolvers": [server], "servers": [server], **provider}


def issuers(stage, provider):
    """`tls` of a site that goes by dns-01 alone."""
    acme = {"challenges": ["dns-01"], "dns": {**dns(stage), **provider}}
    return {"issuers": [stage.pebble.issuer(**acme)]}


def test_a_program_sets_the_records_of_a_wildcard_and_its_apex(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    issuer = {"challenges": ["dns-01"], "dns": dns(stage, command={"program": str(program.path)})}
    with stage.gatehouse("*.a.example", "a.example", issuer=issuer) as gatehouse:
        for name in ("a.example", "any.a.example"):
            assert get(gatehouse.https, name, context=stage.trust)[0] == 200
        gatehouse.wait_until(lambda: len(program.calls("cleanup")) == 2, "the end of the records")
    present = program.calls("present")
    assert [name for name, _ in present] == ["_acme-challenge.a.example."] * 2
    assert sorted(program.calls("cleanup")) == sorted(present)
    assert not gatehouse.records("dns")


def test_dns_01_is_found_by_itself_when_the_other_challenges_fail(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    issuer = {"dns": dns(stage, command={"program": str(program.path)})}
    with stage.gatehouse("b.example", issuer=issuer) as gatehouse:
        assert get(gatehouse.https, "b.example", context=stage.trust)[0] == 200
        gatehouse.wait_for_line("trying another type", 2)


def test_an_account_has_a_name_of_its_own_for_its_records(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    issuer = {"challenges": ["dns-account-01"],
              "dns": dns(stage, command={"program": str(program.path)})}
    with stage.gatehouse("account.example", issuer=issuer) as gatehouse:
        assert get(gatehouse.https, "account.example", context=stage.trust)[0] == 200
        gatehouse.wait_until(lambda: program.calls("cleanup"), "the end of the record")
    (name, _), = program.calls("present")
    assert re.fullmatch(r"_[a-z2-7]{16}\._acme-challenge\.account\.example\.", name)


def test_a_persistent_record_is_set_once_and_stays(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    provider = dns(stage, command={"program": str(program.path)})
    with stage.gatehouse("*.persist.example", tls={"issuers": [stage.pebble.issuer(
            challenges=["dns-persist-01"], dns=provider)]}) as gatehouse:
        assert get(gatehouse.https, "any.persist.example", context=stage.trust)[0] == 200
    (name, value), = program.calls("present")
    assert name == "_validation-persist.persist.example."
    assert re.fullmatch(r"[a-z.]+; accounturi=https://\S+; policy=wildcard", value)
    assert not program.calls("cleanup")


def test_the_account_is_shown_with_the_record_that_the_ca_wants_for_it(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    provider = dns(stage, command={"program": str(program.path)})

    def account(gatehouse, *more):
        done = command("account", "show", *more, "--config", gatehouse.config_file)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Two issuers with one account, of which the second goes by such records.
    sites = [site("plain.example", tls=issuers(stage, provider)),
             site("*.shown.example", tls={"issuers": [stage.pebble.issuer(
                 challenges=["dns-persist-01"], dns=provider)]})]
    with stage.gatehouse(*sites, tls={"issuers": [{"internal": {}}]}) as gatehouse:
        assert get(gatehouse.https, "any.shown.example", context=stage.trust)[0] == 200
        gatehouse.wait_for_line("certificate obtained name=plain.example")
        (name, value), = [call for call in program.calls("present") if "persist" in call[0]]
        assert name == "_validation-persist.shown.example."
        told, = json.loads(account(gatehouse, "--json"))
        assert told["dns_persist"] == value and told["account"] in value
        lines = account(gatehouse).splitlines()
        assert f"  record:    TXT at _validation-persist.NAME: {value}" in lines
    with stage.gatehouse(sites[0], tls={"issuers": [{"internal": {}}]}) as gatehouse:
        assert json.loads(account(gatehouse, "--json"))[0]["dns_persist"] == ""
        assert "record:" not in account(gatehouse)


def test_a_program_that_fails_is_quoted_and_what_it_may_have_set_is_withdrawn(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    script = program.path.read_text()
    program.path.write_text(script + "[ $1 = cleanup ] || { echo no such zone >&2; exit 3; }\n")
    issuer = {"challenges": ["http-01"], "dns": dns(stage, command={"program": str(program.path)})}
    with stage.gatehouse("*.c.example", issuer=issuer) as gatehouse:
        line = gatehouse.wait_for_line("no certificate for a name")
        assert f"{program.path} present _acme-challenge.c.example ended with status 3" in line
        assert "no such zone" in line
        gatehouse.wait_until(lambda: program.calls("cleanup"), "the end of the record")
    assert program.calls("cleanup") == program.calls("present")
    assert not gatehouse.records("dns")


def leave_a_record(stage, host, provider):
    """A gatehouse that was killed while it waited for DNS to show the record that it had set."""
    nowhere = {**provider, "servers": [f"127.0.0.1:{free_port()}"]}
    killed = stage.gatehouse(host, issuer={"dns": nowhere})
    killed.wait_for_line("DNS record set")
    killed.kill9()
    assert killed.records("dns")


def test_a_record_that_a_killed_process_has_left_is_removed_at_the_next_start(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    seen = dns(stage, command={"program": str(program.path)})
    leave_a_record(stage, "*.d.example", seen)
    with stage.gatehouse("e.example", issuer={"dns": seen}) as gatehouse:
        gatehouse.wait_for_line("removing a DNS record that was left")
        gatehouse.wait_until(lambda: program.calls("cleanup"), "the end of the record")
        gatehouse.wait_until(lambda: not gatehouse.records("dns"), "the end of its note")


def test_a_record_that_a_former_provider_has_left_is_told_of(tmp_path, stage):
    program = Program(tmp_path / "program", stage.pebble)
    provider = dns(stage, command={"program": str(program.path)})
    leave_a_record(stage, "*.s.example", provider)
    with stage.gatehouse("e.example") as gatehouse:
        line = gatehouse.wait_for_line("DNS records may be left that no provider")
        assert re.search("notes=1 folders=dns/[0-9a-f]{32}", line)


def test_services_set_values_side_by_side_and_at_the_end_of_aliases(stage):
    stage.pebble.set_dns("set-cname", host="_acme-challenge.g.example.",
                         target="sub-1.auth.example.")
    with DnsApi(stage.pebble) as api:
        hook = {"webhook": {"url": f"{api.url}/hook", "token": "sesame"}}
        acme_dns = {"acme_dns": {"url": api.url, "username": "me", "password": "secret",
                                 "subdomain": "sub-1"}}
        sites = [site("*.f.example", "f.example", tls=issuers(stage, hook)),
                 site("*.g.example", "*.no-cname.example", tls=issuers(stage, acme_dns))]
        with stage.gatehouse(*sites) as gatehouse:
            for name in ("f.example", "any.f.example", "any.g.example"):
                assert get(gatehouse.https, name, context=stage.trust)[0] == 200
            line = gatehouse.wait_for_line("no certificate for a name")
            assert "_acme-challenge.no-cname.example must be a CNAME" in line
            api.wait_until(lambda: api.values["_acme-challenge.f.example."] == [],
                           "the end of the records")
        paths = [path for path, _ in api.asked]
        assert (paths.count("/hook/present"), paths.count("/update")) == (2, 1)
    assert not re.search("sesame|secret", gatehouse.output)


def test_without_an_account_at_acme_dns_each_name_gets_one_and_is_told_its_cname(stage):
    config = {"admin": {"listen": f"127.0.0.1:{free_port()}"}}
    with DnsApi(stage.pebble) as api:
        sites = [site("*.r.example", "r.example",
                      tls=issuers(stage, {"acme_dns": {"url": api.url}}))]

        def certificates(*words):
            done = command("certificates", *words, "--config", gatehouse.config_file)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        with stage.gatehouse(*sites, config=config) as gatehouse:
            line = gatehouse.wait_for_line("no certificate for a name.*name=r.example")
            target, = re.findall(r"_acme-challenge\.r\.example\. CNAME (\S+)\.\\\"", line)
            assert target.endswith(".auth.example") and api.url in line
            for name in ("r.example", "*.r.example"):
                ended = lambda: "state:      failed\n" in certificates("show", name)
                gatehouse.wait_until(ended, "the end of the order")
                assert f"CNAME {target}." in certificates("show", name)
            stage.pebble.set_dns("set-cname", host="_acme-challenge.r.example.",
                                 target=target + ".")
            certificates("renew", "*.r.example", "r.example", "--wait")
            for name in ("r.example", "any.r.example"):
                assert get(gatehouse.https, name, context=stage.trust)[0] == 200
            record, = gatehouse.records("acme_dns")
            assert record.stat().st_mode & 0o777 == 0o600
        assert [path for path, _ in api.asked].count("/register") == 1
    assert "secret" not in gatehouse.output


def test_a_zone_is_updated_at_its_own_server(tmp_path):
    keys = ("hmac-sha256", "hmac-sha512")
    with Knot(tmp_path / "knot", ["i.example"], keys) as knot:
        server = f"127.0.0.1:{knot.port}"
        seen = {"resolvers": [server], "servers": [server]}
        with AcmeStage(tmp_path / "stage", dns_server=server) as stage:
            first, second = ({"rfc2136": {"server": server, "key_name": key, "key": knot.secret,
                                          "algorithm": key}, **seen} for key in keys)
            program = {"command": {"program": str(ROOT / "examples/dns_records.sh")}, **seen}
            hosts = {"*.i.example": first, "i.example": first, "*.x.i.example": second,
                     "*.y.i.example": program}
            sites = [site(host, tls=issuers(stage, dns)) for host, dns in hosts.items()]
            with stage.gatehouse(*sites, env={"KNOTC": knot.control}) as gatehouse:
                for host in hosts:
                    name = host.replace("*", "any")
                    assert get(gatehouse.https, name, context=stage.trust)[0] == 200
                gatehouse.wait_until(lambda: not gatehouse.records("dns"), "the end of the records")
        assert knot.values("_acme-challenge.i.example") == ["somebody else's"]
        assert knot.values("_acme-challenge.y.i.example") == []
