"""The full lane is the fast lane's oracle: the same requests give the same bytes on the wire and in the store."""

import asyncio
import socket
import struct
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketpy._core.command import Command
from rocketpy._core.lane import Lane
from rocketpy._core.message import Message, decode_messages, encode_batch, encode_message
from rocketpy.broker.broker import Broker
from rocketpy.broker.clients import Client
from rocketpy.broker.fast_lane import FastLane
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.protocol.bodies import ConsumerData, MessageModel, SubscriptionData, TopicConfig
from tests.ports import free_broker_port, free_port

HOST = "127.0.0.1"
BODY_AT = 88  # in a record


@dataclass
class Outcome:
    """What one run left: reply frames by opaque, stored bytes, entries and units of each queue, committed offsets."""

    replies: dict[int, bytes]
    log: bytes
    queues: dict[tuple[bytes, int], list[tuple[int, int, int]]]
    units: dict[str, bytes]
    offsets: dict[str, object]
    stored: int
    served_by_fast_lane: bool


def run(
    folder, port: int, source_port: int, turns: list[list[Command]], fast: bool, monkeypatch, units: bool = False
) -> Outcome:
    with monkeypatch.context() as patch:
        if not fast:
            patch.setattr(FastLane, "core", Lane())
        return asyncio.run(_run(folder, port, source_port, turns, units))


async def _run(folder, port, source_port, turns, units) -> Outcome:
    store_config = MessageStoreConfig(
        store_path_root_dir=str(folder), store_path_commit_log=str(folder / "commitlog"),
        mapped_file_size_commit_log=1 << 16, mapped_file_size_consume_queue=2000, max_hash_slot_num=100,
        max_index_num=4000, message_index_enable=True,
        enable_consume_queue_ext=units, mapped_file_size_consume_queue_ext=64,
    )  # fmt: skip
    filters = {"enable_property_filter": True, "enable_calc_filter_bit_map": True}
    patient = {"wait_time_mills_in_send_queue": 60_000, "wait_time_mills_in_pull_queue": 60_000}  # of a busy machine
    config = BrokerConfig(broker_ip1=HOST, broker_name="b", **patient, **filters)
    broker = Broker(config, NettyServerConfig(listen_port=port), NettyClientConfig(), store_config, ManualClock())
    await broker.start()
    try:
        broker.topics.put(TopicConfig("T", read_queue_nums=2, write_queue_nums=2))
        subscribe(broker)
        await broker.save_configs()
        replies = await talk(port, source_port, turns)
        end = broker.store.writer.log.end_offset
        return Outcome(
            replies,
            b"".join((folder / "commitlog").joinpath(f"{start:020d}").read_bytes()[: end - start]
                     for start in range(0, max(0, end), 1 << 16)),
            {key: [queue.stored_entry(index) for index in range(queue.max_offset)]
             for key, queue in sorted(broker.store.writer.queues.items()) if queue.max_offset},
            {str(path.relative_to(folder)): path.read_bytes()
             for path in sorted((folder / "consumequeue_ext").rglob("*")) if path.is_file()},
            dict(broker.offsets.table),
            broker.stats.total("BROKER_PUT_NUMS", "DefaultCluster"),
            broker.lane.served > 0,
        )  # fmt: skip
    finally:
        await broker.stop()


class NoChannel:
    """The connection of a client that nobody listens to."""

    address = "c"


def subscribe(broker) -> None:
    """Group S wants what is red of T."""
    red = SubscriptionData(topic="T", sub_string="colour = 'red'", expression_type="SQL92", sub_version=1)
    said = ConsumerData("S", message_model=MessageModel.CLUSTERING, subscription_data_set=[red])
    broker.groups.find("S")
    broker.consumers.register(said, Client(NoChannel(), "c"), notify=False)
    broker.filters.register("S", [red])


async def talk(port, source_port, turns) -> dict[int, bytes]:
    """Send each turn in one write from a fixed port, and take all its replies before the next."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT on the fixed port
    sock.bind((HOST, source_port))
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
    reader, writer = await asyncio.open_connection(sock=sock)
    replies = {}
    for turn in turns:
        writer.write(b"".join(command.encode() for command in turn))
        for _ in range(sum(not command.is_oneway for command in turn)):
            head = await asyncio.wait_for(reader.readexactly(4), 30)
            frame = head + await reader.readexactly(int.from_bytes(head, "big"))
            replies[Command.decode(frame).opaque] = frame
    writer.transport.abort()
    return replies


PROPERTIES = st.lists(
    st.sampled_from([
        "UNIQ_KEY\x017F00\x02", "WAIT\x01true\x02", "WAIT\x01false\x02", "TAGS\x01TagA\x02", "TAGS\x01标签\x02",
        "KEYS\x01k1 k2\x02", "KEYS\x01 \x02", "own\x01\x02", "own\x01a\x01b\x02", "DELAY\x013\x02",
        "DELAY\x010\x02", "quote\x01\"\\/\x02", "DELAY\x0199\x02", "DELAY\x01-1\x02", "REAL_TOPIC\x01X\x02",
        "colour\x01red\x02", "colour\x01blue\x02",
    ]),
    max_size=5,
).map("".join)  # fmt: skip

NUMBERS = st.sampled_from(["0", "1", "1", "0", "2", "-1", "x", "99999999999"])

QUEUE_IDS = NUMBERS.filter(lambda text: text != "-1")  # a negative one is a random queue


@st.composite
def sends(draw):
    ext = {"a": "PG", "b": draw(st.sampled_from(["T", "T", "T", "None", "TBW102", "%RETRY%G"])), "c": "none", "d": "4",
           "e": draw(QUEUE_IDS), "f": draw(st.sampled_from(["0", "1"])), "g": "1565000000123", "h": draw(NUMBERS),
           "i": draw(PROPERTIES), "j": draw(NUMBERS), "k": "false", "m": "false"}  # fmt: skip
    for name in draw(st.sets(st.sampled_from("hijm"), max_size=1)):
        del ext[name]
    code = draw(st.sampled_from([310, 310, 320]))
    body = draw(st.binary(max_size=300)) or None
    if code == 320:
        ext["m"] = "true"
        bodies = draw(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4))
        body = encode_batch([Message("T", body, properties={"UNIQ_KEY": "u"}) for body in bodies])
    return Command(code, ext, body, flag=draw(st.sampled_from([0, 0, 0, 2])))


@st.composite
def pulls(draw):
    ext = {"consumerGroup": draw(st.sampled_from(["G", "S"])), "topic": draw(st.sampled_from(["T", "T", "none"])),
           "queueId": draw(NUMBERS),
           "queueOffset": draw(st.sampled_from(["0", "0", "1", "5", "-1"])),
           "maxMsgNums": draw(st.sampled_from(["1", "32"])),
           "sysFlag": draw(st.sampled_from(["4", "5", "0", "12"])), "commitOffset": "1", "suspendTimeoutMillis": "0",
           "subscription": draw(st.sampled_from(["*", "", "TagA", "TagA || 标签", "||", "no"])), "subVersion": "1",
           "expressionType": draw(st.sampled_from(["TAG", "", "SQL92"]))}  # fmt: skip
    return Command(11, ext)


@st.composite
def conversations(draw):
    turns = draw(st.lists(st.lists(st.one_of(sends(), pulls()), min_size=1, max_size=8), min_size=1, max_size=4))
    for opaque, command in enumerate(command for turn in turns for command in turn):
        command.opaque = opaque
    return turns


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(turns=conversations(), units=st.booleans())
def test_both_lanes_answer_and_store_the_same_bytes(turns, units, tmp_path_factory, monkeypatch):
    port, source_port = free_broker_port(), free_port()
    fast, full = (
        run(tmp_path_factory.mktemp("store"), port, source_port, turns, lane, monkeypatch, units)
        for lane in (True, False)
    )
    assert fast.replies == full.replies
    assert fast.log == full.log
    assert fast.queues == full.queues
    assert fast.units == full.units
    assert bool(fast.units) == (units and bool(fast.queues))
    assert fast.offsets == full.offsets
    assert fast.stored == full.stored
    assert not full.served_by_fast_lane


@pytest.mark.parametrize("fast", [True, False])
def test_the_oracle_compares_two_ways(fast, tmp_path, monkeypatch):
    ext = {"a": "PG", "b": "T", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "i": "", "j": "0",
           "k": "false", "m": "false"}  # fmt: skip
    turns = [[Command(310, ext, b"x", opaque=1)]]
    outcome = run(tmp_path, free_broker_port(), free_port(), turns, fast, monkeypatch)
    assert outcome.stored == 1 and outcome.served_by_fast_lane is fast


@pytest.mark.parametrize("fast", [True, False])
def test_offsets_of_one_turn_are_taken_in_their_order(fast, tmp_path, monkeypatch):
    """What came with a pull must not overtake the commit behind it, and take the group back."""
    queue = {"consumerGroup": "G", "topic": "T", "queueId": "0"}

    def pull(offset):
        ext = {"queueOffset": "0", "maxMsgNums": "32", "sysFlag": "5", "commitOffset": str(offset), "subscription": "*"}
        return Command(11, {**queue, **ext, "suspendTimeoutMillis": "0", "subVersion": "1"})

    send = {"a": "PG", "b": "T", "c": "none", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "i": ""}
    first = [Command(310, send, b"x"), pull(1)]
    then = [pull(2), Command(14, queue), Command(15, {**queue, "commitOffset": "9"}), Command(14, queue)]
    for opaque, command in enumerate(first + then):
        command.opaque = opaque
    outcome = run(tmp_path, free_broker_port(), free_port(), [first, then], fast, monkeypatch)
    asked = [Command.decode(outcome.replies[opaque]).ext["offset"] for opaque in (3, 5)]
    assert (asked, outcome.offsets, outcome.served_by_fast_lane) == (["2", "9"], {"T@G": {0: 9}}, fast)


def sent_and_pulled(colours: str, **more: str) -> list[list[Command]]:
    """Messages of these colours (first letters), then a pull of group S."""
    names = {"r": "red", "b": "blue"}
    base = {"a": "PG", "b": "T", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0", "j": "0",
            "k": "false", "m": "false"}  # fmt: skip
    sends = [
        Command(310, base | {"i": f"colour\x01{names[colour]}\x02"}, colour.encode(), opaque=number)
        for number, colour in enumerate(colours)
    ]
    pull = {"consumerGroup": "S", "topic": "T", "queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "0",
            "commitOffset": "0", "suspendTimeoutMillis": "0", "expressionType": "SQL92", "subVersion": "1"}  # fmt: skip
    return [sends, [Command(11, pull | more, opaque=100)]]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("units", [True, False])
def test_either_lane_filters_by_the_groups_expression(fast, units, tmp_path, monkeypatch):
    outcome = run(tmp_path, free_broker_port(), free_port(), sent_and_pulled("rbbrb"), fast, monkeypatch, units)
    answer = Command.decode(outcome.replies[100])
    assert (answer.code, answer.ext["nextBeginOffset"]) == (0, "5")
    assert [message.body for message in decode_messages(answer.body)] == [b"r", b"r"]
    assert outcome.served_by_fast_lane is fast
    assert bool(outcome.units) is units


@pytest.mark.parametrize("fast", [True, False])
def test_either_lane_passes_over_what_is_not_wanted(fast, tmp_path, monkeypatch):
    outcome = run(tmp_path, free_broker_port(), free_port(), sent_and_pulled("bbb"), fast, monkeypatch)
    answer = Command.decode(outcome.replies[100])
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (20, "NO_MATCHED_MESSAGE", "3")


def test_a_pull_of_a_later_version_than_the_filters_is_for_the_full_lane(tmp_path, monkeypatch):
    turns = sent_and_pulled("r", subVersion="2")
    answer = Command.decode(run(tmp_path, free_broker_port(), free_port(), turns, True, monkeypatch).replies[100])
    assert answer.code == 25


HALVES = [
    "UNIQ_KEY\x01U{}\x02WAIT\x01true\x02TAGS\x01TagA\x02TRAN_MSG\x01true\x02PGROUP\x01PG\x02",
    "TRAN_MSG\x01TRUE\x02PGROUP\x01PG\x02KEYS\x01k{} k\x02WAIT\x01false\x02",
    "TRAN_MSG\x01true\x02PGROUP\x01PG\x02TAGS\x01标签\x02",
    "TRAN_MSG\x01true\x02PGROUP\x01PG\x02DELAY\x012\x02",
    "TRAN_MSG\x01true\x02PGROUP\x01PG\x02REAL_TOPIC\x01Other\x02REAL_QID\x017\x02",
    "TRAN_MSG\x01true\x02UNIQ_KEY\x01nobody\x02",
]
WRONG = [
    {"producerGroup": "other"}, {"tranStateTableOffset": "99"}, {"commitLogOffset": "1"}, {"commitLogOffset": "-1"},
    {"commitLogOffset": "x"}, {"commitOrRollback": "4"}, {"msgId": None}, {"commitLogOffset": "99999999999999"},
]  # fmt: skip


def half(number: int, opaque: int) -> Command:
    ext = {"a": "PG", "b": "T", "c": "none", "d": "4", "e": str(number % 2), "f": "4", "g": "1565000000123", "h": "7",
           "i": HALVES[number % len(HALVES)].format(number), "j": "0", "k": "false", "m": "false"}  # fmt: skip
    return Command(310, ext, b"x" * (number * 37 % 1500 + 1), opaque=opaque)


def end(placed: Command, opaque: int, how: str, **wrong: str | None) -> Command:
    """The end of the half message that was placed so."""
    ext = {"producerGroup": "PG", "tranStateTableOffset": placed.ext["queueOffset"], "commitOrRollback": how,
           "commitLogOffset": str(int(placed.ext["msgId"][16:], 16)), "msgId": "U", **wrong}  # fmt: skip
    return Command(37, {name: value for name, value in ext.items() if value is not None}, opaque=opaque)


@pytest.mark.parametrize("units", [False, True])
def test_transactions_are_the_same_down_both_lanes(units, tmp_path_factory, monkeypatch):
    """Files of 64 KiB end in many places: between messages, and between a final message and its op."""
    ports = free_broker_port(), free_port()
    halves = [half(number, number) for number in range(180)]
    turns = [halves[:90], halves[90:]]
    known = run(tmp_path_factory.mktemp("known"), *ports, turns, False, monkeypatch, units)
    placed = [Command.decode(known.replies[number]) for number in range(180)]
    ends = [end(each, 1000 + at, "12" if at % 5 == 0 else "8") for at, each in enumerate(placed)]
    ends += [end(placed[0], 2000 + at, "8", **wrong) for at, wrong in enumerate(WRONG)]
    ends += [end(placed[6], 3000, "8")]
    unheard = end(placed[12], 3001, "8")
    unheard.flag = 2
    turns += [ends[:100], [unheard, *ends[100:]]]
    fast, full = (
        run(tmp_path_factory.mktemp("store"), *ports, turns, lane, monkeypatch, units) for lane in (True, False)
    )
    assert fast.replies == full.replies
    assert fast.log == full.log
    assert (fast.queues, fast.units, fast.stored) == (full.queues, full.units, full.stored)
    assert len(fast.log) > 4 << 16 and fast.served_by_fast_lane and not full.served_by_fast_lane
    assert len(full.queues[b"RMQ_SYS_TRANS_OP_HALF_TOPIC", 0]) == 152


def forged(size: int, physical_offset: int) -> bytes:
    """A record of the half topic as somebody would write it into a body of that size, for this place in the log."""
    properties = {"PGROUP": "PG", "REAL_TOPIC": "T", "REAL_QID": "0"}
    half = Message("RMQ_SYS_TRANS_HALF_TOPIC", b"forged", properties=properties, queue_offset=1)
    half.physical_offset = physical_offset
    return encode_message(half).ljust(size, b"\0")


def test_what_is_odd_about_transactions_is_the_same_down_both_lanes(tmp_path_factory, monkeypatch):
    """A delay that is no number, and a half message that stands in the body of another message."""
    ports = free_broker_port(), free_port()
    late = half(0, 500)
    late.ext["i"] += "DELAY\x01soon\x02"
    carrier = Command(310, {**late.ext, "f": "0", "i": ""}, bytes(400), opaque=501)
    turns = [[half(0, 0)], [half(1, 1), late, carrier]]
    known = run(tmp_path_factory.mktemp("known"), *ports, turns, False, monkeypatch)
    at = int(Command.decode(known.replies[501]).ext["msgId"][16:], 16) + BODY_AT
    carrier.body = forged(400, at)
    place = Command(0, {"queueOffset": "1", "msgId": f"{at:032X}"})
    turns.append([end(place, 502, "8"), end(Command.decode(known.replies[1]), 503, "8")])
    fast, full = (run(tmp_path_factory.mktemp("store"), *ports, turns, lane, monkeypatch) for lane in (True, False))
    assert fast.replies == full.replies and fast.log == full.log
    answers = {opaque: Command.decode(fast.replies[opaque]) for opaque in (500, 502, 503)}
    assert (answers[500].code, answers[500].remark) == (1, "the property DELAY is no number: 'soon'")
    assert (answers[502].code, answers[502].remark) == (1, "Find prepared transaction message failed")
    assert answers[503].code == 0 and [len(fast.queues[b"T", queue_id]) for queue_id in (0, 1)] == [1, 1]
