"""The house as it stands keeps its rules."""

import json
import os
import re
import statistics
import subprocess
from pathlib import Path

import json_schema
import pytest
from rules import ROOT, RULES, sources

BINARY = os.environ.get("GATEHOUSE_BINARY", str(ROOT / "build/release/gatehouse"))
BUILD = os.environ.get("GATEHOUSE_BUILD", str(ROOT / "build/release"))


def gatehouse(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, **options)


def test_sources_keep_the_rules():
    findings = [str(f) for source in sources() for rule in RULES for f in rule(source)]
    assert not findings, "\n" + "\n".join(findings)


def test_files_stay_small():
    lengths = [s.text.count("\n") for s in sources() if s.path.startswith("src/")]
    median = statistics.median(lengths)
    print(f"{len(lengths)} files in src, median {median} lines, largest {max(lengths)}")
    assert median <= 150


def test_every_header_without_a_source_compiles_alone():
    done = subprocess.run(
        ["cmake", "--build", BUILD, "--target", "headers_alone"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def schema_keys(schema: dict) -> set[str]:
    """The names of all properties anywhere in the schema."""
    keys = set()

    def walk(node):
        if isinstance(node, dict):
            for name, value in node.get("properties", {}).items():
                keys.add(name)
                walk(value)
            for name, value in node.items():
                if name != "properties":
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    return keys


def schema():
    return json.loads(gatehouse("schema", check=True).stdout)


def schema_of_this_build() -> set[str]:
    keys = schema_keys(schema())
    assert {"sites", "on_demand", "drain"} <= keys
    return keys


def test_every_key_is_documented():
    text = re.sub(r"```.*?```", "", (ROOT / "docs/configuration.md").read_text(), flags=re.S)
    documented = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    assert not schema_of_this_build() - documented, "not in docs/configuration.md"


def test_every_documented_key_exists():
    keys, table, found = schema_of_this_build(), False, 0
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        cells = line.split("|")
        if not line.startswith("|"):
            table = False
        elif cells[1].strip() in ("key", "action"):
            table = True
        elif table:
            for name in re.findall(r"`([a-z0-9_.]+)`", cells[1]):
                found += 1
                assert set(name.split(".")) <= keys, f"`{name}` is documented, and not in the schema"
    assert found > 20


def assert_valid(done, what):
    """Well, but for files that stand on somebody else's machine."""
    missing = [line for line in done.stderr.splitlines() if "/etc/gatehouse/" in line]
    assert done.returncode == (1 if missing else 0), f"{what}: {done.stdout}{done.stderr}"
    assert missing == done.stderr.splitlines(), f"{what}: {done.stderr}"


def test_every_example_is_valid():
    examples = sorted((ROOT / "examples").glob("*.json*"))
    assert examples
    environment = dict(os.environ, GATEHOUSE_EXAMPLE="1")
    for example in examples:
        done = gatehouse("validate", "--config", str(example), env=environment)
        assert_valid(done, example)


def test_every_configuration_in_the_docs_is_valid(tmp_path):
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        blocks = re.findall(r"```jsonc\n(\{.*?)```", page.read_text(), re.S)
        for number, block in enumerate(blocks):
            file = tmp_path / f"{page.stem}{number}.jsonc"
            file.write_text(block)
            done = gatehouse("validate", "--config", str(file))
            assert_valid(done, f"{page.name}, block {number}")


@pytest.mark.parametrize("fits, config", [
    (True, '{"sites": [{"hosts": ["a"], "proxy": ["http://b"]}], "log": {"level": "${L:-info}"}}'),
    (True, '{"sites": [{"hosts": ["a"], "redirect": "/"}], "timeouts": {"idle": 0}}'),
    (False, '{"sites": [{"hosts": ["a"], "respond": {}}], "tls": {"issuers": [{"acme": {"dns": '
            '{"rfc2136": {"server": "b"}}}}]}}'),
    (False, '{"sites": [{"hosts": ["a"], "prxy": "http://b"}]}'),
    (False, '{"sites": [{"hosts": ["a"], "redirect": {"status": 308}}]}'),
    (False, '{"sites": [{"hosts": ["a"], "proxy": []}]}'),
    (False, '{"sites": [{"hosts": ["a"], "routes": [{"match": {"path": "/"}}]}]}'),
    (False, '{"sites": [{"hosts": ["a"], "respond": {}, "redirect": "/"}]}'),
    (False, '{"sites": [{"hosts": ["a"]}]}'),
    (False, '{"sites": [{"hosts": ["a"], "respond": {}}], "log": {"level": "loud"}}'),
])
def test_the_schema_knows_right_from_wrong_as_validate_does(fits, config):
    done = subprocess.run([BINARY, "validate", "--config", "-"], input=config, text=True,
                          capture_output=True)
    assert (done.returncode == 0) == fits
    assert (not json_schema.misfits(schema(), json_schema.read(config))) == fits


def test_every_example_fits_the_schema():
    for example in sorted((ROOT / "examples").glob("*.json*")):
        assert not json_schema.misfits(schema(), json_schema.read(example.read_text())), example


def test_no_openssl_in_the_process():
    linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    assert "libc.so" in linked
    assert not re.search(r"libssl|libcrypto|gnutls", linked), linked
    for library in re.findall(r"=> (/\S+)", linked):
        needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True).stdout
        assert not re.search(r"NEEDED.*lib(ssl|crypto)", needed), library


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not link.startswith(("http:", "https:")):
                assert (page.parent / link).exists(), f"{page.name} links to {link}"
