"""Requests for what is not in memory: the answer comes later and is the same, or names what the disk cannot give."""

from typing import Any

import pytest

from rocketpy._core.message import decode_messages
from rocketpy.errors import RequestRefused
from rocketpy.store.results import GetMessageStatus, GetResult

COLD = GetResult(GetMessageStatus.NOT_IN_MEMORY, b"", 0, 0, 0, 0, False)


@pytest.fixture
def cold(broker, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Nothing is in memory; what was brought in."""
    brought: list[tuple[str, int, int]] = []
    get, bring_in = broker.store.get, broker.store.bring_in

    async def remembered(topic: str, queue_id: int, offset: int) -> None:
        brought.append((topic, queue_id, offset))
        await bring_in(topic, queue_id, offset)

    monkeypatch.setattr(broker.store, "get", lambda *a, may_wait, **k: get(*a, **k) if may_wait else COLD)
    monkeypatch.setattr(broker.store, "bring_in", remembered)
    monkeypatch.setattr(broker.store, "is_in_memory", lambda offset: False)
    return brought


@pytest.fixture
def broken(cold, broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk gives nothing any more."""

    async def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error", "/store/commitlog/0")

    monkeypatch.setattr(broker.store, "bring_in", fail)
    monkeypatch.setattr(broker.store.cold_reads, "bring_in_records", fail)


def test_a_pull_is_answered_once_it_was_read(cold, send, pull):
    send("TopicTest", b"one")
    send("TopicTest", b"two")
    answer = pull("TopicTest", 1)
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert [message.body for message in decode_messages(answer.body)] == [b"two"]
    assert cold == [("TopicTest", 0, 1)]


def test_a_pull_whose_peer_has_gone_meanwhile_is_not_held(cold, broker, connection, send, pull):
    send("TopicTest")
    connection.close()
    assert pull("TopicTest", 1, flag=6) is None
    assert len(broker.holds) == 0


def test_lookups_are_answered_once_they_were_read(cold, send, ask):
    sent = send("TopicTest", b"one", properties="KEYS\x01key\x02")
    by_key = {"topic": "TopicTest", "key": "key", "maxNum": 5, "beginTimestamp": 0, "endTimestamp": 2**62}
    assert [message.body for message in decode_messages(ask(12, by_key).body)] == [b"one"]
    assert [message.body for message in decode_messages(ask(33, {"offset": 0}).body)] == [b"one"]
    assert ask(29, {"topic": "TopicTest", "queueId": 0, "timestamp": 0}).ext == {"offset": "0"}
    assert sent.ext["msgId"].endswith("0" * 16)


def test_what_the_disk_cannot_give_is_named(broken, broker, send, pull, ask, caplog):
    send("TopicTest", b"one", properties="KEYS\x01key\x02")
    remark = "/store/commitlog/0 cannot be read: Input/output error"
    by_key = {"topic": "TopicTest", "key": "key", "maxNum": 5, "beginTimestamp": 0, "endTimestamp": 2**62}
    for request in (
        lambda: pull("TopicTest", 0),
        lambda: ask(12, by_key),
        lambda: ask(33, {"offset": 0}),
        lambda: ask(29, {"topic": "TopicTest", "queueId": 0, "timestamp": 0}),
    ):
        caplog.clear()
        assert refusal_of(request) == (1, remark)
        assert caplog.text.count(remark) == 1


def refusal_of(request) -> tuple[int, str | None]:
    """Refused at once, or later, which the connection turns into the same answer."""
    try:
        answer = request()
    except RequestRefused as refusal:
        return refusal.code, refusal.remark
    return answer.code, answer.remark
