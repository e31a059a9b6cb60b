"""Single messages that RocketMQ 4.5.2 accepts and that make later acknowledged ones unreachable are refused here.

The sender is told why; nothing is written anywhere, and what was acknowledged before and after is there after a start.
"""

import struct
from pathlib import Path

import pytest

from tests.crash.damaged import LOG_SIZE, SEND_MESSAGE, TOPIC, DamagedBroker, send_header

SYSTEM_ERROR = 1
MESSAGE_ILLEGAL = 13
ILLEGAL = (
    "the message is illegal, maybe msg body or properties length not matched. "
    "msg body length limit 128k, msg properties length limit 32k."
)
SEND_MESSAGE_V2 = 310


def in_v2(header: dict[str, object]) -> dict[str, object]:
    """The same header with the short names."""
    return dict(zip("abcdefghijkm", header.values(), strict=True))


def batch_of(*bodies: bytes) -> bytes:
    """The body of a batch as a client encodes it."""
    items = b""
    for body in bodies:
        item = struct.pack(">iiii", 0, 0, 0, len(body)) + body + struct.pack(">h", 0)
        items += struct.pack(">i", len(item) + 4) + item
    return items


def outside(broker: DamagedBroker) -> set[Path]:
    """Every file near the store that is not in it or in the logs."""
    inside = (broker.store, broker.home / "logs")
    return {path for path in broker.home.parent.rglob("*") if not any(path.is_relative_to(each) for each in inside)}


def refused(broker: DamagedBroker, header: dict[str, object], body: bytes = b"x") -> tuple[int, str]:
    """Code and remark of the answer, the same for both codes of a send, with acknowledged messages before and behind.

    The broker is killed and started again afterwards: all that was acknowledged is there, nothing else is.
    """
    broker.start().send(20)
    files = outside(broker)
    topics = set((broker.store / "consumequeue").iterdir())
    answers = []
    for code, names in ((SEND_MESSAGE, header), (SEND_MESSAGE_V2, in_v2(header))):
        answer = broker.ask(code, names, body)
        answers.append((answer.code, answer.remark or ""))
        broker.send(20)
    broker.kill()
    broker.start().holds()
    assert outside(broker) == files
    assert set((broker.store / "consumequeue").iterdir()) == topics
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize("topic", ["é" * 70, "話" * 43], ids=["accents", "wide"])
def test_a_topic_over_127_bytes_of_utf_8(broker: DamagedBroker, topic: str) -> None:
    code, remark = refused(broker, send_header(topic, 0, ""))
    assert (code, "has characters other than letters" in remark) == (SYSTEM_ERROR, True)


def test_a_topic_over_127_characters(broker: DamagedBroker) -> None:
    assert refused(broker, send_header("t" * 128, 0, "")) == (MESSAGE_ILLEGAL, ILLEGAL)


def test_a_nul_in_a_topic(broker: DamagedBroker) -> None:
    code, remark = refused(broker, send_header("a\0b", 0, ""))
    assert (code, "the topic 'a\\x00b' has characters other than letters" in remark) == (SYSTEM_ERROR, True)


@pytest.mark.parametrize("topic", ["../outside", "../../outside", "/tmp/outside", "..", "a/../../b"])
def test_a_path_in_a_topic(broker: DamagedBroker, topic: str) -> None:
    code, remark = refused(broker, send_header(topic, 0, ""))
    assert (code, "has characters other than letters" in remark) == (SYSTEM_ERROR, True)


def test_a_path_in_the_topic_that_a_delay_or_a_half_message_names(broker: DamagedBroker) -> None:
    """Properties of a peer's own making name where a message goes later on."""
    broker.start().send(20)
    files = outside(broker)
    delayed = "DELAY\x011\x02REAL_TOPIC\x01../../outside\x02REAL_QID\x010\x02"
    for properties in (delayed, "TRAN_MSG\x01true\x02REAL_TOPIC\x01../x\x02"):
        broker.ask(SEND_MESSAGE, send_header("Delayed", 0, properties), b"x")
    broker.send(20)
    broker.stop()
    broker.start().holds()
    assert outside(broker) == files


@pytest.mark.parametrize("properties", ["DELAY\x01abc\x02", "DELAY\x013\x02", "DELAY\x01-1\x02", ""])
@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_a_send_to_the_schedule_topic(broker: DamagedBroker, properties: str, batch: bool) -> None:
    """Its queues hold delivery times where others hold tags: what a peer puts there itself may not stop a delivery."""
    broker.start().send(20)
    body = batch_of(b"one", b"two") if batch else b"one"
    broker.ask(SEND_MESSAGE, send_header("SCHEDULE_TOPIC_XXXX", 0, properties, batch), body)
    broker.send(20)
    delayed = broker.ask(SEND_MESSAGE, send_header("Late", 0, "DELAY\x011\x02"), b"late")
    assert delayed.code == 0
    broker.kill()
    broker.start().holds()
    broker.wait_for("Late", [b"late"])


@pytest.mark.parametrize("size", [LOG_SIZE - 90, LOG_SIZE, LOG_SIZE + 5000])
def test_a_message_larger_than_a_log_file(broker: DamagedBroker, size: int) -> None:
    assert refused(broker, send_header(TOPIC, 0, ""), bytes(size)) == (MESSAGE_ILLEGAL, ILLEGAL)


def test_a_batch_larger_than_a_log_file(broker: DamagedBroker) -> None:
    code, remark = refused(broker, send_header(TOPIC, 0, "", True), batch_of(*(bytes(30_000) for _ in range(3))))
    assert (code, bool(remark)) in ((MESSAGE_ILLEGAL, True), (SYSTEM_ERROR, True))


def test_more_properties_than_a_record_has_room_for(broker: DamagedBroker) -> None:
    assert refused(broker, send_header(TOPIC, 0, "name\x01" + "v" * 32768 + "\x02")) == (MESSAGE_ILLEGAL, ILLEGAL)
