"""A torn file of the configuration never becomes an empty one: its .bak is taken, or the start is refused."""

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from rocketpy import json_file
from rocketpy.errors import StartRefused
from rocketpy.protocol import fastjson
from tests.crash.damaged import TOPIC, DamagedBroker

NAMES = ["topics", "subscriptionGroup", "consumerOffset", "delayOffset"]
OLD, NEW = json_file.pretty({"offsetTable": {"T@G": {0: 5}}}), json_file.pretty({"offsetTable": {"T@G": {0: 6, 1: 70}}})


@given(st.integers(0, len(NEW.encode()) - 1), st.binary(max_size=8))
@example(0, b"")
@example(1, b"")
def test_a_file_torn_at_any_byte_gives_way_to_its_bak(
    tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("config") / "consumerOffset.json"
    json_file.persist(path, OLD)
    json_file.persist(path, NEW)
    path.write_bytes(NEW.encode()[:cut] + tail)
    try:
        whole = fastjson.loads(path.read_text())
    except Exception:
        whole = None
    text = json_file.load(path)
    assert text is not None
    assert fastjson.loads(text) == (whole if whole is not None else fastjson.loads(OLD))


@given(st.integers(1, len(OLD) - 1), st.integers(1, len(NEW) - 1))
def test_two_torn_files_refuse_the_start(tmp_path_factory: pytest.TempPathFactory, bak_cut: int, cut: int) -> None:
    path = tmp_path_factory.mktemp("config") / "consumerOffset.json"
    path.write_text(NEW[:cut])
    path.with_name(path.name + ".bak").write_text(OLD[:bak_cut])
    before = sorted(each.read_bytes() for each in path.parent.iterdir())
    with pytest.raises(StartRefused, match="restore one of them"):
        json_file.load(path)
    assert sorted(each.read_bytes() for each in path.parent.iterdir()) == before


def config_of(broker: DamagedBroker, name: str) -> Path:
    return broker.store / "config" / f"{name}.json"


@pytest.mark.parametrize("name", NAMES)
def test_a_torn_config_file(broker: DamagedBroker, name: str) -> None:
    """Stopped and started twice, so that each file has its .bak; then the newer one is torn in the middle."""
    for _ in range(2):
        broker.start().send(20)
        broker.pulled()
        broker.stop()
    path = config_of(broker, name)
    bak = json_file.bak_of(path)
    if not path.exists():
        path.write_text('{"offsetTable":{1:0}}')
    if not bak.exists():
        bak.write_bytes(path.read_bytes())
    data = path.read_bytes()
    path.write_bytes(data[:len(data) * 2 // 3])
    broker.start().holds()
    assert broker.says_once(f"{path} is damaged", f"using {bak}")


def test_a_config_file_torn_together_with_its_bak(broker: DamagedBroker) -> None:
    broker.start().send(20)
    broker.stop()
    path = config_of(broker, "topics")
    whole = path.read_bytes()
    for torn in (path, json_file.bak_of(path)):
        torn.write_bytes(whole[:50])
    line = broker.refusal()
    assert (line.count("\n"), "restore one of them, or remove both" in line) == (1, True)
    path.write_bytes(whole)
    broker.start().holds()


def test_topics_that_are_lost_are_made_again_by_their_senders(broker: DamagedBroker) -> None:
    """Without both files the topics are unknown, their messages are not: they are there once the topic is again."""
    broker.start().send(40)
    broker.stop()
    path = config_of(broker, "topics")
    for lost in (path, json_file.bak_of(path)):
        lost.unlink(missing_ok=True)
    broker.start().send(2)
    assert TOPIC in path.read_text()
    broker.holds()
