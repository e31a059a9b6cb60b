"""Query by key and view by place."""

from rocketpy._core.message import decode_message, decode_messages


def by_key(ask, key, topic="TopicTest", **more):
    header = {"topic": topic, "key": key, "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 2**62, **more}
    return ask(12, header)


def test_messages_by_key_and_unique_key(send, ask, clock):
    send("TopicTest", b"one", properties="KEYS\x01k1 k2\x02UNIQ_KEY\x01U1\x02")
    send("TopicTest", b"two", properties="KEYS\x01k2\x02UNIQ_KEY\x01U2\x02")
    answer = by_key(ask, "k2")
    assert (answer.code, answer.remark) == (0, None)
    assert [message.body for message in decode_messages(answer.body)] == [b"one", b"two"]
    assert int(answer.ext["indexLastUpdateTimestamp"]) == clock.now_ms()
    assert int(answer.ext["indexLastUpdatePhyoffset"]) > 0
    answer = by_key(ask, "U1", maxNum=0, _UNIQUE_KEY_QUERY="true")
    assert [message.body for message in decode_messages(answer.body)] == [b"one"]


def test_nothing_found(send, ask):
    send("TopicTest", properties="KEYS\x01k1\x02")
    answer = by_key(ask, "other")
    assert (answer.code, answer.remark) == (22, "can not find message, maybe time range not correct")
    assert answer.ext == {"indexLastUpdateTimestamp": "0", "indexLastUpdatePhyoffset": "0"}
    assert by_key(ask, "k1", topic="Other").code == 22
    assert by_key(ask, "k1", endTimestamp=5).code == 22


def test_view(send, ask):
    send("TopicTest", b"one")
    answer = ask(33, {"offset": 0})
    assert (answer.code, decode_message(answer.body).body) == (0, b"one")
    answer = ask(33, {"offset": 5000})
    assert (answer.code, answer.remark) == (1, "can not find message by the offset, 5000")
    answer = ask(33, {"offset": 1})  # in the middle of a record: upstream sends whatever stands there
    assert answer.code == 1
    assert ask(33, {"offset": -1}).code == 1
