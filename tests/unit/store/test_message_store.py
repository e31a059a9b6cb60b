"""The store's door: what is put is got, in order, with upstream's statuses and limits."""

from collections.abc import Callable

import pytest

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import Message, decode_messages, encode_batch
from rocketpy._core.message_filter import ExpressionFilter
from rocketpy.clock import ManualClock
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.filter import compile_expression
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus, PutMessageStatus

OpenStore = Callable[..., MessageStore]


def message(body: bytes = b"hello", topic: str = "TopicTest", **more: object) -> Message:
    return Message(topic, body, born_timestamp=7, born_host=("10.0.0.1", 5000), **more)  # type: ignore[arg-type]


def test_a_message_comes_back_as_it_was_put(open_store: OpenStore) -> None:
    store = open_store(clock=ManualClock(1_600_000_000_000))
    result = store.put(message(properties={"TAGS": "a", "KEYS": "k1 k2"}, flag=3, queue_id=2))
    assert result.status is PutMessageStatus.PUT_OK
    assert (result.queue_offset, result.physical_offset) == (0, 0)
    stored = store.message_at(0)
    assert stored is not None
    assert (stored.topic, stored.body, stored.flag, stored.queue_id) == ("TopicTest", b"hello", 3, 2)
    assert stored.store_timestamp == 1_600_000_000_000
    assert stored.store_host == ("127.0.0.1", 10911)
    assert stored.properties == {"TAGS": "a", "KEYS": "k1 k2"}
    assert stored.msg_id == result.msg_id == "7F00000100002A9F0000000000000000"
    assert result.size == stored.size


def test_files_roll_and_every_message_stays_readable(open_store: OpenStore) -> None:
    store = open_store()
    for number in range(500):
        assert store.put(message(b"x" * (number % 700), queue_id=number % 2)).is_ok
    assert len(store.writer.log.file_starts) > 20
    for queue_id in (0, 1):
        got, offset = [], 0
        while (found := store.get("TopicTest", queue_id, offset, 32)).status is GetMessageStatus.FOUND:
            got += decode_messages(found.body)
            offset = found.next_begin_offset
        assert [each.queue_offset for each in got] == list(range(250))
        assert [len(each.body) for each in got] == [number % 700 for number in range(queue_id, 500, 2)]
        assert found.status is GetMessageStatus.OFFSET_OVERFLOW_ONE


def test_statuses_of_get(open_store: OpenStore) -> None:
    store = open_store()
    assert store.get("TopicTest", 0, 5, 32).status is GetMessageStatus.NO_MESSAGE_IN_QUEUE
    for _ in range(3):
        store.put(message())
    found = store.get("TopicTest", 0, 7, 32)
    assert (found.status, found.next_begin_offset) == (GetMessageStatus.OFFSET_OVERFLOW_BADLY, 0)
    found = store.get("TopicTest", 0, -1, 32)
    assert (found.status, found.next_begin_offset) == (GetMessageStatus.OFFSET_TOO_SMALL, 0)
    assert store.get("TopicTest", 0, 0, 2).count == 2


def test_tags_are_matched_by_hash(open_store: OpenStore) -> None:
    store = open_store()
    for number in range(10):
        store.put(message(str(number).encode(), properties={"TAGS": "ab"[number % 2]}))
    found = store.get("TopicTest", 0, 0, 32, tags=frozenset({java_hash_of("b")}))
    assert [each.body for each in decode_messages(found.body)] == [b"1", b"3", b"5", b"7", b"9"]
    assert found.next_begin_offset == 10
    found = store.get("TopicTest", 0, 0, 32, tags=frozenset({1}))
    assert (found.status, found.next_begin_offset) == (GetMessageStatus.NO_MATCHED_MESSAGE, 10)


def test_another_filter_sees_the_properties(open_store: OpenStore) -> None:
    store = open_store()
    for number in range(6):
        store.put(message(str(number).encode(), properties={"n": str(number)}))
    even = ExpressionFilter(compile_expression("n IN ('0', '2', '4')"))
    found = store.get("TopicTest", 0, 0, 2, wanted=even)
    assert [each.body for each in decode_messages(found.body)] == [b"0", b"2"]
    assert found.next_begin_offset == 3


def test_a_batch_is_whole_in_one_file(open_store: OpenStore) -> None:
    store = open_store()
    store.put(message(b"x" * 3700))
    batch = message(encode_batch([message(b"one"), message(b"two", properties={"KEYS": "k"}), message(b"three")]))
    result = store.put_batch(batch)
    assert result.is_ok
    assert result.physical_offset == 4096
    assert len(result.msg_id.split(",")) == 3
    bodies = [each.body for each in decode_messages(store.get("TopicTest", 0, 1, 32).body)]
    assert bodies == [b"one", b"two", b"three"]
    assert store.query("TopicTest", "k", 10, 0, 2**62).records == store.record_at(4096 + 91 + 9 + 3)


def test_batches_that_cannot_be(open_store: OpenStore) -> None:
    store = open_store(max_message_size=1000)
    ok = encode_batch([message(b"one")])
    assert store.put_batch(message(ok, properties={"DELAY": "1"})).status is PutMessageStatus.MESSAGE_ILLEGAL
    assert store.put_batch(message(ok, sys_flag=4)).status is PutMessageStatus.MESSAGE_ILLEGAL
    assert store.put_batch(message(ok[:-1])).status is PutMessageStatus.MESSAGE_ILLEGAL
    assert store.put_batch(message(b"")).status is PutMessageStatus.MESSAGE_ILLEGAL
    with pytest.raises(RequestRefused, match="message size exceeded"):
        store.put_batch(message(encode_batch([message(b"x" * 70)] * 8)))
    assert store.max_offset("TopicTest", 0) == 0


@pytest.mark.parametrize(
    ("topic", "properties", "body", "status"),
    [
        ("é" * 64, b"", b"", PutMessageStatus.MESSAGE_ILLEGAL),
        ("a\0b", b"", b"", PutMessageStatus.MESSAGE_ILLEGAL),
        ("../../outside", b"", b"", PutMessageStatus.MESSAGE_ILLEGAL),
        ("..", b"", b"", PutMessageStatus.MESSAGE_ILLEGAL),
        ("", b"", b"", PutMessageStatus.MESSAGE_ILLEGAL),
        ("T", b"x" * 32768, b"", PutMessageStatus.PROPERTIES_SIZE_EXCEEDED),
        ("T", b"", b"x" * 4097, PutMessageStatus.MESSAGE_ILLEGAL),
        ("T", b"", b"x" * (4096 - 8 - 92 + 1), PutMessageStatus.MESSAGE_ILLEGAL),
        ("T", b"", b"x" * (4096 - 8 - 92), PutMessageStatus.PUT_OK),
    ],
)
def test_what_would_make_later_messages_unreachable_is_refused(
    open_store: OpenStore, topic: str, properties: bytes, body: bytes, status: PutMessageStatus
) -> None:
    store = open_store()
    assert store.put(Message(topic, body, properties_raw=properties)).status is status
    assert store.put(message()).is_ok
    assert store.get("TopicTest", 0, 0, 1).count == 1


def test_a_delayed_message_waits_in_the_schedule_topic(open_store: OpenStore) -> None:
    store = open_store(clock=ManualClock(5_000_000))
    store.put(message(properties={"DELAY": "3"}, queue_id=1))
    store.put(message(properties={"DELAY": "99"}))
    store.put(message(properties={"DELAY": "3"}, sys_flag=4, topic="Half"))
    stored = decode_messages(store.get("SCHEDULE_TOPIC_XXXX", 2, 0, 1).body)[0]
    assert stored.properties == {"DELAY": "3", "REAL_TOPIC": "TopicTest", "REAL_QID": "1"}
    assert store.queue("SCHEDULE_TOPIC_XXXX", 2).entry(0)[2] == 5_010_000  # type: ignore[index]
    assert store.queue("SCHEDULE_TOPIC_XXXX", 17).entry(0)[2] == 5_000_000 + 7_200_000  # type: ignore[index]
    assert ("Half", 0) not in [key for key in store.queues() if store.max_offset(*key)]


def test_prepared_and_rollback_records_have_no_queue_entry(open_store: OpenStore) -> None:
    store = open_store()
    for sys_flag, entries in ((0, 1), (4, 1), (12, 1), (8, 2)):
        result = store.put(message(sys_flag=sys_flag, properties={"KEYS": f"k{sys_flag}"}))
        stored = store.message_at(result.physical_offset)
        assert stored is not None
        assert stored.queue_offset == (1 if sys_flag == 8 else 0)
        assert store.max_offset("TopicTest", 0) == entries
    found = [bool(store.query("TopicTest", f"k{sys_flag}", 9, 0, 2**62).records) for sys_flag in (0, 4, 8, 12)]
    assert found == [True, True, True, False]


def test_offsets_by_time(open_store: OpenStore) -> None:
    clock = ManualClock(1000)
    store = open_store(clock=clock, mapped_file_size_consume_queue=6000)
    for _ in range(4):
        store.put(message())
        clock.advance(100)
    times = {900: 0, 1000: 0, 1040: 0, 1050: 0, 1060: 1, 1300: 3, 9999: 3}
    assert {time: store.offset_by_time("TopicTest", 0, time) for time in times} == times
    assert store.earliest_time("TopicTest", 0) == 1000
    assert store.store_time("TopicTest", 0, 2) == 1200
    assert store.store_time("TopicTest", 0, 4) == -1


def test_a_closed_store_refuses(open_store: OpenStore) -> None:
    store = open_store(start=False)
    assert store.put(message()).status is PutMessageStatus.SERVICE_NOT_AVAILABLE
    store.start()
    assert store.put(message()).is_ok
    store.set_disk_full(True)
    assert store.put(message()).status is PutMessageStatus.SERVICE_NOT_AVAILABLE
    store.set_disk_full(False)
    assert store.put(message()).is_ok


def test_a_second_store_on_the_folder_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    store.put(message())
    with pytest.raises(StartRefused, match="locked"):
        open_store()
    assert store.get("TopicTest", 0, 0, 1).count == 1


def test_a_clean_stop_leaves_what_a_start_needs(open_store: OpenStore) -> None:
    store = open_store()
    for number in range(50):
        store.put(message(b"y" * number, properties={"KEYS": str(number)}))
    end = store.commit_log_max_offset
    store.shutdown()
    assert not store.paths.abort.exists()
    again = open_store()
    assert again.commit_log_max_offset == end
    assert again.max_offset("TopicTest", 0) == 50
    assert again.put(message()).queue_offset == 50
    assert again.query("TopicTest", "49", 5, 0, 2**62).records


def test_a_deleted_topic_begins_anew(open_store: OpenStore) -> None:
    store = open_store()
    store.put(message())
    store.put(message(topic="Other"))
    store.delete_topic("TopicTest")
    assert not (store.paths.consume_queue / "TopicTest").exists()
    assert store.queues() == [("Other", 0)]
    assert store.put(message()).queue_offset == 0
