"""How transactions begin and end: what is stored of them, and every refusal."""

from __future__ import annotations

import zlib

import pytest

from rocketpy._core.message import Message, decode_message_id
from rocketpy.config.store import BrokerRole, FlushDiskType
from tests.unit.broker.transaction.conftest import GIVEN_UP, HALF, OP, Transactions

COMMIT, ROLLBACK, UNKNOWN = 8, 12, 0


def test_a_half_message_waits_in_its_own_topic(tx, broker, send):
    half = tx.half(b"body", flag=7)
    assert (half.topic, half.queue_id, half.queue_offset, half.sys_flag, half.flag) == (HALF, 0, 0, 0, 7)
    assert dict(half.properties) == {
        "REAL_TOPIC": "Orders", "REAL_QID": "3", "TRAN_MSG": "true", "PGROUP": "PG", "TAGS": "TagA",
        "UNIQ_KEY": "Ubody",
    }  # fmt: skip
    assert broker.store.max_offset("Orders", 3) == 0
    assert broker.stats.total("TOPIC_PUT_NUMS", HALF) == 1
    answer = send("Orders", queue_id=2, properties="TRAN_MSG\x01True\x02PGROUP\x01PG\x02")
    assert (answer.code, answer.ext["queueId"], answer.ext["queueOffset"]) == (0, "2", "1")
    assert decode_message_id(answer.ext["msgId"])[1] == tx.halves()[1].physical_offset


def test_a_broker_that_rejects_transactions(make_broker, ask_of, connection):
    ask = ask_of(make_broker(reject_transaction_message=True), connection)
    header = {
        "a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 4, "g": 1, "h": 0, "i": "TRAN_MSG\x01true\x02", "j": 0,
        "k": "false", "m": "false",
    }  # fmt: skip
    answer = ask(310, header, b"body")
    assert (answer.code, answer.remark) == (16, "the broker[10.1.2.3] sending transaction message is forbidden")


def test_a_commit_puts_the_message_to_its_queue(tx, clock):
    half = tx.half(b"body", flag=7)
    clock.advance(1000)
    answer = tx.end(half, COMMIT)
    assert (answer.code, answer.remark, answer.body) == (0, None, None)
    (final,) = tx.queue("Orders", 3)
    assert (final.body, final.flag, final.sys_flag, final.queue_offset) == (b"body", 7, 8, 0)
    assert final.prepared_transaction_offset == half.physical_offset
    assert final.properties_raw == half.properties_raw
    assert (final.born_host, final.born_timestamp) == (half.born_host, half.born_timestamp)
    assert final.store_timestamp == half.store_timestamp + 1000
    (op,) = tx.queue(OP)
    assert (op.body, dict(op.properties), op.sys_flag) == (b"0", {"TAGS": "d", "WAIT": "true"}, 0)
    assert op.born_host == op.store_host == final.store_host == ("10.1.2.3", 10911)
    assert op.born_timestamp == clock.now_ms()


@pytest.mark.parametrize("queue_id", ["x", "-1", "2147483648", "9" * 17])
def test_a_half_message_that_names_no_queue_is_not_committed(tx, queue_id, caplog):
    odd = Message(HALF, b"odd", properties={"PGROUP": "PG", "REAL_TOPIC": "Orders", "REAL_QID": queue_id})
    assert tx.broker.store.put_due(odd).is_ok
    answer = tx.end(tx.halves()[0], COMMIT, msgId="")
    assert answer.code == 1 and answer.remark.startswith("Find prepared transaction message failed: ")
    assert "has no REAL_TOPIC and REAL_QID" in answer.remark
    assert tx.ops() == [] and not caplog.records


def test_a_rollback_leaves_only_an_op(tx):
    half = tx.half()
    answer = tx.end(half, ROLLBACK)
    assert (answer.code, answer.remark) == (0, "not set any response code")
    assert tx.queue("Orders", 3) == [] and tx.ops() == [0]


def test_a_producer_that_does_not_know_yet_gets_no_answer(tx):
    half = tx.half()
    assert tx.end(half, UNKNOWN) is None
    assert tx.end(half, UNKNOWN, fromTransactionCheck="true") is None
    assert tx.ops() == []


@pytest.mark.parametrize("how", [COMMIT, ROLLBACK])
@pytest.mark.parametrize(
    ("wrong", "remark"),
    [
        ({"commitLogOffset": 5}, "Find prepared transaction message failed"),
        ({"commitLogOffset": -1}, "Find prepared transaction message failed"),
        ({"commitLogOffset": 10**12}, "Find prepared transaction message failed"),
        ({"producerGroup": "Other"}, "The producer group wrong"),
        ({"tranStateTableOffset": 1}, "The transaction state table offset wrong"),
    ],
)
def test_refusals(tx, how, wrong, remark):
    half = tx.half()
    answer = tx.end(half, how, **wrong)
    assert (answer.code, answer.remark) == (1, remark)
    assert tx.ops() == [] and tx.queue("Orders", 3) == []


def test_how_a_transaction_ends_is_one_of_three(tx):
    answer = tx.end(tx.half(), 4)
    assert answer.code == 1 and "commitOrRollback" in answer.remark


def test_what_is_no_half_message_is_not_committed(tx, broker, send):
    """The final message has all properties and offsets that a commit names; upstream would deliver it again."""
    tx.end(tx.half(), COMMIT)
    (final,) = tx.queue("Orders", 3)
    answer = tx.end(final, COMMIT)
    assert (answer.code, answer.remark) == (1, "Find prepared transaction message failed")
    assert tx.ops() == [0]


def test_a_second_commit_delivers_again_as_upstream_does(tx):
    half = tx.half()
    tx.end(half)
    assert tx.end(half).code == 0
    assert len(tx.queue("Orders", 3)) == 2 and tx.ops() == [0, 0]


def test_a_slave_ends_no_transaction(tx, broker):
    half = tx.half()
    broker.store_config.broker_role = BrokerRole.SLAVE
    answer = tx.end(half)
    assert (answer.code, answer.remark) == (11, "not set any response code")


def test_a_store_that_cannot_write_says_so_and_leaves_it_open(tx, broker):
    half = tx.half()
    broker.store.set_disk_full(True)
    answer = tx.end(half)
    assert (answer.code, answer.remark) == (14, "Service not available now.")
    broker.store.set_disk_full(False)
    assert tx.ops() == []


def test_a_delay_begins_with_the_commit(tx, broker):
    half = tx.half(DELAY="2")
    assert half.topic == HALF
    tx.end(half)
    assert tx.queue("Orders", 3) == []
    (delayed,) = tx.queue("SCHEDULE_TOPIC_XXXX", 1)
    assert (delayed.properties["REAL_TOPIC"], delayed.properties["REAL_QID"]) == ("Orders", "3")
    assert delayed.sys_flag == 8


def test_a_compressed_message_stays_compressed(tx):
    body = zlib.compress(b"x" * 5000)
    half = tx.half(body, sys_flag=5, UNIQ_KEY="U")
    tx.end(half)
    (final,) = tx.queue("Orders", 3)
    assert (final.sys_flag, final.body, final.decompressed_body()) == (9, body, b"x" * 5000)


def test_a_multi_tag_topic_keeps_its_flag(tx):
    half = tx.half(sys_flag=6)
    assert half.sys_flag == 2
    tx.end(half)
    assert tx.queue("Orders", 3)[0].sys_flag == 10


def test_a_half_message_on_disk_is_read_first(tx, broker, monkeypatch):
    half = tx.half()
    brought = []

    async def remembered(offsets):
        brought.extend(offsets)

    monkeypatch.setattr(broker.store, "is_in_memory", lambda offset: False)
    monkeypatch.setattr(broker.store.cold_reads, "bring_in_records", remembered)
    assert tx.end(half).code == 0
    assert brought == [half.physical_offset] and tx.ops() == [0]


def test_a_sync_flush_commit_is_answered_from_the_disk(make_broker, clock, ask_of, connection, monkeypatch):
    broker = make_broker(store={"flush_disk_type": FlushDiskType.SYNC_FLUSH})
    waited = []

    async def settle(result, wait=True):
        waited.append(result.physical_offset)
        return result.status

    monkeypatch.setattr(broker.store, "settle", settle)
    tx = Transactions(broker, clock, ask_of(broker, connection))
    half = tx.half()
    assert tx.end(half).code == 0
    assert waited == [half.physical_offset, tx.queue("Orders", 3)[0].physical_offset]


def test_a_given_up_half_message_is_taken_up_again(tx, broker, ask, producer):
    tx.half(b"lost", TRANSACTION_CHECK_TIMES="15")
    tx.later()
    (given_up,) = tx.queue(GIVEN_UP)
    assert ask(323, {"msgId": given_up.msg_id}).code == 0
    again = tx.halves()[-1]
    assert (again.topic, again.queue_id, again.body) == (HALF, 0, b"lost")
    assert again.properties["TRANSACTION_CHECK_TIMES"] == "0"
    tx.later()
    assert producer.asked_about == [b"lost"]


@pytest.mark.parametrize("msg_id", ["", "nonsense", "0A010203000029FF00000000000FFFFF"])
def test_resuming_what_is_not_there(ask, msg_id):
    answer = ask(323, {"msgId": msg_id})
    assert answer.code == 1
    assert answer.remark == "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."


def test_only_half_messages_are_resumed(ask, send):
    answer = ask(323, {"msgId": send("TopicTest").ext["msgId"]})
    assert answer.code == 1 and answer.remark.endswith("It was never a half message.")


def test_resuming_on_a_full_disk(tx, broker, ask):
    half = tx.half()
    broker.store.set_disk_full(True)
    answer = ask(323, {"msgId": half.msg_id})
    assert (answer.code, answer.remark) == (1, "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.")
    broker.store.set_disk_full(False)
