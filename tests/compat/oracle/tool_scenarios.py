"""Questions that tools and odd clients ask a broker: topics, groups, progress, and subscriptions nobody would write."""

from __future__ import annotations

import json
from typing import Any

from oracle.broker_scenarios import PULL_MESSAGE, SEND_MESSAGE, beat, properties, pull_ext, put, send_ext
from oracle.transcript import Side, setting_names

HEART_BEAT = 34
UPDATE_AND_CREATE_TOPIC, DELETE_TOPIC_IN_BROKER, GET_TOPIC_STATS_INFO = 17, 215, 202
GET_BROKER_CONFIG, GET_BROKER_RUNTIME_INFO, GET_SYSTEM_TOPIC_LIST_FROM_BROKER = 26, 28, 305
UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, DELETE_SUBSCRIPTIONGROUP = 200, 207
GET_CONSUMER_CONNECTION_LIST, GET_PRODUCER_CONNECTION_LIST, GET_CONSUME_STATS = 203, 204, 208
QUERY_TOPIC_CONSUME_BY_WHO, UPDATE_CONSUMER_OFFSET, CONSUMER_SEND_MSG_BACK = 300, 15, 36
TOO_MANY = 65_537


def topic_ext(topic: str, **more: Any) -> dict[str, Any]:
    return {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 3, "perm": 6,
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False, **more}


def made(side: Side, topic: str, step: str, **more: Any) -> None:
    """Upstream answers before it makes the topic: wait until it is there."""
    side.ask(step, UPDATE_AND_CREATE_TOPIC, topic_ext(topic, **more))
    side.until_found(GET_TOPIC_STATS_INFO, {"topic": topic})


def expressions(side: Side) -> None:
    topic = "oracle_expressions"
    for tag in ("A", "B"):
        side.peer("broker").ask(SEND_MESSAGE, send_ext(topic, properties=properties(TAGS=tag)), tag)
    side.settle(topic, 0, 2)
    for text in ("||", "A||", "||A", " ", ""):
        side.ask(f"subscription {text!r}", PULL_MESSAGE, pull_ext(topic, subscription=text))
    for number in (0, -1):
        side.ask(f"{number} messages", PULL_MESSAGE, pull_ext(topic, maxMsgNums=number))
    side.ask("an unknown expression type", PULL_MESSAGE, pull_ext(topic, subscription="A", expressionType="XPATH"))
    side.ask("an empty expression type", PULL_MESSAGE, pull_ext(topic, subscription="A", expressionType=""))


def tools_topics(side: Side) -> None:
    topic = "oracle_tools"
    made(side, topic, "create")
    side.ask("stats of an empty topic", GET_TOPIC_STATS_INFO, {"topic": topic})
    put(side, topic, 1, 2)
    side.ask("stats", GET_TOPIC_STATS_INFO, {"topic": topic}, hide=("lastUpdateTimestamp",))
    side.ask("stats of no topic", GET_TOPIC_STATS_INFO, {"topic": "oracle_nowhere"})
    side.ask("create the cluster's topic", UPDATE_AND_CREATE_TOPIC, topic_ext("CompatCluster"))
    made(side, "oracle_readable", "a topic to read", perm=4, order=True)
    side.ask("send to a topic to read", SEND_MESSAGE, send_ext("oracle_readable"), "x", hide=("msgId",))
    made(side, "oracle_writable", "a topic to write", perm=2)
    side.ask("pull of a topic to write", PULL_MESSAGE, pull_ext("oracle_writable"))
    made(side, "oracle_multi", "a topic of many tags", topicFilterType="MULTI_TAG")
    put(side, "oracle_multi", 0, 1, properties=properties(TAGS="a"))
    side.ask("its message", PULL_MESSAGE, pull_ext("oracle_multi", subscription="a"),
             hide=("physical_offset", "store_host"))
    side.ask("delete", DELETE_TOPIC_IN_BROKER, {"topic": topic})
    side.ask("deleted", PULL_MESSAGE, pull_ext(topic))
    side.ask("system topics", GET_SYSTEM_TOPIC_LIST_FROM_BROKER)
    settings = side.peer("broker").ask(GET_BROKER_CONFIG)
    side.note("names of the settings", names=setting_names(settings))
    figures = side.peer("broker").ask(GET_BROKER_RUNTIME_INFO).json()["table"]
    side.note("names of the figures", names=sorted(name for name in figures if "scheduleMessage" not in name))


def tools_groups(side: Side) -> None:
    topic, group = "oracle_tools_groups", "CG_oracle_tools"
    put(side, topic, 0, 3)
    side.ask("nobody's progress", GET_CONSUME_STATS, {"consumerGroup": group})
    side.ask("nobody's progress in a topic", GET_CONSUME_STATS, {"consumerGroup": group, "topic": topic})
    side.ask("nobody is connected", GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group})
    side.ask("nobody produces", GET_PRODUCER_CONNECTION_LIST, {"producerGroup": "PG_oracle_tools"})
    side.ask("nobody consumes", QUERY_TOPIC_CONSUME_BY_WHO, {"topic": topic})
    side.peer("broker").ask(HEART_BEAT, body=beat("tools", group, {topic: ("A || B", 5)}))
    commit = {"consumerGroup": group, "topic": topic, "queueId": 0, "commitOffset": 2}
    side.peer("broker").ask(UPDATE_CONSUMER_OFFSET, commit)
    side.ask("connected", GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group}, hide=("codeSet", "tagsSet"))
    side.ask("who consumes", QUERY_TOPIC_CONSUME_BY_WHO, {"topic": topic})
    side.ask("progress", GET_CONSUME_STATS, {"consumerGroup": group}, hide=("lastTimestamp",))
    disabled, without_retries = "CG_oracle_disabled", "CG_oracle_no_retries"
    side.ask("disable a group", UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
             body=json.dumps({"groupName": disabled, "consumeEnable": False}))
    side.ask("pull of a disabled group", PULL_MESSAGE, pull_ext(topic, consumerGroup=disabled))
    side.ask("delete a group", DELETE_SUBSCRIPTIONGROUP, {"groupName": disabled})
    side.ask("pull of a deleted group", PULL_MESSAGE, pull_ext(topic, consumerGroup=disabled, subscription="nothing"))
    side.ask("a group without retries", UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
             body=json.dumps({"groupName": without_retries, "retryQueueNums": 0}))
    side.ask("it sends back in vain", CONSUMER_SEND_MSG_BACK,
             {"group": without_retries, "offset": 2**40, "delayLevel": 0, "maxReconsumeTimes": 16})


def queue_numbers(side: Side) -> None:
    side.ask("too many to read", UPDATE_AND_CREATE_TOPIC, topic_ext("oracle_queues", readQueueNums=TOO_MANY))
    side.ask("fewer than none to write", UPDATE_AND_CREATE_TOPIC, topic_ext("oracle_queues", writeQueueNums=-1))
    side.ask("too many to retry", UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
             body=json.dumps({"groupName": "CG_oracle_queues", "retryQueueNums": TOO_MANY}))


SCENARIOS = [expressions, tools_topics, tools_groups, queue_numbers]
