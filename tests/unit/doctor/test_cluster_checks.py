"""Every check finds the one bad thing, says what and what to do, and says nothing of a cluster that is well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rocketpy.doctor.doctor import CLUSTER_CHECKS, looked_at, summary, text
from rocketpy.doctor.facts import BrokerFacts, ClusterFacts
from rocketpy.doctor.finding import Severity, exit_code, findings
from rocketpy.protocol.admin_bodies import OffsetWrapper, TopicOffset
from rocketpy.protocol.bodies import MessageModel, TopicConfig
from rocketpy.protocol.mqversion import ORDINALS
from tests.unit.doctor.clusters import (
    GROUP,
    NOW_MS,
    TOPIC,
    broker,
    client,
    found,
    members,
    name_server,
    offsets,
    only,
    well,
)


def anew(facts: ClusterFacts, *more: BrokerFacts) -> ClusterFacts:
    """The cluster with more brokers, which its name servers know."""
    brokers = [*facts.brokers, *more]
    return replace(facts, brokers=brokers, name_servers=[name_server(number, brokers) for number in (8, 9)])


def test_nothing_is_wrong_with_a_cluster_that_is_well() -> None:
    facts = well()
    assert found(facts) == []
    assert exit_code([]) == 0
    assert summary([], looked_at(facts)) == "nothing is wrong with 2 name servers, 2 brokers, 1 topic, 1 group"


# ---- reach


def test_a_name_server_that_does_not_answer() -> None:
    facts = well()
    facts.name_servers[1].fault = "cannot be reached"
    assert (only(facts).severity, only(facts).check) == (Severity.ERROR, "namesrv-unreachable")


def test_a_name_server_without_brokers() -> None:
    facts = ClusterFacts([name_server(8, [])])
    assert only(facts).check == "no-broker"


def test_a_broker_that_one_name_server_does_not_know() -> None:
    facts = well()
    facts.name_servers[1] = name_server(9, facts.brokers[:1])
    finding = only(facts)
    assert (finding.check, finding.subject) == ("registered-with-some", "broker broker-b:0 10.0.0.2:10911")
    assert "10.0.0.9:9876" in finding.what


def test_two_masters_with_one_name() -> None:
    facts = well()
    twin = broker("broker-a", 3)
    facts = replace(facts, brokers=[*facts.brokers, twin])
    finding = only(facts)
    assert (finding.check, finding.severity) == ("broker-clash", Severity.ERROR)
    assert "10.0.0.1:10911 and 10.0.0.3:10911" in finding.what


def test_two_brokers_at_one_address() -> None:
    facts = anew(well(), replace(broker("broker-c", 1), config={}))
    assert [finding.check for finding in found(facts)] == ["address-clash"]


def test_another_broker_answers_at_the_address() -> None:
    facts = well()
    facts.brokers[0].config["brokerName"] = "broker-z"
    assert "broker-z:0" in only(facts).what
    assert only(facts).check == "another-broker"


@pytest.mark.parametrize("doubt", ["", "brokerIP1 172.17.0.2 is on Docker's bridge"])
def test_a_broker_that_nobody_reaches(doubt: str) -> None:
    facts = well()
    facts.brokers[1] = BrokerFacts("broker-b", 0, "10.0.0.2:10911", "c", fault="Connection refused", doubt=doubt)
    finding = only(facts)
    assert finding.check == "broker-unreachable"
    assert doubt in finding.what
    assert ("brokerIP1" in finding.remedy) is bool(doubt)
    assert "start it" in finding.remedy


@pytest.mark.parametrize(("is_trial", "severity"), [(False, Severity.WARNING), (True, Severity.INFO)])
def test_an_address_that_only_its_host_reaches(is_trial: bool, severity: Severity) -> None:
    facts = well()
    facts.brokers[0].address = "127.0.0.1:10911"
    facts.brokers[0].doubt = "brokerIP1 127.0.0.1 is a loopback address"
    if is_trial:
        for server in facts.name_servers:
            server.address = "127.0.0.1:9876"
    assert (only(facts).check, only(facts).severity) == ("broker-address", severity)


def test_a_closed_vip_port() -> None:
    facts = well()
    facts.brokers[0].closed_ports["VIP"] = "port 10909: Connection refused"
    assert only(facts).check == "vip-port"
    assert "10909" in only(facts).what


def test_a_closed_ha_port_matters_where_there_are_slaves() -> None:
    facts = well()
    facts.brokers[0].closed_ports["HA"] = "port 10912: Connection refused"
    assert found(facts) == []
    assert only(anew(facts, broker("broker-a", 3, broker_id=1))).check == "ha-port"


def test_a_slave_without_its_master() -> None:
    assert only(anew(well(), broker("broker-c", 3, broker_id=1))).check == "no-master"


def test_a_synchronous_master_without_its_slave() -> None:
    facts = well()
    facts.brokers[0].config["brokerRole"] = "SYNC_MASTER"
    assert only(facts).check == "no-slave"
    assert found(anew(facts, broker("broker-a", 3, broker_id=1))) == []


def test_what_was_not_told_is_said() -> None:
    facts = well()
    facts.brokers[0].untold["configuration"] = "refused with code 1: AclException: Access denied"
    facts.left_out.append("3 of 503 groups are not looked at")
    denied, left_out = found(facts)
    assert "tools.yml" in denied.remedy
    assert (left_out.severity, left_out.check) == (Severity.INFO, "left-out")


# ---- brokers


@pytest.mark.parametrize(("by_ms", "words"), [(60_000, "60 s ahead of"), (-60_000, "59 s behind"), (4_000, "")])
def test_a_clock_that_is_wrong(by_ms: int, words: str) -> None:
    facts = well()
    facts.brokers[0].runtime["bootTimestamp"] = str(NOW_MS - 3_600_000 + by_ms + 5)
    assert [finding.check for finding in found(facts)] == (["clock-skew"] if words else [])
    assert all(words in finding.what for finding in found(facts))


@pytest.mark.parametrize(
    ("ratio", "check", "severity"),
    [
        ("0.92", "disk-full", Severity.ERROR),
        ("0.86", "disk-full", Severity.ERROR),
        ("0.78", "disk-nearly-full", Severity.WARNING),
        ("-1.0", "disk-unknown", Severity.ERROR),
    ],
)
def test_a_disk_that_fills(ratio: str, check: str, severity: Severity) -> None:
    facts = well()
    facts.brokers[0].runtime |= {"commitLogDiskRatio": ratio, "commitLogMaxOffset": "100"}
    assert (only(facts).check, only(facts).severity) == (check, severity)


def test_a_new_brokers_folders_are_not_there_yet() -> None:
    facts = well()
    facts.brokers[0].runtime |= {"consumeQueueDiskRatio": "-1.0", "commitLogDiskRatio": "-1.0"}
    assert found(facts) == []


@pytest.mark.parametrize(
    ("key", "value", "check"),
    [
        ("sendThreadPoolQueueHeadWaitTimeMills", "250", "busy"),
        ("pageCacheLockTimeMills", "1200", "busy"),
        ("dispatchBehindBytes", str(1 << 30), "dispatch-behind"),
        ("startAcceptSendRequestTimeStamp", str(NOW_MS + 9_000), "not-yet"),
    ],
)
def test_a_figure_that_is_too_high(key: str, value: str, check: str) -> None:
    facts = well()
    facts.brokers[0].runtime[key] = value
    assert only(facts).check == check


def test_a_broker_that_refuses_writes() -> None:
    facts = well()
    facts.brokers[0].config["brokerPermission"] = "4"
    assert "writes are refused" in only(facts).what


@pytest.mark.parametrize("value", ["nan", "1e999", "six"])
def test_a_figure_that_is_none(value: str) -> None:
    facts = well()
    facts.brokers[0].config["brokerPermission"] = value
    facts.brokers[0].runtime["bootTimestamp"] = "\u00b2"
    assert found(facts) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("runtime", "[ ,. days, 1 hours, 0 minutes, 0 seconds ]"),
        ("runtime", f"[ 0 days, {'9' * 5000} hours, 0 minutes, 0 seconds ]"),
        ("bootTimestamp", "9" * 5000),
    ],
)
def test_an_uptime_that_is_none(key: str, value: str) -> None:
    facts = well()
    facts.brokers[0].runtime[key] = value
    assert found(facts) == []


def test_a_misspelt_key() -> None:
    facts = well()
    facts.brokers[0].config["autoCreateTopicEnabled"] = "false"
    assert "autoCreateTopicEnable" in only(facts).remedy
    facts.brokers[0].version += 100  # a later release has keys that we do not know
    assert found(facts) == []


# ---- topics


def test_a_topic_that_a_name_server_does_not_know() -> None:
    facts = well()
    facts.name_servers[1].topics = frozenset()
    assert (only(facts).check, only(facts).severity) == ("no-route", Severity.WARNING)
    facts.name_servers[0].topics = frozenset()
    assert only(facts).severity is Severity.ERROR


def test_a_topic_that_no_broker_has() -> None:
    facts = well()
    facts.name_servers[0].topics |= {"Gone", "%RETRY%gone", "broker-a"}
    assert (only(facts).check, only(facts).subject) == ("no-topic", "topic Gone")


@pytest.mark.parametrize("topic", ["Asked", "Wanted"])
def test_a_topic_without_a_route_and_why(topic: str) -> None:
    facts = well()
    facts.asked_topics = ("Asked",) if topic == "Asked" else ()
    if topic == "Wanted":
        for each in facts.brokers:
            each.members[GROUP].subscription_table[topic] = each.members[GROUP].subscription_table[TOPIC]
    finding = only(facts)
    assert (finding.check, finding.severity) == ("no-route", Severity.ERROR)
    assert "autoCreateTopicEnable is off" in finding.what
    assert (f"group {GROUP}" in finding.what) is (topic == "Wanted")
    facts.brokers[0].config["autoCreateTopicEnable"] = "true"
    assert "the first send will make it on one broker only" in only(facts).what


def test_a_topic_that_may_be_on_the_broker_that_is_dead() -> None:
    facts = well()
    facts.asked_topics = ("Asked", "no/topic")
    assert "none that a broker takes" in next(each.what for each in found(facts) if "no/topic" in each.subject)
    facts.asked_topics = ("Asked",)
    facts.brokers[1] = BrokerFacts("broker-b", 0, "10.0.0.2:10911", "c", fault="Connection refused")
    assert any("broker-b:0 does not answer" in finding.what for finding in found(facts))


def test_permissions_that_let_nobody_in() -> None:
    facts = well()
    for each in facts.brokers:
        each.topics[TOPIC].perm = 4
    assert "cannot be sent to" in only(facts).what
    facts.brokers[1].topics[TOPIC].perm = 6
    assert found(facts) == []


def test_queues_that_are_written_and_not_read() -> None:
    facts = well()
    facts.brokers[0].topics[TOPIC] = TopicConfig(TOPIC, 4, 8)
    assert only(facts).check == "unread-queues"


def test_orders_of_ordered_topics() -> None:
    facts = well()
    facts.brokers[0].topics[TOPIC].order = True
    assert {finding.check for finding in found(facts)} == {"order-conf"}
    for server in facts.name_servers:
        server.order_conf[TOPIC] = "broker-a:4;broker-b:4"
    assert found(facts) == []
    facts.name_servers[0].order_conf[TOPIC] = "broker-a:4;broker-x:4"
    assert "broker-x" in only(facts).what


def test_dead_letters() -> None:
    facts = well()
    for each in facts.brokers:
        each.dead_letters[f"%DLQ%{GROUP}"] = TopicOffset(0, 3, NOW_MS - 60_000)
    assert only(facts).what == "holds 6 messages that its consumers gave up on, the last within this hour"
    facts.limits.dead_letters = 7
    assert found(facts) == []


def test_half_messages() -> None:
    facts = well()
    facts.brokers[0].half = OffsetWrapper(5_000, 10, 0)
    assert (only(facts).check, only(facts).what[:4]) == ("half-messages", "4990")


# ---- groups


def test_a_group_that_lags() -> None:
    facts = well()
    facts.brokers[0].progress = offsets("broker-a", 20_000, 5_000, last_ms=NOW_MS - 7_200_000)
    assert only(facts).what == f"is 15000 messages behind in {TOPIC}; the last message consumed was stored 2 h ago"
    for each in facts.brokers:
        each.members = {}
    assert "has no consumer" in only(facts).what


def test_a_group_that_does_not_move() -> None:
    facts = well()
    facts.brokers[0].progress = offsets("broker-a", 100, 50, last_ms=NOW_MS - 120_000)
    assert found(facts) == []  # one look says nothing
    facts.brokers[0].later = offsets("broker-a", 120, 50, last_ms=NOW_MS - 120_000)
    assert (only(facts).check, only(facts).severity) == ("stuck", Severity.ERROR)
    assert "broker-a queue 0" in only(facts).what
    facts.brokers[0].later = offsets("broker-a", 120, 51, last_ms=NOW_MS - 120_000)
    assert found(facts) == []


def test_members_that_want_different_things() -> None:
    facts = well()
    shared, more = (TOPIC, "TagA", "TAG"), (TOPIC, "TagB", "TAG")
    facts.wanted = {GROUP: {"a": frozenset({shared}), "b": frozenset({more})}}
    finding = only(facts)
    assert finding.check == "subscriptions"
    assert f"a wants {TOPIC} by TagA; b wants {TOPIC} by TagB" in finding.what


def test_clients_of_different_releases() -> None:
    facts = well()
    for each in facts.brokers:
        each.members[GROUP] = members(client("a"), client("b", version=ORDINALS["V3_2_6"]))
    assert [finding.check for finding in found(facts)] == ["client-versions", "old-client"]


@pytest.mark.parametrize(("host", "severity"), [("10.0.0.9", Severity.WARNING), ("10.0.0.7", Severity.ERROR)])
def test_one_client_id_twice(host: str, severity: Severity) -> None:
    facts = well()
    facts.brokers[0].members[GROUP] = members(client("a"), client("b"), client("a", 50001, host))
    assert (only(facts).check, only(facts).severity) == ("client-id", severity)


@pytest.mark.parametrize("name", ["consume_enable", "consume_broadcast_enable"])
def test_a_group_whose_row_forbids_it(name: str) -> None:
    facts = well()
    setattr(facts.brokers[0].groups[GROUP], name, False)
    for each in facts.brokers:
        each.members[GROUP].message_model = MessageModel.BROADCASTING
    assert (only(facts).check, only(facts).severity) == ("group-permission", Severity.ERROR)


def test_clients_without_a_queue() -> None:
    facts = well()
    for each in facts.brokers:
        each.topics[TOPIC] = TopicConfig(TOPIC, 1, 1)
        each.members[GROUP] = members(client("a"), client("b"), client("c"))
    assert only(facts).what == f"has 3 clients and {TOPIC} has 2 queues: the others get nothing of it"


def test_a_client_that_reaches_one_broker_only() -> None:
    facts = well()
    facts.brokers[1].members[GROUP] = members(client("a"))
    assert "client b is not known to broker-b" in only(facts).what


def test_many_clients() -> None:
    facts = well()
    facts.limits.clients = 2
    assert [finding.check for finding in found(facts)] == ["connections", "connections"]


# ---- the whole


def test_the_worst_comes_first_and_decides() -> None:
    facts = well()
    facts.brokers[0].closed_ports["VIP"] = "port 10909: refused"
    facts.name_servers[1].fault = "cannot be reached"
    told = findings(CLUSTER_CHECKS, facts)
    assert [finding.severity for finding in told] == [Severity.ERROR, Severity.WARNING]
    assert exit_code(told) == 2
    assert summary(told, "all") == "1 error and 1 warning in all"
    assert text(told[0]).startswith("ERROR   name server 10.0.0.9:9876: cannot be reached\n        -> ")
