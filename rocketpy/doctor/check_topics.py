"""Can topics be sent to and consumed, and if one has no route, why?"""

from __future__ import annotations

from collections.abc import Iterator

from rocketpy.doctor.facts import BrokerFacts, ClusterFacts
from rocketpy.doctor.finding import Finding, error, warning
from rocketpy.protocol import names, perm

OWN_TOPICS = frozenset({
    names.AUTO_CREATE_TOPIC_KEY_TOPIC,
    names.BENCHMARK_TOPIC,
    names.SELF_TEST_TOPIC,
    names.OFFSET_MOVED_EVENT,
    names.SCHEDULE_TOPIC,
    names.TRANS_HALF_TOPIC,
    names.TRANS_OP_HALF_TOPIC,
    names.TRANS_CHECK_MAX_TIME_TOPIC,
    names.TRACE_TOPIC,
})
AGO_MS = 3_600_000


def is_users(facts: ClusterFacts, topic: str) -> bool:
    """Whether a topic is somebody's own: none that brokers, or the broker's name and cluster, stand for."""
    reserved = {broker.name for broker in facts.brokers} | {broker.cluster for broker in facts.brokers}
    prefixes = (names.RETRY_PREFIX, names.DLQ_PREFIX, names.SYSTEM_TOPIC_PREFIX)
    return topic not in OWN_TOPICS and topic not in reserved and not topic.startswith(prefixes)


def users_topics(facts: ClusterFacts) -> Iterator[tuple[str, list[BrokerFacts]]]:
    """(topic, masters that have it), in the order of their names."""
    every = {topic for broker in facts.masters for topic in broker.topics}
    for topic in sorted(every):
        if is_users(facts, topic):
            yield topic, facts.holders(topic)


def topics_have_routes(facts: ClusterFacts) -> Iterator[Finding]:
    """A topic that a broker has, and that clients do not hear of."""
    for topic, holders in users_topics(facts):
        missing = [server.address for server in facts.answering if topic not in server.topics]
        if missing:
            everywhere = len(missing) == len(facts.answering)
            where = ", ".join(broker.name for broker in holders)
            what = f"is on broker {where}, and name server {', '.join(missing)} does not know it"
            remedy = "see in that broker's log why its registration does not arrive there"
            yield (error if everywhere else warning)("no-route", f"topic {topic}", what, remedy)


def routes_have_topics(facts: ClusterFacts) -> Iterator[Finding]:
    """A topic that name servers know and no broker has: what is sent to it is refused."""
    if not facts.masters or not facts.is_whole or any("topics" in broker.untold for broker in facts.masters):
        return
    every = {topic for broker in facts.told for topic in broker.topics}
    known = {topic for server in facts.answering for topic in server.topics}
    for topic in sorted(known - every):
        if is_users(facts, topic):
            remedy = f"mqadmin deleteTopic -c <cluster> -t {topic}, or updateTopic to have it again"
            yield warning("no-topic", f"topic {topic}", "name servers know it, and no broker has it", remedy)


def wanted_topics_exist(facts: ClusterFacts) -> Iterator[Finding]:
    """Topics that a group subscribes to, or that were asked about, and that nobody has: with the reason."""
    wanted: dict[str, set[str]] = {topic: set() for topic in facts.asked_topics}
    for group, subscriptions in facts.subscriptions().items():
        for topic in subscriptions:
            if is_users(facts, topic):
                wanted.setdefault(topic, set()).add(group)
    for topic, groups in sorted(wanted.items()):
        if facts.brokers and not any(topic in broker.topics for broker in facts.told):
            yield _no_route(facts, topic, sorted(groups))


def _no_route(facts: ClusterFacts, topic: str, groups: list[str]) -> Finding:
    by = f" (group {', '.join(groups[:5])} subscribes to it)" if groups else ""
    subject = f"topic {topic}"
    dead = [f"{broker.name}:{broker.broker_id}" for broker in facts.brokers if broker.fault]
    if dead:
        what = f"no broker that answers has it{by}; {', '.join(dead)} does not answer"
        return error("no-route", subject, what, "bring that broker back, if the topic was there")
    if not names.is_name(topic):
        what = f"its name is none that a broker takes{by}"
        return error("no-route", subject, what, "use letters, digits, _ and - only, at most 127")
    if any(broker.is_on("autoCreateTopicEnable") for broker in facts.masters):
        where = "on one broker only" if len(facts.masters) > 1 else "there"
        what = f"is on no broker{by}; autoCreateTopicEnable is on: the first send will make it {where}"
        remedy = f"mqadmin updateTopic -c <cluster> -t {topic} makes it at once, on all"
        return warning("no-route", subject, what, remedy)
    what = f"is on no broker{by}, and autoCreateTopicEnable is off: sends fail with `No route info of this topic`"
    return error("no-route", subject, what, f"mqadmin updateTopic -c <cluster> -t {topic}")


def topics_can_be_used(facts: ClusterFacts) -> Iterator[Finding]:
    """Permissions and numbers of queues that leave messages unsent or unread."""
    for topic, holders in users_topics(facts):
        configs = [broker.topics[topic] for broker in holders]
        for name, bit in (("sent to", perm.WRITE), ("consumed", perm.READ)):
            if not any(config.perm & bit for config in configs):
                what = f"cannot be {name}: its permission is {perm.perm_text(configs[0].perm)} on every broker"
                remedy = f"mqadmin updateTopicPerm -c <cluster> -t {topic} -p 6"
                yield warning("topic-permission", f"topic {topic}", what, remedy)
        for broker, config in zip(holders, configs, strict=True):
            read, write = config.read_queue_nums, config.write_queue_nums
            if write > read:
                what = f"on {broker.name}: {write} queues are written, {read} are read: the others are never consumed"
                remedy = f"mqadmin updateTopic -b {broker.address} -t {topic} -r {write} -w {write}"
                yield error("unread-queues", f"topic {topic}", what, remedy)


def orders_are_set(facts: ClusterFacts) -> Iterator[Finding]:
    """An ordered topic has its queues from the name servers' ORDER_TOPIC_CONFIG: `broker:queues;broker:queues`."""
    known = {broker.name for broker in facts.brokers}
    for topic, holders in users_topics(facts):
        for server in facts.answering:
            conf = server.order_conf.get(topic)
            ordered = any(broker.topics[topic].order for broker in holders)
            remedy = f"mqadmin updateOrderConf -t {topic} -v <broker:queues;...> -m put"
            if ordered and conf is None:
                what = f"is ordered, and name server {server.address} has no order for it"
                yield warning("order-conf", f"topic {topic}", what, remedy)
            gone = {part.partition(":")[0] for part in (conf or "").split(";") if part} - known
            if gone:
                what = f"its order at name server {server.address} names {', '.join(sorted(gone))}, which is no broker"
                yield error("order-conf", f"topic {topic}", what, remedy)


def dead_letters_are_few(facts: ClusterFacts) -> Iterator[Finding]:
    """What consumers gave up on; nobody looks there by himself."""
    held: dict[str, tuple[int, int]] = {}
    for broker in facts.masters:
        for topic, ends in broker.dead_letters.items():
            count, last_ms = held.get(topic, (0, 0))
            held[topic] = count + ends.max_offset, max(last_ms, ends.last_update_timestamp)
    for topic, (count, last_ms) in sorted(held.items()):
        if count >= facts.limits.dead_letters:
            fills = ", the last within this hour" if facts.now_ms - last_ms < AGO_MS else ""
            group = topic.removeprefix(names.DLQ_PREFIX)
            what = f"holds {count} messages that its consumers gave up on{fills}"
            remedy = f"see why consumption fails; mqadmin updateTopicPerm -c <cluster> -t {topic} -p 6 to read them"
            yield warning("dead-letters", f"group {group}", what, remedy)


def half_messages_are_few(facts: ClusterFacts) -> Iterator[Finding]:
    """Transactions whose producers do not say how they end."""
    for broker in facts.masters:
        if broker.half is None:
            continue
        waiting = broker.half.broker_offset - broker.half.consumer_offset
        if waiting >= facts.limits.half_messages:
            what = f"{waiting} half messages stand behind the first that has no end yet"
            remedy = "see that the transaction producers run and answer checks; transaction.log of the broker says who"
            yield warning("half-messages", broker.subject, what, remedy)


CHECKS = (
    topics_have_routes,
    routes_have_topics,
    wanted_topics_exist,
    topics_can_be_used,
    orders_are_set,
    dead_letters_are_few,
    half_messages_are_few,
)
