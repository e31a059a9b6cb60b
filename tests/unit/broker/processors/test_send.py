"""Sends: every check of upstream's in its order, with its code and remark."""

from rocketpy._core.message import Message, encode_batch
from rocketpy.protocol.bodies import TopicConfig

FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


def test_a_send_makes_its_topic_and_tells_where_the_message_is(broker, send):
    first, second = send("TopicTest", queue_id=1), send("TopicTest", queue_id=1)
    assert (first.code, first.remark) == (0, None)
    assert first.ext == {
        "queueId": "1", "TRACE_ON": "true", "MSG_REGION": "DefaultRegion",
        "msgId": "0A01020300002A9F0000000000000000", "queueOffset": "0",
    }  # fmt: skip
    assert list(first.ext) == ["queueId", "TRACE_ON", "MSG_REGION", "msgId", "queueOffset"]
    assert second.ext["queueOffset"] == "1"
    topic = broker.topics.get("TopicTest")
    assert (topic.read_queue_nums, topic.write_queue_nums, topic.perm) == (4, 4, 6)


def test_what_is_stored_is_what_was_sent(broker, send, clock):
    send("TopicTest", b"body", queue_id=2, properties="KEYS\x01k\x02TAGS\x01TagA\x02", h=5, j=1)
    stored = broker.store.message_at(0)
    assert (stored.topic, stored.body, stored.queue_id, stored.flag) == ("TopicTest", b"body", 2, 5)
    assert (stored.born_host, stored.store_host) == (("10.0.0.9", 50000), ("10.1.2.3", 10911))
    assert (stored.born_timestamp, stored.store_timestamp) == (1565000000123, clock.now_ms())
    assert stored.properties_raw == b"KEYS\x01k\x02TAGS\x01TagA\x02"
    assert stored.reconsume_times == 1


def test_long_names_are_the_same_request(ask, broker):
    ext = {
        "producerGroup": "PG", "topic": "TopicTest", "defaultTopic": "TBW102", "defaultTopicQueueNums": 4, "queueId": 3,
        "sysFlag": 0, "bornTimestamp": 1, "flag": 0, "properties": "", "unitMode": "false", "batch": "false",
    }  # fmt: skip
    answer = ask(10, ext, b"Hello")
    assert (answer.code, answer.ext["queueId"]) == (0, "3")


def test_a_negative_queue_id_leaves_the_choice_to_the_broker(send):
    assert send("TopicTest", queue_id=-1).ext["queueId"] in "0123"


def test_a_missing_or_wrong_field_is_named(send, ask):
    answer = send("TopicTest", e="many")
    assert answer.code == 1 and "<e>" in answer.remark
    answer = ask(310, {"a": "PG"}, b"x")
    assert answer.code == 1 and "<b>" in answer.remark
    assert answer.ext == {"TRACE_ON": "true", "MSG_REGION": "DefaultRegion"}


def test_sends_are_refused_until_the_broker_accepts_them(make_broker, ask_of, connection, clock):
    ask = ask_of(make_broker(start_accept_send_request_time_stamp=clock.now_ms() + 1), connection)
    answer = ask(310, {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}, b"x")
    assert answer.code == 1
    assert answer.remark.startswith("broker unable to service, until 2019-08-05 ") and answer.remark.endswith(",001")


def test_the_template_topic_takes_no_messages(send):
    answer = send("TBW102")
    assert (answer.code, answer.remark) == (1, "the topic[TBW102] is conflict with system reserved words.")


def test_an_unknown_topic_without_auto_creation(make_broker, ask_of, connection):
    ask = ask_of(make_broker(auto_create_topic_enable=False), connection)
    answer = ask(310, {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}, b"x")
    assert (answer.code, answer.remark) == (17, "topic[T] not exist, apply first please!" + FAQ)


def test_names_that_could_be_paths_are_refused(broker, send):
    for name in ("../../etc/x", "a/b", "..", "a\0b", "a.b", "話題", ""):
        assert send(name).code == 1, name
        assert broker.topics.get(name) is None


def test_a_queue_id_beyond_the_topic(send):
    answer = send("TopicTest", queue_id=4)
    assert answer.code == 1
    assert answer.remark == (
        "request queueId[4] is illegal, TopicConfig [topicName=TopicTest, readQueueNums=4, writeQueueNums=4, perm=RW-, "
        "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false] Producer: 10.0.0.9:50000"
    )


def test_order_topics_of_a_broker_without_write_permission(make_broker, ask_of, connection):
    broker = make_broker(broker_permission=4)
    broker.topics.put(TopicConfig("Ordered", order=True))
    broker.topics.put(TopicConfig("Plain"))
    ask = ask_of(broker, connection)
    header = {"a": "PG", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}
    answer = ask(310, {**header, "b": "Ordered"}, b"x")
    assert (answer.code, answer.remark) == (16, "the broker[10.1.2.3] sending message is forbidden")
    assert ask(310, {**header, "b": "Plain"}, b"x").code == 0


def test_a_topic_too_long_for_a_record(send):
    answer = send("t" * 128)
    assert answer.code == 13 and answer.remark.startswith("the message is illegal, maybe msg body or properties length")


def test_a_body_over_max_message_size(make_broker, ask_of, connection):
    ask = ask_of(make_broker(store={"max_message_size": 1000}), connection)
    header = {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}
    assert ask(310, header, bytes(1000)).code == 13
    assert ask(310, header, bytes(900)).code == 0


def test_multi_tag_topics_mark_their_messages(broker, send):
    broker.topics.put(TopicConfig("Multi", topic_filter_type="MULTI_TAG"))
    send("Multi", f=1)
    assert broker.store.message_at(0).sys_flag == 3


def test_a_store_that_cannot_write_says_so_with_its_disks(broker, send):
    send("TopicTest")
    broker.store.shutdown()
    answer = send("TopicTest")
    assert answer.code == 14
    assert answer.remark.startswith("service not available now, maybe disk full, CL: ")
    assert ", maybe your broker machine memory too small." in answer.remark


def test_delayed_messages_go_to_their_level_first(broker, send):
    answer = send("TopicTest", queue_id=3, properties="DELAY\x013\x02")
    assert (answer.code, answer.ext["queueId"], answer.ext["queueOffset"]) == (0, "3", "0")
    stored = broker.store.message_at(0)
    assert (stored.topic, stored.queue_id) == ("SCHEDULE_TOPIC_XXXX", 2)
    assert (stored.properties["REAL_TOPIC"], stored.properties["REAL_QID"]) == ("TopicTest", "3")


# -- batches


def batch_of(*bodies):
    return encode_batch([Message("", body, properties={"KEYS": body.decode()}) for body in bodies])


def test_a_batch_is_records_one_after_the_other(broker, ask, send):
    header = {"a": "PG", "b": "Batch", "c": "TBW102", "d": 4, "e": 1, "f": 0, "g": 9, "h": 0, "m": "true"}
    answer = ask(320, header, batch_of(b"one", b"two", b"three"))
    assert answer.code == 0 and answer.ext["queueOffset"] == "0"
    ids = answer.ext["msgId"].split(",")
    assert len(ids) == 3 and broker.store.max_offset("Batch", 1) == 3
    found = broker.store.get("Batch", 1, 0, 32)
    assert found.count == 3


def test_batches_have_their_own_refusals(ask, send):
    header = {"a": "PG", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 9, "h": 0, "m": "true"}
    answer = ask(320, {**header, "b": "%RETRY%CG"}, batch_of(b"one"))
    assert (answer.code, answer.remark) == (13, "batch request does not support retry group %RETRY%CG")
    answer = ask(320, {**header, "b": "t" * 128}, batch_of(b"one"))
    assert (answer.code, answer.remark) == (13, "message topic length too long 128")


# -- sends to a retry topic, by clients whose send-back failed


def test_a_retry_topic_is_made_with_one_queue(make_broker, ask_of, connection):
    broker = make_broker(auto_create_topic_enable=False)
    ask = ask_of(broker, connection)
    header = {"a": "CG", "b": "%RETRY%CG", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 9, "h": 0, "j": 1, "l": 16}
    assert ask(310, header, b"x").code == 0
    assert broker.topics.get("%RETRY%CG").write_queue_nums == 1


def test_the_last_retry_is_a_dead_letter(broker, send):
    answer = send("%RETRY%CG", j=16, l=16)
    assert (answer.code, answer.ext["queueId"]) == (0, "0")
    assert broker.store.message_at(0).topic == "%DLQ%CG"
    assert broker.topics.get("%DLQ%CG").perm == 2


def test_new_clients_must_say_how_often_they_retry(send, ask):
    answer = send("%RETRY%CG", j=1)
    assert answer.code == 1 and "maxReconsumeTimes" in answer.remark
    old = {"a": "CG", "b": "%RETRY%CG", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 9, "h": 0, "j": 1}
    assert ask(310, old, b"x", version=120).code == 0


def test_a_retry_topic_of_an_unknown_group(make_broker, ask_of, connection):
    ask = ask_of(make_broker(auto_create_subscription_group=False), connection)
    header = {"a": "CG", "b": "%RETRY%CG", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 9, "h": 0, "l": 16}
    answer = ask(310, header, b"x")
    assert (answer.code, answer.remark) == (26, "subscription group not exist, CG " + FAQ)


# -- waiting for the disk


def test_a_synchronous_master_without_slaves_says_so(make_broker, ask_of, connection):
    from rocketpy.config import BrokerRole

    ask = ask_of(make_broker(store={"broker_role": BrokerRole.SYNC_MASTER}), connection)
    header = {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}
    answer = ask(310, header, b"x")
    assert (answer.code, answer.remark, answer.ext["queueOffset"]) == (11, None, "0")
    assert ask(310, {**header, "i": "WAIT\x01false\x02"}, b"x").code == 0


def test_a_delay_that_is_no_number_is_named(send, broker):
    answer = send("TopicTest", properties="DELAY\x01soon\x02")
    assert (answer.code, answer.remark) == (1, "the property DELAY is no number: 'soon'")
    assert broker.store.max_offset("TopicTest", 0) == 0


def test_a_send_that_waited_too_long_is_refused_and_stores_nothing(send, broker, connection):
    connection.waited_ms, connection.waiting_count = 201, 7
    answer = send("TopicTest")
    tail = "broker busy, start flow control for a while, period in queue: 201ms, size of queue: 7"
    assert (answer.code, answer.remark) == (2, f"[TIMEOUT_CLEAN_QUEUE]{tail}")
    assert answer.ext == {"TRACE_ON": "true", "MSG_REGION": "DefaultRegion"}
    assert broker.topics.get("TopicTest") is None and broker.store.commit_log_max_offset == 0
    connection.waited_ms = 0
    assert send("TopicTest").code == 0
