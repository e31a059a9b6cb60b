"""The fast lane against a real store writer, without a socket: what it serves, what it leaves, what it answers."""

import gc
from dataclasses import dataclass, field

import pytest

from rocketpy._core.command import Command
from rocketpy._core.fast_lane import FastLane
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.holds import Holds
from rocketpy._core.index_file import IndexFile, IndexWriter
from rocketpy._core.lane import LanePeer
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import Message, decode_messages, encode_batch
from rocketpy._core.message_filter import ExpressionFilter
from rocketpy._core.store_writer import StoreWriter
from rocketpy._core.traffic import Items
from rocketpy.broker.lane_rules import PullRule, SendRule
from rocketpy.filter import compile_expression

NOW_MS = 1_565_000_000_000
HOST = b"\x7f\0\0\1\0\0\x2a\x9f"
MIDDLE = b'","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"'
PROPERTIES = "UNIQ_KEY\x010A\x02WAIT\x01true\x02TAGS\x01TagA\x02"


@dataclass
class Rules:
    """Topic T with four queues; group G subscribes to all of it."""

    sends: dict[str, SendRule] = field(default_factory=lambda: {"T": SendRule(4, 0)})
    pulls: dict[tuple[str, str], PullRule] = field(
        default_factory=lambda: {("G", "T"): PullRule("G", "T", 4, 7, None, 0, 0)}
    )
    committed: list[tuple[str, str, int, int]] = field(default_factory=list)
    got_delayed: list[int] = field(default_factory=list)
    may: bool = True
    now_ms: int = 0

    def send_rule(self, topic):
        return self.sends.get(topic)

    def pull_rule(self, group, topic):
        return self.pulls.get((group, topic))

    def may_hold(self, held):
        return self.may

    def deadline_ms(self, suspend_timeout_ms):
        return self.now_ms + suspend_timeout_ms

    def commit(self, *offset):
        self.committed.append(offset)

    def delayed(self, queue_id):
        self.got_delayed.append(queue_id)


class Bench:
    """A lane with its store and one peer."""

    def __init__(self, folder, log_size=1 << 20):
        self.writer = StoreWriter(MappedFiles(str(folder / "commitlog"), log_size), 4 << 20, str(folder / "cq"), 6000)
        self.rules = Rules()
        self.held = []
        self.holds = Holds(self.writer, lambda: None)
        self.puts, self.gets = Items("puts", 10), Items("gets", 10)
        self.lane = FastLane(self.writer, self.holds, self.rules, self, HOST, MIDDLE, self.puts, self.gets)
        self.peer = LanePeer()

    def hold(self, offset, frames, peer, sends):
        self.held.append((offset, frames, peer))
        self.gated = sends

    def offer(self, command, peer=None):
        return self.lane.offer(command.encode(), peer or self.peer, NOW_MS)

    def replies(self, peer=None):
        self.lane.finish_turn(peer or self.peer)
        return split((peer or self.peer).take_out())


def split(frames):
    found = []
    while frames:
        size = 4 + int.from_bytes(frames[:4], "big")
        found.append(Command.decode(frames[:size]))
        frames = frames[size:]
    return found


def send(body=b"Hello", opaque=1, code=310, flag=0, **changed):
    ext = {"a": "PG", "b": "T", "c": "TBW102", "d": "4", "e": "1", "f": "0", "g": "1565000000123", "h": "0",
           "i": PROPERTIES, "j": "0", "k": "false", "m": "false"}  # fmt: skip
    ext.update(changed)
    return Command(code, {k: v for k, v in ext.items() if v is not None}, body, opaque=opaque, flag=flag)


def pull(offset=0, opaque=9, sys_flag=2, **changed):
    ext = {"consumerGroup": "G", "topic": "T", "queueId": "1", "queueOffset": str(offset), "maxMsgNums": "32",
           "sysFlag": str(sys_flag), "commitOffset": "3", "suspendTimeoutMillis": "15000", "subscription": "*",
           "subVersion": "7", "expressionType": "TAG"}  # fmt: skip
    ext.update(changed)
    return Command(11, {k: v for k, v in ext.items() if v is not None}, opaque=opaque)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_a_send_is_stored_and_answered(bench):
    assert bench.offer(send(opaque=5))
    (reply,) = bench.replies()
    assert (reply.code, reply.opaque, reply.flag, reply.remark) == (0, 5, 1, None)
    assert reply.ext == {"queueId": "1", "TRACE_ON": "true", "MSG_REGION": "DefaultRegion",
                         "msgId": "7F00000100002A9F0000000000000000", "queueOffset": "0"}  # fmt: skip
    (message,) = decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))
    assert (message.topic, message.body, message.queue_id, message.properties_raw) == (
        "T",
        b"Hello",
        1,
        PROPERTIES.encode(),
    )
    assert (message.born_timestamp, message.store_timestamp) == (1565000000123, NOW_MS)


def test_its_bytes_are_those_of_the_full_encoder(bench):
    bench.offer(send(opaque=101))
    bench.lane.finish_turn(bench.peer)
    frame = bench.peer.take_out()
    assert Command.decode(frame).encode() == frame


def test_the_long_field_names_are_served_too(bench):
    long = {"producerGroup": "PG", "topic": "T", "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
            "queueId": "2", "sysFlag": "0", "bornTimestamp": "1", "flag": "8", "properties": PROPERTIES,
            "reconsumeTimes": "0"}  # fmt: skip
    assert bench.offer(Command(10, long, b"x"))
    (message,) = decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))
    assert (message.queue_id, message.flag) == (2, 8)


@pytest.mark.parametrize(
    "request_",
    [
        send(b="unknown"),
        send(e="4"),
        send(e="-1"),
        send(e="x"),
        send(a=None),
        send(f="4"),
        send(i=PROPERTIES + "DELAY\x013\x02"),  # no levels are set
        send(i=PROPERTIES + "DELAY\x01-1\x02"),
        send(i=PROPERTIES + "TRAN_MSG\x01true\x02"),
        send(body=None),
        send(m="maybe"),
        send(code=320, m="true", body=b"not a batch"),
        Command(34, None, b"{}"),
        pull(topic="unknown"),
        pull(queueId="4"),
        pull(sys_flag=10),
        pull(subVersion="8"),
        pull(sys_flag=6, expressionType="SQL92"),
        pull(offset=1),
        pull(sys_flag=0),
    ],
)
def test_what_is_not_plain_takes_the_full_lane_and_changes_nothing(bench, request_):
    assert not bench.offer(request_)
    assert bench.writer.log.end_offset <= 0 and bench.replies() == [] and bench.rules.committed == []


def test_a_delayed_send_goes_to_the_schedule_topic_and_its_level_is_told(bench):
    bench.writer.set_delays([1000, 5000])
    for level in ("2", "99", "1"):
        assert bench.offer(send(i=f"{PROPERTIES}DELAY\x01{level}\x02"))
    assert [reply.ext["queueId"] for reply in bench.replies()] == ["1"] * 3
    assert bench.rules.got_delayed == [0, 1]
    first, clamped, _ = decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))
    assert (first.topic, first.queue_id, clamped.queue_id) == ("SCHEDULE_TOPIC_XXXX", 1, 1)
    own = {"UNIQ_KEY": "0A", "WAIT": "true", "TAGS": "TagA", "REAL_TOPIC": "T", "REAL_QID": "1"}
    assert first.properties == clamped.properties == {**own, "DELAY": "2"}
    queue = bench.writer.queue(b"SCHEDULE_TOPIC_XXXX", 1)
    assert [queue.entry(index)[2] for index in range(2)] == [NOW_MS + 5000] * 2


def test_delayed_properties_beyond_ascii_take_the_full_lane(bench):
    bench.writer.set_delays([1000])
    assert not bench.offer(send(i=PROPERTIES + "DELAY\x011\x02own\x01标签\x02"))
    assert bench.writer.log.end_offset <= 0 and bench.replies() == [] and bench.rules.got_delayed == []


def test_a_field_of_the_other_spelling_is_none(bench):
    assert bench.offer(send(topic="Other", queueId="3"))
    (message,) = decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))
    assert (message.topic, message.queue_id) == ("T", 1)
    assert not bench.offer(send(code=10))


def test_a_oneway_send_is_stored_without_an_answer(bench):
    assert bench.offer(send(flag=2))
    assert bench.replies() == [] and bench.writer.log.end_offset > 0


def test_a_batch_is_stored_and_answered_with_all_ids(bench):
    messages = [Message("T", b"m%d" % i, properties={"UNIQ_KEY": str(i)}) for i in range(3)]
    assert bench.offer(send(encode_batch(messages), code=320, m="true"))
    (reply,) = bench.replies()
    assert len(reply.ext["msgId"].split(",")) == 3 and reply.ext["queueOffset"] == "0"
    stored = decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))
    assert [(m.body, m.queue_offset) for m in stored] == [(b"m0", 0), (b"m1", 1), (b"m2", 2)]


def test_a_batch_makes_no_index_file_before_it_is_needed(bench, tmp_path):
    """Sixty entries are room for three messages with a key each."""
    made = []

    def make_file():
        made.append(IndexFile(str(tmp_path / f"index-{len(made)}"), 50, 60, create=True))
        return made[-1]

    bench.writer.use_index(IndexWriter(make_file))
    batch = encode_batch([Message("T", b"x", properties={"KEYS": f"k{number}"}) for number in range(3)])
    for _ in range(2):
        bench.offer(send(batch, code=320, m="true", i=""))
    assert [file.count for file in made] == [6]


def test_with_sync_flush_the_answer_goes_to_the_gate(bench):
    bench.writer.sync_flush = True
    bench.offer(send(opaque=1))
    bench.offer(send(opaque=2))
    bench.offer(send(opaque=3, i=PROPERTIES.replace("true", "false")))
    assert [reply.opaque for reply in bench.replies()] == [3]
    ((offset, frames, peer),) = bench.held
    assert [reply.opaque for reply in split(frames)] == [1, 2]
    assert peer is bench.peer and offset == bench.writer.log.end_offset // 3 * 2
    assert (bench.gated, sum(bench.lane.send_times.counts)) == (2, 1)  # the gate counts those that wait there


def test_a_pull_gets_the_records_and_commits_its_offset(bench):
    for number in range(3):
        bench.offer(send(b"%d" % number))
    bench.replies()
    assert bench.offer(pull(0, sys_flag=3))
    (reply,) = bench.replies()
    assert (reply.code, reply.remark) == (0, "FOUND")
    assert reply.ext == {"suggestWhichBrokerId": "0", "nextBeginOffset": "3", "maxOffset": "3", "minOffset": "0"}
    assert [message.body for message in decode_messages(reply.body)] == [b"0", b"1", b"2"]
    assert bench.rules.committed == [("G", "T", 1, 3)]


def test_a_pull_with_its_own_tags(bench):
    bench.offer(send(b"A"))
    bench.offer(send(b"B", i="TAGS\x01TagB\x02"))
    bench.replies()
    assert bench.offer(pull(0, sys_flag=6, subscription=" TagB || TagC "))
    assert bench.offer(pull(0, sys_flag=6, subscription="TagD"))
    found, none = bench.replies()
    assert [message.body for message in decode_messages(found.body)] == [b"B"]
    assert (none.code, none.remark, none.ext["nextBeginOffset"]) == (20, "NO_MATCHED_MESSAGE", "2")


def test_a_held_pull_is_answered_by_the_message_it_waits_for(bench):
    consumer = LanePeer()
    assert bench.offer(pull(0, sys_flag=6, subscription="TagB", opaque=77), consumer)
    assert bench.replies(consumer) == [] and len(bench.holds) == 1
    bench.offer(send(b"A"))
    assert len(bench.replies()) == 1 and consumer.take_out() == b"" and len(bench.holds) == 1
    bench.offer(send(b"B", i="TAGS\x01TagB\x02"))
    bench.replies()
    (reply,) = split(consumer.take_out())
    assert (reply.code, reply.opaque, reply.ext["nextBeginOffset"]) == (0, 77, "2")
    assert [message.body for message in decode_messages(reply.body)] == [b"B"] and len(bench.holds) == 0


def test_a_held_pull_is_answered_when_its_time_is_over(bench):
    bench.offer(pull(0, opaque=5))
    bench.holds.expire(14_999)
    assert bench.replies() == []
    bench.holds.expire(15_000)
    (reply,) = bench.replies()
    assert (reply.code, reply.opaque, reply.remark) == (19, 5, "NO_MESSAGE_IN_QUEUE")


def test_a_held_pull_is_answered_when_its_topic_goes(bench):
    bench.offer(pull(0, opaque=5))
    bench.holds.end_topic(b"Other")
    assert bench.replies() == []
    bench.holds.end_topic(b"T")
    (reply,) = bench.replies()
    assert (reply.code, reply.opaque) == (19, 5) and len(bench.holds) == 0


def test_a_held_pull_that_skipped_messages_says_how_far_it_looked(bench):
    bench.offer(pull(0, sys_flag=6, subscription="TagB"))
    bench.offer(send(b"A"))
    bench.replies()
    bench.holds.expire(15_000)
    (reply,) = bench.replies()
    assert (reply.code, reply.ext["nextBeginOffset"]) == (20, "1")


def test_a_hold_of_the_full_lane_is_woken_once(bench):
    woken = []
    queue = bench.writer.queue(b"T", 1)
    bench.holds.hold(queue, 0, None, 1000, lambda: woken.append("arrival"))
    released = bench.holds.hold(queue, 0, None, 1000, lambda: woken.append("released"))
    bench.holds.release(released)
    bench.offer(send())
    bench.replies()
    bench.holds.expire(2000)
    assert woken == ["arrival"]


def test_too_many_held_pulls_take_the_full_lane(bench):
    bench.rules.may = False
    assert not bench.offer(pull(0))


def test_what_was_served_is_counted(bench):
    assert bench.offer(pull(0, sys_flag=6, subscription="*"))
    bench.offer(send())
    bench.replies()
    bench.offer(pull(0))
    bench.offer(pull(0, sys_flag=6, subscription="none"))
    size = bench.writer.log.end_offset
    assert bench.gets.item("T@G").total == (2, 2 * size, 2)
    assert bench.puts.item("T").total == (1, size, 1)
    assert bench.writer.counts == (1, size, 2, 2, 2)  # one of the missed was held, and found something later
    assert bench.gets.distances(0, 10) == [("1@T@G", size, 0)]


def test_counts_outlive_rows_and_go_on_after_their_item_went(bench):
    bench.offer(send())
    bench.lane.forget_rows()
    bench.offer(send())
    assert bench.puts.item("T").total[0] == 2
    bench.puts.remove("T")
    bench.offer(send())  # to a row whose item is gone: nobody asks for it any more
    bench.lane.forget_rows()
    bench.offer(send())
    assert bench.puts.find("T").total[0] == 1


def test_what_a_turn_answered_took_as_long_as_the_turn(bench):
    bench.offer(send())
    bench.offer(send(flag=2))  # one-way: stored, and nothing more is to come
    bench.offer(pull(0))
    bench.offer(pull(2))  # held: it waits for a message, not for the broker
    bench.lane.finish_turn(bench.peer, took_ns=30_000)
    bench.lane.finish_turn(bench.peer, took_ns=9_000_000)  # a turn in which nothing was answered
    sends, pulls = bench.lane.send_times, bench.lane.pull_times
    assert (sends.counts[2], sends.sum_ns, sends.max_ns) == (2, 60_000, 30_000)
    assert (sum(sends.counts), sum(pulls.counts), pulls.max_ns) == (2, 1, 30_000)


def test_a_forgotten_rule_is_asked_anew(bench):
    assert bench.offer(send())
    bench.rules.sends.clear()
    assert bench.offer(send())
    bench.lane.forget_rows()
    assert not bench.offer(send())


def test_messages_go_on_over_the_ends_of_files(tmp_path):
    bench = Bench(tmp_path, log_size=4096)
    for number in range(400):
        assert bench.offer(send(b"%03d" % number * 50))
    assert all(reply.code == 0 for reply in bench.replies())
    offset, bodies = 0, []
    while offset < 400:
        bench.offer(pull(offset))
        (reply,) = bench.replies()
        bodies += [message.body[:3] for message in decode_messages(reply.body)]
        offset = int(reply.ext["nextBeginOffset"])
    assert bodies == [b"%03d" % number for number in range(400)]


def test_a_held_pull_sees_the_tags_of_a_unit(tmp_path):
    bench = Bench(tmp_path)
    bench.writer.use_ext(str(tmp_path / "ext"), 44, True)
    consumer, woken = LanePeer(), []
    bench.holds.hold(bench.writer.queue(b"T", 1), 0, {java_hash_of("TagC")}, 1000, lambda: woken.append(True))
    assert bench.offer(pull(0, sys_flag=6, subscription="TagB", opaque=77), consumer)
    for tag in ("TagA", "TagA", "TagA"):
        bench.offer(send(tag.encode(), i=f"TAGS\x01{tag}\x02"))
    bench.replies()
    assert consumer.take_out() == b"" and not woken
    assert bench.writer.queue(b"T", 1).stored_entry(2)[2] == -(1 << 63) + 44
    bench.offer(send(b"B", i="TAGS\x01TagB\x02"))
    bench.replies()
    (reply,) = split(consumer.take_out())
    assert [message.body for message in decode_messages(reply.body)] == [b"B"] and not woken
    bench.offer(send(b"C", i="TAGS\x01TagC\x02"))
    bench.replies()
    assert woken == [True]


# -- filters by properties

def coloured(colour, opaque=1):
    return send(opaque=opaque, i=f"colour\x01{colour}\x02")


@pytest.fixture
def red(bench):
    """Group G wants what is red; the filter, to be retired."""
    wanted = ExpressionFilter(compile_expression("colour = 'red'"))
    bench.rules.pulls[("G", "T")] = PullRule("G", "T", 4, 7, None, 0, 0, wanted)
    return wanted


def test_messages_are_tested_by_their_properties(bench, red):
    for number, colour in enumerate(("red", "blue", "red", "blue")):
        bench.offer(coloured(colour, number))
    bench.replies()
    assert bench.offer(pull(expressionType="SQL92", subscription=None))  # as a push consumer says it
    (reply,) = bench.replies()
    assert (reply.code, reply.ext["nextBeginOffset"]) == (0, "4")
    assert [message.queue_offset for message in decode_messages(reply.body)] == [0, 2]


def test_tags_that_the_pull_brings_along_are_not_the_groups_expression(bench, red):
    bench.offer(coloured("blue"))
    bench.replies()
    assert bench.offer(pull(sys_flag=4))
    assert bench.replies()[0].code == 0


def test_an_expression_that_the_pull_brings_along_is_not_served(bench, red):
    assert not bench.offer(pull(sys_flag=4, expressionType="SQL92", subscription="TRUE"))


def test_a_held_pull_is_answered_by_a_message_that_is_wanted(bench, red):
    waiting = LanePeer()
    assert bench.offer(pull(), waiting)
    bench.offer(coloured("blue", 1))
    bench.replies()
    assert not bench.replies(waiting)
    bench.offer(coloured("red", 2))
    bench.replies()
    (reply,) = bench.replies(waiting)
    assert (reply.code, reply.ext["nextBeginOffset"]) == (0, "2")
    assert [message.queue_offset for message in decode_messages(reply.body)] == [1]


def test_a_held_pull_whose_filter_was_replaced_begins_anew(bench, red):
    """What the old filter passed over, the new one may want."""
    waiting = LanePeer()
    assert bench.offer(pull(), waiting)
    bench.offer(coloured("blue", 1))
    bench.replies()
    red.retire()
    bench.offer(coloured("red", 2))
    bench.replies()
    (reply,) = bench.replies(waiting)
    assert (reply.code, reply.remark) == (20, "NO_MATCHED_MESSAGE")
    assert reply.ext == {"suggestWhichBrokerId": "0", "nextBeginOffset": "0", "minOffset": "0", "maxOffset": "2"}


def test_a_held_pull_that_passed_messages_over_says_so_at_its_end(bench, red):
    waiting = LanePeer()
    assert bench.offer(pull(), waiting)
    bench.offer(coloured("blue", 1))
    bench.replies()
    bench.holds.expire(15_000)
    (reply,) = bench.replies(waiting)
    assert (reply.code, reply.ext["nextBeginOffset"]) == (20, "1")


def test_a_held_pull_keeps_its_filter_alive(bench):
    bench.rules.pulls[("G", "T")] = PullRule(
        "G", "T", 4, 7, None, 0, 0, ExpressionFilter(compile_expression("colour = 'red'"))
    )
    waiting = LanePeer()
    assert bench.offer(pull(), waiting)
    bench.rules.pulls.clear()
    bench.lane.forget_rows()
    gc.collect()
    bench.offer(coloured("blue", 1))
    bench.offer(coloured("red", 2))
    bench.replies()
    (reply,) = bench.replies(waiting)
    assert [message.queue_offset for message in decode_messages(reply.body)] == [1]


# -- transactions

HALF = PROPERTIES + "TRAN_MSG\x01true\x02PGROUP\x01PG\x02"


def end(how="8", **changed):
    ext = {"producerGroup": "PG", "tranStateTableOffset": "0", "commitLogOffset": "0", "commitOrRollback": how,
           "msgId": "U"}  # fmt: skip
    ext.update(changed)
    return Command(37, {k: v for k, v in ext.items() if v is not None}, opaque=8)


@pytest.fixture
def with_half(bench):
    bench.rules.sends = {"T": SendRule(4, 0, True)}
    assert bench.offer(send(i=HALF, f="4"))
    bench.replies()
    return bench


def stored(bench):
    return decode_messages(bench.writer.log.read(0, bench.writer.log.end_offset))


def test_half_messages_are_served_where_the_rules_take_them(bench, with_half):
    (half,) = stored(bench)
    assert (half.topic, half.sys_flag, half.properties["REAL_QID"]) == ("RMQ_SYS_TRANS_HALF_TOPIC", 0, "1")
    assert bench.puts.find("RMQ_SYS_TRANS_HALF_TOPIC").total == (1, half.size, 1)
    assert bench.puts.find("T") is None
    bench.rules.sends = {"T": SendRule(4, 0, False)}
    bench.lane.forget_rows()
    assert not bench.offer(send(i=HALF, f="4"))
    assert not bench.offer(send(f="4"))


def test_a_commit_is_a_final_message_and_an_op(with_half):
    assert with_half.offer(end())
    (reply,) = with_half.replies()
    assert (reply.code, reply.opaque, reply.remark, reply.ext) == (0, 8, None, None)
    half, final, op = stored(with_half)
    assert (final.topic, final.queue_id, final.sys_flag, final.body) == ("T", 1, 8, half.body)
    assert (op.topic, op.body, op.properties["TAGS"]) == ("RMQ_SYS_TRANS_OP_HALF_TOPIC", b"0", "d")


def test_a_rollback_is_an_op(with_half):
    assert with_half.offer(end("12"))
    (reply,) = with_half.replies()
    assert (reply.code, reply.remark) == (0, "not set any response code")
    assert [message.topic for message in stored(with_half)][1:] == ["RMQ_SYS_TRANS_OP_HALF_TOPIC"]


@pytest.mark.parametrize("wrong", [
    {"how": "0"}, {"how": "4"}, {"producerGroup": "other"}, {"producerGroup": None}, {"tranStateTableOffset": "1"},
    {"commitLogOffset": "1"}, {"commitLogOffset": "-1"}, {"commitLogOffset": "999999999"}, {"msgId": None},
    {"commitLogOffset": "x"},
])  # fmt: skip
def test_other_ends_are_the_full_lane_s(with_half, wrong):
    assert not with_half.offer(end(**wrong))
    assert len(stored(with_half)) == 1


def test_no_end_is_served_where_the_topic_takes_nothing_or_the_disk_is_waited_for(with_half):
    with_half.writer.sync_flush = True
    assert not with_half.offer(end("12"))
    with_half.writer.sync_flush = False
    with_half.rules.sends = {}
    with_half.lane.forget_rows()
    assert not with_half.offer(end("12")) and not with_half.offer(end())
    assert len(stored(with_half)) == 1


def test_a_final_message_is_not_committed_again(with_half):
    assert with_half.offer(end())
    _, final, _ = stored(with_half)
    assert not with_half.offer(end(commitLogOffset=str(final.physical_offset)))
