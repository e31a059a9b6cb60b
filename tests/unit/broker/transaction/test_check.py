"""Rounds of checks: who is asked about which half message, when, and what is left behind."""

from __future__ import annotations

import asyncio
import logging
import zlib

import pytest

from rocketpy._core.message import Message
from rocketpy.broker.transaction import check, check_round, op_queue
from rocketpy.config.store import BrokerRole
from rocketpy.protocol.bodies import TopicConfig
from rocketpy.store.results import GetMessageStatus, GetResult, PutMessageStatus, PutResult
from tests.unit.broker.transaction.conftest import GIVEN_UP, HALF, MINUTE_MS, OP

HOUR_MS = 3_600_000


def test_the_first_round_makes_the_half_topic(tx, broker):
    tx.round()
    topic = broker.topics.get(HALF)
    assert (topic.read_queue_nums, topic.write_queue_nums, topic.perm) == (1, 1, 6)
    assert broker.topics.get(OP) is None


def test_what_a_check_reads_is_no_consumers_traffic(tx, producer, broker):
    tx.half(b"open")
    tx.later()
    assert len(producer.asked) == 1
    assert (broker.store.counts.puts, broker.store.counts.got, broker.store.counts.gets_missed) == (2, 0, 0)
    assert broker.stats.total("GROUP_GET_NUMS", f"{HALF}@CID_RMQ_SYS_TRANS") is None


def test_an_open_half_message_is_put_back_and_asked_about(tx, producer):
    half = tx.half(b"open", flag=7)
    tx.later()
    copy = tx.halves()[1]
    ((header, asked),) = producer.asked
    assert header == {
        "tranStateTableOffset": "1", "commitLogOffset": str(copy.physical_offset), "msgId": "Uopen",
        "transactionId": "Uopen", "offsetMsgId": copy.msg_id,
    }  # fmt: skip
    assert (copy.topic, copy.queue_id, copy.body, copy.flag) == (HALF, 0, b"open", 7)
    assert dict(copy.properties) == {**half.properties, "TRANSACTION_CHECK_TIMES": "1"}
    assert (copy.born_timestamp, copy.born_host, copy.store_host) == (
        half.born_timestamp, half.born_host, half.store_host,
    )  # fmt: skip
    assert (asked.topic, asked.queue_id, asked.body, asked.flag) == ("Orders", 3, b"open", 7)
    assert dict(asked.properties) == {**copy.properties, "WAIT": "false"}
    assert (asked.queue_offset, asked.physical_offset) == (copy.queue_offset, copy.physical_offset)
    assert tx.progress() == (1, -1)


@pytest.mark.parametrize("how", [8, 12])
def test_what_the_producer_says_then_ends_it(tx, producer, how):
    tx.half(b"open")
    tx.later()
    copy = tx.halves()[1]
    tx.end(copy, how, fromTransactionCheck="true")
    tx.later()
    tx.later()
    assert producer.asked_about == [b"open"]
    assert len(tx.queue("Orders", 3)) == (how == 8)
    assert tx.progress() == (2, 1)


def test_it_is_asked_again_until_it_is_given_up(tx, broker, producer, caplog):
    broker.config.transaction_check_max = 3
    tx.half(b"open")
    for _ in range(6):
        tx.later()
    assert producer.asked_about == [b"open"] * 3
    (given_up,) = tx.queue(GIVEN_UP)
    assert (given_up.body, given_up.properties["TRANSACTION_CHECK_TIMES"]) == (b"open", "3")
    assert broker.topics.get(GIVEN_UP).read_queue_nums == 1
    assert tx.ops() == [] and tx.progress() == (4, -1)
    assert "UNIQ_KEY Uopen, was asked about 3 times and is put to TRANS_CHECK_MAX_TIME_TOPIC" in caplog.text


def test_older_than_the_log_is_kept_means_given_up(tx, producer):
    tx.half(b"old")
    tx.later(73 * HOUR_MS)
    assert producer.asked == [] and len(tx.queue(GIVEN_UP)) == 1


def test_a_fresh_one_ends_the_round(tx, producer):
    tx.half(b"old")
    tx.clock.advance(5_999)
    tx.half(b"fresh")
    tx.round()
    assert producer.asked == []
    tx.later(1)
    assert producer.asked_about == [b"old"] and tx.progress() == (1, -1)
    tx.later(6_000)
    assert producer.asked_about == [b"old", b"fresh", b"old"]


def test_settled_ones_are_passed_whatever_is_open_before_them(tx, producer):
    halves = [tx.half(b"%d" % number) for number in range(100)]
    for half in halves:
        if half.queue_offset not in (10, 70):
            tx.end(half)
    tx.later()
    assert producer.asked_about == [b"10", b"70"]
    assert tx.progress() == (100, -1)
    for copy in tx.halves()[100:]:
        tx.end(copy, 12)
    tx.later()
    assert tx.progress() == (102, 98)
    tx.later()
    assert tx.progress() == (102, 100) and producer.asked_about == [b"10", b"70"]


def test_a_clock_that_was_set_back_does_not_hide_a_half_message(tx, producer):
    tx.clock.advance(HOUR_MS)
    tx.half(b"tomorrow")
    tx.clock.advance(-HOUR_MS)
    tx.round()
    assert producer.asked_about == [b"tomorrow"]


def test_a_compressed_half_message_can_be_checked(tx, producer):
    body = zlib.compress(b"x" * 5000)
    tx.half(body, sys_flag=5, UNIQ_KEY="U")
    tx.later()
    ((_, asked),) = producer.asked
    assert (asked.sys_flag, asked.body, asked.decompressed_body()) == (1, body, b"x" * 5000)
    assert tx.halves()[1].decompressed_body() == b"x" * 5000


# -- immunity


def test_nobody_asks_during_the_immunity_a_sender_chose(tx, producer):
    tx.half(b"immune", CHECK_IMMUNITY_TIME_IN_SECONDS="150")
    tx.later()
    (_, copy) = tx.halves()
    assert producer.asked == []
    assert copy.properties["TRAN_PREPARED_QUEUE_OFFSET"] == "0" and copy.properties["WAIT"] == "false"
    tx.later()
    assert tx.halves()[2].properties["TRAN_PREPARED_QUEUE_OFFSET"] == "0"
    assert "TRANSACTION_CHECK_TIMES" not in tx.halves()[2].properties  # nobody was asked
    tx.later()
    assert producer.asked_about == [b"immune"]


def test_an_immunity_that_ends_before_the_time_out(tx, producer):
    tx.half(b"soon", CHECK_IMMUNITY_TIME_IN_SECONDS="1")
    tx.later(1000)
    assert producer.asked_about == [b"soon"]


@pytest.mark.parametrize("seconds", ["-1", "soon", "9" * 30, ""])
def test_an_immunity_that_is_none(tx, producer, seconds):
    tx.half(b"half", CHECK_IMMUNITY_TIME_IN_SECONDS=seconds)
    tx.later(5_999)
    assert producer.asked == []
    tx.later(6_000)
    assert producer.asked_about == [b"half"]


@pytest.mark.parametrize("minutes", [1, 3])
def test_an_end_that_comes_after_an_immune_copy_ends_the_copy_too(tx, producer, minutes):
    half = tx.half(b"immune", CHECK_IMMUNITY_TIME_IN_SECONDS="150")
    for _ in range(minutes):
        tx.later(45_000)
    tx.end(half)
    for _ in range(4):
        tx.later()
    assert producer.asked == []
    assert len(tx.queue("Orders", 3)) == 1
    assert tx.progress()[0] == len(tx.halves())


# -- producers


def test_producers_take_turns(tx, producer, make_producer):
    others = [make_producer(), make_producer()]
    for number in range(6):
        tx.half(b"%d" % number)
    tx.later()
    assert [len(each.asked) for each in (producer, *others)] == [2, 2, 2]


def test_nobody_there(tx, caplog):
    tx.half(b"one", group="Gone")
    tx.half(b"two", group="Gone")
    tx.later()
    assert [copy.properties["TRANSACTION_CHECK_TIMES"] for copy in tx.halves()[2:]] == ["1", "1"]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["no producer of group Gone was there to be asked about 2 half messages"]


def test_a_producer_that_reads_slowly_gets_time(tx, producer, monkeypatch):
    naps = []

    async def sleep(seconds, _sleep=asyncio.sleep):
        naps.append(seconds)
        producer.connection.is_writable = len(naps) >= 5
        await _sleep(0)

    monkeypatch.setattr(check.asyncio, "sleep", sleep)
    producer.connection.send = lambda command: (
        producer.connection.sent.append(command), setattr(producer.connection, "is_writable", False)
    )
    for number in range(2):
        tx.half(b"%d" % number)
    tx.half(b"later")
    tx.clock.advance(MINUTE_MS)
    monkeypatch.setattr(check_round, "STEPS_A_TURN", 1)
    tx.round()
    assert producer.asked_about == [b"0", b"1", b"later"]
    assert check.LOOK_AGAIN_S in naps


# -- what is odd


def test_one_message_that_makes_us_fail_does_not_stop_the_round(tx, producer, caplog):
    tx.half(b"good")
    odd = Message(HALF, b"odd", properties={"PGROUP": "PG"}, born_timestamp=tx.clock.now_ms())
    assert tx.broker.store.put_due(odd).is_ok
    tx.half(b"also good")
    tx.later()
    assert producer.asked_about == [b"good", b"also good"]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1 and told[0].startswith("half message 1, ") and "REAL_TOPIC" in told[0]
    tx.later()
    assert producer.asked_about == [b"good", b"also good"] * 2


def test_unknown_ops_are_left_out_and_used_up(tx, producer, caplog):
    half = tx.half(b"half")
    for properties, body in (({"TAGS": "x"}, b"0"), ({"TAGS": "d"}, b"zero"), ({}, b"0"), ({"TAGS": "d"}, b"-1")):
        tx.broker.store.put_due(Message(OP, body, properties=properties))
    tx.later()
    assert producer.asked_about == [b"half"]
    assert sum("an op message that is none" in each.getMessage() for each in caplog.records) == 4
    assert tx.progress() == (1, 4)
    tx.end(half)
    caplog.clear()
    tx.later()
    assert tx.progress()[1] == 5 and "an op message that is none" not in caplog.text


def test_ops_for_half_messages_long_gone_are_used_up(tx, broker):
    halves = [tx.half(b"%d" % number) for number in range(5)]
    tx.later()
    for half in halves:
        tx.end(half)
    tx.later()
    assert tx.progress() == (10, 5)


def test_an_op_before_its_half_message_is_none_and_used_up(tx, producer, caplog):
    """Anybody may send one: it must neither settle what comes later nor hold up the progress."""
    tx.half(b"open")
    tx.broker.store.put_due(Message(OP, b"3", properties={"TAGS": "d"}))
    tx.broker.store.put_due(Message(OP, b"9" * 18, properties={"TAGS": "d"}))
    tx.later()
    assert caplog.text.count("an op message that is none") == 2
    tx.half(b"next")
    tx.half(b"third")
    tx.later()
    assert producer.asked_about == [b"open", b"open", b"next", b"third"] and tx.progress() == (4, 2)


def test_a_copy_that_has_no_room_does_not_hold_up_the_others(tx, producer, caplog):
    """The half message has the 32 KiB of properties that there may be; its copy would have more."""
    room = 32_767 - len(tx.half(b"first").properties_raw)
    full = tx.half(b"large", x="y" * (room - 3))
    assert len(full.properties_raw) == 32_767
    tx.half(b"last")
    tx.later()
    assert producer.asked_about == [b"first", b"last"] and tx.progress()[0] == 3
    assert [message.body for message in tx.queue(GIVEN_UP)] == [b"large"]
    assert "PROPERTIES_SIZE_EXCEEDED" in caplog.text
    assert tx.end(full).code == 0


def test_what_cannot_be_put_anywhere_is_passed_with_a_line(tx, producer, monkeypatch, caplog):
    tx.half(b"first")
    tx.half(b"second")
    put_due = tx.broker.store.put_due

    def put(message):
        return PutResult(PutMessageStatus.MESSAGE_ILLEGAL) if message.body == b"first" else put_due(message)

    monkeypatch.setattr(tx.broker.store, "put_due", put)
    tx.later()
    assert producer.asked_about == [b"second"] and tx.progress()[0] == 2
    assert "half message 0" in caplog.text and "MESSAGE_ILLEGAL" in caplog.text


def test_half_messages_that_were_cleaned_away_are_passed(tx, broker, producer, caplog):
    for number in range(3):
        tx.half(b"%d" % number)
    queue = broker.store.queue(HALF, 0)
    queue.correct_min_offset(tx.halves()[2].physical_offset)
    tx.later()
    assert producer.asked_about == [b"2"] and tx.progress()[0] == 3


def test_a_queue_that_was_deleted_begins_anew(tx, broker, producer, ask, caplog):
    for number in range(3):
        tx.half(b"%d" % number)
    tx.later()
    assert ask(215, {"topic": HALF}).code == 0
    tx.half(b"new")
    tx.later()
    assert producer.asked_about[-1] == b"new" and tx.progress()[0] == 1
    assert "progress 3 is not within 0..1, going on at 0" in caplog.text


def test_ops_of_a_deleted_queue_settle_nothing_of_the_new_one(tx, producer, ask):
    for number in range(3):
        tx.end(tx.half(b"%d" % number))
    late = tx.half(b"late", CHECK_IMMUNITY_TIME_IN_SECONDS="100")
    tx.later()
    tx.end(late)
    tx.later()
    assert ask(215, {"topic": HALF}).code == 0
    tx.later()
    asked = len(producer.asked)
    for number in range(5):
        tx.half(b"new %d" % number, CHECK_IMMUNITY_TIME_IN_SECONDS="100")
    for _ in range(4):
        tx.later()
    assert set(producer.asked_about[asked:]) == {b"new %d" % number for number in range(5)}


def test_a_deleted_topic_leaves_the_op_queue_alone(tx, broker, ask, producer):
    tx.end(tx.half(b"settled"))
    tx.half(b"open")
    assert ask(215, {"topic": "Orders"}).code == 0
    assert tx.ops() == [0] and len(tx.halves()) == 2
    tx.later()
    assert producer.asked_about == [b"open"]


def test_a_damaged_record_is_passed_with_a_line(tx, broker, producer, caplog, monkeypatch):
    for number in range(3):
        tx.half(b"%d" % number)
    decode = op_queue.decode_message

    def broken(body, at, check_crc):
        message = decode(body, at, check_crc)
        if message.body == b"1":
            raise op_queue.CorruptMessage("no message")
        return message

    monkeypatch.setattr(op_queue, "decode_message", broken)
    tx.later()
    assert producer.asked_about == [b"0", b"2"]
    assert "half messages 1..1 of queue 0 cannot be read" in caplog.text


def test_a_store_that_refuses_keeps_the_progress(tx, broker, producer, caplog):
    tx.half(b"open")
    broker.store.set_disk_full(True)
    tx.later()
    assert producer.asked == [] and tx.progress() == (-1, -1)
    assert caplog.text.count("is not put to RMQ_SYS_TRANS_HALF_TOPIC, SERVICE_NOT_AVAILABLE: tried again") == 1
    broker.store.set_disk_full(False)
    tx.later()
    assert producer.asked_about == [b"open"]


def test_what_cannot_be_given_up_now_is_given_up_later(tx, broker, monkeypatch):
    tx.half(b"old")
    put_due = broker.store.put_due
    monkeypatch.setattr(broker.store, "put_due", lambda _: PutResult(PutMessageStatus.CREATE_MAPEDFILE_FAILED))
    tx.later(73 * HOUR_MS)
    assert tx.progress() == (-1, -1)
    monkeypatch.setattr(broker.store, "put_due", put_due)
    tx.later()
    assert len(tx.queue(GIVEN_UP)) == 1


# -- life of a round


def test_progress_is_committed_after_the_copies_are_on_disk(tx, broker, producer, monkeypatch):
    seen = []
    monkeypatch.setattr(broker.store.flusher, "sync_now", lambda: seen.append(tx.progress()))
    monkeypatch.setattr(check, "COMMIT_BYTES", 1)
    monkeypatch.setattr(check_round, "STEPS_A_TURN", 4)
    for number in range(10):
        tx.half(b"%d" % number)
    tx.later()
    assert seen[0] == (-1, -1) and len(seen) > 2
    assert seen == sorted(seen) and tx.progress() == (10, -1)


def test_a_disk_that_refuses_the_sync_keeps_the_progress(tx, broker, producer, monkeypatch, caplog):
    def refuse():
        raise OSError(5, "Input/output error", "/store/commitlog/0")

    tx.half(b"open")
    monkeypatch.setattr(broker.store.flusher, "sync_now", refuse)
    tx.later()
    assert tx.progress() == (-1, -1)
    assert "/store/commitlog/0: Input/output error" in caplog.text


def test_a_stop_in_the_middle_keeps_what_was_done(tx, producer, monkeypatch):
    monkeypatch.setattr(check_round, "STEPS_A_TURN", 4)
    for number in range(20):
        tx.half(b"%d" % number)
    tx.clock.advance(MINUTE_MS)

    async def stopped():
        task = asyncio.ensure_future(tx.rounds.round())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    asked = len(producer.asked)
    assert 0 < asked < 20 and tx.progress() == (asked, -1)
    tx.round()
    assert producer.asked_about[:20] == [b"%d" % number for number in range(20)]


def test_a_round_ends_after_a_minute(tx, producer, monkeypatch):
    monkeypatch.setattr(check_round, "STEPS_A_TURN", 4)
    for number in range(20):
        tx.half(b"%d" % number)
    tx.clock.advance(MINUTE_MS)
    ticks = iter(range(0, 10**9, 25_000))
    monkeypatch.setattr(tx.clock, "monotonic_ms", lambda: next(ticks))
    tx.round()
    assert len(producer.asked) == 12
    assert tx.progress() == (12, -1)


def test_what_is_on_disk_is_brought_in(tx, broker, producer, monkeypatch):
    half = tx.half(b"open")
    tx.end(tx.half(b"settled"))
    store, brought = broker.store, []
    get, bring_in = store.get, store.bring_in

    async def remembered(topic, queue_id, offset):
        brought.append((topic, offset))
        await bring_in(topic, queue_id, offset)

    answer = GetResult(GetMessageStatus.NOT_IN_MEMORY, b"", 0, 0, 0, 0, False)
    monkeypatch.setattr(store, "get", lambda *a, may_wait, **k: get(*a, **k) if may_wait else answer)
    monkeypatch.setattr(store, "bring_in", remembered)
    tx.later()
    assert producer.asked_about == [b"open"]
    assert brought == [(OP, 0), (HALF, half.queue_offset)]


def test_a_slave_asks_nobody(tx, broker, producer):
    tx.half(b"open")
    broker.store_config.broker_role = BrokerRole.SLAVE
    tx.later()
    assert producer.asked == [] and broker.topics.get(HALF) is None


def test_every_queue_of_the_half_topic_is_checked(tx, broker, producer):
    broker.topics.put(TopicConfig(HALF, 2, 2))
    half = tx.half(b"open")
    other = half.copy()
    other.queue_id, other.body = 1, b"other"
    broker.store.put_due(other)
    tx.later()
    assert sorted(producer.asked_about) == [b"open", b"other"]
    assert broker.offsets.query("CID_RMQ_SYS_TRANS", HALF, 1) == 1


def test_settled_late_is_remembered_of_some(tx, monkeypatch):
    monkeypatch.setattr(op_queue, "MAX_LATE", 2)
    halves = [tx.half(b"%d" % number) for number in range(3)]
    tx.later()
    for half in halves:
        tx.end(half)
    tx.later()
    ops = tx.rounds._ops[0]
    assert [ops.was_settled_late(number) for number in range(3)] == [False, True, True]
    assert not ops.was_settled_late(None)


def test_a_restart_goes_on_where_it_was(tx, broker, producer, clock):
    tx.half(b"open")
    tx.end(tx.half(b"settled"))
    tx.later()
    broker.offsets.persist()
    broker.offsets.load()
    again = check.TransactionCheck(broker)
    clock.advance(MINUTE_MS)
    asyncio.run(again.round())
    assert producer.asked_about == [b"open", b"open"]
    assert tx.progress() == (3, 1)
