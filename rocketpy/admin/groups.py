"""updateSubGroup, deleteSubGroup: consumer groups are made, changed and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import INT_MAX, Command, Given, Option
from rocketpy.admin.items import Item, Said
from rocketpy.admin.session import Session
from rocketpy.admin.targets import chosen, each, failures, outcomes
from rocketpy.admin.topic_deletion import deleted_topic
from rocketpy.client.admin_groups import create_group, delete_group
from rocketpy.protocol.bodies import SubscriptionGroupConfig
from rocketpy.protocol.names import dlq_topic, retry_topic


def config_of(given: Given) -> SubscriptionGroupConfig:
    """The group as the options describe it; what is not given is upstream's default, not what the broker has."""
    return SubscriptionGroupConfig(
        group_name=given.text("g"),
        consume_enable=given.boolean("s", True),
        consume_from_min_enable=given.boolean("m"),
        consume_broadcast_enable=given.boolean("d"),
        retry_queue_nums=given.number("q", 1, least=0, most=INT_MAX),
        retry_max_times=given.number("r", 16, least=-INT_MAX - 1, most=INT_MAX),
        broker_id=given.number("i", 0),
        which_broker_when_consume_slowly=given.number("w", 1),
        notify_consumer_ids_changed_enable=given.boolean("a", True),
    )


async def update_sub_group(session: Session, given: Given) -> AsyncIterator[Item]:
    """Create or change a group on one broker or on the masters of a cluster."""
    config = config_of(given)
    where = await chosen(session, given)

    def told(address: str, _: None) -> Said:
        data = {"brokerAddr": address, "subscriptionGroupConfig": config}
        return Said(f"create subscription group to {address} success.\n", data)

    answers = await each(where, lambda address: create_group(session.admin, address, config))
    for item in outcomes(answers, told):
        yield item
    if "c" in given or not failures(answers):
        yield Said(str(config))


async def delete_sub_group(session: Session, given: Given) -> AsyncIterator[Item]:
    """Delete a group on one broker; with -c on the masters of a cluster, then its retry and dead letter topics."""
    group = given.text("g")
    where = "" if "b" in given else f" in cluster [{given.text('c')}]"

    def told(address: str, _: None) -> Said:
        text = f"delete subscription group [{group}] from broker [{address}]{where} success.\n"
        return Said(text, {"brokerAddr": address, "group": group})

    answers = await each(await chosen(session, given), lambda address: delete_group(session.admin, address, group))
    for item in outcomes(answers, told):
        yield item
    if "b" in given or failures(answers):  # what is left of the group may still need its topics
        return
    for topic in (retry_topic(group), dlq_topic(group)):
        async for item in deleted_topic(session, given.text("c"), topic):
            yield item


def question(given: Given) -> str:
    """What is lost."""
    where = f"broker {given.text('b')}" if "b" in given else f"cluster {given.text('c')}, with its retry and DLQ topics"
    return f"Delete the consumer group {given.text('g')} and its settings from {where}?"


COMMANDS = (
    Command(
        "updateSubGroup",
        update_sub_group,
        (
            Option("b", "brokerAddr", "create subscription group to which broker", completes="brokerAddr"),
            Option("c", "clusterName", "create subscription group to which cluster", completes="cluster"),
            Option("g", "groupName", "consumer group name", required=True, completes="group"),
            Option("s", "consumeEnable", "consume enable"),
            Option("m", "consumeFromMinEnable", "from min offset"),
            Option("d", "consumeBroadcastEnable", "broadcast"),
            Option("q", "retryQueueNums", "retry queue nums"),
            Option("r", "retryMaxTimes", "retry max times"),
            Option("i", "brokerId", "consumer from which broker id"),
            Option("w", "whichBrokerWhenConsumeSlowly", "which broker id when consume slowly"),
            Option("a", "notifyConsumerIdsChanged", "notify consumerId changed"),
        ),
    ),
    Command(
        "deleteSubGroup",
        delete_sub_group,
        (
            Option("b", "brokerAddr", "delete subscription group from which broker", completes="brokerAddr"),
            Option("c", "clusterName", "delete subscription group from which cluster", completes="cluster"),
            Option("g", "groupName", "subscription group name", required=True, completes="group"),
        ),
        asks=question,
    ),
)
