"""The words of the command line, and what a wrong configuration is told."""

import json
import re
import socket

import pytest
from harness.client import get, plain, read_response
from harness.fronts import plain_front
from harness.gatehouse import Gatehouse, command
from harness.ports import free_port
from harness.servers import EchoServer
from harness.stage import site

WRONG = """{
  // Everything is wrong here, and all of it is said at once.
  "sites": [
    { "hosts": ["a.example"], "prxy": "http://127.0.0.1:1" },
    { "hosts": "b.example", "proxy": "ftp://127.0.0.1" },
    { "hosts": ["c.example:443"], "respond": { "status": "200" } },
    { "hosts": ["*"], "tls": { "on_demand": true }, "respond": {} },
    { "hosts": ["d.example"], "hosts": ["e.example"], "respond": {} }
  ],
  "listen": { "htps": [":443"] },
  "workers": 0,
  "timeouts": { "idle": "75" },
  "storage": { "file": { "path": "${GATEHOUSE_TEST_UNSET}" } }
}
"""
# line, pointer, and what the message must say
SAID = [
    (4, "/sites/0/prxy", 'did you mean "proxy"'),
    (5, "/sites/1/proxy", "http://"),
    (6, "/sites/2/hosts/0", "port"),
    (6, "/sites/2/respond/status", "expected"),
    (7, "/sites/3/tls/on_demand", '"ask"'),
    (8, "/sites/4/hosts", "twice"),
    (10, "/listen/htps", 'did you mean "https"'),
    (11, "/workers", "expected"),
    (12, "/timeouts/idle", "expected"),
    (13, "/storage/file/path", "GATEHOUSE_TEST_UNSET"),
]


@pytest.mark.parametrize("word", ["validate", "run", "healthcheck"])
def test_all_errors_are_told_at_once_with_place_and_line(tmp_path, word):
    file = tmp_path / "wrong.json"
    file.write_text(WRONG)
    done = command(word, "--config", file)
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    for number, pointer, text in SAID:
        found = [line for line in lines if line.startswith(f"{file}:{number}: {pointer}: ")]
        assert found and text in found[0], f"{pointer} in:\n{done.stderr}"


@pytest.mark.parametrize("text, said", [
    ("", ":1: "), ("{", ":1: "), ('{"sites": [}', ":1: "), ("[]", ":1: "), ("{}", "sites"),
    ('{"sites": []}', "one site"), ('{"sites": [], "sites": []}', "twice"),
    ("{" * 100000, ":1: "), ('{"sites": [{"hosts": ["\ud800"]}]}', ":1: "),
])
def test_what_is_no_configuration_is_told_so(text, said):
    done = command("validate", "--config", "-", stdin=text.encode(
        "utf-8", "surrogatepass").decode("latin-1"))
    assert done.returncode == 2 and done.stderr.startswith("standard input:"), done.stderr
    assert said in done.stderr and len(done.stderr) < 5000


def test_a_file_that_is_not_there_and_a_wrong_word_end_with_2(tmp_path):
    done = command("run", "--config", tmp_path / "none.json")
    assert done.returncode == 2 and "none.json" in done.stderr
    for wrong in (["walk"], [], ["run", "--cnfig", "x"], ["validate"]):
        done = command(*wrong, env={"GATEHOUSE_CONFIG": ""})
        assert done.returncode == 2 and done.stderr, wrong


def test_validate_says_that_a_file_is_well_and_starts_nothing(tmp_path):
    file = tmp_path / "well.jsonc"
    file.write_text('{ /* both */ "sites": [ // kinds\n {"hosts": ["a.example"], "proxy": '
                    '"http://${GATEHOUSE_TEST_HOST:-127.0.0.1}:3000"}] }')
    done = command("validate", "--config", file)
    assert (done.returncode, done.stderr) == (0, "") and "well" in done.stdout


def test_run_reads_the_environment_and_standard_input_names_the_file(tmp_path):
    with EchoServer() as upstream:
        with plain_front(tmp_path, "http://127.0.0.1:${UPSTREAM_PORT}",
                         env={"UPSTREAM_PORT": str(upstream.port)}) as gatehouse:
            assert get(gatehouse.http, "a")[0] == 200


def test_an_address_that_is_taken_is_an_error_at_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = {"sites": [site("a.test")], "listen": {"https": [address], "http": []},
                  "storage": {"file": {"path": str(tmp_path / "data")}}}
        done = command("run", "--config", "-", stdin=json.dumps(config))
    assert done.returncode == 1 and address in done.stderr


def test_a_data_folder_that_cannot_be_written_is_an_error_at_start(tmp_path):
    (tmp_path / "data").write_text("a file")
    config = {"sites": [site("a.test")], "storage": {"file": {"path": str(tmp_path / "data")}},
              "listen": {"https": [f"127.0.0.1:{free_port()}"], "http": []}}
    done = command("run", "--config", "-", stdin=json.dumps(config))
    assert done.returncode == 1 and str(tmp_path / "data") in done.stderr


def test_version_names_what_it_was_built_with():
    done = command("version")
    assert done.returncode == 0
    for part in (r"gatehouse \d", r"BoringSSL .", r"llhttp (9\.[2-9]|\d\d)", r"Boost 1\."):
        assert re.search(part, done.stdout), done.stdout


def test_schema_is_json_and_knows_the_keys():
    done = command("schema")
    schema = json.loads(done.stdout)
    assert done.returncode == 0 and schema["required"] == ["sites"]
    assert {"sites", "listen", "tls", "storage", "limits", "timeouts", "log", "workers"} <= set(
        schema["properties"])


def test_help_lists_the_words():
    done = command("--help")
    assert done.returncode == 0
    for word in ("run", "validate", "version", "schema", "trust", "healthcheck"):
        assert word in done.stdout


@pytest.mark.parametrize("form", ["json", "text"])
def test_requests_are_written_to_the_access_log(tmp_path, form):
    file = tmp_path / "access.log"
    log = {"format": form, "access": {"file": str(file)}}
    with EchoServer() as upstream:
        with plain_front(tmp_path / "g", upstream.url, log=log) as gatehouse:
            with plain(gatehouse.http) as client:
                for path in ("/one", '/two?a="b'.replace('"', "%22")):
                    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
                    assert read_response(client)[0] == 200
    one, two = file.read_text().splitlines()
    assert "/one" in one and "/two" in two and "a.test" in one and "200" in one
    if form == "json":
        entry = json.loads(one)
        assert (entry["status"], entry["uri"], entry["client_ip"]) == (200, "/one", "127.0.0.1")
        assert entry["protocol"] == "HTTP/1.1"
        assert entry["request_id"] != json.loads(two)["request_id"]


def test_the_log_is_json_where_it_says_so(tmp_path):
    log = {"format": "json", "level": "debug"}
    with Gatehouse(tmp_path, {"sites": [site("shop.test")], "log": log}) as gatehouse:
        line = gatehouse.wait_for_line("certificate obtained")
        entry = json.loads(line)
        assert (entry["level"], entry["name"]) == ("info", "shop.test")


def test_listeners_on_unix_sockets_serve(tmp_path):
    listen = {"https": [], "http": [f"unix:{tmp_path}/gate.sock"]}
    with Gatehouse(tmp_path, {"listen": listen, "sites": [site("*", tls=False)]}) as gatehouse:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/gate.sock")
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_response(client)[2] == b"here\n"
        assert command("healthcheck", "--config", gatehouse.config_file).returncode == 0
