"""Offsets are set as told, and written only when they changed."""

import asyncio
import logging
from pathlib import Path

import pytest

from rocketpy import json_file
from rocketpy.broker.consumer_offsets import ROWS_A_TURN, ConsumerOffsets
from rocketpy.errors import StartRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "consumerOffset.json"


@pytest.fixture
def offsets(path: Path) -> ConsumerOffsets:
    return ConsumerOffsets(path)


def test_a_commit_is_a_set_forward_or_back(offsets: ConsumerOffsets, caplog: pytest.LogCaptureFixture) -> None:
    assert offsets.query("G", "T", 0) == -1
    offsets.commit("G", "T", 0, 5)
    assert offsets.query("G", "T", 0) == 5
    assert offsets.query("G", "T", 1) == -1
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        offsets.commit("G", "T", 0, 3, "10.0.0.1:1")
    assert offsets.query("G", "T", 0) == 3
    assert "10.0.0.1:1" in caplog.text


def test_questions_over_groups_and_topics(offsets: ConsumerOffsets) -> None:
    for group, topic in [("G", "T"), ("G", "U"), ("H", "T"), ("with@at", "T")]:
        offsets.commit(group, topic, 0, 5)
    assert offsets.topics_of("G") == ["T", "U"]
    assert offsets.groups_of("T") == ["G", "H"]
    assert offsets.queues("G", "T") == {0: 5}
    assert offsets.queues("G", "unknown") == {}


def test_the_least_of_all_groups_leaves_out_what_is_gone_from_the_queue(offsets: ConsumerOffsets) -> None:
    offsets.commit("G", "T", 0, 5)
    offsets.commit("H", "T", 0, 3)
    offsets.commit("I", "T", 0, 1)
    offsets.commit("H", "T", 1, 0)
    assert offsets.least_of_all_groups("T", lambda queue_id: 2) == {0: 3}
    assert offsets.least_of_all_groups("T", lambda queue_id: 2, but=["H", "nobody"]) == {0: 5}


def test_the_queues_of_a_row_are_written_in_order(offsets: ConsumerOffsets, path: Path) -> None:
    for queue_id in (2, 0, 1):
        offsets.commit("G", "T", queue_id, 5)
    offsets.persist()
    assert '"T@G":{0:5,1:5,2:5\n' in path.read_text()


def test_a_clone_goes_its_own_way(offsets: ConsumerOffsets) -> None:
    offsets.commit("G", "T", 0, 5)
    offsets.clone("G", "H", "T")
    offsets.clone("unknown", "I", "T")
    offsets.commit("H", "T", 0, 6)
    assert (offsets.query("G", "T", 0), offsets.query("H", "T", 0)) == (5, 6)
    assert offsets.groups_of("T") == ["G", "H"]
    assert offsets.topics_by_group() == {"G": ["T"], "H": ["T"]}


def test_the_file_is_upstreams_and_comes_back(offsets: ConsumerOffsets, path: Path) -> None:
    offsets.commit("CG", "TopicTest", 0, 5)
    offsets.commit("CG", "TopicTest", 1, 6)
    offsets.persist()
    assert path.read_text() == '{\n\t"offsetTable":{\n\t\t"TopicTest@CG":{0:5,1:6\n\t\t}\n\t}\n}'
    again = ConsumerOffsets(path)
    again.load()
    assert again.table == {"TopicTest@CG": {0: 5, 1: 6}}


def test_upstreams_file_is_read(offsets: ConsumerOffsets, path: Path) -> None:
    path.write_text('{\n\t"offsetTable":{\n\t\t"TopicTest@CG":{0:5,"1":6\n\t\t}\n\t}\n}')
    offsets.load()
    assert offsets.query("CG", "TopicTest", 1) == 6


def test_no_file_is_a_fresh_broker(offsets: ConsumerOffsets) -> None:
    offsets.load()
    assert offsets.table == {}


def test_the_file_is_written_only_after_a_change(
    offsets: ConsumerOffsets, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(json_file, "persist", lambda path, text: written.append(text))

    async def scenario() -> None:
        await offsets.persist_changes()
        assert len(written) == 0
        offsets.commit("G", "T", 0, 5)
        await offsets.persist_changes()
        assert len(written) == 1
        offsets.commit("G", "T", 0, 5)
        await offsets.persist_changes()
        assert len(written) == 1
        offsets.commit("H", "T", 0, 5)
        await offsets.persist_changes()
        assert '"T@G":{0:5' in written[1]
        assert '"T@H":{0:5' in written[1]

    asyncio.run(scenario())


def test_a_failed_write_is_tried_again(
    offsets: ConsumerOffsets, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    async def scenario() -> None:
        offsets.commit("G", "T", 0, 5)
        with monkeypatch.context() as patch:
            patch.setattr(json_file, "persist", full)
            await offsets.persist_changes()
        assert "No space left" in caplog.text
        assert not path.exists()
        await offsets.persist_changes()
        assert path.exists()

    asyncio.run(scenario())
    caplog.clear()
    with monkeypatch.context() as patch:
        patch.setattr(json_file, "persist", full)
        offsets.persist()
    assert "No space left" in caplog.text, "told, but a stop goes on"


def test_many_rows_leave_the_loop_its_turns(offsets: ConsumerOffsets, path: Path) -> None:
    count = ROWS_A_TURN * 5
    for number in range(count):
        offsets.commit(f"G{number}", "T", 0, number)
    turns = 0

    async def scenario() -> None:
        nonlocal turns
        writing = asyncio.create_task(offsets.persist_changes())
        while not writing.done():
            turns += 1
            offsets.commit("G0", "T", 0, turns)
            await asyncio.sleep(0)

    asyncio.run(scenario())
    assert turns >= 5
    again = ConsumerOffsets(path)
    again.load()
    assert len(again.table) == count
    assert again.query(f"G{count - 1}", "T", 0) == count - 1


def test_an_older_text_never_replaces_a_newer_one(offsets: ConsumerOffsets, path: Path) -> None:
    offsets.commit("G", "T", 0, 1)
    offsets._encode(["T@G"])
    older = offsets._next_text()
    offsets.commit("G", "T", 0, 2)
    offsets.persist()
    offsets._write(*older)
    again = ConsumerOffsets(path)
    again.load()
    assert again.query("G", "T", 0) == 2


@pytest.mark.parametrize(
    "text", ["[1]", '{"offsetTable":[1]}', '{"offsetTable":{"T@G":[1]}}', '{"offsetTable":{"T@G":{"a":"b"}}}']
)
def test_json_of_something_else_refuses_the_start(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(StartRefused, match=rf"{path} holds no offsets: restore it from {path.name}\.bak, or remove it"):
        ConsumerOffsets(path).load()
