"""Offsets of groups and queues."""

import asyncio
import json

QUEUE = {"topic": "TopicTest", "queueId": 0}


def test_a_new_group_begins_where_the_queue_does(send, ask):
    send("TopicTest")
    answer = ask(14, {"consumerGroup": "CG", **QUEUE})
    assert (answer.code, answer.ext) == (0, {"offset": "0"})


def test_what_was_updated_is_answered(ask):
    answer = ask(15, {"consumerGroup": "CG", "commitOffset": 9, **QUEUE})
    assert (answer.code, answer.ext) == (0, {})
    assert ask(14, {"consumerGroup": "CG", **QUEUE}).ext == {"offset": "9"}
    ask(15, {"consumerGroup": "CG", "commitOffset": 3, **QUEUE})
    assert ask(14, {"consumerGroup": "CG", **QUEUE}).ext == {"offset": "3"}


def test_the_ends_of_a_queue(send, ask, clock, broker):
    assert ask(30, QUEUE).ext == ask(31, QUEUE).ext == {"offset": "0"}
    assert ask(32, QUEUE).ext == {"timestamp": "-1"}
    begin_ms = clock.now_ms()
    for _ in range(3):
        send("TopicTest")
        clock.advance(1000)
    assert (ask(30, QUEUE).ext, ask(31, QUEUE).ext) == ({"offset": "3"}, {"offset": "0"})
    assert ask(32, QUEUE).ext == {"timestamp": str(begin_ms)}
    assert ask(29, {**QUEUE, "timestamp": begin_ms + 1000}).ext == {"offset": "1"}
    assert ask(29, {**QUEUE, "timestamp": begin_ms + 99999}).ext == {"offset": "2"}  # the last one, not the end


def test_asking_makes_no_queue(ask, broker, tmp_path):
    ask(30, {"topic": "../../evil", "queueId": 0})
    ask(14, {"consumerGroup": "CG", "topic": "Nobody", "queueId": 3})
    folder = tmp_path / "store" / "consumequeue"
    assert not folder.exists() or not any(folder.iterdir())


def test_a_missing_field_is_named(ask):
    answer = ask(30, {"topic": "TopicTest"})
    assert (answer.code, answer.ext) == (1, {}) and "<queueId>" in answer.remark


def test_nothing_but_a_commit_moves_an_offset(broker, ask, send, pull, connection):
    send("TopicTest")
    ask(15, {"consumerGroup": "CG", "commitOffset": 9, **QUEUE})
    assert pull("TopicTest", 9).code == 21, "the client is corrected, and commits what it makes of it"
    assert pull("TopicTest", -1).code == 21
    assert pull("TopicTest", 0).code == 0
    entry = {"groupName": "CG", "subscriptionDataSet": [{"topic": "TopicTest", "subString": "*"}]}
    ask(34, body=json.dumps({"clientID": "c1", "consumerDataSet": [entry]}).encode())
    ask(35, {"clientID": "c1", "consumerGroup": "CG"})
    broker.connection_closed(connection)
    ask(207, {"groupName": "CG"})
    ask(215, {"topic": "TopicTest"})
    broker.offsets.persist()
    broker.offsets.load()
    assert ask(14, {"consumerGroup": "CG", **QUEUE}).ext == {"offset": "9"}


def test_a_held_pull_commits_when_it_comes_and_not_when_it_is_woken(broker, pull, ask, send):
    send("TopicTest")

    async def scenario():
        assert pull("TopicTest", 1, flag=1 | 2 | 4, commitOffset=1) is None
        ask(15, {"consumerGroup": "CG", "commitOffset": 2, **QUEUE})
        send("TopicTest")
        await asyncio.sleep(0)
        return len(broker.holds)

    assert asyncio.run(scenario()) == 0
    assert broker.offsets.query("CG", "TopicTest", 0) == 2
