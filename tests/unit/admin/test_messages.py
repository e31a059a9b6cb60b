"""Commands of messages on a running cluster, line by line."""

import asyncio

import pytest

from rocketpy.admin import message_queries
from rocketpy.admin.java import local_time_ms
from rocketpy.client import Admin, BrokerRefused, Producer, PullConsumer, new_message
from rocketpy.protocol.bodies import MessageQueue
from tests.unit.admin.members import Member, route_of

QUEUE = MessageQueue("Orders", "quickstart", 1)
QUEUE_TEXT = "MessageQueue [topic=Orders, brokerName=quickstart, queueId=1]"
OTHER_TEXT = QUEUE_TEXT.replace("queueId=1", "queueId=0")


@pytest.fixture(scope="module", autouse=True)
def sent(cluster):
    """Six messages in the second of two queues, TagA and TagB in turn, the last one large; what came of sending."""
    cluster.create_topic("Orders", queue_nums=2)
    bodies = [b"body-0", b"\xe4\xbd\xa0", b"\xff", b"body-3", b"body-4", b"x" * 5000]

    async def fill():
        async with Producer(cluster.namesrv_addr) as producer:
            return [
                await producer.send(
                    new_message("Orders", body, tags="TagB" if number % 2 else "TagA", keys=f"k{number} all"), QUEUE
                )
                for number, body in enumerate(bodies)
            ]

    return asyncio.run(fill())


@pytest.fixture(autouse=True)
def bodies(tmp_path, monkeypatch):
    """Where bodies go."""
    monkeypatch.setattr(message_queries, "BODIES", tmp_path / "msgbodys")
    return tmp_path / "msgbodys"


def stored(cluster, sent):
    async def view():
        async with Admin(cluster.namesrv_addr) as admin:
            return await admin.view_message(cluster.broker_addr, int(sent.offset_msg_id[16:], 16))

    return asyncio.run(view())


# ---- queries


def test_a_message_by_its_place(mqadmin, cluster, sent, bodies):
    found = mqadmin("queryMsgById", "-i", sent[0].offset_msg_id)
    message = stored(cluster, sent[0])
    host, port = message.born_host
    assert (found.code, found.err) == (0, "")
    assert found.lines == [
        f"OffsetID:            {sent[0].offset_msg_id}",
        f"OffsetID:            {sent[0].offset_msg_id}",
        "Topic:               Orders",
        "Tags:                [TagA]",
        "Keys:                [k0 all]",
        "Queue ID:            1",
        "Queue Offset:        0",
        f"CommitLog Offset:    {message.physical_offset}",
        "Reconsume Times:     0",
        f"Born Timestamp:      {local_time_ms(message.born_timestamp)}",
        f"Store Timestamp:     {local_time_ms(message.store_timestamp)}",
        f"Born Host:           {host}:{port}",
        f"Store Host:          {cluster.broker_addr}",
        "System Flag:         0",
        f"Properties:          {{KEYS=k0 all, UNIQ_KEY={sent[0].msg_id}, WAIT=true, TAGS=TagA}}",
        f"Message Body Path:   {bodies / sent[0].msg_id}",
        "",
        "",
        "WARN: No Consumer",
    ]
    assert (bodies / sent[0].msg_id).read_bytes() == b"body-0"


def test_several_ids_and_one_that_is_wrong(mqadmin, sent):
    found = mqadmin("queryMsgById", "-i", f"{sent[0].offset_msg_id},nonsense, {sent[1].offset_msg_id}", "--json")
    assert [row["msgId"] for row in found.rows] == [sent[0].msg_id, sent[1].msg_id]
    assert found.code == 1
    assert "nonsense" in found.err
    assert "queryMsgByUniqueKey" in found.err


def test_a_message_by_its_producers_id(mqadmin, sent, bodies):
    found = mqadmin("queryMsgByUniqueKey", "-t", "Orders", "-i", sent[5].msg_id)
    assert found.lines[0] == "Topic:               Orders"
    assert (bodies / sent[5].msg_id).read_bytes() == b"x" * 5000, "as it was before it was compressed"
    by_place = mqadmin("queryMsgByUniqueKey", "-t", "Orders", "-i", sent[5].offset_msg_id)
    assert by_place.out == found.out
    absent = mqadmin("queryMsgByUniqueKey", "-t", "Orders", "-i", "7F000001" + "0" * 24)
    assert (absent.code, absent.out) == (1, "")
    assert "CODE: 208  DESC: query message by key finished, but no message." in absent.err


def test_messages_by_key(mqadmin, sent):
    found = mqadmin("queryMsgByKey", "-tOrders", "-k", "k2")
    assert found.lines == [
        f"{'#Message ID':50} #QID {'#Offset':>40}",
        f"{sent[2].msg_id:50} {1:4} {2:40}",
    ]
    assert len(mqadmin("queryMsgByKey", "-t", "Orders", "-k", "all", "--json").rows) == 6
    assert "CODE: 208" in mqadmin("queryMsgByKey", "-t", "Orders", "-k", "none").err


def test_a_message_by_its_offset(mqadmin, sent):
    words = ("queryMsgByOffset", "-t", "Orders", "-b", "quickstart", "-i", "1")
    found = mqadmin(*words, "-o", "1")
    assert found.lines[0] == f"OffsetID:            {sent[1].offset_msg_id}"
    assert "MIN_OFFSET=0" in found.out
    assert "MAX_OFFSET=6" in found.out
    beyond = mqadmin(*words, "-o", "6")
    assert (beyond.code, beyond.out) == (1, "")
    assert "the queue has 0 to 5" in beyond.err
    elsewhere = mqadmin("queryMsgByOffset", "-t", "Orders", "-b", "broker-x", "-i", "1", "-o", "1")
    assert "it is on quickstart" in elsewhere.err


@pytest.mark.parametrize(
    ("tags", "pulls", "offset", "track"),
    [
        ((), False, 3, "CONSUMED"),
        ((), False, 0, "NOT_CONSUME_YET"),
        (("TagB",), False, 3, "CONSUMED_BUT_FILTERED"),
        ((), True, 3, "PULL"),
    ],
)
def test_what_a_group_has_made_of_a_message(mqadmin, cluster, sent, tags, pulls, offset, track):
    group = f"G{track}"
    asyncio.run(commit(cluster, group, offset))
    with Member(cluster, group=group, tags=tags, pulls=pulls):
        found = mqadmin("queryMsgById", "-i", sent[2].offset_msg_id)
    told = f"MessageTrack [consumerGroup={group}, trackType={track}, exceptionDesc=null]"
    assert told in found.out
    gone = mqadmin("queryMsgById", "-i", sent[2].offset_msg_id)
    why = f"CODE:206 DESC:the consumer group[{group}] not online"
    assert f"consumerGroup={group}, trackType=NOT_ONLINE, exceptionDesc={why}]" in gone.out


async def commit(cluster, group, offset):
    async with PullConsumer(cluster.namesrv_addr, group) as consumer:
        await consumer.commit(QUEUE, offset)


def test_a_client_consumes_on_request(mqadmin, cluster, sent):
    told = (
        "ConsumeMessageDirectlyResult [order=false, autoCommit=true, consumeResult=CR_SUCCESS, remark=null, "
        "spentTimeMills=3]"
    )
    with Member(cluster, group="Asked") as member:
        words = ("-g", "Asked", "-d", member.client_id)
        assert mqadmin("queryMsgById", "-i", sent[3].offset_msg_id, *words).out == told
        assert mqadmin("queryMsgByUniqueKey", "-t", "Orders", "-i", sent[3].msg_id, *words).out == told
        assert [message.body for message in member.consumed] == [b"body-3", b"body-3"]
        nobody = mqadmin("queryMsgById", "-i", sent[3].offset_msg_id, "-g", "Asked", "-d", "nobody")
    assert nobody.code == 1
    assert "not online" in nobody.err


def test_a_message_is_sent_again(mqadmin, cluster, sent):
    cluster.create_topic("Again", queue_nums=1)
    queue = "MessageQueue [topic=Again, brokerName=quickstart, queueId=0]"
    first = mqadmin("sendMessage", "-t", "Again", "-p", "y" * 5000, "--json").rows[0]
    assert mqadmin("queryMsgById", "-i", first["offsetMsgId"], "-s", "false").out == ""
    found = mqadmin("queryMsgById", "-i", first["offsetMsgId"], "-s", "true", "-u", "unit")
    begin = f"prepare resend msg. originalMsgId={first['offsetMsgId']}SendResult [sendStatus=SEND_OK, "
    assert found.out.startswith(f"{begin}msgId={first['msgId']}, offsetMsgId=")
    assert found.out.endswith(f", messageQueue={queue}, queueOffset=1]")
    rows = mqadmin("printMsg", "-t", "Again", "--json").rows
    assert [row["body"] for row in rows] == ["y" * 5000] * 2


def test_a_producers_id_is_no_path(mqadmin, cluster, bodies):
    async def send():
        async with Producer(cluster.namesrv_addr) as producer:
            return await producer.send(new_message("Orders", b"evil", properties={"UNIQ_KEY": "../../evil"}), QUEUE)

    found = mqadmin("queryMsgById", "-i", asyncio.run(send()).offset_msg_id)
    assert found.code == 1
    assert "Message Body Path:   \n" in found.out
    assert "cannot be the name of a file" in found.err
    assert not [path for path in bodies.parent.rglob("*") if path.is_file()]


def test_a_body_that_cannot_be_written(mqadmin, sent, bodies):
    bodies.mkdir()
    (bodies / sent[0].msg_id).symlink_to(bodies.parent / "elsewhere")
    found = mqadmin("queryMsgById", "-i", sent[0].offset_msg_id)
    assert found.code == 1
    assert f"{bodies / sent[0].msg_id} cannot be written" in found.err
    assert not (bodies.parent / "elsewhere").exists(), "a link is not followed"
    assert found.lines[2] == "Topic:               Orders"


# ---- printing


def test_all_messages_of_a_topic(mqadmin, cluster, sent):
    found = mqadmin("printMsg", "-tOrders", "-s", "TagA", "-d", "true")
    message = stored(cluster, sent[0])
    born, kept = f"127.0.0.1:{message.born_host[1]}", cluster.broker_addr
    first, ends = found.lines[0], found.out.split("minOffset=")[1:]
    assert [each[: each.index("]") + 1] for each in ends] == [
        f"0, maxOffset=0, {OTHER_TEXT}", f"0, maxOffset={maximum(mqadmin)}, {QUEUE_TEXT}",
    ]  # fmt: skip
    text = found.lines[0][found.lines[0].index("MSGID: ") :]
    assert first.endswith(" BODY: body-0")
    assert text.startswith(
        f"MSGID: {sent[0].msg_id} MessageExt [queueId=1, storeSize={message.size}, queueOffset=0, sysFlag=0, "
        f"bornTimestamp={message.born_timestamp}, bornHost=/{born}, storeTimestamp={message.store_timestamp}, "
        f"storeHost=/{kept}, msgId={sent[0].offset_msg_id}, commitLogOffset={message.physical_offset}, "
        f"bodyCRC={message.body_crc}, reconsumeTimes=0, preparedTransactionOffset=0, "
        "toString()=Message{topic='Orders', flag=0, properties={"
    )
    assert text.endswith(", body=[98, 111, 100, 121, 45, 48], transactionId='null'}] BODY: body-0")
    assert [line.rpartition(" BODY: ")[2] for line in found.lines] == ["body-0", "\ufffd", "body-4"]


def maximum(mqadmin):
    return mqadmin("topicStatus", "-tOrders", "--json").rows[1]["maxOffset"]


def test_bodies_are_decoded_or_left_out(mqadmin):
    rows = mqadmin("printMsg", "-t", "Orders", "-c", "GBK", "-s", "TagB", "--json").rows
    assert rows[0]["body"] == b"\xe4\xbd\xa0".decode("gbk", "replace")
    assert mqadmin("printMsg", "-t", "Orders", "-d", "false").lines[0].endswith(" BODY: NOT PRINT BODY")
    wrong = mqadmin("printMsg", "-t", "Orders", "-c", "KLINGON")
    assert (wrong.code, wrong.out) == (2, "")
    assert "KLINGON" in wrong.err


def test_messages_between_two_times(mqadmin):
    assert not mqadmin("printMsg", "-t", "Orders", "-e", "1000", "--json").lines
    assert not mqadmin("printMsg", "-t", "Orders", "-b", "2200-01-01#00:00:00:000", "--json").lines
    assert mqadmin("printMsg", "-t", "Orders", "-b", "2200-01-01").code == 2


def test_one_queue_and_its_tags(mqadmin):
    words = ("printMsgByQueue", "-t", "Orders", "-a", "quickstart", "-i", "1")
    assert mqadmin(*words).out == ""
    found = mqadmin(*words, "-f", "true")
    assert found.lines == [f"Tag: {'TagA':30} Count: 3", f"Tag: {'TagB':30} Count: 3"]
    assert mqadmin(*words, "-f", "true", "-s", "TagB").lines == [f"Tag: {'TagB':30} Count: 3"]
    lines = mqadmin(*words, "-p", "true").lines
    assert len(lines) >= 6
    assert all(line.startswith("MSGID: ") and line.endswith(" BODY: NOT PRINT BODY") for line in lines)
    assert "it is on quickstart" in mqadmin("printMsgByQueue", "-tOrders", "-a", "nowhere", "-i", "1").err


def test_some_messages_are_consumed(mqadmin):
    words = ("consumeMessage", "-t", "Orders", "-b", "quickstart", "-i", "1")
    found = mqadmin(*words, "-o", "1", "-c", "2")
    assert found.lines[:2] == ["The oldler 2 message will be provided", "Consume ok"]
    assert [line.rpartition(" BODY: ")[2] for line in found.lines[2:]] == ["\u4f60", "\ufffd"]
    last = maximum(mqadmin)
    assert mqadmin(*words, "-o", str(last + 1)).out == f"{QUEUE_TEXT} no matched msg, offset={last + 1}\n"
    assert mqadmin(*words, "-o", str(last)).out == (
        f"{QUEUE_TEXT} print msg finished. status=NO_NEW_MSG, offset={last}\n"
    )
    every = mqadmin("consumeMessage", "-t", "Orders", "-g", "Readers")
    assert every.lines[0] == f"{OTHER_TEXT} print msg finished. status=NO_NEW_MSG, offset=0"
    assert every.lines[1] == "Consume ok"
    assert every.lines[-1] == f"{QUEUE_TEXT} print msg finished. status=NO_NEW_MSG, offset={last}"
    few = mqadmin("consumeMessage", "-t", "Orders", "-c", "3")
    assert few.lines[1] == "The older 3 message of the 1 queue will be provided"
    assert len(few.lines) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-c", "0"), "Please input a positive messageNumber!"),
        (("-i", "1"), "Please set the brokerName before queueId!"),
        (("-o", "1"), "Please set queueId before offset!"),
        (("-s", "9999999999999"), "Please set the beginTimestamp before now!"),
        (("-e", "9999999999999"), "Please set the endTimestamp before now!"),
        (("-s", "2", "-e", "1"), "Please make sure that the beginTimestamp is less than or equal to the endTimestamp"),
    ],
)
def test_what_does_not_go_together(mqadmin, words, said):
    found = mqadmin("consumeMessage", "-t", "Orders", *words)
    assert (found.code, found.out) == (1, said)


# ---- sending


def test_a_message_is_sent(mqadmin, cluster):
    cluster.create_topic("Sent", queue_nums=2)
    words = ("sendMessage", "-t", "Sent", "-p", " hello ", "-k", "key", "-c", "TagX")
    found = mqadmin(*words, "-b", "quickstart", "-i", "1")
    head, row = found.lines
    assert head == f"{'#Broker Name':32}  #QID  {'#Send Result':20}    #MsgId"
    assert row.startswith(f"{'quickstart':32}  1     {'SEND_OK':20}    ")
    (message,) = mqadmin("printMsg", "-t", "Sent", "--json").rows
    assert (message["body"], message["keys"], message["tags"]) == ("hello", "key", "TagX")
    assert message["msgId"] == row.split()[-1]
    assert mqadmin(*words, "-b", "quickstart").code == 0
    unknown = mqadmin(*words, "-b", "elsewhere")
    assert "it can to: quickstart" in unknown.err
    assert "queueId[99] is illegal" in mqadmin(*words, "-b", "quickstart", "-i", "99").err
    alone = mqadmin(*words, "-i", "1")
    assert (alone.code, alone.out) == (1, "Broker name must be set if the queue is chosen!")


def test_how_long_sends_take(mqadmin, cluster):
    cluster.create_topic("Timed", queue_nums=2)
    found = mqadmin("checkMsgSendRT", "-t", "Timed", "-a", "3", "-s", "10")
    assert found.lines[0] == f"{'#Broker Name':32}  #QID  {'#Send Result':20}    #RT"
    rows = [line.split() for line in found.lines[1:4]]
    assert [row[:3] for row in rows] == [["quickstart", queue, "true"] for queue in "010"]
    assert found.lines[4] == f"Avg RT: {(int(rows[1][3]) + int(rows[2][3])) / 2:.2f}"
    (row, average) = mqadmin("checkMsgSendRT", "-t", "Timed", "-a", "1", "-s", "10", "--json").rows
    assert (row["sendResult"], average) == (True, {"avgRt": None})


def test_sends_that_fail(mqadmin, cluster, monkeypatch):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Sealed", "-p", "4")
    cluster.run(route_of(cluster, "Sealed"))
    found = mqadmin("checkMsgSendRT", "-t", "Sealed", "-s", "1")
    assert (found.code, found.out) == (1, "")
    assert "no queue of Sealed can be written" in found.err
    assert mqadmin("sendMessage", "-t", "Sealed", "-p", "x", "-b", "quickstart").code == 1
    # A queue that is named is sent to whatever the topic's perm: clients mind it, brokers do not.
    assert mqadmin("sendMessage", "-t", "Sealed", "-p", "x", "-b", "quickstart", "-i", "0").code == 0

    async def send(self, message, queue):
        raise BrokerRefused(14, "service not available now")

    monkeypatch.setattr(Producer, "send", send)
    found = mqadmin("checkMsgSendRT", "-t", "Orders", "-a", "2", "-s", "1")
    assert [line.split()[:3] for line in found.lines[1:3]] == [["quickstart", queue, "false"] for queue in "01"]
    assert found.code == 1
    assert found.err.count("CODE: 14  DESC: service not available now") == 2


# ---- consume queues


def test_entries_of_a_consume_queue(mqadmin, cluster, sent):
    found = mqadmin("queryCq", "-t", "Orders", "-q", "1", "-i", "1", "-c", "2")
    line, last = "=" * 38, maximum(mqadmin)
    message = stored(cluster, sent[1])
    assert found.lines[:3] == ["Queue data: ", f"max: {last}, min: 0", line]
    assert found.lines[3] == "idx: 1"
    assert found.lines[4].startswith(
        f"ConsumeQueueData{{physicOffset={message.physical_offset}, physicSize={message.size}, tagsCode="
    )
    assert found.lines[4].endswith(", extendDataJson='null', bitMap='null', eval=false, msg='null'}")
    assert found.lines[5:7] == [line, "idx: 2"]
    (data,) = mqadmin("queryCq", "-tOrders", "-q1", "-i1", "-c2", "--json").rows
    assert [entry["physicSize"] for entry in data["queueData"]] == [message.size, stored(cluster, sent[2]).size]


def test_entries_as_a_group_sees_them(mqadmin, cluster):
    with Member(cluster, group="Seer", tags=("TagA",)):
        found = mqadmin("queryCq", "-tOrders", "-q1", "-i0", "-c1", "-g", "Seer", "-b", cluster.broker_addr)
    assert found.lines[:2] == ["Subscription data: ", "{"]
    assert "Filter data: " in found.lines
    assert "7@Orders is not exist" in mqadmin("queryCq", "-t", "Orders", "-q", "7", "-i", "0").err
