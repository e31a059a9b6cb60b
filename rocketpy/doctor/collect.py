"""Gathers the facts of a running cluster: name servers, then brokers, then groups and clients, each all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rocketpy.advertised_address import judge_address
from rocketpy.client.admin_brokers import properties_of
from rocketpy.client.calls import Calls
from rocketpy.doctor.asker import Asker, NoAnswer, decoded, is_refusal, port_beside
from rocketpy.doctor.facts import BrokerFacts, ClusterFacts, Limits, NameServerFacts, Progress
from rocketpy.protocol import names
from rocketpy.protocol.admin_bodies import (
    ConsumerConnection,
    ConsumerRunningInfo,
    ConsumeStats,
    ConsumeStatsList,
    TopicOffset,
    TopicStatsTable,
)
from rocketpy.protocol.bodies import (
    ClusterInfo,
    ConsumeType,
    KVTable,
    SubscriptionGroupWrapper,
    TopicConfigSerializeWrapper,
    TopicList,
)
from rocketpy.protocol.codes import RequestCode, ResponseCode

VIP_STEP, HA_STEP = -2, 1
MOST_GROUPS = 500           # groups of one broker whose clients are asked for
MOST_DEAD_LETTER_TOPICS = 500
MOST_CLIENTS = 200          # clients that are asked what they want


async def collect(calls: Calls, name_servers: list[str], limits: Limits, topics: tuple[str, ...] = ()) -> ClusterFacts:
    """Everything the checks need; what does not answer is told as such."""
    asker = Asker(calls, limits.timeout_ms, limits.budget_ms)
    facts = ClusterFacts(asked_topics=topics, limits=limits)
    facts.name_servers = await asyncio.gather(*(name_server(asker, address) for address in name_servers))
    facts.brokers = registered(facts.name_servers)
    await asyncio.gather(*(broker_facts(asker, broker) for broker in facts.brokers))
    await asyncio.gather(*(details(asker, facts, broker) for broker in facts.brokers if not broker.fault))
    await running(asker, facts)
    await watched(asker, facts)
    facts.now_ms = calls.clock.now_ms()
    return facts


async def name_server(asker: Asker, address: str) -> NameServerFacts:
    """Brokers, topics and orders of topics of one name server."""
    facts = NameServerFacts(address)
    facts.fault = await asker.unreachable(address)
    if facts.fault:
        return facts
    try:
        facts.cluster = await asker.ask_for(ClusterInfo, address, RequestCode.GET_BROKER_CLUSTER_INFO)
        listed = await asker.ask_for(TopicList, address, RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
        facts.topics = frozenset(listed.topic_list)
    except NoAnswer as fault:
        facts.fault = str(fault)
        return facts
    try:
        ext = {"namespace": names.ORDER_TOPIC_NAMESPACE}
        table = await asker.ask_for(KVTable, address, RequestCode.GET_KVLIST_BY_NAMESPACE, ext)
        facts.order_conf = table.table
    except NoAnswer as fault:
        if fault.code != ResponseCode.QUERY_NOT_FOUND:  # there are none
            facts.fault = str(fault)
    return facts


def registered(name_servers: list[NameServerFacts]) -> list[BrokerFacts]:
    """Every broker that any name server knows, once an address."""
    found: dict[tuple[str, int, str], BrokerFacts] = {}
    for server in name_servers:
        for name, data in server.cluster.broker_addr_table.items():
            for broker_id, address in data.broker_addrs.items():
                broker = BrokerFacts(name, broker_id, address, data.cluster or "")
                found.setdefault((name, broker_id, address), broker)
    return list(found.values())


async def broker_facts(asker: Asker, broker: BrokerFacts) -> None:
    """What one broker says of itself; all questions at once when its port is open."""
    broker.doubt = doubt(broker.address.rpartition(":")[0])
    broker.fault = await asker.unreachable(broker.address)
    if broker.fault:
        return
    questions = {
        "runtime info": _runtime,
        "configuration": _config,
        "topics": _topics,
        "consumer groups": _groups,
        "progress of groups": _progress,
    }
    await asyncio.gather(
        _port(asker, broker, "VIP", VIP_STEP),
        _port(asker, broker, "HA", HA_STEP),
        *(_told(broker, what, question(asker, broker)) for what, question in questions.items()),
    )
    if broker.untold.keys() == questions.keys() and not any(map(is_refusal, broker.untold.values())):
        broker.fault = f"takes connections and answers nothing: {broker.untold['runtime info']}"


def doubt(host: str) -> str:
    """Why clients may not reach an advertised host, as far as it can be seen from here."""
    if host.startswith("172.17."):
        return f"brokerIP1 {host} is in 172.17.0.0/16, where Docker's own bridge is: other hosts do not reach it"
    return judge_address(host, "").warning.partition("; ")[0]


async def _told(broker: BrokerFacts, what: str, asking: Awaitable[None]) -> None:
    try:
        await asking
    except NoAnswer as fault:
        broker.untold[what] = str(fault)


async def _port(asker: Asker, broker: BrokerFacts, what: str, step: int) -> None:
    host, port = port_beside(broker.address, step)
    why = await asker.closed(host, port) if 0 < port < 65536 else "is no port"
    if why:
        broker.closed_ports[what] = f"port {port}: {why}"


async def _runtime(asker: Asker, broker: BrokerFacts) -> None:
    before_ms = asker.clock.now_ms()
    answer = await asker.ask(broker.address, RequestCode.GET_BROKER_RUNTIME_INFO)
    broker.asked_ms = before_ms, asker.clock.now_ms()
    broker.version = answer.version
    broker.runtime = decoded(KVTable, answer).table


async def _config(asker: Asker, broker: BrokerFacts) -> None:
    answer = await asker.ask(broker.address, RequestCode.GET_BROKER_CONFIG)
    broker.config = properties_of(answer.body, broker.address)


async def _topics(asker: Asker, broker: BrokerFacts) -> None:
    answer = await asker.ask_for(TopicConfigSerializeWrapper, broker.address, RequestCode.GET_ALL_TOPIC_CONFIG)
    broker.topics = answer.topic_config_table


async def _groups(asker: Asker, broker: BrokerFacts) -> None:
    code = RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG
    broker.groups = (await asker.ask_for(SubscriptionGroupWrapper, broker.address, code)).subscription_group_table


async def _progress(asker: Asker, broker: BrokerFacts) -> None:
    broker.progress = await progress(asker, broker.address)


async def progress(asker: Asker, address: str) -> Progress:
    """How far each group is in each queue of a broker."""
    code = RequestCode.GET_BROKER_CONSUME_STATS
    answer = await asker.ask_for(ConsumeStatsList, address, code, {"isOrder": "false"})
    found: Progress = {}
    for by_group in answer.consume_stats_list:
        for group, topics in by_group.items():
            for stats in topics:
                found.setdefault(group, {}).update(stats.offset_table)
    return found


# ---- clients, dead letters and half messages


async def details(asker: Asker, facts: ClusterFacts, broker: BrokerFacts) -> None:
    """What is asked by name, of names that the broker told."""
    groups = [group for group in broker.groups if not is_own(group)]
    dead = [topic for topic in broker.topics if topic.startswith(names.DLQ_PREFIX)]
    groups = _first(facts, broker, groups, MOST_GROUPS, "groups")
    dead = _first(facts, broker, dead, MOST_DEAD_LETTER_TOPICS, "dead letter topics")
    asking: list[Awaitable[None]] = [_members(asker, broker, group) for group in groups]
    asking += [_dead_letters(asker, broker, topic) for topic in dead]
    if broker.is_master and names.TRANS_HALF_TOPIC in broker.topics:
        asking.append(_told(broker, "half messages", _half(asker, broker)))
    await asyncio.gather(*asking)


def _first(facts: ClusterFacts, broker: BrokerFacts, items: list[str], most: int, what: str) -> list[str]:
    if len(items) > most:
        facts.left_out.append(f"{broker.subject}: {len(items) - most} of {len(items)} {what} are not looked at")
    return items[:most]


def is_own(group: str) -> bool:
    """Whether a group is one that every broker has."""
    return group in names.GROUPS_AT_START or names.is_system_group(group)


async def _members(asker: Asker, broker: BrokerFacts, group: str) -> None:
    code, ext = RequestCode.GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group}
    try:
        broker.members[group] = await asker.ask_for(ConsumerConnection, broker.address, code, ext)
    except NoAnswer as fault:
        if fault.code != ResponseCode.CONSUMER_NOT_ONLINE:
            broker.untold[f"clients of group {group}"] = str(fault)


async def _dead_letters(asker: Asker, broker: BrokerFacts, topic: str) -> None:
    try:
        table = await asker.ask_for(
            TopicStatsTable, broker.address, RequestCode.GET_TOPIC_STATS_INFO, {"topic": topic}
        )
    except NoAnswer as fault:
        broker.untold[topic] = str(fault)
        return
    queues = table.offset_table.values()
    held = sum(queue.max_offset - queue.min_offset for queue in queues)
    broker.dead_letters[topic] = TopicOffset(0, held, max((q.last_update_timestamp for q in queues), default=0))


async def _half(asker: Asker, broker: BrokerFacts) -> None:
    ext = {"consumerGroup": names.TRANSACTION_GROUP, "topic": names.TRANS_HALF_TOPIC}
    stats = await asker.ask_for(ConsumeStats, broker.address, RequestCode.GET_CONSUME_STATS, ext)
    broker.half = next(iter(stats.offset_table.values()), None)


# ---- what each client wants


async def running(asker: Asker, facts: ClusterFacts) -> None:
    """Ask the clients of groups that have more than one; a group's table on the broker shows the last one's words."""
    asked: dict[tuple[str, str], BrokerFacts] = {}
    for broker in facts.told:
        for group, members in broker.members.items():
            if len(members.connection_set) > 1 and members.consume_type is not ConsumeType.CONSUME_ACTIVELY:
                for client in members.connection_set:
                    asked.setdefault((group, client.client_id), broker)
    if len(asked) > MOST_CLIENTS:
        facts.left_out.append(f"{len(asked) - MOST_CLIENTS} of {len(asked)} clients are not asked what they want")
    chosen = list(asked.items())[:MOST_CLIENTS]
    await asyncio.gather(*(_wanted(asker, facts, broker, *key) for key, broker in chosen))


async def _wanted(asker: Asker, facts: ClusterFacts, broker: BrokerFacts, group: str, client_id: str) -> None:
    ext = {"consumerGroup": group, "clientId": client_id, "jstackEnable": "false"}
    code = RequestCode.GET_CONSUMER_RUNNING_INFO
    try:
        told = await asker.ask_for(ConsumerRunningInfo, broker.address, code, ext)
    except NoAnswer:
        return  # clients in other languages do not know the question
    facts.wanted.setdefault(group, {})[client_id] = frozenset(
        (each.topic, each.sub_string or "*", each.expression_type)
        for each in told.subscription_set
        if not each.topic.startswith(names.RETRY_PREFIX)
    )


# ---- a second look


async def watched(asker: Asker, facts: ClusterFacts, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
    """Look at offsets again where a group with clients is behind."""
    behind = [broker for broker in facts.masters if any(map(broker.is_behind, broker.members))]
    if not behind or not facts.limits.watch_ms:
        return
    await sleep(facts.limits.watch_ms / 1000)
    for broker, later in zip(behind, await asyncio.gather(*(_again(asker, each) for each in behind)), strict=True):
        broker.later = later


async def _again(asker: Asker, broker: BrokerFacts) -> Progress | None:
    try:
        return await progress(asker, broker.address)
    except NoAnswer as fault:
        broker.untold["progress of groups, a second time"] = str(fault)
        return None
