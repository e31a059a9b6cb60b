"""Consume queues that go on request: those whose messages are gone, and those of topics that nobody knows."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from rocketpy._core.command import Command
from rocketpy._core.message import Message
from rocketpy.broker.request_table import bind
from rocketpy.protocol import names
from rocketpy.protocol.bodies import TopicConfig
from rocketpy.store import remove_queues

EXPIRED, UNUSED = 306, 316
HALVES = (names.TRANS_HALF_TOPIC, names.TRANS_OP_HALF_TOPIC, names.SCHEDULE_TOPIC)


def put(broker, topic: str, queue_id: int = 0, size: int = 10) -> int:
    """Straight into the store, so that no topic is made; the queue offset."""
    result = broker.store.put(Message(topic, b"x" * size, queue_id=queue_id))
    assert result.is_ok
    return result.queue_offset


@pytest.fixture
def broker(make_broker):
    return make_broker(store={"mapped_file_size_commit_log": 4096})


def expire(broker) -> None:
    """The log loses all files but the last, which has messages of Alive only."""
    for _ in range(5):
        put(broker, "Alive", size=3000)
    while broker.store.writer.log.tail > 0:
        broker.store.writer.log.delete_first()
    broker.store.correct_min_offsets()


def queues(broker) -> set[str]:
    """What stands on the disk."""
    root: Path = broker.store.paths.consume_queue
    return {str(folder.relative_to(root)) for folder in root.glob("*/*")}


def test_queues_whose_messages_have_expired_go_and_begin_anew(broker, ask):
    put(broker, "Gone")
    put(broker, "Gone", 1)
    expire(broker)
    put(broker, "Gone", 1)
    broker.store.queue("Empty", 0)
    assert ask(EXPIRED).code == 0
    assert queues(broker) == {"Alive/0", "Gone/1"}
    assert sorted(broker.store.queues()) == [("Alive", 0), ("Empty", 0), ("Gone", 1)]
    assert not broker.store.paths.removed_queues.exists()
    assert put(broker, "Gone") == 0
    assert put(broker, "Gone", 1) == 2


def test_queues_of_topics_in_no_table_go(broker, ask, send):
    send("Known")
    for queue_id in range(3):
        put(broker, "Forgotten", queue_id)
    assert ask(UNUSED).code == 0
    assert queues(broker) == {"Known/0"}
    assert broker.topics.get("Known") is not None
    assert put(broker, "Forgotten") == 0


@pytest.mark.parametrize("code", [EXPIRED, UNUSED])
def test_half_and_delayed_messages_stay(broker, ask, code):
    for topic in HALVES:
        put(broker, topic)
    expire(broker)
    ask(code)
    assert {f"{topic}/0" for topic in HALVES} <= queues(broker)


def test_a_store_that_removed_queues_opens_as_it_was(broker, ask, make_broker):
    put(broker, "Gone")
    expire(broker)
    ask(EXPIRED)
    broker.store.paths.removed_queues.mkdir()
    (broker.store.paths.removed_queues / "7").mkdir()
    broker.store.shutdown()
    again = make_broker(store={"mapped_file_size_commit_log": 4096})
    assert again.store.queues() == [("Alive", 0)]
    assert not again.store.paths.removed_queues.exists()


def test_a_queue_that_gets_a_message_meanwhile_stays(broker, ask, monkeypatch):
    """Each is asked about in the turn in which it goes."""
    monkeypatch.setattr(remove_queues, "QUEUES_A_TURN", 1)
    put(broker, "First")
    put(broker, "Second")
    expire(broker)
    unlink = remove_queues._unlink

    def unlink_and_put(folders: list[Path]) -> None:
        unlink(folders)
        if len(broker.store.queues()) == 2:
            put(broker, "Second")

    monkeypatch.setattr(remove_queues, "_unlink", unlink_and_put)
    assert ask(EXPIRED).code == 0
    assert queues(broker) == {"Alive/0", "Second/0"}


def test_a_queue_on_another_disk_goes_too(broker, ask, monkeypatch):
    def other_disk(self, to):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    put(broker, "Forgotten")
    monkeypatch.setattr(Path, "rename", other_disk)
    assert ask(UNUSED).code == 0
    assert queues(broker) == set()


@pytest.mark.parametrize("code", [UNUSED, 215])
def test_what_is_no_file_of_the_store_stays_where_it_is(broker, ask, code):
    put(broker, "Forgotten")
    notes = broker.store.paths.consume_queue / "Forgotten" / "0" / "notes.txt"
    notes.write_text("mine")
    assert ask(code, {"topic": "Forgotten"}).code == 0
    assert list(notes.parent.iterdir()) == [notes]
    assert put(broker, "Forgotten") == 0


def test_a_disk_that_refuses_is_named(broker, ask, monkeypatch):
    def refuse(folders):
        raise OSError(errno.EIO, "Input/output error", "/some/where")

    put(broker, "Forgotten")
    monkeypatch.setattr(remove_queues, "_unlink", refuse)
    answer = ask(UNUSED)
    assert answer.code == 1
    assert answer.remark == "/some/where: Input/output error; some consume queues are not removed"


def test_a_pull_that_waits_is_let_go_with_its_queue(broker, pull, connection):
    async def scenario() -> None:
        broker.topics.put(TopicConfig("Made", 4, 4))
        assert pull("Made", flag=6) is None
        broker.topics.delete("Made")
        answer = await bind(broker)[UNUSED](connection, Command(UNUSED))
        assert answer.code == 0

    asyncio.run(scenario())
    assert [answer.code for _, answer in connection.replies] == [17]
