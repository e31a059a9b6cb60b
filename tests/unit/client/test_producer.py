"""Which queue a message goes to, what is tried again, and what is not."""

import asyncio

import pytest

from rocketpy._core.command import response
from rocketpy._core.message import decode_batch
from rocketpy.client import BrokerRefused, ClientError, NoRoute, Producer, SendStatus, new_message
from rocketpy.protocol.bodies import MessageQueue

STORED = {"queueId": "1", "msgId": "0" * 32, "queueOffset": "5"}


@pytest.fixture
def producer(remoting, route):
    remoting.servers["ns:1"] = lambda command: response(0, None, None, route.encode())
    producer = Producer("ns:1", "PG")
    producer.remoting = remoting
    return producer


def serve(remoting, address, code=0, remark=None):
    remoting.servers[address] = lambda command: response(code, remark, STORED if code in (0, 10, 11, 12) else None)


def send(producer, **how):
    return asyncio.run(producer.send(new_message("T", b"x", tags="TagA"), **how))


def test_queues_of_masters_in_turn(producer, remoting):
    serve(remoting, "a:1")
    serve(remoting, "b:1")
    for _ in range(4):
        send(producer)
    queues = [(address, command.ext["e"]) for address, command in remoting.asked if command.code == 310]
    assert queues == [("a:1", "0"), ("a:1", "1"), ("b:1", "0"), ("b:1", "1")]
    assert remoting.addresses(105) == ["ns:1"]  # the route was asked for once


def test_what_the_broker_said(producer, remoting):
    serve(remoting, "a:1", 10)
    result = send(producer)
    assert result.status is SendStatus.FLUSH_DISK_TIMEOUT
    assert (result.queue, result.queue_offset) == (MessageQueue("T", "broker-a", 1), 5)
    assert len(result.msg_id) == 32 and result.offset_msg_id == "0" * 32


def test_another_broker_is_tried(producer, remoting):
    serve(remoting, "a:1", 14, "disk full")
    serve(remoting, "b:1")
    assert send(producer).status is SendStatus.SEND_OK
    assert remoting.addresses(310) == ["a:1", "b:1"]


def test_a_broker_that_is_away_is_passed_over(producer, remoting):
    serve(remoting, "b:1")
    assert send(producer).status is SendStatus.SEND_OK


def test_after_three_tries_the_last_word_is_raised(producer, remoting):
    serve(remoting, "a:1", 14, "disk full")
    serve(remoting, "b:1", 1, "broken")
    with pytest.raises(BrokerRefused):
        send(producer)
    assert len(remoting.addresses(310)) == 3


def test_what_is_wrong_with_the_message_is_not_tried_again(producer, remoting):
    serve(remoting, "a:1", 13, "illegal")
    with pytest.raises(BrokerRefused) as refused:
        send(producer)
    assert (refused.value.code, refused.value.remark) == (13, "illegal")
    assert len(remoting.addresses(310)) == 1


def test_a_queue_of_ones_own_choice_is_the_only_one(producer, remoting):
    serve(remoting, "a:1")
    with pytest.raises(ClientError):
        send(producer, queue=MessageQueue("T", "broker-b", 0))
    assert remoting.addresses(310) == ["b:1"]


def test_a_new_topic_takes_the_templates_route(producer, remoting, route):
    def namesrv(command):
        known = command.ext["topic"] == "TBW102"
        return response(0, None, None, route.encode()) if known else response(17, "No topic route info")

    remoting.servers["ns:1"] = namesrv
    serve(remoting, "a:1")
    assert send(producer).queue.topic == "T"
    remoting.servers["ns:1"] = lambda command: response(17, "No topic route info")
    producer._routes.clear()
    with pytest.raises(NoRoute):
        send(producer)


def test_a_new_topic_has_no_more_queues_than_the_send_asks_for(producer, remoting, route):
    """The template of a broker may have 8 queues; a topic made like it by a send that says 4 has 4."""
    for data in route.queue_datas:
        data.write_queue_nums = 8
    remoting.servers["ns:1"] = lambda command: (
        response(0, None, None, route.encode()) if command.ext["topic"] == "TBW102" else response(17, "none")
    )
    serve(remoting, "a:1")
    serve(remoting, "b:1")
    for _ in range(16):
        send(producer)
    assert {command.ext["e"] for _, command in remoting.asked if command.code == 310} == {"0", "1", "2", "3"}


def test_a_new_topic_that_nobody_makes_is_named(producer, remoting):
    remoting.servers["ns:1"] = lambda command: response(17, "none")
    with pytest.raises(NoRoute, match=r"no route for topic T$"):
        send(producer)


def test_large_bodies_are_compressed_and_batches_are_not(producer, remoting):
    serve(remoting, "a:1")
    asyncio.run(producer.send(new_message("T", bytes(5000))))
    [(_, single)] = [asked for asked in remoting.asked if asked[1].code == 310]
    assert single.ext["f"] == "1" and len(single.body) < 100
    asyncio.run(producer.send_batch([new_message("T", bytes(5000)), new_message("T", b"small")]))
    [(_, batch)] = [asked for asked in remoting.asked if asked[1].code == 320]
    assert (batch.ext["f"], batch.ext["m"]) == ("0", "true")
    assert [len(message.body) for message in decode_batch(batch.body)] == [5000, 5]


def test_batches_are_of_one_topic_and_not_delayed(producer):
    with pytest.raises(ClientError, match="one topic"):
        asyncio.run(producer.send_batch([new_message("T", b"1"), new_message("U", b"2")]))
    with pytest.raises(ClientError, match="delayed"):
        asyncio.run(producer.send_batch([new_message("T", b"1", delay_level=3)]))


def test_one_way_hears_nothing(producer, remoting):
    asyncio.run(producer.send_oneway(new_message("T", b"x")))
    assert remoting.addresses(310) == ["a:1"]
