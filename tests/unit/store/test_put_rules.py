"""What may be put is decided from the message alone."""

import pytest

from rocketpy._core.message import Message
from rocketpy.store.put_rules import batch_refusal, delay_level, delay_of, destination, host_bytes, is_topic, refusal
from rocketpy.store.results import PutMessageStatus


@pytest.mark.parametrize("name", ["T", "%RETRY%g", "a-b_c|d", "x" * 127, "é" * 63])
def test_topics(name: str) -> None:
    assert is_topic(name)
    assert refusal(Message(name)) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "x" * 128, "é" * 64, "\ud800"])
def test_no_topics(name: str) -> None:
    assert not is_topic(name)


def test_a_queue_has_a_number_from_0() -> None:
    assert refusal(Message("T", queue_id=-1)) is PutMessageStatus.MESSAGE_ILLEGAL


@pytest.mark.parametrize(
    ("text", "level"), [("3", 3), ("-1", -1), ("abc", 0), ("", 0), ("٣", 0), (" 3", 0), ("1_0", 0)]
)
def test_delay_levels(text: str, level: int) -> None:
    assert delay_level(Message("T", properties={"DELAY": text})) == level


@pytest.mark.parametrize(("text", "level"), [(None, 0), ("+3", 3), ("", None), ("3 ", None), ("9" * 11, None)])
def test_a_delay_that_is_no_number(text: str | None, level: int | None) -> None:
    assert delay_of(text) == level


def test_where_a_message_goes() -> None:
    plain = Message("T", queue_id=2, properties_raw=b"a\x01b\x02")
    assert destination(plain, 18) == ("T", 2, b"a\x01b\x02")
    delayed = Message("T", queue_id=2, properties={"DELAY": "20", "a": "b"})
    topic, queue_id, properties = destination(delayed, 18)
    assert (topic, queue_id) == ("SCHEDULE_TOPIC_XXXX", 17)
    assert properties == b"a\x01b\x02REAL_TOPIC\x01T\x02DELAY\x0118\x02REAL_QID\x012\x02"  # as upstream's map has it
    half = Message("T", sys_flag=4, properties={"DELAY": "1"})
    assert destination(half, 18)[0] == "T"


def test_the_text_of_a_level_changes_only_when_there_is_no_such_level() -> None:
    assert b"DELAY\x01003\x02" in destination(Message("T", properties={"DELAY": "003"}), 18)[2]
    assert b"DELAY\x012\x02" in destination(Message("T", properties={"DELAY": "003"}), 2)[2]


def test_batches() -> None:
    assert batch_refusal(Message("T", b"x" * 10), 10) is None
    assert batch_refusal(Message("T", b"x" * 11), 10) is PutMessageStatus.MESSAGE_ILLEGAL
    assert batch_refusal(Message("..", b"x"), 10) is PutMessageStatus.MESSAGE_ILLEGAL


def test_a_host_in_a_record() -> None:
    assert host_bytes(("10.32.16.195", 10911)) == bytes([10, 32, 16, 195, 0, 0, 0x2A, 0x9F])
