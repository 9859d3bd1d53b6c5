"""What one order is for: several names, an IP address, an internationalised name."""

import pytest
from cryptography import x509
from harness.client import connect, get, no_checks, refusal
from harness.stage import AcmeStage, site

JOINT = ["a.example", "b.example", "c.example"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with AcmeStage(tmp_path_factory.mktemp("orders")) as stage:
        yield stage


@pytest.fixture(scope="module")
def gatehouse(stage):
    one = {"tls": {"one_certificate": True}}
    with stage.gatehouse(site(*JOINT, **one), site("here.example", "blocked.example", **one),
                         "127.0.0.1", "bücher.example") as gatehouse:
        yield gatehouse


def leaf_of(port, name, context):
    with connect(port, name, context) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))


def names_of(leaf):
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_hosts_that_share_one_certificate_are_one_order(stage, gatehouse):
    leaves = [leaf_of(gatehouse.https, name, stage.trust) for name in JOINT]
    assert len({leaf.serial_number for leaf in leaves}) == 1
    assert set(names_of(leaves[0]).get_values_for_type(x509.DNSName)) == set(JOINT)
    obtained = f"certificate obtained name={','.join(JOINT)} "
    gatehouse.wait_for_line(obtained)
    assert len(gatehouse.matching(obtained)) == 1


def test_a_name_that_the_ca_refuses_is_left_out_of_a_shared_certificate(stage, gatehouse):
    leaf = leaf_of(gatehouse.https, "here.example", stage.trust)
    assert names_of(leaf).get_values_for_type(x509.DNSName) == ["here.example"]
    left_out = "a name is left out of a certificate for several"
    assert "name=blocked.example" in gatehouse.wait_for_line(left_out)
    assert len(gatehouse.matching(left_out)) == 1
    assert refusal(gatehouse.https, "blocked.example") == "internal error"


def test_an_address_has_a_certificate_that_clients_without_a_name_are_shown(stage, gatehouse):
    leaf = leaf_of(gatehouse.https, "127.0.0.1", stage.trust)
    assert [str(ip) for ip in names_of(leaf).get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert get(gatehouse.https, "127.0.0.1", context=stage.trust)[0] == 200


def test_a_name_in_u_labels_is_served_and_logged_as_its_a_label(stage, gatehouse):
    name = "xn--bcher-kva.example"
    assert get(gatehouse.https, name, context=stage.trust)[0] == 200
    gatehouse.wait_for_line(f"certificate obtained name={name} ")
    assert "bücher" not in gatehouse.output


def test_no_order_is_left_in_storage_and_a_restart_places_none(stage, gatehouse):
    for name in [*JOINT, "here.example", "127.0.0.1", "xn--bcher-kva.example"]:
        leaf_of(gatehouse.https, name, no_checks())
    gatehouse.wait_until(lambda: not gatehouse.records("orders"), "no order under way")
    placed = stage.pebble.orders()
    gatehouse.stop()
    one = {"tls": {"one_certificate": True}}
    with stage.gatehouse(site(*JOINT, **one), site("here.example", "blocked.example", **one),
                         "127.0.0.1", "bücher.example") as again:
        assert names_of(leaf_of(again.https, "b.example", stage.trust))
        assert refusal(again.https, "blocked.example") == "internal error"
    assert stage.pebble.orders() == placed
