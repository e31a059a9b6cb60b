"""Which address a broker advertises, and the warning where clients may not reach it."""

from pathlib import Path

import pytest

from rocketpy import advertised_address
from rocketpy.advertised_address import choose_address, ipv4_interfaces, is_containers_own, judge_address


@pytest.fixture(autouse=True)
def _on_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests often run in a container, whose eth0 would be warned of."""
    monkeypatch.setattr(advertised_address, "CONTAINER_MARKS", ())


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "address"),
    [
        ([("lo", "127.0.0.1"), ("eth0", "10.0.0.5"), ("eth1", "10.0.0.6")], [], "10.0.0.5"),
        ([("eth0", "192.168.1.2"), ("eth1", "10.0.0.6")], [], "10.0.0.6"),
        ([("eth0", "192.168.1.2"), ("eth1", "192.168.1.3")], [], "192.168.1.3"),
        ([("lo", "127.0.0.1")], ["[fd00::2]"], "[fd00::2]"),
        ([("lo", "127.0.0.1")], [], "127.0.0.1"),
        ([], [], "127.0.0.1"),
    ],
)
def test_the_choice_is_upstreams(ipv4: list[tuple[str, str]], ipv6: list[str], address: str) -> None:
    choice = choose_address(ipv4, ipv6)
    assert choice.address == address
    assert choice.reason
    assert bool(choice.warning) == (address == "127.0.0.1")


@pytest.mark.parametrize("bridge", ["docker0", "br-1a2b", "virbr0"])
def test_a_container_bridge_is_warned_of(bridge: str) -> None:
    choice = choose_address([(bridge, "172.17.0.1")], [])
    assert bridge in choice.warning
    assert "brokerIP1" in choice.warning


def test_a_containers_own_network_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for interface, index, link in (("eth0", 2, 37), ("eno1", 3, 3)):
        (tmp_path / interface).mkdir()
        (tmp_path / interface / "ifindex").write_text(f"{index}\n")
        (tmp_path / interface / "iflink").write_text(f"{link}\n")
    monkeypatch.setattr(advertised_address, "CONTAINER_MARKS", (tmp_path / "mark",))
    assert not is_containers_own("eth0", tmp_path)
    (tmp_path / "mark").touch()
    assert is_containers_own("eth0", tmp_path)
    assert not is_containers_own("eno1", tmp_path)  # a container on its host's network
    assert not is_containers_own("gone", tmp_path)
    monkeypatch.setattr(advertised_address, "is_containers_own", lambda interface: interface == "eth0")
    choice = choose_address([("eth0", "172.17.0.2")], [])
    assert "172.17.0.2 is on eth0 of this container's own network" in choice.warning
    assert "brokerIP1" in choice.warning


def test_an_address_given_by_hand_is_judged_too() -> None:
    assert judge_address("127.0.0.1", "brokerIP1 in f:1").warning
    assert not judge_address("10.99.1.1", "brokerIP1 in f:1").warning
    assert "0.0.0.0 stands for every address" in judge_address("0.0.0.0", "brokerIP1 in f:1").warning


def test_an_address_that_no_interface_has() -> None:
    assert judge_address("10.99.1.1", "brokerIP1 in f:1").is_foreign
    own = [judge_address(address, "") for _, address in ipv4_interfaces()]
    assert not any(choice.is_foreign for choice in (*own, judge_address("127.0.0.9", ""), judge_address("a.host", "")))


def test_the_kernel_names_loopback() -> None:
    assert ("lo", "127.0.0.1") in ipv4_interfaces()
