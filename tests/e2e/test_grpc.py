"""gRPC as its users speak it: @grpc/grpc-js on both sides, HTTP/2 on both sides of gatehouse."""

import signal

import pytest
from harness.node_peers import ALL_TLS, NO_TLS, GrpcServer, NodePair

CANCELLED, DEADLINE, NOT_FOUND, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = \
    1, 4, 5, 10, 12, 13, 14
VALUES = [["one, two"], ["00ff0a2c"]]  # of the metadata that the client sends; Node joins them


class Pair(NodePair):
    def __init__(self, folder, tls):
        super().__init__(GrpcServer, "grpc_client.js", folder, tls)


@pytest.fixture(scope="module", params=["h2c to h2c", "TLS to TLS"])
def pair(request, tmp_path_factory):
    tls = ALL_TLS if request.param.startswith("TLS") else NO_TLS
    with Pair(tmp_path_factory.mktemp("pair"), tls) as pair:
        yield pair


def test_a_call_brings_its_answer_and_metadata_both_ways(pair):
    first, empty = pair.run("unary")
    assert first == {"answer": "hello", "code": 0, "first": VALUES, "last": VALUES}
    assert empty == {"empty": 0}


def test_errors_without_a_message_keep_status_words_and_metadata(pair):
    failed, unknown = pair.run("errors")
    assert failed == {"code": NOT_FOUND, "details": "naïve: 100%\nof it", "last": VALUES}
    assert unknown == {"code": UNIMPLEMENTED}


def test_streams_of_messages_pass_in_each_direction(pair):
    assert pair.run("streams") == [{"collected": 499 * 500 // 2},
                                   {"count": 300, "wrong": 0, "code": 0}]


def test_a_conversation_goes_on_message_by_message(pair):
    assert pair.run("turns") == [{"turns": 50, "code": 0}]


def test_a_deadline_reaches_the_server_and_ends_its_work(pair):
    assert pair.run("deadline") == [{"code": DEADLINE}]
    assert pair.server.wait_for_line("begun Hang") == "begun Hang with deadline"
    pair.server.wait_for_line("cancelled Hang")


def test_a_client_that_cancels_ends_the_servers_work(pair):
    assert pair.run("cancel") == [{"code": CANCELLED}]
    assert pair.server.wait_for_line("begun Begin") == "begun Begin for ever"
    pair.server.wait_for_line("cancelled Begin")


def test_a_server_that_gives_up_is_heard_though_the_client_has_more_to_say(pair):
    by_status, by_reset = pair.run("given_up")
    assert by_status == {"answer": "more will come", "code": ABORTED,
                         "details": "naïve: 100%\nof it"}
    assert by_reset == {"answer": "more will come", "code": CANCELLED, "details": ""}


def test_a_message_of_8_mib_passes_both_ways(pair):
    assert pair.run("large") == [{"same": True}]


def test_400_calls_at_once_on_one_channel_keep_their_messages_apart(pair):
    assert pair.run("many") == [{"same": 400}]


@pytest.mark.parametrize("tls", ["client", "server"])
def test_all_that_passes_where_one_side_has_tls(tmp_path, tls):
    scenarios = {
        "unary": [{"answer": "hello", "code": 0, "first": VALUES, "last": VALUES}, {"empty": 0}],
        "errors": [{"code": NOT_FOUND, "details": "naïve: 100%\nof it", "last": VALUES},
                   {"code": UNIMPLEMENTED}],
        "streams": [{"collected": 499 * 500 // 2}, {"count": 300, "wrong": 0, "code": 0}],
        "turns": [{"turns": 50, "code": 0}],
        "deadline": [{"code": DEADLINE}],
        "cancel": [{"code": CANCELLED}],
        "large": [{"same": True}],
    }
    with Pair(tmp_path, (tls,)) as pair:
        assert pair.run(",".join(scenarios)) == [said for all_said in scenarios.values()
                                                 for said in all_said]
        pair.server.wait_for_line("cancelled Hang")
        pair.server.wait_for_line("cancelled Begin")


@pytest.mark.parametrize("tls", [NO_TLS, ALL_TLS], ids=["h2c", "TLS"])
def test_a_drain_loses_no_call(tmp_path, tls):
    with Pair(tmp_path, tls) as pair, pair.client("through_a_drain") as client:
        client.wait_for_line("standing")
        pair.front.signal(signal.SIGTERM)
        pair.front.wait_for_line("stopping")
        client.signal(signal.SIGUSR2)
        assert client.results() == ["standing", {"well": 50}]
        assert pair.front.wait() == 0


@pytest.mark.parametrize("tls", [NO_TLS, ALL_TLS], ids=["h2c", "TLS"])
def test_calls_of_a_server_that_dies_fail_and_do_not_hang(tmp_path, tls):
    with Pair(tmp_path, tls) as pair, pair.client("broken") as client:
        client.wait_for_line("begun")
        pair.server.kill()
        begun, end = client.results()
        assert end["code"] in (UNAVAILABLE, INTERNAL)
        assert pair.run("unary_to_nobody") == [{"code": UNAVAILABLE}]
