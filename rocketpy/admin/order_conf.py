"""updateOrderConf: which brokers an orderly topic has, and with how many queues."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import Command, Given, Option, UsageMistake
from rocketpy.admin.items import Item, Said
from rocketpy.admin.session import Session
from rocketpy.admin.topics import TOPIC
from rocketpy.client.admin_topics import delete_kv, get_kv, put_kv
from rocketpy.protocol.names import ORDER_TOPIC_NAMESPACE


async def update_order_conf(session: Session, given: Given) -> AsyncIterator[Item]:
    """Put, get or delete it."""
    topic, method = given.text("t"), given.text("m")
    if method == "get":
        conf = await get_kv(session.admin, ORDER_TOPIC_NAMESPACE, topic)
        text = f"get orderConf success. topic=[{topic}], orderConf=[{conf}] "
        yield Said(text, {"topic": topic, "orderConf": conf})
    elif method == "put":
        conf = given.text("v")
        if not conf:
            raise UsageMistake("please set orderConf with option -v.", show_usage=False)
        await put_kv(session.admin, ORDER_TOPIC_NAMESPACE, topic, conf)
        text = f"update orderConf success. topic=[{topic}], orderConf=[{conf}]"
        yield Said(text, {"topic": topic, "orderConf": conf})
    elif method == "delete":
        await delete_kv(session.admin, ORDER_TOPIC_NAMESPACE, topic)
        yield Said(f"delete orderConf success. topic=[{topic}]", {"topic": topic})
    else:
        raise UsageMistake(f"-m {method}: it is put, get or delete")


def question(given: Given) -> str:
    """What is lost, when something is."""
    topic = given.text("t")
    return f"Delete the order conf of {topic} in every name server?" if given.text("m") == "delete" else ""


COMMANDS = (
    Command(
        "updateOrderConf",
        update_order_conf,
        (
            TOPIC,
            Option("v", "orderConf", "set order conf [eg. brokerName1:num;brokerName2:num]"),
            Option("m", "method", "option type [eg. put|get|delete", required=True),
        ),
        asks=question,
    ),
)
