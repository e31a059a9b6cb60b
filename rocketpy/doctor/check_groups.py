"""Do consumer groups keep up, and do their members agree?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rocketpy.doctor.facts import BrokerFacts, ClusterFacts
from rocketpy.doctor.finding import Finding, error, warning
from rocketpy.protocol.admin_bodies import Connection, OffsetWrapper
from rocketpy.protocol.bodies import ConsumeType, MessageModel
from rocketpy.protocol.mqversion import ORDINALS, version_desc
from rocketpy.protocol.names import RETRY_PREFIX

OLDEST = ORDINALS["V4_0_0"]     # before it lies another package of the Java client
SHOWN = 5


def members(facts: ClusterFacts) -> dict[str, dict[str, Connection]]:
    """Group -> client id -> a connection of it, over all brokers."""
    found: dict[str, dict[str, Connection]] = defaultdict(dict)
    for broker in facts.told:
        for group, told in broker.members.items():
            found[group].update((client.client_id, client) for client in told.connection_set)
    return found


def groups_keep_up(facts: ClusterFacts) -> Iterator[Finding]:
    """How far groups are behind, and whether anybody consumes."""
    online = {group for broker in facts.told for group in broker.members}
    for (group, topic), queues in sorted(behind(facts).items()):
        lag = sum(queue.broker_offset - queue.consumer_offset for queue in queues)
        if lag >= facts.limits.lag:
            oldest_ms = min((queue.last_timestamp for queue in queues if queue.last_timestamp), default=0)
            since = f"; the last message consumed was stored {ago(facts.now_ms - oldest_ms)} ago" if oldest_ms else ""
            what = f"is {lag} messages behind in {topic}"
            if group not in online:
                remedy = f"start its consumers, or mqadmin deleteSubGroup -c <cluster> -g {group} if it is not needed"
                yield warning("lag", f"group {group}", f"{what}, and has no consumer{since}", remedy)
            else:
                remedy = "add consumers (up to one a queue) or threads, or see what their listener waits for"
                yield warning("lag", f"group {group}", f"{what}{since}", remedy)


def behind(facts: ClusterFacts) -> dict[tuple[str, str], list[OffsetWrapper]]:
    """(group, topic) -> queues that hold messages for it."""
    found: dict[tuple[str, str], list[OffsetWrapper]] = defaultdict(list)
    for broker in facts.masters:
        for group, table in broker.progress.items():
            for queue, offsets in table.items():
                if offsets.broker_offset > offsets.consumer_offset:
                    found[group, queue.topic].append(offsets)
    return found


def ago(span_ms: int) -> str:
    """`90 s`, `12 min`, `5 h` or `3 d`."""
    for unit, ms in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if span_ms >= 2 * ms:
            return f"{span_ms // ms} {unit}"
    return f"{max(span_ms, 0) // 1000} s"


def groups_move(facts: ClusterFacts) -> Iterator[Finding]:
    """Queues that hold messages for a group with clients, and whose offset stood still between two looks."""
    stuck: dict[tuple[str, str], list[str]] = defaultdict(list)
    for broker in facts.masters:
        for group in broker.members:
            for topic, queue in _standing(facts, broker, group):
                stuck[group, topic].append(queue)
    for (group, topic), queues in sorted(stuck.items()):
        shown = ", ".join(queues[:SHOWN]) + (f" and {len(queues) - SHOWN} more" if len(queues) > SHOWN else "")
        what = f"does not move in {topic}, {shown}, in spite of its clients"
        remedy = f"mqadmin consumerStatus -g {group} -s: a listener that hangs, or nobody holds the queue"
        yield error("stuck", f"group {group}", what, remedy)


def _standing(facts: ClusterFacts, broker: BrokerFacts, group: str) -> Iterator[tuple[str, str]]:
    later = (broker.later or {}).get(group, {})
    for queue, first in broker.progress.get(group, {}).items():
        second = later.get(queue)
        if second is None or second.consumer_offset != first.consumer_offset:
            continue
        is_old = facts.now_ms - second.last_timestamp > facts.limits.stuck_ms
        if first.broker_offset > first.consumer_offset and is_old:
            yield queue.topic, f"{broker.name} queue {queue.queue_id}"


def members_want_the_same(facts: ClusterFacts) -> Iterator[Finding]:
    """Each member is given queues of topics that another subscribed to: messages are not consumed."""
    for group, wanted in sorted(facts.wanted.items()):
        kinds = defaultdict(list)
        for client_id, subscriptions in sorted(wanted.items()):
            kinds[subscriptions].append(client_id)
        if len(kinds) > 1:
            common = frozenset.intersection(*kinds)
            each = "; ".join(
                f"{clients[0]} wants {words(subscriptions - common)}" for subscriptions, clients in kinds.items()
            )
            remedy = "let all subscribe to the same topics and expressions, or give each kind its own group"
            yield error("subscriptions", f"group {group}", f"its members differ: {each:.400}", remedy)


def words(subscriptions: frozenset[tuple[str, str, str]]) -> str:
    """`TopicA by TagA || TagB`."""
    return ", ".join(f"{topic} by {expression}" for topic, expression, _ in sorted(subscriptions)) or "nothing else"


def members_are_alike(facts: ClusterFacts) -> Iterator[Finding]:
    """Releases of clients: each computes the others' shares of the queues as its own release does."""
    for group, clients in sorted(members(facts).items()):
        versions: dict[int, list[str]] = defaultdict(list)
        for client_id, client in clients.items():
            versions[client.version].append(client_id)
        if len(versions) > 1:
            told = ", ".join(f"{version_desc(each)} ({versions[each][0]})" for each in sorted(versions))
            what = f"its clients are of different releases: {told:.300}"
            yield warning("client-versions", f"group {group}", what, "bring them all to the same release")
        old = [version for version in versions if version < OLDEST]
        if old:
            what = f"client {versions[old[0]][0]} is {version_desc(old[0])}, from before Apache's first release"
            yield warning("old-client", f"group {group}", what, "bring it to 4.5 or later")


def connections_are_unique(facts: ClusterFacts) -> Iterator[Finding]:
    """One client id twice on one broker: two processes, or, on one host, one that was started anew a minute ago."""
    for broker in facts.told:
        for group, told in sorted(broker.members.items()):
            hosts: dict[str, list[str]] = defaultdict(list)
            for client in told.connection_set:
                hosts[client.client_id].append(client.client_addr.rpartition(":")[0])
            for client_id, found in sorted(hosts.items()):
                where = " and ".join(sorted(set(found)))
                what = f"clientId {client_id} has {len(found)} connections to {broker.name}, from {where}"
                if len(set(found)) > 1:
                    remedy = "give each client an instanceName of its own: these two share the queues of one"
                    yield error("client-id", f"group {group}", what, remedy)
                elif len(found) > 1:
                    remedy = "give each process its own instanceName; if one was restarted, look again in 2 minutes"
                    yield warning("client-id", f"group {group}", what, remedy)


def groups_may_consume(facts: ClusterFacts) -> Iterator[Finding]:
    """What a group's row forbids its clients."""
    for broker in facts.masters:
        for group, told in sorted(broker.members.items()):
            config = broker.groups.get(group)
            if config is None:
                continue
            remedy = f"mqadmin updateSubGroup -b {broker.address} -g {group} "
            if not config.consume_enable:
                what = f"consumeEnable is false on {broker.name}: its clients' pulls are refused"
                yield error("group-permission", f"group {group}", what, remedy + "-s true")
            broadcasts = told.message_model is MessageModel.BROADCASTING
            if broadcasts and not config.consume_broadcast_enable:
                what = f"broadcasts, and consumeBroadcastEnable is false on {broker.name}: pulls are refused"
                yield error("group-permission", f"group {group}", what, remedy + "-d true")


def members_have_queues(facts: ClusterFacts) -> Iterator[Finding]:
    """A queue belongs to one member: those beyond the number of queues have nothing to do."""
    count = {group: len(clients) for group, clients in members(facts).items()}
    for group, subscriptions in sorted(facts.subscriptions().items()):
        told = [broker.members[group] for broker in facts.told if group in broker.members]
        if any(each.message_model is MessageModel.BROADCASTING for each in told):
            continue
        if all(each.consume_type is ConsumeType.CONSUME_ACTIVELY for each in told):
            continue
        for topic in sorted(subscriptions):
            queues = sum(broker.topics[topic].read_queue_nums for broker in facts.holders(topic))
            if not topic.startswith(RETRY_PREFIX) and 0 < queues < count[group]:
                what = f"has {count[group]} clients and {topic} has {queues} queues: the others get nothing of it"
                remedy = f"mqadmin updateTopic -c <cluster> -t {topic} -r <more> -w <more>, or run fewer clients"
                yield warning("idle-clients", f"group {group}", what, remedy)


def members_reach_all_brokers(facts: ClusterFacts) -> Iterator[Finding]:
    """Members learn of each other from any one broker: who is not known to all gets others' queues too."""
    for group, subscriptions in sorted(facts.subscriptions().items()):
        topics = [topic for topic in subscriptions if not topic.startswith(RETRY_PREFIX)]
        holding = [broker for broker in facts.masters if any(topic in broker.topics for topic in topics)]
        known = {
            broker.name: {client.client_id for client in broker.members[group].connection_set}
            if group in broker.members
            else set()
            for broker in holding
        }
        every = set().union(*known.values())
        for name, clients in sorted(known.items()):
            missing = sorted(every - clients)
            if missing:
                what = f"client {missing[0]} is not known to {name}, as it is to others ({len(missing)} such clients)"
                remedy = "see that this client reaches that broker's address; new ones take 30 s"
                yield warning("partly-connected", f"group {group}", what, remedy)


def connections_are_bearable(facts: ClusterFacts) -> Iterator[Finding]:
    """Each client is a connection and a file handle."""
    for broker in facts.told:
        clients = {client.client_id for told in broker.members.values() for client in told.connection_set}
        if len(clients) >= facts.limits.clients:
            what = f"holds connections of {len(clients)} consumers"
            yield warning("connections", broker.subject, what, "see that its `ulimit -n` is well above, or add brokers")


CHECKS = (
    groups_keep_up,
    groups_move,
    members_want_the_same,
    members_are_alike,
    connections_are_unique,
    groups_may_consume,
    members_have_queues,
    members_reach_all_brokers,
    connections_are_bearable,
)
