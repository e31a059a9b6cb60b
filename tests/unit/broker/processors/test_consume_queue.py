"""The entries of a consume queue as tools ask for them."""

import json

import pytest

from rocketpy._core.hashing import java_hash_of
from rocketpy.broker.processors.answers import UNSAID
from rocketpy.protocol import fastjson

A, B = (java_hash_of(tag) for tag in "AB")


def header(index=0, count=10, **more):
    return {"topic": "TopicTest", "queueId": 0, "index": index, "count": count, **more}


@pytest.fixture
def tagged(send):
    """Two messages, of tags A and B."""
    return [send("TopicTest", properties=f"TAGS\x01{tag}\x02") for tag in "AB"]


def heartbeat(ask, tags, code_set):
    wanted = {"topic": "TopicTest", "subString": tags, "codeSet": code_set, "tagsSet": [tags], "subVersion": 1}
    entry = {"groupName": "CG", "subscriptionDataSet": [wanted]}
    ask(34, body=json.dumps({"clientID": "c1", "consumerDataSet": [entry]}).encode())


def test_entries_as_they_are_stored(broker, ask, tagged):
    answer = ask(321, header())
    body = fastjson.loads(answer.body)
    assert (answer.code, answer.remark, body["minQueueIndex"], body["maxQueueIndex"]) == (0, UNSAID, 0, 2)
    assert "subscriptionData" not in body
    assert "filterData" not in body
    places = [int(sent.ext["msgId"][16:], 16) for sent in tagged]
    sizes = [len(broker.store.record_at(place)) for place in places]
    assert body["queueData"] == [
        {"physicOffset": place, "physicSize": size, "tagsCode": code, "eval": False}
        for place, size, code in zip(places, sizes, (A, B), strict=True)
    ]
    assert [row["tagsCode"] for row in fastjson.loads(ask(321, header(1, 1)).body)["queueData"]] == [B]
    assert fastjson.loads(ask(321, header(0, 0)).body)["queueData"] == []


def test_what_a_group_would_get(ask, tagged):
    body = fastjson.loads(ask(321, header(consumerGroup="CG")).body)
    assert body["filterData"] == "CG@TopicTest is not online!"
    heartbeat(ask, "A", [A])
    body = fastjson.loads(ask(321, header(consumerGroup="CG")).body)
    assert (body["filterData"], body["subscriptionData"]["subString"]) == ("null", "A")
    assert [row["eval"] for row in body["queueData"]] == [True, False]


def test_what_is_not_there(ask, tagged):
    answer = ask(321, header(queueId=3))
    assert (answer.code, answer.remark, answer.body) == (1, "3@TopicTest is not exist!", None)
    for index in (2, -1):
        answer = ask(321, header(index))
        assert (answer.code, answer.remark) == (0, f"Index {index} of 0@TopicTest is not exist!")
        assert fastjson.loads(answer.body) == {"maxQueueIndex": 2, "minQueueIndex": 0}
    assert ask(321, {"topic": "TopicTest", "queueId": 0, "count": 1}).remark == "the custom field <index> is missing"


def test_units_stand_beside_their_entries(make_broker, ask_of, connection):
    broker = make_broker(store={"enable_consume_queue_ext": True})
    ask = ask_of(broker, connection)
    ask(310, {"a": "PG", "b": "TopicTest", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0,
              "i": "TAGS\x01A\x02"}, b"x")  # fmt: skip
    heartbeat(ask, "A", [A])
    (row,) = fastjson.loads(ask(321, header(consumerGroup="CG")).body)["queueData"]
    unit = {"msgStoreTime": broker.clock.now_ms(), "size": 20, "tagsCode": A}
    assert (json.loads(row["extendDataJson"]), row["eval"]) == (unit, True)
    assert row["tagsCode"] == -(2**63)
    queue = broker.store.queue("TopicTest", 0)
    queue.ext.destroy()
    (row,) = fastjson.loads(ask(321, header(consumerGroup="CG")).body)["queueData"]
    assert (row["msg"], row["eval"]) == (f"Cq extend not exist!addr: {-(2**63)}", False)


def test_bitmaps_tell_what_an_expression_would_get(make_broker, ask_of, connection):
    broker = make_broker(
        store={"enable_consume_queue_ext": True}, enable_property_filter=True, enable_calc_filter_bit_map=True
    )
    ask = ask_of(broker, connection)
    wanted = {"topic": "TopicTest", "subString": "TAGS = 'A'", "expressionType": "SQL92", "subVersion": 1}
    beat = {"clientID": "c1", "consumerDataSet": [{"groupName": "CG", "subscriptionDataSet": [wanted]}]}
    ask(34, body=json.dumps(beat).encode())
    broker.clock.advance(1)
    for tag in "AB":
        ask(310, {"a": "PG", "b": "TopicTest", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0,
                  "i": f"TAGS\x01{tag}\x02"}, b"x")  # fmt: skip
    body = fastjson.loads(ask(321, header(consumerGroup="CG")).body)
    assert json.loads(body["filterData"])["bloomFilterData"] == {"bitNum": 112, "bitPos": [109, 15, 3]}
    assert [row["eval"] for row in body["queueData"]] == [True, False]
    bits = [row["bitMap"].replace("\n", "")[::-1] for row in body["queueData"]]
    assert [[at for at, bit in enumerate(row) if bit == "1"] for row in bits] == [[3, 15, 109], []]
